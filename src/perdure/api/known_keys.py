"""The API keys that are good, as one server knows them.

A request reads nothing of the database unless the last look is a second old, or a hint said that
keys were changed. So a key that is unknown costs a look-up in memory and no more, however many are
tried.
"""

import asyncio
from contextlib import ExitStack
from typing import NamedTuple

from perdure.api.callers import Caller
from perdure.bus.bus import Bus
from perdure.clock import Clock
from perdure.commands import api_keys, audit_logs, key_secrets
from perdure.commands.api_keys import KeySnapshot, StoredKey, StoredProject
from perdure.settings import Settings, is_loopback
from perdure.storage.database import Database
from perdure.wire.projects import DEFAULT_PROJECT

# What is known is at most so old.
_SECONDS = 1.0
_MINUTE = 60

_NOTHING = KeySnapshot(-1, {}, frozenset(), {}, has_project_keys=False)


class KnownKey(NamedTuple):
    """A key that is good. `id` is None for one of the settings, `project` for an admin key."""

    id: str | None
    project: str | None

    @property
    def caller(self) -> Caller:
        """Returns whoever sends requests with it. That of an admin key is of the first project."""
        is_admin = self.project is None
        return Caller(self.project or DEFAULT_PROJECT, self.id, is_admin=is_admin, is_known=True)


class KnownKeys:
    """The keys of the database and of the settings."""

    def __init__(self, database: Database, bus: Bus, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._of_settings = _of_settings(settings)
        self._needs_keys = bool(settings.api_keys) or not is_loopback(settings.host)
        self._snapshot = _NOTHING
        self._read_at = float("-inf")
        self._hints = 0
        self._hints_heeded = -1
        self._refreshing = asyncio.Lock()
        self._uses: dict[str, int] = {}
        self._open = ExitStack()

    async def open(self) -> None:
        """Reads the keys, and listens for hints that they were changed."""
        self._open.enter_context(self._bus.on_interrupt(audit_logs.TOPIC, self._take_hint))
        await self.refresh()

    async def close(self) -> None:
        """Notes the last uses of keys."""
        self._open.close()
        await self.write_uses()

    @property
    def total(self) -> int:
        """The number of keys of either kind, in the settings and in rows."""
        return len(self._of_settings) + len(self._snapshot.keys)

    @property
    def have_admins(self) -> bool:
        """True if there is an admin key, in the settings or in a row."""
        stored = self._snapshot.keys.values()
        return any(key.project is None for key in self._of_settings.values()) or any(
            key.project is None for key in stored
        )

    @property
    def are_required(self) -> bool:
        """True if requests need a key that is known; else any will do."""
        return self._needs_keys or self._snapshot.has_project_keys

    @property
    def has_projects(self) -> bool:
        """True if there is or was a project besides the first one."""
        return len(self._snapshot.projects) > 1

    async def refresh(self) -> None:
        """Reads the keys again if what is known may be old. Raises `Unavailable`."""
        if not self._is_old():
            return
        async with self._refreshing:
            if not self._is_old():
                return
            # Before the look: a change that comes meanwhile is looked at again.
            hints, now = self._hints, self._clock.now()
            found = await self._database.read(api_keys.snapshot, self._snapshot.changes)
            self._snapshot = found or self._snapshot
            self._hints_heeded, self._read_at = hints, now

    def find(self, secret: str) -> KnownKey | None:
        """Returns the key with this secret; None for one that is not good: unknown, expired,
        deleted, or of an archived project.
        """
        digest = key_secrets.hash_of(secret)
        if digest in self._snapshot.deleted:
            return None
        if known := self._of_settings.get(digest):
            return known
        return self._use(
            self._snapshot.keys.get(digest) if key_secrets.is_wellformed(secret) else None
        )

    def find_stored(self, key_id: str) -> KnownKey | None:
        """Returns the key of the database with this id, if it is good."""
        stored = self._snapshot.keys.values()
        return self._use(next((key for key in stored if key.id == key_id), None))

    def of_settings(self) -> dict[str, KnownKey]:
        """Returns the keys of the settings that are good, by the hashes of their secrets."""
        deleted = self._snapshot.deleted
        return {digest: key for digest, key in self._of_settings.items() if digest not in deleted}

    def _use(self, key: StoredKey | None) -> KnownKey | None:
        if key is None or not self._is_good(key):
            return None
        self._note_use(key.id, int(self._clock.now()))
        return KnownKey(key.id, key.project)

    async def admit(self, caller: Caller) -> bool:
        """Returns True if the key of a caller that was let in before is still good."""
        await self.refresh()
        if self.active_project(caller.project) is None:
            return False
        if caller.key_id is None:
            return bool(self._of_settings) or not self.are_required
        keys = self._snapshot.keys.values()
        return any(key.id == caller.key_id and self._is_good(key) for key in keys)

    def _is_good(self, key: StoredKey) -> bool:
        if key.expires_at is not None and key.expires_at <= self._clock.now():
            return False
        return key.project is None or self.active_project(key.project) is not None

    def active_project(self, project_id: str) -> StoredProject | None:
        """Returns a project that was not archived, by its id."""
        project = self._snapshot.projects.get(project_id)
        return None if project is None or project.is_archived else project

    def active_projects(self) -> list[StoredProject]:
        """Returns the projects that were not archived."""
        return [each for each in self._snapshot.projects.values() if not each.is_archived]

    def named_project(self, text: str) -> StoredProject | None:
        """Returns a project that was not archived, by its id or its name."""
        if found := self.active_project(text):
            return found
        named = (each for each in self._snapshot.projects.values() if each.name == text)
        return next((each for each in named if not each.is_archived), None)

    def count(self, project: str) -> int:
        """Returns the number of keys of a project, which are as many users of it, as far as is
        known.
        """
        stored = sum(key.project == project for key in self._snapshot.keys.values())
        return stored + sum(key.project == project for key in self._of_settings.values())

    async def write_uses(self) -> None:
        """Writes the minutes in which keys were used since the last time."""
        uses, self._uses = self._uses, {}
        if uses:
            await self._database.write(api_keys.note_uses, uses)

    def _note_use(self, key_id: str, now: int) -> None:
        self._uses[key_id] = now - now % _MINUTE

    def _take_hint(self) -> None:
        self._hints += 1

    def _is_old(self) -> bool:
        age = self._clock.now() - self._read_at
        return self._hints != self._hints_heeded or not 0 <= age < _SECONDS


def _of_settings(settings: Settings) -> dict[str, KnownKey]:
    """Returns the keys of the settings by the hashes of their secrets."""
    found = {
        key_secrets.hash_of(each.get_secret_value()): KnownKey(None, DEFAULT_PROJECT)
        for each in settings.api_keys
    }
    if settings.admin_key:
        found[key_secrets.hash_of(settings.admin_key.get_secret_value())] = KnownKey(None, None)
    return found
