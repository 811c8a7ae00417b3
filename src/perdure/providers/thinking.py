"""Removal of the thinking that a model writes into its text, in front of the answer. No I/O.

Thinking stands between tags, or in gpt-oss's channels, at the beginning of the text. Templates that
put the first tag into the prompt leave the model only the last one: a lone end. The result does not
depend on the fragments in which the text comes. `docs/thinking.md` has the rules.
"""

import re

import msgspec

_NAMES = ("think", "thinking", "reasoning")
_ENDS = tuple(f"</{name}>" for name in _NAMES)
_CHANNELS = ("<|channel|>", "<|start|>")
_STARTS = (*(f"<{name}>" for name in _NAMES), *_CHANNELS)
_STARTS_OR_ENDS = (*_STARTS, *_ENDS)
_TAG = re.compile(rf"<(/?)({'|'.join(_NAMES)})>")
# The longest tag but for its last character, and what stands before it.
_CARRIED = max(map(len, _ENDS))
# Before a tag these say that the text is about the tag.
_QUOTES = frozenset("`'\"")
_TOKEN = re.compile(r"<\|(start|end|message|channel|constrain|return|call)\|>")
_TOKEN_BEGUN = re.compile(r"<(?:\|(?:[a-z]{1,9}\|?)?)?\Z")
# So much thinking in a row is looked for; a hostile server could send blocks without end.
_MOST_BLOCKS = 16
# Of what says where a message in channels goes, so much is read.
_LONGEST_HEADER = 256
_ANSWERS = re.compile(r"<\|channel\|>\s*final\b")


class LoneEnd:
    """Finds the end of thinking whose beginning is not in the text, which comes in fragments.

    It is an end tag that no tag before it has opened, and that is not in quotes.
    """

    def __init__(self) -> None:
        self._carried = ""
        # The number of carried characters that were looked at.
        self._seen = 0
        self._opened = dict.fromkeys(_NAMES, 0)

    def feed(self, text: str) -> int | None:
        """Reads on. Returns the position behind the tag in this text, if it is there."""
        joined = self._carried + text
        seen = self._seen
        for tag in _TAG.finditer(joined, seen):
            seen = tag.end()
            closes, name = tag.groups()
            if not closes:
                self._opened[name] += 1
            elif self._opened[name]:
                self._opened[name] -= 1
            elif joined[max(0, tag.start() - 1) : tag.start()] not in _QUOTES:
                return seen - len(self._carried)
        dropped = max(0, len(joined) - _CARRIED)
        self._carried, self._seen = joined[dropped:], max(0, seen - dropped)
        return None


