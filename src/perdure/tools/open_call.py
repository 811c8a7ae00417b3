"""A tool call while the model writes it and it is answered: its events, and its stored form."""

from collections.abc import Iterator
from typing import ClassVar

from perdure.wire.events import Delta
from perdure.wire.run_steps import ToolCall


class OpenCall:
    """The base of all calls. `index` is the call's place in its step."""

    asks_client: ClassVar[bool] = False
    """True if the client has to answer."""

    has_live_outputs: ClassVar[bool] = False
    """True if outputs are published as they come. The deltas of later calls then wait until this
    one is answered, since calls are told one after the other (spec 04 §3.2)."""

    def __init__(self, step_id: str, index: int, call_id: str, name: str) -> None:
        self.id = call_id
        self.name = name
        self.index = index
        self._step_id = step_id
        self._fragments: list[str] = []

    @property
    def arguments(self) -> str:
        """The arguments that the model has written so far, as JSON."""
        return "".join(self._fragments)

    @property
    def stored(self) -> ToolCall:
        """The call as its step stores it."""
        raise NotImplementedError

    def begin(self) -> Delta:
        """The first event of the call."""
        raise NotImplementedError

    def write(self, fragment: str) -> Iterator[Delta]:
        """Adds a fragment of the arguments; by default without any event."""
        self._fragments.append(fragment)
        yield from ()
