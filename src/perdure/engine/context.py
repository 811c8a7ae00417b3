"""What the model is given: instructions, the thread, this run's own steps (spec 03 §4 and §12).

`read` fetches, `build` puts together; `model_requests.py` translates, `truncation.py` says what
fits. The stored thread is not changed. What a call costs does not grow with the thread: only as
much of it is read as fits.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from perdure.commands import code_files, files, run_steps
from perdure.commands.files import FileContent
from perdure.engine import images, model_requests, truncation
from perdure.engine.outcomes import Truncated
from perdure.engine.thinking_rules import PLAIN, ModelOrigin, ThinkingStyle
from perdure.engine.truncation import EARLIEST
from perdure.providers import tokens
from perdure.storage.database import Row, Transaction
from perdure.tools import code_interpreter, code_names, code_results, file_search
from perdure.tools.citations import MarkerKey, Source
from perdure.tools.code_names import NO_NAMES, Names
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
    """What a turn starts from: as much of the thread as is of use, without the run's own
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

    `used_ids`: the ids of the run's calls so far. `sources`: what it may cite; `links`: the files
    it may link, by name. `images`: the files it shows, by id. `shown`: the images that code has
    shown since the last message. `server_rounds`: see `requests.server_rounds`.
    """

    request: ChatRequest
    said: bool
    used_ids: set[str]
    sources: Mapping[MarkerKey, Source]
    links: Mapping[str, str]
    images: dict[str, FileContent]
    shown: tuple[str, ...]
    server_rounds: int


def prepare(
    tx: Transaction,
    run: Run,
    window: int,
    *,
    searches: bool = False,
    there: Names = NO_NAMES,
    style: ThinkingStyle = PLAIN,
) -> Prepared | Truncated:
    """The run's next model call, or the budget that leaves no room for one.

    `window` is the model's context window in tokens; `searches` says that there are files to
    search, `there` is what code finds in its session, and `style` how the model thinks. Tokens are
    counted here, and so in the reader's thread.
    """
    material = read(tx, run, window)
    if style.sends_back:
        material = material._replace(thoughts=_thoughts(material.extras, style.origin))
    runs_code = code_interpreter.is_offered(run)
    given = code_files.given(tx, run) if runs_code else []
    names = code_names.names((content.file for content in given), there)
    earlier = code_files.steps_before(tx, run) if runs_code else []
    request = build(run, material, window, searches=searches, code_names=list(names.values()))
    if isinstance(request, Truncated):
        return request
    return Prepared(
        request,
        material.said,
        model_requests.call_ids(material.steps),
        file_search.sources(material.steps),
        code_results.files([*earlier, *material.steps]),
        files.contents_for_run(tx, run.id, sorted(images.named(request))),
        code_results.images(material.steps),
        model_requests.server_rounds(run, material.steps),
    )


def read(tx: Transaction, run: Run, window: int) -> Material:
    """Reads the material of a run's next turn."""
    ended = run_steps.of_run(tx, run.id)
    own = [decode(row["body"], Message) for row in tx.all("messages.of_run", run_id=run.id)]
    steps = [step for step, _ in ended if step.status == "completed"]
    # A run that answers with text alone ends with it: text at the end is half a round.
    said = bool(steps) and steps[-1].type == "message_creation"
    usage = total(usage for _, usage in ended if usage)
    room = truncation.room(run, truncation.left(run, usage), window)
    called = any(step.type == "tool_calls" for step in steps)
    return Material(
        _thread(tx, run, room),
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
    *,
    searches: bool = False,
    code_names: Sequence[str] = (),
) -> ChatRequest | Truncated:
    """The request of the run's next turn, or the budget that leaves no room for one."""
    left = truncation.left(run, material.usage)
    if left.completion == 0:
        return Truncated(IncompleteRun(reason="max_completion_tokens"), None)
    request = model_requests.settings(run, material.steps, searches=searches, code_names=code_names)
    head = [ChatMessage(role="system", content=run.instructions)] if run.instructions else []
    most = truncation.limit(left, window)
    rounds = _rounds(run, material, head=head, tools=request.tools, most=most)
    thread = material.thread
    room = truncation.room(run, left, window)
    if room is not None:
        around = [*head, *rounds]
        thread = truncation.fit(thread, around=around, tools=request.tools, room=room)
    messages = [*head, *thread, *rounds]
    if left.prompt is not None and not tokens.are_within(messages, request.tools, left.prompt):
        return Truncated(IncompleteRun(reason="max_prompt_tokens"), None)
    cap = truncation.cap(left, window, messages, request.tools)
    return replace(request, messages=messages, max_tokens=cap)


def _rounds(
    run: Run,
    material: Material,
    *,
    head: list[ChatMessage],
    tools: list[FunctionTool] | None,
    most: int,
) -> list[ChatMessage]:
    """The rounds of the run, with fewer of the passages that it found where all of them would be
    too much. The steps keep all, and so the numbers of their markers stay.
    """
    thread, steps = material.thread, material.steps
    rounds_of = partial(
        model_requests.rounds_of, run, steps, material.written, material.extras, material.thoughts
    )
    whole = rounds_of()
    searches = file_search.searches(steps)
    if not searches or tokens.are_within([*head, *thread, *whole], tools, most):
        return whole
    none = dict.fromkeys((search.output for search in searches), 0)
    around = [*head, *rounds_of(none)]
    room = truncation.for_passages(run, thread, around=around, tools=tools, most=most)
    return rounds_of(file_search.fitting(searches, room))


def _thoughts(extras: Mapping[str, Extras], origin: ModelOrigin) -> dict[str, str]:
    """The thinking of this model by the step; another one's is nothing to it."""
    return {
        step_id: each.thinking
        for step_id, each in extras.items()
        if (each.server, each.model) == origin
    }


def _thread(tx: Transaction, run: Run, room: int | None) -> list[ChatMessage]:
    """The newest messages, more than there is room for where there are more, and then the
    earliest ones too; oldest first.
    """
    wanted = truncation.last_messages(run)
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
    """What is worth reading before the latest messages: the earliest ones, and the newest of the
    user, if it is not among the latest.
    """
    rows = tx.all(
        "messages.oldest_first",
        parent=run.thread_id,
        run_id=None,
        low=0,
        high=before,
        limit=EARLIEST,
    )
    if not any(message.role == "user" for message in latest):
        newest = tx.one("messages.newest_of_user", thread_id=run.thread_id, high=before)
        if newest is not None and newest["seq"] > rows[-1]["seq"]:
            rows.append(newest)
    return _messages(rows)


def _messages(rows: Iterable[Row]) -> list[ChatMessage]:
    """The messages in these rows, without those that have no content."""
    read = (model_requests.message_of(decode(row["body"], Message)) for row in rows)
    return [message for message in read if message is not None]
