"""Earlier requests of a run, by their recipes: the code that made them makes them again, from the
rows that the recipe names in the place of those that fit (`context.py`).
"""

from collections.abc import Iterable
from typing import NamedTuple

from perdure.commands import files, run_steps
from perdure.commands.files import FileContent
from perdure.engine import context, model_requests
from perdure.engine.context import Material, Selection, ThreadMessage
from perdure.engine.thinking_rules import ModelOrigin
from perdure.storage.database import Transaction
from perdure.tools.tool import Prompter, RunTool
from perdure.wire.base import decode, encode
from perdure.wire.chat import ChatMessage, ChatRequest
from perdure.wire.messages import Message, TextContent, TextPart
from perdure.wire.runs import Run
from perdure.wire.traces import Recipe
from perdure.wire.usage import Usage


class Recalled(NamedTuple):
    """An earlier request as its recipe says. `missing` are ids of messages and steps that are not
    there any more, by the place of the message of the request that lacks them; a text that says so
    stands there. `steps` are the ids of the steps that the messages behind the thread's come from,
    by their places. `images`: as in `Prepared`, those that were sent and are still there.
    """

    request: ChatRequest
    images: dict[str, FileContent]
    missing: dict[int, str]
    steps: dict[int, str]


def recall(
    tx: Transaction,
    run: Run,
    recipe: Recipe,
    *,
    tools: Iterable[tuple[RunTool, Prompter]],
    origin: ModelOrigin,
    project: str,
) -> Recalled:
    """The request of an earlier round, by its recipe, without the bytes of its images and before
    it is adjusted. `origin` is who was asked.
    """
    material, gone = _named(tx, run, recipe, project=project)
    if recipe.sends_thinking_back:
        material = material._replace(thoughts=context.thoughts_of(material.extras, origin))
    prompts = {tool: prompter(tx, material.steps) for tool, prompter in tools}
    chosen = Selection(material.thread, recipe.output_rooms, recipe.max_tokens)
    request = context.assemble(run, material, prompts, chosen)
    first = len(request.messages) - model_requests.round_length(material.steps)
    steps = dict(enumerate(model_requests.step_of_each_message(material.steps), start=first))
    missing = {
        place: message.id
        for place, message in enumerate(material.thread, start=first - len(material.thread))
        if message.id in gone
    }
    for place, step_id in steps.items():
        if (message_id := gone.get(step_id)) is not None:
            missing.setdefault(place, message_id)
            del gone[step_id]
    shown = files.contents_for_run(tx, run.id, recipe.image_ids)
    return Recalled(request, shown, missing, steps)


def _named(
    tx: Transaction, run: Run, recipe: Recipe, *, project: str
) -> tuple[Material, dict[str, str]]:
    """The material that a recipe names, and what is gone: a message of the thread by its id, and
    one that the run wrote by the id of the step whose round has its text.
    """
    rows = tx.all(
        "messages.chosen",
        thread_id=run.thread_id,
        project=project,
        ids=encode(recipe.message_ids).decode(),
    )
    there = {row["id"]: decode(row["body"], Message) for row in rows}
    gone: dict[str, str] = {}
    thread = []
    for message_id, role in zip(recipe.message_ids, recipe.roles, strict=True):
        message = there.get(message_id)
        if message is None:
            gone[message_id] = message_id
        told = (message and model_requests.message_of(message)) or _placeholder(message_id, role)
        thread.append(ThreadMessage(message_id, told))
    completed = [each for each, _ in run_steps.of_run(tx, run.id) if each.status == "completed"]
    steps = completed[: recipe.step_count]
    own = [decode(row["body"], Message) for row in tx.all("messages.of_run", run_id=run.id)]
    written = {message.id: message for message in own}
    for step_id, message_id in model_requests.texts_of_rounds(steps).items():
        if message_id not in written:
            gone[step_id] = message_id
            written[message_id] = _deleted(run, message_id)
    extras = run_steps.extras_of_run(tx, run.id)
    return Material(thread, steps, written, Usage(), extras=extras), gone


def _placeholder(message_id: str, role: str) -> ChatMessage:
    """What stands for a message that is gone, so that those around it stay as they were."""
    return ChatMessage(
        role="assistant" if role == "a" else "user", content=f"[{message_id} is not there any more]"
    )


def _deleted(run: Run, message_id: str) -> Message:
    """The same for a message that the run wrote."""
    text = TextPart(text=TextContent(value=f"[{message_id} is not there any more]"))
    return Message(
        id=message_id,
        created_at=run.created_at,
        thread_id=run.thread_id,
        role="assistant",
        content=[text],
    )
