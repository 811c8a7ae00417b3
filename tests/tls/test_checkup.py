"""What is told of a certificate, without any library but Python's own."""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from perdure.errors import ConfigurationError
from perdure.tls import certificate, checkup, self_signed, trust
from perdure.tls.checkup import handshake

DAY = 86_400
# Long before any test runs.
LONG_AGO = 1_000_000_000
AUTHORITY = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize("now", [LONG_AGO, 2 * LONG_AGO, 4 * LONG_AGO], ids=["old", "now", "later"])
def test_names_and_times_are_told_also_of_what_is_not_good_now(tmp_path: Path, now: int) -> None:
    made = self_signed.make(tmp_path, names=["perdure.example", "10.0.0.7"], days=9, now=now)
    seen = checkup.look(made.cert, made.key)
    names = {"localhost", "127.0.0.1", "0:0:0:0:0:0:0:1", "perdure.example", "10.0.0.7"}
    assert names <= set(seen.names)
    assert (seen.begins_at, seen.expires_at) == (now - 3600, now + 9 * DAY)
    assert seen.expiry == datetime.fromtimestamp(now + 9 * DAY, UTC).date().isoformat()


def _certificate(subject: str, public: object, extensions: Sequence[x509.ExtensionType]) -> bytes:
    """One that the authority has signed, as PEM."""
    begin = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]))
        .public_key(public)  # type: ignore[arg-type]
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - timedelta(days=1))
        .not_valid_after(begin + timedelta(days=90))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(AUTHORITY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def signed(
    folder: Path,
    *,
    names: Sequence[str] = (),
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
    chain: bool = False,
) -> tuple[Path, Path]:
    """A certificate of the authority and its key; `chain`: with the authority's own behind it."""
    key = rsa.generate_private_key(65537, 2048)
    extensions: list[x509.ExtensionType] = [x509.ExtendedKeyUsage([purpose])]
    if names:
        extensions.append(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]))
    cert = _certificate("leaf", key.public_key(), extensions)
    if chain:
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        cert += _certificate("authority", AUTHORITY.public_key(), [constraints])
    folder.mkdir(exist_ok=True)
    (folder / "cert.pem").write_bytes(cert)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize("chain", [False, True])
def test_one_that_an_authority_signed_is_looked_at_by_itself(tmp_path: Path, chain: bool) -> None:
    files = signed(tmp_path, names=["a.example", "b.example"], chain=chain)
    assert checkup.look(*files).names == ("a.example", "b.example")


def test_one_without_a_name_has_none(tmp_path: Path) -> None:
    assert checkup.look(*signed(tmp_path)).names == ()


def test_one_for_another_purpose_is_refused(tmp_path: Path) -> None:
    files = signed(tmp_path, names=["a"], purpose=ExtendedKeyUsageOID.CLIENT_AUTH)
    with pytest.raises(ConfigurationError, match="none that clients take: unsuitable certificate"):
        checkup.look(*files)


def test_a_client_of_one_certificate_trusts_no_other_of_its_authority(tmp_path: Path) -> None:
    """Whose own is in the file, too: names are not looked at."""
    ours = signed(tmp_path / "ours", names=["a"], chain=True)
    theirs = signed(tmp_path / "theirs", names=["a"], chain=True)
    handshake(certificate.load(*ours), trust.only(ours[0]))
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(certificate.load(*theirs), trust.only(ours[0]))


@pytest.mark.parametrize(
    "text", ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"]
)
def test_a_file_without_a_certificate_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cert.pem"
    path.write_text(text)
    for asked in (trust.only, trust.also):
        with pytest.raises(ConfigurationError, match="There is no certificate in "):
            asked(path)
        with pytest.raises(ConfigurationError, match="cannot be read: No such file or directory"):
            asked(tmp_path / "missing.pem")
