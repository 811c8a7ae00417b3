"""Reads files into vector stores: durable work, like a run (spec 06 §1.5).

The row is the queue. A worker claims a file, has it parsed and cut in another process, embeds
and writes its chunks piece by piece, and completes it; what it wrote is found by searches from
then on, and never before. A file whose worker died begins anew.
"""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing

import structlog

from perdure import ids
from perdure.bus.bus import Bus
from perdure.clock import Clock
from perdure.commands import ingestions, store_membership
from perdure.commands.ingestions import IngestionJob
from perdure.engine.file_reader import FileReader
from perdure.errors import LeaseLost, ProviderAway, ProviderError, Unavailable
from perdure.metrics import FILE_SECONDS, FILES_READ, Metrics
from perdure.parsing.formats import Unparsable
from perdure.storage.database import Database
from perdure.wire.vector_store_files import FileError

_log = structlog.get_logger(__name__)

_SORRY = FileError(code="server_error", message="Sorry, something went wrong.")


class Ingest:
    """One worker of one process, with as many files in hand as it may have.

    `embedding` names the model of the vectors of stores that have no file yet, `owner` this worker
    in the rows of the files that it has.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        clock: Clock,
        reading: FileReader,
        *,
        lease_seconds: float,
        at_once: int,
        embedding: str | None = None,
        owner: str | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._metrics = metrics or Metrics()
        self._database = database
        self._bus = bus
        self._clock = clock
        self._reading = reading
        self._lease_seconds = lease_seconds
        self._embedding = embedding
        self._slots = asyncio.Semaphore(at_once)
        self._owner = owner or ids.new("worker")
        self._claims: set[asyncio.Task[bool]] = set()
        self._jobs: dict[asyncio.Task[None], IngestionJob] = {}
        self._draining = False
        # the store whose turn was last
        self._served = ""

    async def recover(self) -> None:
        """At the start of a server that is alone on its database: what a dead one held is free."""
        if self._database.exclusive:
            await self._database.write(ingestions.free, now=self._clock.now())

    async def listen(self) -> None:
        """Waits until files are announced, and takes them."""
        await self._bus.next_files()
        try:
            await self.take()
        except Unavailable as error:
            # The next look finds them.
            _log.warning("ingest_waits", reason=error.message)

    async def take(self) -> None:
        """Takes all files that wait, each as soon as there is a slot for it; none any more once
        it drains.
        """
        while True:
            await self._slots.acquire()
            if self._draining or self._database.is_full:
                self._slots.release()
                return
            claim = asyncio.create_task(self._claim(), name="claim")
            self._claims.add(claim)
            claim.add_done_callback(self._claims.discard)
            # Who is cancelled here would leave a file that is claimed and that nobody reads.
            if not await asyncio.shield(claim):
                return

    @property
    def jobs(self) -> list[IngestionJob]:
        """The files in hand. Any thread may ask."""
        return list(self._jobs.values())

    def leave(self, jobs: Iterable[IngestionJob]) -> None:
        """Stops its work on files that are no longer its own."""
        lost = frozenset(jobs)
        for task, job in list(self._jobs.items()):
            if job in lost:
                task.cancel()

    async def settle(self) -> None:
        """Waits for the files in hand."""
        await asyncio.gather(*list(self._jobs), return_exceptions=True)

    async def drain(self) -> None:
        """Takes no more files, and puts those in hand back into the queue: they begin anew with
        the next server.
        """
        self._draining = True
        await asyncio.gather(*self._claims, return_exceptions=True)
        held = dict(self._jobs)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        try:
            for task, job in held.items():
                if task.cancelled():
                    await self._release(job)
        finally:
            await self._reading.close()

    async def _claim(self) -> bool:
        """Begins on the next file, in a slot that was acquired for it; whether there was one."""
        try:
            job = await self._database.write(
                ingestions.claim,
                owner=self._owner,
                now=self._clock.now(),
                lease_seconds=self._lease_seconds,
                embedding=self._embedding,
                after=self._served,
                in_hand=frozenset(job.seq for job in self._jobs.values()),
            )
        except BaseException:
            self._slots.release()
            raise
        if job is None:
            self._slots.release()
            return False
        self._served = job.store_id
        self._begin(job)
        return True

    async def _release(self, job: IngestionJob) -> None:
        try:
            await self._database.write(ingestions.release, job)
        except Unavailable as error:
            # It is taken up again when its lease has run out.
            _log.warning("ingest_waits", file_id=job.file_id, reason=error.message)

    def _begin(self, job: IngestionJob) -> None:
        task = asyncio.create_task(self._ingest(job), name=f"ingest {job.file_id}")
        self._jobs[task] = job

        def end(_: asyncio.Task[None]) -> None:
            del self._jobs[task]
            self._slots.release()

        task.add_done_callback(end)

    async def _ingest(self, job: IngestionJob) -> None:
        """Brings one file to its end. Raises nothing but a cancel of its task."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101

        def leave() -> None:
            task.cancel()

        began = self._clock.now()
        try:
            with self._bus.on_interrupt(store_membership.topic(job.store_id, job.file_id), leave):
                await self._end(job, await self._read(job), began)
        except LeaseLost as lost:
            _log.info("lease_lost", file_id=job.file_id, reason=str(lost))
        except Unavailable as error:
            await self._put_off(job, error.message)
        except Exception:
            _log.exception("ingestion_broke", file_id=job.file_id, store_id=job.store_id)
            await self._end(job, _SORRY, began)

    async def _put_off(self, job: IngestionJob, reason: str) -> None:
        _log.warning("ingest_waits", file_id=job.file_id, reason=reason)
        try:
            await self._database.write(ingestions.postpone, job, reason, now=self._clock.now())
        except LeaseLost as lost:
            _log.info("lease_lost", file_id=job.file_id, reason=str(lost))
        except Unavailable as error:
            # Not renewed any more, it is taken up again when its lease has run out.
            _log.warning("ingest_waits", file_id=job.file_id, reason=error.message)

    async def _read(self, job: IngestionJob) -> int | FileError:
        """Writes the file's chunks; what they take, or why the file cannot be read.

        Raises `Unavailable` where that may be otherwise later.
        """
        usage = 0
        try:
            async with aclosing(self._reading.pieces(job)) as pieces:
                async for piece in pieces:
                    now = self._clock.now()
                    usage += await self._database.write(ingestions.write, job, piece, now=now)
        except Unparsable as error:
            if error.code == "server_error":
                raise Unavailable(error.message) from error
            return FileError(code=error.code, message=str(error))
        except ProviderAway as error:
            raise Unavailable(error.message) from error
        except ProviderError as error:
            return FileError(code="server_error", message=error.message)
        return usage

    def _report(self, job: IngestionJob, outcome: int | FileError, seconds: float) -> None:
        """Reports a file that has come to its end."""
        code = outcome.code if isinstance(outcome, FileError) else None
        status = "failed" if code else "completed"
        self._metrics.count(FILES_READ, status, code or "none")
        self._metrics.observe(FILE_SECONDS, seconds)
        _log.info(
            "file_read",
            file_id=job.file_id,
            vector_store_id=job.store_id,
            status=status,
            code=code,
            seconds=round(seconds, 3),
        )

    async def _end(self, job: IngestionJob, outcome: int | FileError, began: float) -> None:
        if isinstance(outcome, FileError):
            await self._database.write(ingestions.fail, job, outcome)
        else:
            await self._database.write(ingestions.complete, job, usage_bytes=outcome)
        self._report(job, outcome, self._clock.now() - began)
