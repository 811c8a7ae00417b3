"""The journeys through the code lead along files that exist."""

import re

from tests.docs.documents import ROOT

_SECTION = re.compile(r"^## Six journeys\n(.*?)^## ", re.DOTALL | re.MULTILINE)
_STOP = re.compile(r"^(\d+)\. `([\w/]+\.py)`: (.+)$", re.MULTILINE)


def journeys() -> dict[str, list[tuple[str, str, str]]]:
    """The stops of each journey: its number, the file, and what that adds."""
    section = _SECTION.search((ROOT / "docs" / "design.md").read_text(encoding="utf-8"))
    assert section is not None
    _, *parts = section[1].split("### ")
    return {part.partition("\n")[0]: _STOP.findall(part) for part in parts}


def test_there_are_six_of_them_each_with_its_stops_in_order() -> None:
    found = journeys()
    assert len(found) == 6
    for stops in found.values():
        assert [int(number) for number, _, _ in stops] == list(range(1, len(stops) + 1))
        assert len(stops) >= 8


def test_each_stop_exists() -> None:
    files = {file for stops in journeys().values() for _, file, _ in stops}
    assert {file for file in files if not (ROOT / "src" / "perdure" / file).is_file()} == set()


def test_no_line_of_a_journey_is_passed_over() -> None:
    """A line that the test does not understand would not be checked."""
    section = _SECTION.search((ROOT / "docs" / "design.md").read_text(encoding="utf-8"))
    assert section is not None
    numbered = re.findall(r"^\d+\. ", section[1], re.MULTILINE)
    assert len(numbered) == sum(len(stops) for stops in journeys().values())
