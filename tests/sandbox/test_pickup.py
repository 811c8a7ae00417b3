"""Files of a session: only plain ones are taken out of it, as they are, and never another."""

import pytest

from perdure.sandbox.sandbox import FileRefused, SessionFile
from perdure.sandbox.session import LocalSession
from tests.sandbox.talk import content, printed, run

pytestmark = pytest.mark.asyncio(loop_scope="module")

_TRICKS = r"""
import os, socket
os.makedirs("deep/" * 7)
open("deep/" * 7 + "file", "w").write("deep")
open("plain", "w").write("plain")
open("source", "w").write("two names")
os.link("source", "hard")
os.symlink("/etc/passwd", "link")
os.symlink("plain", "near")
os.symlink("/", "root")
os.symlink("deep", "folder")
os.mkfifo("pipe")
with socket.socket(socket.AF_UNIX) as s:
    s.bind("socket")
os.truncate(os.open("sparse", os.O_CREAT | os.O_RDWR), 500 << 20)
names = [b"line\nend", b"escape\x1b[2J", b"no utf8 \xff", "\u202ebackwards".encode(), b"dots.."]
for name in names:
    open(name, "w").write("x")
"""
_TRICKED = (
    "hard",
    "source",
    "link",
    "near",
    "pipe",
    "socket",
    "sparse",
    "root/etc/passwd",
    "folder/deep/deep/deep/deep/deep/deep/file",
)


async def test_only_plain_files_with_printable_names_are_offered(session: LocalSession) -> None:
    ran = await run(session, _TRICKS)
    assert ran.errors == []
    plain = [
        SessionFile("deep/" * 7 + "file", 4),
        SessionFile("dots..", 1),
        SessionFile("plain", 5),
    ]
    assert ran.changed == plain
    assert await session.files() == tuple(plain)
    assert ran.notes.startswith("[13 things in /mnt/data are not offered as files")
    assert await content(session, "deep/" * 7 + "file") == b"deep"
    for name in _TRICKED:
        with pytest.raises(FileRefused):
            await content(session, name)
    for name in ("../../etc/passwd", "/etc/passwd", "a/../plain", "line\nend", "", "absent"):
        with pytest.raises(FileRefused):
            await content(session, name)
    assert await printed(session, "print('still here')") == "still here"


async def test_names_as_people_give_them_are_kept(session: LocalSession) -> None:
    """With spaces that are none of ASCII's, letters that are joined, and signs without a name."""
    names = [
        "Screenshot 2024-03-01 at 9.41.00\u202fAM.png",
        "prix\u00a010.csv",
        "\u8868\u3000\u4e00.csv",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467.txt",
        "\ue000",
    ]
    for name in names[:2]:
        await session.put(name, b"put")
    await run(session, f"for name in {names[2:]!r}: open(name, 'w').write('put')")
    assert set(names) <= {file.name for file in await session.files()}
    for name in names:
        assert await content(session, name) == b"put"


async def test_a_file_that_is_swapped_for_a_link_is_not_followed(session: LocalSession) -> None:
    """It was plain when it was listed."""
    await run(session, "import os; open('swapped', 'w').write('x')")
    assert SessionFile("swapped", 1) in await session.files()
    await run(session, "os.unlink('swapped'); os.symlink('/etc/passwd', 'swapped')")
    with pytest.raises(FileRefused, match="swapped cannot be read"):
        await content(session, "swapped")


async def test_an_archive_arrives_as_it_is(session: LocalSession) -> None:
    """Nothing is unpacked: 100 MB of zeros in a zip are its few bytes."""
    code = """
import os, zipfile
with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
    with bomb.open("zeros", "w") as zeros:
        for _ in range(100):
            zeros.write(bytes(1 << 20))
print(os.path.getsize("bomb.zip"))
"""
    size = int(await printed(session, code))
    assert SessionFile("bomb.zip", size) in await session.files()
    bomb = await content(session, "bomb.zip")
    assert len(bomb) == size < 200_000
    assert bomb.startswith(b"PK")


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "a/b", "../x", "/etc/x", "a\0b", "a\nb", "x" * 256, "\ud800"),
        *("a\u2028b", "a\u2066b", "a\u200fb"),
    ],
)
async def test_a_file_is_put_under_a_plain_name_or_not_at_all(
    session: LocalSession, name: str
) -> None:
    with pytest.raises(FileRefused, match="cannot have the name"):
        await session.put(name, b"x")


async def test_a_put_file_never_goes_through_a_link(session: LocalSession) -> None:
    await run(session, "import os; os.symlink('/tmp/elsewhere', 'given.txt')")
    await session.put("given.txt", b"content")
    code = "print(os.path.islink('given.txt'), os.path.exists('/tmp/elsewhere'))"
    assert await printed(session, code) == "False False"
    assert await content(session, "given.txt") == b"content"
