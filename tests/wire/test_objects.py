"""The API's objects: what is sent, in which order, and that it comes back as it was."""

import json

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from openai.types import FileDeleted, FileObject, beta, model
from openai.types import Upload as SdkUpload
from openai.types.beta import threads
from openai.types.beta.threads import runs
from openai.types.uploads import UploadPart
from pydantic import BaseModel

from perdure.wire import chunking
from perdure.wire.assistants import Assistant
from perdure.wire.base import Object, decode, encode
from perdure.wire.chat import ChatChunk, ChatRequest
from perdure.wire.file_batches import FileBatch
from perdure.wire.files import File
from perdure.wire.lists import Deleted, ErrorDetail, ErrorEnvelope, Model, Models
from perdure.wire.messages import Message, TextContent, TextPart
from perdure.wire.run_steps import (
    CreatedMessage,
    FileSearch,
    FileSearchResult,
    FileSearchToolCall,
    FunctionCall,
    FunctionToolCall,
    MessageCreation,
    RunStep,
    ToolCalls,
)
from perdure.wire.runs import RequiredAction, RequiredToolCalls, Run
from perdure.wire.search import SearchResult, SearchResultsPage
from perdure.wire.threads import Thread
from perdure.wire.tools import (
    CalledFunction,
    CodeInterpreterResources,
    CodeInterpreterTool,
    FileSearchTool,
    FunctionDefinition,
    FunctionTool,
    RequiredToolCall,
    Tool,
    ToolResources,
)
from perdure.wire.uploads import Part, Upload
from perdure.wire.usage import Usage
from perdure.wire.vector_store_files import ContentText, VectorStoreFile
from perdure.wire.vector_stores import VectorStore
from tests.wire.bodies import near

TOOLS: list[Tool] = [
    CodeInterpreterTool(),
    FileSearchTool(),
    FunctionTool(function=FunctionDefinition(name="get_weather")),
]
ASSISTANT = Assistant(id="asst_1", created_at=1, model="m", tools=TOOLS)
THREAD = Thread(id="thread_1", created_at=1)
STORE = VectorStore(id="vs_1", created_at=1, name="Papers", last_active_at=1)
STORE_FILE = VectorStoreFile(
    id="file-1",
    created_at=1,
    vector_store_id="vs_1",
    chunking_strategy=chunking.DEFAULT,
    attributes={"year": 2026, "kind": "law", "open": True},
)
BATCH = FileBatch(id="vsfb_1", created_at=1, vector_store_id="vs_1")
FOUND = SearchResultsPage(
    search_query=["rent"],
    data=[
        SearchResult(
            file_id="file-1",
            filename="a.txt",
            score=0.5,
            attributes={},
            content=[ContentText(text="The rent is due.")],
        )
    ],
)
SEARCH_STEP = RunStep(
    id="step_3",
    created_at=1,
    run_id="run_1",
    assistant_id="asst_1",
    thread_id="thread_1",
    type="tool_calls",
    step_details=ToolCalls(
        tool_calls=[
            FileSearchToolCall(
                id="call_2",
                file_search=FileSearch(
                    results=[
                        FileSearchResult(
                            file_id="file-1",
                            file_name="a.txt",
                            score=0.5,
                            content=[ContentText(text="The rent is due.")],
                        )
                    ],
                    queries=["rent"],
                ),
            )
        ]
    ),
)
MESSAGE = Message(
    id="msg_1",
    created_at=1,
    thread_id="thread_1",
    role="assistant",
    content=[TextPart(text=TextContent(value="Hi"))],
)
RUN = Run(
    id="run_1",
    created_at=1,
    assistant_id="asst_1",
    thread_id="thread_1",
    expires_at=601,
    model="m",
    instructions="Be brief.",
    tools=TOOLS,
    usage=Usage(),
    required_action=RequiredAction(
        submit_tool_outputs=RequiredToolCalls(
            tool_calls=[
                RequiredToolCall(
                    id="call_1", function=CalledFunction(name="get_weather", arguments="{}")
                )
            ]
        )
    ),
)
FILE = File(id="file-1", bytes=3, created_at=1, filename="a.txt", purpose="assistants")
UPLOAD = Upload(
    id="upload_1", bytes=3, created_at=1, filename="a.txt", purpose="batch", expires_at=3601
)
MESSAGE_STEP = RunStep(
    id="step_1",
    created_at=1,
    run_id="run_1",
    assistant_id="asst_1",
    thread_id="thread_1",
    type="message_creation",
    step_details=MessageCreation(message_creation=CreatedMessage(message_id="msg_1")),
)
TOOL_STEP = RunStep(
    id="step_2",
    created_at=1,
    run_id="run_1",
    assistant_id="asst_1",
    thread_id="thread_1",
    type="tool_calls",
    step_details=ToolCalls(
        tool_calls=[
            FunctionToolCall(id="call_1", function=FunctionCall(name="get_weather", arguments="{}"))
        ]
    ),
    usage=Usage(prompt_tokens=1, completion_tokens=2, total_tokens=3),
)
MODEL = Model(id="m", created=1, owned_by="us")

