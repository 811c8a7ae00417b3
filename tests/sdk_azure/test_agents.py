"""Azure's own client of agents, over TLS, gets what it expects. `make samples` runs its samples."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeAlias

import pytest
from azure.ai.agents import AgentsClient
from azure.ai.agents.aio import AgentsClient as AsyncAgentsClient
from azure.ai.agents.models import (
    AgentEventHandler,
    BingGroundingTool,
    CodeInterpreterTool,
    FilePurpose,
    FileSearchTool,
    FunctionTool,
    ListSortOrder,
    MessageAttachment,
    RunStatus,
    ToolOutput,
    ToolSet,
)
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from perdure.clock import SystemClock
from perdure.tls import self_signed
from tests.cluster.behind import served

# Its annotations say less than it takes and gives.
Client: TypeAlias = Any

FAR = 2**33
POLL = 0.01
RENT = b"The rent is due on the third day of each month.\n"
# What the SDK takes for the id of a connection.
CONNECTION = "/subscriptions/a/resourceGroups/b/providers/c/accounts/d/projects/e/connections/f"
CONTENT = "step_details.tool_calls[*].file_search.results[*].content"


class Key:
    """A credential whose token is a key."""

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken("any", FAR)


class AsyncKey:
    """The same for the asynchronous client."""

    async def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken("any", FAR)

    async def close(self) -> None:
        """There is nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_raised: object) -> None:
        """There is nothing to close."""


