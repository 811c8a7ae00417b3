"""What the documents say is true: links, file names, commands, code, settings files."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command

from perdure import settings
from perdure.cli import app
from tests.cli.processes import clean, serving
from tests.docs.documents import DOCUMENTS, ROOT, Block, blocks, prose, read
from tests.patience import PATIENCE_SECONDS
from tests.webhooks.receiver import SECRET

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FILE = re.compile(r"`([\w./-]+\.(?:py|md|sql|toml))`")
_FOLDER = re.compile(r"`((?:src|tests|docs|examples|bench)/[\w./-]*)`")
_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)
_PLACES = (ROOT, ROOT / "src" / "perdure")
_INSTALLED = re.compile(r"(?:pip install|pipx run|pipx install|uvx|uv add) ([^`\n]+)")
# Files that users make, not we.
_THEIRS = {"perdure.toml"}


def _commands(block: Block) -> list[list[str]]:
    return [shlex.split(line, comments=True) for line in block.text.splitlines() if line.strip()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    folder = (ROOT / document).parent
    broken = [
        link
        for link in _LINK.findall(prose(document))
        if not link.startswith("https://") and not (folder / link.partition("#")[0]).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_to_headings_lead_to_one(document: str) -> None:
    broken = []
    for link in _LINK.findall(prose(document)):
        path, _, heading = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        if heading and not link.startswith("https://") and heading not in _anchors(target):
            broken.append(link)
    assert broken == []


def _anchors(document: Path) -> set[str]:
    """The names by which headings are linked."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_are_named_exist(document: str) -> None:
    text = prose(document)
    sources = {path.name for path in (ROOT / "src").rglob("*.py")}
    named = [*_FILE.findall(text), *_FOLDER.findall(text)]
    missing = [
        name
        for name in named
        if name not in sources | _THEIRS and not any((place / name).exists() for place in _PLACES)
    ]
    assert missing == []


@pytest.mark.parametrize("block", blocks("bash"), ids=lambda block: block.document)
def test_commands_and_their_options_exist(block: Block) -> None:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text()))
    for program, *arguments in _commands(block):
        if program == "make":
            assert arguments[0] in targets
        if program == "perdure":
            known, rest = _options(arguments)
            given = {word for word in rest[: _end_of_options(rest)] if word.startswith("--")}
            assert given <= known


def _options(words: list[str]) -> tuple[set[str], list[str]]:
    """The options that the command has, and the words after its name."""
    command = get_command(app)
    while isinstance(command, TyperGroup):
        name, *words = words
        found = command.get_command(typer.Context(command), name)
        assert found is not None
        command = found
    return {option for each in command.params for option in each.opts}, words


def _end_of_options(words: list[str]) -> int:
    return words.index("--") if "--" in words else len(words)


def test_perdure_is_installed_from_its_folder_only() -> None:
    """No package index has it: what one has under this name is somebody else's."""
    texts = [*map(read, DOCUMENTS)]
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")]
    installed = {name for text in texts for name in _INSTALLED.findall(text)}
    assert installed
    assert not [name for name in installed if "perdure" in name.lower()]


@pytest.mark.parametrize("block", blocks("toml"), ids=lambda block: block.document)
def test_settings_files_are_accepted(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPU_KEY", "key")
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    file = tmp_path / "perdure.toml"
    file.write_text(block.text)
    chosen = settings.load(config=file)
    for name, value in tomllib.loads(block.text).items():
        if name in ("thinking", "prices"):
            assert getattr(chosen, name).keys() == value.keys()
        elif name not in ("model_servers", "webhooks"):
            taken = getattr(chosen, name)
            if isinstance(taken, tuple):
                assert [str(each) for each in taken] == value
            else:
                assert (str(taken) if isinstance(taken, Path) else taken) == value


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.document)
def test_python_code_runs(block: Block, tmp_path: Path) -> None:
    """Against a server of its own, whatever address the document names."""
    with serving(tmp_path / "served") as served:
        code = block.text.replace("http://127.0.0.1:7373", served.url)
        ended = subprocess.run(
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
            cwd=tmp_path,
            env=clean(None),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (0, "")
