"""Writes the documents that are printed from the code.

python -m tests.docs.generate
"""

import asyncio

from tests.docs import compatibility, lifecycle
from tests.docs.absent import refusals
from tests.docs.documents import ROOT

COMMAND = "python -m tests.docs.generate"


DOCUMENTS = (lifecycle.DOCUMENT, compatibility.DOCUMENT)


async def printed(document: str) -> str:
    """What a printed document should say."""
    if document == lifecycle.DOCUMENT:
        return lifecycle.text()
    return compatibility.text(await refusals())


def main() -> None:
    for document in DOCUMENTS:
        text = asyncio.run(printed(document))
        (ROOT / document).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
