"""Content on its way out, whole or a range of it (RFC 9110 §14)."""

import mimetypes
import re
from collections.abc import Mapping
from contextlib import aclosing
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from perdure.commands.files import Content
from perdure.store.blobs import Blobs, read

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
# Known to Python alone, so that the answer does not depend on the machine.
_TYPES = mimetypes.MimeTypes()
