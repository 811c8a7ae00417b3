"""The settings that limit clients: bytes, time, connections, places in the queue."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import NoDecode

from perdure.settings.code import Seconds

_Count = Annotated[int, Field(ge=1)]

_MIB = 1024 * 1024


class ClientSettings(BaseModel):
    """The part of `Settings` that keeps one client from harming the others."""

    # Only `Settings` itself is checked against, as a whole.
    model_config = ConfigDict(defer_build=True)

    max_head_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024
    """Largest head of a request in bytes: its URL and headers. A larger one is refused with 431,
    or 414 if it is the URL, and the connection is closed."""

    head_seconds: Seconds = 20.0
    """Seconds that a client has to send the head of a request, before it is refused with 408."""

    body_silence_seconds: Seconds = 30.0
    """Longest silence of a client within a request body in seconds, before it is refused with
    408."""

    answer_silence_seconds: Seconds = 300.0
    """Seconds after which a connection is closed whose client takes nothing of its answer."""

    idle_connection_seconds: Seconds = 75.0
    """Seconds after which a connection without a request is closed."""

    connections_per_address: _Count | None = None
    """Most connections of one address, or of one IPv6 network of 64 bits; further ones are refused
    with 429. Without it, any number."""

    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    """Addresses or networks of proxies, separated by commas: their connections are not counted, and
    what they say of a client's address and of https is believed."""

    max_body_bytes: _Count = 32 * _MIB
    """Largest request body in bytes, but for files; a larger one is refused with 413."""

    max_file_bytes: _Count = 512 * _MIB
    """Largest file in bytes that one request may upload; a larger one is refused with 413."""

    max_json_members: _Count = 200_000
    """Most members of the objects and arrays in a JSON body; more are refused with 413."""

    max_held_bytes: _Count = 256 * _MIB
    """Most bytes of request bodies that are in memory at once; what exceeds them is refused with
    503. The first 64 KiB of each body are not counted."""

    max_queued_runs: _Count = 100_000
    """Most runs that wait for a worker; further ones are refused with 429."""

    list_threads: bool | None = None
    """True if `GET /threads` and `GET /runs` list those of all clients. Without it, they do unless
    there are several `api_keys`: their users would see each other's."""

    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins whose web pages may call the server from a browser, separated by commas; `*` is any.
    Without it, browsers let none."""

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            parts = urlsplit(origin)
            if origin != "*" and (
                origin != f"{parts.scheme}://{parts.netloc}"
                or not (parts.scheme and parts.hostname)
                or "@" in origin
            ):
                raise ValueError("expected origins such as https://app.example.com, or *")
        return origins
