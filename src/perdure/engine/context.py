"""The prompt of a model call: instructions, the thread, the run's own steps (spec 03 §4 and §12).

`read` fetches, `build` puts together; `model_requests.py` translates, `budget.py` counts,
`truncation.py` says what fits. The stored thread is not changed. What a call costs does not grow
with the thread: only as much of it is read as fits.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from perdure.commands import files, run_steps
from perdure.commands.files import FileContent
from perdure.engine import images, model_requests, truncation
from perdure.engine.budget import Budget
from perdure.engine.model_requests import AnsweredCall
from perdure.engine.outcomes import Truncated
from perdure.engine.thinking_rules import PLAIN, ModelOrigin, ThinkingStyle
from perdure.engine.truncation import EARLIEST
from perdure.providers import tokens
from perdure.storage.database import Row, Transaction
from perdure.tools.tool import Prompter, RunTool, ToolPrompt
from perdure.wire.base import decode
from perdure.wire.chat import ChatMessage, ChatRequest, Extras
from perdure.wire.messages import Message
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import IncompleteRun, Run
from perdure.wire.tools import FunctionTool
from perdure.wire.usage import Usage, total

_LAST = 2**62
# Messages that are read first; as many again and again, until there is enough.
_PAGE = 16


class Material(NamedTuple):
    """The rows that a round starts from: as much of the thread as is of use, without the run's own
    messages, oldest first; the run's completed rounds with the messages they wrote; what they
    used; what model servers need back with them, by the step; the thinking that goes back, too.

    `said`: a worker died after the text of a round and before its calls were complete. The
    round is taken again, and its text is said already.
    """

    thread: list[ChatMessage]
    steps: list[RunStep]
    written: dict[str, Message]
    usage: Usage
    said: bool = False
    extras: Mapping[str, Extras] = MappingProxyType({})
    thoughts: Mapping[str, str] = MappingProxyType({})


class Prepared(NamedTuple):
    """A model call, ready to be made but for the bytes of its images.

    `used_ids`: the ids of the run's calls so far. `tools`: what each tool brings to it. `images`:
    the files that it shows, by id. `server_rounds`: see `model_requests.server_rounds`.
    """

    request: ChatRequest
    said: bool
    used_ids: set[str]
    tools: Mapping[RunTool, ToolPrompt]
    images: dict[str, FileContent]
    server_rounds: int


def prepare(
    tx: Transaction,
    run: Run,
    window: int,
    *,
    tools: Iterable[tuple[RunTool, Prompter]] = (),
    style: ThinkingStyle = PLAIN,
) -> Prepared | Truncated:
    """The run's next model call, or the budget that leaves no room for one.

    `window` is the model's context window in tokens, `tools` are those that the run has, and
    `style` is how the model thinks. Tokens are counted here, and so in the reader's thread.
    """
    material = read(tx, run, window)
    if style.sends_back:
        material = material._replace(thoughts=_thoughts(material.extras, style.origin))
    prompts = {tool: prompter(tx, material.steps) for tool, prompter in tools}
    request = build(run, material, window, prompts)
    if isinstance(request, Truncated):
        return request
    return Prepared(
        request,
        material.said,
        model_requests.call_ids(material.steps),
        prompts,
        files.contents_for_run(tx, run.id, sorted(images.named(request))),
        model_requests.server_rounds(run, material.steps),
    )


def read(tx: Transaction, run: Run, window: int) -> Material:
    """Reads the material of a run's next round."""
    ended = run_steps.of_run(tx, run.id)
    own = [decode(row["body"], Message) for row in tx.all("messages.of_run", run_id=run.id)]
    steps = [step for step, _ in ended if step.status == "completed"]
    # A run that answers with text alone ends with it: text at the end is half a round.
    said = bool(steps) and steps[-1].type == "message_creation"
    usage = total(usage for _, usage in ended if usage)
    budget = Budget.of(run, usage, window)
    called = any(step.type == "tool_calls" for step in steps)
    return Material(
        _thread(tx, run, budget),
        steps[:-1] if said else steps,
        {message.id: message for message in own},
        usage,
        said,
        run_steps.extras_of_run(tx, run.id) if called else {},
    )


