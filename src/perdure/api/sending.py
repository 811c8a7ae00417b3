"""Content on its way out, whole or a range of it (RFC 9110 §14)."""

import mimetypes
import re

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
# Known to Python alone, so that the answer does not depend on the machine.
_TYPES = mimetypes.MimeTypes()
