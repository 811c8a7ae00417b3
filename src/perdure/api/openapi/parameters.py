"""The parameters of operations: each name means the same wherever it stands."""

from typing import get_args

from perdure.api.openapi.operation import Schema
from perdure.commands.imported_objects import OnConflict
from perdure.lifecycle import RunStatus, VectorStoreFileStatus
from perdure.wire.audit_logs import AuditType
from perdure.wire.query import RESULT_CONTENT
from perdure.wire.runs import ErrorCode
from perdure.wire.webhook_deliveries import DeliveryStatus

PAGE = ("limit", "order", "after", "before")

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_FLAG: Schema = {"type": "string", "enum": ["true", "false"]}
_SECONDS: Schema = {"type": "integer", "minimum": 0}

PATH: dict[str, str] = {
    "adjustment_id": "The id of an adjustment.",
    "assistant_id": "The id of an assistant.",
    "batch_id": "The id of a batch of files in a vector store.",
    "delivery_id": "The id of a delivery.",
    "deployment": "The name of a deployment, as Azure's clients send it. It is not used.",
    "file_id": "The id of a file.",
    "key_id": "The id of an API key.",
    "message_id": "The id of a message.",
    "model": "The name of a model; it may have slashes.",
    "project_id": "The id of a project.",
    "rate_limit_id": "The id of a rate limit.",
    "run_id": "The id of a run.",
    "service_account_id": "The id of a service account.",
    "step_id": "The id of a run step.",
    "thread_id": "The id of a thread.",
    "upload_id": "The id of an upload.",
    "vector_store_id": "The id of a vector store.",
}


def _query(description: str, schema: Schema, **more: object) -> Schema:
    return {"in": "query", "description": description, "schema": schema, **more}


def _enum(*values: str) -> Schema:
    return {"type": "string", "enum": [*values]}


QUERY: dict[str, Schema] = {
    "limit": _query(
        "The number of objects in a page.",
        {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
    ),
    "order": _query("By the time of their creation: the newest or the oldest first.",
                    {**_enum("asc", "desc"), "default": "desc"}),
    "after": _query("The id of the object after which the page begins.", _TEXT),
    "before": _query("The id of the object before which the page ends.", _TEXT),
    "run_id": _query("Only the messages that this run has written.", _TEXT),
    "filter": _query("Only files of this status.", _enum(*VectorStoreFileStatus)),
    "purpose": _query("Only files of this purpose.", _TEXT),
    "include[]": _query(
        "Fields that are left out otherwise: the contents of search results.",
        {"type": "array", "items": _enum(RESULT_CONTENT)},
    ),
    "export_project": _query("Only the objects of this project.", _TEXT, name="project"),
    "assistant": _query("Only this assistant and the threads on which it ran.", _TEXTS),
    "thread": _query("Only this thread.", _TEXTS),
    "since": _query("Only threads made at this time or later, in Unix seconds.", _SECONDS),
    "files": _query("Whether the contents of files are exported.", _FLAG),
    "runs": _query("Whether runs and their steps are exported.", _FLAG),
    "import_project": _query("The project that all objects go to.", _TEXT, name="project"),
    "on_conflict": _query(
        "What is done where an object is there with other content.",
        {**_enum(*get_args(OnConflict)), "default": "skip"},
    ),
    "keep_expired": _query("Whether nothing expires.", _FLAG),
    "keeps_places": _query("Whether objects keep their places, as the beginning said.", _FLAG),
    "fills_gaps": _query("Whether what is named and not there becomes a row of its own.", _FLAG),
    "status": _query("Only runs of this status.", _enum(*RunStatus)),
    "delivery_status": _query("Only deliveries of this status.", _enum(*get_args(DeliveryStatus)),
                              name="status"),
    "assistant_id": _query("Only runs of this assistant.", _TEXT),
    "thread_id": _query("Only runs on this thread.", _TEXT),
    "model": _query("Only runs that ask for this model.", _TEXT),
    "error_code": _query("Only runs that failed with this code.", _enum(*get_args(ErrorCode))),
    "created_at": _query(
        "Bounds of the time of creation, in Unix seconds.",
        {
            "type": "object",
            "properties": dict.fromkeys(("gt", "gte", "lt", "lte"), _SECONDS),
        },
        style="deepObject",
        explode=True,
    ),
    "metadata": _query(
        "Only runs with these pairs of metadata.",
        {"type": "object", "additionalProperties": _TEXT, "maxProperties": 16},
        style="deepObject",
        explode=True,
    ),
    "event": _query("The id of the last event that is known; the stream goes on behind it.",
                    _TEXT, name="after"),
    "trace_include[]": _query("What is left out otherwise: the requests, made again.",
                              {"type": "array", "items": _enum("requests")}, name="include[]"),
    "call": _query("Only the model call of this number.", {"type": "integer"}),
    "start_time": _query("The beginning of the report, in Unix seconds.", _SECONDS, required=True),
    "end_time": _query("Its end, which is not in it.", _SECONDS),
    "bucket_width": _query("The time that is summed up.", {**_enum("1m", "1h", "1d")}),
    "buckets": _query("The number of buckets in a page.", {"type": "integer", "minimum": 1},
                      name="limit"),
    "page": _query("The `next_page` of the page before.", _TEXT),
    "group_by[]": _query("What each bucket is parted by.", _TEXTS),
    "api_key_ids[]": _query("Only what these keys have used.", _TEXTS),
    "models[]": _query("Only what was used of these models.", _TEXTS),
    "include_archived": _query("Whether archived projects are listed too.",
                               {"type": "boolean", "default": False}),
    "owner_project_access": _query("Only keys whose owners have this access.",
                                   {**_enum("active", "inactive", "any"), "default": "any"}),
    "event_types[]": _query("Only entries of these types.",
                            {"type": "array", "items": _enum(*get_args(AuditType))}),
    "actor_ids[]": _query("Only changes by these keys.", _TEXTS),
    "actor_emails[]": _query("Only changes by these users, of whom there are none.", _TEXTS),
    "project_ids[]": _query("Only these projects.", _TEXTS),
    "resource_ids[]": _query("Only changes of these objects.", _TEXTS),
    "effective_at": _query(
        "Bounds of the time of the change, in Unix seconds.",
        {
            "type": "object",
            "properties": dict.fromkeys(("gt", "gte", "lt", "lte"), _SECONDS),
        },
        style="deepObject",
        explode=True,
    ),
    "files_limit": _query(
        "The number of files in a page.",
        {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 10_000},
        name="limit",
    ),
    "chunk_order": _query("By their place in the file.",
                          {**_enum("asc", "desc"), "default": "asc"}, name="order"),
}  # fmt: skip