class Told(AgentEventHandler[None]):
    """What a stream tells."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.statuses: list[str] = []
        self.errors: list[str] = []

    def on_message_delta(self, delta: Any) -> None:
        self.text += delta.text

    def on_thread_run(self, run: Any) -> None:
        self.statuses.append(run.status)

    def on_error(self, data: str) -> None:
        self.errors.append(data)


class Server(NamedTuple):
    endpoint: str
    cert: Path


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("azure")
    made = self_signed.make(folder / "tls", names=(), days=1, now=SystemClock().now())
    # a sandbox that nobody asks for imports what most code needs
    environment = {"PERDURE_CODE_SPARE_SESSIONS": "0"}
    with served(request, folder, environment, tls=made) as url:
        yield Server(f"{url}/api/projects/mine", made.cert)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """Each call is tried once: what it says is what is looked at."""
    with AgentsClient(
        server.endpoint, Key(), connection_verify=str(server.cert), retry_total=0
    ) as client:
        yield client


def agent(client: Client, **fields: Any) -> str:
    return str(client.create_agent(model="scripted", name="mine", **fields).id)


def thread(client: Client, *texts: str) -> str:
    made = client.threads.create()
    for text in texts:
        client.messages.create(made.id, role="user", content=text)
    return str(made.id)


def answer(client: Client, thread_id: str) -> str:
    """The newest message of the agent."""
    found = client.messages.get_last_message_text_by_role(thread_id, "assistant")
    assert found is not None
    return str(found.text.value)


def double(number: int) -> str:
    """
    Doubles a number.

    :param number: The number.
    :return: Its double, in JSON.
    """
    return json.dumps({"double": 2 * number})


def test_agents_are_made_changed_listed_and_deleted(client: Client) -> None:
    made = client.create_agent(model="scripted", name="First", metadata={"a": "b"})
    changed = client.update_agent(made.id, name="Second", instructions="Be brief.")
    assert (changed.name, changed.instructions, changed.metadata) == (
        "Second", "Be brief.", {"a": "b"},
    )  # fmt: skip
    assert client.get_agent(made.id) == changed
    assert changed in list(client.list_agents(limit=1, order=ListSortOrder.ASCENDING))
    client.delete_agent(made.id)
    with pytest.raises(ResourceNotFoundError, match="No assistant found with id"):
        client.get_agent(made.id)


def test_threads_are_listed_over_several_pages(client: Client) -> None:
    ids = [thread(client) for _ in range(3)]
    listed = [each.id for each in client.threads.list(limit=2)]
    assert listed[:3] == ids[::-1]
    client.threads.delete(ids[1])
    assert ids[1] not in [each.id for each in client.threads.list(limit=2)]
    assert client.threads.update(ids[0], metadata={"a": "b"}).metadata == {"a": "b"}


def test_a_run_is_polled_to_its_end(client: Client) -> None:
    on = thread(client, "say: Hello there")
    run = client.runs.create_and_process(on, agent_id=agent(client), polling_interval=POLL)
    assert (run.status, run.last_error) == (RunStatus.COMPLETED, None)
    assert answer(client, on) == "Hello there"
    (step,) = client.run_steps.list(on, run.id)
    assert step.type == "message_creation"
    assert [each.id for each in client.runs.list(on)] == [run.id]


def test_a_run_is_streamed(client: Client) -> None:
    told = Told()
    on = thread(client, "say: Hello there")
    with client.runs.stream(on, agent_id=agent(client), event_handler=told) as stream:
        stream.until_done()
    assert (told.text, told.errors) == ("Hello there", [])
    assert told.statuses == ["queued", "queued", "in_progress", "completed"]


def test_functions_are_called_while_a_run_is_polled(client: Client) -> None:
    functions = FunctionTool({double})
    toolset = ToolSet()
    toolset.add(functions)
    client.enable_auto_function_calls({double})
    on = thread(client, 'call: double {"number": 21}\nthen: say: Done')
    made = agent(client, toolset=toolset)
    run = client.runs.create_and_process(on, agent_id=made, polling_interval=POLL)
    assert run.status == RunStatus.COMPLETED
    steps = list(client.run_steps.list(on, run.id, order=ListSortOrder.ASCENDING))
    (call,) = steps[0].step_details.tool_calls
    assert json.loads(call.function["output"]) == {"double": 42}
    assert answer(client, on) == "Done"


def test_functions_are_called_while_a_run_is_streamed(client: Client) -> None:
    told = Told()
    client.enable_auto_function_calls({double})
    on = thread(client, 'call: double {"number": 21}\nthen: say: Done')
    made = agent(client, tools=FunctionTool({double}).definitions)
    with client.runs.stream(on, agent_id=made, event_handler=told) as stream:
        stream.until_done()
    assert (told.text, told.errors, told.statuses[-1]) == ("Done", [], "completed")


def test_outputs_are_submitted_by_hand(client: Client) -> None:
    on = thread(client, 'call: double {"number": 21}\nthen: say: Done')
    made = agent(client, tools=FunctionTool({double}).definitions)
    run = client.runs.create(on, agent_id=made)
    while run.status in ("queued", "in_progress"):
        run = client.runs.get(on, run.id)
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    outputs = [ToolOutput(tool_call_id=call.id, output="42")]
    run = client.runs.submit_tool_outputs(on, run.id, tool_outputs=outputs)
    while run.status in ("queued", "in_progress"):
        run = client.runs.get(on, run.id)
    assert run.status == RunStatus.COMPLETED


def test_a_waiting_run_is_cancelled(client: Client) -> None:
    on = thread(client, 'call: double {"number": 21}')
    run = client.runs.create(on, agent_id=agent(client, tools=FunctionTool({double}).definitions))
    while run.status in ("queued", "in_progress"):
        run = client.runs.get(on, run.id)
    run = client.runs.cancel(on, run.id)
    while run.status == "cancelling":
        run = client.runs.get(on, run.id)
    assert run.status == RunStatus.CANCELLED


def test_files_come_from_a_path_and_from_a_stream(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "rent.md"
    path.write_bytes(RENT)
    by_path = client.files.upload_and_poll(
        file_path=str(path), purpose=FilePurpose.AGENTS, polling_interval=POLL
    )
    by_stream = client.files.upload_and_poll(
        file=io.BytesIO(RENT), filename="rent.txt", purpose=FilePurpose.AGENTS,
        polling_interval=POLL,
    )  # fmt: skip
    assert (by_path.filename, by_stream.filename) == ("rent.md", "rent.txt")
    for file in by_path, by_stream:
        assert b"".join(client.files.get_content(file.id)) == RENT
        assert file.id in [each.id for each in client.files.list().data]
        client.files.delete(file.id)
        with pytest.raises(ResourceNotFoundError):
            client.files.get(file.id)


def test_stores_are_searched_and_a_run_may_have_one_of_its_own(client: Client) -> None:
    file = client.files.upload(file=("rent.md", RENT), purpose=FilePurpose.AGENTS)
    store = client.vector_stores.create_and_poll(
        file_ids=[file.id], name="Papers", polling_interval=POLL
    )
    assert store.file_counts.completed == 1
    search = FileSearchTool([store.id])
    on = thread(client, "When is the rent due?")
    made = agent(client, tools=search.definitions)
    run = client.runs.create(on, agent_id=made, tool_resources=search.resources)
    while run.status in ("queued", "in_progress"):
        run = client.runs.get(on, run.id)
    assert (run.status, run.tool_resources) == (RunStatus.COMPLETED, search.resources)
    steps = client.run_steps.list(on, run.id, include=[CONTENT], order=ListSortOrder.ASCENDING)
    (call,) = next(iter(steps)).step_details.tool_calls
    assert RENT.decode().strip() in call.file_search.results[0].content[0].text
    with pytest.raises(ResourceNotFoundError, match=r"Files \[file-no\] were not found"):
        client.vector_store_files.create(store.id, file_id="file-no")


def test_code_reads_an_attached_file(client: Client) -> None:
    file = client.files.upload(file=("in.csv", b"1,2,3\n"), purpose=FilePurpose.AGENTS)
    tool = CodeInterpreterTool()
    attached = [MessageAttachment(file_id=file.id, tools=tool.definitions)]
    on = thread(client)
    code = "python:\n    print(open('/mnt/data/in.csv').read())\nthen: say: Done"
    client.messages.create(on, role="user", content=code, attachments=attached)
    made = agent(client, tools=tool.definitions)
    run = client.runs.create_and_process(on, agent_id=made, polling_interval=POLL)
    assert run.status == RunStatus.COMPLETED
    steps = list(client.run_steps.list(on, run.id, order=ListSortOrder.ASCENDING))
    (call,) = steps[0].step_details.tool_calls
    assert "1,2,3" in call.code_interpreter.outputs[0].logs


def test_a_service_of_azures_cloud_is_refused_by_its_name(client: Client) -> None:
    with pytest.raises(HttpResponseError, match="The tool 'bing_grounding' is a service") as caught:
        agent(client, tools=BingGroundingTool(connection_id=CONNECTION).definitions)
    error: Any = caught.value.error
    assert (caught.value.status_code, error.code) == (400, "unsupported_tool")


async def test_the_asynchronous_client_polls_and_streams(server: Server) -> None:
    opened: Client = AsyncAgentsClient(
        server.endpoint, AsyncKey(), connection_verify=str(server.cert), retry_total=0
    )
    async with opened as client:
        made = await client.create_agent(model="scripted", name="mine")
        run = await client.create_thread_and_process_run(
            agent_id=made.id,
            thread={"messages": [{"role": "user", "content": "say: Hello"}]},
            polling_interval=POLL,
        )
        assert run.status == RunStatus.COMPLETED
        on = await client.threads.create()
        await client.messages.create(on.id, role="user", content="say: Hello there")
        async with await client.runs.stream(on.id, agent_id=made.id) as stream:
            names = [name async for name, _, _ in stream]
        assert (names[0], names[-1]) == ("thread.run.created", "done")
        assert on.id in [each.id async for each in client.threads.list()]
