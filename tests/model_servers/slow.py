"""A model server in the process of the tests that ends its answers when it is told to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from tests.patience import PATIENCE_SECONDS


class SlowModel(ThreadingHTTPServer):
    """Answers every question with two words; the second comes when `go_on` is set."""

    daemon_threads = True
    # More than so many that connect at once are made to wait for seconds by the system.
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.go_on = Event()
        self.calls = 0

    @property
    def environment(self) -> dict[str, str]:
        """What makes a server use it, and wait for it as long as the test does."""
        return {
            "PERDURE_MODEL_BASE_URL": f"http://127.0.0.1:{self.server_port}/v1",
            "PERDURE_MODEL_IDLE_SECONDS": str(10 * PATIENCE_SECONDS),
        }


class _Answer(BaseHTTPRequestHandler):
    server: SlowModel

    def do_GET(self) -> None:
        model = {"id": "slow", "object": "model", "created": 1, "owned_by": "test"}
        body = json.dumps({"object": "list", "data": [model]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls += 1
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self._send({"choices": [{"index": 0, "delta": {"content": "Hello"}}]})
        if self.server.go_on.wait(PATIENCE_SECONDS):
            ending = {"index": 0, "delta": {"content": " there"}, "finish_reason": "stop"}
            self._send({"choices": [ending]})
            self.wfile.write(b"data: [DONE]\n\n")

    def _send(self, chunk: dict[str, object]) -> None:
        self.wfile.write(b"data: %b\n\n" % json.dumps(chunk).encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@contextmanager
def serving_slowly() -> Iterator[SlowModel]:
    """The server, on a free port."""
    with SlowModel() as model:
        thread = Thread(target=model.serve_forever)
        thread.start()
        try:
            yield model
        finally:
            model.go_on.set()
            model.shutdown()
            thread.join()
