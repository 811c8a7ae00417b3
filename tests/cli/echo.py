"""A server of any kind that refuses every request, and repeats all that it was told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


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
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
