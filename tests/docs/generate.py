"""Writes the documents that are printed from the code.

python -m tests.docs.generate
"""

from tests.docs import compatibility, lifecycle
from tests.docs.documents import ROOT

COMMAND = "python -m tests.docs.generate"


DOCUMENTS = (lifecycle.DOCUMENT, compatibility.DOCUMENT)


def printed(document: str) -> str:
    """What a printed document should say."""
    return lifecycle.text() if document == lifecycle.DOCUMENT else compatibility.text()


def main() -> None:
    for document in DOCUMENTS:
        (ROOT / document).write_text(printed(document), encoding="utf-8")


if __name__ == "__main__":
    main()
