"""Multipart forms, parsed as they arrive (RFC 7578). The content of a part is passed on and never
collected.
"""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from enum import Enum
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from perdure.errors import BadRequest, UnsupportedMediaType

_MAX_HEADER_BYTES = 16 * 1024
_MAX_PARTS = 64


class _End(Enum):
    PART = "of a part"


class FormPart:
    """One field of a form; with a `filename`, a file."""

    def __init__(self, form: "Form", name: str, filename: str | None) -> None:
        self._form = form
        self.name = name
        self.filename = filename

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """Yields the content as it arrives, until the next part is asked for."""
        while isinstance(item := await self._form.next_item(), bytes):
            yield item


class Form:
    """The parts of a form, in the order in which they arrive.

    Raises `UnsupportedMediaType` for a body of another kind, `BadRequest` for a form that is broken
    or breaks off.
    """

    def __init__(self, blocks: AsyncIterator[bytes], content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data":
            raise UnsupportedMediaType(
                f"Unsupported content type: '{content_type[:100]}'. Expected multipart/form-data."
            )
        self._blocks = blocks
        self._items: deque[FormPart | bytes | _End] = deque()
        self._count = 0
        self._ended = False
        self._name, self._value = bytearray(), bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._parser = self._parser_for(options.get(b"boundary", b""))

    async def parts(self) -> AsyncGenerator[FormPart, None]:
        """Yields each part; content of a part that was not read is skipped."""
        while not self._ended or self._items:
            item = await self.next_item()
            if isinstance(item, FormPart):
                yield item

    async def next_item(self) -> FormPart | bytes | _End:
        """Returns the next item of the body: a part, some of its content, or the end."""
        while not self._items and not self._ended:
            block = await anext(self._blocks, b"")
            if not block:
                raise _broken("it breaks off")
            try:
                self._parser.write(block)
            except FormParserError as error:
                raise _broken(str(error)) from None
        return self._items.popleft() if self._items else _End.PART

    def _parser_for(self, boundary: bytes) -> MultipartParser:
        if not boundary:
            raise _broken("its content type names no boundary")
        try:
            return MultipartParser(
                boundary,
                {
                    "on_header_field": self._add_to_name,
                    "on_header_value": self._add_to_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_part,
                    "on_part_data": self._add_content,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
                max_header_size=_MAX_HEADER_BYTES,
            )
        except FormParserError as error:
            raise _broken(str(error)) from None

    def _add_to_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _begin_part(self) -> None:
        self._count += 1
        if self._count > _MAX_PARTS:
            raise _broken(f"it has more than {_MAX_PARTS} parts")
        # as text in Latin-1, byte for byte: the library asks for it, and gives bytes back
        disposition = self._headers.pop(b"content-disposition", b"").decode("latin-1")
        self._headers.clear()
        kind, options = parse_options_header(disposition)
        if kind != b"form-data" or b"name" not in options:
            raise _broken("a part of it has no name")
        filename = _extended(disposition)
        if filename is None:
            filename = options.get(b"filename")
        name = _text(options[b"name"])
        self._items.append(FormPart(self, name, None if filename is None else _text(filename)))

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        self._items.append(data[start:end])

    def _end_part(self) -> None:
        self._items.append(_End.PART)

    def _end(self) -> None:
        self._ended = True


def _extended(disposition: str) -> bytes | None:
    """Returns the bytes of `filename*=charset'language'…` (RFC 8187), if there is one.

    Forms should not have it (RFC 7578 §4.2), but .NET sends it, and with it at most a name in the
    encoding of mail. The library drops names with a star.
    """
    _, options = parse_options_header(disposition.replace("*=", "-extended="))
    value = options.get(b"filename-extended")
    return None if value is None else unquote_to_bytes(value.split(b"'", 2)[-1])


def _text(raw: bytes) -> str:
    """Decodes UTF-8, which all current clients send, or else the encoding of old ones."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _broken(problem: str) -> BadRequest:
    return BadRequest(f"We could not parse the form in the body of your request: {problem}.")
