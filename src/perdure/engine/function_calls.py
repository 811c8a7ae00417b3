"""A call of a function while the model writes it: the client's to answer."""

from collections.abc import Iterator, Sequence

from perdure.tools.open_call import OpenCall
from perdure.wire.events import Delta, arguments_delta, function_call_delta
from perdure.wire.run_steps import FunctionCall, FunctionToolCall


class OpenFunctionCall(OpenCall):
    """Publishes its arguments as they are written."""

    asks_client = True

    def __init__(self, step_id: str, index: int, call_id: str, name: str) -> None:
        super().__init__(step_id, index, call_id, name)
        self._delta = arguments_delta(step_id, index)

    @property
    def stored(self) -> FunctionToolCall:
        return FunctionToolCall(
            id=self.id, function=FunctionCall(name=self.name, arguments=self.arguments)
        )

    def begin(self) -> Delta:
        return function_call_delta(self._step_id, self.index, self.id, self.name)

    def write(self, fragment: str) -> Iterator[Delta]:
        self._fragments.append(fragment)
        yield self._delta.with_text(fragment)


class OpenUnknownCall(OpenFunctionCall):
    """A call of a tool that does not exist, in a run without functions: the client knows nothing
    of it, and so the server answers. `offered` are the names of the tools that exist.
    """

    asks_client = False

    def __init__(
        self, step_id: str, index: int, call_id: str, name: str, *, offered: Sequence[str]
    ) -> None:
        super().__init__(step_id, index, call_id, name)
        others = f"The tools are: {', '.join(offered)}." if offered else "There are no tools."
        self._output = f"There is no tool '{name}'. {others}"

    @property
    def stored(self) -> FunctionToolCall:
        function = FunctionCall(name=self.name, arguments=self.arguments, output=self._output)
        return FunctionToolCall(id=self.id, function=function)
