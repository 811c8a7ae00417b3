"""The W3C `traceparent` header: where a request belongs in a distributed trace."""

import hashlib
import re
import secrets
from typing import NamedTuple

# A later version may have more behind the flags; version ff is none.
_FORM = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 0x01


class Place(NamedTuple):
    """A span's place in a trace. `trace_id` has 16 bytes and `span_id` 8, in hexadecimal."""

    trace_id: str
    span_id: str
    is_sampled: bool = True

    @property
    def header(self) -> str:
        """The value of the header for requests that are made for this span."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.is_sampled):02x}"

    def child(self) -> "Place":
        """Returns the place of a new span below this one."""
        return self._replace(span_id=secrets.token_hex(8))


def parse(header: str | None) -> Place | None:
    """Reads a header; None if there is none, or if it breaks the rules of W3C Trace Context: then
    it is as if it had not come.
    """
    found = _FORM.fullmatch(header) if header else None
    if found is None:
        return None
    version, trace_id, span_id, flags, rest = found.groups()
    if (version == "00" and rest) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return Place(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


def of_run(run_id: str, parent: Place | None) -> Place:
    """Returns the place of a run's span: the same on every server. It is in the trace of the
    request that made the run, or begins one of its own.
    """
    trace_id = parent.trace_id if parent else _digest("trace", run_id)[:32]
    return Place(trace_id, _digest("span", run_id)[:16], parent is None or parent.is_sampled)


def _digest(kind: str, run_id: str) -> str:
    return hashlib.sha256(f"perdure {kind} {run_id}".encode()).hexdigest()
