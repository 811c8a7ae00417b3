"""Objects of other servers in the form that is imported (spec 10 §3.2): what cannot be here is left
out, and what is missing gets the value that the API gives it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, get_args

from perdure.wire.base import encode
from perdure.wire.runs import ErrorCode

Plain: TypeAlias = dict[str, Any]

_RUNNABLE = frozenset({"code_interpreter", "file_search", "function"})
_ATTACHED = frozenset({"code_interpreter", "file_search"})
_ANNOTATIONS = frozenset({"file_citation", "file_path"})
_PURPOSES = frozenset(
    {"fine-tune", "assistants", "batch", "user_data", "vision", "evals", "assistants_output",
     "batch_output", "fine-tune-results"}
)  # fmt: skip
_CALLS = frozenset({"code_interpreter", "file_search", "function"})
_CHUNKING = {
    "type": "static",
    "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
}


def line(found: Mapping[str, Any]) -> bytes | None:
    """Returns the line of an object in the form of an export; None where it is of no kind that is
    imported.
    """
    kind = found.get("object")
    mend = _MENDED.get(kind) if isinstance(kind, str) else None
    if mend is None:
        return None
    return encode(mend(dict(found))) + b"\n"


def _assistant(found: Plain) -> Plain:
    tools = _tools(found)
    left = [tool for tool in tools if _type(tool) not in _RUNNABLE and isinstance(tool, dict)]
    # Of the first version of the API.
    files = found.pop("file_ids", None)
    if _list(files):
        found.setdefault("tool_resources", {"code_interpreter": {"file_ids": _texts(files)[:20]}})
    found["tools"] = [_tool(tool) for tool in tools if _type(tool) in _RUNNABLE]
    found["tool_resources"] = _resources(found.get("tool_resources"))
    if left:
        mark = found.get("_export")
        found["_export"] = {**(mark if isinstance(mark, dict) else {}), "unsupported_tools": left}
    return _with_metadata(found)


def _thread(found: Plain) -> Plain:
    found["tool_resources"] = _resources(found.get("tool_resources"))
    return _with_metadata(found)


def _message(found: Plain) -> Plain:
    content = found.get("content")
    if isinstance(content, str):
        content = [{"type": "text", "text": {"value": content}}]
    found["content"] = [part for each in _list(content) if (part := _part(each)) is not None]
    attached = _list(found.get("attachments"))
    if not attached:
        files = _texts(found.pop("file_ids", None))
        attached = [{"file_id": each, "tools": [{"type": "file_search"}]} for each in files]
    found["attachments"] = [
        _attachment(each)
        for each in attached
        if isinstance(each, dict) and isinstance(each.get("file_id"), str)
    ]
    if found.get("status") not in ("in_progress", "incomplete", "completed"):
        found.pop("status", None)
    if found.get("role") not in ("user", "assistant"):
        found["role"] = "assistant"
    return _with_metadata(found)


def _part(found: Any) -> Plain | None:
    if not isinstance(found, dict):
        return None
    kind = found.get("type")
    if kind == "text":
        text = found.get("text")
        text = dict(text) if isinstance(text, dict) else {"value": str(text or "")}
        notes = _list(text.get("annotations"))
        text["annotations"] = [note for note in notes if _type(note) in _ANNOTATIONS]
        return {"type": "text", "text": text}
    if kind in ("image_file", "image_url") and isinstance(found.get(kind), dict):
        names = ("file_id", "url", "detail")
        return {"type": kind, kind: _some(found[kind], names)}
    return found if kind == "refusal" else None


def _attachment(found: Plain) -> Plain:
    kept: Plain = {"file_id": found["file_id"]}
    if isinstance(found.get("tools"), list):
        tools = [tool for tool in found["tools"] if _type(tool) in _ATTACHED]
        kept["tools"] = [{"type": tool["type"]} for tool in tools]
    return kept


def _run(found: Plain) -> Plain:
    tools = _tools(found)
    found["tools"] = [_tool(tool) for tool in tools if _type(tool) in _RUNNABLE]
    found["tool_resources"] = _resources(found.get("tool_resources"))
    for name, value in (("instructions", None), ("expires_at", None), ("model", "unknown")):
        found.setdefault(name, value)
    choice = found.get("tool_choice")
    if isinstance(choice, dict) and _type(choice) not in _RUNNABLE:
        found["tool_choice"] = "auto"
    error = found.get("last_error")
    if isinstance(error, dict):
        code = error.get("code")
        known = code if code in get_args(ErrorCode) else "server_error"
        found["last_error"] = {"code": known, "message": str(error.get("message") or "")}
    strategy = found.get("truncation_strategy")
    if isinstance(strategy, dict):
        found["truncation_strategy"] = _some(strategy, ("type", "last_messages"))
    else:
        found.pop("truncation_strategy", None)
    for name in ("required_action", "incomplete_details"):
        if isinstance(found.get(name), dict) and not _fits(name, found[name]):
            found[name] = None
    for name in ("parallel_tool_calls", "temperature", "top_p", "response_format"):
        if found.get(name, 0) is None:
            found.pop(name)
    return _with_metadata(found)


def _fits(name: str, value: Plain) -> bool:
    if name == "required_action":
        return value.get("type") == "submit_tool_outputs"
    return value.get("reason") in ("max_completion_tokens", "max_prompt_tokens")


def _step(found: Plain) -> Plain:
    error = found.get("last_error")
    if isinstance(error, dict) and error.get("code") != "rate_limit_exceeded":
        found["last_error"] = {"code": "server_error", "message": str(error.get("message") or "")}
    details = found.get("step_details")
    if isinstance(details, dict) and details.get("type") == "tool_calls":
        calls = [call for call in _list(details.get("tool_calls")) if _type(call) in _CALLS]
        found["step_details"] = {"type": "tool_calls", "tool_calls": calls}
    return _with_metadata(found)


def _file(found: Plain) -> Plain:
    if str(found.get("purpose")) not in _PURPOSES:
        found["purpose"] = "assistants"
    if found.get("status") not in ("uploaded", "processed", "error"):
        found["status"] = "processed"
    if not isinstance(found.get("filename"), str) or not found["filename"]:
        found["filename"] = str(found.get("id"))
    return found


def _store(found: Plain) -> Plain:
    found.setdefault("last_active_at", found.get("created_at"))
    return _with_metadata(found)


def _store_file(found: Plain) -> Plain:
    if found.get("status") not in ("in_progress", "completed", "cancelled", "failed"):
        found["status"] = "completed"
    strategy = found.get("chunking_strategy")
    if not (isinstance(strategy, dict) and strategy.get("type") == "static"):
        found["chunking_strategy"] = _CHUNKING
    if found.get("attributes") is None:
        found.pop("attributes", None)
    error = found.get("last_error")
    if isinstance(error, dict) and error.get("code") not in _FILE_ERRORS:
        found["last_error"] = {**error, "code": "server_error"}
    return found


_FILE_ERRORS = ("server_error", "unsupported_file", "invalid_file")


def _tools(found: Plain) -> list[Any]:
    """Returns the tools of an object; `retrieval` was the name of file_search in the first version
    of the API.
    """
    tools = _list(found.get("tools"))
    return [{"type": "file_search"} if _type(tool) == "retrieval" else tool for tool in tools]


def _tool(found: Plain) -> Plain:
    """Returns a tool without what is not known of it here."""
    kind = found["type"]
    if kind == "function" and isinstance(found.get("function"), dict):
        names = ("name", "description", "parameters", "strict")
        return {"type": kind, "function": _without_null(_some(found["function"], names))}
    if kind == "file_search" and isinstance(found.get("file_search"), dict):
        search = _without_null(_some(found["file_search"], ("max_num_results", "ranking_options")))
        if isinstance(search.get("ranking_options"), dict):
            known = ("ranker", "score_threshold", "hybrid_search")
            options = _without_null(_some(search["ranking_options"], known))
            search["ranking_options"] = {"score_threshold": 0.0, **options}
        return {"type": kind, "file_search": search}
    return {"type": kind}


def _resources(found: Any) -> Plain:
    kept: Plain = {}
    if not isinstance(found, dict):
        return kept
    code, search = found.get("code_interpreter"), found.get("file_search")
    if isinstance(code, dict):
        kept["code_interpreter"] = {"file_ids": _texts(code.get("file_ids"))[:20]}
    if isinstance(search, dict):
        kept["file_search"] = {"vector_store_ids": _texts(search.get("vector_store_ids"))[:1]}
    return kept


def _with_metadata(found: Plain) -> Plain:
    metadata = found.get("metadata")
    found["metadata"] = metadata if isinstance(metadata, dict) else {}
    return found


def _some(found: Mapping[str, Any], names: Iterable[str]) -> Plain:
    return {name: found[name] for name in names if name in found}


def _without_null(found: Plain) -> Plain:
    return {name: value for name, value in found.items() if value is not None}


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _texts(found: Any) -> list[str]:
    return [each for each in _list(found) if isinstance(each, str)]


def _type(found: Any) -> str | None:
    kind = found.get("type") if isinstance(found, dict) else None
    return kind if isinstance(kind, str) else None


_MENDED: dict[str, Callable[[Plain], Plain]] = {
    "file": _file,
    "vector_store": _store,
    "vector_store.file": _store_file,
    "assistant": _assistant,
    "thread": _thread,
    "thread.message": _message,
    "thread.run": _run,
    "thread.run.step": _step,
}
