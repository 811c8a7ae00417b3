"""`make upgrade`: a server of an earlier commit works under load beside one of today, then goes.

    python -m tests.durability.upgrade [--commit COMMIT] [--runs N] [--python PYTHON]

The earlier one is built from the history, as a wheel in an environment of its own. It makes the
database, on PostgreSQL, and works; then one of today migrates the database under it, and both work;
then the earlier one ends and one of today takes its place. At each step files are written and read
at both. At the end every run has ended as its script says, `perdure doctor --verify` finds nothing
wrong, and every file is read at both servers. The exit code is 1 if something was lost or broken,
and 2 where the earlier server cannot be built.
"""

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from tests import server_logs
from tests.cli.processes import clean, perdure
from tests.databases import PostgresServer
from tests.durability.campaign import Campaign
from tests.durability.client import Client, Lost
from tests.durability.nodes import Node
from tests.patience import PATIENCE_SECONDS, until

_ROOT = Path(__file__).parents[2]
# The last one before several servers were one.
_COMMIT = "2e36740"
_CLIENTS = 12
_LOOK_SECONDS = 0.2


class _NoHistory(Exception):
    """The earlier server cannot be built; the message says why."""


class _EarlierNode(Node):
    """A server of an earlier commit, of the environment of a Python of its own."""

    def __init__(self, python: Path, folder: Path, *flags: str) -> None:
        super().__init__(folder, *flags)
        self.command = [str(python), "-m", "perdure"]

    def _spawn(self) -> subprocess.Popen[bytes]:
        server_logs.note(self.log)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*self.command, *self.arguments],
                stdin=subprocess.DEVNULL, stderr=log, cwd=self.folder, env=self.environment,
            )  # fmt: skip


class Files:
    """Files at two servers. Each knows what it holds and what became of it."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self._number = 0

    async def write(self, client: Client) -> str:
        """Uploads a file; its id."""
        self._number += 1
        content = f"file {self._number} ".encode() * 2000
        while True:
            try:
                answer = await client.upload(f"{self._number}.txt", content)
            except Lost:
                continue
            assert answer.status == 200, answer
            self.kept[answer.body["id"]] = content
            return str(answer.body["id"])

    async def read(self, client: Client, file_id: str) -> int:
        """The status of the answer; its content is compared."""
        while True:
            try:
                status, content = await client.content(f"/files/{file_id}/content")
                break
            except Lost:
                await asyncio.sleep(_LOOK_SECONDS)
        assert status != 200 or content == self.kept[file_id], file_id
        return status

    async def until_read(self, client: Client, file_id: str) -> None:
        """Reads it until that succeeds."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (status := await self.read(client, file_id)) != 200:
                assert status == 503, status
                await asyncio.sleep(_LOOK_SECONDS)


