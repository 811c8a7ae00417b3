"""The text of a Jupyter notebook as Markdown: texts, code in fences, and what the code printed."""

import msgspec

_Lines = str | list[str]


class _Output(msgspec.Struct):
    text: _Lines = ""
    data: dict[str, msgspec.Raw] = {}
    ename: str = ""
    evalue: str = ""


class _Cell(msgspec.Struct):
    cell_type: str = ""
    source: _Lines = ""
    outputs: list[_Output] = []


class _Notebook(msgspec.Struct):
    cells: list[_Cell]


def read_notebook(text: str) -> str | None:
    """Returns a notebook as Markdown; None if the text is no notebook."""
    try:
        found = msgspec.json.decode(text, type=_Notebook)
        return "\n\n".join(part for cell in found.cells for part in _parts(cell) if part.strip())
    except (msgspec.MsgspecError, RecursionError):
        return None


def _parts(cell: _Cell) -> list[str]:
    source = _joined(cell.source)
    if cell.cell_type != "code":
        return [source]
    outputs = [_shown(output) for output in cell.outputs]
    return [_fenced(source), *(_fenced(output) for output in outputs)]


def _shown(output: _Output) -> str:
    if output.ename:
        return f"{output.ename}: {output.evalue}"
    if plain := output.data.get("text/plain"):
        return _joined(msgspec.json.decode(plain, type=_Lines))
    return _joined(output.text)


def _joined(lines: _Lines) -> str:
    return lines if isinstance(lines, str) else "".join(lines)


def _fenced(text: str) -> str:
    if not text.strip():
        return ""
    fence = "````" if "```" in text else "```"
    return f"{fence}\n{text.rstrip()}\n{fence}"
