"""The certificate of a listener: real handshakes, before and after its files change."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog.testing
from cryptography.hazmat.primitives import serialization

from perdure.clock import SystemClock
from perdure.errors import ConfigurationError
from perdure.tls import self_signed, trust
from perdure.tls.certificate import Certificate, load
from perdure.tls.checkup import handshake
from perdure.tls.self_signed import Made

NOW = SystemClock().now()


def made(folder: Path) -> Made:
    return self_signed.make(folder, names=(), days=9, now=NOW)


@pytest.fixture
def files(tmp_path: Path) -> Made:
    return made(tmp_path / "tls")


@asynccontextmanager
async def listening(certificate: Certificate) -> AsyncIterator[int]:
    """The port of a server that says back what it hears."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(100):
            writer.write(said)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=certificate.context)
    async with server:
        yield server.sockets[0].getsockname()[1]


class Caller:
    """A connection to such a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @property
    def shown(self) -> bytes:
        """The certificate that the server has shown."""
        connection: ssl.SSLObject = self._writer.get_extra_info("ssl_object")
        return connection.getpeercert(binary_form=True) or b""

    async def hears(self, said: bytes) -> bool:
        """Whether it is said back."""
        self._writer.write(said)
        return await self._reader.readexactly(len(said)) == said

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def call(port: int, cert: Path, *, name: str = "") -> Caller:
    """`name`: what the client calls the server; empty for a client that names none."""
    context = trust.only(cert)
    opened = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    return Caller(*opened)


async def shown(port: int, cert: Path, *, name: str = "") -> bytes:
    caller = await call(port, cert, name=name)
    try:
        return caller.shown
    finally:
        await caller.close()


def der(path: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(path.read_text())


def copied(path: Path) -> Path:
    """What a client trusts that knows the certificate as it is now."""
    copy = path.with_name("trusted.pem")
    copy.write_bytes(path.read_bytes())
    return copy


@pytest.mark.parametrize("name", ["", "localhost", "other.example"])
async def test_new_connections_get_the_new_certificate_and_old_ones_go_on(
    files: Made, name: str
) -> None:
    certificate = Certificate(files.cert, files.key)
    async with listening(certificate) as port:
        old = await call(port, files.cert, name=name)
        before = der(files.cert)
        assert old.shown == before
        made(files.cert.parent)
        assert der(files.cert) != before
        await certificate.step()
        assert await shown(port, files.cert, name=name) == der(files.cert)
        assert await old.hears(b"still here")
        await old.close()


async def test_nothing_is_read_again_while_nothing_changes(files: Made) -> None:
    certificate = Certificate(files.cert, files.key)
    with structlog.testing.capture_logs() as logged:
        await certificate.step()
        await certificate.step()
    assert logged == []


async def test_files_that_do_not_fit_change_nothing_until_they_do(files: Made) -> None:
    """As when a program writes one after the other."""
    certificate = Certificate(files.cert, files.key)
    trusted = copied(files.cert)
    other = made(files.cert.parent.parent / "other")
    async with listening(certificate) as port:
        with structlog.testing.capture_logs() as logged:
            files.cert.write_bytes(other.cert.read_bytes())
            await certificate.step()
            await certificate.step()
            assert await shown(port, trusted) == der(trusted)
            files.key.write_bytes(other.key.read_bytes())
            await certificate.step()
        assert await shown(port, other.cert) == der(other.cert)
    assert [entry["event"] for entry in logged] == ["tls_not_renewed", "tls_renewed"]
    assert "do not belong together" in logged[0]["reason"]


@pytest.mark.parametrize("broken", ["", "no PEM", None], ids=["empty", "text", "gone"])
async def test_a_file_that_breaks_is_told_once_and_the_old_one_stays(
    files: Made, broken: str | None
) -> None:
    certificate = Certificate(files.cert, files.key)
    trusted = copied(files.cert)
    files.cert.unlink()
    if broken is not None:
        files.cert.write_text(broken)
    async with listening(certificate) as port:
        with structlog.testing.capture_logs() as logged:
            for _ in range(3):
                await certificate.step()
        assert await shown(port, trusted) == der(trusted)
    (entry,) = logged
    assert (entry["event"], entry["log_level"]) == ("tls_not_renewed", "warning")


def _encrypt(key: Path) -> None:
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )


def test_what_cannot_be_used_is_told_in_a_sentence(files: Made, tmp_path: Path) -> None:
    other = made(tmp_path / "other")
    missing, empty = tmp_path / "missing.pem", tmp_path / "empty.pem"
    empty.touch()
    _encrypt(files.key)
    for cert, key, said in (
        (missing, other.key, f"The file {missing} cannot be read: No such file or directory."),
        (other.cert, tmp_path, f"The file {tmp_path} cannot be read: Is a directory."),
        (empty, other.key, f"There is no certificate in {empty}, or no key in {other.key}, "),
        (other.cert, empty, f"There is no certificate in {other.cert}, or no key in {empty}, "),
        (files.cert, files.key, f"The key in {files.key} is encrypted; "),
        (files.cert, other.key, f"The certificate in {files.cert} and the key in {other.key} do "),
    ):
        with pytest.raises(ConfigurationError) as refused:
            load(cert, key)
        assert str(refused.value).startswith(said)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_are_refused(files: Made, version: ssl.TLSVersion) -> None:
    """By the server: another one would take this client."""
    client = trust.only(files.cert)
    other = load(files.cert, files.key)
    for context in (client, other):
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
    handshake(other, client)
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        handshake(Certificate(files.cert, files.key).context, client)
