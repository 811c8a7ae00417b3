"""A run that expires in mid-execution, with the sandbox as it is shipped: its code has stopped."""

import asyncio
import sys

import pytest

from perdure.commands import leases, runs
from perdure.sandbox.local import LocalSandbox
from perdure.wire.events import Delta
from tests.commands.acts import LIFETIME
from tests.engine.coding import begin, calls, go_on, logs
from tests.engine.stage import Stage

COUNT = """turns = 0
print("begun", flush=True)
while True: turns += 1"""


@pytest.mark.skipif(sys.platform == "darwin", reason="there is no sandbox")
async def test_the_code_of_a_run_that_expires_has_stopped(stage: Stage) -> None:
    stage.use_sandbox(LocalSandbox(warm=False), most=1)
    try:
        run = await begin(stage, calls(COUNT))
        executing = asyncio.ensure_future(stage.execute(run))
        await stage.listen_until(
            run, lambda told: isinstance(told, Delta) and told.text == "begun\n"
        )
        held = await stage.database.write(runs.lock, run.id)
        assert held is not None
        assert held.lease is not None
        stage.clock.advance(LIFETIME)
        await stage.database.write(
            leases.renew, {run.id: held.lease}, now=stage.clock.now(), lease_seconds=30
        )
        await stage.engine().maintenance.step()
        run = await executing
        assert run.status == "expired"
        # A session does one thing at a time: either the code has stopped in it, or it has ended.
        stage.acts.now = int(stage.clock.now())
        again = await go_on(stage, run, calls("print(globals().get('turns', 0) >= 0)"))
        assert logs((await stage.steps(again))[0]).endswith("True\n")
    finally:
        await asyncio.gather(*(tool.close() for tool in stage.means.tools))
