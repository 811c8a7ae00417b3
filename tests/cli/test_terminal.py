"""Words on a terminal: whole ones, and nothing beside them."""

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.cli.terminal import fold, line
from tests.cli.processes import PERDURE, clean, perdure
from tests.patience import PATIENCE_SECONDS

NARROW = {"COLUMNS": "40", "TERM": "xterm"}
WITHOUT_SANDBOX = {"PATH": "/nowhere"}
HELP = (
    *(["--help"], ["serve", "--help"], ["doctor", "--help"], ["chat", "--help"]),
    *(["demo", "--help"], ["tls", "self-signed", "--help"], ["stores", "search", "--help"]),
)


@given(said=st.text().map(line), width=st.integers(1, 100), indent=st.integers(0, 20))
def test_words_are_whole_and_none_is_lost(said: str, width: int, indent: int) -> None:
    rows = fold(said, width, indent=indent)
    assert " ".join(rows).split(" ") == said.split(" ")
    room = max(width - indent, 20)
    assert all(len(row) <= room or " " not in row for row in rows)


@given(st.text().map(line))
def test_what_nobody_sees_on_a_terminal_is_one_line(said: str) -> None:
    assert fold(said, None, indent=14) == [said]


def on_terminal(folder: Path, *arguments: str) -> str:
    """What a command shows on a terminal of 40 columns, without its colours."""
    ours, theirs = pty.openpty()
    environment = clean({**NARROW, **WITHOUT_SANDBOX})
    process = subprocess.Popen(
        [*PERDURE, *arguments], cwd=folder, env=environment,
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # how a terminal ends on Linux
        pass
    finally:
        process.wait(timeout=PATIENCE_SECONDS)
        os.close(ours)
    return re.sub(r"\x1b\[[\d;]*m", "", shown.decode())


def test_the_doctor_breaks_lines_between_words(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1/with-hyphens/and-a-long-path/v1"
    flags = ("--model-base-url", url, "--port", "0", "--data-dir", str(tmp_path / "data"))
    shown = on_terminal(tmp_path, "doctor", *flags)
    assert url in shown
    assert "--model-base-url" in shown
    piped = perdure("doctor", *flags, cwd=tmp_path, environment=WITHOUT_SANDBOX).stdout
    assert shown.split() == piped.split()
    rows = shown.splitlines()
    assert all(len(row) <= 40 or " " not in row[14:].strip() for row in rows)
    assert all(row == row.rstrip() for row in [*rows, *piped.splitlines()])


def test_a_sentence_of_refusal_breaks_between_words(tmp_path: Path) -> None:
    shown = on_terminal(tmp_path, "serve", "--model-api-key", "k", "--data-dir", "x")
    rows = shown.splitlines()
    assert len(rows) > 1
    assert " ".join(rows).startswith("perdure: model_api_key is set but model_base_url is not:")
    assert all(len(row) <= 40 for row in rows)


@pytest.mark.parametrize("arguments", HELP, ids=" ".join)
def test_help_is_neither_padded_nor_framed(arguments: list[str], tmp_path: Path) -> None:
    said = perdure(*arguments, cwd=tmp_path).stdout
    assert said.startswith("Usage: ")
    assert "─" not in said
    assert all(row == row.rstrip() for row in said.splitlines())
