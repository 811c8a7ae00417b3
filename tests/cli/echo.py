"""A server of any kind that refuses every request, and repeats all that it was told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.cli.http_server import answering


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._reply
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def _reply(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        told = f"{self.path} {' '.join(self.headers.values())}"
        body = json.dumps(
            {
                "error": {"message": told, "type": told, "code": told},
                "message": told,
                "reason": told,
            }
        )
        if "/bucket" in self.path:
            body = f"<Error><Code>InvalidAccessKeyId</Code><Key>{told}</Key></Error>"
        self.send_response(403 if "/bucket" in self.path else 400)
        self.send_header("content-length", str(len(body.encode())))
        self.send_header("content-type", "application/json")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body.encode())


@contextmanager
def echo_server() -> Iterator[str]:
    """Its host and port."""
    with answering(_Handler) as address:
        yield address
