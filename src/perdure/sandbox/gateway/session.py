"""A session in a kernel of a gateway, by way of the service of ours in it."""

import asyncio
import base64
import binascii
import secrets
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import suppress

from perdure.sandbox import output_filter
from perdure.sandbox.gateway.kernel_client import (
    SENSELESS,
    KernelClient,
    ServiceBlock,
    ServiceDone,
    ServiceFiles,
    ServicePackages,
)
from perdure.sandbox.gateway.kernel_socket import Link
from perdure.sandbox.gateway.kernels import Kernel
from perdure.sandbox.gateway.outputs import ExecutionOutputs
from perdure.sandbox.inside.packages import are_names
from perdure.sandbox.runtime import usual_packages
from perdure.sandbox.sandbox import (
    MIB,
    ExecutionEnd,
    FileRefused,
    Output,
    SessionFile,
    SessionLimits,
    SessionLost,
)
from perdure.sandbox.session_files import Folder, blocks
from perdure.sandbox.time_limit import TimeLimit

# The gateway drops messages when there are too many, and the one that says that all were sent may
# be among them.
_LATE_SECONDS = 1.5
# the code may have closed its streams
_SETTLE_SECONDS = 0.5


class GatewaySession:
    """A `Session` in a kernel. The gateway limits the resources that it uses; what it says and
    shows is limited here.
    """

    def __init__(self, kernel: Kernel, link: Link, limits: SessionLimits) -> None:
        self._client = KernelClient(kernel, link)
        self._limits = limits
        self._folder = Folder(limits)
        self._lock = asyncio.Lock()
        self._executing = False

    @property
    def lost(self) -> str | None:
        return self._client.lost

    async def begin(self, *, packages: tuple[str, ...], warm: bool) -> None:
        """Makes the kernel a session. To be called once, before all else.

        Raises `FileRefused`, `SessionLost`.
        """
        await self._client.begin(packages=packages, warm=warm)

    async def packages(self) -> tuple[str, ...]:
        """Returns the names of packages that are installed in the kernel. To be called before any
        code has run. Raises `FileRefused`, `SessionLost`.
        """
        said = await self._client.request(f"packages({usual_packages()!r})", ServicePackages)
        if not are_names(said.names):
            raise await self._client.lose(SENSELESS)
        return tuple(said.names)

    async def execute(self, code: str, *, seconds: float) -> AsyncGenerator[Output, None]:
        async with self._lock:
            shown, time = ExecutionOutputs(self._limits), TimeLimit(seconds)
            await self._client.execute(shown.add, code=code, silent=False)
            self._executing = True
            ended = False
            try:
                while (output := await self._next(shown, time)) is not None:
                    yield output
                await self._settle(shown)
                ended = True
                self._executing = False
                changed = await self._changed()
                shown.finish()
                for output in (*shown.outputs, *self._folder.notes()):
                    yield output
                yield ExecutionEnd(time.is_up, changed)
            finally:
                if not ended:
                    await self._stop(shown)
                self._executing = False

    async def _next(self, shown: ExecutionOutputs, time: TimeLimit) -> Output | None:
        """Returns the next output; None when the code has ended. When its time is up the code is
        interrupted, and the session ended when that does not help.
        """
        wait_until = self._client.wait_until
        while not shown.outputs and not (shown.replied and shown.idle):
            try:
                if shown.replied:
                    await wait_until(lambda: shown.outputs or shown.idle, seconds=_LATE_SECONDS)
                else:
                    await wait_until(lambda: shown.outputs or shown.replied, seconds=time.left)
            except TimeoutError:
                if shown.replied:
                    break
                if time.is_up:
                    raise await self._client.lose(time.excess) from None
                time.end(grace=self._limits.grace_seconds)
                await self._client.interrupt()
        return shown.outputs.popleft() if shown.outputs else None

    async def _settle(self, shown: ExecutionOutputs) -> None:
        """Waits for the output of programs that comes after the end of the code. It goes through
        two pipes: a mark is sent behind it, and everything before the mark is shown.
        """
        mark = secrets.token_hex()
        shown.stop_at(mark)
        with suppress(FileRefused, TimeoutError):
            await self._client.request(f"mark({mark!r})", ServiceDone, also=shown.add)
            await self._client.wait_until(lambda: not shown.waiting, seconds=_SETTLE_SECONDS)

    async def interrupt(self) -> None:
        if self._executing:
            await self._client.interrupt()

    async def put(self, name: str, content: bytes | AsyncIterable[bytes]) -> None:
        if "/" in name or not output_filter.is_name(name):
            raise FileRefused(f"A file cannot have the name {name!r} in the code interpreter.")
        async with self._lock:
            try:
                await self._put(name, content)
            except FileRefused as refused:
                raise FileRefused(
                    f"{name} does not fit into the code interpreter: {refused}."
                ) from None
            await self._changed()

    async def _put(self, name: str, content: bytes | AsyncIterable[bytes]) -> None:
        try:
            await self._fill(name, content)
        except BaseException:
            with suppress(FileRefused, SessionLost):
                await self._client.request(f"drop({name!r})", ServiceDone)  # it is no file
            raise

    async def _fill(self, name: str, content: bytes | AsyncIterable[bytes]) -> None:
        others = sum(file.size for file in self._folder.files if file.name != name)
        offset, space = 0, self._limits.disk_bytes - others
        await self._client.request(_put(name, 0, b""), ServiceDone)
        async for block in blocks(content):
            if offset + len(block) > space:
                raise FileRefused("No space left on device")
            await self._client.request(_put(name, offset, block), ServiceDone)
            offset += len(block)

    async def files(self) -> tuple[SessionFile, ...]:
        async with self._lock:
            await self._changed()
            return self._folder.files

    async def get(self, name: str) -> AsyncGenerator[bytes, None]:
        if not output_filter.is_name(name):
            raise FileRefused(f"There is no file of the name {name!r}.")
        async with self._lock:
            offset = 0
            while most := min(MIB, self._limits.disk_bytes - offset):
                asked = f"get({name!r}, offset={offset}, most={most})"
                try:
                    block = _bytes(await self._client.request(asked, ServiceBlock))
                except FileRefused as refused:
                    raise FileRefused(f"{name} cannot be read: {refused}.") from None
                if block is None or len(block) > most:
                    raise await self._client.lose("It sent a file that is larger than it may be.")
                if not block:
                    return
                yield block
                offset += len(block)

    async def close(self) -> None:
        await self._client.end("The session was closed.")

    async def _changed(self) -> tuple[SessionFile, ...]:
        """Lists the files. Returns those that are new or changed since the last time."""
        try:
            seen = await self._client.request(f"files({self._limits.files})", ServiceFiles)
        except FileRefused:
            raise await self._client.lose(SENSELESS) from None
        if len(seen.files) > self._limits.files:
            raise await self._client.lose(SENSELESS)
        return self._folder.look(seen.files, left_out=seen.left_out)

    async def _stop(self, shown: ExecutionOutputs) -> None:
        """Stops code whose consumer has gone in the middle of the execution."""
        if self.lost is not None:
            return
        with suppress(SessionLost):
            await self._client.interrupt()
            try:
                await self._client.wait_until(
                    lambda: shown.replied, seconds=self._limits.grace_seconds
                )
            except TimeoutError:
                await self._client.lose(
                    "The code was cancelled, and did not stop when it was interrupted."
                )


def _put(name: str, offset: int, block: bytes) -> str:
    return f"put({name!r}, offset={offset}, data={base64.b64encode(block).decode()!r})"


def _bytes(block: ServiceBlock) -> bytes | None:
    try:
        return base64.b64decode(block.data, validate=True)
    except (binascii.Error, ValueError):
        return None
