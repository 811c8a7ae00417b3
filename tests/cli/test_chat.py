"""`perdure chat`: a conversation in the terminal, with a server that runs elsewhere."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from openai import OpenAI

from tests.cli.forked import Forked
from tests.cli.processes import Served, clean, perdure, serving
from tests.patience import PATIENCE_SECONDS, wait_until

_WEATHER = "What is the weather in Lisbon?"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the scripted model."""
    with serving(tmp_path_factory.mktemp("chat") / "data") as served:
        yield served


@pytest.fixture
def client(served: Served) -> Iterator[OpenAI]:
    """The official SDK against that server."""
    with OpenAI(base_url=served.base_url, api_key="any") as client:
        yield client


@pytest.fixture
def weather_assistant(client: OpenAI) -> Iterator[str]:
    """The id of an assistant with a function."""
    parameters: dict[str, object] = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
    }
    assistant = client.beta.assistants.create(
        model="scripted",
        tools=[{"type": "function", "function": {"name": "get_weather", "parameters": parameters}}],
    )
    yield assistant.id
    client.beta.assistants.delete(assistant.id)


class Talk:
    """A chat that is typed into and read from as it goes."""

    def __init__(self, *flags: str, cwd: Path) -> None:
        self._process = Forked(["chat", *flags], cwd=cwd, env=clean(None), stderr=2)

    def type(self, line: str) -> None:
        """Types a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def read_to(self, end: str) -> str:
        """What is shown, up to this text."""
        assert self._process.stdout is not None
        shown = ""
        while not shown.endswith(end):
            letter = self._process.stdout.read(1)
            assert letter, f"the chat ended after {shown!r}"
            shown += letter
        return shown

    def press_ctrl_c(self) -> None:
        """Presses it while the chat waits for something. Between the prompt and the wait for a
        line, Python would note it only when the line has come.
        """
        process = psutil.Process(self._process.pid)
        wait_until(lambda: process.status() == psutil.STATUS_SLEEPING)
        self._process.send_signal(signal.SIGINT)

    def press_ctrl_d(self) -> int:
        """Ends the input; the exit code."""
        self._process.communicate(timeout=PATIENCE_SECONDS)
        return self._process.wait()


def test_a_line_is_answered_and_nothing_is_left_behind(
    served: Served, client: OpenAI, tmp_path: Path
) -> None:
    ended = perdure("chat", "--url", served.url, stdin="Hello there\n", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[1:] == ["you> You said: Hello there", "you> "]
    assert client.beta.assistants.list().data == []


def test_each_line_is_answered_in_turn(served: Served, tmp_path: Path) -> None:
    flags = ("--url", served.base_url, "--model", "scripted")
    ended = perdure("chat", *flags, stdin="say: One\nsay: Two\n", cwd=tmp_path)
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[1:] == ["you> One", "you> Two", "you> "]


def test_ctrl_c_cancels_an_answer_and_the_conversation_goes_on(
    served: Served, tmp_path: Path
) -> None:
    talk = Talk("--url", served.url, cwd=tmp_path)
    talk.read_to("you> ")
    talk.type("forever")
    talk.read_to("on on on")
    talk.press_ctrl_c()
    talk.read_to("(cancelled)\nyou> ")
    talk.type("say: Back again")
    assert talk.read_to("you> ") == "Back again\nyou> "
    assert talk.press_ctrl_d() == 0


def test_a_function_call_is_shown_and_its_output_asked_for(
    served: Served, client: OpenAI, weather_assistant: str, tmp_path: Path
) -> None:
    flags = ("--url", served.url, "--assistant", weather_assistant)
    ended = perdure("chat", *flags, stdin=f"{_WEATHER}\n21 degrees\n", cwd=tmp_path)
    assert ended.returncode == 0
    assert 'The assistant calls get_weather({"city":"Lisbon"})\n' in ended.stdout
    answer = ended.stdout.partition("its output> ")[2].partition("you> ")[0]
    assert answer == "The tools answered: 21 degrees\n"
    # an assistant that was there before stays
    assert client.beta.assistants.retrieve(weather_assistant).id == weather_assistant


def test_ctrl_c_cancels_a_run_that_waits_for_an_output(
    served: Served, weather_assistant: str, tmp_path: Path
) -> None:
    talk = Talk("--url", served.url, "--assistant", weather_assistant, cwd=tmp_path)
    talk.read_to("you> ")
    talk.type(_WEATHER)
    talk.read_to("its output> ")
    talk.press_ctrl_c()
    talk.read_to("(cancelled)\nyou> ")
    # the thread is free again
    talk.type("say: Back again")
    assert talk.read_to("you> ") == "Back again\nyou> "
    assert talk.press_ctrl_d() == 0


def test_ctrl_c_at_the_prompt_only_clears_the_line(served: Served, tmp_path: Path) -> None:
    talk = Talk("--url", served.url, cwd=tmp_path)
    talk.read_to("you> ")
    talk.press_ctrl_c()
    assert talk.read_to("you> ") == "\nyou> "
    assert talk.press_ctrl_d() == 0


def test_a_thread_goes_on_with_its_assistant_and_stays(
    served: Served, client: OpenAI, tmp_path: Path
) -> None:
    assistant = client.beta.assistants.create(model="scripted")
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "say: One"}])
    client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    flags = ("--url", served.url, "--thread", thread.id)
    ended = perdure("chat", *flags, stdin="say: Two\n", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    shown = ended.stdout.splitlines()
    assert shown[:2] == ["you> say: One", "One"]
    assert shown[3:] == ["you> Two", "you> "]
    runs = client.beta.threads.runs.list(thread.id).data
    assert [run.assistant_id for run in runs] == [assistant.id] * 2
    # without its assistant it goes on with another
    client.beta.assistants.delete(assistant.id)
    ended = perdure("chat", *flags, stdin="say: Three\n", cwd=tmp_path)
    assert ended.stdout.splitlines()[-2:] == ["you> Three", "you> "]
    assert client.beta.assistants.list().data == []
    client.beta.threads.delete(thread.id)


def test_a_thread_that_is_not_there_is_told(served: Served, tmp_path: Path) -> None:
    flags = ("--url", served.url, "--thread", "thread_none")
    ended = perdure("chat", *flags, stdin="Hello\n", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (
        1, "perdure: No thread found with id 'thread_none'.\n",
    )  # fmt: skip


def test_an_unknown_assistant_is_told(served: Served, tmp_path: Path) -> None:
    flags = ("--url", served.url, "--assistant", "asst_none")
    ended = perdure("chat", *flags, stdin="Hello\n", cwd=tmp_path)
    assert "error: No assistant found with id 'asst_none'." in ended.stdout


def test_a_server_that_is_away_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    ended = perdure("chat", "--url", f"http://127.0.0.1:{port}", cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        f"perdure: The server at http://127.0.0.1:{port}/v1 cannot be reached: "
    )
    assert ended.stderr.count("\n") == 1


def test_why_a_run_ended_early_is_told(served: Served, tmp_path: Path) -> None:
    scripts = "fail: server_error\nsay: a b c\n"
    ended = perdure("chat", "--url", served.url, stdin=scripts, cwd=tmp_path)
    assert "The run failed: The scripted model fails: server_error." in ended.stdout
    assert ended.stdout.splitlines()[-2:] == ["you> a b c", "you> "]


def test_the_key_of_the_settings_is_sent_unless_another_is_given(tmp_path: Path) -> None:
    keys = {"PERDURE_API_KEYS": "sk-right-key"}
    with serving(tmp_path / "data", environment=keys) as served:
        flags = ("chat", "--url", served.url)
        ended = perdure(*flags, stdin="say: Hi\n", cwd=tmp_path, environment=keys)
        assert "you> Hi\n" in ended.stdout
        ended = perdure(*flags, "--api-key", "sk-wrong-key", cwd=tmp_path, environment=keys)
        assert ended.returncode == 1
        assert ended.stderr.startswith("perdure: Incorrect API key provided: ")
