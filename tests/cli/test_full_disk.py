"""A server whose disk is full: what it says, what still works, and that it goes on by itself.

The disk is a file system in memory that bubblewrap mounts for the server alone.
"""

import signal
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from openai import InternalServerError, OpenAI

from tests.cli.processes import PERDURE, Served, clean, serving
from tests.patience import PATIENCE_SECONDS

MEGABYTE = 1024 * 1024


def disk(folder: Path, megabytes: int) -> list[str]:
    """What gives a command a disk of its own at the folder."""
    folder.mkdir()
    size = str(megabytes * MEGABYTE)
    bound = ("--die-with-parent", "--dev-bind", "/", "/")
    return ["bwrap", *bound, "--size", size, "--tmpfs", str(folder)]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    folder = tmp_path / "disk"
    with serving(folder / "data", within=disk(folder, 48)) as served:
        yield served


def upload(client: OpenAI, size: int) -> object:
    return client.files.create(purpose="user_data", file=("a.bin", b"x" * size))


def write(client: OpenAI) -> object:
    return client.beta.threads.create(messages=[{"role": "user", "content": "x" * 200_000}])


def refusal(act: Callable[[], object]) -> InternalServerError | None:
    """What the server says when it refuses it."""
    try:
        act()
    except InternalServerError as error:
        return error
    return None


def until_refused(act: Callable[[], object]) -> str:
    """Does something until the server refuses it for want of room; what it says then."""
    while (error := refusal(act)) is None:
        pass
    assert (error.status_code, error.code) == (503, "disk_full")
    return str(error)


def until_taken(act: Callable[[], object]) -> None:
    """Does something until the server has room for it."""
    while (error := refusal(act)) is not None:
        assert (error.status_code, error.code) == (503, "disk_full")


def test_the_error_names_the_disk_deletes_work_and_room_is_found_again(served: Served) -> None:
    with OpenAI(base_url=served.base_url, api_key="any", max_retries=0) as client:
        thread = client.beta.threads.create()
        for size in (8 * MEGABYTE, MEGABYTE, 64 * 1024):
            until_refused(partial(upload, client, size))
        said = until_refused(partial(write, client))
        assert "The disk of the database is full" in said
        assert client.beta.threads.retrieve(thread.id).id == thread.id
        assert client.beta.threads.delete(thread.id).deleted
        for file in client.files.list():
            assert client.files.delete(file.id).deleted
        until_taken(client.beta.threads.create)
    _, said = served.stop(signal.SIGKILL)
    lines = [line.partition("]")[2].split()[0] for line in said.splitlines()]
    assert lines == ["disk_full", "disk_has_room"]


def test_an_upload_that_finds_no_room_says_so_and_leaves_none_of_it(served: Served) -> None:
    with OpenAI(base_url=served.base_url, api_key="any", max_retries=0) as client:
        with pytest.raises(InternalServerError, match="The disk of the data folder is full"):
            upload(client, 40 * MEGABYTE)
        until_taken(lambda: upload(client, 20 * MEGABYTE))


@pytest.mark.parametrize("before", ["", "perdure serve: an earlier one"])
def test_a_start_on_a_full_disk_is_one_sentence(before: str, tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    serve = f"{' '.join(PERDURE)} serve --port 0 --data-dir {folder}/data"
    answers = f"until grep -q '  Stop' {folder}/said; do sleep 0.1; done"
    earlier = f"{serve} 2>{folder}/said & {answers}; kill $!; wait $!;" if before else ""
    script = f"{earlier} cat /dev/zero >{folder}/fill; echo FULL >&2; exec {serve}"
    ended = subprocess.run(
        [*disk(folder, 48), "sh", "-c", script],
        stderr=subprocess.PIPE,
        timeout=PATIENCE_SECONDS,
        env=clean(None),
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.partition("FULL\n")[2] == (
        f"perdure: The disk of the data folder {folder}/data is full: make room on it, then start "
        "again.\n"
    )