class Thinking:
    """Filter of the thinking in one answer: `feed` and `finish` return the text without it.

    `hides`: thinking is removed at all. `may_be_open`: there may be lone ends. `is_open`: one is
    expected, so that all text up to it is held back.
    """

    def __init__(
        self, *, hides: bool = True, may_be_open: bool = True, is_open: bool = False
    ) -> None:
        # True once all that follows is the answer.
        self.is_passed = not hides
        # True if a lone end may come in text that was returned.
        self.may_end_later = hides and may_be_open
        # True if a lone end was found; true if a whole answer lacked the one expected.
        self.found_lone_end = False
        self.lacked_end = False
        self._is_open = is_open and may_be_open
        self._starts = _STARTS_OR_ENDS if may_be_open else _STARTS
        # All text that was not returned, as it came; how many of these fragments are certainly
        # thinking.
        self._taken: list[str] = []
        self._closed = 0
        self._blocks = 0
        self._stage = Thinking._begin
        # Text to be read again with the next fragment.
        self._begun = ""
        # The tag that ends it; or what looks for one.
        self._end = ""
        self._lone_end: LoneEnd | None = None
        # In channels: what says where a message goes, while it is written; what it says.
        self._header: str | None = None
        self._is_final = self._has_answered = False

    @property
    def thought(self) -> str:
        """The text that was removed so far, with its tags and the white space around."""
        begun = "" if self._stage is Thinking._begin else self._begun
        return "".join([*self._taken, begun])

    def feed(self, text: str) -> str:
        """Returns the text that can be published now that this fragment has come."""
        while text and not self.is_passed:
            if self._stage is Thinking._in_channels:
                return self._in_channels(text)
            text = self._stage(self, text)
        return text

    def finish(self, *, is_whole: bool) -> str:
        """Returns the text that was held back and is no thinking, at the end of the answer.

        Thinking without an end tag is text if the answer is whole.
        """
        if self.is_passed:
            return ""
        self.may_end_later = False
        is_beginning, in_channels = (
            self._stage is each for each in (Thinking._begin, Thinking._in_channels)
        )
        begun, held = self._begun, "".join(self._taken[self._closed :])
        if in_channels and self._is_final:
            self._begun = ""
            return begun
        if (in_channels and self._closed) or not (is_beginning or is_whole):
            return ""
        self.is_passed, self._begun = True, ""
        self.lacked_end = self._stage is Thinking._awaited
        text = held + begun
        if self._closed:
            # The white space behind thinking belongs to it.
            text = text.lstrip()
            held = held[: len(held) + len(begun) - len(text)]
        self._taken[self._closed :] = [held] if self._closed else []
        return text

    def _begin(self, text: str) -> str:
        """Reads the beginning of the answer, or what follows thinking. As each stage, it returns
        the rest.
        """
        if not self._begun:
            rest = text.lstrip()
            self._taken.append(text[: len(text) - len(rest)])
            if not rest:
                return ""
            text = rest
        self._begun += text
        may_be_tag = self._begun[0] == "<" and self._blocks < _MOST_BLOCKS
        tags = self._starts if may_be_tag else ()
        tag = next((each for each in tags if self._begun.startswith(each)), None)
        if tag is None and any(each.startswith(self._begun) for each in tags):
            return ""
        begun, self._begun = self._begun, ""
        if tag is not None:
            self._open(tag)
            return begun[len(tag) :]
        if self._is_open:
            self._stage, self._lone_end = Thinking._awaited, LoneEnd()
            return begun
        self.is_passed = True
        if self._closed:
            self.may_end_later = False
            return begun
        blank, self._taken = "".join(self._taken), []
        return blank + begun

    def _open(self, tag: str) -> None:
        """Enters the stage that this tag begins, or ends thinking with it."""
        self._blocks += 1
        self._taken.append(tag)
        if tag in _ENDS:
            self.found_lone_end = self.found_lone_end or not self._closed
            self._close()
        elif tag in _CHANNELS:
            self._stage, self._header, self.may_end_later = Thinking._in_channels, tag, False
        else:
            self._stage, self._end = Thinking._within, tag.replace("<", "</")

    def _close(self) -> None:
        self._closed = len(self._taken)
        self._stage, self._is_open = Thinking._begin, False

    def _within(self, text: str) -> str:
        """Reads text between the tags."""
        joined, self._begun = self._begun + text, ""
        at = joined.find(self._end)
        if at >= 0:
            end = at + len(self._end)
            self._taken.append(joined[:end])
            self._close()
            return joined[end:]
        kept = max(0, len(joined) - len(self._end) + 1)
        self._taken.append(joined[:kept])
        self._begun = joined[kept:]
        return ""

    def _awaited(self, text: str) -> str:
        """Reads text in front of the lone end that is expected."""
        assert self._lone_end is not None  # noqa: S101 # see `_begin`
        end = self._lone_end.feed(text)
        self._taken.append(text[:end])
        if end is None:
            return ""
        self.found_lone_end = True
        self._close()
        return text[end:]

    def _in_channels(self, text: str) -> str:
        """Reads messages in channels. The text of the final one is the answer, and is returned."""
        text, self._begun = self._begun + text, ""
        told, at = [], 0
        for token in _TOKEN.finditer(text):
            told.append(self._said(text[at : token.start()]))
            self._mark(token[1], token[0])
            at = token.end()
        begun = _TOKEN_BEGUN.search(text, at)
        rest = begun.start() if begun else len(text)
        told.append(self._said(text[at:rest]))
        self._begun = text[rest:]
        return "".join(told)

    def _said(self, text: str) -> str:
        """Reads the text between two marks of channels."""
        answer = ""
        if self._header is not None:
            self._header = (self._header + text)[:_LONGEST_HEADER]
        elif self._is_final:
            answer = text if self._has_answered else text.lstrip()
            self._has_answered = self._has_answered or bool(answer)
        self._taken.append(text[: len(text) - len(answer)])
        return answer

    def _mark(self, name: str, token: str) -> None:
        self._taken.append(token)
        match name:
            case "message":
                self._is_final = bool(_ANSWERS.search(self._header or ""))
                self._header = None
            case "start" | "end" | "return" | "call":
                self._is_final, self._header = False, token
            case _:
                self._header = ((self._header or "") + token)[:_LONGEST_HEADER]
        if name in ("end", "return", "call") or self._is_final:
            self._closed = len(self._taken)


def answer_start(text: str) -> int:
    """Returns the position of the answer in a published text that holds a lone end; 0 if it holds
    none.

    A text that is JSON as a whole holds none.
    """
    if "</" not in text or _is_json(text):
        return 0
    thinking = Thinking(is_open=True)
    answer = thinking.feed(text) + thinking.finish(is_whole=True)
    return len(text) - len(answer) if thinking.found_lone_end else 0


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