def build(
    run: Run,
    material: Material,
    window: int,
    tools: Mapping[RunTool, ToolPrompt] = MappingProxyType({}),
) -> ChatRequest | Truncated:
    """The request of the run's next round, or the budget that leaves no room for one."""
    budget = Budget.of(run, material.usage, window)
    if budget.completion == 0:
        return Truncated(IncompleteRun(reason="max_completion_tokens"), None)
    request = model_requests.settings(run, material.steps, tools)
    head = [ChatMessage(role="system", content=run.instructions)] if run.instructions else []
    rounds = _rounds(material, budget, tools, head=head, offered=request.tools)
    thread = material.thread
    if budget.room is not None:
        around = [*head, *rounds]
        thread = truncation.fit(thread, around=around, tools=request.tools, room=budget.room)
    messages = [*head, *thread, *rounds]
    if budget.prompt is not None and not tokens.are_within(messages, request.tools, budget.prompt):
        return Truncated(IncompleteRun(reason="max_prompt_tokens"), None)
    cap = budget.answer_cap(messages, request.tools)
    return replace(request, messages=messages, max_tokens=cap)


def _rounds(
    material: Material,
    budget: Budget,
    tools: Mapping[RunTool, ToolPrompt],
    *,
    head: list[ChatMessage],
    offered: list[FunctionTool] | None,
) -> list[ChatMessage]:
    """The rounds of the run, with less of the outputs of its tools where all of them would be too
    much.
    """
    thread = material.thread

    def rounds_of(answered: Mapping[str, AnsweredCall]) -> list[ChatMessage]:
        return model_requests.rounds_of(
            material.steps, material.written, material.extras, material.thoughts, answered
        )

    whole = _answered(tools, None)
    rounds = rounds_of(whole)
    shrinking = {tool: prompt for tool, prompt in tools.items() if prompt.replays.can_shrink}
    limit = budget.prompt_limit
    if not shrinking or tokens.are_within([*head, *thread, *rounds], offered, limit):
        return rounds
    shown = least = whole | _answered(shrinking, 0)
    around = [*head, *rounds_of(least)]
    room = truncation.room_for_outputs(budget, thread, around=around, tools=offered)
    for tool, prompt in shrinking.items():
        shown = shown | _answered({tool: prompt}, room)
        if len(shrinking) > 1:
            # the next tool gets what this one has left
            used = sum(tokens.count(call.output) for call in shown.values())
            room -= used - sum(tokens.count(call.output) for call in least.values())
            least = shown
    return rounds_of(shown)


def _answered(tools: Mapping[RunTool, ToolPrompt], room: int | None) -> dict[str, AnsweredCall]:
    return {
        call_id: AnsweredCall(tool.name, *replay)
        for tool, prompt in tools.items()
        for call_id, replay in prompt.replays.within(room).items()
    }


def _thoughts(extras: Mapping[str, Extras], origin: ModelOrigin) -> dict[str, str]:
    """The thinking of this model by the step; another one's is nothing to it."""
    return {
        step_id: each.thinking
        for step_id, each in extras.items()
        if (each.server, each.model) == origin
    }


def _thread(tx: Transaction, run: Run, budget: Budget) -> list[ChatMessage]:
    """The newest messages, more than there is room for where there are more, and then the
    earliest ones too; oldest first.
    """
    wanted, room = budget.last_messages, budget.room
    found: list[ChatMessage] = []
    high, count, page = _LAST, 0, _PAGE
    while True:
        limit = page if wanted is None else min(page, wanted - count)
        rows = tx.all(
            "messages.before_run", thread_id=run.thread_id, run_id=run.id, high=high, limit=limit
        )
        found = [*_messages(reversed(rows)), *found]
        count += len(rows)
        if len(rows) < limit or count == wanted:
            return found
        high, page = rows[-1]["seq"], page * 2
        if room is not None and not tokens.are_within(found, None, room):
            break
    return found if wanted else [*_earlier(tx, run, found, before=high), *found]


def _earlier(
    tx: Transaction, run: Run, latest: list[ChatMessage], *, before: int
) -> list[ChatMessage]:
    """Reads what counts before the latest messages: the earliest ones, and the newest of the
    user, if it is not among the latest.
    """
    rows = tx.all("messages.earliest", thread_id=run.thread_id, high=before, limit=EARLIEST)
    if not any(message.role == "user" for message in latest):
        newest = tx.one("messages.newest_of_user", thread_id=run.thread_id, high=before)
        if newest is not None and newest["seq"] > rows[-1]["seq"]:
            rows.append(newest)
    return _messages(rows)


def _messages(rows: Iterable[Row]) -> list[ChatMessage]:
    """The messages in these rows, without those that have no content."""
    read = (model_requests.message_of(decode(row["body"], Message)) for row in rows)
    return [message for message in read if message is not None]