class Upgrade:
    """The three steps. `runs` is how many runs each lasts."""

    def __init__(self, folder: Path, python: Path, url: str, *, runs: int, seed: int) -> None:
        flags = ("--database-url", url)
        self.earlier = _EarlierNode(python, folder / "a", *flags)
        self.newer = Node(folder / "b", *flags)
        self.successor = Node(folder / "a", *flags, port=self.earlier.port)
        self.campaign = Campaign([self.earlier], seed=seed, clients=_CLIENTS, url=url)
        self.files = Files()
        self._url = url
        self._runs = runs
        self._a = Client([self.earlier.url], seed=seed)
        self._b = Client([self.newer.url], seed=seed)

    async def run(self) -> None:
        """All of it. Raises `AssertionError` where something is not as it should be."""
        campaign, files = self.campaign, self.files
        async with campaign:
            old = [await files.write(self._a) for _ in range(3)]
            await campaign.progress(self._runs)
            _say("an earlier server works alone")
            await campaign.join(self.newer)
            await campaign.progress(self._runs)
            _say("beside it, one of today has migrated the database")
            new = [await files.write(self._b) for _ in range(3)]
            old.append(await files.write(self._a))
            await self._read_beside(old, new)
            await self._delete_at_the_earlier(new.pop())
            self._refuse_a_fresh_start()
            await campaign.progress(self._runs)
            await campaign.leave(self.earlier)
            await campaign.progress(self._runs // 2)
            _say("the earlier one has ended")
            await campaign.join(self.successor)
            await campaign.progress(self._runs)
            _say("one of today has taken its place")
            for file_id in (*old, *new):
                await files.until_read(self._a, file_id)
            self._doctor("--data-dir", str(self.successor.folder / "data"), "--move-contents")
            for file_id in (*old, *new):
                await files.until_read(self._b, file_id)
        await self._a.close()
        await self._b.close()
        assert campaign.findings == "", campaign.findings
        for node in (self.newer, self.successor):
            self._doctor("--data-dir", str(node.folder / "data"), "--verify")

    async def _read_beside(self, old: list[str], new: list[str]) -> None:
        """Each server reads its own; what it cannot read is 503, and never wrong or gone."""
        for file_id in old:
            assert await self.files.read(self._a, file_id) == 200
            assert await self.files.read(self._b, file_id) == 503
        for file_id in new:
            assert await self.files.read(self._b, file_id) == 200
            assert await self.files.read(self._a, file_id) == 503

    async def _delete_at_the_earlier(self, file_id: str) -> None:
        """What the earlier server deletes of the new ones' leaves no bytes behind."""
        with psycopg.connect(self._url, autocommit=True) as connection:

            def count(table: str, column: str, value: str) -> int:
                sql = f"SELECT COUNT(*) FROM {table} WHERE {column} = %s".encode()
                (found,) = connection.execute(sql, [value]).fetchone() or (0,)
                return int(found)

            (blob_id,) = connection.execute(
                "SELECT id FROM blobs WHERE owner = %s", [file_id]
            ).fetchone() or ("",)
            assert count("blob_blocks", "blob_id", blob_id) > 0
            while True:
                try:
                    answer = await self._a.ask("DELETE", f"/files/{file_id}")
                    break
                except Lost:
                    await asyncio.sleep(_LOOK_SECONDS)
            # Not found, where the answer to an earlier try was lost.
            assert answer.status in (200, 404), answer
            del self.files.kept[file_id]
            await until(lambda: not count("blobs", "id", blob_id))
            assert count("blob_blocks", "blob_id", blob_id) == 0

    def _refuse_a_fresh_start(self) -> None:
        done = subprocess.run(
            [*self.earlier.command, "serve", "--port", "0", "--data-dir",
             str(self.earlier.folder / "fresh"), "--database-url", self._url],
            capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False, env=clean({}),
        )  # fmt: skip
        assert done.returncode == 1, done.stderr
        assert "newer version of Perdure" in done.stderr, done.stderr

    def _doctor(self, *flags: str) -> None:
        done = perdure("doctor", *flags, environment={"PERDURE_DATABASE_URL": self._url})
        said = " ".join((done.stdout + done.stderr).split())
        assert "cannot be judged" not in said, said
        assert done.returncode == 0, said


def build(commit: str, folder: Path) -> Path:
    """Builds the wheel of a commit and installs it; the Python that has it. Raises `_NoHistory`."""
    known = subprocess.run(
        ["git", "-C", str(_ROOT), "rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}"],
        capture_output=True, check=False,
    )  # fmt: skip
    if known.returncode:
        raise _NoHistory(
            f"commit {commit} is not in the history of {_ROOT}. A shallow clone gets it with "
            "`git fetch --unshallow`; a folder without git cannot run this"
        )
    source, environment = folder / "source", folder / "environment"
    source.mkdir()
    archive = subprocess.run(
        ["git", "-C", str(_ROOT), "archive", commit], stdout=subprocess.PIPE, check=True
    )
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive.stdout, check=True)
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    for what in (["wheel", "--no-deps", "--wheel-dir", str(folder), str(source)], ["install"]):
        wheels = [str(path) for path in folder.glob("*.whl")] if what == ["install"] else []
        subprocess.run([str(python), "-m", "pip", "--quiet", *what, *wheels], check=True)
    return python


async def _upgraded(folder: Path, python: Path, url: str, options: argparse.Namespace) -> Upgrade:
    upgrade = Upgrade(folder, python, url, runs=options.runs, seed=options.seed)
    await upgrade.run()
    return upgrade


def main() -> int:
    """Runs it; the exit code."""
    parser = argparse.ArgumentParser(prog="make upgrade")
    parser.add_argument("--commit", default=_COMMIT, help="of the earlier server")
    parser.add_argument("--runs", type=int, default=150, help="runs that each step lasts")
    parser.add_argument("--python", type=Path, help="that has the earlier server already")
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="perdure-upgrade-") as name:
        folder = Path(name)
        try:
            python = options.python or build(options.commit, folder)
        except _NoHistory as error:
            print(f"upgrade: {error}", file=sys.stderr)
            return 2
        server = PostgresServer()
        server.start()
        try:
            server.execute("CREATE DATABASE upgrade")
            upgrade = asyncio.run(_upgraded(folder, python, server.url("upgrade"), options))
        finally:
            server.stop()
    print(
        f"upgrade: from {options.commit}, {(time.monotonic() - began) / 60:.1f} minutes, "
        f"{upgrade.campaign.runs} runs, {upgrade.campaign.load.lost_answers} answers lost, "
        f"{len(upgrade.files.kept)} files, broken: 0",
        flush=True,
    )
    return 0


def _say(what: str) -> None:
    print(f"upgrade: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
