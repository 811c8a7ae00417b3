"""Several servers behind a proxy are one to a program that knows nothing of them."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from tests.cli.processes import clean, serving
from tests.cluster.behind import is_joined
from tests.cluster.proxy import RoundRobin
from tests.object_store import ObjectStore, environment
from tests.patience import PATIENCE_SECONDS
from tests.sdk_python.test_sdks import ENVIRONMENT

_ROOT = Path(__file__).parents[2]
_CHART = "a_table_comes_back_as_a_chart_and_a_table"
_EXAMPLES = _ROOT / "examples"


@asynccontextmanager
async def _cluster(
    folder: Path, url: str, contents: ObjectStore, roles: Sequence[str]
) -> AsyncIterator[RoundRobin]:
    """Servers on one database and one bucket, and a proxy before those that answer."""
    settings = {**ENVIRONMENT, **environment(contents.create())}
    with ExitStack() as living:
        servers = [
            living.enter_context(
                serving(
                    folder / f"{role}{number}",
                    *("--database-url", url, "--role", role),
                    environment=settings,
                )
            )
            for number, role in enumerate(roles)
        ]
        answering = [
            server.url for server, role in zip(servers, roles, strict=True) if role != "worker"
        ]
        async with RoundRobin(answering).running() as proxy:
            yield proxy
        for server in servers:
            assert server.stop()[0] == 0


async def _said(*command: str, proxy: RoundRobin, folder: Path = _ROOT) -> str:
    """What a program prints that is told to use the proxy; it must succeed. `folder`: where it
    runs, and leaves its files.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        env=clean({"OPENAI_BASE_URL": f"{proxy.url}/v1", "OPENAI_API_KEY": "any"}),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert process.returncode == 0, errors.decode()
    return said.decode()


async def test_an_example_runs_where_some_answer_and_another_works(
    tmp_path: Path, postgres_url: str, object_store: ObjectStore
) -> None:
    roles = ("api", "api", "worker")
    async with _cluster(tmp_path, postgres_url, object_store, roles) as proxy:
        said = await _said(str(_EXAMPLES / "quickstart.py"), proxy=proxy, folder=tmp_path)
    assert "assistant  You said: Hello, who are you?" in said
    assert min(proxy.shares.values()) > 1


async def test_the_programs_of_the_sdk_and_the_examples_run_through_a_proxy(
    tmp_path: Path, postgres_url: str, object_store: ObjectStore
) -> None:
    roles = ("all", "all")
    async with _cluster(tmp_path, postgres_url, object_store, roles) as proxy:
        for example in sorted(_EXAMPLES.glob("*.py")):
            await _said(str(example), proxy=proxy, folder=tmp_path)
        said = await _said("-m", "tests.sdk_python.program", f"{proxy.url}/v1", proxy=proxy)
    results = [json.loads(line) for line in said.splitlines()]
    assert len(results) > 10
    wrong = {each["check"]: each["wrong"] for each in results if each["wrong"] is not None}
    if is_joined(wrong.get(_CHART)):
        del wrong[_CHART]
    assert wrong == {}
    assert min(proxy.shares.values()) > 10
