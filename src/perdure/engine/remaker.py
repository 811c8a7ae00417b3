"""Makes earlier requests of a run again, and compares them with what was sent (`recall.py`).

What differs is not shown as if it had been sent: a text in brackets says why in its place.
"""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from msgspec.structs import replace

import perdure
from perdure.engine import images, model_requests, recall, recipes
from perdure.engine.recall import Recalled
from perdure.engine.thinking_rules import ModelOrigin
from perdure.providers import adjustments, call_log
from perdure.storage.blob_stores import BlobStores
from perdure.storage.database import Database
from perdure.tools.tool import Tool
from perdure.wire.base import JsonObject
from perdure.wire.chat import ChatMessage, ChatRequest
from perdure.wire.messages import ImageFilePart
from perdure.wire.runs import Run
from perdure.wire.tools import CalledFunction, FunctionDefinition, FunctionTool
from perdure.wire.traces import Difference, Recipe, RemadeRequest, TracedCall

_DATA = "data:"
_BASE64 = ";base64"


class RequestRemaker:
    """Makes requests again on any server of the database; see `commands.traces.Remaker`."""

    def __init__(self, database: Database, blobs: BlobStores, tools: Sequence[Tool]) -> None:
        self._database = database
        self._blobs = blobs
        self._tools = tools

    async def remake(self, run: Run, call: TracedCall, *, project: str) -> RemadeRequest:
        """Returns the request of a call of this run. Raises `Unavailable` where the bytes of an
        image cannot be read now.
        """
        recipe = call.recipe
        if recipe is None:
            return RemadeRequest(state="unknown")
        found = (tool.recall(run, recipe.tool_sources) for tool in self._tools)
        recalled = await self._database.read(
            recall.recall,
            run,
            recipe,
            tools=[each for each in found if each is not None],
            origin=ModelOrigin(call.server, call.model),
            project=project,
        )
        request, differences = compared(recalled, recipe)
        if recipe.is_last:
            request = model_requests.last_request(request)
        request = await images.inlined(request, recalled.images, self._blobs)
        body = adjustments.sent_again(
            replace(request, model=call.model), call.server, recipe.adjustments
        )
        made = await call_log.sha256(await asyncio.to_thread(adjustments.encoded, body))
        if recipe.body_sha256 not in (None, made) and not differences:
            note = _since(recipe, "The form in which the request is sent has changed.")
            differences.append(Difference(kind="form_changed", note=note))
        return RemadeRequest(
            state="differs" if differences else "same",
            differences=differences,
            sha256=made,
            body=await asyncio.to_thread(_shown, body),
        )


def compared(recalled: Recalled, recipe: Recipe) -> tuple[ChatRequest, list[Difference]]:
    """Returns the request with a text in the place of each part that is not what was sent, and what
    differs.
    """
    request = recalled.request
    differences = [*_counted(request, recipe)]
    before = len(request.messages) - len(recalled.steps) - len(recipe.message_ids)
    named = dict(enumerate(recipe.message_ids, start=before)) | recalled.steps
    messages: list[ChatMessage] = []
    for place, message in enumerate(request.messages):
        if place >= len(recipe.parts) or recipes.part_hash(message) == recipe.parts[place]:
            messages.append(message)
        elif (gone := recalled.missing.get(place)) is not None:
            note = f"{gone} was deleted."
            differences.append(Difference(kind="message_deleted", part=place, id=gone, note=note))
            messages.append(message)
        else:
            note = _since(recipe, "It is not what was sent.")
            differences.append(
                Difference(kind="part_changed", part=place, id=named.get(place), note=note)
            )
            messages.append(_blank(message, named.get(place, "This")))
    differences += _gone_images(request, recalled, recipe)
    tools = request.tools
    if tools is not None:
        tools, changed = _compared_tools(tools, recipe)
        differences += changed
    if recipes.settings_hash(request) != recipe.settings:
        note = _since(recipe, "The settings of the request are not those that were sent.")
        differences.append(Difference(kind="settings_changed", note=note))
    return replace(request, messages=messages, tools=tools), differences


def _counted(request: ChatRequest, recipe: Recipe) -> Iterable[Difference]:
    """The difference in the number of messages or tools, if there is one."""
    if len(request.messages) != len(recipe.parts):
        note = f"{len(recipe.parts)} messages were sent, and {len(request.messages)} are known."
        yield Difference(kind="parts_missing", note=_since(recipe, note))
    if len(request.tools or ()) != len(recipe.tools):
        note = f"{len(recipe.tools)} tools were sent, and {len(request.tools or ())} are known."
        yield Difference(kind="tool_changed", note=_since(recipe, note))


def _gone_images(request: ChatRequest, recalled: Recalled, recipe: Recipe) -> Iterable[Difference]:
    gone = set(recipe.image_ids) - recalled.images.keys()
    for place, message in enumerate(request.messages):
        for part in message.content if isinstance(message.content, list) else ():
            if isinstance(part, ImageFilePart) and part.image_file.file_id in gone:
                file_id = part.image_file.file_id
                note = f"The image {file_id} was deleted."
                yield Difference(kind="image_gone", part=place, id=file_id, note=note)


def _compared_tools(
    tools: Sequence[FunctionTool], recipe: Recipe
) -> tuple[list[FunctionTool], list[Difference]]:
    told: list[FunctionTool] = []
    changed: list[Difference] = []
    for place, tool in enumerate(tools):
        if place >= len(recipe.tools) or recipes.part_hash(tool) == recipe.tools[place]:
            told.append(tool)
            continue
        name = tool.function.name
        note = _since(recipe, "What the definition was made of, such as files, has changed.")
        changed.append(Difference(kind="tool_changed", id=name, note=note))
        told.append(FunctionTool(function=FunctionDefinition(name=name, description=f"[{note}]")))
    return told, changed


def _blank(message: ChatMessage, what: str) -> ChatMessage:
    """The message without anything that may not have been sent. Its calls keep their ids, which
    tie them to their outputs.
    """
    text = f"[{what} is not what was sent]"
    calls = message.tool_calls and [
        replace(call, function=CalledFunction(name=call.function.name, arguments='"[changed]"'))
        for call in message.tool_calls
    ]
    return replace(message, content=text, tool_calls=calls, extras=None)


def _since(recipe: Recipe, note: str) -> str:
    if recipe.version == perdure.__version__:
        return note
    return f"{note} Version {recipe.version} sent it, and this is {perdure.__version__}."


def _shown(body: Mapping[str, Any]) -> JsonObject:
    """Returns a body without the bytes of its images."""
    return {**body, "messages": [_shown_message(message) for message in body["messages"]]}


def _shown_message(message: Mapping[str, Any]) -> JsonObject:
    content = message.get("content")
    if not isinstance(content, list):
        return dict(message)
    return {**message, "content": [_shown_part(part) for part in content]}


def _shown_part(part: Mapping[str, Any]) -> object:
    url = part.get("image_url", {}).get("url", "")
    if not url.startswith(_DATA):
        return part
    head, _, data = url.removeprefix(_DATA).partition(",")
    content = data.encode()
    if head.endswith(_BASE64):
        try:
            content = b64decode(content, validate=True)
        except binascii.Error:
            head = head.removesuffix(_BASE64)
    return {
        "type": "image_url",
        "image_url": {
            "content_type": head.removesuffix(_BASE64),
            "bytes": len(content),
            "sha256": sha256(content).hexdigest(),
            **{name: value for name, value in part["image_url"].items() if name != "url"},
        },
    }
