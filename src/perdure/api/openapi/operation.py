"""The form in which an operation is described."""

from typing import Any, NamedTuple, TypeAlias

from perdure.wire.base import Body, Object

Schema: TypeAlias = dict[str, Any]


class Listed(NamedTuple):
    """An answer that is a page of a list of these objects."""

    item: type[Object]


class FormBody(NamedTuple):
    """A body that is a form with a file: the name of its part, and the fields beside it."""

    file: str
    fields: type[Body] | None = None


class Content(NamedTuple):
    """A body or an answer that no struct describes, of this media type."""

    media_type: str
    schema: Schema


BYTES = Content("application/octet-stream", {})
HTML = Content("text/html", {"type": "string"})
# Lines of objects and contents of files; see `exchange/frames.py`.
FRAMES = Content("application/vnd.perdure.export", {})
JSON = Content("application/json", {"type": "object"})
STREAM = Content("text/event-stream", {"$ref": "#/components/schemas/StreamEvent"})


class Operation(NamedTuple):
    """A description of an operation.

    `id` is that of the published description where it has the operation, so that generated clients
    have the same names. `query` names parameters of `parameters.QUERY`. `streams`: the answer may
    be a stream of events too.
    """

    id: str
    summary: str
    answer: type[Object] | Listed | Content
    body: type[Body] | FormBody | Content | None = None
    query: tuple[str, ...] = ()
    streams: bool = False
    body_required: bool = True
