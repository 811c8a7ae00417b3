"""Texts that stand as they are, but for what nobody could read in them."""

import re

# Two characters of which the first is a backslash, and the four digits of \u.
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
# A character outside of the first 65,536 is two of them.
_PAIR = re.compile(r"\\\\|\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_LINES = {"n": "\n", "t": "\t", "r": " ", "/": "/"}
# These would end a string, or begin an escape, if they were shown as themselves.
_SYNTAX = frozenset('"\\')
_CONTROLS_END = 0x20
_SURROGATES = range(0xD800, 0xE000)
# A picture inside of a text: its first words are kept, and the base64 is not.
_EMBEDDED = re.compile(
    r"(data:[\w.+-]{1,60}/[\w.+-]{1,100}(?:;[\w.+=-]{1,60}){0,4};base64,)[A-Za-z0-9+/=_-]{40,}"
)
_MARKDOWN_PICTURE = re.compile(
    r"!(\[[^\[\]\n]{0,1000}\])\(<?data:[\w.+/;=-]{1,200},>?[^()\n]{0,500}\)"
)


def read_escapes(text: str) -> str:
    r"""Returns JSON with its escapes as the characters that they stand for: `\u00fc` is ü, and
    `\n` a new line. Those of quotes, backslashes and control characters stay.
    """
    if "\\" not in text:
        return text
    paired = _PAIR.sub(_character, text)
    return _ESCAPE.sub(_unescaped, paired)


def _character(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[0]
    return bytes.fromhex(match[1] + match[2]).decode("utf-16-be")


def _unescaped(match: re.Match[str]) -> str:
    if match[1] is None:
        return _LINES.get(match[2], match[0])
    code = int(match[1], 16)
    character = chr(code)
    if code < _CONTROLS_END or code in _SURROGATES or character in _SYNTAX:
        return match[0]
    return character


def pass_over_contents(text: str) -> str:
    """Returns a text without the contents of `data:` addresses, which are pictures mostly."""
    return _MARKDOWN_PICTURE.sub(r"!\1", _EMBEDDED.sub(r"\1", text))
