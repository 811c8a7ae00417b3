"""`perdure files`: uploads and lists, with a server that runs elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from tests.cli.processes import Served, perdure, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("files") / "data") as served:
        yield served


def test_files_are_uploaded_and_listed(served: Served, tmp_path: Path) -> None:
    first, second = tmp_path / 'Ärger "heute".txt', tmp_path / "b.bin"
    first.write_text("one")
    second.write_bytes(bytes(1_000_000))
    done = perdure("files", "upload", first, second, "--purpose", "batch", "--url", served.url)
    assert (done.returncode, done.stderr) == (0, "")
    (first_id, first_name), (second_id, _) = (
        line.split(maxsplit=1) for line in done.stdout.splitlines()
    )
    with OpenAI(base_url=served.base_url, api_key="x") as client:
        assert client.files.content(first_id).read() == b"one"
        assert client.files.content(second_id).read() == bytes(1_000_000)
    listed = perdure("files", "list", "--purpose", "batch", "--url", served.base_url)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert [line.split(maxsplit=3) for line in listed.stdout.splitlines()] == [
        [second_id, "1,000,000", "batch", "b.bin"],
        [first_id, "3", "batch", first_name],
    ]
    assert perdure("files", "list", "--purpose", "vision", "--url", served.url).stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["no-such-file"], 2, "does not exist"),
        (["--purpose", "nonsense", __file__], 1, "perdure: 'nonsense' is not one of ["),
    ],
)
def test_what_cannot_be_uploaded_is_said(
    served: Served, arguments: list[str], code: int, said: str
) -> None:
    done = perdure("files", "upload", *arguments, "--url", served.url)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_out_of_reach_is_said() -> None:
    done = perdure("files", "list", "--url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert done.stderr.startswith("perdure: The server at http://127.0.0.1:9/v1 cannot be reached:")
