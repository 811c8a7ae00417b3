"""Archives that are hostile, cut off, or damaged (spec 10 §4.5)."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.errors import ConfigurationError
from perdure.exchange import archive_writers, archives, compression, dumps, frames
from perdure.exchange.frames import BrokenFrames
from perdure.exchange.items import ContentItem, Items, LineItem
from perdure.wire.base import encode
from perdure.wire.exchange import Manifest

MANIFEST = Manifest(created_at=1, objects_sha256="0" * 64)
LINES = [b'{"object":"thread","id":"thread_%d"}\n' % number for number in range(3)]


async def blocks(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content[:2]
    yield content[2:]


async def items() -> Items:
    yield ContentItem("file-1", 5, blocks(b"hello"))
    for line in LINES:
        yield LineItem(line)
    yield ContentItem("file-2", 0, blocks(b""))
    yield MANIFEST


async def content_of(archive: archives.Archive, file_id: str) -> bytes | None:
    found = archive.content(file_id)
    return None if found is None else b"".join([block async for block in found.blocks])


@pytest.mark.parametrize("name", ["folder", "a.tar", "a.tar.zst"])
async def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    with archive_writers.open_to_write(path) as writer:
        assert await archive_writers.write(items(), writer) == MANIFEST
    with archives.open_to_read(path) as archive:
        assert archive.manifest == MANIFEST
        assert archive.objects.read(0, 10_000) == b"".join(LINES)
        assert await content_of(archive, "file-1") == b"hello"
        assert await content_of(archive, "file-2") == b""
        assert archive.content("file-3") is None
        assert archive.content("../manifest.json") is None
    with (
        pytest.raises(ConfigurationError, match="There is something"),
        archive_writers.open_to_write(path),
    ):
        pass


async def test_a_tar_file_is_one_for_other_programs_too(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with archive_writers.open_to_write(str(path)) as writer:
        await archive_writers.write(items(), writer)
    with tarfile.open(path) as tar:
        names = tar.getnames()
        assert names == [f"perdure-export/{name}" for name in (
            "files/file-1", "files/file-2", "objects.jsonl", "manifest.json",
        )]  # fmt: skip
        found = tar.extractfile(names[0])
        assert found is not None
        assert found.read() == b"hello"
    assert path.stat().st_size % 10_240 == 0


def _all_below(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


async def test_others_cannot_read_an_export(tmp_path: Path) -> None:
    for name in ("folder", "a.tar"):
        with archive_writers.open_to_write(str(tmp_path / name)) as writer:
            await archive_writers.write(items(), writer)
    modes = {path: path.stat().st_mode & 0o077 for path in _all_below(tmp_path)}
    assert len(modes) > 5
    assert set(modes.values()) == {0}


@pytest.mark.parametrize("name", ["a.tar", "a.tar.zst"])
async def test_an_archive_that_was_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with archive_writers.open_to_write(str(path)) as writer:
        await archive_writers.write(items(), writer)
    whole = path.read_bytes()
    step = 512 if name == "a.tar" else 16
    # Seven blocks have all that counts; behind them there is what fills the last record.
    end = 7 * 512 if name == "a.tar" else len(whole)
    for size in range(0, end, step):
        path.write_bytes(whole[:size])
        with pytest.raises(ConfigurationError), archives.open_to_read(str(path)):
            pass


def packed(tar: bytes, path: Path) -> None:
    """Writes the files of a tar file as another kind of archive."""
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(tar))
        return
    with tarfile.open(fileobj=io.BytesIO(tar)) as found, zipfile.ZipFile(path, "w") as archive:
        for info in found:
            member = found.extractfile(info)
            assert member is not None
            archive.writestr(info.name, member.read(), zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
async def test_an_archive_that_was_packed_again_is_read_unless_it_was_cut_off(
    tmp_path: Path, name: str
) -> None:
    with archive_writers.open_to_write(str(tmp_path / "a.tar")) as writer:
        await archive_writers.write(items(), writer)
    path = tmp_path / name
    packed((tmp_path / "a.tar").read_bytes(), path)
    with archives.open_to_read(str(path)) as archive:
        content = archive.content("file-1")
        assert content is not None
        assert b"".join([block async for block in content.blocks]) == b"hello"
    assert not dumps.is_dump(str(path))
    whole = path.read_bytes()
    for size in range(0, len(whole), 16):
        path.write_bytes(whole[:size])
        with pytest.raises(ConfigurationError), archives.open_to_read(str(path)):
            pass


def test_links_folders_and_what_is_encrypted_are_not_read_from_a_zip_file(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("link.json")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.mkdir("folder.json")
        archive.writestr("../../a.json", "{}")
    out = io.BytesIO()
    with path.open("rb") as source:
        compression.write_as_tar(source, out)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        assert tar.getnames() == ["zip/../../a.json"]
    # the bit that says so, in both places of the member
    data = bytearray(path.read_bytes())
    for head, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.rindex(head) + at] |= 1
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match="encrypted"), archives.open_to_read(str(path)):
        pass


@pytest.mark.parametrize("kind", [b"PK\x03\x04", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"])
@given(rest=st.binary())
def test_whatever_an_archive_holds_is_refused(
    tmp_path_factory: pytest.TempPathFactory, kind: bytes, rest: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "a"
    path.write_bytes(kind + rest)
    assert not dumps.is_dump(str(path))
    with pytest.raises(ConfigurationError), archives.open_to_read(str(path)):
        pass


async def test_a_folder_without_a_manifest_was_cut_off(tmp_path: Path) -> None:
    with archive_writers.open_to_write(str(tmp_path / "folder")) as writer:
        await archive_writers.write(items(), writer)
    (tmp_path / "folder" / "manifest.json").unlink()
    with (
        pytest.raises(ConfigurationError, match="cut off"),
        archives.open_to_read(str(tmp_path / "folder")),
    ):
        pass


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{}", b"[]", b"\xff", b'{"format":"other"}',
     encode(MANIFEST).replace(b'"version":1', b'"version":2'),
     encode(MANIFEST).replace(b'"complete":true', b'"complete":false')],
)  # fmt: skip
def test_a_manifest_of_something_else_is_refused(tmp_path: Path, manifest: bytes) -> None:
    (tmp_path / "objects.jsonl").touch()
    (tmp_path / "manifest.json").write_bytes(manifest)
    with pytest.raises(ConfigurationError), archives.open_to_read(str(tmp_path)):
        pass


def tar_of(path: Path, *members: tuple[str, bytes, bytes]) -> None:
    """Writes a tar file of names, types and contents."""
    with tarfile.open(path, "w") as tar:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            info.linkname = "/etc/passwd"
            tar.addfile(info, io.BytesIO(content))


async def test_links_devices_and_paths_inside_of_an_archive_lead_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    tar_of(
        path,
        ("x/files/file-link", tarfile.SYMTYPE, b""),
        ("x/files/file-hard", tarfile.LNKTYPE, b""),
        ("x/files/file-device", tarfile.CHRTYPE, b""),
        ("../../files/../../file-up", tarfile.REGTYPE, b"up"),
        ("/files/file-root", tarfile.REGTYPE, b"kept by its name"),
        ("x/objects.jsonl", tarfile.REGTYPE, b""),
        ("x/manifest.json", tarfile.REGTYPE, encode(MANIFEST)),
    )
    with archives.open_to_read(str(path)) as archive:
        for name in ("file-link", "file-hard", "file-device", "file-up"):
            assert archive.content(name) is None
        assert await content_of(archive, "file-root") == b"kept by its name"
    assert _all_below(tmp_path) == [path]


def test_a_link_in_a_folder_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "file-1").symlink_to("/etc/passwd")
    (tmp_path / "objects.jsonl").touch()
    (tmp_path / "manifest.json").write_bytes(encode(MANIFEST))
    with archives.open_to_read(str(tmp_path)) as archive:
        assert archive.content("file-1") is None


@given(content=st.binary(max_size=3000))
def test_whatever_is_given_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "x.tar"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError), archives.open_to_read(str(path)):
        pass


async def body() -> bytes:
    return b"".join([block async for block in frames.write(items())])


async def read(*parts: bytes) -> list[object]:
    async def sent() -> AsyncGenerator[bytes, None]:
        for part in parts:
            yield part

    found: list[object] = []
    async for item in frames.read(sent()):
        if isinstance(item, ContentItem):
            content = b"".join([block async for block in item.blocks])
            found.append((item.file_id, content))
        else:
            found.append(item)
    return found


async def test_a_body_carries_an_export_wherever_it_is_cut_into_blocks() -> None:
    whole = await body()
    expected = [("file-1", b"hello"), *map(LineItem, LINES), ("file-2", b""), MANIFEST]
    for at in range(len(whole)):
        assert await read(whole[:at], whole[at:]) == expected


async def test_a_body_that_ends_early_is_noticed_wherever_that_is() -> None:
    whole = await body()
    for at in range(len(whole)):
        with pytest.raises(BrokenFrames):
            await read(whole[:at])


async def test_a_changed_body_is_noticed() -> None:
    whole = await body()
    at = whole.index(b"hello")
    with pytest.raises(BrokenFrames, match="digest"):
        await read(whole[:at] + b"hallo" + whole[at + 5 :])
