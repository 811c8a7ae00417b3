"""Items of a stream: stored events, and deltas that are never stored (spec 04).

A delta is cut into a constant head, the text of the model and a constant tail, so that a token
costs one string on its way and no object model.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from msgspec import Raw, to_builtins

from perdure import lifecycle
from perdure.wire.base import JsonObject, encode
from perdure.wire.messages import Annotation, FileCitationAnnotation
from perdure.wire.runs import Run


class Event(NamedTuple):
    """A stored event: `seq` orders all events of the server, `data` is the object's JSON."""

    seq: int
    name: str
    data: bytes


class DeltaPart(NamedTuple):
    """The part of the open message or step that a delta belongs to.

    `item` is the index of the content part or of the tool call. `output` is 0 for the content part,
    or for the model's text of the call, and n for the n-th output of the call's code.
    """

    item: int
    output: int = 0


class Delta(NamedTuple):
    """A fragment of text or of arguments in a stream.

    Deltas with the same head can be joined: their texts under the first one's tail give one delta
    of the same meaning.
    """

    name: str
    head: bytes
    text: str
    tail: bytes
    part: DeltaPart

    def data(self) -> bytes:
        return self.head + encode(self.text) + self.tail

    def with_text(self, text: str) -> "Delta":
        """Returns the delta with another text."""
        # Once a token: the constructor of a NamedTuple costs twice as much.
        return tuple.__new__(Delta, (self.name, self.head, text, self.tail, self.part))


def rest_of(delta: Delta, known: int) -> Delta:
    """Returns the delta without its first characters, which are known already."""
    tail = _LATER_TAIL if delta.tail == _FIRST_TAIL else delta.tail
    return delta._replace(text=delta.text[known:], tail=tail)


class Closing(NamedTuple):
    """The end of this server's events of a run (shutdown): the client must come back later."""

    reason: str


class Queued(NamedTuple):
    """A run that waits for a worker. It goes to one worker, not to subscribers."""


class Interrupted(NamedTuple):
    """The cancellation, end or deletion of a run. It goes to the worker that holds the run."""


class Waiting(NamedTuple):
    """Files of a vector store that wait to be ingested. It goes to the worker of this process."""


class RunsChanged(NamedTuple):
    """A hint to subscribers of `runs_topic` that the log has new events of the project's runs."""


class RunEnded(NamedTuple):
    """The end of a run, for the log and the metrics of the server that wrote it. `epoch` is the
    number of times that workers took it up, and `steps` the number of its steps. `traceparent` is
    that of the request that made it, and `started_at` when that came.
    """

    run: Run
    project: str
    epoch: int
    steps: int
    traceparent: str | None
    started_at: float


class OutputsTaken(NamedTuple):
    """A run was given the tool outputs for which it waited so many seconds."""

    seconds: int


# What only the server itself receives that has written it, after the commit.
Notice = RunEnded | OutputsTaken
# The topic of notices, which nobody subscribes to.
NOTICES = ""


_RUNS_TOPIC = "runs/"


def runs_topic(project: str) -> str:
    """Returns the topic of the changes of a project's runs."""
    return _RUNS_TOPIC + project


def is_runs_topic(topic: str) -> bool:
    """Returns True for a topic of `runs_topic`."""
    return topic.startswith(_RUNS_TOPIC)


# What a subscriber of a topic receives.
StreamItem = Event | Delta | RunsChanged | Closing
# What is published on a bus.
Publication = StreamItem | Queued | Interrupted | Waiting | Notice


# The place of the text. No JSON has this byte: in a string it is escaped.
_MARK = b"\0"
_TEXT = Raw(_MARK)

_Members: TypeAlias = Mapping[str, object]


def _message_delta(message_id: str, index: int, part: _Members, *, text: str = "") -> Delta:
    return _cut(
        lifecycle.MESSAGE_DELTA,
        {"content": [{"index": index, **part}]},
        object_id=message_id,
        text=text,
        part=DeltaPart(index),
    )


def _call_delta(
    step_id: str, index: int, call: _Members, *, text: str = "", output: int = 0
) -> Delta:
    details = {"type": "tool_calls", "tool_calls": [{"index": index, **call}]}
    return _cut(
        lifecycle.STEP_DELTA,
        {"step_details": details},
        object_id=step_id,
        text=text,
        part=DeltaPart(index, output),
    )


