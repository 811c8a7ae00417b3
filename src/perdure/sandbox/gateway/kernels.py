"""Client of the REST protocol of Jupyter's gateways: kernels are started, interrupted and
deleted.
"""

import asyncio
import secrets
from contextlib import suppress
from typing import Annotated, TypeVar

import aiohttp
import msgspec
from pydantic import SecretStr

from perdure.errors import ConfigurationError
from perdure.sandbox import output_filter
from perdure.sandbox.gateway.kernel_socket import MOST_AT_ONCE, Link
from perdure.sandbox.sandbox import MIB

_ANSWER_SECONDS = 30.0
_START_SECONDS = 120.0
_HEARTBEAT_SECONDS = 30.0
# how long a start that is given up is waited for, to delete what comes of it
_ABANDONED_SECONDS = 5.0
_CLOSE_SECONDS = 2.0
# pauses in seconds between the tries to delete
_RETRY_PAUSES = (0.2, 1.0)
# the gateway answers with lists and descriptions only
_MOST_ANSWERED = 4 * MIB

_T = TypeVar("_T")
KernelId = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z-]{1,64}\Z")]


class _Missing(ConfigurationError):
    """The gateway answered 404."""


class _Broke(ConfigurationError):
    """The gateway answered with a status of 500 or more."""


class _Specs(msgspec.Struct):
    default: str
    kernelspecs: dict[str, msgspec.Raw]


class _Started(msgspec.Struct):
    id: KernelId


class _Refusal(msgspec.Struct):
    message: str = ""
    reason: str | None = None


class Gateway:
    """A gateway at a URL. Every failure of it is a `ConfigurationError`."""

    def __init__(self, url: str, token: SecretStr | None) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._http: aiohttp.ClientSession | None = None

    async def spec(self, name: str | None) -> str:
        """Returns the name of a kernelspec that it has; without a name, that of its default."""
        specs = _decoded(await self._call("GET", "/api/kernelspecs"), _Specs, self.url)
        chosen = name or specs.default
        if chosen not in specs.kernelspecs:
            known = ", ".join(sorted(specs.kernelspecs)) or "none"
            raise ConfigurationError(
                f"The code interpreter's gateway {self.url} has no kernel {chosen!r}, only: "
                f"{output_filter.clean_text(known)[:200]}."
            )
        return chosen

    async def start(self, spec: str) -> "Kernel":
        """Starts a kernel."""
        # With an environment, even an empty one, the kernel does not inherit the gateway's own.
        environment = {"KERNEL_LAUNCH_TIMEOUT": f"{_START_SECONDS:.0f}"}
        asked = {"name": spec, "env": environment}
        starting = asyncio.create_task(
            self._call("POST", "/api/kernels", asked, seconds=_START_SECONDS), name="kernel"
        )
        try:
            answer = await asyncio.shield(starting)
        except asyncio.CancelledError:
            done, _ = await asyncio.wait({starting}, timeout=_ABANDONED_SECONDS)
            # the gateway ends kernels that nobody uses, if it is told to
            starting.cancel()
            if done and starting.exception() is None:
                await self._kernel(starting.result()).delete()
            raise
        return self._kernel(answer)

    def _kernel(self, answer: bytes) -> "Kernel":
        return Kernel(self, _decoded(answer, _Started, self.url).id)

    async def has(self, kernel: str) -> bool:
        try:
            await self._call("GET", f"/api/kernels/{kernel}")
        except _Missing:
            return False
        return True

    async def interrupt(self, kernel: str) -> None:
        await self._call("POST", f"/api/kernels/{kernel}/interrupt")

    async def delete(self, kernel: str) -> None:
        await self._call("DELETE", f"/api/kernels/{kernel}")

    async def connect(self, kernel: str) -> aiohttp.ClientWebSocketResponse[bool]:
        """Opens the websocket of a kernel."""
        session = secrets.token_hex()
        url = f"{self.url}/api/kernels/{kernel}/channels?session_id={session}"
        try:
            async with asyncio.timeout(_START_SECONDS):
                return await self._client().ws_connect(
                    url,
                    headers=self._headers(),
                    heartbeat=_HEARTBEAT_SECONDS,
                    max_msg_size=MOST_AT_ONCE,
                    decode_text=False,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._away(error) from None

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def _call(
        self, method: str, path: str, asked: object = None, *, seconds: float = _ANSWER_SECONDS
    ) -> bytes:
        try:
            async with (
                asyncio.timeout(seconds),
                self._client().request(
                    method,
                    self.url + path,
                    headers=self._headers(),
                    json=asked,
                    # the token is for this gateway only
                    allow_redirects=False,
                ) as answer,
            ):
                body = await _read(answer)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._away(error) from None
        if not 200 <= answer.status < 300:
            raise self._refused(answer.status, body)
        return body

    def _client(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
            )
        return self._http

    def _headers(self) -> dict[str, str]:
        if self._token is None:
            return {}
        return {"Authorization": f"token {self._token.get_secret_value()}"}

    def _away(self, error: Exception) -> ConfigurationError:
        if isinstance(error, aiohttp.WSServerHandshakeError):
            return self._refused(error.status, b"")
        why = str(error) or type(error).__name__
        return ConfigurationError(
            f"The code interpreter's gateway {self.url} cannot be reached: {why}."
        )

    def _refused(self, status: int, body: bytes) -> ConfigurationError:
        if status == 404:
            return _Missing(f"The code interpreter's gateway {self.url} does not know the kernel.")
        if status in (401, 403) and b"Resource" not in body:
            return ConfigurationError(
                f"The code interpreter's gateway {self.url} does not take the token: correct "
                "code_gateway_token."
            )
        try:
            refusal = msgspec.json.decode(body, type=_Refusal)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            refusal = _Refusal()
        said = refusal.reason or refusal.message
        if self._token:  # which it may repeat
            said = said.replace(self._token.get_secret_value(), "***")
        why = output_filter.clean_text(said)[:200]
        kind = _Broke if status >= 500 else ConfigurationError
        return kind(
            f"The code interpreter's gateway {self.url} refuses: it answered {status}"
            f"{f' ({why})' if why else ''}."
        )


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for block in answer.content.iter_any():
        body += block
        if len(body) > _MOST_ANSWERED:
            raise aiohttp.ClientPayloadError("it answered too much")
    return body


def _decoded(body: bytes, kind: type[_T], url: str) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ConfigurationError(
            f"What answers at code_gateway_url, {url}, is no Jupyter Kernel Gateway."
        ) from None


class Kernel:
    """A kernel of a gateway."""

    def __init__(self, gateway: Gateway, identity: str) -> None:
        self.id = identity
        self._gateway = gateway

    async def connect(self) -> Link:
        """Opens its websocket. Raises `ConfigurationError`."""
        return Link(await self._gateway.connect(self.id))

    async def lives(self) -> bool:
        """Returns true if the gateway still has it. Raises `ConfigurationError`."""
        return await self._gateway.has(self.id)

    async def interrupt(self) -> None:
        """Interrupts the code, as Ctrl-C does. Raises `ConfigurationError`."""
        await self._gateway.interrupt(self.id)

    async def delete(self) -> None:
        """Ends the kernel, if that has not happened yet. Raises `ConfigurationError`."""
        with suppress(_Missing):
            for seconds in _RETRY_PAUSES:
                try:
                    await self._gateway.delete(self.id)
                except _Broke:  # such as while it starts the kernel again
                    await asyncio.sleep(seconds)
                else:
                    return
            await self._gateway.delete(self.id)
