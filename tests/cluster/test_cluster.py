"""Several servers behind a proxy are one to a program that knows nothing of them."""

import asyncio
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.processes import clean, serving
from tests.cluster.proxy import RoundRobin
from tests.patience import PATIENCE_SECONDS

_EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("roles", [("all", "all"), ("api", "api", "worker")])
async def test_the_quickstart_runs_through_a_proxy(
    tmp_path: Path, postgres_url: str, roles: tuple[str, ...]
) -> None:
    with ExitStack() as living:
        servers = [
            living.enter_context(
                serving(
                    tmp_path / f"{role}{number}",
                    *("--database-url", postgres_url, "--role", role),
                    environment={"PERDURE_CODE_SPARE_SESSIONS": "0"},
                )
            )
            for number, role in enumerate(roles)
        ]
        answering = [
            server.url for server, role in zip(servers, roles, strict=True) if role != "worker"
        ]
        async with RoundRobin(answering).running() as proxy:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(_EXAMPLES / "quickstart.py")),
                env=clean({"OPENAI_BASE_URL": f"{proxy.url}/v1", "OPENAI_API_KEY": "any"}),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert process.returncode == 0, said.decode()
    assert "assistant  You said: Hello, who are you?" in said.decode()
    assert min(proxy.shares.values()) > 1
