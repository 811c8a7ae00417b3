"""`perdure chat`: a conversation in the terminal, with a server that runs elsewhere."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from tests.cli.processes import PATIENCE_SECONDS, PERDURE, Served, clean, perdure, serving

# the SDK's notice at every call
pytestmark = pytest.mark.filterwarnings("ignore:deprecated$:DeprecationWarning")

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


def test_ctrl_c_cancels_an_answer_in_mid_sentence(served: Served, tmp_path: Path) -> None:
    chat = subprocess.Popen(
        [*PERDURE, "chat", "--url", served.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=clean(None),
    )
    assert chat.stdin is not None
    assert chat.stdout is not None
    chat.stdin.write("forever\n")
    chat.stdin.flush()
    shown = ""
    while not shown.endswith("on on on"):
        shown += chat.stdout.read(1)
    chat.send_signal(signal.SIGINT)
    rest, _ = chat.communicate("say: Back again\n", timeout=PATIENCE_SECONDS)
    _, cancelled, answer = rest.partition("(cancelled)\n")
    assert cancelled
    assert answer.splitlines() == ["you> Back again", "you> "]
    assert chat.returncode == 0


def test_a_function_call_is_shown_and_its_output_asked_for(
    served: Served, client: OpenAI, weather_assistant: str, tmp_path: Path
) -> None:
    flags = ("--url", served.url, "--assistant", weather_assistant)
    ended = perdure("chat", *flags, stdin=f"{_WEATHER}\n21 degrees\n", cwd=tmp_path)
    assert ended.returncode == 0
    assert 'The assistant calls get_weather({"city":"text"})\n' in ended.stdout
    answer = ended.stdout.partition("its output> ")[2].partition("you> ")[0]
    assert answer == "The tools answered: 21 degrees\n"
    # an assistant that was there before stays
    assert client.beta.assistants.retrieve(weather_assistant).id == weather_assistant


def test_ctrl_c_cancels_the_answer_and_the_conversation_goes_on(
    served: Served, weather_assistant: str, tmp_path: Path
) -> None:
    chat = subprocess.Popen(
        [*PERDURE, "chat", "--url", served.url, "--assistant", weather_assistant],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=clean(None),
    )
    assert chat.stdin is not None
    assert chat.stdout is not None
    chat.stdin.write(f"{_WEATHER}\n")
    chat.stdin.flush()
    shown = ""
    while not shown.endswith("its output> "):
        shown += chat.stdout.read(1)
    chat.send_signal(signal.SIGINT)
    rest, _ = chat.communicate("say: Hello again\n", timeout=PATIENCE_SECONDS)
    _, cancelled, answer_and_end = rest.partition("(cancelled)\n")
    assert cancelled
    # the thread is free again: the next line is answered
    assert answer_and_end.splitlines() == ["you> Hello again", "you> "]
    assert chat.returncode == 0


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
