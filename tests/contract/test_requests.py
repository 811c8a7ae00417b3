"""Our request structs take what the API's description says, and no deviation is silent."""

from collections.abc import Iterable

import pytest

from perdure.wire.assistants import CreateAssistant, ModifyAssistant
from perdure.wire.base import Body
from perdure.wire.file_batches import CreateFileBatch
from perdure.wire.messages import CreateMessage, ModifyMessage
from perdure.wire.query import ListQuery
from perdure.wire.runs import CreateRun, CreateThreadAndRun, ModifyRun, SubmitToolOutputs
from perdure.wire.search import SearchRequest
from perdure.wire.threads import CreateThread, ModifyThread
from perdure.wire.uploads import CompleteUpload, CreateUpload
from perdure.wire.vector_store_files import CreateVectorStoreFile, ModifyVectorStoreFile
from perdure.wire.vector_stores import CreateVectorStore, ModifyVectorStore
from tests.contract.schema import FACTS
from tests.contract.shapes import of_schema, of_struct

REQUESTS: dict[str, type[Body]] = {
    "CreateAssistantRequest": CreateAssistant,
    "ModifyAssistantRequest": ModifyAssistant,
    "CreateThreadRequest": CreateThread,
    "ModifyThreadRequest": ModifyThread,
    "CreateMessageRequest": CreateMessage,
    "ModifyMessageRequest": ModifyMessage,
    "CreateRunRequest": CreateRun,
    "CreateThreadAndRunRequest": CreateThreadAndRun,
    "ModifyRunRequest": ModifyRun,
    "SubmitToolOutputsRunRequest": SubmitToolOutputs,
    "CreateVectorStoreRequest": CreateVectorStore,
    "UpdateVectorStoreRequest": ModifyVectorStore,
    "CreateVectorStoreFileRequest": CreateVectorStoreFile,
    "UpdateVectorStoreFileAttributesRequest": ModifyVectorStoreFile,
    "CreateVectorStoreFileBatchRequest": CreateFileBatch,
    "VectorStoreSearchRequest": SearchRequest,
    "CreateUploadRequest": CreateUpload,
    "CompleteUploadRequest": CompleteUpload,
}

NAMES = "spec 01 §2.3, §2.7: names of functions and schemas"
ECHO = "our own answers carry this null, and programs send them back"
INTEGER = "an integer is a number, and stays the integer that it was"
AZURE = "spec 09 §3: of Azure's clients"
BODY = "what the description has in the query, the asynchronous Python SDK 1.54 sends in the body"
UNSET_NULL = "null means what absent means; serializers write it"

