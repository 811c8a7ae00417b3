"""What is supported, as the code and the documentation have it."""

import re

from perdure.parsing.formats import SUPPORTED, refusal
from tests.docs.documents import rows


def test_all_that_is_refused_is_told_at_once() -> None:
    assert refusal(["b.tsv", "a.txt", "c.tsv", "d.avi", "e"]) == (
        "Files with extensions [none, .avi, .tsv] are not supported for retrieval."
    )
    assert refusal([f"a.{extension}" for extension in SUPPORTED]) is None


def test_the_documentation_lists_what_is_supported() -> None:
    documented = {
        extension
        for cells in rows("docs/file-search.md", "Files")
        for extension in re.findall(r"`\.(\w+)`", cells[1])
    }
    assert documented == SUPPORTED
