"""`perdure demo`: a program runs unmodified, and nothing is left behind."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from pydantic import SecretStr

from perdure.cli import demo_settings
from perdure.errors import ConfigurationError
from perdure.settings import Settings
from tests.cli.processes import PERDURE, clean, perdure, serving
from tests.patience import PATIENCE_SECONDS
from tests.webhooks.receiver import SECRET, receiving

_REPORT = """
import json, os, pathlib
url = os.environ["OPENAI_BASE_URL"]
print(json.dumps([url, os.environ["OPENAI_API_KEY"]]))
raise SystemExit(int(os.environ.get("CODE", "0")))
"""

_ENVIRONMENT = """
import os
from openai import OpenAI
client = OpenAI()
beta = client.beta
assistant = beta.assistants.create(model="gpt-4o")
thread = {"messages": [{"role": "user", "content": "say: Hello"}]}
run = beta.threads.create_and_run(assistant_id=assistant.id, thread=thread)
print(run.expires_at - run.created_at, "seconds")
print(beta.threads.runs.poll(run.id, thread_id=run.thread_id).status, client.api_key)
assert os.environ["AZURE_OPENAI_ENDPOINT"] + "/v1" == os.environ["OPENAI_BASE_URL"]
"""


def test_the_quickstart_runs_from_its_first_line_to_its_last(tmp_path: Path) -> None:
    ended = perdure("demo", cwd=tmp_path, environment={"TMPDIR": str(tmp_path)})
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert re.match(r"made +asst_\w{24} \(model scripted\) and thread_\w{24}$", lines[0])
    assert "assistant  You said: Hello, who are you?" in lines
    assert 'function   get_weather({"city":"Lisbon"})' in lines
    output = '{"city": "Lisbon", "sky": "clear", "celsius": 21}'
    assert f"output     {output}" in lines
    assert f"assistant  The tools answered: {output}" in lines
    steps = [line.split(maxsplit=1)[1] for line in lines if line.startswith("steps")]
    assert steps == [
        "message_creation completed",
        "tool_calls completed, message_creation completed",
    ]
    assert lines[-1] == "deleted    both again"
    assert list(tmp_path.iterdir()) == []


def test_the_file_search_example_cites_the_document_that_it_asked(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "file_search.py"
    ended = perdure("demo", example, cwd=tmp_path, environment={"TMPDIR": str(tmp_path)})
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert re.match(r"store +vs_\w{32}: 2 of 2 files$", lines[0])
    rent, bees = (line for line in lines if line.startswith("assistant"))
    assert "is due on the third working day" in rent
    assert "thirty-five degrees" in bees
    noted = [line.strip() for line in lines if line.strip().startswith("[1]")]
    assert noted == ["[1] lease.md", "[1] bees.txt"]


def test_the_code_interpreter_example_saves_a_chart_and_a_table(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "code_interpreter.py"
    data, folder = tmp_path / "data", tmp_path / "saved"
    data.mkdir()
    folder.mkdir()
    ended = perdure(
        "demo", "--", sys.executable, example, folder, environment={"TMPDIR": str(data)}
    )
    assert ended.returncode == 0, ended.stderr
    assert "\nrain_mm      Q4\nsun_hours    Q3\n" in ended.stdout
    with Image.open(folder / "chart-1.png") as chart:
        assert (chart.format, chart.width > 600, chart.height > 350) == ("PNG", True, True)
        assert len(chart.convert("RGB").getcolors(1 << 24) or []) > 100
    assert (folder / "quarters.csv").read_text() == (
        "quarter,rain_mm,sun_hours\nQ1,312,352\nQ2,136,703\nQ3,47,806\nQ4,362,362\n"
    )
    assert list(data.iterdir()) == []


def test_a_program_is_given_the_server_and_its_exit_code_is_passed_on(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_REPORT)
    ended = perdure("demo", program, cwd=tmp_path, environment={"CODE": "7"})
    assert ended.returncode == 7
    assert re.fullmatch(r'\["http://127\.0\.0\.1:\d+/v1", "perdure-demo"\]\n', ended.stdout), (
        ended.stdout
    )
    assert "the program's exit code is 7" in ended.stderr


def test_any_command_can_be_the_program(tmp_path: Path) -> None:
    ended = perdure("demo", "--", "sh", "-c", "echo $OPENAI_API_KEY", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "perdure-demo\n")


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    ended = perdure("demo", "no.py", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (1, "perdure: There is no program no.py.\n")


def test_a_model_server_is_asked_where_a_flag_names_it(tmp_path: Path) -> None:
    """The model server is a second Perdure, which relays to its own scripted model."""
    with serving(tmp_path / "upstream") as upstream:
        flags = ("--model-base-url", upstream.base_url, "--model-api-key", "any")
        ended = perdure("demo", *flags, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert f"the model is served by {upstream.base_url}" in ended.stderr


async def test_nothing_of_the_environment_leads_away_from_the_machine(tmp_path: Path) -> None:
    """And what a test needs of it holds; the settings file has no part in it."""
    (tmp_path / "perdure.toml").write_text("nonsense = true")
    program = tmp_path / "program.py"
    program.write_text(_ENVIRONMENT)
    async with receiving() as here, receiving() as away:
        webhooks = [
            {"name": "here", "url": here.url, "secret": SECRET},
            {"name": "away", "url": "https://example.com/hook", "secret": SECRET},
        ]
        environment = {
            "AZURE_OPENAI_ENDPOINT": away.url,
            "HTTP_PROXY": away.url,
            "OPENAI_API_KEY": "sk-of-the-user",
            "OPENAI_BASE_URL": f"{away.url}/v1",
            "PERDURE_API_KEYS": "sk-first,sk-second",
            "PERDURE_BLOB_URL": "s3://bucket",
            "PERDURE_CODE_GATEWAY_URL": away.url,
            "PERDURE_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
            "PERDURE_MODEL_API_KEY": "sk-of-the-user",
            "PERDURE_MODEL_BASE_URL": f"{away.url}/v1",
            "PERDURE_RUN_LIFETIME_SECONDS": "77",
            "PERDURE_WEBHOOKS": json.dumps(webhooks),
        }
        ended = await asyncio.to_thread(
            perdure, "demo", program, cwd=tmp_path, environment=environment
        )
        assert ended.stdout == "77 seconds\ncompleted sk-first\n", ended.stderr
        assert "the webhook away is left out: it leads away from this machine" in ended.stderr
        assert away.received == []
        assert len(await here.wait_received(1)) == 1


class TestSettings:
    """What a demo takes of the environment."""

    def test_a_setting_that_may_lead_away_is_not_even_read(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name in Settings.model_fields:
            monkeypatch.delenv(f"PERDURE_{name.upper()}", raising=False)
        plain = demo_settings.choose(tmp_path, {}, tls=False)
        for name in set(Settings.model_fields) - demo_settings.OBEYED:
            monkeypatch.setenv(f"PERDURE_{name.upper()}", "http://nonsense:99999999/")
        assert demo_settings.choose(tmp_path, {}, tls=False) == plain

    @pytest.mark.parametrize("name", sorted(demo_settings.OBEYED))
    def test_what_a_test_needs_is_read(
        self, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """A wrong value is told by its variable, and a right one is taken."""
        field = Settings.model_fields[name]
        monkeypatch.setenv(f"PERDURE_{name.upper()}", "nonsense")
        if field.annotation in (str | None, tuple[SecretStr, ...]):
            chosen = demo_settings.choose(tmp_path, {}, tls=False)
            assert "nonsense" in repr(getattr(chosen, name)) or len(getattr(chosen, name)) == 1
        else:
            with pytest.raises(ConfigurationError, match=f"PERDURE_{name.upper()} is wrong"):
                demo_settings.choose(tmp_path, {}, tls=False)

    def test_every_setting_that_names_a_place_is_left_out(self) -> None:
        """By the names that they have: a new one is seen here."""
        places = re.compile(
            r"url|endpoint|host|port|dir|config|key_id|secret|token$|server|proxies"
        )
        named = {name for name in Settings.model_fields if places.search(name)}
        assert named & demo_settings.OBEYED == set()

    def test_the_key_of_a_model_server_goes_with_a_flag_only(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PERDURE_MODEL_API_KEY", "sk-1")
        assert demo_settings.choose(tmp_path, {}, tls=False).model_api_key is None
        flags = {"model_base_url": "http://127.0.0.1:1/v1"}
        assert demo_settings.choose(tmp_path, flags, tls=False).model_api_key is not None


# A shell has Ctrl-C ignored by what it starts with `&`.
_JOBS = {"foreground": "trap - INT", "background": "trap '' INT"}


@pytest.mark.parametrize("job", _JOBS)
def test_a_signal_ends_server_and_program_and_removes_the_data(tmp_path: Path, job: str) -> None:
    environment = clean({"TMPDIR": str(tmp_path)})
    demo = subprocess.Popen(
        [
            *("sh", "-c", f'{_JOBS[job]}; exec "$@"', "sh"),
            *(*PERDURE, "demo", "--", "sh", "-c", "echo $$; exec sleep 600"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert demo.stdout is not None
    child = int(demo.stdout.readline())
    demo.send_signal(signal.SIGTERM)
    demo.communicate(timeout=PATIENCE_SECONDS)
    assert demo.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert list(tmp_path.iterdir()) == []
