"""The context windows that model servers report, each in its own way.

Some cut a prompt that is too long without an error, Ollama above all: the window of such a server
has to be known before a prompt is made for it.

| Server | Where it reports it |
|---|---|
| vLLM, SGLang, and many hosted ones | in the list of models |
| Ollama | `/api/ps` for a model that is loaded, else `/api/show` |
| llama.cpp | `/props` |
| LM Studio | `/api/v0/models`, for a model that is loaded |
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeAlias

import msgspec

from perdure.errors import ProviderError
from perdure.providers.provider import ToldWindow
from perdure.wire.base import JsonObject

# Asks for a URL with a body, or without one; None for anything but a JSON object. Raises
# `ProviderError` where nothing answers.
Ask: TypeAlias = Callable[[str, JsonObject | None], Awaitable[JsonObject | None]]

# A model may be loaded anew with another window; a server that tells nothing will not tell soon.
_KEPT_SECONDS, _SILENT_SECONDS = 60.0, 3600.0
# A run waits for it.
_MOST_SECONDS = 3.0
# Whatever is below or above is no window.
_LEAST, _MOST = 512, 2**31
# The window that Ollama loads a model with where nobody says otherwise; more on a machine with a
# large GPU, which shows once the model is loaded.
_OLLAMA_DEFAULT = 4096
_IN_LISTS = ("max_model_len", "context_length", "context_window", "max_context_length")
_NUM_CTX = re.compile(r"^\s*num_ctx\s+(\d+)\s*$", re.MULTILINE)


class ToldWindows:
    """The context windows of one model server's models. They are fetched at most once a minute for
    each model, and once an hour where the server reports none.
    """

    def __init__(self, list_url: str, root: str, ask: Ask) -> None:
        self._list = list_url
        self._root = root
        self._ask = ask
        # Until when what was told holds, by the monotonic clock.
        self._known: dict[str, tuple[float, ToldWindow | None]] = {}
        # One question at a time: a thousand runs that begin together ask once.
        self._asking = asyncio.Lock()

    async def of(self, model: str) -> ToldWindow | None:
        """Returns the window of a model; None if the server does not report it."""
        async with self._asking:
            until, window = self._known.get(model, (0.0, None))
            if time.monotonic() < until:
                return window
            seconds = _KEPT_SECONDS
            try:
                async with asyncio.timeout(_MOST_SECONDS):
                    window = await self._fetch(model)
                if window is None:
                    seconds = _SILENT_SECONDS
            except TimeoutError:
                window = None
            except ProviderError:
                return None  # it is away: asked again with the next run
            if window is None or window.is_loaded:
                self._known[model] = (time.monotonic() + seconds, window)
            return window

    async def _fetch(self, model: str) -> ToldWindow | None:
        if window := await self._in_list(model):
            return window
        for told in (self._of_ollama, self._of_llama_cpp, self._of_studio):
            with suppress(ProviderError):
                if window := await told(model):
                    return window
        return None

    async def _in_list(self, model: str) -> ToldWindow | None:
        entry = _entry(await self._ask(self._list, None), "data", model)
        for key in _IN_LISTS:
            if tokens := _number(entry, key):
                return ToldWindow(tokens)
        return None

    async def _of_ollama(self, model: str) -> ToldWindow | None:
        version = await self._ask(f"{self._root}/api/version", None)
        if version is None or "version" not in version:
            return None
        shown = await self._ask(f"{self._root}/api/show", {"model": model}) or {}
        details = _object(shown.get("model_info"))
        keys = [key for key in details if key.endswith(".context_length")]
        most = next(filter(None, (_number(details, key) for key in keys)), None)
        loaded = _entry(await self._ask(f"{self._root}/api/ps", None), "models", model)
        if tokens := _number(loaded, "context_length"):
            return ToldWindow(tokens, most, cuts_in_silence=True)
        if not shown:
            return None  # a model that it does not have
        chosen = _NUM_CTX.search(str(shown.get("parameters") or ""))
        tokens = int(chosen[1][:10]) if chosen else _OLLAMA_DEFAULT
        tokens = max(_LEAST, min(tokens, most or tokens, _MOST))
        return ToldWindow(tokens, most, cuts_in_silence=True, is_loaded=False)

    async def _of_llama_cpp(self, model: str) -> ToldWindow | None:  # noqa: ARG002 # it has one
        props = await self._ask(f"{self._root}/props", None) or {}
        tokens = _number(_object(props.get("default_generation_settings")), "n_ctx")
        return ToldWindow(tokens) if tokens else None

    async def _of_studio(self, model: str) -> ToldWindow | None:
        entry = _entry(await self._ask(f"{self._root}/api/v0/models", None), "data", model)
        tokens = _number(entry, "loaded_context_length")
        return ToldWindow(tokens, _number(entry, "max_context_length")) if tokens else None


def read(body: bytes) -> JsonObject | None:
    """Returns a body as a JSON object; None if it is anything else."""
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _entry(found: JsonObject | None, key: str, model: str) -> Mapping[str, object]:
    """Returns the entry of a model in a list; empty if it is not in it."""
    listed = (found or {}).get(key)
    entries = [_object(each) for each in listed] if isinstance(listed, list) else []
    # Ollama's name for a model without a tag, and with the one that is meant then.
    names: tuple[object, ...] = (model, f"{model}:latest")
    return next((each for each in entries if _is_named(each, names)), {})


def _is_named(entry: Mapping[str, object], names: Sequence[object]) -> bool:
    return any(entry.get(key) in names for key in ("id", "name", "model"))


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _number(entry: Mapping[str, object], key: str) -> int | None:
    value = entry.get(key)
    is_window = isinstance(value, int) and _LEAST <= value <= _MOST
    return value if is_window and isinstance(value, int) else None
