"""Files that are archives of XML: those of Word, PowerPoint, OpenDocument and EPUB.

Their XML is read event by event. No tree is built, so its depth does no harm.
"""

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple, Never, Protocol
from urllib.parse import unquote
from xml.parsers import expat

from perdure.parsing.limits import ParsingLimits

_BLOCK = 64 * 1024
# Numbers with as many digits mean nothing.
_DIGITS = 10
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    expat.ExpatError,
    EOFError,
    NotImplementedError,
    UnicodeError,
    RuntimeError,  # an entry is encrypted
)

Attributes = dict[str, str]


class DamagedFile(Exception):
    """The file is not what its name says, or no longer."""


class BloatedFile(Exception):
    """The file unpacks to more than a file may have."""


class XmlReader(Protocol):
    """A reader of the events of a part. Names of tags come without their namespaces."""

    def start(self, tag: str, attributes: Attributes) -> None:
        """Reads the beginning of an element. The names of attributes have their namespaces."""

    def end(self, tag: str) -> None:
        """Reads the end of an element."""

    def data(self, text: str) -> None:
        """Reads text, which may come in several pieces."""


class Relation(NamedTuple):
    """A reference of a part: to a part of the package, or an address where it is external."""

    kind: str
    target: str
    is_external: bool


class Package:
    """An open archive. All parts that are read may unpack to `limits.file_bytes` together."""

    def __init__(self, archive: zipfile.ZipFile, limits: ParsingLimits) -> None:
        self._archive = archive
        self._left = limits.file_bytes
        self.limits = limits
        self.names = frozenset(archive.namelist())

    def read(self, name: str) -> bytes:
        """Returns the bytes of a part. Raises `DamagedFile` where there is none."""
        return b"".join(self._blocks(name))

    def read_xml(self, name: str, reader: XmlReader) -> None:
        """Has a part read. Raises `DamagedFile` where there is none."""
        parse_xml(self._blocks(name), reader)

    def relations(self, name: str) -> dict[str, Relation]:
        """Returns what a part of an Office file refers to, by the ids that it uses."""
        folder, file = posixpath.split(name)
        listed = posixpath.join(folder, "_rels", f"{file}.rels")
        reader = _Relations(folder)
        if listed in self.names:
            self.read_xml(listed, reader)
        return reader.found

    def _blocks(self, name: str) -> Iterator[bytes]:
        if name not in self.names:
            raise DamagedFile
        entry = self._archive.getinfo(name)
        self._left -= entry.file_size
        if self._left < 0:
            raise BloatedFile
        with self._archive.open(entry) as unpacked:  # never more than the size that it states
            while block := unpacked.read(_BLOCK):
                yield block


@contextmanager
def open_package(file: BinaryIO, limits: ParsingLimits) -> Iterator[Package]:
    """Opens an archive. Inside, `DamagedFile` or `BloatedFile` is raised for a bad one."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield Package(archive, limits)
    except _DAMAGE as error:
        raise DamagedFile from error


def parse_xml(blocks: Iterable[bytes], reader: XmlReader) -> None:
    """Has XML read. Document types are refused: entities, the bombs among them, need one."""
    parser = expat.ParserCreate(namespace_separator=" ")

    def start(name: str, attributes: Attributes) -> None:
        reader.start(name.rpartition(" ")[2], attributes)

    def end(name: str) -> None:
        reader.end(name.rpartition(" ")[2])

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = _refuse
    for block in blocks:
        parser.Parse(block, False)
    parser.Parse(b"", True)


def attribute(attributes: Attributes, name: str) -> str | None:
    """Returns an attribute by its name without namespace."""
    if (plain := attributes.get(name)) is not None:
        return plain
    for key, value in attributes.items():
        if key.endswith(f" {name}"):
            return value
    return None


def number(attributes: Attributes, name: str, default: int) -> int:
    """Returns an attribute that is a small whole number."""
    written = attribute(attributes, name) or ""
    return int(written) if written.isdecimal() and len(written) < _DIGITS else default


def relation_id(attributes: Attributes, name: str = "id") -> str:
    """Returns the id of the relation that an element of an Office file names, or nothing."""
    for key, value in attributes.items():
        if key.endswith(f"/relationships {name}"):
            return value
    return ""


def is_on(attributes: Attributes) -> bool:
    """Returns True unless a switch of an Office file, such as `<w:vanish/>`, is off."""
    return attribute(attributes, "val") not in ("0", "false", "off")


def resolve(folder: str, target: str) -> str:
    """Returns the name of the part that a reference from within a folder leads to."""
    path = unquote(target.partition("#")[0])
    return posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/")


class _Relations:
    def __init__(self, folder: str) -> None:
        self.found: dict[str, Relation] = {}
        self._folder = folder

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag != "Relationship":
            return
        target = attributes.get("Target", "")
        is_external = attributes.get("TargetMode") == "External"
        self.found[attributes.get("Id", "")] = Relation(
            attributes.get("Type", "").rpartition("/")[2],
            target if is_external else resolve(self._folder, target),
            is_external,
        )

    def end(self, tag: str) -> None:
        pass

    def data(self, text: str) -> None:
        pass


def _refuse(*_: object) -> Never:
    raise DamagedFile
