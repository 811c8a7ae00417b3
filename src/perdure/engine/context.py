"""The prompt of a model call: instructions, the thread, the run's own steps (spec 03 §4 and §12).

`read` fetches, `build` puts together; `model_requests.py` translates, `budget.py` counts,
`truncation.py` says what fits. The stored thread is not changed. What a call costs does not grow
with the thread: only as much of it is read as fits. `recall.py` makes an earlier request again.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from perdure.commands import files, run_steps
from perdure.commands.files import FileContent
from perdure.engine import images, model_requests, recipes, truncation
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
from perdure.wire.traces import Recipe
from perdure.wire.usage import Usage, total

_LAST = 2**62
# Messages that are read first; as many again and again, until there is enough.
_PAGE = 16


class ThreadMessage(NamedTuple):
    """A message of the thread, as a model is shown it, with its id."""

    id: str
    message: ChatMessage


class Material(NamedTuple):
    """The rows that a round starts from: as much of the thread as is of use, without the run's own
    messages, oldest first; the run's completed rounds with the messages they wrote; what they
    used; what model servers need back with them, by the step; the thinking that goes back, too.

    `said`: a worker died after the text of a round and before its calls were complete. The
    round is taken again, and its text is said already.
    """

    thread: list[ThreadMessage]
    steps: list[RunStep]
    written: dict[str, Message]
    usage: Usage
    said: bool = False
    extras: Mapping[str, Extras] = MappingProxyType({})
    thoughts: Mapping[str, str] = MappingProxyType({})


class Prepared(NamedTuple):
    """A model call, ready to be made but for the bytes of its images.

    `used_ids`: the ids of the run's calls so far. `tools`: what each tool brings to it. `images`:
    the files that it shows, by id. `server_rounds`: see `model_requests.server_rounds`. `recipe` is
    there if it was asked for.
    """

    request: ChatRequest
    said: bool
    used_ids: set[str]
    tools: Mapping[RunTool, ToolPrompt]
    images: dict[str, FileContent]
    server_rounds: int
    recipe: Recipe | None = None


class Selection(NamedTuple):
    """Choices of a request, beside the run and its steps: the messages of the thread, the tokens
    that the outputs of a tool are cut to, by the tool's name, and the most tokens of the answer.
    """

    thread: list[ThreadMessage]
    output_rooms: Mapping[str, int]
    max_tokens: int | None


def prepare(
    tx: Transaction,
    run: Run,
    window: int,
    *,
    tools: Iterable[tuple[RunTool, Prompter]] = (),
    style: ThinkingStyle = PLAIN,
    traced: bool = False,
) -> Prepared | Truncated:
    """The run's next model call, or the budget that leaves no room for one.

    `window` is the model's context window in tokens, `tools` are those that the run has, and
    `style` is how the model thinks. Tokens are counted here, and hashes made if the call is
    `traced`, and so in the reader's thread.
    """
    material = read(tx, run, window)
    if style.sends_back:
        material = material._replace(thoughts=thoughts_of(material.extras, style.origin))
    prompts = {tool: prompter(tx, material.steps) for tool, prompter in tools}
    budget = Budget.of(run, material.usage, window)
    chosen = select(run, material, budget, prompts)
    if isinstance(chosen, Truncated):
        return chosen
    request = assemble(run, material, prompts, chosen)
    shown = files.contents_for_run(tx, run.id, sorted(images.named(request)))
    prepared = Prepared(
        request,
        material.said,
        model_requests.call_ids(material.steps),
        prompts,
        shown,
        model_requests.server_rounds(run, material.steps),
    )
    if not traced:
        return prepared
    recipe = recipes.recipe(
        request,
        budget,
        thread=chosen.thread,
        step_count=len(material.steps),
        output_rooms=chosen.output_rooms,
        tool_sources={tool.name: prompt.sources for tool, prompt in prompts.items()},
        image_ids=list(shown),
        sends_thinking_back=style.sends_back,
    )
    return prepared._replace(recipe=recipe)


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
    chosen = select(run, material, Budget.of(run, material.usage, window), tools)
    return chosen if isinstance(chosen, Truncated) else assemble(run, material, tools, chosen)


def select(
    run: Run, material: Material, budget: Budget, tools: Mapping[RunTool, ToolPrompt]
) -> Selection | Truncated:
    """Selects the material of the run's next request, or returns the budget that leaves no room
    for one.
    """
    if budget.completion == 0:
        return Truncated(IncompleteRun(reason="max_completion_tokens"), None)
    offered = model_requests.settings(run, material.steps, tools).tools
    rooms = _output_rooms(run, material, budget, tools, offered=offered)
    around = [*_head(run), *_rounds(material, tools, rooms)]
    thread = material.thread
    if budget.room is not None:
        told = [each.message for each in thread]
        kept = truncation.fit(told, around=around, tools=offered, room=budget.room)
        thread = [thread[place] for place in kept]
    messages = [*around, *(each.message for each in thread)]
    if budget.prompt is not None and not tokens.are_within(messages, offered, budget.prompt):
        return Truncated(IncompleteRun(reason="max_prompt_tokens"), None)
    return Selection(thread, rooms, budget.answer_cap(messages, offered))


def assemble(
    run: Run, material: Material, tools: Mapping[RunTool, ToolPrompt], chosen: Selection
) -> ChatRequest:
    """The request that is made of these."""
    return replace(
        model_requests.settings(run, material.steps, tools),
        messages=[
            *_head(run),
            *(each.message for each in chosen.thread),
            *_rounds(material, tools, chosen.output_rooms),
        ],
        max_tokens=chosen.max_tokens,
    )


def _head(run: Run) -> list[ChatMessage]:
    return [ChatMessage(role="system", content=run.instructions)] if run.instructions else []


def _rounds(
    material: Material, tools: Mapping[RunTool, ToolPrompt], rooms: Mapping[str, int]
) -> list[ChatMessage]:
    """The rounds of the run, with the outputs of tools cut to so many tokens."""
    answered: dict[str, AnsweredCall] = {}
    for tool, prompt in tools.items():
        answered |= _answered(tool, prompt, rooms.get(tool.name))
    return model_requests.rounds_of(
        material.steps, material.written, material.extras, material.thoughts, answered
    )


def _output_rooms(
    run: Run,
    material: Material,
    budget: Budget,
    tools: Mapping[RunTool, ToolPrompt],
    *,
    offered: list[FunctionTool] | None,
) -> dict[str, int]:
    """The tokens to which the outputs of tools are cut, by the tool's name, where all of them would
    be too much.
    """
    thread, head = [each.message for each in material.thread], _head(run)
    shrinking = {tool: prompt for tool, prompt in tools.items() if prompt.replays.can_shrink}
    if not shrinking:
        return {}
    whole = [*head, *thread, *_rounds(material, tools, {})]
    if tokens.are_within(whole, offered, budget.prompt_limit):
        return {}
    rooms = {tool.name: 0 for tool in shrinking}
    around = [*head, *_rounds(material, tools, rooms)]
    room = truncation.room_for_outputs(budget, thread, around=around, tools=offered)
    for tool, prompt in shrinking.items():
        rooms[tool.name] = room
        if len(shrinking) > 1:
            # the next tool gets what this one has left
            room -= _output_tokens(tool, prompt, room) - _output_tokens(tool, prompt, 0)
    return rooms


def _output_tokens(tool: RunTool, prompt: ToolPrompt, room: int) -> int:
    return sum(tokens.count(call.output) for call in _answered(tool, prompt, room).values())


def _answered(tool: RunTool, prompt: ToolPrompt, room: int | None) -> dict[str, AnsweredCall]:
    return {
        call_id: AnsweredCall(tool.name, *replay)
        for call_id, replay in prompt.replays.within(room).items()
    }


def thoughts_of(extras: Mapping[str, Extras], origin: ModelOrigin) -> dict[str, str]:
    """The thinking of this model by the step; another one's is nothing to it."""
    return {
        step_id: each.thinking
        for step_id, each in extras.items()
        if (each.server, each.model) == origin
    }


