"""Code that runs in a real server, when its run or the server ends."""

import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.request import Request, urlopen

from openai import OpenAI
from openai.types.beta.threads import Run

from perdure.sandbox import resource_usage
from tests.cli.processes import Served, serving
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.sandbox.ended import handles_of, wait_until_gone

# What the code leaves running in the sandbox must end too.
CODE = """python:
    import subprocess, sys
    subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
    print("begun", flush=True)
    while True: pass
"""
# It cannot be interrupted.
STUBBORN = CODE.replace(
    "    print", "    import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n    print"
)
HEADERS = {"Authorization": "Bearer any", "OpenAI-Beta": "assistants=v2"}
# A server that is slow may lose a lease of a second, and then has the code run once more: what is
# promised here holds all the same.
ENVIRONMENT = {
    "PERDURE_LEASE_SECONDS": "1",
    "PERDURE_DRAIN_SECONDS": "1",
    "PERDURE_CODE_TIMEOUT_SECONDS": str(10 * PATIENCE_SECONDS),
}
TOLD = b'"object":"thread.run.step.delta"'


def begin(client: OpenAI, code: str = CODE) -> Run:
    """A run whose code has begun, and does not end by itself."""
    assistant = client.beta.assistants.create(model="any", tools=[{"type": "code_interpreter"}])
    thread = client.beta.threads.create(messages=[{"role": "user", "content": code}])
    run = client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id)
    listen(client, run)
    return run


def listen(client: OpenAI, run: Run) -> None:
    """Until the code says that it has begun."""
    url = f"{client.base_url}threads/{run.thread_id}/runs/{run.id}/stream"
    asked = Request(url, headers=HEADERS)
    with urlopen(asked, timeout=PATIENCE_SECONDS) as stream:
        said = (line for line in stream if TOLD in line and b'"logs":' in line)
        assert any(b"begun" in line for line in said)


def end(client: OpenAI, run: Run) -> Run:
    client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)
    return client.beta.threads.runs.poll(run.id, thread_id=run.thread_id, poll_interval_ms=50)


def connected(served: Served) -> OpenAI:
    return OpenAI(base_url=served.base_url, api_key="any", max_retries=0)


def sandboxed(served: Served) -> list[int]:
    """The processes that the server has started, once those of a sandbox are among them."""
    found: list[int] = []

    def are_there() -> bool:
        found[:] = started(served)
        return len(found) > 5

    wait_until(are_there)
    return found


def started(served: Served) -> list[int]:
    return [
        pid for pid in resource_usage.processes(served.process.pid) if pid != served.process.pid
    ]


def mounts_of(pids: Iterable[int]) -> set[str]:
    """The mount namespaces of processes, as far as they are not that of this one."""
    found = set()
    for pid in pids:
        with suppress(FileNotFoundError, PermissionError, ProcessLookupError):
            found.add(str(Path(f"/proc/{pid}/ns/mnt").readlink()))
    return found - {str(Path("/proc/self/ns/mnt").readlink())}


def everybody() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def test_the_code_of_a_cancelled_run_is_stopped_even_if_it_cannot_be_interrupted(
    tmp_path: Path,
) -> None:
    environment = {**ENVIRONMENT, "PERDURE_CODE_SPARE_SESSIONS": "0"}
    with serving(tmp_path / "data", environment=environment) as served, connected(served) as client:
        run = begin(client, STUBBORN)
        handles = handles_of(sandboxed(served))
        assert end(client, run).status == "cancelled"
        wait_until_gone(handles)
        wait_until(lambda: not started(served))


def test_nothing_is_left_of_code_whose_server_is_killed_and_its_run_goes_on(
    tmp_path: Path,
) -> None:
    with serving(tmp_path / "data", environment=ENVIRONMENT) as served:
        with connected(served) as client:
            run = begin(client)
        pids = sandboxed(served)
        handles, mounts = handles_of(pids), mounts_of(pids)
        assert mounts
        served.process.send_signal(signal.SIGKILL)
        wait_until_gone(handles)
        served.process.communicate()
    # nor of processes that came after the look
    wait_until(lambda: not mounts & mounts_of(everybody()))
    with serving(tmp_path / "data", environment=ENVIRONMENT) as served, connected(served) as client:
        listen(client, run)
        assert end(client, run).status == "cancelled"
        (step,) = client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id).data
        assert step.status == "cancelled"
        assert served.stop()[0] == 0


def test_a_server_that_stops_takes_its_sandboxes_along(tmp_path: Path) -> None:
    with serving(tmp_path / "data", environment=ENVIRONMENT) as served:
        with connected(served) as client:
            run = begin(client)
        handles = handles_of(sandboxed(served))
        assert served.stop()[0] == 0
        wait_until_gone(handles)
    with serving(tmp_path / "data", environment=ENVIRONMENT) as served, connected(served) as client:
        listen(client, run)
        assert end(client, run).status == "cancelled"
