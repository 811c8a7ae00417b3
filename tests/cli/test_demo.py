"""`perdure demo`: a program runs unmodified, and nothing is left behind."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.processes import PERDURE, clean, perdure, serving
from tests.patience import PATIENCE_SECONDS

_REPORT = """
import json, os, pathlib
url = os.environ["OPENAI_BASE_URL"]
print(json.dumps([url, os.environ["OPENAI_API_KEY"]]))
raise SystemExit(int(os.environ.get("CODE", "0")))
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


def test_the_model_server_of_the_environment_is_used(tmp_path: Path) -> None:
    """The model server is a second Perdure, which relays to its own scripted model."""
    with serving(tmp_path / "upstream") as upstream:
        environment = {"OPENAI_BASE_URL": upstream.base_url, "OPENAI_API_KEY": "any"}
        ended = perdure("demo", cwd=tmp_path, environment=environment)
    assert ended.returncode == 0, ended.stderr
    assert f"the model is served by {upstream.base_url}" in ended.stderr


def test_the_users_own_settings_have_no_part_in_it(tmp_path: Path) -> None:
    (tmp_path / "perdure.toml").write_text("nonsense = true")
    environment = {"PERDURE_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    ended = perdure("demo", "--", "true", cwd=tmp_path, environment=environment)
    assert ended.returncode == 0, ended.stderr


def test_a_signal_ends_server_and_program_and_removes_the_data(tmp_path: Path) -> None:
    environment = clean({"TMPDIR": str(tmp_path)})
    demo = subprocess.Popen(
        [*PERDURE, "demo", "--", "sh", "-c", "echo $$; exec sleep 600"],
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
