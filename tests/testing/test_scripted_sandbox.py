"""The sandbox for tests of programs: it runs nothing, and obeys the lines that are directives."""

import io

import pytest
from PIL import Image as Picture

from perdure import sandboxes, settings
from perdure.sandbox.sandbox import Error, Image, Text
from perdure.testing.scripted_sandbox import PNG, Crashed, Forever, ScriptedSandbox, Wrote, obey


@pytest.mark.parametrize(
    ("line", "effect"),
    [
        ("print some text", Text("some text\n", "stdout")),
        ('print("some text")', Text("some text\n", "stdout")),
        ("print(6 * 7)", None),
        ("print(open('/etc/passwd').read())", None),
        ("show", Image("image/png", PNG)),
        ("write x.csv 1,2", Wrote("x.csv", b"1,2")),
        ("raise no", Error("Traceback (most recent call last):\nValueError: no")),
        ("crash out of memory", Crashed("out of memory")),
        ("forever", Forever()),
        ("import os", None),
    ],
)
def test_a_line_that_is_a_directive_has_its_effect(line: str, effect: object) -> None:
    assert list(obey(line)) == ([] if effect is None else [effect])


def test_the_image_is_one() -> None:
    assert Picture.open(io.BytesIO(PNG)).size == (1, 1)


def test_the_setting_chooses_it() -> None:
    assert isinstance(sandboxes.connect(settings.only(code_sandbox="scripted")), ScriptedSandbox)
