"""The sandbox of a Jupyter gateway: kernels on other machines, isolated by whoever runs it.

The gateway limits what a kernel can reach and use (`docs/security.md`). While the gateway cannot be
reached, no code runs anywhere else.
"""

import asyncio

from pydantic import SecretStr

from perdure.errors import ConfigurationError
from perdure.sandbox.gateway.kernels import Gateway, Kernel
from perdure.sandbox.gateway.session import GatewaySession
from perdure.sandbox.runtime import NEEDED, PACKAGES
from perdure.sandbox.sandbox import FileRefused, SessionLimits, SessionLost

_STARTS_AT_ONCE = 4


class GatewaySandbox:
    """A `Sandbox` of a Kernel Gateway or an Enterprise Gateway.

    `kernel`: the name of a kernelspec there; without it, its default. `warm`: starts
    may be warm.
    """

    def __init__(
        self,
        url: str,
        *,
        token: SecretStr | None = None,
        kernel: str | None = None,
        limits: SessionLimits | None = None,
        warm: bool = True,
    ) -> None:
        self.limits = limits or SessionLimits()
        self._gateway = Gateway(url, token)
        self._kernel = kernel
        self._warm = warm
        self._starts = asyncio.Semaphore(_STARTS_AT_ONCE)
        self._sessions: set[GatewaySession] = set()
        # What every kernel must have, until one has said what else it has.
        self._packages: tuple[str, ...] = NEEDED
        self._has_packages = False

    @property
    def url(self) -> str:
        return self._gateway.url

    async def describe(self) -> str:
        spec = await self._gateway.spec(self._kernel)
        return f"the Jupyter gateway {self.url}, kernel {spec}"

    async def packages(self) -> tuple[str, ...]:
        return self._packages

    async def start(self, *, warm: bool = False) -> GatewaySession:
        async with self._starts:
            spec = await self._gateway.spec(self._kernel)
            kernel = await self._gateway.start(spec)
            session = await self._begun(kernel, spec, warm=warm)
        self._sessions = {known for known in self._sessions if known.lost is None} | {session}
        return session

    async def _begun(self, kernel: Kernel, spec: str, *, warm: bool) -> GatewaySession:
        try:
            session = GatewaySession(kernel, await kernel.connect(), self.limits)
        except BaseException:
            await asyncio.shield(kernel.delete())
            raise
        try:
            await session.begin(packages=PACKAGES, warm=warm and self._warm)
            if not self._has_packages:
                self._packages, self._has_packages = await session.packages(), True
        except (FileRefused, SessionLost) as error:
            await session.close()
            raise ConfigurationError(
                f"The code interpreter cannot use the kernel {spec!r} of the gateway "
                f"{self._gateway.url}: {str(error).rstrip('.')}."
            ) from None
        except BaseException:
            await session.close()
            raise
        return session

    async def close(self) -> None:
        await asyncio.gather(*(session.close() for session in self._sessions))
        await self._gateway.close()
