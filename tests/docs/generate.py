"""Writes the documents that are printed from the code.

python -m tests.docs.generate
"""

import asyncio

from tests.docs import compatibility, lifecycle
from tests.docs.absent import refusals
from tests.docs.documents import ROOT

COMMAND = "python -m tests.docs.generate"


DOCUMENTS = (lifecycle.DOCUMENT, compatibility.DOCUMENT)


async def printed() -> dict[str, str]:
    """Each printed document and what it should say."""
    return {
        lifecycle.DOCUMENT: lifecycle.text(),
        compatibility.DOCUMENT: compatibility.text(await refusals()),
    }


def main() -> None:
    for document, text in asyncio.run(printed()).items():
        (ROOT / document).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
