"""A third tool: it answers a call with its arguments. Nothing outside of this file knows it."""

from collections.abc import Mapping, Sequence

from perdure.storage.database import Transaction
from perdure.tools.open_call import OpenCall
from perdure.tools.tool import (
    NoReplays,
    Prompter,
    RunWriter,
    ToolPrompt,
    ToolServices,
    free_name,
)
from perdure.wire.events import Delta, function_call_delta
from perdure.wire.run_steps import FunctionCall, FunctionToolCall, RunStep
from perdure.wire.runs import Run
from perdure.wire.tools import FunctionDefinition, FunctionTool


class OpenEcho(OpenCall):
    output: str | None = None

    @property
    def stored(self) -> FunctionToolCall:
        function = FunctionCall(name=self.name, arguments=self.arguments, output=self.output)
        return FunctionToolCall(id=self.id, function=function)

    def begin(self) -> Delta:
        return function_call_delta(self._step_id, self.index, self.id, self.name)


class RunEcho:
    def __init__(self, run: Run) -> None:
        self.name = free_name("echo", run)
        self.sources: Sequence[str] = ()
        self.is_closed = False

    def is_forced(self, choice: object) -> bool:
        return False

    def prompter(self) -> Prompter:
        return self._prompt

    def _prompt(self, tx: Transaction, steps: Sequence[RunStep]) -> ToolPrompt:
        return ToolPrompt(FunctionTool(function=FunctionDefinition(name=self.name)), NoReplays())

    def open_call(self, step_id: str, index: int, call_id: str) -> OpenEcho:
        return OpenEcho(step_id, index, call_id, self.name)

    async def answer(self, calls: Sequence[OpenCall], writer: RunWriter) -> None:
        for call in calls:
            assert isinstance(call, OpenEcho)
            call.output = call.arguments

    def withdraw(self, tx: Transaction, step: RunStep, *, project: str, now: int) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True


class EchoTool:
    """Belongs to the runs whose metadata asks for it."""

    upkeep = None

    def __init__(self, services: ToolServices) -> None:
        self.opened: list[RunEcho] = []

    async def open(self, run: Run) -> RunEcho | None:
        if "echo" not in run.metadata:
            return None
        self.opened.append(RunEcho(run))
        return self.opened[-1]

    def recall(
        self, run: Run, sources: Mapping[str, Sequence[str]]
    ) -> tuple[RunEcho, Prompter] | None:
        tool = RunEcho(run)
        return (tool, tool.prompter()) if tool.name in sources else None

    async def step(self) -> None:
        pass

    async def close(self) -> None:
        pass
