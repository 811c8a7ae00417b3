"""Writes the documents that are printed from the code.

python -m tests.docs.generate
"""

from tests.docs import lifecycle
from tests.docs.documents import ROOT

COMMAND = "python -m tests.docs.generate"


def printed() -> dict[str, str]:
    """Each printed document and what it should say."""
    return {lifecycle.DOCUMENT: lifecycle.text()}


def main() -> None:
    for document, text in printed().items():
        (ROOT / document).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
