"""`perdure threads`: the threads of a server with their messages, over HTTP like any client."""

from urllib.parse import quote

from perdure.cli.client import Client
from perdure.cli.objects import show_fields, time_of
from perdure.cli.pages import objects
from perdure.cli.terminal import line, say, text
from perdure.wire.base import encode
from perdure.wire.messages import (
    FileCitationAnnotation,
    ImageFilePart,
    ImageUrlPart,
    Message,
    Part,
    RefusalPart,
    TextPart,
)
from perdure.wire.threads import Thread

_INDENT = "    "


async def list_all(client: Client, limit: int) -> None:
    """Prints threads, the newest first."""
    async with client:
        async for each in objects(client, "/threads", Thread, limit=limit):
            labels = line(encode(each.metadata).decode()) if each.metadata else ""
            say(f"{line(each.id)}  {time_of(each.created_at)}  {labels}".rstrip())


async def show(client: Client, thread_id: str, limit: int, *, as_json: bool) -> None:
    """Prints one thread and its newest messages, in the order of the conversation."""
    path = f"/threads/{quote(thread_id, safe='')}"
    async with client:
        thread = await client.get(path, Thread)
        newest = [
            message async for message in objects(client, f"{path}/messages", Message, limit=limit)
        ]
    show_fields(thread, as_json=as_json)
    for message in reversed(newest):
        if as_json:
            show_fields(message, as_json=True)
        else:
            _show_message(message)


def _show_message(message: Message) -> None:
    of_run = f"  {line(message.run_id)}" if message.run_id else ""
    role = f"{line(message.role)}  {line(message.id)}"
    say("")
    say(f"{role}  {time_of(message.created_at)}  {line(message.status)}{of_run}")
    for part in message.content:
        for row in _rows(part):
            say(f"{_INDENT}{row}")
    for attached in message.attachments or ():
        say(f"{_INDENT}[file {line(attached.file_id or '')}]")


def _rows(part: Part) -> list[str]:
    match part:
        case TextPart():
            rows = text(part.text.value).splitlines()
            for note in part.text.annotations:
                source = (
                    note.file_citation
                    if isinstance(note, FileCitationAnnotation)
                    else note.file_path
                )
                rows.append(f"[{line(note.text)} is from file {line(source.file_id)}]")
            return rows
        case RefusalPart():
            return [f"[refusal] {row}" for row in text(part.refusal).splitlines()]
        case ImageFilePart():
            return [f"[image {line(part.image_file.file_id)}]"]
        case ImageUrlPart():
            return [f"[image {line(part.image_url.url)[:200]}]"]
