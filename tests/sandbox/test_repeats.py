"""What repeats itself is told once, and nothing else is changed, however the text is cut."""

import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from perdure.sandbox.inside import messages
from perdure.sandbox.inside.repeats import Repeats
from perdure.sandbox.inside.tally import Tally

_FONT = "findfont: Font family 'SimHei' not found.\n"
_TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "a.py", line 3, in f\n'
    "    f()\n"
    '  File "a.py", line 3, in f\n'
    "    f()\n"
    "ValueError: {}\n"
)


def told(stream: str, *texts: str) -> str:
    """Returns all that is told of texts that come one after the other."""
    repeats = Repeats()
    live = [repeats.feed(stream, text) for text in texts]
    return "".join([*live, *(text for _, text in repeats.finish())])


def glyph(number: int) -> str:
    return (
        f"/lib/pylabtools.py:170: UserWarning: Glyph {number} missing from font(s) DejaVu Sans.\n"
        "  fig.canvas.print_figure(bytes_io, **kw)\n"
    )


def test_a_line_on_stderr_is_told_once_wherever_it_comes_again() -> None:
    said = told("stderr", _FONT, "other\n", _FONT * 500)
    assert said == f"{_FONT}other\n[500 lines of repeated warnings are left out.]\n"


def test_of_the_warnings_of_one_place_a_few_are_told() -> None:
    said = told("stderr", *(glyph(number % 40) for number in range(400)), "done\n")
    first = "".join(glyph(number) for number in range(5))
    assert said == f"{first}done\n[790 lines of repeated warnings are left out.]\n"


def test_a_traceback_is_told_whole_and_only_once() -> None:
    one, other = _TRACEBACK.format(1), _TRACEBACK.format(2)
    said = told("stderr", one, other, one)
    assert said == f"{one}{other}[6 lines of repeated warnings are left out.]\n"


def test_a_line_is_told_again_where_another_one_belongs_to_it() -> None:
    text = "Refused:\n  row 1\nRefused:\n  row 2\n"
    assert told("stderr", text) == text


def test_a_line_of_stdout_that_comes_many_times_in_a_row_is_counted() -> None:
    said = told("stdout", "a\n", "0\n" * 1000, "b\n")
    assert said == "a\n" + "0\n" * 20 + "[The line above came 980 times more.]\nb\n"


def test_lines_of_stdout_that_come_again_later_are_data() -> None:
    text = "-----\n1\n-----\n2\n-----\n" * 50
    assert told("stdout", text) == text


def test_what_has_begun_is_told_before_its_line_ends_unless_it_may_be_a_repeat() -> None:
    repeats = Repeats()
    assert repeats.feed("stdout", "working") == "working"
    assert repeats.feed("stdout", "...\n" + "0\n" * 30) == "...\n" + "0\n" * 20
    assert repeats.feed("stdout", "0") == ""
    assert repeats.feed("stdout", "1") == "[The line above came 10 times more.]\n01"


def test_what_was_held_comes_before_a_picture_and_an_error() -> None:
    tally = Tally(text_bytes=1000, images=1, image_bytes=1000)
    said = {"name": "stderr", "text": "half a line"}
    assert list(messages.outputs("stream", said, tally)) == []
    shown = {"data": {"image/png": "AAAA"}}
    kinds = [frame["type"] for frame in messages.outputs("display_data", shown, tally)]
    assert kinds == ["text", "image"]


def test_a_flood_that_repeats_itself_leaves_room_for_the_rest() -> None:
    tally = Tally(text_bytes=1000, images=0, image_bytes=0)
    for _ in range(10_000):
        list(messages.outputs("stream", {"name": "stderr", "text": _FONT}, tally))
    frames = [*messages.outputs("stream", {"name": "stdout", "text": "5\n"}, tally)]
    frames += messages.rest(tally)
    assert [frame["text"] for frame in frames] == [
        "5\n",
        "[9999 lines of repeated warnings are left out.]\n",
    ]


_ROWS = st.lists(st.sampled_from(["a\n", "b\r\n", "  c\n", "\n", "a", "\r", _FONT, glyph(1)]))


@example("stdout", ["a\n"], 21, [41])
@given(st.sampled_from(["stdout", "stderr"]), _ROWS, st.integers(0, 60), st.lists(st.integers(0)))
def test_how_a_text_is_cut_makes_no_difference(
    stream: str, rows: list[str], times: int, cuts: list[int]
) -> None:
    text = "".join(rows) * times
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    # the two characters of a line end come together
    places = [place for place in places if text[place - 1 : place + 1] != "\r\n"]
    pieces = [text[begin:end] for begin, end in itertools.pairwise(places)]
    assert told(stream, *pieces) == told(stream, text)


@given(st.text(), st.lists(st.text(min_size=1), unique=True))
def test_a_text_without_repeats_is_told_as_it_is(text: str, lines: list[str]) -> None:
    assert told("result", text) == text
    different = [f"{number}{line}\n" for number, line in enumerate(lines)]
    assert told("stdout", "".join(different)) == "".join(different)
