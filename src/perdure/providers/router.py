"""Routing by model name: aliases, and several model servers as one provider."""

import asyncio
import fnmatch
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from perdure.errors import ConfigurationError, ProviderError
from perdure.providers.call_log import CallLog
from perdure.providers.provider import Provider, Relayed, ToldWindow
from perdure.wire import scan
from perdure.wire.base import decode, encode
from perdure.wire.chat import ChatChunk, ChatRequest
from perdure.wire.lists import Model
from perdure.wire.scan import JsonSpan

T = TypeVar("T")


class NamedProvider(NamedTuple):
    """A provider by name. `models` are the names it answers for; None: any. `window` is the context
    window of its models in tokens, where it is configured. `where`: its base URL, without a
    password.
    """

    name: str
    provider: Provider
    models: tuple[str, ...] | None
    window: int | None = None
    where: str = ""


class Resolved(NamedTuple):
    """A server, and the model's name there."""

    server: NamedProvider
    model: str


class Router:
    """Several model servers as one; see `Provider`.

    `windows` are the context windows of models in tokens, by name or pattern. `default` is the
    model that answers for names that no server lists.
    """

    def __init__(
        self,
        servers: Sequence[NamedProvider],
        aliases: Mapping[str, str],
        windows: Mapping[str, int] | None = None,
        default: str | None = None,
    ) -> None:
        for name, target in aliases.items():
            if target in aliases:
                raise ConfigurationError(
                    f"The model alias {name!r} leads to {target!r}, which is an alias itself; "
                    "let it lead to a model."
                )
        self._servers = servers
        self._aliases = aliases
        self._windows = windows or {}
        self._default = default
        # The lists of the servers that take any name, once they were fetched.
        self._lists: dict[str, frozenset[str]] = {}

    def resolve(self, model: str) -> Resolved:
        """Returns the server for a model name. Raises `ProviderError` that says what to configure.

        An alias comes first. Then comes a server that lists the name, then `server/name`, then a
        server that takes any name. The default model is used if all servers are known not to have
        the name.
        """
        name = self._unaliased(model)
        if self._default and self._is_missing(name):
            name = self._default
        for server in self._servers:
            if server.models is not None and name in server.models:
                return Resolved(server, name)
        prefix, slash, rest = name.partition("/")
        for server in self._servers:
            if slash and server.name == prefix and (server.models is None or rest in server.models):
                return Resolved(server, rest)
        for server in self._servers:
            if server.models is None:
                return Resolved(server, name)
        raise ProviderError(self._unknown(model))

    async def refresh(self) -> None:
        """Fetches the model lists of the servers that take any name. The former list of a server
        that cannot be reached still holds.
        """
        asked = [server for server in self._servers if server.models is None]
        for server, models in zip(asked, await asyncio.gather(*map(_listed, asked)), strict=True):
            if models:
                self._lists[server.name] = frozenset(model.id for model in models)

    def is_listed(self, server: NamedProvider, model: str) -> bool:
        """Returns true if the settings name a model, or its server is known to list it."""
        if model in (server.models or ()) or model == self._default:
            return True
        return model in self._lists.get(server.name, ()) or model in self._aliases.values()

    async def told_window(self, model: str) -> ToldWindow | None:
        """Returns the context window that the server of a model reports."""
        try:
            server, name = self.resolve(model)
        except ProviderError:
            return None
        return await server.provider.told_window(name)

    def window(self, model: str) -> int | None:
        """Returns the configured context window of a model in tokens: that of the model that
        answers, else of the name that the program uses, else of the server.
        """
        try:
            server, _ = self.resolve(model)
        except ProviderError:
            return None
        for each in self.names(model):
            window = matching(self._windows, each)
            if window is not None:
                return window
        return server.window

    def names(self, model: str) -> tuple[str, ...]:
        """Returns the names of a model: at its server, behind its alias, in the program."""
        return self.origin(model)[1], self._unaliased(model), model

    def origin(self, model: str) -> tuple[str, str]:
        """Returns the base URL of the server for a model name, and the model's name there; the URL
        is empty if no server has it.
        """
        try:
            server, name = self.resolve(model)
        except ProviderError:
            return "", model
        return server.where, name

    def chat(
        self, request: ChatRequest, log: CallLog | None = None
    ) -> AsyncGenerator[ChatChunk, None]:
        server, model = self.resolve(request.model)
        if log is not None:
            log.note_server(server.where, model, ())
        # Handed through, not wrapped: a token has one generator less to pass.
        return server.provider.chat(replace(request, model=model), log)

    async def models(self) -> list[Model]:
        """Returns the models that all servers list, and the aliases. A server that cannot be
        reached is left out.
        """
        found: dict[str, Model] = {}
        for models in await asyncio.gather(*map(_listed, self._servers)):
            for model in models:
                found.setdefault(model.id, model)
        for alias in self._aliases:
            if "*" not in alias:
                found.setdefault(alias, Model(id=alias, created=0, owned_by="alias"))
        return list(found.values())

    @asynccontextmanager
    async def relay(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> AsyncIterator[Relayed]:
        """Passes a request to the server of its model. Raises `ProviderError`."""
        server, model, body = await self._routed(body)
        relaying = server.provider.relay(path, body, headers)
        del body  # it may be large, and the answer long
        async with relaying as relayed:
            yield relayed._replace(model=model)

    async def _routed(self, body: bytes) -> tuple[NamedProvider, str, bytes]:
        """Returns the server for a request, the model that it asks for, and the request with the
        model's name there.

        Only the name is read; the rest is passed on byte for byte.
        """
        span, name = await _asked_model(body)
        if span is None or name is None:
            # The server refuses a body that is no JSON or names no model.
            return self._servers[0], "", body
        server, model = self.resolve(name)
        if model != name:
            body = b"".join((body[: span.start], encode(model), body[span.stop :]))
        return server, name, body

    async def close(self) -> None:
        for server in self._servers:
            await server.provider.close()

    def _is_missing(self, name: str) -> bool:
        """Returns true if all servers are known not to have a model."""
        prefix, _, rest = name.partition("/")
        for server in self._servers:
            known = self._lists.get(server.name) if server.models is None else server.models
            names = {name, rest} if server.name == prefix else {name}
            # Ollama takes a name without its tag.
            if known is None or any(each in known or f"{each}:latest" in known for each in names):
                return False
        return True

    def _unaliased(self, model: str) -> str:
        alias = matching(self._aliases, model)
        return model if alias is None else alias

    def _unknown(self, model: str) -> str:
        named = (name for server in self._servers for name in server.models or ())
        known = list(dict.fromkeys(named))
        return (
            f"The model '{model}' is not configured. Known models: {', '.join(known) or 'none'}. "
            "Add it under [model_aliases] in perdure.toml, for example: "
            f'"{model}" = "{known[0] if known else "my-model"}".'
        )


async def asked_model(body: bytes) -> str:
    """Returns the model that a request asks for; nothing if it names none."""
    _, name = await _asked_model(body)
    return name or ""


async def _asked_model(body: bytes) -> tuple[JsonSpan | None, str | None]:
    """Returns the model that a request asks for, and where its name stands."""
    span = await scan.find(body, "model")
    try:
        return span, decode(body[span.start : span.stop], str) if span else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return span, None


def matching(table: Mapping[str, T], name: str) -> T | None:
    """Returns the entry of a table for a name: under the name itself, else under the longest
    pattern that matches.
    """
    if name in table:
        return table[name]
    fitting = [key for key in table if "*" in key and fnmatch.fnmatchcase(name, key)]
    return table[max(fitting, key=len)] if fitting else None


async def _listed(server: NamedProvider) -> list[Model]:
    if server.models is not None:
        return [Model(id=name, created=0, owned_by=server.name) for name in server.models]
    try:
        return await server.provider.models()
    except ProviderError:
        return []
