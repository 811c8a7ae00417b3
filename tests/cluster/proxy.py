"""A proxy that gives each request to the next server, and passes on what comes as it comes."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from ssl import SSLContext

import aiohttp
from aiohttp import web

# These are of one connection.
_OWN = frozenset(("connection", "keep-alive", "transfer-encoding", "content-length", "host"))


class RoundRobin:
    """The proxy; `shares` counts the requests that each server was given."""

    def __init__(self, servers: Sequence[str]) -> None:
        self.shares: Counter[str] = Counter(dict.fromkeys(servers, 0))
        self.url = ""
        self._next = cycle(servers)

    @asynccontextmanager
    async def running(self, *, tls: SSLContext | None = None) -> AsyncIterator["RoundRobin"]:
        """Listens on a free port of this machine until the end of the block."""
        async with aiohttp.ClientSession(
            auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)
        ) as self._session:
            app = web.Application(client_max_size=2**40)
            app.router.add_route("*", "/{path:.*}", self._pass_on)
            runner = web.AppRunner(app)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
            await site.start()
            host, port = runner.addresses[0][:2]
            self.url = f"{'https' if tls else 'http'}://{host}:{port}"
            try:
                yield self
            finally:
                await runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        server = next(self._next)
        self.shares[server] += 1
        async with self._session.request(
            request.method,
            f"{server}{request.rel_url}",
            headers={k: v for k, v in request.headers.items() if k.lower() not in _OWN},
            data=request.content if request.can_read_body else None,
            allow_redirects=False,
        ) as answer:
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in _OWN}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            # A client that has heard enough goes away.
            with suppress(ConnectionResetError):
                async for data in answer.content.iter_any():
                    await response.write(data)
                await response.write_eof()
            return response
