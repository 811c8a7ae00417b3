"""`perdure assistants`, `threads` and `runs`: what is on a server is listed, shown and deleted."""

import json
from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.cli.processes import Served, perdure, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("objects") / "data") as served:
        yield served


@pytest.fixture
def client(served: Served) -> Iterator[OpenAI]:
    with OpenAI(base_url=served.base_url, api_key="any", max_retries=0) as client:
        yield client


def shown(served: Served, *arguments: str, fails: bool = False) -> str:
    """What a command prints."""
    ended = perdure(*arguments, "--url", served.url)
    assert ended.returncode == int(fails), ended.stderr
    return ended.stderr if fails else ended.stdout


def test_assistants_are_listed_shown_and_deleted(served: Served, client: OpenAI) -> None:
    made = [
        client.beta.assistants.create(model="m", name=f"Ann {n}", instructions="One\ntwo")
        for n in range(3)
    ]
    listed = shown(served, "assistants", "list", "--limit", "2").splitlines()
    assert [row.split()[0] for row in listed] == [made[2].id, made[1].id]
    assert listed[0].endswith("m  Ann 2")
    whole = shown(served, "assistants", "show", made[0].id)
    assert "name: Ann 0" in whole.splitlines()
    assert "instructions:\n    One\n    two\n" in whole
    one = json.loads(shown(served, "assistants", "show", made[0].id, "--json"))
    sent = client.beta.assistants.with_raw_response.retrieve(made[0].id)
    assert one == json.loads(sent.text)
    refused = shown(served, "assistants", "delete", made[0].id, fails=True)
    assert "give --yes" in refused
    client.beta.assistants.retrieve(made[0].id)
    ids = (made[0].id, "asst_no", made[1].id)
    ended = perdure("assistants", "delete", *ids, "--yes", "--url", served.url)
    assert (ended.returncode, ended.stdout.split()) == (1, [made[0].id, made[1].id])
    assert "asst_no: No assistant found" in ended.stderr


def test_a_thread_is_shown_as_its_conversation_and_deleted(served: Served, client: OpenAI) -> None:
    assistant = client.beta.assistants.create(model="m")
    thread = client.beta.threads.create(
        messages=[{"role": "user", "content": "Good morning"}], metadata={"customer": "7"}
    )
    run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    listed = shown(served, "threads", "list").splitlines()
    assert listed[0].startswith(thread.id)
    assert listed[0].endswith('{"customer":"7"}')
    conversation = shown(served, "threads", "show", thread.id)
    assert conversation.index("Good morning") < conversation.index(run.id)
    assert shown(served, "threads", "delete", thread.id, "--yes").split() == [thread.id]
    assert "No thread found" in shown(served, "threads", "show", thread.id, fails=True)


def test_runs_are_listed_by_status_cancelled_and_watched(served: Served, client: OpenAI) -> None:
    assistant = client.beta.assistants.create(model="m")
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "wait 600000 ms"}])
    run = client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id)
    listed = shown(served, "runs", "list", "--thread", thread.id).splitlines()
    assert len(listed) == 1
    assert listed[0].split()[0] == run.id
    assert run.id not in shown(served, "runs", "list", "--status", "completed")
    assert "Mutually exclusive" in shown(
        served, "runs", "list", "--status", "failed", "--model", "m", fails=True
    )
    ended = shown(served, "runs", "cancel", run.id).split()
    assert ended[0] == run.id
    watched = shown(served, "runs", "watch", run.id).splitlines()
    assert watched[0] == "thread.run.created"
    assert watched[-2] == "thread.run.cancelled"
    assert "cancelled" in watched[-1]
    assert run.id in shown(served, "runs", "list", "--status", "cancelled")
    assert "Cannot cancel" in shown(served, "runs", "cancel", run.id, fails=True)
