"""Our objects have every key that the API's description gives them."""

import json

import msgspec
import pytest
from msgspec.structs import replace

from perdure.lifecycle import UploadStatus
from perdure.wire.assistants import Assistant
from perdure.wire.base import Object, encode
from perdure.wire.file_batches import FileBatch
from perdure.wire.files import File
from perdure.wire.lists import Deleted, ErrorDetail, ErrorEnvelope, Model, Models
from perdure.wire.messages import Message
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import Run
from perdure.wire.search import SearchResultsPage
from perdure.wire.threads import Thread
from perdure.wire.uploads import Part, Upload
from perdure.wire.vector_store_files import ContentText, FileContentPage, VectorStoreFile
from perdure.wire.vector_stores import VectorStore
from tests.contract.schema import FACTS, problems
from tests.contract.shapes import keys, of_schema, of_struct
from tests.wire.test_objects import (
    ASSISTANT,
    BATCH,
    FILE,
    FOUND,
    MESSAGE,
    MESSAGE_STEP,
    MODEL,
    RUN,
    SEARCH_STEP,
    STORE,
    STORE_FILE,
    THREAD,
    TOOL_STEP,
    UPLOAD,
)

RESPONSES: dict[str, type[Object]] = {
    "AssistantObject": Assistant,
    "ThreadObject": Thread,
    "MessageObject": Message,
    "RunObject": Run,
    "RunStepObject": RunStep,
    "Model": Model,
    "ListModelsResponse": Models,
    "DeleteAssistantResponse": Deleted,
    "DeleteThreadResponse": Deleted,
    "DeleteMessageResponse": Deleted,
    "OpenAIFile": File,
    "Upload": Upload,
    "UploadPart": Part,
    "DeleteFileResponse": Deleted,
    "VectorStoreObject": VectorStore,
    "VectorStoreFileObject": VectorStoreFile,
    "VectorStoreFileBatchObject": FileBatch,
    "VectorStoreFileContentResponse": FileContentPage,
    "VectorStoreSearchResultsPage": SearchResultsPage,
    "DeleteVectorStoreResponse": Deleted,
    "DeleteVectorStoreFileResponse": Deleted,
    "ErrorResponse": ErrorEnvelope,
}

# Beginnings of paths that we do not have.
NOT_YET = {
    "Model": (".shutdown_date",),
    "ListModelsResponse": (".data[].shutdown_date",),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_response_has_every_described_key(name: str) -> None:
    """What is missing is listed above, and nothing is listed that is there."""
    lacking = keys(of_schema({"$ref": name})) - keys(of_struct(RESPONSES[name]))
    known = NOT_YET.get(name, ())
    assert [path for path in sorted(lacking) if not path.startswith(known or "?")] == []
    assert [path for path in known if not any(key.startswith(path) for key in lacking)] == []


# The live service left it out too, until there was one (spec 01 §13).
LEFT_OUT = {(Upload, "file")}


@pytest.mark.parametrize("kind", dict.fromkeys(RESPONSES.values()), ids=lambda kind: kind.__name__)
def test_no_described_key_is_ever_left_out(kind: type[Object]) -> None:
    """Nulls and defaults are sent, at the top of every response."""
    assert not kind.__struct_config__.omit_defaults
    assert all(
        msgspec.UnsetType not in getattr(field.type, "__args__", ())
        for field in msgspec.structs.fields(kind)
        if (kind, field.name) not in LEFT_OUT
    )


SAMPLES: list[tuple[str, Object]] = [
    ("AssistantObject", ASSISTANT),
    ("ThreadObject", THREAD),
    ("MessageObject", MESSAGE),
    ("RunObject", RUN),
    ("RunStepObject", MESSAGE_STEP),
    ("RunStepObject", TOOL_STEP),
    ("Model", MODEL),
    ("ListModelsResponse", Models(data=[MODEL])),
    ("DeleteAssistantResponse", Deleted(id="asst_1", object="assistant.deleted")),
    ("DeleteThreadResponse", Deleted(id="thread_1", object="thread.deleted")),
    ("DeleteMessageResponse", Deleted(id="msg_1", object="thread.message.deleted")),
    ("OpenAIFile", FILE),
    ("Upload", UPLOAD),
    ("Upload", replace(UPLOAD, status=UploadStatus.COMPLETED, file=FILE)),
    ("UploadPart", Part(id="part_1", created_at=1, upload_id="upload_1")),
    ("DeleteFileResponse", Deleted(id="file-1", object="file")),
    ("RunStepObject", SEARCH_STEP),
    ("VectorStoreObject", STORE),
    ("VectorStoreFileObject", STORE_FILE),
    ("VectorStoreFileBatchObject", BATCH),
    ("VectorStoreFileContentResponse", FileContentPage(data=[ContentText(text="Hi")])),
    ("VectorStoreSearchResultsPage", FOUND),
    ("DeleteVectorStoreResponse", Deleted(id="vs_1", object="vector_store.deleted")),
    ("DeleteVectorStoreFileResponse", Deleted(id="file-1", object="vector_store.file.deleted")),
    ("ErrorResponse", ErrorEnvelope(error=ErrorDetail(message="m", type="t"))),
]


# What the live service answered and its description does not have (spec 01 §8 and §10).
DIFFERENT = {
    "VectorStoreFileBatchObject": [
        "$.object: 'vector_store.file_batch' is not one of ['vector_store.files_batch']"
    ],
    "VectorStoreObject": ["$.expires_after: None is not of type 'object'"],
}


@pytest.mark.parametrize(("name", "value"), SAMPLES, ids=[name for name, _ in SAMPLES])
def test_an_object_of_ours_is_a_reply_as_described(name: str, value: Object) -> None:
    assert problems(name, json.loads(encode(value))) == DIFFERENT.get(name, [])


def test_every_reply_of_the_description_is_checked_somewhere() -> None:
    """Lists are put together at the HTTP boundary, deleting a model is not served."""
    elsewhere = {
        "ListAssistantsResponse",
        "ListMessagesResponse",
        "ListRunsResponse",
        "ListRunStepsResponse",
        "ListVectorStoresResponse",
        "ListVectorStoreFilesResponse",
        "ListFilesResponse",
        "DeleteModelResponse",
    }
    # the content of a file is bytes
    replies = {each["reply"] for each in FACTS["operations"]} - {None}
    assert replies == set(RESPONSES) - {"ErrorResponse"} | elsewhere
