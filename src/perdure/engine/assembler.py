"""From the fragments of a round to its tool calls.

Model servers cut calls in many ways, and not all of them say where one ends: `docs/tool-calls.md`
lists the ways, and what decides. No I/O; a fragment costs as much as it is long.
"""

import json
import re
from collections.abc import Iterable, Sequence
from itertools import count
from typing import NamedTuple

from perdure.engine import tool_names
from perdure.engine.object_end import ObjectEndScanner
from perdure.errors import ProviderError
from perdure.wire.base import JsonObject
from perdure.wire.chat import ToolCallDelta

# Far beyond what a model does, and what it costs to hold them is not much.
_MOST_CALLS = 1024
# Of a name only so much is read: the API knows no longer ones than 64.
_LONGEST_NAME = 1024
# What begins a value that is no object: behind an object it is left out.
_OTHER_VALUE = re.compile(r'["\[]|-?\d|(?:true|false|null)\b')
# What may stand between two objects; those that are empty say nothing.
_BETWEEN = re.compile(r"(?:[\s,;]++|\{\s*+\})*+")


class CallBegun(NamedTuple):
    """A call, told for the first time. `place` counts the calls that were told, from 0; `id` is
    the model's own, if it has given one; `name` is that of an offered tool, if it means one.
    """

    place: int
    id: str | None
    name: str


class ArgumentsWritten(NamedTuple):
    """A fragment of the arguments of the call at this place."""

    place: int
    fragment: str


Told = CallBegun | ArgumentsWritten


class AssembledCall:
    """A call, as far as its fragments have come.

    `place` is its place among the calls that were told, None before that. `extra` is for whoever
    keeps what fragments carry besides: nothing here reads it.
    """

    def __init__(
        self, index: int | None, chunk: int, *, name: str, call_id: str | None, is_sure: bool
    ) -> None:
        self.index = index
        self.chunk = chunk
        self.id = call_id
        self.name = name[:_LONGEST_NAME]
        self.place: int | None = None
        self.extra: JsonObject = {}
        self.scanner = ObjectEndScanner()
        # one that is not may be the end of the call before, unless its arguments say something
        self._is_sure = is_sure
        self._has_own_id = call_id is not None
        self._pieces: list[str] = []
        self._left_out: list[str] = []
        self._told = 0
        self._fingerprint: int | None = None

    @property
    def arguments(self) -> str:
        """The arguments so far."""
        return "".join(self._pieces)

    @property
    def has_content(self) -> bool:
        """True if the arguments are more than nothing, `{}` or `null`."""
        return not self.scanner.is_void

    @property
    def is_call(self) -> bool:
        """True if what has come is a call, if nothing else comes."""
        if not self.name:
            return False
        return self._is_sure or self.has_content or (self._has_own_id and bool(self.arguments))

    @property
    def may_be_call(self) -> bool:
        """True if it is one, or has begun as one does: those behind it are not told before it."""
        return self.is_call or self.has_content or (self._is_sure and self.id is not None)

    def is_same(self, fingerprint: int | None) -> bool:
        """True if these are its arguments, which are complete."""
        if self._fingerprint is None:
            self._fingerprint = _fingerprint(self.arguments)
        return self._fingerprint == fingerprint

    def add(self, text: str, start: int) -> int:
        """Adds arguments; where they end in this text, or its length."""
        end = self.scanner.feed(text, start)
        self._pieces.append(text[start:end])
        return end

    def leave_out(self, text: str) -> None:
        """Keeps what may stand between these arguments and the next, in case it does not."""
        self._left_out.append(text)

    def add_rest(self, text: str) -> None:
        """Adds what stands behind the arguments and is none: as the model wrote it."""
        self.scanner.take_as_text()
        self._pieces += [*self._left_out, text]

    def restart(self) -> None:
        """Takes back arguments that say nothing, and that nobody was told."""
        self.scanner = ObjectEndScanner()
        self._pieces, self._left_out = [], []
        self._fingerprint = None

    def untold(self) -> str:
        """The arguments that were not told yet; told from now on."""
        told, self._told = self._told, len(self._pieces)
        return self._pieces[-1] if self._told == told + 1 else "".join(self._pieces[told:])