# Ends of lines that only our structs have, with the reason.
OURS = {
    "metadata: at most 16 long": "spec 01 §2.1",
    "metadata{}: at most 512 long": "spec 01 §2.1",
    ".json_schema.name: at least 1 long": NAMES,
    ".json_schema.name: at most 64 long": NAMES,
    ".json_schema.name: like ^[a-zA-Z0-9_-]+\\Z": NAMES,
    ".function.name: at least 1 long": NAMES,
    ".function.name: at most 64 long": NAMES,
    ".function.name: like ^[a-zA-Z0-9_-]+\\Z": NAMES,
    ".function.description: at most 1024 long": "spec 01 §2.3",
    ".function.description: null": ECHO,
    ".function.parameters: null": UNSET_NULL,
    ".json_schema.description: null": UNSET_NULL,
    ".json_schema.schema: null": UNSET_NULL,
    ".ranking_options.hybrid_search: map": "spec 01 §2.3: the live service's undocumented key",
    ".ranking_options.hybrid_search: null": "spec 01 §2.3: the live service's undocumented key",
    "tool_resources.code_interpreter: null": UNSET_NULL,
    "tool_resources.file_search: null": UNSET_NULL,
    ".vector_store_ids: null": UNSET_NULL,
    ".vector_stores: null": UNSET_NULL,
    ".vector_stores[].file_ids: at most 10000 long": "spec 01 §2.4: the older limit",
    ".chunk_overlap_tokens: at least 0": "spec 01 §2.5",
    ".messages: at most 32 long": "spec 05 §3.4: the live service's own error names 32",
    ".messages: null": UNSET_NULL,
    "attachments[].file_id: required": "spec 01 §5.1: an attachment is a file",
    "content: at most 256000 long": "spec 01 §5.1",
    "content[].text: at least 1 long": "spec 01 §5.1, as for content that is a string",
    "content[].text: at most 256000 long": "spec 01 §5.1, as for content that is a string",
    "instructions: at most 256000 long": "spec 01 §3: as for the assistant's",
    ".max_completion_tokens: at least 1": "spec 01 §6: the live service took 16",
    ".max_prompt_tokens: at least 1": "spec 01 §6: the live service took 16",
    ".parallel_tool_calls: null": UNSET_NULL,
    ".tools: at most 128 long": "spec 01 §2.3: a run inherits up to 128 tools",
    ".tool_choice.function: required": "spec 01 §2.8",
    ".thread: null": "spec 02 §7",
    ".tool_outputs[].tool_call_id: required": "spec 02 §7: without it the output has no call",
    ".tool_outputs[].output: null": UNSET_NULL,
    ".tool_outputs[].type: 'function_call_output'": AZURE,
    ".tool_outputs[].type: null": AZURE,
    ".tool_resources: object": AZURE,
    ".tool_resources: null": AZURE,
    ".tool_resources.code_interpreter: object": AZURE,
    ".tool_resources.code_interpreter.file_ids: array": AZURE,
    ".tool_resources.code_interpreter.file_ids: at most 20 long": AZURE,
    ".tool_resources.code_interpreter.file_ids[]: string": AZURE,
    ".tool_resources.file_search: object": AZURE,
    ".tool_resources.file_search.vector_store_ids: array": AZURE,
    ".tool_resources.file_search.vector_store_ids: at most 1 long": AZURE,
    ".tool_resources.file_search.vector_store_ids[]: string": AZURE,
    ".include: array": BODY,
    ".include: null": BODY,
    ".include[]: 'step_details.tool_calls[*].file_search.results[*].content'": BODY,
    ".name: null": UNSET_NULL,
    ".description: null": UNSET_NULL,
    ".file_ids: null": UNSET_NULL,
    ".files: null": UNSET_NULL,
    ".chunking_strategy: null": UNSET_NULL,
    ".filters: null": UNSET_NULL,
    ".ranking_options: null": UNSET_NULL,
    ".attributes{}: integer": INTEGER,
    ".value: integer": INTEGER,
    ".value[]: integer": INTEGER,
    ".query: at least 1 long": "spec 01 §11: a search looks for something",
    ".query: at most 32 long": "each query is a search of its own",
    ".value: at most 1000 long": "one search must not compare without end",
    ".filters: at most 100 long": "one search must not compare without end",
    ".filters[].type: 'and'": "spec 06 §1.8: filters nest",
    ".filters[].type: 'or'": "spec 06 §1.8: filters nest",
    ".filters[].filters: required": "spec 06 §1.8: filters nest",
    ".reasoning_effort: 'none'": "spec 02 §7: accepted though not described",
    ".reasoning_effort: 'minimal'": "spec 02 §7",
    ".reasoning_effort: 'low'": "spec 02 §7",
    ".reasoning_effort: 'medium'": "spec 02 §7",
    ".reasoning_effort: 'high'": "spec 02 §7",
    ".reasoning_effort: 'xhigh'": "spec 02 §7",
    ".reasoning_effort: 'max'": "spec 02 §7",
    ".reasoning_effort: null": "spec 02 §7",
    "purpose: 'user_data'": "spec 01 §13: all purposes of files",
    "purpose: 'evals'": "spec 01 §13: all purposes of files",
    ".filename: at least 1 long": "a file has a name",
    ".bytes: at least 0": "spec 01 §13",
    ".bytes: at most 8589934592": "spec 01 §13: 8 GB in all",
    ".part_ids: at most 10000 long": "one request must not name parts without end",
    ".expires_after: null": UNSET_NULL,
    ".md5: null": UNSET_NULL,
    ".read_again: boolean": "an addition: a file that was read is read anew",
}

# Ends of lines that only the description has.
THEIRS = {
    ".vector_stores[].file_ids: at most 100000000 long": "spec 01 §2.4: we keep the older limit",
    ".max_completion_tokens: at least 256": "spec 01 §6: the live service took 16",
    ".max_prompt_tokens: at least 256": "spec 01 §6: the live service took 16",
    ".tools: at most 20 long": "spec 01 §2.3: a run inherits up to 128 tools",
}


def apart(name: str) -> tuple[set[str], set[str]]:
    """The lines only of our struct, and those only of the description."""
    ours, theirs = set(of_struct(REQUESTS[name])), set(of_schema({"$ref": name}))
    return ours - theirs, theirs - ours


def undocumented(lines: Iterable[str], reasons: dict[str, str]) -> list[str]:
    return sorted(line for line in lines if not line.endswith(tuple(reasons)))


def test_every_request_of_the_description_has_its_struct() -> None:
    assert {each["request"] for each in FACTS["operations"]} - {None} == set(REQUESTS)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_has_the_described_properties_types_and_limits(name: str) -> None:
    """Each difference is listed above with its reason."""
    ours, theirs = apart(name)
    assert undocumented(ours, OURS) == []
    assert undocumented(theirs, THEIRS) == []


def test_no_documented_deviation_is_stale() -> None:
    ours = {line for name in REQUESTS for line in apart(name)[0]}
    theirs = {line for name in REQUESTS for line in apart(name)[1]}
    assert [end for end in OURS if not any(line.endswith(end) for line in ours)] == []
    assert [end for end in THEIRS if not any(line.endswith(end) for line in theirs)] == []


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_refuses_unknown_parameters_as_described(name: str) -> None:
    assert FACTS["schemas"][name]["additionalProperties"] is False
    assert REQUESTS[name].__struct_config__.forbid_unknown_fields


def test_list_queries_have_the_described_parameters() -> None:
    """The limit of 100 is prose in the description, so it is checked where it is told."""
    described: dict[str, object] = {}
    for each in FACTS["operations"]:
        described |= each["query"]
    assert described.pop("include[]") == {
        "type": "array",
        "items": {
            "type": "string",
            "enum": ["step_details.tool_calls[*].file_search.results[*].content"],
        },
    }
    assert set(described) == set(ListQuery.__struct_fields__)
    assert described["limit"] == {"type": "integer"}
    assert described["order"] == {"type": "string", "enum": ["asc", "desc"]}
