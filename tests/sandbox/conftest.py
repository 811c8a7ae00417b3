"""The sandbox as it is shipped. It is shared by the tests of a module, and so is a session, because
a start takes seconds; a test that ends the session leaves a new one to the next.

Where the machine cannot isolate, these tests fail with the sentence that says what is missing.
"""

import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from perdure.sandbox import checkup, enclosure, resource_guard
from perdure.sandbox import local as local_sandbox
from perdure.sandbox.gateway import kernels
from perdure.sandbox.local import LocalSandbox
from perdure.sandbox.sandbox import SessionLimits
from perdure.sandbox.session import LocalSession
from tests.patience import PATIENCE_SECONDS
from tests.sandbox.gateway_process import GatewayProcess
from tests.sandbox.talk import Shared

if sys.platform == "darwin":
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    """Tests move the clock of the event loop beyond the time of their code. Nothing else is over by
    that, and nothing that is only slow is given up.
    """
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (
            (checkup, "_SECONDS"),
            (enclosure, "_STOP_SECONDS"),
            (resource_guard, "_LOOK_MOST_SECONDS"),
            (kernels, "_ABANDONED_SECONDS"),
            (kernels, "_HEARTBEAT_SECONDS"),
            (local_sandbox, "_START_SECONDS"),
        ):
            assert hasattr(module, name)
            patch.setattr(module, name, 100 * PATIENCE_SECONDS)
        yield


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def local() -> AsyncIterator[LocalSandbox]:
    """The sandbox of this machine with its shipped limits, but for how soon code has to stop that
    is interrupted; nothing here needs it warm.
    """
    sandbox = LocalSandbox(SessionLimits(grace_seconds=PATIENCE_SECONDS), warm=False)
    yield sandbox
    await sandbox.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(local: LocalSandbox) -> Shared[LocalSession]:
    return Shared(local.start)


@pytest_asyncio.fixture(loop_scope="module")
async def session(shared: Shared[LocalSession]) -> LocalSession:
    """A living session, which may have run code."""
    return await shared.session()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway of this test process."""
    process = GatewayProcess(tmp_path_factory.mktemp("gateway"))
    yield process
    process.kill()
