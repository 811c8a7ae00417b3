"""Operations on assistants, threads, messages and runs, by method and path as in `ROUTES`."""

from perdure.api.openapi.operation import STREAM, Listed, Operation
from perdure.api.openapi.parameters import PAGE
from perdure.wire.assistants import Assistant, CreateAssistant, ModifyAssistant
from perdure.wire.lists import Deleted
from perdure.wire.messages import CreateMessage, Message, ModifyMessage
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import CreateRun, CreateThreadAndRun, ModifyRun, Run, SubmitToolOutputs
from perdure.wire.threads import CopyThread, CreateThread, ModifyThread, Thread
from perdure.wire.traces import Trace

_RUN = "/threads/{thread_id}/runs/{run_id}"
_MESSAGE = "/threads/{thread_id}/messages/{message_id}"
_INCLUDE = ("include[]",)
_RUN_FILTERS = ("status", "assistant_id", "thread_id", "model", "error_code")

OPERATIONS: dict[str, Operation] = {
    "POST /assistants": Operation(
        "createAssistant", "Create an assistant", Assistant, CreateAssistant
    ),
    "GET /assistants": Operation(
        "listAssistants", "List assistants", Listed(Assistant), query=PAGE
    ),
    "GET /assistants/{assistant_id}": Operation("getAssistant", "Retrieve an assistant", Assistant),
    "POST /assistants/{assistant_id}": Operation(
        "modifyAssistant", "Modify an assistant", Assistant, ModifyAssistant
    ),
    "DELETE /assistants/{assistant_id}": Operation(
        "deleteAssistant", "Delete an assistant", Deleted
    ),
    "POST /threads": Operation(
        "createThread", "Create a thread", Thread, CreateThread, body_required=False
    ),
    "GET /threads": Operation("listThreads", "List threads", Listed(Thread), query=PAGE),
    "POST /threads/runs": Operation(
        "createThreadAndRun",
        "Create a thread and a run on it",
        Run,
        CreateThreadAndRun,
        _INCLUDE,
        streams=True,
    ),
    "GET /runs": Operation(
        "listRunsOfAllThreads",
        "List the runs of all threads, by one filter, time and metadata",
        Listed(Run),
        query=(*PAGE, *_RUN_FILTERS, "created_at", "metadata"),
    ),
    "GET /runs/stream": Operation(
        "streamRunsOfAllThreads",
        "Stream the changes of the runs of all threads, from now on or behind an event",
        STREAM,
        query=("event",),
    ),
    "GET /runs/{run_id}": Operation("getRunById", "Retrieve a run by its id alone", Run),
    "GET /threads/{thread_id}": Operation("getThread", "Retrieve a thread", Thread),
    "POST /threads/{thread_id}": Operation("modifyThread", "Modify a thread", Thread, ModifyThread),
    "DELETE /threads/{thread_id}": Operation(
        "deleteThread", "Delete a thread with its messages and runs", Deleted
    ),
    "POST /threads/{thread_id}/copy": Operation(
        "copyThread", "Copy a thread, with changes", Thread, CopyThread, body_required=False
    ),
    "POST /threads/{thread_id}/messages": Operation(
        "createMessage", "Add a message to a thread", Message, CreateMessage
    ),
    "GET /threads/{thread_id}/messages": Operation(
        "listMessages",
        "List the messages of a thread",
        Listed(Message),
        query=(*PAGE, "run_id"),
    ),
    f"GET {_MESSAGE}": Operation("getMessage", "Retrieve a message", Message),
    f"POST {_MESSAGE}": Operation("modifyMessage", "Modify a message", Message, ModifyMessage),
    f"DELETE {_MESSAGE}": Operation("deleteMessage", "Delete a message", Deleted),
    "POST /threads/{thread_id}/runs": Operation(
        "createRun", "Create a run on a thread", Run, CreateRun, _INCLUDE, streams=True
    ),
    "GET /threads/{thread_id}/runs": Operation(
        "listRuns", "List the runs of a thread", Listed(Run), query=PAGE
    ),
    f"GET {_RUN}": Operation("getRun", "Retrieve a run", Run),
    f"POST {_RUN}": Operation("modifyRun", "Modify a run", Run, ModifyRun),
    f"POST {_RUN}/cancel": Operation("cancelRun", "Cancel a run", Run),
    f"POST {_RUN}/submit_tool_outputs": Operation(
        # the published spelling
        "submitToolOuputsToRun",
        "Submit the outputs of tool calls that a run waits for",
        Run,
        SubmitToolOutputs,
        _INCLUDE,
        streams=True,
    ),
    f"GET {_RUN}/stream": Operation(
        "streamRun",
        "Stream a run from its beginning, or go on behind an event",
        STREAM,
        query=("event", *_INCLUDE),
    ),
    f"GET {_RUN}/trace": Operation(
        "getRunTrace", "Retrieve the trace of a run", Trace, query=("trace_include[]", "call")
    ),
    f"GET {_RUN}/steps": Operation(
        "listRunSteps", "List the steps of a run", Listed(RunStep), query=(*PAGE, *_INCLUDE)
    ),
    f"GET {_RUN}/steps/{{step_id}}": Operation(
        "getRunStep", "Retrieve a run step", RunStep, query=_INCLUDE
    ),
}
