"""A part of a message while the model writes it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from msgspec.structs import replace

from perdure.providers.thinking import answer_start
from perdure.tools.annotation import AnnotatedText, Annotator
from perdure.wire.events import (
    Delta,
    annotated_delta,
    first_text_delta,
    image_part_delta,
    refusal_delta,
    text_delta,
)
from perdure.wire.messages import (
    Annotation,
    ImageFile,
    ImageFilePart,
    Part,
    RefusalPart,
    TextContent,
    TextPart,
)

Kind = Literal["text", "refusal"]


NewAnnotator = Callable[[], Annotator]


class ShownImage:
    """An image that code has shown: a part of its own, published as one delta."""

    kind = "image_file"
    thought = ""
    fragments: tuple[str, ...] = ()
    annotator = None

    def __init__(self, file_id: str, message_id: str, index: int) -> None:
        self.content: Part = ImageFilePart(image_file=ImageFile(file_id=file_id))
        self.delta = image_part_delta(message_id, index, file_id)


class OpenPart:
    """A part of text or of a refusal: its text so far, and its next delta."""

    def __init__(
        self, kind: Kind, message_id: str, index: int, annotator: Annotator | None
    ) -> None:
        self.kind = kind
        # True if a lone end may come in its text; see `thinking.py`.
        self.may_hold_thinking = False
        self.fragments: list[str] = []
        # What was read of so many fragments: it is asked for several times at the end of the part.
        self._read_count, self._known = 0, ("", 0)
        self.annotator = annotator
        self._annotations: list[Annotation] = []
        self._message_id = message_id
        self._index = index
        if kind == "text":
            self._next = first_text_delta(message_id, index)
            self._later = text_delta(message_id, index)
        else:
            self._next = self._later = refusal_delta(message_id, index)

    @property
    def content(self) -> Part:
        """The part as it would be stored now: without thinking that a lone end has ended."""
        if self.kind == "refusal":
            return RefusalPart(refusal="".join(self.fragments))
        text, start = self._read()
        annotations = [
            replace(each, start_index=each.start_index - start, end_index=each.end_index - start)
            for each in self._annotations
            if each.start_index >= start
        ]
        return TextPart(text=TextContent(value=text[start:], annotations=annotations))

    @property
    def thought(self) -> str:
        """The thinking with which the text of the part turned out to begin."""
        if not self.may_hold_thinking:
            return ""
        text, start = self._read()
        return text[:start]

    def _read(self) -> tuple[str, int]:
        """The text, and where the answer begins in it."""
        if self._read_count != len(self.fragments):
            text = "".join(self.fragments)
            self._known = text, answer_start(text) if self.may_hold_thinking else 0
            self._read_count = len(self.fragments)
        return self._known

    def delta(self, fragment: str) -> Delta:
        """Adds plain text; once a token."""
        self.fragments.append(fragment)
        delta, self._next = self._next, self._later
        return delta.with_text(fragment)

    def annotated(self, fragments: Iterable[AnnotatedText]) -> Iterator[Delta]:
        """Adds what the annotator let through."""
        for text, annotation in fragments:
            if annotation is None:
                yield self.delta(text)
                continue
            number = len(self._annotations)
            self._annotations.append(annotation)
            self.fragments.append(text)
            self._next = self._later
            yield annotated_delta(self._message_id, self._index, annotation, number, text=text)

    def closed(self) -> Iterator[Delta]:
        """Adds what the annotator held back, at the end of the part."""
        annotator, self.annotator = self.annotator, None
        if annotator is not None:
            yield from self.annotated(annotator.finish())
