"""The trace of a run: an extension. What was done, when and by whom, and what each model was sent.

What is stored and what is shown is the same struct: fields without a value in a row are worked out
when the trace is read. No text is stored: a request is a recipe, from which it is made again. Of
calls and recipes, fields that are at their defaults are left out: there are thousands of them.
"""

from typing import Literal, TypeAlias

from msgspec import UNSET, UnsetType

from perdure.lifecycle import RunStatus
from perdure.wire.base import JsonObject, Object
from perdure.wire.usage import Usage


class LeftOutMessage(Object):
    """A message of the thread that a request does not have.

    `last_messages`: the run asked for fewer. `empty`: it has nothing that a model could be shown.
    The others: all of them would have been more tokens than that.
    """

    message_id: str
    reason: Literal["context_window", "max_prompt_tokens", "last_messages", "empty"]


class Recipe(Object, kw_only=True, omit_defaults=True):
    """Ids and hashes of all that a request was made of, so that it can be made again.

    `message_ids` are the messages of the thread in it, in order, and `roles` the first letters of
    their roles. The run's own rounds are its first `step_count` completed steps. `context_window`
    and `prompt_limit` are tokens; no limit: the thread was not to be cut. `output_rooms` are the
    tokens that the outputs of a tool were cut to, by its name. `is_last`: an answer was asked for
    without tools, after too many rounds of them. `tool_sources` are the ids of what the definition
    of a tool was made of. `image_ids` are the files whose bytes were sent.

    `parts`, `tools` and `settings` are short hashes: of each message of the request, of each tool's
    definition, and of everything else. `body_sha256` is that of the bytes that were sent, images
    and adjustments included; null for a provider that sends none.

    `step_ids`, `left_out` and `has_left_out_more` are of the answer only.
    """

    version: str
    message_ids: list[str]
    roles: str
    step_count: int = 0
    step_ids: list[str] | UnsetType = UNSET
    context_window: int
    prompt_limit: int | None = None
    limited_by: Literal["context_window", "max_prompt_tokens"] = "context_window"
    left_out: list[LeftOutMessage] | UnsetType = UNSET
    has_left_out_more: bool | UnsetType = UNSET
    output_rooms: dict[str, int] = {}
    max_tokens: int | None = None
    is_last: bool = False
    tool_sources: dict[str, list[str]] = {}
    image_ids: list[str] = []
    sends_thinking_back: bool = False
    adjustments: list[str] = []
    parts: list[str]
    tools: list[str] = []
    settings: str
    body_sha256: str | None = None
    body_bytes: int | None = None


class Attempt(Object, kw_only=True, omit_defaults=True):
    """A sending of a request that led to no answer; `count` of the same kind in a row.

    `status` is that of HTTP, if there was an answer. `code` is a word of ours; the server's own are
    in the run's `last_error`, if it failed with them. `adjustments` are the changes to the request
    that the refusal called for.
    """

    at: float
    status: int | None = None
    code: str
    count: int = 1
    adjustments: list[str] = []


class CutThinking(Object, kw_only=True):
    """Thinking that was taken out of an answer's text. `told_characters`: so many of its characters
    had been streamed as text before its end was seen.
    """

    characters: int
    told_characters: int


DifferenceKind: TypeAlias = Literal[
    "message_deleted",
    "part_changed",
    "parts_missing",
    "image_gone",
    "tool_changed",
    "settings_changed",
    "form_changed",
]


class Difference(Object, kw_only=True):
    """A difference of a request that is made again to what was sent. `part` is the place of the
    message in the request before adjustments; `id` that of the message, step or file, or a tool's
    name.
    """

    kind: DifferenceKind
    part: int | None = None
    id: str | None = None
    note: str


class RemadeRequest(Object, kw_only=True):
    """A request, made again from its recipe.

    `same`: it has the hash of what was sent. `differs`: `differences` says where, and the body
    shows the rest. `unknown`: there is no hash to compare with. `left_out`: all that was asked for
    would be too much at once; ask for this call alone. The bytes of images are not in `body`, but
    were compared: an object with their type, number and hash stands in their place.
    """

    state: Literal["same", "differs", "unknown", "left_out"]
    differences: list[Difference] = []
    sha256: str | None = None
    body: JsonObject | None = None


class TracedClaim(Object, tag_field="type", tag="claim", kw_only=True):
    """A worker took the run. `queued_at` has whole seconds after a release. `server` is the id of
    the server whose worker it is, `address` where it listens. Each claim has an `epoch` one higher
    than the last.
    """

    queued_at: float
    claimed_at: float
    server: str
    address: str
    epoch: int


class TracedRelease(Object, tag_field="type", tag="release", kw_only=True):
    """A worker lost the run before its end. `released`: it gave it back in good order.
    `lease_ended`: another server took it, since its lease had ended; what it did since its last
    step is not known.
    """

    at: float
    reason: Literal["released", "lease_ended"]
    server: str
    address: str | None
    noted_by: str | None = None


CallOutcome: TypeAlias = Literal[
    "answered", "called_tools", "truncated", "failed", "too_long", "interrupted"
]


class TracedCall(Object, tag_field="type", tag="model_call", kw_only=True, omit_defaults=True):
    """A call of a model. `step_id` is the step that it led to, if it led to one. `server` is the
    base URL of the model server without a password, `model` the model's name there. `recipe` is
    null where it would have been larger than is kept. Where the call led to a step, `usage` is
    stored with that.

    `request` is there where requests were asked for.
    """

    number: int | UnsetType = UNSET
    step_id: str | UnsetType | None = UNSET
    started_at: float
    first_token_at: float | None = None
    ended_at: float
    outcome: CallOutcome
    error_code: str | None = None
    server: str
    model: str
    attempts: list[Attempt] = []
    usage: Usage | None = None
    thinking: CutThinking | None = None
    recipe: Recipe | None = None
    request: RemadeRequest | UnsetType = UNSET


class TracedToolWork(Object, tag_field="type", tag="tool_work", kw_only=True):
    """A tool of the server answered calls of one round. `name` is the one that the model knows."""

    step_id: str | UnsetType | None = UNSET
    name: str
    call_ids: list[str]
    started_at: float
    ended_at: float


class TracedWait(Object, tag_field="type", tag="output_wait", kw_only=True):
    """The run waited for outputs of the client. `submitted_at` has whole seconds; null: they have
    not come.
    """

    step_id: str
    call_ids: list[str]
    asked_at: float
    submitted_at: float | None


TraceEntry: TypeAlias = TracedClaim | TracedRelease | TracedCall | TracedToolWork | TracedWait


class Trace(Object, kw_only=True):
    """The trace of a run. All times are Unix seconds.

    `is_kept` is false where nothing is stored, or not any more. `is_whole` is false where entries
    were left out because there were too many, or because another version wrote them. `entries` are
    in the order of time.
    """

    object: Literal["thread.run.trace"] = "thread.run.trace"
    run_id: str
    thread_id: str
    status: RunStatus
    created_at: int
    started_at: int | None
    is_kept: bool
    is_whole: bool
    entries: list[TraceEntry]
