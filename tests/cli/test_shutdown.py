"""How a server with a run in hand ends, and that the run survives it.

The model server is a real HTTP server that begins an answer and ends it when told to.
"""

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import APIError, OpenAI
from openai.types.beta import AssistantStreamEvent

from tests.cli.processes import Served, logged, serving
from tests.model_servers.slow import SlowModel, serving_slowly
from tests.patience import PATIENCE_SECONDS, wait_until

# Longer than any test waits.
_NEVER = str(10 * PATIENCE_SECONDS)


@pytest.fixture
def model() -> Iterator[SlowModel]:
    """A model server that runs until the end of the test."""
    with serving_slowly() as model:
        yield model


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

    def refused() -> bool:
        try:
            socket.create_connection((host, int(port)), PATIENCE_SECONDS).close()
        except ConnectionError:
            return True
        return False

    wait_until(refused)


def test_a_run_in_hand_may_finish_and_its_stream_is_told_to_the_end(
    model: SlowModel, tmp_path: Path
) -> None:
    drain = {"PERDURE_DRAIN_SECONDS": _NEVER}
    with serving(tmp_path / "data", environment={**model.environment, **drain}) as served:
        talk = Talk(served)
        served.process.send_signal(signal.SIGTERM)
        _wait_until_refused(served)
        model.go_on.set()
        events = [event.event for event in talk.rest()]
        talk.close()
        assert events[-1] == "thread.run.completed"
        _, said = served.process.communicate(timeout=PATIENCE_SECONDS)
        assert (served.process.returncode, logged(said)) == (0, ["draining", "run_ended"])


def test_the_stream_of_a_run_that_another_server_works_on_is_told_to_the_end(
    model: SlowModel, tmp_path: Path, postgres_url: str
) -> None:
    shared = {**model.environment, "PERDURE_DATABASE_URL": postgres_url}
    drain = {"PERDURE_DRAIN_SECONDS": _NEVER}
    with (
        serving(tmp_path / "worker", "--role", "worker", environment=shared),
        serving(tmp_path / "api", "--role", "api", environment={**shared, **drain}) as served,
    ):
        talk = Talk(served)
        served.process.send_signal(signal.SIGTERM)
        _wait_until_refused(served)
        model.go_on.set()
        events = [event.event for event in talk.rest()]
        talk.close()
        assert events[-1] == "thread.run.completed"
        _, said = served.process.communicate(timeout=PATIENCE_SECONDS)
        assert (served.process.returncode, logged(said)) == (0, ["draining"])


def test_a_run_that_takes_longer_is_released_and_finished_by_the_next_start(
    model: SlowModel, tmp_path: Path
) -> None:
    drain = {"PERDURE_DRAIN_SECONDS": "0", "PERDURE_LOG_FORMAT": "json"}
    with serving(tmp_path / "data", environment={**model.environment, **drain}) as served:
        talk = Talk(served)
        served.process.send_signal(signal.SIGTERM)
        with pytest.raises(APIError, match="The server is stopping"):
            talk.rest()
        talk.close()
        _, said = served.process.communicate(timeout=PATIENCE_SECONDS)
        assert served.process.returncode == 0
        told = [json.loads(line) for line in said.splitlines()]
        (line,) = [each for each in told if each["event"] == "runs_released"]
        assert (line["level"], line["count"]) == ("info", 1)
    model.go_on.set()
    with (
        serving(tmp_path / "data", environment=model.environment) as served,
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
    drain = {"PERDURE_DRAIN_SECONDS": _NEVER}
    with serving(tmp_path / "data", environment={**model.environment, **drain}) as served:
        talk = Talk(served)
        served.process.send_signal(signal.SIGTERM)
        _wait_until_refused(served)
        served.stop(signal.SIGTERM)
        talk.close()
    model.go_on.set()
    with (
        serving(tmp_path / "data", environment=model.environment) as served,
        OpenAI(base_url=served.base_url, api_key="any") as client,
    ):
        run = client.beta.threads.runs.poll(talk.run.id, thread_id=talk.run.thread_id)
        assert run.status == "completed"


def test_a_killed_servers_run_is_finished_by_the_next_start(
    model: SlowModel, tmp_path: Path
) -> None:
    with serving(tmp_path / "data", environment=model.environment) as served:
        talk = Talk(served)
        assert served.stop(signal.SIGKILL)[0] == -signal.SIGKILL
        talk.close()
    model.go_on.set()
    with (
        serving(tmp_path / "data", environment=model.environment) as served,
        OpenAI(base_url=served.base_url, api_key="any") as client,
    ):
        run = client.beta.threads.runs.poll(talk.run.id, thread_id=talk.run.thread_id)
        assert run.status == "completed"
        assert len(client.beta.threads.messages.list(run.thread_id, run_id=run.id).data) == 1
