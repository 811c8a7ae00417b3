"""Large files through a server that is a process of its own: what it holds in memory, what a kill
leaves behind, and that nobody waits for it.
"""

import hashlib
import json
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from openai import OpenAI

from tests.cli.processes import Served, serving
from tests.object_store import ObjectStore, environment
from tests.patience import PATIENCE_SECONDS, wait_until

MEGABYTE = 1024 * 1024
SIZE = 64 * MEGABYTE
# Where nobody looks at the memory: more than lies around between a server and its clients.
MIDDLING = 16 * MEGABYTE
# A few of the pieces that a bucket is sent, and what lies around.
MOST_GROWTH = 40 * MEGABYTE

HEAD = (
    b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n\r\n'
)
TAIL = b"\r\n--b--\r\n"
HEADERS = {"Authorization": "Bearer x", "Content-Type": "multipart/form-data; boundary=b"}


class Place(NamedTuple):
    """Where the server keeps contents: what makes it, how many files or objects are there, and what
    ends the leases of writers, which the start of a server waits for where others may be alive.
    """

    environment: dict[str, str]
    stored: Callable[[], int]
    end_leases: Callable[[], object] = lambda: None


def blobs_in(url: str) -> int:
    with psycopg.connect(url) as server:
        row = server.execute("SELECT count(DISTINCT blob_id) FROM blob_blocks").fetchone()
    assert row is not None
    return int(row[0])


def end_leases_in(url: str) -> None:
    with psycopg.connect(url) as server:
        server.execute("UPDATE blobs SET lease_until = 0 WHERE state = 'writing'")


@pytest.fixture(params=["folder", "s3", "postgres"])
def place(request: pytest.FixtureRequest, data_dir: Path) -> Place:
    if request.param == "folder":
        blobs = data_dir / "blobs"
        return Place({}, lambda: sum(path.is_file() for path in blobs.rglob("blob_*")))
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres_url")
        return Place(
            {"PERDURE_DATABASE_URL": url}, lambda: blobs_in(url), lambda: end_leases_in(url)
        )
    server: ObjectStore = request.getfixturevalue("object_store")
    bucket = server.create()
    return Place(environment(bucket), lambda: server.holds(bucket))


def block(number: int) -> bytes:
    """A megabyte that is like no other."""
    return number.to_bytes(4) * (MEGABYTE // 4)


def connect(server: Served) -> HTTPConnection:
    host, port = server.url.removeprefix("http://").split(":")
    return HTTPConnection(host, int(port), timeout=PATIENCE_SECONDS)


@contextmanager
def begun(server: Served, size: int = SIZE) -> Iterator[HTTPConnection]:
    """An upload of a large file, of which the head was sent."""
    with closing(connect(server)) as connection:
        connection.putrequest("POST", "/v1/files")
        for name, value in HEADERS.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(HEAD) + size + len(TAIL)))
        connection.endheaders(HEAD)
        yield connection


@contextmanager
def answered(server: Served, path: str) -> Iterator[HTTPResponse]:
    with closing(connect(server)) as connection:
        connection.request("GET", path, headers=HEADERS)
        yield connection.getresponse()


def listed(server: Served) -> list[str]:
    with answered(server, "/v1/files") as answer:
        return [file["id"] for file in json.loads(answer.read())["data"]]


def warm(server: Served) -> None:
    """Brings the server to its working size: the tables that count tokens are the most of it."""
    with closing(OpenAI(base_url=server.base_url, api_key="x")) as client:
        assistant = client.beta.assistants.create(model="scripted", instructions="say: hi")
        run = client.beta.threads.create_and_run_poll(assistant_id=assistant.id)
        assert run.status == "completed"


