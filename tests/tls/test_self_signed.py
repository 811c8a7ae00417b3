"""A certificate for a laptop."""

import os
import socket
import stat
from pathlib import Path

import pytest
from cryptography import x509

from perdure.errors import ConfigurationError
from perdure.tls import checkup, self_signed
from perdure.tls.self_signed import Made

NOW = 1_800_000_000


def make(folder: Path, *names: str) -> Made:
    return self_signed.make(folder, names=names, days=30, now=NOW)


def test_it_is_for_this_machine_and_what_else_is_named(tmp_path: Path) -> None:
    made = make(tmp_path / "deep" / "tls", "perdure.local", "192.168.1.7", "bücher.example")
    seen = checkup.look(made.cert, made.key)
    expected = {"localhost", "127.0.0.1", "0:0:0:0:0:0:0:1", socket.gethostname().lower()}
    assert expected | {"perdure.local", "192.168.1.7", "xn--bcher-kva.example"} == set(seen.names)


def test_only_its_owner_can_read_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = make(tmp_path / "tls")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (made.key, made.cert, made.key.parent)]
    assert modes == [0o600, 0o600, 0o700]
    assert sorted(path.name for path in made.key.parent.iterdir()) == ["cert.pem", "key.pem"]


def test_another_takes_the_place_of_the_first(tmp_path: Path) -> None:
    first = make(tmp_path).cert.read_bytes()
    made = make(tmp_path)
    assert made.cert.read_bytes() != first
    assert "localhost" in checkup.look(made.cert, made.key).names


def test_whoever_trusts_it_trusts_nothing_else(tmp_path: Path) -> None:
    """Its key can sign no other certificate, should it be lost."""
    cert = x509.load_pem_x509_certificate(make(tmp_path).cert.read_bytes())
    constraints = cert.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert not constraints.value.ca


@pytest.mark.parametrize("name", ["", "a" * 64 + ".example", "a..b"])
def test_what_is_no_name_is_refused_and_nothing_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="is no name of a host, and no address"):
        make(tmp_path / "tls", name)
    assert not (tmp_path / "tls").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"cannot be written: (Not a dir|File exists)"):
        make(tmp_path / "file")
