"""A call of code_interpreter while the model writes it and it is answered."""

from collections.abc import Iterator

from perdure.tools.code_interpreter.arguments import CodeReader
from perdure.tools.open_call import OpenCall
from perdure.wire.events import (
    Delta,
    code_call_delta,
    code_image_delta,
    code_input_delta,
    code_logs_delta,
)
from perdure.wire.run_steps import (
    CodeFile,
    CodeImage,
    CodeImageFile,
    CodeInterpreter,
    CodeInterpreterToolCall,
    CodeLogs,
    CodeOutput,
)


class OpenCodeCall(OpenCall):
    """Publishes its code as it is written, and its outputs as they come (spec 04 §3.4)."""

    has_live_outputs = True

    def __init__(self, step_id: str, index: int, call_id: str, name: str) -> None:
        super().__init__(step_id, index, call_id, name)
        self._delta = code_input_delta(step_id, index)
        self._reader = CodeReader()
        # each output: an image, or the fragments of one text
        self._outputs: list[CodeImage | list[str]] = []
        self._files: dict[str, str] = {}

    @property
    def code(self) -> str:
        """The code to run."""
        return self._reader.code

    @property
    def stored(self) -> CodeInterpreterToolCall:
        outputs: list[CodeOutput] = [
            CodeLogs(logs="".join(each)) if isinstance(each, list) else each
            for each in self._outputs
        ]
        files = [CodeFile(path=path, file_id=file_id) for path, file_id in self._files.items()]
        return CodeInterpreterToolCall(
            id=self.id,
            code_interpreter=CodeInterpreter(input=self.code, outputs=outputs, files=files),
        )

    def begin(self) -> Delta:
        return code_call_delta(self._step_id, self.index, self.id)

    def write(self, fragment: str) -> Iterator[Delta]:
        self._fragments.append(fragment)
        yield from self._input(self._reader.feed(fragment))

    def finish(self) -> Iterator[Delta]:
        """Takes note that the model has written all of it."""
        yield from self._input(self._reader.finish())

    def add_logs(self, text: str) -> Delta:
        """Adds text that the code wrote, to what it wrote just before."""
        last = self._outputs[-1] if self._outputs else None
        if not isinstance(last, list):
            self._outputs.append(last := [])
        last.append(text)
        return code_logs_delta(self._step_id, self.index, len(self._outputs) - 1, text)

    def add_note(self, text: str) -> Delta:
        """Adds something of ours to what the code wrote: user and model read it."""
        return self.add_logs(f"[{text}]\n")

    def add_image(self, file_id: str) -> Delta:
        """Adds an image that the code showed."""
        self._outputs.append(CodeImage(image=CodeImageFile(file_id=file_id)))
        return code_image_delta(self._step_id, self.index, len(self._outputs) - 1, file_id)

    def add_file(self, path: str, file_id: str) -> None:
        """Adds a file that the code wrote; it is published with the end of the step."""
        self._files[path] = file_id

    def _input(self, code: str) -> Iterator[Delta]:
        if code:
            yield self._delta.with_text(code)
