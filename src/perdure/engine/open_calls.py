"""A tool call while the model makes it and the server answers it: what is told of it, what is kept.

A call of a function is the client's to answer; the others are ours.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from perdure import lifecycle
from perdure.tools.code_arguments import CodeReader
from perdure.wire.base import to_json_object
from perdure.wire.events import (
    ARGUMENTS_TAIL,
    CODE_INPUT_TAIL,
    CODE_LOGS_TAIL,
    Delta,
    DeltaPart,
    arguments_head,
    code_call_delta,
    code_image_delta,
    code_input_head,
    code_logs_head,
    file_search_delta,
    function_call_delta,
)
from perdure.wire.run_steps import (
    CodeFile,
    CodeImage,
    CodeImageFile,
    CodeInterpreter,
    CodeInterpreterToolCall,
    CodeLogs,
    CodeOutput,
    FileSearch,
    FileSearchToolCall,
    FunctionCall,
    FunctionToolCall,
    StepSearchRanking,
    ToolCall,
)


class OpenFunctionCall:
    """A call of one of the client's functions: told as it is written."""

    asks_client: ClassVar[bool] = True

    def __init__(self, step_id: str, index: int, call_id: str, name: str) -> None:
        self.id = call_id
        self.name = name
        self.index = index
        self._step_id = step_id
        self._head = arguments_head(step_id, index)
        self._part = DeltaPart(index)
        self._pieces: list[str] = []

    @property
    def arguments(self) -> str:
        """What the model has written so far."""
        return "".join(self._pieces)

    @property
    def kept(self) -> ToolCall:
        """The call as the step keeps it."""
        return FunctionToolCall(
            id=self.id, function=FunctionCall(name=self.name, arguments=self.arguments)
        )

    def begun(self) -> Delta:
        """What is told first."""
        return function_call_delta(self._step_id, self.index, self.id, self.name)

    def written(self, piece: str) -> Iterator[Delta]:
        """Adds a piece of the arguments."""
        self._pieces.append(piece)
        yield Delta(lifecycle.STEP_DELTA, self._head, piece, ARGUMENTS_TAIL, self._part)


class OpenUnknownCall(OpenFunctionCall):
    """A call of a tool that there is not, in a run without functions: the client knows nothing of
    it, and so the model is told. `offered` are the names of the tools that there are.
    """

    asks_client = False

    def __init__(
        self, step_id: str, index: int, call_id: str, name: str, *, offered: Sequence[str]
    ) -> None:
        super().__init__(step_id, index, call_id, name)
        others = f"The tools are: {', '.join(offered)}." if offered else "There are no tools."
        self._output = f"There is no tool '{name}'. {others}"

    @property
    def kept(self) -> ToolCall:
        function = FunctionCall(name=self.name, arguments=self.arguments, output=self._output)
        return FunctionToolCall(id=self.id, function=function)


class OpenSearchCall(OpenFunctionCall):
    """A call of file_search: nothing of it is told before its step ends but how it ranks (spec 04
    §3.3).
    """

    asks_client = False

    def __init__(
        self, step_id: str, index: int, call_id: str, name: str, *, ranking: StepSearchRanking
    ) -> None:
        super().__init__(step_id, index, call_id, name)
        self.answered: FileSearchToolCall | None = None
        self._ranking = ranking

    @property
    def kept(self) -> ToolCall:
        asked = FileSearch(ranking_options=self._ranking)
        return self.answered or FileSearchToolCall(id=self.id, file_search=asked)

    def begun(self) -> Delta:
        ranking = to_json_object(self._ranking)
        return file_search_delta(self._step_id, self.index, self.id, ranking)

    def written(self, piece: str) -> Iterator[Delta]:
        self._pieces.append(piece)
        yield from ()


class OpenCodeCall(OpenFunctionCall):
    """A call of code_interpreter: its code is told as it is written, and its outputs as they come
    (spec 04 §3.4).
    """

    asks_client = False

    def __init__(self, step_id: str, index: int, call_id: str, name: str) -> None:
        super().__init__(step_id, index, call_id, name)
        self._head = code_input_head(step_id, index)
        self._reader = CodeReader()
        # each output: an image, or the pieces of one text
        self._outputs: list[CodeImage | list[str]] = []
        self._files: dict[str, str] = {}

    @property
    def code(self) -> str:
        """What is to be run."""
        return self._reader.code

    @property
    def kept(self) -> ToolCall:
        outputs: list[CodeOutput] = [
            CodeLogs(logs="".join(each)) if isinstance(each, list) else each
            for each in self._outputs
        ]
        files = [CodeFile(path=path, file_id=file_id) for path, file_id in self._files.items()]
        return CodeInterpreterToolCall(
            id=self.id,
            code_interpreter=CodeInterpreter(input=self.code, outputs=outputs, files=files),
        )

    def begun(self) -> Delta:
        return code_call_delta(self._step_id, self.index, self.id)

    def written(self, piece: str) -> Iterator[Delta]:
        self._pieces.append(piece)
        yield from self._input(self._reader.feed(piece))

    def complete(self) -> Iterator[Delta]:
        """The model has written all of it."""
        yield from self._input(self._reader.finish())

    def logged(self, text: str) -> Delta:
        """Adds text that the code wrote, to what it wrote just before."""
        last = self._outputs[-1] if self._outputs else None
        if not isinstance(last, list):
            self._outputs.append(last := [])
        last.append(text)
        head = code_logs_head(self._step_id, self.index, len(self._outputs) - 1)
        part = DeltaPart(self.index, len(self._outputs))
        return Delta(lifecycle.STEP_DELTA, head, text, CODE_LOGS_TAIL, part)

    def noted(self, text: str) -> Delta:
        """Adds something of ours to what the code wrote: user and model read it."""
        return self.logged(f"[{text}]\n")

    def shown(self, file_id: str) -> Delta:
        """Adds an image that the code showed."""
        self._outputs.append(CodeImage(image=CodeImageFile(file_id=file_id)))
        return code_image_delta(self._step_id, self.index, len(self._outputs) - 1, file_id)

    def left(self, path: str, file_id: str) -> None:
        """Adds a file that the code wrote; it is told with the end of the step."""
        self._files[path] = file_id

    def _input(self, code: str) -> Iterator[Delta]:
        if code:
            yield Delta(lifecycle.STEP_DELTA, self._head, code, CODE_INPUT_TAIL, self._part)
