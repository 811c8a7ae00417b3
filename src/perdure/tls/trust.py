"""Contexts that define which servers our own clients trust."""

import re
import ssl
from pathlib import Path

from perdure.errors import ConfigurationError

_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def only(cert: Path) -> ssl.SSLContext:
    """Returns a context for a server whose certificate is in this file: it trusts this certificate,
    under any name, and no other.

    Raises `ConfigurationError` where the file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    # Without those of the authorities that stand behind it: whatever they sign has other names.
    context.load_verify_locations(cadata=_first(cert))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def also(cert: Path) -> ssl.SSLContext:
    """Returns a context for any server: it trusts what this machine trusts, and the certificates in
    this file, each for its own names.

    Raises `ConfigurationError` where the file cannot be used.
    """
    _first(cert)
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=cert)
    return context


def _first(path: Path) -> str:
    """Returns the first certificate of a file, as PEM."""
    try:
        found = _CERTIFICATE.search(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise ConfigurationError(f"The file {path} cannot be read: {error.strerror}.") from None
    try:
        if found is not None:
            ssl.create_default_context(cadata=found[0])
            return found[0]
    except ssl.SSLError:
        pass
    raise ConfigurationError(f"There is no certificate in {path} in the format PEM.")
