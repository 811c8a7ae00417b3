"""A look at the files that new messages show as images: their bytes decide, not their names."""

from collections.abc import Sequence
from contextlib import aclosing

from perdure.api.http import ApiCall
from perdure.commands import files, messages
from perdure.commands.files import FileContent
from perdure.image_types import HEAD_BYTES, image_type
from perdure.storage.blob_stores import BlobStores, read
from perdure.wire import images
from perdure.wire.messages import CreateMessage


async def check(
    call: ApiCall, bodies: Sequence[CreateMessage] | None, *, param: str | None = None
) -> None:
    """Raises `BadRequest` where a message shows a file that is no image, and `Unavailable` where
    the first bytes of one cannot be read. `param`: see `messages.shown_files`.

    Files that do not exist are left to the command, which has its order of checks. The bytes of a
    file never change, so what is seen here still holds there.
    """
    shown: dict[str, str] = {}
    for path, file_id in messages.shown_files(bodies or (), param=param):
        shown.setdefault(file_id, path)
    if not shown:
        return
    services = call.services
    found = await services.database.read(files.contents, shown, project=call.project)
    for file_id, path in shown.items():
        if (content := found.get(file_id)) is not None:
            images.check_file(content.file, param=path)
            if image_type(await _head(content, services.blobs)) is None:
                raise images.not_an_image(content.file, param=path)


async def _head(content: FileContent, blobs: BlobStores) -> bytes:
    size = min(HEAD_BYTES, content.file.bytes)
    async with aclosing(read(blobs, content.blobs, 0, size)) as blocks:
        return b"".join([block async for block in blocks])
