"""What comes out of a session is an attacker's: nothing of it fools the host or holds it up."""

import pytest

from perdure.sandbox.sandbox import Image, SessionFile
from perdure.sandbox.session import LocalSession
from tests.sandbox.talk import printed, run

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_text_is_cut_where_there_is_too_much_of_it_and_the_code_goes_on(
    session: LocalSession,
) -> None:
    ran = await run(session, "print('x' * 1_000_000)\nprint('y')\nopen('after', 'w').close()")
    assert ran.text == "x" * 256 * 1024
    assert ran.notes == (
        "[Left out, because an execution may not show so much: 737859 more bytes of text.]"
    )
    assert ran.changed == [SessionFile("after", 0)]


async def test_output_without_end_lasts_as_long_as_the_code_may(session: LocalSession) -> None:
    code = "import itertools\nfor n in itertools.count(): print(f'{n:0100}')"
    ran = await run(session, code, overtime_after=256 * 1024)
    assert len(ran.text) == 256 * 1024
    assert "more bytes of text" in ran.notes
    assert ran.end.timed_out
    assert await printed(session, "print('still here')") == "still here"


async def test_a_program_that_floods_is_cut_in_the_same_way(session: LocalSession) -> None:
    ran = await run(session, "import subprocess; subprocess.run(['yes'])", overtime_after=1)
    assert ran.end.timed_out
    assert ran.text.startswith("y\ny\n")
    assert len(ran.text) <= 256 * 1024
    assert await printed(session, "print('still here')") == "still here"


async def test_a_message_counts_however_short_it_is(session: LocalSession) -> None:
    ran = await run(session, "for n in range(5000): print(n % 10, flush=True)")
    assert len(ran.text) <= 2 * 4096
    assert "more bytes of text" in ran.notes
    code = """
kernel = get_ipython().kernel
for number in range(500):
    kernel.session.send(kernel.iopub_socket, "error", {"traceback": []}, parent=kernel.get_parent())
"""
    assert (await run(session, code)).errors == [""]
    assert await printed(session, "print('still here')") == "still here"


async def test_images_are_counted_and_weighed(session: LocalSession) -> None:
    code = """
from IPython.display import Image, display
png = b"\\x89PNG\\r\\n\\x1a\\n"
display(Image(png + bytes(9 << 20), format="png"))
for number in range(25):
    display(Image(png + bytes([number]), format="png"))
"""
    ran = await run(session, code)
    beginning = b"\x89PNG\r\n\x1a\n"
    assert ran.images == [Image("image/png", beginning + bytes([n])) for n in range(20)]
    assert ran.notes == (
        "[Left out, because an execution may not show so much: 6 more images, or too large ones.]"
    )


async def test_an_image_that_is_none_is_left_out(session: LocalSession) -> None:
    code = """
from IPython.display import display
for data in ("R0lGODlh", "no base64!", "", "iVBORw0KGgo=" + chr(0)):
    display({"image/png": data, "text/plain": "?"}, raw=True)
display({"image/svg+xml": "<svg/>", "text/html": "<script/>", "text/plain": "plain"}, raw=True)
"""
    ran = await run(session, code)
    assert ran.images == []
    assert ran.notes == "[An image was left out: it is none, or too large.]\n" * 4
    assert ran.text == "plain\n"


async def test_text_arrives_without_escapes_and_control_characters(session: LocalSession) -> None:
    code = r"""
import os, sys
print("\x1b[31mred\x1b[0m \x1b]0;title\x07and\x00 \x08bell\x07 \x9b2J tab\tend\r")
print("a file name that is no text: \udcff \U0001f600")
sys.stdout.flush()
_ = os.write(1, b"bytes: \xff\xfe\x00\n")
"""
    ran = await run(session, code)
    assert (
        ran.text
        == "red and bell 2J tab\tend\na file name that is no text: \ufffd 😀\nbytes: \ufffd\ufffd\n"
    )


async def test_messages_that_the_code_forges_are_its_own_output_at_most(
    session: LocalSession,
) -> None:
    """It has the key of its kernel, so it can say all that a kernel can."""
    code = """
import pickle
kernel = get_ipython().kernel
def say(kind, content, **more):
    kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent(), **more)
say("stream", {"name": "stdout", "text": "forged\\n"})
say("status", {"execution_state": "idle"})
say("comm_open", {"data": 1}, buffers=[pickle.dumps(print)])
say("stream", {"name": "stdout", "text": "more\\n"})
print("end")
"""
    ran = await run(session, code)
    assert ran.text.startswith("forged\n")
    assert await printed(session, "print('still here')") == "still here"


@pytest.mark.parametrize(
    "forged",
    [
        '"stream", {"name": "stdout", "text": {}}',
        '"stream", {"name": "host", "text": "x"}',
        '"error", {"traceback": 5}',
        '"display_data", {"data": []}',
        '"status", {}',
        '"execute_reply", {}',
    ],
)
async def test_messages_without_sense_are_passed_over(session: LocalSession, forged: str) -> None:
    code = f"""
kernel = get_ipython().kernel
kernel.session.send(kernel.iopub_socket, {forged}, parent=kernel.get_parent())
print("end")
"""
    assert (await run(session, code)).text == "end\n"
    assert await printed(session, "print('still here')") == "still here"
