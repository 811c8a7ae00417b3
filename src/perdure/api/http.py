"""One request and its response: the argument of a handler, and its result."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, TypeAlias, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope

from perdure.api.bodies import Decoding, HeldBytes, RequestBytes
from perdure.api.callers import DEFAULT_CALLER, Caller
from perdure.api.known_keys import KnownKeys
from perdure.api.queue import Queue
from perdure.api.server_state import ServerState
from perdure.api.sign_ins import SignIns
from perdure.bus.bus import Bus
from perdure.clock import Clock
from perdure.commands.audit_logs import SETTINGS_KEY, Change
from perdure.commands.traces import Remaker
from perdure.dashboard import PageFiles
from perdure.errors import APIError, TooLarge
from perdure.providers.provider import Provider
from perdure.quotas.limiter import Limiter
from perdure.retrieval.embedder import Embedders
from perdure.settings import Settings
from perdure.storage.blob_stores import BlobStores
from perdure.storage.database import Database
from perdure.wire.base import Object, encode
from perdure.wire.lists import ErrorDetail, ErrorEnvelope, Page
from perdure.wire.query import ListQuery, check_id, query

T = TypeVar("T")

_PREFIXES = {
    "assistant_id": "asst",
    "thread_id": "thread",
    "message_id": "msg",
    "run_id": "run",
    "step_id": "step",
    "vector_store_id": "vs",
    "batch_id": "vsfb",
    "upload_id": "upload",
    "project_id": "proj",
    "service_account_id": "svc_acct",
    "key_id": "key",
    "delivery_id": "evt",
}


class Services(NamedTuple):
    """The objects that handlers work with."""

    database: Database
    bus: Bus
    blobs: BlobStores
    provider: Provider
    clock: Clock
    settings: Settings
    embedders: Embedders
    held: HeldBytes
    decoding: Decoding
    queue: Queue
    keys: KnownKeys
    limiter: Limiter
    remaker: Remaker
    state: ServerState
    sign_ins: SignIns
    page_files: PageFiles


class ApiCall:
    """One request on its way to its handler. `hold` counts the bytes of its body that are in
    memory. `caller` is known once its key was checked.
    """

    def __init__(
        self, scope: Scope, receive: Receive, services: Services, hold: RequestBytes
    ) -> None:
        self.request = Request(scope, receive)
        self.services = services
        self.hold = hold
        self.caller: Caller = DEFAULT_CALLER

    @property
    def project(self) -> str:
        """Returns the id of the project that the request reads and changes."""
        return self.caller.project

    @property
    def now(self) -> int:
        """Returns the time of this request in Unix seconds."""
        return int(self.services.clock.now())

    @property
    def change(self) -> Change:
        """Returns by whom and when something is changed, for the audit log. Only for admins."""
        return Change(self.caller.key_id or SETTINGS_KEY, self.now)

    def id(self, name: str) -> str:
        """Returns an id of the path. Raises `BadRequest` for an id of another kind (spec 05
        §3.2).
        """
        value = str(self.request.path_params[name])
        check_id(value, name=name, prefix=_PREFIXES[name])
        return value

    @property
    def list_query(self) -> ListQuery:
        """Returns the list parameters of the query. Raises `BadRequest`."""
        return query(self.request.query_params.multi_items())

    @property
    def poll_hint(self) -> dict[str, str]:
        """Returns the header that gives polling SDKs the time of their next request (spec 07
        §4).
        """
        return {"openai-poll-after-ms": str(self.services.settings.poll_after_ms)}

    async def bytes(self) -> bytes:
        """Returns the request body. Raises `TooLarge` over the limit, before it is read in full,
        and `Overloaded` where too many bytes of other requests are in memory.
        """
        limit = self.services.settings.max_body_bytes
        if int(self.request.headers.get("content-length") or 0) > limit:
            raise _too_large(limit)
        content = bytearray()
        async for block in self.request.stream():
            content += block
            if len(content) > limit:
                raise _too_large(limit)
            self.hold.add(len(block))
            await self.hold.rest()
        return bytes(content)

    async def body(self, kind: type[T]) -> T:
        """Returns the request body as a struct. Raises `BadRequest` (spec 05 §3.3) and
        `TooLarge`.
        """
        return await self.services.decoding.decode(await self.bytes(), kind)


# What a handler may return: an object, stored JSON, a page of a list, or a finished response.
Answer: TypeAlias = Object | str | Page | Response
Handler: TypeAlias = Callable[[ApiCall], Awaitable[Answer]]


def respond(answer: Answer, headers: Mapping[str, str] | None = None) -> Response:
    """Returns the HTTP response that carries an answer."""
    if isinstance(answer, Response):
        return answer
    if isinstance(answer, Page):
        content = _list(answer)
    elif isinstance(answer, str):
        content = answer.encode()
    else:
        content = encode(answer)
    return Response(content, headers=headers, media_type="application/json")


def refuse(error: APIError) -> Response:
    """Returns the response with the error envelope (spec 05 §1)."""
    detail = ErrorDetail(message=error.message, type=error.type, param=error.param, code=error.code)
    headers = dict(error.headers)
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    return Response(
        encode(ErrorEnvelope(error=detail)),
        status_code=error.status,
        headers=headers,
        media_type="application/json",
    )


def _list(page: Page) -> bytes:
    """Returns the list envelope (spec 01 §16) around bodies, which are sent as they are stored."""
    first, last = (page.ids[0], page.ids[-1]) if page.ids else (None, None)
    return b'{"object":"list","data":[%b],"first_id":%b,"last_id":%b,"has_more":%b}' % (
        ",".join(page.bodies).encode(),
        encode(first),
        encode(last),
        encode(page.has_more),
    )


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The request body is too large: at most {limit} bytes are accepted.",
        code="request_too_large",
    )


async def wait_for_disconnect(receive: Receive) -> None:
    """Waits until the client has disconnected. The request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
