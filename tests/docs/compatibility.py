"""Prints `docs/compatibility.md`: each operation, event and property, and how it behaves here.

What there is comes from the code. What people have to say about it is in `docs/compatibility/`,
and printing fails when a thing has no entry there, or an entry no thing.
"""

import ast
import tomllib
from pathlib import Path

import msgspec

from perdure.api.routes import ROUTES
from perdure.lifecycle import STREAM_EVENTS
from perdure.wire.runs import CreateRun, CreateThreadAndRun, Run
from tests.docs.documents import ROOT
from tests.docs.markdown import code, item, page, prose, table

DOCUMENT = "docs/compatibility.md"
ENTRIES = ROOT / "docs" / "compatibility"

EVIDENCE = {
    "recorded": "seen in recordings of the original service; it decides where sources disagree",
    "published": "said by the published description of the API, its documentation, the official "
    "SDKs, or reported by their users",
    "inferred": "not known, and chosen so that the rest makes sense",
    "ours": "an addition of Perdure",
}

# What the name of a test cannot spell as it is spelt.
_SPELT = {"sdk": "SDK"}


class Incomplete(Exception):
    """An entry is missing, belongs to nothing, or is wrong."""


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """How one thing behaves. `test` is the test that proves it, as pytest names it."""

    here: str
    evidence: str
    test: str
    differs: str = ""


def things() -> dict[str, list[str]]:
    """What needs an entry, by the file that holds the entries."""
    return {
        "operations": [f"{method} {path.replace(':path', '')}" for method, path, _ in ROUTES],
        "events": [name for name in STREAM_EVENTS if name],
        "run": list(Run.__struct_fields__),
        "create_run": list(
            dict.fromkeys((*CreateRun.__struct_fields__, *CreateThreadAndRun.__struct_fields__))
        ),
    }


def text() -> str:
    """The whole document."""
    return page(
        "# Compatibility",
        "<!-- Printed from code and docs/compatibility/ by `python -m tests.docs.generate`. -->",
        prose("""
            How Perdure behaves, next to the Assistants API v2 of OpenAI. What is not in these
            tables is as [the contract](spec/README.md) has it. Each line links to the test that
            proves it, and says where the behaviour of the original is known from:"""),
        "\n".join(item(f"*{kind}*: {meaning}") for kind, meaning in EVIDENCE.items()),
        "## Operations",
        prose("""
            Paths stand below `/v1`; for [Azure's clients](azure.md) below `/openai`, `/openai/v1`,
            `/api/projects/{name}` and nothing at all too. Those below `/organization` are for
            [admin keys](operating.md#projects-and-keys): `client.admin.organization` of the
            official SDKs. The oldest with it are openai 2.34.0 for Python and 6.36.0 for Node;
            2.46.0 and 6.48.0 can also modify service accounts and make further keys for them,
            3.30.0 and 7.33.0 change when a key expires, and Python's 3.30.0 what a project may
            spend. What is said of usage and limits is in
            [operating](operating.md#usage-and-limits)."""),
        _table("Operation", "operations"),
        "## Stream events",
        prose("""
            In which order they come, and which moves they tell, is in
            [the life of a run](lifecycle.md)."""),
        _table("Event", "events"),
        "## The run object",
        prose("""
            In the order in which they are sent; all of them are always there. The last event of a
            stream, the polled run, and the run after a restart of the server are the same, until
            somebody changes its metadata."""),
        _table("Property", "run"),
        "## The body that creates a run",
        prose(f"""
            `POST /threads/{{thread_id}}/runs` and `POST /threads/runs` take the same keys, except
            {code(*_only(CreateRun, CreateThreadAndRun))} of the first and
            {code(*_only(CreateThreadAndRun, CreateRun))} of the second. Any other key is
            refused."""),
        _table("Key", "create_run"),
    )


def entries(name: str, folder: Path = ENTRIES) -> dict[str, Entry]:
    """The entries of a file. Raises `Incomplete` for one that is wrong."""
    found = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
    made = {}
    for key, value in found.items():
        try:
            made[key] = entry = msgspec.convert(value, Entry)
        except msgspec.ValidationError as error:
            raise Incomplete(f"{name}.toml, {key!r}: {error}") from error
        if entry.evidence not in EVIDENCE:
            raise Incomplete(f"{name}.toml, {key!r}: {entry.evidence!r} is no kind of evidence")
        if not exists(entry.test):
            raise Incomplete(f"{name}.toml, {key!r}: there is no test {entry.test}")
    return made


def exists(test: str) -> bool:
    """Whether this is the id of a test function."""
    path, _, function = test.partition("::")
    if not (ROOT / path).is_file():
        return False
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return function.startswith("test_") and any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function
        for node in tree.body
    )


def matched(name: str, keys: list[str], found: dict[str, Entry]) -> list[tuple[str, Entry]]:
    """Each thing with its entry. Raises `Incomplete` unless they are the same set."""
    lacking = [key for key in keys if key not in found]
    spare = [key for key in found if key not in keys]
    if lacking or spare:
        raise Incomplete(f"{name}.toml lacks {lacking} and has {spare}, which do not exist")
    return [(key, found[key]) for key in keys]


def _table(head: str, name: str) -> str:
    return table(
        (head, "Here", "Differs from the original", "Known", "Proof"),
        (
            (code(key), each.here, each.differs, each.evidence, _proof(each.test))
            for key, each in matched(name, things()[name], entries(name))
        ),
    )


def _proof(test: str) -> str:
    path, _, function = test.partition("::")
    return f"[{sentence(function)}](../{path})"


def sentence(function: str) -> str:
    """The name of a test as a sentence."""
    words = [_SPELT.get(word, word) for word in function.removeprefix("test_").split("_")]
    return " ".join([words[0].capitalize(), *words[1:]])


def _only(these: type[msgspec.Struct], those: type[msgspec.Struct]) -> list[str]:
    return [name for name in these.__struct_fields__ if name not in those.__struct_fields__]
