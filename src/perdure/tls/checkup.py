"""The check of a certificate for `perdure doctor` and for the start of a server."""

import ssl
import time
from pathlib import Path
from typing import NamedTuple, cast

from perdure.errors import ConfigurationError
from perdure.tls import certificate, trust

# Who renews by a program does so a month before the end, as a rule.
SOON_SECONDS = 14 * 86_400
# OpenSSL's X509_V_FLAG_NO_CHECK_TIME: what has expired is looked at as well.
_ANY_TIME = 0x200000


class CertificateReport(NamedTuple):
    """The names of a certificate, and the beginning and end of its validity in Unix seconds."""

    names: tuple[str, ...]
    begins_at: int
    expires_at: int

    @property
    def expiry(self) -> str:
        """Returns the day on which it expires, in UTC."""
        return time.strftime("%Y-%m-%d", time.gmtime(self.expires_at))


def look(cert: Path, key: Path) -> CertificateReport:
    """Shows the certificate to a client, in memory, and returns the report. Raises
    `ConfigurationError` where its files cannot be used, or no client would accept it.
    """
    ours = certificate.load(cert, key)
    theirs = trust.only(cert)
    theirs.verify_flags = ssl.VerifyFlags(theirs.verify_flags | _ANY_TIME)
    try:
        client = handshake(ours, theirs)
    except ssl.SSLCertVerificationError as error:
        raise ConfigurationError(
            f"The certificate in {cert} is none that clients take: {error.verify_message}."
        ) from None
    except ssl.SSLError as error:
        raise ConfigurationError(f"The certificate in {cert} cannot be used: {error}.") from None
    shown = client.getpeercert() or {}
    names = cast("tuple[tuple[str, str], ...]", shown.get("subjectAltName", ()))
    begins, expires = (
        ssl.cert_time_to_seconds(str(shown[name])) for name in ("notBefore", "notAfter")
    )
    return CertificateReport(tuple(name for _, name in names), begins, expires)


def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> ssl.SSLObject:
    """Does a handshake between the two in memory and returns the client's side. Raises
    `ssl.SSLError` where one side refuses the other.
    """
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs, ours = client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True)
    while not all([_shaken(theirs), _shaken(ours)]):
        pass
    return theirs


def _shaken(side: ssl.SSLObject) -> bool:
    """Returns True if this side has done its part of the handshake."""
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
