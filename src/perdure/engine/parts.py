"""A part of a message while the model writes it."""

from collections.abc import Iterable, Iterator
from typing import Literal

from perdure import lifecycle
from perdure.tools.citations import Citer, Piece
from perdure.wire.events import (
    FIRST_TEXT_TAIL,
    REFUSAL_TAIL,
    TEXT_TAIL,
    Delta,
    citation_head,
    refusal_head,
    text_head,
)
from perdure.wire.messages import Annotation, Part, RefusalPart, TextContent, TextPart

Kind = Literal["text", "refusal"]


class OpenPart:
    """What was told of the part so far, and how the next piece is told."""

    def __init__(self, kind: Kind, message_id: str, index: int, citer: Citer | None) -> None:
        self.kind = kind
        self.pieces: list[str] = []
        self.citer = citer
        self._annotations: list[Annotation] = []
        self._message_id = message_id
        self._index = index
        if kind == "text":
            self._head, self._tail = text_head(message_id, index), FIRST_TEXT_TAIL
            self._later_tail = TEXT_TAIL
        else:
            self._head = refusal_head(message_id, index)
            self._tail = self._later_tail = REFUSAL_TAIL

    @property
    def content(self) -> Part:
        """The part as it would be stored now."""
        text = "".join(self.pieces)
        if self.kind == "refusal":
            return RefusalPart(refusal=text)
        return TextPart(text=TextContent(value=text, annotations=list(self._annotations)))

    def delta(self, piece: str) -> Delta:
        """Adds plain text; once a token."""
        self.pieces.append(piece)
        tail, self._tail = self._tail, self._later_tail
        return Delta(lifecycle.MESSAGE_DELTA, self._head, piece, tail)

    def cited(self, pieces: Iterable[Piece]) -> Iterator[Delta]:
        """Adds what the filter for citations let through."""
        for text, annotation in pieces:
            if annotation is None:
                yield self.delta(text)
                continue
            head = citation_head(self._message_id, self._index, annotation, len(self._annotations))
            self._annotations.append(annotation)
            yield self.delta(text)._replace(head=head, tail=TEXT_TAIL)

    def closed(self) -> Iterator[Delta]:
        """Adds what the filter held back, at the end of the part."""
        citer, self.citer = self.citer, None
        if citer is not None:
            yield from self.cited(citer.finish())
