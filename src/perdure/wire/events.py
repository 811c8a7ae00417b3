"""Items of a stream: stored events, and deltas that are never stored (spec 04).

A delta is cut into a constant head, the text of the model and a constant tail, so that a token
costs one string on its way and no object model.
"""

from typing import NamedTuple

from msgspec import to_builtins

from perdure import lifecycle
from perdure.wire.base import JsonObject, encode
from perdure.wire.messages import Annotation, FileCitationAnnotation


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


class Closing(NamedTuple):
    """The end of this server's events of a run (shutdown): the client must come back later."""

    reason: str


class Queued(NamedTuple):
    """A run that waits for a worker. It goes to one worker, not to subscribers."""


class Interrupted(NamedTuple):
    """The cancellation, end or deletion of a run. It goes to the worker that holds the run."""


class Waiting(NamedTuple):
    """Files of a vector store that wait to be ingested. It goes to the worker of this process."""


# What a subscriber of a topic receives.
StreamItem = Event | Delta | Closing
# What is published on a bus.
Publication = StreamItem | Queued | Interrupted | Waiting


def text_head(message_id: str, index: int) -> bytes:
    """Returns the head of the deltas of one text part (spec 04 §4)."""
    return (
        f'{{"id":"{message_id}","object":"{lifecycle.MESSAGE_DELTA}","delta":{{"content":'
        f'[{{"index":{index},"type":"text","text":{{"value":'
    ).encode()


FIRST_TEXT_TAIL = b',"annotations":[]}}]}}'
TEXT_TAIL = b"}}]}}"


def refusal_head(message_id: str, index: int) -> bytes:
    """Returns the head of the deltas of one refusal part (spec 04 §4)."""
    return (
        f'{{"id":"{message_id}","object":"{lifecycle.MESSAGE_DELTA}","delta":{{"content":'
        f'[{{"index":{index},"type":"refusal","refusal":'
    ).encode()


REFUSAL_TAIL = b"}]}}"


def _call_head(step_id: str, index: int) -> str:
    return (
        f'{{"id":"{step_id}","object":"{lifecycle.STEP_DELTA}","delta":{{"step_details":'
        f'{{"type":"tool_calls","tool_calls":[{{"index":{index},'
    )


def function_call_delta(step_id: str, index: int, call_id: str, name: str) -> Delta:
    """Returns the first delta of a function call: id, name, empty arguments, null output (spec 04
    §3.2).
    """
    head = (
        f'{_call_head(step_id, index)}"id":{encode(call_id).decode()},"type":"function",'
        f'"function":{{"name":'
    )
    tail = b',"arguments":"","output":null}}]}}}'
    return Delta(lifecycle.STEP_DELTA, head.encode(), name, tail, DeltaPart(index))


def file_search_delta(step_id: str, index: int, call_id: str, ranking: JsonObject) -> Delta:
    """Returns the only delta of a search. Its results come with the end of the step (spec 04
    §3.3).
    """
    head = f'{_call_head(step_id, index)}"type":"file_search","id":'
    options = encode(ranking).decode()
    tail = f',"file_search":{{"ranking_options":{options},"results":[]}}}}]}}}}}}'
    return Delta(lifecycle.STEP_DELTA, head.encode(), call_id, tail.encode(), DeltaPart(index))


def code_call_delta(step_id: str, index: int, call_id: str) -> Delta:
    """Returns the first delta of a code_interpreter call: id, no input yet, no outputs (spec 04
    §3.4).
    """
    head = f'{_call_head(step_id, index)}"type":"code_interpreter","id":'
    tail = b',"code_interpreter":{"input":"","outputs":[]}}]}}}'
    return Delta(lifecycle.STEP_DELTA, head.encode(), call_id, tail, DeltaPart(index))


def code_input_head(step_id: str, index: int) -> bytes:
    """Returns the head of the deltas of the code that the model writes."""
    return (
        f'{_call_head(step_id, index)}"type":"code_interpreter","code_interpreter":{{"input":'
    ).encode()


CODE_INPUT_TAIL = b"}}]}}}"


def code_logs_head(step_id: str, index: int, output: int) -> bytes:
    """Returns the head of the deltas of one `logs` output."""
    return (
        f'{_call_head(step_id, index)}"type":"code_interpreter","code_interpreter":{{"outputs":'
        f'[{{"index":{output},"type":"logs","logs":'
    ).encode()


CODE_LOGS_TAIL = b"}]}}]}}}"


def code_image_delta(step_id: str, index: int, output: int, file_id: str) -> Delta:
    """Returns the one delta of an `image` output."""
    head = (
        f'{_call_head(step_id, index)}"type":"code_interpreter","code_interpreter":{{"outputs":'
        f'[{{"index":{output},"type":"image","image":{{"file_id":'
    )
    part = DeltaPart(index, output + 1)
    return Delta(lifecycle.STEP_DELTA, head.encode(), file_id, b"}}]}}]}}}", part)


def image_part_delta(message_id: str, index: int, file_id: str) -> Delta:
    """Returns the one delta of an `image_file` part (spec 04 §4).

    It has the `detail` too, so that the object that SDKs put together is the stored one.
    """
    head = (
        f'{{"id":"{message_id}","object":"{lifecycle.MESSAGE_DELTA}","delta":{{"content":'
        f'[{{"index":{index},"type":"image_file","image_file":{{"file_id":'
    )
    tail = b',"detail":"auto"}}]}}'
    return Delta(lifecycle.MESSAGE_DELTA, head.encode(), file_id, tail, DeltaPart(index))


def annotation_head(message_id: str, index: int, annotation: Annotation, number: int) -> bytes:
    """Returns the head of the delta that carries text together with its annotation (spec 04 §4).

    It differs from every other head, so that the delta is never joined with its neighbours.
    """
    noted = {"index": number, **to_builtins(annotation)}
    if isinstance(annotation, FileCitationAnnotation):
        noted["file_citation"] = {**noted["file_citation"], "quote": ""}
    return (
        f'{{"id":"{message_id}","object":"{lifecycle.MESSAGE_DELTA}","delta":{{"content":'
        f'[{{"index":{index},"type":"text","text":{{"annotations":[{encode(noted).decode()}],'
        f'"value":'
    ).encode()


def arguments_head(step_id: str, index: int) -> bytes:
    """Returns the head of the later deltas of one function call: fragments of its arguments."""
    return f'{_call_head(step_id, index)}"type":"function","function":{{"arguments":'.encode()


ARGUMENTS_TAIL = b"}}]}}}"
