"""Text of the model's answer on its way through the filters of the tools, which annotate it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from perdure.wire.messages import FileCitationAnnotation, FilePathAnnotation


class AnnotatedText(NamedTuple):
    """A fragment of the answer. One with an annotation is exactly the text that it annotates."""

    text: str
    annotation: FileCitationAnnotation | FilePathAnnotation | None = None


class TextFilter(Protocol):
    """Annotates one text part, and may change its text.

    The same text gives the same result however it is cut into fragments. Annotated fragments of
    filters before this one pass unchanged. A filter that changes text must come before those that
    do not, since annotations count characters from the beginning of the part.
    """

    def feed(self, fragments: Iterable[AnnotatedText]) -> list[AnnotatedText]:
        """Takes fragments; returns what is certain by now."""
        ...

    def finish(self) -> list[AnnotatedText]:
        """Returns what was held back, at the end of the part."""
        ...


class Annotator:
    """The filters of all tools, one after the other, for one text part."""

    def __init__(self, filters: Sequence[TextFilter]) -> None:
        self._filters = filters

    def feed(self, text: str) -> list[AnnotatedText]:
        """Takes a fragment of text; returns what is certain by now."""
        fragments = [AnnotatedText(text)]
        for each in self._filters:
            fragments = each.feed(fragments)
        return fragments

    def finish(self) -> list[AnnotatedText]:
        """Returns what was held back, at the end of the part."""
        fragments: list[AnnotatedText] = []
        for each in self._filters:
            fragments = [*each.feed(fragments), *each.finish()]
        return fragments
