"""Which database a setting means."""

from pathlib import Path

import pytest

from perdure.bus.memory import MemoryBus
from perdure.errors import ConfigurationError
from perdure.storage import SQLite, connect
from perdure.storage.postgres import PostgreSQL


def test_without_a_url_it_is_a_file_in_the_data_folder(tmp_path: Path) -> None:
    database = connect(None, tmp_path, bus=MemoryBus())
    assert isinstance(database, SQLite)
    assert database._path == tmp_path / "perdure.db"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_postgres_url_is_postgres(scheme: str, tmp_path: Path) -> None:
    assert isinstance(connect(f"{scheme}://h/d", tmp_path, bus=MemoryBus()), PostgreSQL)


@pytest.mark.parametrize("url", ["mysql://me:S3cr3t@h/d", "me:S3cr3t@h/d", "sqlite:///x.db", ""])
def test_any_other_url_is_refused_without_showing_it(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        connect(url, tmp_path, bus=MemoryBus())
    assert str(refused.value) == "The database URL must begin with postgresql://."
