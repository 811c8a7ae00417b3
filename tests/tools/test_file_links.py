"""Links to files that code has written are annotated where they stand, and the text stays."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.tools.annotation import AnnotatedText
from perdure.tools.code_interpreter.file_links import PREFIX, Linker
from perdure.wire.messages import FileCitation, FileCitationAnnotation, FilePathAnnotation

FILES = {
    "out.csv": "file-1",
    "out.csv.gz": "file-2",
    "my plot (1).png": "file-3",
    "a/b.txt": "file-4",
}
SCRAPS = [
    PREFIX,
    PREFIX[:9],
    "s",
    "(",
    ")",
    " ",
    "out.csv",
    "out.csv.g",
    *FILES,
    "my%20plot%20%281%29.png",
    ".",
    "_",
    "a",
    "ü",
    "請",
]


def linked(pieces: list[AnnotatedText]) -> list[AnnotatedText]:
    linker = Linker(FILES)
    return [each for piece in pieces for each in linker.feed([piece])] + linker.finish()


def notes(pieces: list[AnnotatedText]) -> list[FilePathAnnotation]:
    return [each.annotation for each in pieces if isinstance(each.annotation, FilePathAnnotation)]


@given(st.lists(st.sampled_from(SCRAPS) | st.text(max_size=3), max_size=20), st.data())
def test_the_pieces_make_no_difference_and_the_text_stays(
    scraps: list[str], data: st.DataObject
) -> None:
    text = "".join(scraps)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    places = [0, *cuts, len(text)]
    cut = [AnnotatedText(text[begin:end]) for begin, end in itertools.pairwise(places)]
    found = linked(cut)
    assert "".join(piece.text for piece in found) == text
    assert notes(found) == notes(linked([AnnotatedText(text)]))
    for note in notes(found):
        assert text[note.start_index : note.end_index] == note.text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[it](sandbox:/mnt/data/out.csv).", [("sandbox:/mnt/data/out.csv", "file-1")]),
        ("sandbox:/mnt/data/out.csv.gz", [("sandbox:/mnt/data/out.csv.gz", "file-2")]),
        ("sandbox:/mnt/data/out.csv.", [("sandbox:/mnt/data/out.csv", "file-1")]),
        ("(sandbox:/mnt/data/my plot (1).png)", [("sandbox:/mnt/data/my plot (1).png", "file-3")]),
        (
            "(sandbox:/mnt/data/my%20plot%20%281%29.png)",
            [("sandbox:/mnt/data/my%20plot%20%281%29.png", "file-3")],
        ),
        ("sandbox:/mnt/data/a/b.txt", [("sandbox:/mnt/data/a/b.txt", "file-4")]),
        ("sandbox:/mnt/data/nothing.csv and /mnt/data/out.csv", []),
        # another name that begins like one of these
        ("sandbox:/mnt/data/out.csv.zip", []),
        ("sandbox:/mnt/data/out.csvx, sandbox:/mnt/data/out.csv-2", []),
        ("sandbox:/mnt/data/out.csv/x sandbox:/mnt/data/out.csv%20x", []),
        ("sandbox:/mnt/data/out.csv.gzip", []),
        ("sandbox:/mnt/data/out.csvé", []),
        # what stands behind a name
        ("_sandbox:/mnt/data/out.csv_", [("sandbox:/mnt/data/out.csv", "file-1")]),
        ("sandbox:/mnt/data/out.csv...", [("sandbox:/mnt/data/out.csv", "file-1")]),
        ("sandbox:/mnt/data/out.csv, or", [("sandbox:/mnt/data/out.csv", "file-1")]),
        ("**sandbox:/mnt/data/out.csv**", [("sandbox:/mnt/data/out.csv", "file-1")]),
        ("sandbox:/mnt/data/out.csv请下载", [("sandbox:/mnt/data/out.csv", "file-1")]),
    ],
)
def test_what_is_written_is_found(text: str, found: list[tuple[str, str]]) -> None:
    pieces = linked([AnnotatedText(text)])
    assert [(note.text, note.file_path.file_id) for note in notes(pieces)] == found
    assert [piece.text for piece in pieces if piece.annotation] == [text for text, _ in found]


def test_a_citation_keeps_its_place() -> None:
    marker = "【4:0†a.md】"
    citation = FileCitationAnnotation(
        text=marker, start_index=5, end_index=15, file_citation=FileCitation(file_id="file-9")
    )
    pieces = linked(
        [
            AnnotatedText("See s"),
            AnnotatedText(marker, citation),
            AnnotatedText(f" {PREFIX}out.csv"),
        ]
    )
    assert [piece.text for piece in pieces] == ["See ", "s", marker, " ", f"{PREFIX}out.csv"]
    assert notes(pieces)[0].start_index == len(f"See s{marker} ")
