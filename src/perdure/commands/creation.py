"""Creation of a run, on a thread or together with a new one (spec 03 §3)."""

from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from perdure import lifecycle
from perdure.commands import assistants, events, limits, resources, runs, threads
from perdure.commands.limits import NO_LIMITS, ProjectLimits
from perdure.errors import BadRequest
from perdure.storage.database import Transaction
from perdure.wire.assistants import Assistant
from perdure.wire.base import encode
from perdure.wire.events import Queued, RunsChanged, runs_topic
from perdure.wire.runs import CreateRun, CreateThreadAndRun, Run, RunSettings, TruncationStrategy
from perdure.wire.threads import CreateThread, Thread
from perdure.wire.tools import FunctionChoice, FunctionTool, Tool, ToolResources

T = TypeVar("T")

_LOCKED = "Thread {thread} already has an active run {{run}}."


class NewRun(NamedTuple):
    """Values that the server sets for a run before its transaction begins. `key_id` is the API key
    that makes it, if there is one, and `limits` are those of the project. `queued_at` is the exact
    time; by default `now`, which has whole seconds. `traceparent` is that of the request.
    """

    id: str
    project: str
    now: int
    lifetime: int
    key_id: str | None = None
    limits: ProjectLimits = NO_LIMITS
    queued_at: float | None = None
    traceparent: str | None = None


def create(tx: Transaction, thread_id: str, body: CreateRun, new: NewRun) -> Run:
    """Adds a queued run, and its additional messages before it.

    The order of the checks is that of spec 03 §3: thread, assistant, thread lock, messages, the
    empty-thread rule.
    """
    thread = threads.lock(tx, thread_id, project=new.project)
    assistant = assistants.load(tx, body.assistant_id, project=new.project)
    runs.require_idle(tx, thread_id, now=new.now, refusal=_LOCKED.format(thread=thread_id))
    assistant = _equipped(tx, assistant, body, new)
    if body.additional_messages:
        threads.append(
            tx,
            thread,
            body.additional_messages,
            project=new.project,
            now=new.now,
            param="additional_messages",
        )
    instructions = _joined(_chosen(body.instructions, assistant.instructions), body)
    return _insert(tx, thread_id, body, assistant, instructions, new)


def create_with_thread(tx: Transaction, body: CreateThreadAndRun, new: NewRun) -> Run:
    """Adds a thread and a queued run on it. The thread's event comes first (spec 04 §3.1)."""
    assistant = assistants.load(tx, body.assistant_id, project=new.project)
    assistant = _equipped(tx, assistant, body, new)
    thread = threads.create(
        tx, body.thread or CreateThread(), project=new.project, now=new.now, head="thread."
    )
    instructions = _chosen(body.instructions, assistant.instructions)
    return _insert(tx, thread.id, body, assistant, instructions, new, thread=thread)


def _equipped(tx: Transaction, assistant: Assistant, body: RunSettings, new: NewRun) -> Assistant:
    """Returns the assistant with the request's tool resources, which replace its own in this run
    (spec 03 §3, 09 §3).
    """
    tools = resources.resolve(tx, body.tool_resources, project=new.project, now=new.now)
    return assistant if tools is None else replace(assistant, tool_resources=tools)


def _insert(
    tx: Transaction,
    thread_id: str,
    body: RunSettings,
    assistant: Assistant,
    instructions: str | None,
    new: NewRun,
    *,
    thread: Thread | None = None,
) -> Run:
    if not instructions and tx.one("messages.any_of_thread", thread_id=thread_id) is None:
        raise BadRequest(
            "Run creation requires a Thread with a user message or an assistant with instructions.",
            code="invalid_thread",
        )
    run = _resolved(thread_id, body, assistant, instructions, new)
    new.limits.require_model(new.project, run.model)
    limits.require_run(tx, new.project, new.limits)
    _check_tool_choice(run)
    data = encode(run)
    asked_at = float(new.now) if new.queued_at is None else new.queued_at
    added = tx.run(
        "runs.insert",
        id=run.id,
        project=new.project,
        key_id=new.key_id,
        thread_id=thread_id,
        status=run.status,
        expires_at=run.expires_at,
        queued_at=asked_at,
        created_at=run.created_at,
        assistant_id=run.assistant_id,
        model=run.model,
        traceparent=new.traceparent,
        asked_at=asked_at,
        body=data.decode(),
    )
    if not added:
        # Another node was faster by less than our look at the thread.
        runs.require_idle(tx, thread_id, now=new.now, refusal=_LOCKED.format(thread=thread_id))
    first = [(lifecycle.THREAD_CREATED, encode(thread))] if thread else []
    events.append(tx, run.id, first + [(name, data) for name in lifecycle.RUN_CREATED], now=new.now)
    tx.publish(runs_topic(new.project), RunsChanged())
    tx.publish(run.id, Queued())
    return run


def _resolved(
    thread_id: str,
    body: RunSettings,
    assistant: Assistant,
    instructions: str | None,
    new: NewRun,
) -> Run:
    """Returns the effective settings: the request's, else the assistant's, else the default."""
    tools: list[Tool] = assistant.tools if body.tools is None else body.tools
    return Run(
        id=new.id,
        created_at=new.now,
        assistant_id=assistant.id,
        thread_id=thread_id,
        expires_at=new.now + new.lifetime,
        model=_chosen(body.model, assistant.model) or assistant.model,
        instructions=instructions,
        tools=tools,
        tool_resources=assistant.tool_resources or ToolResources(),
        metadata=body.metadata or {},
        temperature=_chosen(body.temperature, assistant.temperature),
        top_p=_chosen(body.top_p, assistant.top_p),
        reasoning_effort=_chosen(body.reasoning_effort, assistant.reasoning_effort),
        max_completion_tokens=body.max_completion_tokens,
        max_prompt_tokens=body.max_prompt_tokens,
        truncation_strategy=body.truncation_strategy or TruncationStrategy(type="auto"),
        response_format=_chosen(body.response_format, assistant.response_format),
        tool_choice=_chosen(body.tool_choice, "auto"),
        parallel_tool_calls=body.parallel_tool_calls is not False,
    )


def _chosen(given: T | None, inherited: T) -> T:
    return inherited if given is None else given


def _joined(instructions: str | None, body: CreateRun) -> str | None:
    """Returns the instructions with the additional ones appended on a line of their own."""
    if not body.additional_instructions:
        return instructions
    return "\n".join(filter(None, (instructions, body.additional_instructions)))


def _check_tool_choice(run: Run) -> None:
    """Checks that a named function is among the run's tools (spec 03 §13)."""
    if not isinstance(run.tool_choice, FunctionChoice):
        return
    name = run.tool_choice.function.name
    names = [tool.function.name for tool in run.tools if isinstance(tool, FunctionTool)]
    if name not in names:
        raise BadRequest(
            f"Invalid value for 'tool_choice': no function named '{name}' was specified in the "
            "'tools' parameter.",
            param="tool_choice",
            code="invalid_value",
        )
