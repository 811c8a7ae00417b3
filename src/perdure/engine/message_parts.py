"""A part of a message while the model writes it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from msgspec.structs import replace

from perdure import lifecycle
from perdure.providers.thinking import answer_start
from perdure.tools.annotation import AnnotatedText, Annotator
from perdure.wire.events import (
    FIRST_TEXT_TAIL,
    REFUSAL_TAIL,
    TEXT_TAIL,
    Delta,
    DeltaPart,
    annotation_head,
    image_part_delta,
    refusal_head,
    text_head,
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
        self._part = DeltaPart(index)
        if kind == "text":
            self._head, self._tail = text_head(message_id, index), FIRST_TEXT_TAIL
            self._later_tail = TEXT_TAIL
        else:
            self._head = refusal_head(message_id, index)
            self._tail = self._later_tail = REFUSAL_TAIL

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
        tail, self._tail = self._tail, self._later_tail
        return Delta(lifecycle.MESSAGE_DELTA, self._head, fragment, tail, self._part)

    def annotated(self, fragments: Iterable[AnnotatedText]) -> Iterator[Delta]:
        """Adds what the annotator let through."""
        for text, annotation in fragments:
            if annotation is None:
                yield self.delta(text)
                continue
            number = len(self._annotations)
            head = annotation_head(self._message_id, self._index, annotation, number)
            self._annotations.append(annotation)
            yield self.delta(text)._replace(head=head, tail=TEXT_TAIL)

    def closed(self) -> Iterator[Delta]:
        """Adds what the annotator held back, at the end of the part."""
        annotator, self.annotator = self.annotator, None
        if annotator is not None:
            yield from self.annotated(annotator.finish())