def _cut(name: str, delta: _Members, *, object_id: str, text: str, part: DeltaPart) -> Delta:
    """Encodes a delta and cuts its JSON where the text belongs."""
    head, tail = encode({"id": object_id, "object": name, "delta": delta}).split(_MARK)
    return Delta(name, head, text, tail, part)


def text_delta(message_id: str, index: int) -> Delta:
    """Returns the deltas of one text part, but for the first, without their texts (spec 04 §4)."""
    return _message_delta(message_id, index, {"type": "text", "text": {"value": _TEXT}})


def first_text_delta(message_id: str, index: int) -> Delta:
    """Returns the first delta of a text part without its text (spec 04 §4)."""
    part = {"type": "text", "text": {"value": _TEXT, "annotations": []}}
    return _message_delta(message_id, index, part)


# Only the first delta of a text has a list of annotations.
_FIRST_TAIL, _LATER_TAIL = first_text_delta("", 0).tail, text_delta("", 0).tail


def annotated_delta(
    message_id: str, index: int, annotation: Annotation, number: int, *, text: str
) -> Delta:
    """Returns the delta that carries text together with its annotation (spec 04 §4).

    Its head differs from every other, so that it is never joined with its neighbours.
    """
    noted = {"index": number, **to_builtins(annotation)}
    if isinstance(annotation, FileCitationAnnotation):
        noted["file_citation"] = {**noted["file_citation"], "quote": ""}
    part = {"type": "text", "text": {"annotations": [noted], "value": _TEXT}}
    return _message_delta(message_id, index, part, text=text)


def refusal_delta(message_id: str, index: int) -> Delta:
    """Returns the deltas of one refusal part without their texts (spec 04 §4)."""
    return _message_delta(message_id, index, {"type": "refusal", "refusal": _TEXT})


def image_part_delta(message_id: str, index: int, file_id: str) -> Delta:
    """Returns the one delta of an `image_file` part (spec 04 §4).

    It has the `detail` too, so that the object that SDKs put together is the stored one.
    """
    image = {"file_id": _TEXT, "detail": "auto"}
    part = {"type": "image_file", "image_file": image}
    return _message_delta(message_id, index, part, text=file_id)


def function_call_delta(step_id: str, index: int, call_id: str, name: str) -> Delta:
    """Returns the first delta of a function call: id, name, empty arguments, null output (spec 04
    §3.2).
    """
    function = {"name": _TEXT, "arguments": "", "output": None}
    call = {"id": call_id, "type": "function", "function": function}
    return _call_delta(step_id, index, call, text=name)


def arguments_delta(step_id: str, index: int) -> Delta:
    """Returns the later deltas of one function call without their fragments of its arguments."""
    call = {"type": "function", "function": {"arguments": _TEXT}}
    return _call_delta(step_id, index, call)


def file_search_delta(step_id: str, index: int, call_id: str, ranking: JsonObject) -> Delta:
    """Returns the only delta of a search. Its results come with the end of the step (spec 04
    §3.3).
    """
    search = {"ranking_options": ranking, "results": []}
    call = {"type": "file_search", "id": _TEXT, "file_search": search}
    return _call_delta(step_id, index, call, text=call_id)


def _code_delta(
    step_id: str, index: int, code: _Members, *, text: str = "", output: int = 0
) -> Delta:
    call = {"type": "code_interpreter", "code_interpreter": code}
    return _call_delta(step_id, index, call, text=text, output=output)


def code_call_delta(step_id: str, index: int, call_id: str) -> Delta:
    """Returns the first delta of a code_interpreter call: id, no input yet, no outputs (spec 04
    §3.4).
    """
    code = {"input": "", "outputs": []}
    call = {"type": "code_interpreter", "id": _TEXT, "code_interpreter": code}
    return _call_delta(step_id, index, call, text=call_id)


def code_input_delta(step_id: str, index: int) -> Delta:
    """Returns the deltas of the code that the model writes without its fragments."""
    return _code_delta(step_id, index, {"input": _TEXT})


def code_logs_delta(step_id: str, index: int, output: int, text: str) -> Delta:
    """Returns a delta of one `logs` output."""
    logs = {"index": output, "type": "logs", "logs": _TEXT}
    return _code_delta(step_id, index, {"outputs": [logs]}, text=text, output=output + 1)


def code_image_delta(step_id: str, index: int, output: int, file_id: str) -> Delta:
    """Returns the one delta of an `image` output."""
    image = {"index": output, "type": "image", "image": {"file_id": _TEXT}}
    return _code_delta(step_id, index, {"outputs": [image]}, text=file_id, output=output + 1)
