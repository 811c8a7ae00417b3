"""The sandbox as it is shipped. It is shared by the tests of a module, and so is a session, because
a start takes seconds; a test that ends the session leaves a new one to the next.

Where the machine cannot isolate, these tests fail with the sentence that says what is missing.
"""

import sys
from collections.abc import AsyncIterator

import pytest_asyncio

from perdure.sandbox.local import LocalSandbox
from perdure.sandbox.session import LocalSession

if sys.platform == "darwin":
    collect_ignore_glob = ["test_*.py"]


class Shared:
    """The session that tests share."""

    def __init__(self, sandbox: LocalSandbox) -> None:
        self.sandbox = sandbox
        self._session: LocalSession | None = None

    async def session(self) -> LocalSession:
        if self._session is None or self._session.lost is not None:
            self._session = await self.sandbox.start()
        return self._session


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def local() -> AsyncIterator[LocalSandbox]:
    """The sandbox of this machine with its shipped limits."""
    sandbox = LocalSandbox()
    yield sandbox
    await sandbox.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(local: LocalSandbox) -> Shared:
    return Shared(local)


@pytest_asyncio.fixture(loop_scope="module")
async def session(shared: Shared) -> LocalSession:
    """A living session, which may have run code."""
    return await shared.session()
