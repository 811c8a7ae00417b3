"""The connection of one client: uvicorn's HTTP protocol with limits on sizes and times.

uvicorn reads a head of any length, and waits without limit for a client to send. Here the bytes of
a head are counted before the parser gets them, and each connection has one timer for all that comes
over it.
"""

import asyncio
from collections import Counter
from collections.abc import Collection
from enum import Enum, auto
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from perdure.api.application import refusal
from perdure.errors import (
    APIError,
    BadRequest,
    HeadTooLarge,
    RequestTimeout,
    TooManyRequests,
    URLTooLong,
)
from perdure.settings import Settings

# A line costs some hundred bytes of memory, however short it is.
_MOST_LINES = 256
# Requests that wait for the answer to an earlier one on their connection.
_MOST_WAITING = 16
# A client that is still sending when it is refused would not see the answer if the connection were
# closed at once.
_LINGER_SECONDS = 2.0
# When the server stops, the time for the first request of a connection.
FIRST_REQUEST_SECONDS = 1.0

_INVALID = "Invalid HTTP request received."


class _Phase(Enum):
    """The event that the connection waits for."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    ANSWER = auto()
    """The answer of the server: the client has sent its request."""
    REST = auto()
    """The rest of a body whose request is answered already."""
    END = auto()
    """The end of the connection: nothing more is read."""


# What came before is counted as a head only where it can be nothing else.
_BETWEEN = (_Phase.IDLE, _Phase.ANSWER)


class ConnectionCounts:
    """Counts the connections of each address; `trusted` addresses are not counted."""

    def __init__(self, most: int | None, trusted: Collection[IPv4Network | IPv6Network]) -> None:
        self._most = most
        self._trusted = trusted
        self._counts: Counter[object] = Counter()

    def enter(self, host: str | None) -> object:
        """Counts a connection. Returns the key for `leave`. Raises `TooManyRequests`."""
        key = None if self._most is None or host is None else self._key(host)
        if key is None:
            return None
        if self._counts[key] >= (self._most or 0):
            raise TooManyRequests(
                f"There are {self._most} connections from your address already: close some, or "
                "share one between requests.",
                code="too_many_connections",
            )
        self._counts[key] += 1
        return key

    def leave(self, key: object) -> None:
        """Subtracts a connection from the count."""
        self._counts[key] -= 1
        if self._counts[key] <= 0:
            del self._counts[key]

    def _key(self, host: str) -> object:
        """Returns the key that is counted together: an address, or the IPv6 network of one
        customer.
        """
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:  # a Unix socket
            return None
        if not isinstance(address, IPv4Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        if any(address in network for network in self._trusted):
            return None
        if isinstance(address, IPv4Address):
            return address
        return ip_network((address, 64), strict=False)


class ConnectionBounds(NamedTuple):
    """The limits of each connection of a server."""

    head_bytes: int
    seconds: dict[_Phase, float]
    counts: ConnectionCounts


def bounds(settings: Settings) -> ConnectionBounds:
    """Returns the limits that the settings ask for."""
    return ConnectionBounds(
        settings.max_head_bytes,
        {
            _Phase.IDLE: settings.idle_connection_seconds,
            _Phase.HEAD: settings.head_seconds,
            _Phase.BODY: settings.body_silence_seconds,
            _Phase.ANSWER: settings.answer_silence_seconds,
            _Phase.REST: settings.body_silence_seconds,
            _Phase.END: _LINGER_SECONDS,
        },
        ConnectionCounts(settings.connections_per_address, settings.trusted_proxies),
    )


class ClientConnection(HttpToolsProtocol):
    """The connection of one client, limited as the module says. Requests that it refuses get the
    API's error envelope as well.
    """

    def __init__(self, *args: Any, bounds: ConnectionBounds, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bounds = bounds
        self._phase = _Phase.IDLE
        self._place: object = None
        # The bytes since the parser last called back: those of a head, or of the lines around the
        # blocks of a chunked body.
        self._unparsed = 0
        self._callbacks = 0
        self._error: APIError | None = None
        self._drops_input = False
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._unsent = 0
        self._is_last_request = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        try:
            self._place = self._bounds.counts.enter(self.client[0] if self.client else None)
        except TooManyRequests as error:
            self._write(error)
            self.transport.close()
        self._enter(_Phase.IDLE)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._place is not None:
            self._bounds.counts.leave(self._place)
            self._place = None

    def data_received(self, data: bytes) -> None:
        if self._phase is _Phase.BODY:
            self._wait()
        elif self._drops_input or self._phase is _Phase.REST:
            self._yield_to_others()
        start = 0
        while start < len(data) and not self._drops_input:
            block = data[start : start + self._bounds.head_bytes - self._unparsed]
            start += len(block)
            self._parse(block)

    def _yield_to_others(self) -> None:
        """Lets other tasks run first, since nothing else slows the reading of data that is dropped:
        the loop would take megabytes from each such connection at once.
        """
        self.flow.pause_reading()
        self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def _parse(self, block: bytes) -> None:
        """Gives the parser a block that is no longer than the rest that a head may have."""
        between = self._phase in _BETWEEN
        self._callbacks = 0
        super().data_received(block)
        if self._callbacks == 0 or (self._callbacks == 1 and between):
            self._unparsed += len(block)
        else:
            self._unparsed = 0
        if self._unparsed >= self._bounds.head_bytes and not self._drops_input:
            self._refuse(self._head_too_large())

    def on_message_begin(self) -> None:
        self._callbacks += 1
        if len(self.pipeline) >= _MOST_WAITING:
            # Those that wait are answered, and then the connection is closed.
            self._drops_input = True
            self.cycle.keep_alive = False
            raise _Stopped
        self._enter(_Phase.HEAD)
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._phase is not _Phase.HEAD:
            return  # a trailer, behind the body
        super().on_header(name, value)
        if len(self.headers) > _MOST_LINES:
            self._error = HeadTooLarge(
                f"The request has too many headers: at most {_MOST_LINES} are accepted.",
                code="request_headers_too_large",
            )
            raise _Stopped

    def on_headers_complete(self) -> None:
        self._callbacks += 2
        super().on_headers_complete()
        if self._is_last_request:
            self.cycle.keep_alive = False
        self._enter(_Phase.BODY)

    def on_body(self, body: bytes) -> None:
        self._callbacks += 2
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._enter(_Phase.IDLE if self.cycle.response_complete else _Phase.ANSWER)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # It was set just now, and is not needed: this class has a timer of its own.
        self._unset_keepalive_if_required()
        if self.transport.is_closing():
            self._enter(_Phase.ANSWER)
        elif self.cycle.response_complete and self._phase is _Phase.ANSWER:
            self._enter(_Phase.IDLE)
        elif self.cycle.response_complete and self._phase is _Phase.BODY:
            self._enter(_Phase.REST)

    def shutdown(self) -> None:
        """Closes the connection when its request is answered. One that has had none yet gets a
        moment for it: who has just connected is sending one, and a proxy does not send it again to
        another server.
        """
        if self.cycle is not None and self._phase is not _Phase.HEAD:
            super().shutdown()
            return
        self._is_last_request = True
        self.loop.call_later(FIRST_REQUEST_SECONDS, self._close_unused)

    def _close_unused(self) -> None:
        if self.cycle is None and self._phase is _Phase.IDLE:
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent = self.transport.get_write_buffer_size()
        if self._phase is _Phase.ANSWER:
            self._wait()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 # the parser found something
        if not self._drops_input:
            self._refuse(self._error or BadRequest(_INVALID))

    def timeout_keep_alive_handler(self) -> None:
        """Overrides uvicorn's timer, which is never started: see `on_response_complete`."""

    def _enter(self, phase: _Phase) -> None:
        self._phase = phase
        self._wait()

    def _wait(self) -> None:
        """Starts the time limit of the phase.

        A timer that would fire too early is not replaced: it fires, checks, and waits for the rest.
        """
        self._deadline = self.loop.time() + self._bounds.seconds[self._phase]
        if self._timer is not None and self._timer.when() <= self._deadline:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self.loop.time() < self._deadline:
            self._timer = self.loop.call_at(self._deadline, self._look)
        elif self.transport.is_closing() or self._phase in (_Phase.REST, _Phase.END):
            self.transport.abort()
        elif self._phase is _Phase.IDLE:
            self.transport.close()
            self._wait()
        elif self._phase is _Phase.ANSWER:
            self._look_at_answer()
        elif self.flow.read_paused:
            self._wait()  # it is the server that does not read
        else:
            self._refuse(self._late())

    def _look_at_answer(self) -> None:
        """Ends a connection whose client has taken nothing since the last check."""
        unsent = self.transport.get_write_buffer_size()
        if self.flow.write_paused and unsent == self._unsent:
            self.transport.abort()
            return
        self._unsent = unsent
        self._wait()

    def _late(self) -> RequestTimeout:
        if self._phase is _Phase.HEAD:
            seconds, what = self._bounds.seconds[_Phase.HEAD], "The head of the request"
        else:
            seconds, what = self._bounds.seconds[_Phase.BODY], "More of the request's body"
        return RequestTimeout(
            f"{what} did not come within {seconds:g} seconds.", code="request_timeout"
        )

    def _head_too_large(self) -> APIError:
        most = self._bounds.head_bytes
        if self._phase is _Phase.HEAD and len(self.url) > most // 2:
            return URLTooLong(
                f"The URL is too long: at most {most} bytes are accepted, headers included.",
                code="url_too_long",
            )
        return HeadTooLarge(
            f"The headers are too large: at most {most} bytes are accepted.",
            code="request_headers_too_large",
        )

    def _refuse(self, error: APIError) -> None:
        """Answers in place of the application, and closes the connection.

        Where another response is under way, the client could not separate the two: then the
        connection breaks off.
        """
        self._drops_input = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle.response_started or self.pipeline:
                self.transport.close()
                self._enter(_Phase.END)
                return
            cycle.disconnected = True
            cycle.message_event.set()
        self._write(error)
        # By its half only, so that the client can read the answer when it has sent its own.
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.flow.resume_reading()
        else:
            self.transport.close()
        self._enter(_Phase.END)

    def _write(self, error: APIError) -> None:
        response = refusal(error)
        headers = [*self.server_state.default_headers, *response.raw_headers]
        lines = [b"%b: %b\r\n" % header for header in headers]
        head = b"".join([STATUS_LINE[error.status], *lines, b"connection: close\r\n\r\n"])
        self.transport.write(head + bytes(response.body))


class _Stopped(Exception):
    """Ends the parser's work on the received data."""
