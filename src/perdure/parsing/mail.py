"""The text of an e-mail: who wrote to whom about what, the message, and names of attachments."""

from email import policy
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser

from perdure.parsing import encodings, html
from perdure.parsing.packages import DamagedFile
from perdure.parsing.parsed_text import TextWriter

_HEADERS = ("Subject", "From", "To", "Cc", "Date")
_DEEPEST = 10


def write_mail(content: bytes, writer: TextWriter) -> None:
    """Writes the text of an e-mail, and of those that it has inside. Raises `DamagedFile`."""
    try:
        message = BytesParser(policy=policy.default).parsebytes(content)
        if not any(message[name] for name in ("From", "To", "Subject", "Date", "Received")):
            raise DamagedFile
        _write(message, writer, depth=0)
    # the library raises all of these for what people send each other
    except (MessageError, LookupError, ValueError, AttributeError, RecursionError) as error:
        raise DamagedFile from error


def _write(message: EmailMessage, writer: TextWriter, *, depth: int) -> None:
    for header in _HEADERS:
        if value := message[header]:
            writer.write(f"{header}: {' '.join(str(value).split())}")
            writer.end_line()
    writer.end_paragraph()
    if (body := message.get_body(("plain", "html"))) is not None:
        _write_body(body, writer)
        writer.end_paragraph()
    for attached in message.iter_attachments():
        if attached.get_content_type() == "message/rfc822" and depth < _DEEPEST:
            inner = attached.get_content()
            if isinstance(inner, EmailMessage):
                _write(inner, writer, depth=depth + 1)
        elif (name := attached.get_filename()) is not None:
            writer.write(f"Attachment: {' '.join(name.split())}")
            writer.end_line()


def _write_body(body: MIMEPart, writer: TextWriter) -> None:
    content = body.get_payload(decode=True)
    text = _decoded(content if isinstance(content, bytes) else b"", body)
    if body.get_content_subtype() == "html":
        html.write_page(text, writer)
    else:
        writer.write(text.replace("\r\n", "\n").strip())


def _decoded(content: bytes, body: MIMEPart) -> str:
    """Returns the text in the encoding that the message declares; what is wrong is replaced."""
    try:
        return encodings.decode(content)
    except UnicodeDecodeError:
        declared = encodings.declarable(body.get_content_charset() or "") or "utf-8"
        return content.decode(declared, "replace")
