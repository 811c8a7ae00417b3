"""`perdure stores`: fills and searches vector stores, with a server that runs elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.processes import Served, perdure, serving

RENT = "The rent is due on the third working day of each month."


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("stores") / "data") as served:
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
