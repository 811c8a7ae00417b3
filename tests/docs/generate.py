"""Writes the documents that are printed from the code.

python -m tests.docs.generate
"""

from tests.docs import compatibility, lifecycle, metrics, model_servers, tool_calls
from tests.docs.documents import ROOT

COMMAND = "python -m tests.docs.generate"


_TEXTS = {
    lifecycle.DOCUMENT: lifecycle.text,
    compatibility.DOCUMENT: compatibility.text,
    tool_calls.DOCUMENT: tool_calls.text,
    model_servers.DOCUMENT: model_servers.text,
    metrics.DOCUMENT: metrics.text,
}
DOCUMENTS = tuple(_TEXTS)


def printed(document: str) -> str:
    """What a printed document should say."""
    return _TEXTS[document]()


def main() -> None:
    for document in DOCUMENTS:
        (ROOT / document).write_text(printed(document), encoding="utf-8")


if __name__ == "__main__":
    main()
