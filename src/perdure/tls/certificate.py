"""The certificate of a server: read from its files, and read again when they change."""

import asyncio
import ssl
from pathlib import Path
from typing import NamedTuple, NoReturn

import structlog

from perdure.errors import ConfigurationError

_log = structlog.get_logger(__name__)

# What OpenSSL says of a file that is something else; nothing, of an empty one.
_NO_PEM = frozenset({None, "NO_START_LINE", "BAD_BASE64_DECODE", "BAD_END_LINE", "NOT_ENOUGH_DATA"})


class _Stamp(NamedTuple):
    """The values that change when a file does, also where a link leads elsewhere or its mode
    changes.
    """

    inode: int
    size: int
    modified: int
    changed: int


class Certificate:
    """The certificate that a server shows, with its key; both are PEM files.

    `context` is for the listener, and never replaced. Each connection gets the certificate that is
    valid at its beginning; open connections keep theirs. Raises `ConfigurationError` where the
    files cannot be used.
    """

    def __init__(self, cert: Path, key: Path) -> None:
        self._files = cert, key
        self._stamps = self._look()
        self.context = self._now = load(cert, key)
        self.context.sni_callback = self._choose

    async def step(self) -> None:
        """Reads the files again if they changed. Files that cannot be used are logged, and the
        server keeps the certificate that it has.
        """
        stamps = await asyncio.to_thread(self._look)
        if stamps == self._stamps:
            return
        self._stamps = stamps
        try:
            self._now = await asyncio.to_thread(load, *self._files)
        except ConfigurationError as error:
            _log.warning("tls_not_renewed", reason=str(error))
            return
        _log.info("tls_renewed", file=str(self._files[0]))

    def _look(self) -> list[_Stamp | None]:
        return [_stamp(path) for path in self._files]

    def _choose(self, connection: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        """Chooses the context at the beginning of each handshake, also if the client names no host.
        A whole context is replaced, so that no client meets half of a change.
        """
        connection.context = self._now


def load(cert: Path, key: Path) -> ssl.SSLContext:
    """Returns the context of a listener. Raises `ConfigurationError`, in a sentence that names the
    file.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    for path in (cert, key):
        try:
            path.open("rb").close()
        except OSError as error:
            raise ConfigurationError(f"The file {path} cannot be read: {error.strerror}.") from None
    try:
        context.load_cert_chain(cert, key, password=_refuse_password)
    except _Encrypted:
        raise ConfigurationError(
            f"The key in {key} is encrypted; the server needs one that is not, in a file that only "
            "its user can read."
        ) from None
    except ssl.SSLError as error:
        raise ConfigurationError(_reason(error, cert, key)) from None
    return context


class _Encrypted(Exception):
    """A key that would need a password."""


def _refuse_password() -> NoReturn:
    # OpenSSL would ask for one at the terminal.
    raise _Encrypted


def _reason(error: ssl.SSLError, cert: Path, key: Path) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"The certificate in {cert} and the key in {key} do not belong together."
    if error.reason in _NO_PEM:
        return f"There is no certificate in {cert}, or no key in {key}, in the format PEM."
    return f"The certificate in {cert} cannot be used with the key in {key}: {error.reason}."


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _Stamp(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