def _thread(tx: Transaction, run: Run, budget: Budget) -> list[ThreadMessage]:
    """The newest messages, more than there is room for where there are more, and then the
    earliest ones too; oldest first.
    """
    wanted, room = budget.last_messages, budget.room
    found: list[ThreadMessage] = []
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
        told = [each.message for each in found]
        if room is not None and not tokens.are_within(told, None, room):
            break
    return found if wanted else [*_earlier(tx, run, found, before=high), *found]


def _earlier(
    tx: Transaction, run: Run, latest: list[ThreadMessage], *, before: int
) -> list[ThreadMessage]:
    """Reads what counts before the latest messages: the earliest ones, and the newest of the
    user, if it is not among the latest.
    """
    rows = tx.all("messages.earliest", thread_id=run.thread_id, high=before, limit=EARLIEST)
    if not any(each.message.role == "user" for each in latest):
        newest = tx.one("messages.newest_of_user", thread_id=run.thread_id, high=before)
        if newest is not None and newest["seq"] > rows[-1]["seq"]:
            rows.append(newest)
    return _messages(rows)


def _messages(rows: Iterable[Row]) -> list[ThreadMessage]:
    """The messages in these rows, without those that have no content."""
    read = (decode(row["body"], Message) for row in rows)
    told = ((message.id, model_requests.message_of(message)) for message in read)
    return [ThreadMessage(each, message) for each, message in told if message is not None]
