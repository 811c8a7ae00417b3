"""How a server with a run in hand ends, and that the run survives it.

The model server is a real HTTP server that begins an answer and ends it when told to.
"""

import json
import signal
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from openai import APIError, OpenAI
from openai.types.beta import AssistantStreamEvent

from tests.cli.processes import Served, serving
from tests.patience import PATIENCE_SECONDS


class SlowModel(ThreadingHTTPServer):
    """Answers every question with two words; the second comes when `go_on` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.go_on = Event()
        self.calls = 0

    @property
    def flags(self) -> tuple[str, str]:
        """What makes `perdure serve` use it."""
        return ("--model-base-url", f"http://127.0.0.1:{self.server_port}/v1")


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


@pytest.fixture
def model() -> Iterator[SlowModel]:
    """A model server that runs until the end of the test."""
    with SlowModel() as model:
        thread = Thread(target=model.serve_forever)
        thread.start()
        yield model
        model.go_on.set()
        model.shutdown()
        thread.join()


class Talk:
    """A streamed run whose first word has arrived."""

    def __init__(self, served: Served) -> None:
        self.client = OpenAI(base_url=served.base_url, api_key="any", max_retries=0)
        assistant = self.client.beta.assistants.create(model="slow")
        self._stream = self.client.beta.threads.create_and_run(
            assistant_id=assistant.id,
            thread={"messages": [{"role": "user", "content": "Hello?"}]},
            stream=True,
        )
        self._events = iter(self._stream)
        for event in self._events:
            if event.event == "thread.run.created":
                self.run = event.data
            if event.event == "thread.message.delta":
                break

    def rest(self) -> list[AssistantStreamEvent]:
        """The events that are left."""
        return list(self._events)

    def close(self) -> None:
        self._stream.close()
        self.client.close()


def _wait_until_refused(served: Served) -> None:
    """Returns once the server takes no connections any more: it is draining."""
    host, port = served.url.removeprefix("http://").split(":")
    while True:
        try:
            socket.create_connection((host, int(port)), PATIENCE_SECONDS).close()
        except ConnectionError:
            return


def test_a_run_in_hand_may_finish_and_its_stream_is_told_to_the_end(
    model: SlowModel, tmp_path: Path
) -> None:
    with serving(tmp_path / "data", *model.flags) as served:
        talk = Talk(served)
        served.process.send_signal(signal.SIGTERM)
        _wait_until_refused(served)
        model.go_on.set()
        events = [event.event for event in talk.rest()]
        talk.close()
        assert events[-1] == "thread.run.completed"
        _, said = served.process.communicate(timeout=PATIENCE_SECONDS)
        assert (served.process.returncode, said) == (0, "")


def test_a_run_that_takes_longer_is_released_and_finished_by_the_next_start(
    model: SlowModel, tmp_path: Path
) -> None:
    drain = {"PERDURE_DRAIN_SECONDS": "0", "PERDURE_LOG_FORMAT": "json"}
    with serving(tmp_path / "data", *model.flags, environment=drain) as served:
        talk = Talk(served)
        served.process.send_signal(signal.SIGTERM)
        with pytest.raises(APIError, match="The server is stopping"):
            talk.rest()
        talk.close()
        _, said = served.process.communicate(timeout=PATIENCE_SECONDS)
        assert served.process.returncode == 0
        line = json.loads(said)
        assert (line["event"], line["level"], line["count"]) == ("runs_released", "info", 1)
    model.go_on.set()
    with (
        serving(tmp_path / "data", *model.flags) as served,
        OpenAI(base_url=served.base_url, api_key="any") as client,
    ):
        run = client.beta.threads.runs.poll(talk.run.id, thread_id=talk.run.thread_id)
        assert run.status == "completed"
        (answer,) = client.beta.threads.messages.list(run.thread_id, run_id=run.id)
        assert answer.content[0].to_dict() == {
            "type": "text",
            "text": {"value": "Hello there", "annotations": []},
        }
        assert model.calls == 2


def test_a_second_signal_ends_it_at_once_and_the_run_survives(
    model: SlowModel, tmp_path: Path
) -> None:
    drain = {"PERDURE_DRAIN_SECONDS": "600"}
    with serving(tmp_path / "data", *model.flags, environment=drain) as served:
        talk = Talk(served)
        served.process.send_signal(signal.SIGTERM)
        _wait_until_refused(served)
        served.stop(signal.SIGTERM)
        talk.close()
    model.go_on.set()
    with (
        serving(tmp_path / "data", *model.flags) as served,
        OpenAI(base_url=served.base_url, api_key="any") as client,
    ):
        run = client.beta.threads.runs.poll(talk.run.id, thread_id=talk.run.thread_id)
        assert run.status == "completed"


def test_a_killed_servers_run_is_finished_by_the_next_start(
    model: SlowModel, tmp_path: Path
) -> None:
    with serving(tmp_path / "data", *model.flags) as served:
        talk = Talk(served)
        assert served.stop(signal.SIGKILL)[0] == -signal.SIGKILL
        talk.close()
    model.go_on.set()
    with (
        serving(tmp_path / "data", *model.flags) as served,
        OpenAI(base_url=served.base_url, api_key="any") as client,
    ):
        run = client.beta.threads.runs.poll(talk.run.id, thread_id=talk.run.thread_id)
        assert run.status == "completed"
        assert len(client.beta.threads.messages.list(run.thread_id, run_id=run.id).data) == 1
