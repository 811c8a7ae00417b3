"""Prints `docs/tool-calls.md` from the forms of tool calls that the tests go through."""

import json

from tests.docs.markdown import item, page, prose, table
from tests.model_servers.calls import PARTS, Form

DOCUMENT = "docs/tool-calls.md"


def text() -> str:
    """The whole document."""
    return page(
        "# Tool calls of a model\n\n"
        "<!-- Printed from tests/model_servers/calls.py by `python -m tests.docs.generate`. -->",
        prose("""
            A model server streams its tool calls in fragments, and model servers do not agree on
            how. This page says how Perdure makes calls of them: `assembler.py` does, without
            knowing which server it reads. Every row of the tables is a test
            (`tests/engine/test_assembler.py`), and each is also played by a model server to runs
            that are polled and streamed (`tests/api/test_tool_calls.py`).
            """),
        "## What decides",
        prose("The evidence, from the strongest on:"),
        "\n".join(map(item, _EVIDENCE)),
        prose("""
            A call is told to listeners when its arguments begin, or when the round ends, and never
            before the calls in front of it. What was told is not taken back. Where a client is
            asked, it is asked for the same calls that listeners were told.
            """),
        "\n\n".join(f"### {heading}\n\n{_table(forms)}" for heading, forms in PARTS.items()),
        _NAMES,
        _ROUNDS,
    )


_EVIDENCE = (
    "**The index.** Fragments with different indexes are of different calls, but for the fragments "
    "of a server that counts those: they have the id of a call that is not complete. A fragment "
    "without an index goes on with the call whose id it has, else with the call before.",
    "**The id.** At one index, a fragment goes on with the call that has its id. Another id begins "
    "another call only together with a name: there are servers that make up an id for each "
    "fragment.",
    "**The name.** A call has one name. Another name begins another call, unless it can be a piece "
    "of the same name.",
    "**Complete arguments.** Arguments are one JSON object. What begins an object behind a "
    "complete one begins another call. Perdure follows the braces and strings as they come and "
    "reads no character twice.",
)

_NAMES = "\n\n".join((
    "## Names that nobody offered",
    prose("""
        A name that belongs to no tool of the run is passed on to the client if the run has
        functions: it may know what to do. If the run has none, nobody can answer, and nobody is
        asked. The call is then kept as a function call in a step that is complete, with the output
        `There is no tool 'python'. The tools are: file_search.`, and the model goes on.
        """),
    prose("""
        In a run with `tool_choice: none` every name is one of these, since no tool is offered:
        some model servers pass over `tool_choice`, and their models call what they were shown.
        """),
))  # fmt: skip

_ROUNDS = "\n\n".join((
    "## Rounds without end",
    prose("""
        Some models answer each search with another one. Rounds in which the server answers all
        calls by itself (`file_search`, `code_interpreter`, names that nobody offered) are counted
        over the steps of the run, so that they are counted on when another worker takes the run
        over. Outputs that a client submits begin the count anew.
        """),
    prose("""
        After `max_tool_rounds` of them in a row (32, see [operating](operating.md)) the model is
        asked once more, without tools. If the model server refuses that because there are calls
        among the messages, it is sent the tools with `tool_choice: none`, and so it is
        [from then on](model-servers.md). A call even then fails the run, with a message that names
        the setting.
        """),
))  # fmt: skip


def _table(forms: list[Form]) -> str:
    heads = ("What is streamed", "What is made of it", "What decides")
    lines = ((form.stream, _made(form), form.decides) for form in forms)
    return table(heads, ([cell.replace("|", "\\|") for cell in line] for line in lines))


def _made(form: Form) -> str:
    count = len(form.calls)
    shown = ", ".join(_shown(f"{name} {arguments}") for name, arguments in form.calls)
    return f"{count} call{'s' * (count != 1)}: {shown}"


def _shown(call: str) -> str:
    return f"`{json.dumps(call, ensure_ascii=False)[1:-1]}`".replace('\\"', '"')
