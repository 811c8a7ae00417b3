"""What is cited of the contract (`docs/spec`) is there, and says how it is known."""

import re
from pathlib import Path

import pytest

from tests.docs.citations import CONTRACT, citation, contract, files, problems
from tests.docs.compatibility import EVIDENCE
from tests.docs.documents import ROOT

MARKS = set(EVIDENCE)
PAGES = sorted(CONTRACT.glob("[0-9][0-9]-*.md"))


def targets(text: str) -> list[str]:
    word = re.search("spec", text)
    assert word is not None
    found = citation(text, word)
    return [] if found is None else [str(target) for target in found.targets]


def test_every_citation_leads_to_a_heading() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {why}"
        for path in files()
        for line, why in problems(path.read_text(encoding="utf-8"), path.suffix)
    ]
    assert wrong == []


def test_citations_are_found_where_they_are() -> None:
    """A test that looks at nothing would be content with anything."""
    read = {str(path.relative_to(ROOT)) for path in files()}
    assert {
        "src/perdure/lifecycle.py",
        "src/perdure/storage/migrations/postgres/0001_first_schema.sql",
        "tests/test_lifecycle.py",
        "docs/spec/03-run-lifecycle.md",
        "README.md",
    } <= read
    assert problems((ROOT / "src/perdure/lifecycle.py").read_text().replace("spec 03", "spec 08"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(spec 03 §9)", ["spec 03 §9"]),
        ("(spec 01 §4.2): so", ["spec 01 §4.2"]),
        ("spec 06, as ever", ["spec 06"]),
        ("spec 03 and 04 say", ["spec 03", "spec 04"]),
        ("spec 03 §9 and §10.", ["spec 03 §9", "spec 03 §10"]),
        ("spec 02 §9, 06 §1.5", ["spec 02 §9", "spec 06 §1.5"]),
        (
            "spec 03 §4, §10, and §14",
            ["spec 03 §4", "spec 03 §10", "spec 03 §14"],
        ),
        ("spec 03 §6-8: x", ["spec 03 §6", "spec 03 §7", "spec 03 §8"]),
        ("spec 04 §3.5-3.6)", ["spec 04 §3.5", "spec 04 §3.6"]),
        ("spec 03 §2, row 13", ["spec 03 §2", "spec 03 §2, row 13"]),
        (
            "spec 03 §2, rows 2 and 5",
            ["spec 03 §2", "spec 03 §2, row 2", "spec 03 §2, row 5"],
        ),
        ("spec 04 §8, N1: x", ["spec 04 §8", "spec 04 §8, row N1"]),
        ("# spec 04\n    # §3.3 x", ["spec 04 §3.3"]),
        ("-- spec 04 §3,\n-- §4", ["spec 04 §3", "spec 04 §4"]),
        ("spec 05 §3.2, 12 times", ["spec 05 §3.2"]),
    ],
)
def test_a_citation_is_read_with_all_that_it_names(text: str, expected: list[str]) -> None:
    assert targets(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "spec 08 §1",
        "spec 12",
        "spec 03 §99",
        "spec 03 §9.1",
        "Spec 01 §2.12",
        "spec 03 §9 and §99",
        "spec 03 §9, 06 §1.99",
        "spec 03 §16-18",
        "spec 03 §9-6",
        "spec 04 §3.5-4",
        "spec 03 §2, row 14",
        "spec 03 §2, rows 2 and 99",
        "spec 04 §8, N9",
        "-- spec 04 §3,\n-- §99",
    ],
)
def test_a_citation_that_leads_nowhere_is_found(text: str) -> None:
    ((line, why),) = problems(text)
    assert (line, why.partition(":")[0]) == (1, "leads nowhere")


@pytest.mark.parametrize(
    "text",
    [
        "as the spec says",
        "spec §9",
        "spec, 03 §9",
        "spec: 03 §9",
        "the spec (03 §9)",
        "see §9",
        "spec 03 §9 or §10",
        "spec 03 §9\u201310",
        "spec 03 §9/§10",
        "spec 03 or 04",
        "spec 03 section 9 and §10",
        "async def test_it_is_as_in_spec_04_3_1() -> None:",
    ],
)
def test_a_citation_of_another_form_is_found(text: str) -> None:
    assert problems(f"\n\n{text}\n")[0][0] == 3


def test_of_python_comments_and_strings_are_read() -> None:
    code = '''
spec = find_spec(name)  # spec 03 §99
text = f"kernel {spec} is not {known}"
def of(spec: str) -> str:
    """The spec, spec 04
    §98.
    """
'''
    assert problems(code, ".py") == [
        (2, "leads nowhere: spec 03 §99"),
        (5, "leads nowhere: spec 04 §98"),
        (5, 'no known form: spec, spec 04 §98. """'),
    ]


def test_of_markdown_fenced_blocks_are_not_read() -> None:
    assert problems("A file:\n\n```\nspec:\n```\n\nspec 99", ".md") == [
        (7, "leads nowhere: spec 99")
    ]


def test_other_documents_have_sections_too() -> None:
    assert (
        problems("RFC 9110 §14, [it](docs/spec/README.md), https://semver.org/spec/v2.html") == []
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_statement_of_the_contract_says_how_it_is_known(page: Path) -> None:
    assert unmarked(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "- A run ends.",
        "- A run ends. (said)",
        "- A run ends. (recorded, guessed)",
        "| Field | Known |\n|---|---|\n| `id` | |",
        "| Field | Known |\n|---|---|\n| `id` | recorded |\n| `name` | yes |",
        "| Field | Rule |\n|---|---|\n| `id` | recorded |",
    ],
)
def test_a_statement_without_a_mark_is_found(text: str) -> None:
    assert len(unmarked(f"## 1. Runs\n\nWords.\n\n{text}\n")) == 1


def test_marks_and_what_is_done_here_are_known() -> None:
    text = """
- A run ends, and
  so does its step. (recorded, inferred)
- A run begins. (published)

| Field | Known |
|---|---|
| `id` | recorded, ours |

Here: all of it.
"""
    assert unmarked(text) == []


def test_the_contract_is_complete() -> None:
    """Its pages, and a row for each in the page that explains them."""
    assert sorted(contract()) == [page.name[:2] for page in PAGES]
    text = (CONTRACT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(\d\d)\]\((.*)\)", text, re.MULTILINE) == [
        (page.name[:2], page.name) for page in PAGES
    ]
    assert set(re.findall(r"^\| (\w+) \|", text, re.MULTILINE)) - {"Page", "Mark"} == MARKS


def unmarked(text: str) -> list[str]:
    """The items and rows of a page that do not say how they are known."""
    items = re.findall(r"^- .*(?:\n  .*)*", text, re.MULTILINE)
    found = [item for item in items if not is_marked(_last(r"\(([\w, ]+)\)$", item))]
    for table in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        head, _, *rows = table.splitlines()
        if not head.endswith("| Known |"):
            found.append(head)
        else:
            found += [row for row in rows if not is_marked(_last(r"\| ([\w, ]*) ?\|$", row))]
    return found


def is_marked(marks: str) -> bool:
    return bool(marks) and set(marks.strip().split(", ")) <= MARKS


def _last(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else ""
