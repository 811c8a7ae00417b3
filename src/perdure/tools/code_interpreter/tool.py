"""The code_interpreter tool: its calls, and the sessions that it keeps ready."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from perdure.commands import assistants, files, threads
from perdure.storage.database import Transaction
from perdure.tools.code_interpreter import definition, file_names, results, thread_files
from perdure.tools.code_interpreter.call import OpenCodeCall
from perdure.tools.code_interpreter.execution import CodeRunner
from perdure.tools.code_interpreter.file_links import Linker
from perdure.tools.code_interpreter.file_names import Names
from perdure.tools.code_interpreter.results import CodeReplays
from perdure.tools.open_call import OpenCall
from perdure.tools.tool import Prompter, RunWriter, ToolPrompt, ToolServices, Upkeep, free_name
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import Run
from perdure.wire.tools import CodeInterpreterChoice

_NAME = "python"
# In front of the names of packages among the sources of a prompt; the others are ids of files.
_PACKAGE = "+"


class CodeTool:
    """The tool of one server; see `Tool`."""

    upkeep = Upkeep("code sessions", 1.0)

    def __init__(self, services: ToolServices) -> None:
        self._database = services.database
        self._sessions = services.sessions
        self._runner = CodeRunner(services)
        # Sessions that are kept ready cost memory: only who uses the tool pays.
        self._is_in_use: bool | None = None

    async def open(self, run: Run) -> "RunCodeTool | None":
        if not definition.is_offered(run):
            return None
        self._is_in_use = True
        return RunCodeTool(self._runner, run, await self._sessions.packages())

    def recall(
        self, run: Run, sources: Mapping[str, Sequence[str]]
    ) -> "tuple[RunCodeTool, Prompter] | None":
        given = sources.get(free_name(_NAME, run))
        if given is None or not definition.is_offered(run):
            return None
        packages = [each.removeprefix(_PACKAGE) for each in given if each.startswith(_PACKAGE)]
        tool = RunCodeTool(self._runner, run, packages)
        named = [each for each in given if not each.startswith(_PACKAGE)]
        return tool, partial(tool.recalled_prompt, named)

    async def step(self) -> None:
        """Ends sessions of deleted threads and those that were not used for long, and keeps some
        ready where the tool is in use.
        """
        if self._is_in_use is None:
            self._is_in_use = await self._database.read(assistants.any_runs_code)
        if self._is_in_use:
            if keys := self._sessions.keys:
                for thread_id in await self._database.read(threads.find_deleted, keys):
                    await self._sessions.end(thread_id)
            await self._sessions.step()

    async def close(self) -> None:
        """Ends all sessions."""
        await self._runner.close()


class RunCodeTool:
    """The tool in one execution; see `RunTool`. The session stays with it until it is closed."""

    def __init__(self, runner: CodeRunner, run: Run, packages: Sequence[str]) -> None:
        self.name = free_name(_NAME, run)
        self.sources: Sequence[str] = ()
        self._runner = runner
        self._run = run
        self._packages = packages
        self._until = ExitStack()

    def is_forced(self, choice: object) -> bool:
        return isinstance(choice, CodeInterpreterChoice)

    def prompter(self) -> Prompter:
        return partial(self._prompt, self._runner.names(self._run))

    def _prompt(self, there: Names, tx: Transaction, steps: Sequence[RunStep]) -> ToolPrompt:
        run = self._run
        given = [content.file for content in thread_files.files_of_run(tx, run)]
        names = file_names.names(given, there)
        links = results.files([*thread_files.steps_before(tx, run), *steps])
        return ToolPrompt(
            definition.definition(self.name, list(names.values()), self._packages),
            CodeReplays(steps),
            (lambda: Linker(links)) if links else None,
            results.images(steps),
            (*file_names.references(given, names), *self._package_sources()),
        )

    def recalled_prompt(
        self, given: Sequence[str], tx: Transaction, steps: Sequence[RunStep]
    ) -> ToolPrompt:
        """The prompt of an earlier model call that was given these files."""
        numbers = file_names.numbers(given)
        contents = files.contents_for_run(tx, self._run.id, numbers)
        there = [content.file for content in contents.values()]
        names = [file_names.nth(file, numbers[file.id]) for file in there]
        told = definition.definition(self.name, names, self._packages)
        return ToolPrompt(told, CodeReplays(steps))

    def _package_sources(self) -> Iterator[str]:
        """The packages that the definition names, as sources."""
        for name in definition.named_packages(self._packages):
            yield f"{_PACKAGE}{name}"

    def open_call(self, step_id: str, index: int, call_id: str) -> OpenCodeCall:
        return OpenCodeCall(step_id, index, call_id, self.name)

    async def answer(self, calls: Sequence[OpenCall], writer: RunWriter) -> None:
        codes = [call for call in calls if isinstance(call, OpenCodeCall)]
        await self._runner.run(codes, writer, self._until)

    def withdraw(self, tx: Transaction, step: RunStep, *, project: str, now: int) -> None:
        thread_files.withdraw(tx, self._run, step, project=project, now=now)

    def close(self) -> None:
        self._until.close()
