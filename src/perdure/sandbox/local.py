"""The sandbox of this machine: Jupyter kernels inside bubblewrap."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from perdure.errors import ConfigurationError
from perdure.sandbox import bubblewrap, runtime, seal
from perdure.sandbox.channel import Broken, Channel, LostFrame, ReadyFrame
from perdure.sandbox.enclosure import STATE, Enclosure
from perdure.sandbox.sandbox import MIB, SessionLimits
from perdure.sandbox.session import LocalSession

_START_SECONDS = 120.0
_STARTS_AT_ONCE = 2
# a session that is slow to look at keeps the others waiting, and nobody else
_LOOKS_AT_ONCE = 2
# where matplotlib keeps what fonts there are, which takes it seconds to find out
_FONTS = "matplotlib"


class LocalSandbox:
    """A `Sandbox` that needs Linux and bubblewrap.

    `private`: folders and files that must not be seen. `warm`: starts may be warm.
    """

    def __init__(
        self,
        limits: SessionLimits | None = None,
        *,
        private: Iterable[Path] = (),
        warm: bool = True,
    ) -> None:
        self._warm = warm
        self.limits = limits or SessionLimits()
        self._private = tuple(private)
        self._files: dict[str, bytes] = {}
        self._has_started = False
        self._packages: tuple[str, ...] | None = None
        # a start is a second of computing
        self._starts = asyncio.Semaphore(_STARTS_AT_ONCE)
        self._looks = ThreadPoolExecutor(_LOOKS_AT_ONCE, "look")
        self._sessions: set[LocalSession] = set()

    async def describe(self) -> str:
        return await asyncio.to_thread(self._describe)

    def _describe(self) -> str:
        tools = bubblewrap.find()
        bubblewrap.try_out(tools, runtime.find(private=self._private))
        return "bubblewrap on this machine"

    async def packages(self) -> tuple[str, ...]:
        if self._packages is None:
            try:
                self._packages = await asyncio.to_thread(runtime.installed_packages)
            except ConfigurationError:  # whoever runs code is told
                return ()
        return self._packages

    async def start(self, *, warm: bool = False) -> LocalSession:
        async with self._starts:
            # Without a list of the fonts, the first figure of each session would take seconds.
            warm = self._warm and (warm or (self._has_started and not self._files))
            self._has_started = True
            tools, found = await asyncio.gather(
                asyncio.to_thread(bubblewrap.find),
                asyncio.to_thread(runtime.find, private=self._private),
            )
            enclosure = await Enclosure.start(
                tools,
                found,
                self.limits,
                files=self._files,
                warm=warm,
                looks=self._looks,
            )
            try:
                session = await self._meet(enclosure, warm)
            except BaseException:
                await asyncio.shield(enclosure.kill())
                raise
        self._sessions = {known for known in self._sessions if known.lost is None} | {session}
        return session

    async def _meet(self, enclosure: Enclosure, warm: bool) -> LocalSession:
        # base64 makes four bytes of three; the rest is the frame's own
        most = max(self.limits.image_bytes * 4 // 3, self.limits.text_bytes * 2) + MIB
        channel = await Channel.over(enclosure.link, most=most)
        try:
            await _until_ready(enclosure, channel)
        except BaseException:
            await channel.close()
            raise
        enclosure.close_stderr()
        if warm and not self._files:
            self._files = enclosure.files_of(STATE, _FONTS)
        return LocalSession(enclosure, channel, self.limits)

    async def close(self) -> None:
        await asyncio.gather(*(session.close() for session in self._sessions))
        self._looks.shutdown(wait=False)


async def _until_ready(enclosure: Enclosure, channel: Channel) -> None:
    """Waits until the program inside is ready, and checks that it is isolated. Raises
    `ConfigurationError`.
    """
    try:
        frame = await channel.receive(seconds=_START_SECONDS)
    except (Broken, TimeoutError) as error:
        raise _not_ready(str(error) or "it took too long") from error
    if isinstance(frame, LostFrame):
        raise _not_ready(f"{frame.text} {enclosure.last_error_line()}")
    if not isinstance(frame, ReadyFrame):
        raise _not_ready(f"it began with {type(frame).__name__}")
    flaw = await asyncio.to_thread(seal.flaw, enclosure.first)
    if flaw is not None:
        raise ConfigurationError(
            f"The code interpreter's sandbox does not isolate on this machine: {flaw}."
        )


def _not_ready(why: str) -> ConfigurationError:
    return ConfigurationError(f"The code interpreter's Python does not start in its sandbox: {why}")
