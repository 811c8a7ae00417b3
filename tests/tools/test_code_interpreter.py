"""What the model sees of the code_interpreter tool."""

import pytest

from perdure.tools.code_interpreter import file_names, results
from perdure.tools.code_interpreter.definition import definition, shortened, traceback
from perdure.wire.files import File
from perdure.wire.run_steps import (
    CodeFile,
    CodeImage,
    CodeImageFile,
    CodeInterpreter,
    CodeInterpreterToolCall,
    CodeLogs,
    CodeOutput,
)

IPYTHON = """\
---------------------------------------------------------------------------
KeyError                                  Traceback (most recent call last)
File /usr/lib/python3/pandas/core/indexes/base.py:3641, in Index.get_loc(self, key)
   3640 try:
-> 3641     return self._engine.get_loc(casted_key)

KeyError: 'b'

The above exception was the direct cause of the following exception:

Cell In[3], line 1
----> 1 table["b"]

File /usr/lib/python3/pandas/core/frame.py:4378, in DataFrame.__getitem__(self, key)
   4377     return self._getitem_multilevel(key)
-> 4378 indexer = self.columns.get_loc(key)

KeyError: 'b'
"""


def test_of_a_traceback_the_models_own_lines_and_the_error_are_left() -> None:
    told = traceback(IPYTHON)
    assert '----> 1 table["b"]' in told
    assert "[2 frames of libraries are left out here.]" in told
    assert told.endswith("KeyError: 'b'")
    assert "pandas" not in told


@pytest.mark.parametrize("text", ["SyntaxError: invalid syntax", "x" * 100_000, IPYTHON * 500, ""])
def test_a_traceback_of_any_form_is_bounded(text: str) -> None:
    assert len(traceback(text)) < 4_100
    assert bool(traceback(text)) is bool(text)


def test_a_flood_loses_its_middle_between_lines() -> None:
    lines = [f"line {number}" for number in range(1000)]
    told = shortened("\n".join(lines), 200)
    assert len(told) < 260
    first, *_, last = told.splitlines()
    assert (first, last) == ("line 0", "line 999")
    kept = [line for line in told.splitlines() if line.startswith("line ")]
    assert set(kept) < set(lines)
    note = next(line for line in told.splitlines() if line.startswith("["))
    left_out = int(note.split()[0][1:])
    assert left_out + len("".join(f"{line}\n" for line in kept)) == len("\n".join(lines)) + 1


def test_what_is_short_stays() -> None:
    assert shortened("a\nb", 3) == "a\nb"


def test_the_files_are_named_as_far_as_there_is_room() -> None:
    def about(*names: str) -> str:
        return definition("python", names, ()).function.description or ""

    assert about("rent.csv", "a\nb").endswith("Files of the user: 'rent.csv', 'a\\nb'")
    many = about(*(f"{number:05}.csv" for number in range(100)))
    assert many.endswith(("'00002.csv', …", ".csv', …"))
    assert len(many) <= 1024


def outputs(*told: CodeOutput, files: tuple[str, ...] = ()) -> str:
    left = [CodeFile(path=path, file_id="file-1") for path in files]
    ran = CodeInterpreter(input="", outputs=list(told), files=left)
    return results.output(CodeInterpreterToolCall(id="call_1", code_interpreter=ran))


def test_the_model_is_told_what_came_of_its_code() -> None:
    image = CodeImage(image=CodeImageFile(file_id="file-1"))
    assert outputs() == "[The code ran and wrote nothing.]"
    assert outputs(CodeLogs(logs="1\n"), image, CodeLogs(logs="2\n")) == (
        "1\n2\n\n[1 image was shown to the user.]"
    )
    assert outputs(image, image, files=("/mnt/data/a", "/mnt/data/b")) == (
        "[2 images were shown to the user.]\n[Files written: /mnt/data/a, /mnt/data/b]"
    )
    assert len(outputs(CodeLogs(logs="x" * 100_000))) < 17_000


def test_files_of_one_name_all_survive() -> None:
    def file(file_id: str, name: str) -> File:
        return File(id=file_id, bytes=1, created_at=1, filename=name, purpose="assistants")

    given = [file("file-aaaaaa", "x.csv"), file("file-bbbbbb", "x.csv"), file("file-cccccc", "y")]
    assert file_names.names(given) == {
        "file-aaaaaa": "x.csv", "file-bbbbbb": "x-bbbbbb.csv", "file-cccccc": "y",
    }  # fmt: skip
