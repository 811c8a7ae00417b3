"""`perdure stores`: fills and searches vector stores, with a server that runs elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.processes import Served, perdure, serving

RENT = "The rent is due on the third working day of each month."


# More than waits on the way when the server has stopped reading.
LARGEST_FILE = 20_000_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    environment = {"PERDURE_MAX_FILE_BYTES": str(LARGEST_FILE)}
    data = tmp_path_factory.mktemp("stores") / "data"
    with serving(data, environment=environment) as served:
        yield served


def test_a_folder_is_added_and_searched(served: Served, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    (folder / "deep").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "rent.md").write_text(RENT)
    (folder / "deep" / "bees.txt").write_text("A colony of bees keeps warm.")
    (folder / "picture.png").write_bytes(b"none of these can be searched")
    (folder / ".git" / "hidden.txt").write_text("hidden")
    url = ("--url", served.url)
    added = perdure("stores", "add", folder, "--name", "Papers", *url)
    assert (added.returncode, added.stderr) == (0, "")
    store_id = added.stdout.strip()
    listed = perdure("stores", "list", *url).stdout.split(maxsplit=6)
    assert listed == [store_id, "completed", "2", "of", "2", "files", "Papers\n"]
    found = perdure("stores", "search", store_id, "When is the rent due?", *url).stdout
    assert found.splitlines()[0].split() == [found.split()[0], "rent.md"]
    assert RENT in found


def test_a_file_that_fails_is_named_and_the_others_are_added(
    served: Served, tmp_path: Path
) -> None:
    good, empty = tmp_path / "good.txt", tmp_path / "empty.txt"
    good.write_text(RENT)
    empty.write_text("")
    added = perdure("stores", "add", good, empty, "--url", served.url)
    assert added.returncode == 1
    assert added.stderr.startswith(f"{empty}: ")
    again = perdure("stores", "add", good, "--store", added.stdout.strip(), "--url", served.url)
    assert (again.returncode, again.stdout) == (0, added.stdout)


def test_a_file_that_is_refused_is_named_and_the_others_are_added(
    served: Served, tmp_path: Path
) -> None:
    large, good = tmp_path / "a-large.txt", tmp_path / "good.txt"
    large.write_bytes(bytes(2 * LARGEST_FILE))
    good.write_text(RENT)
    url = ("--url", served.url)
    added = perdure("stores", "add", large, good, *url)
    assert (added.returncode, added.stderr) == (
        1, f"{large}: The file is too large: at most {LARGEST_FILE} bytes are accepted.\n",
    )  # fmt: skip
    assert RENT in perdure("stores", "search", added.stdout.strip(), "rent", *url).stdout


def test_the_files_of_a_store_are_read_again_when_that_is_asked_for(
    served: Served, tmp_path: Path
) -> None:
    good, empty = tmp_path / "good.txt", tmp_path / "empty.txt"
    good.write_text(RENT)
    empty.write_text("")
    url = ("--url", served.url)
    store_id = perdure("stores", "add", good, empty, *url).stdout.strip()
    again = perdure("stores", "read-again", store_id, *url)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.endswith(": The file could not be parsed: it is empty.\n")
    assert RENT in perdure("stores", "search", store_id, "When is the rent due?", *url).stdout


def test_a_store_that_does_not_exist_is_told_before_anything_is_uploaded(
    served: Served, tmp_path: Path
) -> None:
    lonely = tmp_path / "lonely.txt"
    lonely.write_text(RENT)
    added = perdure("stores", "add", lonely, "--store", "vs_none", "--url", served.url)
    assert (added.returncode, added.stdout) == (1, "")
    assert added.stderr == "perdure: No vector store found with id 'vs_none'.\n"
    assert lonely.name not in perdure("files", "list", "--url", served.url).stdout


def test_nothing_that_a_terminal_obeys_is_printed(served: Served, tmp_path: Path) -> None:
    """Files, and names of stores, are other people's."""
    hostile = tmp_path / "hostile.txt"
    hostile.write_text("rent \x1b]0;title\x07 \x1b[2J \x9b31m \u202egnp.exe due")
    url = ("--url", served.url)
    added = perdure("stores", "add", hostile, "--name", "\x1b[31mRed\nline\x9b", *url)
    assert added.returncode == 0
    listed = perdure("stores", "list", *url).stdout
    found = perdure("stores", "search", added.stdout.strip(), "rent", *url).stdout
    assert "[31mRed line" in listed
    assert "rent ]0;title [2J 31m gnp.exe due" in found
    assert not set("\x1b\x07\x9b\u202e") & set(listed + found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["search", "vs_none", "rent"], "No vector store found with id 'vs_none'."),
        (["add", "{folder}"], "There is no file in there that can be searched."),
    ],
)
def test_what_cannot_be_done_is_said(
    served: Served, tmp_path: Path, arguments: list[str], said: str
) -> None:
    given = [each.format(folder=tmp_path) for each in arguments]
    done = perdure("stores", *given, "--url", served.url)
    assert (done.returncode, done.stderr) == (1, f"perdure: {said}\n")
