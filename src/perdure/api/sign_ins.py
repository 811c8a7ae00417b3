"""Sessions of the dashboard: sign-in, the cookie, and the caller that a cookie stands for."""

from collections import OrderedDict, deque

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from perdure.api.browsers import is_of_page
from perdure.api.callers import Caller
from perdure.api.known_keys import KnownKeys
from perdure.clock import Clock
from perdure.commands import dashboard_sessions, key_secrets
from perdure.commands.dashboard_sessions import SignedIn
from perdure.errors import TooManyRequests, Unauthorized
from perdure.storage.database import Database

COOKIE = "perdure_session"

# So many wrong keys of one address are answered in so long.
_ATTEMPTS, _SECONDS = 10, 300.0
# Of so many addresses attempts are remembered. Whoever has more forgets only their own.
_ADDRESSES = 10_000
_LONGEST_COOKIE = 256


class Attempts:
    """The wrong keys that each address has tried of late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, address: str) -> None:
        """Raises `TooManyRequests` if an address has tried too many wrong keys."""
        failures = self._failures.get(address)
        now = self._clock.now()
        while failures and failures[0] <= now - _SECONDS:
            failures.popleft()
        if failures is not None and len(failures) >= _ATTEMPTS:
            seconds = int(failures[0] + _SECONDS - now) + 1
            refusal = TooManyRequests(
                f"Too many wrong API keys came from your address. Try again in {seconds} seconds.",
                code="too_many_attempts",
            )
            refusal.retry_after = seconds
            raise refusal

    def fail(self, address: str) -> None:
        """Counts a wrong key."""
        failures = self._failures.setdefault(address, deque(maxlen=_ATTEMPTS))
        self._failures.move_to_end(address)
        failures.append(self._clock.now())
        while len(self._failures) > _ADDRESSES:
            self._failures.popitem(last=False)


class SignIns:
    """The sessions of the dashboard, all of which are rows: a server keeps none in memory, so that
    what ends at one has ended at all.
    """

    def __init__(self, database: Database, keys: KnownKeys, clock: Clock, *, lifetime: int) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._attempts = Attempts(clock)
        self.lifetime = lifetime

    async def begin(self, api_key: str, *, address: str) -> tuple[str, Caller]:
        """Exchanges an API key for the secret of a new session. Raises `Unauthorized` for a key
        that is not good, and `TooManyRequests` after too many of them.
        """
        self._attempts.check(address)
        await self._keys.refresh()
        known = self._keys.find(api_key)
        if known is None:
            self._attempts.fail(address)
            raise Unauthorized(
                "This is no API key of this server. perdure keys create makes one.",
                code="invalid_api_key",
            )
        secret = dashboard_sessions.new_secret()
        if known.id is None:
            key_hash = key_secrets.hash_of(api_key)
            key = SignedIn(None, dashboard_sessions.settings_key_hash(secret, key_hash))
        else:
            key = SignedIn(known.id, None)
        now = int(self._clock.now())
        await self._database.write(
            dashboard_sessions.begin, secret, key, now=now, lifetime=self.lifetime
        )
        return secret, known.caller

    async def find(self, headers: Headers) -> Caller | None:
        """Returns who is signed in; None if nobody is, or the request is not the page's."""
        secret = secret_of(headers)
        if secret is None or not is_of_page(headers):
            return None
        now = int(self._clock.now())
        session = await self._database.read(dashboard_sessions.find, secret, now=now)
        if session is None:
            return None
        await self._keys.refresh()
        if session.key_id is not None:
            known = self._keys.find_stored(session.key_id)
        else:
            known = next(
                (
                    key
                    for key_hash, key in self._keys.of_settings().items()
                    if dashboard_sessions.settings_key_hash(secret, key_hash)
                    == session.settings_key
                ),
                None,
            )
        return None if known is None else known.caller

    async def end(self, headers: Headers) -> None:
        """Ends the session of a request of the page, if it has one."""
        secret = secret_of(headers)
        if secret is not None and is_of_page(headers):
            await self._database.write(dashboard_sessions.end, secret)


def secret_of(headers: Headers) -> str | None:
    """Returns what the cookie of a request holds."""
    found = cookie_parser("; ".join(headers.getlist("cookie"))).get(COOKIE, "")
    return found if 0 < len(found) <= _LONGEST_COOKIE else None