def peak(server: Served) -> int:
    """The most memory that the server has had, in bytes."""
    (line,) = (
        line
        for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    return int(line.split()[1]) * 1024


def sent(server: Served, size: int = SIZE) -> Iterator[str]:
    """Uploads a large file in two halves; yields in between."""
    with begun(server, size) as connection:
        for number in range(size // MEGABYTE):
            if number == size // MEGABYTE // 2:
                yield ""
            connection.send(block(number))
        connection.send(TAIL)
        answer = connection.getresponse()
        assert answer.status == 200
        yield json.loads(answer.read())["id"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks are read from /proc")
def test_a_large_file_is_held_in_memory_neither_on_its_way_in_nor_out(
    data_dir: Path, place: Place
) -> None:
    with serving(data_dir, environment=place.environment) as server:
        warm(server)
        before = peak(server)
        _, file_id = sent(server)
        found = hashlib.sha256()
        with answered(server, f"/v1/files/{file_id}/content") as answer:
            while piece := answer.read(MEGABYTE):
                found.update(piece)
        whole = hashlib.sha256()
        for number in range(SIZE // MEGABYTE):
            whole.update(block(number))
        assert found.digest() == whole.digest()
        assert peak(server) - before < MOST_GROWTH


def test_others_are_answered_while_a_file_comes_in(data_dir: Path) -> None:
    with serving(data_dir) as server:
        upload = sent(server, MIDDLING)
        next(upload)
        assert server.health() == (200, b'{"status":"ok"}')
        assert listed(server) == []
        file_id = next(upload)
        assert listed(server) == [file_id]


def test_a_kill_in_the_middle_of_an_upload_leaves_nothing(data_dir: Path, place: Place) -> None:
    """Nothing is visible, and nothing is left once the next server has looked after things."""
    with serving(data_dir, environment=place.environment) as server, begun(server) as connection:
        number = 0
        while place.stored() == 0:
            connection.send(block(number))
            number += 1
        assert server.stop(signal.SIGKILL)[0] == -signal.SIGKILL
    assert place.stored() > 0
    place.end_leases()
    with serving(data_dir, environment=place.environment) as server:
        while place.stored() > 0:
            assert listed(server) == []


def test_a_kill_right_after_an_upload_loses_nothing(data_dir: Path) -> None:
    with serving(data_dir) as server:
        _, file_id = sent(server, MIDDLING)
        server.stop(signal.SIGKILL)
    path = f"/v1/files/{file_id}/content"
    with serving(data_dir) as server, answered(server, path) as answer:
        assert len(answer.read()) == MIDDLING


def test_a_client_that_stops_reading_holds_nothing_up(data_dir: Path) -> None:
    """Neither others nor memory: what it does not take is not read either."""
    with serving(data_dir) as server:
        _, file_id = sent(server)
        host, port = server.url.removeprefix("http://").split(":")
        warm(server)
        before = peak(server)
        with socket.create_connection((host, int(port))) as slow:
            slow.sendall(
                f"GET /v1/files/{file_id}/content HTTP/1.1\r\nHost: {host}\r\n"
                "Authorization: Bearer x\r\n\r\n".encode()
            )
            assert slow.recv(10) == b"HTTP/1.1 2"
            assert listed(server) == [file_id]
        assert listed(server) == [file_id]
        assert peak(server) - before < MOST_GROWTH


def contents_open(server: Served) -> int:
    """How many contents the server has open."""
    found = 0
    for descriptor in Path(f"/proc/{server.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found += "/blobs/" in str(descriptor.readlink())
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are read from /proc")
def test_clients_that_leave_a_download_leave_nothing_open_and_nothing_in_the_log(
    data_dir: Path, place: Place
) -> None:
    """However much of it they took, and with more at once than there are threads that read."""
    environment = {**place.environment, "PERDURE_LOG_LEVEL": "debug"}
    with serving(data_dir, environment=environment) as server:
        _, file_id = sent(server, MIDDLING)
        host, port = server.url.removeprefix("http://").split(":")
        asked = f"GET /v1/files/{file_id}/content HTTP/1.1"
        head = f"{asked}\r\nHost: {host}\r\nAuthorization: Bearer x\r\n\r\n"
        for size in (0, 1, 1000, MEGABYTE, 3 * MEGABYTE) * 2:
            with ExitStack() as leaving:
                for _ in range(16):
                    client = leaving.enter_context(socket.create_connection((host, int(port))))
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.sendall(head.encode())
                    if size:
                        client.recv(size, socket.MSG_WAITALL)
        assert listed(server) == [file_id]
        wait_until(lambda: contents_open(server) == 0)
        assert server.drain() == (0, ["draining"])
