"""Sends whatever it is given, and judges what comes back."""

import json
import re
import socket
from collections import Counter
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple

from tests.patience import PATIENCE_SECONDS

KEY = {"Authorization": "Bearer key", "OpenAI-Beta": "assistants=v2", "Host": "localhost"}

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})[^\r\n]*\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class Request(NamedTuple):
    """A request that is HTTP, whatever else it is."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None = None


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """One client of a server, which counts the answers by their status."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        self.counts: Counter[int] = Counter()

    def close(self) -> None:
        self._connection.close()

    def send(self, request: Request) -> Answer:
        """Sends a request. Raises `AssertionError` for an answer that may not be."""
        try:
            return self._send(request)
        except (HTTPException, ConnectionError):
            # the server had closed the connection, which it may between two requests
            self._connection.close()
            return self._send(request)

    def _send(self, request: Request) -> Answer:
        connection = self._connection
        connection.putrequest(
            request.method, request.target, skip_host=True, skip_accept_encoding=True
        )
        for name, value in request.headers.items():
            connection.putheader(name, value.encode("latin-1", "replace"))
        if request.body is not None:
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)
        response = connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read())
        self._judge(answer.status, answer.body, request)
        return answer

    def send_raw(self, data: bytes) -> list[int]:
        """Sends bytes on a connection of their own; the statuses of what comes back, if anything
        does before the server closes. Raises `AssertionError` for what may not be.
        """
        said = b""
        with socket.create_connection(("127.0.0.1", self._port), PATIENCE_SECONDS) as raw:
            try:
                raw.sendall(data)
                while not _is_whole(said) and (more := raw.recv(65536)):
                    said += more
            except ConnectionError:
                pass  # it closed while we were sending
        statuses = [int(status) for status in _STATUS.findall(said) if status != b"100"]
        head, _, body = said.rpartition(b"\r\n\r\n")
        for status in statuses:
            self._judge(status, body if b"\r\n" in head else said, data)
        return statuses

    def _judge(self, status: int, body: bytes, sent: object) -> None:
        self.counts[status] += 1
        if status < 400:
            return
        error = _error(body)
        if status >= 500 and (status != 503 or not (error and error.get("message"))):
            raise AssertionError(f"{status} {body[:500]!r} for {str(sent)[:3000]}")
        if error is None and body and status != 416:
            raise AssertionError(f"no envelope: {status} {body[:500]!r} for {str(sent)[:3000]}")


def _is_whole(said: bytes) -> bool:
    """Whether there is a whole answer that is not the word to go on."""
    head, end, body = said.partition(b"\r\n\r\n")
    if end and head.startswith(b"HTTP/1.1 100"):
        return _is_whole(body)
    length = _LENGTH.search(head + b"\r\n")
    if end and length:
        return len(body) >= int(length[1])
    return end != b"" and body.endswith(b"0\r\n\r\n")


def _error(body: bytes) -> dict[str, object] | None:
    try:
        error: object = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return None
    return error if isinstance(error, dict) else None
