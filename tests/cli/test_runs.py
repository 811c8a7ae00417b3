"""`perdure runs`: what it shows of the runs of a server that runs elsewhere."""

from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.cli.processes import Served, perdure, serving

PROMPT = 'call: python {"code": "print 2"}\nthen:\nsay: Done.'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data_dir = tmp_path_factory.mktemp("runs") / "data"
    with serving(data_dir, environment={"PERDURE_CODE_SANDBOX": "scripted"}) as served:
        yield served


def test_a_run_is_shown_as_a_tree(served: Served) -> None:
    with OpenAI(base_url=served.base_url, api_key="x") as client:
        assistant = client.beta.assistants.create(model="m", tools=[{"type": "code_interpreter"}])
        run = client.beta.threads.create_and_run_poll(
            assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": PROMPT}]}
        )
    shown = perdure("runs", "show", run.id, "--url", served.url)
    assert (shown.returncode, shown.stderr) == (0, "")
    head, *rest = shown.stdout.splitlines()
    assert head.startswith(f"{run.id}  completed  ")
    assert run.thread_id in rest[0]
    told = [line.lstrip("│├└─ ") for line in rest]
    assert [line.split()[1] for line in told if "claimed by" in line] == ["claimed"]
    assert len([line for line in told if " model call " in line]) == 2
    assert any(line.startswith("code: print 2, ") for line in told)
    assert "Done." in told


def test_a_run_that_does_not_exist_is_said(served: Served) -> None:
    shown = perdure("runs", "show", "run_none", "--url", served.url)
    assert shown.returncode == 1
    assert shown.stderr == "perdure: No run found with id 'run_none'.\n"