# As recorded for assistants, runs and steps (spec 01 §3, §6, §7), as listed for the others.
WIRE_ORDER: dict[str, tuple[Object, str]] = {
    "assistant": (
        ASSISTANT,
        (
            "id object created_at name description model instructions tools top_p temperature "
            "reasoning_effort tool_resources metadata response_format"
        ),
    ),
    "thread": (THREAD, "id object created_at metadata tool_resources"),
    "message": (
        MESSAGE,
        (
            "id object created_at thread_id status incomplete_details completed_at incomplete_at "
            "role content assistant_id run_id attachments metadata"
        ),
    ),
    "run": (
        RUN,
        (
            "id object created_at assistant_id thread_id status started_at expires_at cancelled_at "
            "failed_at completed_at required_action last_error model instructions tools "
            "tool_resources metadata temperature top_p reasoning_effort max_completion_tokens "
            "max_prompt_tokens truncation_strategy incomplete_details usage response_format "
            "tool_choice parallel_tool_calls"
        ),
    ),
    # with the two documented keys that the live service left out: expired_at and metadata
    "run step": (
        TOOL_STEP,
        (
            "id object created_at run_id assistant_id thread_id type status cancelled_at "
            "completed_at expires_at expired_at failed_at last_error step_details metadata usage"
        ),
    ),
    "usage": (
        Usage(),
        (
            "prompt_tokens completion_tokens total_tokens prompt_token_details "
            "completion_tokens_details"
        ),
    ),
    "file": (
        FILE,
        "id object bytes created_at expires_at filename purpose status status_details",
    ),
    # a completed one has its file at the end
    "upload": (UPLOAD, "id object bytes created_at filename purpose status expires_at"),
    "model": (MODEL, "id object created owned_by"),
    "list of models": (Models(data=[MODEL]), "object data"),
    "deletion marker": (Deleted(id="asst_1", object="assistant.deleted"), "id object deleted"),
    "error": (ErrorDetail(message="m", type="t"), "message type param code"),
}


@pytest.mark.parametrize("name", WIRE_ORDER)
def test_every_key_is_sent_in_the_order_of_the_wire(name: str) -> None:
    """No key is left out for being null, and none moves."""
    value, keys = WIRE_ORDER[name]
    assert list(json.loads(encode(value))) == keys.split()


FILLED_IN = {
    "a function gets a schema and strict": (
        FunctionTool(function=FunctionDefinition(name="f")),
        {
            "type": "function",
            "function": {
                "name": "f",
                "parameters": {"type": "object", "properties": {}},
                "strict": False,
            },
        },
    ),
    "file_search gets ranking options": (
        FileSearchTool(),
        {
            "type": "file_search",
            "file_search": {
                "ranking_options": {"ranker": "default_2024_08_21", "score_threshold": 0.0}
            },
        },
    ),
    "code_interpreter gets nothing": (CodeInterpreterTool(), {"type": "code_interpreter"}),
    "resources without anything are empty": (ToolResources(), {}),
    "the code interpreter's files are listed even when there are none": (
        ToolResources(code_interpreter=CodeInterpreterResources()),
        {"code_interpreter": {"file_ids": []}},
    ),
}


@pytest.mark.parametrize("case", FILLED_IN)
def test_what_is_not_given_is_answered_with_the_live_default(case: str) -> None:
    """As recorded (spec 01 §2.3, §2.4): …"""
    value, expected = FILLED_IN[case]
    assert json.loads(encode(value)) == expected


def test_a_copied_file_search_tool_comes_in_as_the_live_service_sent_it() -> None:
    """An assistant exported elsewhere carries an undocumented null (spec 01 §2.3)."""
    sent = (
        b'{"type":"file_search","file_search":{"ranking_options":'
        b'{"ranker":"default_2024_08_21","score_threshold":0.0,"hybrid_search":null}}}'
    )
    assert encode(decode(sent, FileSearchTool)) == sent


OBJECTS: list[type[Object]] = [
    Assistant,
    Thread,
    Message,
    Run,
    RunStep,
    Usage,
    Deleted,
    Model,
    Models,
    ErrorEnvelope,
    ChatRequest,
    ChatChunk,
]


@pytest.mark.parametrize("kind", OBJECTS, ids=lambda kind: kind.__name__)
@settings(
    max_examples=50,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)
@given(data=st.data())
def test_what_is_stored_comes_back_as_it_was(kind: type[Object], data: st.DataObject) -> None:
    """Encoding and decoding any object gives an equal one."""
    text = json.dumps(data.draw(near(kind, astray=False))).encode()
    try:
        value = decode(text, kind)
    except msgspec.ValidationError:
        assume(False)
    assert decode(encode(value), kind) == value


SDK_MODELS: list[tuple[Object, type[BaseModel]]] = [
    (ASSISTANT, beta.Assistant),
    (THREAD, beta.Thread),
    (MESSAGE, threads.Message),
    (RUN, threads.Run),
    (MESSAGE_STEP, runs.RunStep),
    (TOOL_STEP, runs.RunStep),
    (MODEL, model.Model),
    (FILE, FileObject),
    (UPLOAD, SdkUpload),
    (Part(id="part_1", created_at=1, upload_id="upload_1"), UploadPart),
    (Deleted(id="file-1", object="file"), FileDeleted),
    (Deleted(id="asst_1", object="assistant.deleted"), beta.AssistantDeleted),
    (Deleted(id="thread_1", object="thread.deleted"), beta.ThreadDeleted),
    (Deleted(id="msg_1", object="thread.message.deleted"), threads.MessageDeleted),
]


@pytest.mark.parametrize(
    ("value", "sdk_model"), SDK_MODELS, ids=lambda part: getattr(part, "__name__", "")
)
def test_the_sdk_reads_every_object_strictly(value: Object, sdk_model: type[BaseModel]) -> None:
    """The SDK's own model validates our JSON without a coercion, and finds the same in it."""
    read = sdk_model.model_validate_json(encode(value), strict=True)
    assert json.loads(read.model_dump_json(exclude_unset=True)) == json.loads(encode(value))