class Assembler:
    """The calls of one round; `offered` are the names of the tools that the model was given."""

    def __init__(self, offered: Iterable[str] = ()) -> None:
        self.calls: list[AssembledCall] = []
        self._offered = frozenset(offered)
        # the call that goes on at an index; the calls by all the ids that they were given
        self._at: dict[int | None, AssembledCall] = {}
        self._ids: dict[str, AssembledCall] = {}
        self._last: AssembledCall | None = None
        self._chunk = 0
        # in order, the calls that were not told yet
        self._waiting: list[AssembledCall] = []
        self._places = count()
        self._news: list[Told] = []

    @property
    def has_nameless(self) -> bool:
        """True if there are arguments of a call that has no name."""
        return any(call.has_content and not call.name for call in self.calls)

    def feed(self, fragments: Sequence[ToolCallDelta]) -> list[AssembledCall]:
        """Takes the fragments of one chunk; the call that each of them belongs to.

        Raises `ProviderError` for more calls than any model makes.
        """
        self._chunk += 1
        found = [self._take(fragment) for fragment in fragments]
        if self._waiting:
            self._begin()
        return found

    def finish(self) -> None:
        """The round has ended: what waited is told, and calls without arguments get `{}`."""
        for call in self._waiting:
            if call.is_call:
                self._tell(call)
        self._waiting = []
        for call in self.calls:
            if call.place is not None and not call.has_content:
                said = call.untold()
                is_whole = call.scanner.is_complete or said.strip() in ("", "null")
                self._news.append(ArgumentsWritten(call.place, "{}" if is_whole else said))

    def news(self) -> list[Told]:
        """The news of the calls since the last time."""
        news, self._news = self._news, []
        return news

    def _take(self, fragment: ToolCallDelta) -> AssembledCall:
        function = fragment.function
        name = (function.name if function else None) or ""
        arguments = (function.arguments if function else None) or ""
        call_id = fragment.id or None
        call = self._found(fragment.index, call_id, name)
        if call is None:
            call = self._open(fragment.index, name=name, call_id=call_id, is_sure=True)
        elif name or call_id or call.scanner.is_complete:
            repeated = self._repeated(call, call_id, name, arguments)
            if repeated is not None:
                return repeated
            if self._is_another(call, call_id, name, arguments):
                is_sure = name != call.name or bool(arguments.strip())
                call = self._open(call.index, name=name, call_id=call_id, is_sure=is_sure)
            self._identify(call, call_id, name)
        return self._write(call, arguments, call_id)

    def _found(self, index: int | None, call_id: str | None, name: str) -> AssembledCall | None:
        """The call that a fragment goes on with, if it does not begin another one."""
        known = self._ids.get(call_id) if call_id else None
        if index is None:
            return known or self._last
        if known is None or known.index == index:
            return known or self._at.get(index)
        # An index for each fragment, or an id for all calls?
        goes_on = not known.scanner.is_complete and name in ("", known.name)
        return self._at.get(index) or (known if goes_on else None)

    def _is_another(
        self, call: AssembledCall, call_id: str | None, name: str, arguments: str
    ) -> bool:
        """True if a fragment with this begins a call behind or beside the one at its index."""
        if not name or not call.name:
            return False
        is_other_id = self._is_other(call, call_id)
        if call.scanner.is_complete:
            # Whoever goes on with a call says its id, or nothing but arguments.
            opens = call_id is None and arguments.lstrip().startswith("{")
            return name != call.name or is_other_id or opens
        if name == call.name:
            return False
        if call.has_content:
            return is_other_id or (call_id is None and self._means(name) is not None)
        return is_other_id or self._are_two(call.name, name)

    def _is_other(self, call: AssembledCall, call_id: str | None) -> bool:
        """True if the id is not this call's, which has one."""
        if call_id is None or call.id is None:
            return False
        return call_id != call.id and self._ids.get(call_id) is not call

    def _are_two(self, first: str, second: str) -> bool:
        """True if these are two names, and not two fragments of one."""
        if first + second in self._offered:
            return False
        return self._means(first) is not None and self._means(second) is not None

    def _means(self, name: str) -> str | None:
        return tool_names.offered(name, self._offered)

    def _repeated(
        self, call: AssembledCall, call_id: str | None, name: str, arguments: str
    ) -> AssembledCall | None:
        """The call that is said once more, as a whole, in a later chunk."""
        if not call.scanner.is_complete or self._is_other(call, call_id):
            return None
        if not arguments.lstrip().startswith("{"):
            return None
        fingerprint = _fingerprint(arguments)
        if fingerprint is None:
            return None
        same = [each for each in self.calls if each.index == call.index and each.name == name]
        for earlier in same if name else [call]:
            is_earlier = earlier.scanner.is_complete and earlier.chunk < self._chunk
            if is_earlier and earlier.is_same(fingerprint):
                return earlier
        return None

    def _open(
        self, index: int | None, *, name: str, call_id: str | None, is_sure: bool
    ) -> AssembledCall:
        if len(self.calls) == _MOST_CALLS:
            message = f"The model made more than {_MOST_CALLS} tool calls in one answer."
            raise ProviderError(message)
        call = AssembledCall(index, self._chunk, name=name, call_id=call_id, is_sure=is_sure)
        self.calls.append(call)
        self._waiting.append(call)
        if call_id:
            self._ids[call_id] = call
        return call

    def _identify(self, call: AssembledCall, call_id: str | None, name: str) -> None:
        """Takes an id and a name that come late, or in fragments; a name is not changed any more
        once it may have been told.
        """
        if call_id and not call.scanner.is_complete:
            call.id = call.id or call_id
            self._ids[call_id] = call
        is_open = call.place is None and not (call.name and call.has_content)
        if is_open and name != call.name and name:
            call.name = (call.name + name)[:_LONGEST_NAME]

    def _write(self, call: AssembledCall, text: str, call_id: str | None) -> AssembledCall:
        """Adds arguments to a call, and to those that begin behind it; the first one's is the
        fragment.
        """
        at, owner = 0, None
        while at < len(text):
            if call.scanner.is_complete:
                between = _BETWEEN.match(text, at)
                if between is not None:
                    call.leave_out(between[0])
                    at = between.end()
                if at == len(text):
                    break
                if _OTHER_VALUE.match(text, at):
                    break
                if text[at] != "{":
                    call.add_rest(text[at:])
                    at = len(text)
                elif call.has_content:
                    own = call_id if call_id and self._is_other(call, call_id) else None
                    call = self._open(call.index, name=call.name, call_id=own, is_sure=False)
                else:
                    call.restart()
            if at < len(text):
                at = call.add(text, at)
            owner = owner or call
            if call.place is not None and not call.scanner.is_void:
                self._news.append(ArgumentsWritten(call.place, call.untold()))
        self._last = self._at[call.index] = call
        return owner or call

    def _begin(self) -> None:
        """Tells the calls whose arguments have begun, in order. One that has none yet is told
        before those behind it only if its name can become no other.
        """
        begun = any(call.has_content for call in self._waiting)
        left: list[AssembledCall] = []
        is_blocked = False
        for call in self._waiting:
            is_ready = call.has_content or (begun and self._is_settled(call.name))
            if is_ready and call.is_call and not is_blocked:
                self._tell(call)
            else:
                left.append(call)
                is_blocked = is_blocked or call.may_be_call
        self._waiting = left

    def _is_settled(self, name: str) -> bool:
        longer = (each for each in self._offered if each != name and each.startswith(name))
        return name in self._offered and not any(longer)

    def _tell(self, call: AssembledCall) -> None:
        call.place = next(self._places)
        self._news.append(CallBegun(call.place, call.id, self._means(call.name) or call.name))
        if call.has_content:
            self._news.append(ArgumentsWritten(call.place, call.untold()))


def _fingerprint(arguments: str) -> int | None:
    """The same for the same JSON value, however it is spaced; None where it is none."""
    try:
        return hash(json.dumps(json.loads(arguments), sort_keys=True))
    except (ValueError, RecursionError):
        return None
