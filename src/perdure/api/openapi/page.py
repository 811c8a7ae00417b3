"""The page that shows the description: HTML without a script, and nothing from elsewhere."""

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from typing import Any

from perdure.api.openapi.operation import Schema
from perdure.api.openapi.schemas import REF

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --dim: #666; --mark: #076b4c; }
@media (prefers-color-scheme: dark) { :root { --dim: #aaa; --mark: #4fd1a5; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
h1, h2, h3 { line-height: 1.2; margin: 2rem 0 .5rem; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
nav a { display: inline-block; margin-right: .8rem; }
details { border-bottom: 1px solid var(--line); padding: .4rem 0; }
summary { cursor: pointer; }
summary b { color: var(--mark); display: inline-block; font: bold .8em ui-monospace, monospace;
  min-width: 4.5em; }
summary span { color: var(--dim); margin-left: .6rem; }
table { border-collapse: collapse; margin: .5rem 0; width: 100%; }
td, th { border-top: 1px solid var(--line); padding: .25rem .5rem .25rem 0; text-align: left;
  vertical-align: top; }
p { margin: .4rem 0; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


def page(document: Schema) -> str:
    """Returns the page of a description."""
    info = document["info"]
    title = f"{info['title']} {info['version']}"
    groups = _groups(document["paths"])
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1><p>{escape(info['description'])}</p>",
        '<p>For programs, in OpenAPI 3.1: <a href="/v1/openapi.json">openapi.json</a>.</p>',
        "<nav>",
        *(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in groups),
        '<a href="#schemas">schemas</a></nav>',
    ]
    for tag, operations in groups.items():
        parts.append(f'<h2 id="{escape(tag)}">{escape(tag)}</h2>')
        parts += [_operation(*each) for each in operations]
    parts.append('<h2 id="schemas">schemas</h2>')
    parts += [_schema(name, each) for name, each in document["components"]["schemas"].items()]
    return "\n".join([*parts, "</body></html>", ""])


def _groups(paths: Schema) -> dict[str, list[tuple[str, str, Schema]]]:
    groups: dict[str, list[tuple[str, str, Schema]]] = {}
    for path, methods in paths.items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append((method, path, operation))
    return groups


def _operation(method: str, path: str, operation: Schema) -> str:
    parts = [
        f'<details id="{escape(operation["operationId"])}"><summary>',
        f"<b>{method.upper()}</b><code>{escape(path)}</code>",
        f"<span>{escape(operation['summary'])}</span></summary>",
    ]
    if parameters := operation.get("parameters"):
        parts.append(_table(_parameter_rows(parameters)))
    if body := operation.get("requestBody"):
        parts.append(f"<p>Body: {_content(body['content'])}</p>")
    parts.append(f"<p>Answer: {_content(operation['responses']['200']['content'])}</p></details>")
    return "".join(parts)


def _parameter_rows(parameters: list[Schema]) -> Iterator[tuple[str, str, str]]:
    """Yields name, type and meaning of each parameter, as HTML."""
    for each in parameters:
        name = f"<code>{escape(each['name'])}</code><br>{each['in']}"
        if each.get("required"):
            name += ", required"
        yield name, _type(each["schema"]), escape(each.get("description", ""))


def _schema(name: str, schema: Schema) -> str:
    parts = [f'<details id="schema-{escape(name)}"><summary><code>{escape(name)}</code></summary>']
    if text := schema.get("description"):
        parts.append(f"<p>{escape(text)}</p>")
    required = schema.get("required", ())
    rows = (
        (
            f"<code>{escape(member)}</code>{'' if member in required else '<br>may be absent'}",
            _type(each),
            escape(each.get("description", "")),
        )
        for member, each in schema.get("properties", {}).items()
    )
    parts.append(_table(rows) if schema.get("properties") else f"<p>{_type(schema)}</p>")
    return "".join([*parts, "</details>"])


def _table(rows: Iterator[tuple[str, str, str]]) -> str:
    cells = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"


def _content(content: Schema) -> str:
    return " or ".join(
        f"<code>{escape(media_type)}</code> {_type(each['schema'])}"
        for media_type, each in content.items()
    )


def _type(schema: Schema) -> str:
    """Returns the type of a value in few words, as HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].removeprefix(REF))
        return f'<a href="#schema-{name}">{name}</a>'
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(_type(each) for each in schema[key])
    if "const" in schema:
        return _value(schema["const"])
    if "enum" in schema:
        return ", ".join(map(_value, schema["enum"]))
    return f"{_plain(schema)}{escape(_bounds(schema))}"


def _plain(schema: Schema) -> str:
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and "properties" in schema:
        members = ", ".join(
            f"<code>{escape(name)}</code>: {_type(each)}"
            for name, each in schema["properties"].items()
        )
        return f"{{ {members} }}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map of {_type(schema['additionalProperties'])}"
    return str(kind)


def _bounds(schema: Schema) -> str:
    words = {
        "minimum": "at least {}",
        "maximum": "at most {}",
        "default": "default {}",
        "minLength": "{} characters or more",
        "maxLength": "{} characters at most",
        "minItems": "{} or more",
        "maxItems": "{} at most",
        "maxProperties": "{} at most",
        "pattern": "like {}",
    }
    told = [text.format(schema[key]) for key, text in words.items() if schema.get(key) is not None]
    return f" ({', '.join(told)})" if told else ""


def _value(value: Any) -> str:
    return f"<code>{escape(str(value))}</code>"
