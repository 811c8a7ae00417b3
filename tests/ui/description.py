"""Prints the description of the API, from which the types of the dashboard are made."""

import sys
from pathlib import Path

from perdure.api.description import document
from perdure.wire.base import encode

if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(document()))
