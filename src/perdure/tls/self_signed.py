"""Self-signed certificates, for a laptop and for tests."""

import ipaddress
import os
import socket
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from perdure.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography import x509

_CERT, _KEY = "cert.pem", "key.pem"
# Clocks of other machines may be slow.
_EARLIER = timedelta(hours=1)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Made(NamedTuple):
    """The two files, and the names of the certificate."""

    cert: Path
    key: Path
    names: tuple[str, ...]


def make(folder: Path, *, names: Iterable[str], days: int, now: float) -> Made:
    """Writes a certificate and its key for this machine's own names and others, valid for so many
    days. Existing files are replaced. The folder is made if it is missing.

    Raises `ConfigurationError` where the library is missing, a name is invalid, or the files cannot
    be written.
    """
    known = tuple(dict.fromkeys((*_LOOPBACK, socket.gethostname().lower(), *names)))
    cert, key = _pair(known, days=days, now=now)
    made = Made(folder / _CERT, folder / _KEY, known)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A server that reads meanwhile keeps what it has until both fit.
        _write(made.key, key)
        _write(made.cert, cert)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}.") from None
    return made


def _pair(names: tuple[str, ...], *, days: int, now: float) -> tuple[bytes, bytes]:
    """Returns certificate and key, as PEM."""
    try:
        from cryptography import x509  # large, and of no use to a server
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    except ImportError:
        raise ConfigurationError(
            "Making a certificate needs the library cryptography: pip install cryptography."
        ) from None
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "perdure self-signed")])
    begin = datetime.fromtimestamp(now, UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - _EARLIER)
        .not_valid_after(begin + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        # It vouches for nothing but itself: whoever trusts it trusts no other certificate.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(authority, critical=False)
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return (
        builder.sign(key, hashes.SHA256()).public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain),
    )


def _name(name: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        encoded = name.encode("idna").decode()
    except UnicodeError:
        encoded = ""
    if not encoded:
        raise ConfigurationError(f"{name!r} is no name of a host, and no address.")
    return x509.DNSName(encoded)


def _write(path: Path, content: bytes) -> None:
    """Replaces the file at once; only its owner can read it."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as written:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())
    new.replace(path)
