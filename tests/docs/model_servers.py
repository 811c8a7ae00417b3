"""Prints `docs/model-servers.md` from the refusals that the tests play, and from the kinds."""

from typing import get_args

from perdure.providers import kinds
from perdure.providers.adjustments import ADJUSTMENTS
from perdure.providers.endpoint import AZURE_VERSION
from perdure.providers.message_order import CLOSING, EMPTY, OPENING
from perdure.providers.patience import STRANGER_SECONDS
from perdure.settings.models import Kind
from tests.docs.markdown import item, page, prose, table
from tests.model_servers.refusals import QUIRKS, Quirk

DOCUMENT = "docs/model-servers.md"

# What each adjustment does, by its name; those of extras have one line together.
MADE = {
    "tools that must not be called": "Where no tool may be called, none are sent; here they are "
    "sent with `tool_choice: none`",
    "without stream_options": "The parameter is left out; tokens are counted here",
    "without parallel_tool_calls": "The parameter is left out; of several calls the first counts",
    "without reasoning_effort": "The parameter is left out",
    "without temperature": "The parameter is left out",
    "without top_p": "The parameter is left out",
    "top_p only without temperature": "Of both, `temperature` is sent",
    "max_completion_tokens for max_tokens": "The cap goes by its other name",
    "functions without strict": "`strict` is sent where it is true; here it is left out",
    "tool_choice in a word": "A forced function becomes `required`, with that function alone",
    "one call at a time": "Calls that were made at once are told as if they were made one after "
    "the other",
    "call ids of nine letters and digits": "Ids of calls are sent in that form, and read back",
    "instructions in a user message": "Instructions stand in front of the first user message",
    "user and assistant in turns": "Messages of one role in a row are joined; a thread that "
    f"begins with the assistant, or with nobody, has `{OPENING}` of the user in front",
    "a user message at the end": f"Behind a message of the assistant the user says `{CLOSING}`",
    "no empty texts": f"Nothing beside calls is null, and an empty output is `{EMPTY}`",
}
_OF_EXTRAS = "Reasoning and signatures do not go back to a server that refuses them"


def text() -> str:
    """The whole document."""
    return page(
        "# Model servers\n\n"
        "<!-- Printed from tests/model_servers/refusals.py by `python -m tests.docs.generate`. -->",
        prose("""
            Any server of `/v1/chat/completions` will do, and each has its own idea of what a
            request may hold. Perdure sends what the API knows, and nothing that nobody has set.
            What a server refuses by its name is changed, and sent again at once: the run goes on,
            and its program does not notice.
            """),
        _HOW,
        "## What is changed",
        table(
            ("Adjustment", "What is done", "Servers"),
            [[_name(name), made, _servers(name)] for name, made in _rows()],
        ),
        prose("""
            What cannot be mended fails the run with a sentence: a `response_format` that the server
            does not have, because text in another form would look like an answer; a forced
            `tool_choice` that it does not take in a word either; a model without tools in a run
            that has some; and images by URL where the server takes only data, because Perdure
            fetches nothing for a client. Send such an image as a file.
            """),
        "## Known from where",
        prose("""
            No real server stood behind these tests: each row is played by a model server of the
            tests, in the words of the report that it names
            (`tests/providers/test_adjustments.py`), with the status of the refusal and, once more,
            in the place of the answer, as servers do that send their status before they ask the
            chat template.
            """),
        table(
            ("Server", "Adjustment", "Status", "Its words", "Report"),
            [
                [quirk.server, quirk.adjustment, str(quirk.status), _words(quirk), _link(quirk)]
                for quirk in QUIRKS
            ],
        ),
        _KINDS,
        table(
            ("Kind", "Known from the beginning"),
            [
                [f"`{kind}`", "; ".join(sorted(kinds.KNOWN.get(kind, ())))]
                for kind in get_args(Kind)
            ],
        ),
        _READY,
        _AZURE,
    )


_HOW = "\n\n".join((
    "## What counts as a refusal",
    "\n".join(map(item, (
        "The status is 400 or 422; or 404 or 500 and the words are those of a chat template.",
        "It may be an object, a string, a list, `errors`, `detail`, what a router wraps, plain "
        "text or a page of HTML.",
        "It names the parameter. Where it complains of the value, nothing is changed: the run "
        "fails with the server's words, because whoever chose the value has to learn it.",
        "A change is made at most once, and only if it changes the request. So a server that "
        "goes on refusing ends the run with its words.",
    ))),
    prose("""
        What was learnt is kept by server and model in the database, where all servers of Perdure
        find it, so that the next run is not refused. It is forgotten after a day, because servers
        are brought up to date. The log tells what is learnt (`model_server_adjusted_to`), and
        `perdure doctor` shows what is known.
        """),
))  # fmt: skip

_KINDS = "\n\n".join((
    "## Kinds",
    prose("""
        `kind` of a model server (`model_kind` of the default one) says what program it is, and so
        what it is known to need before it refuses anything. Without it, a host name such as
        `api.mistral.ai` tells. A server on a private address that refuses a request is looked at:
        `/api/version`, `/props`, `/api/v0/models`, `/version`, without the API key. `perdure
        doctor` looks, too. Public addresses are not looked at.
        """),
))  # fmt: skip

_READY = "\n\n".join((
    "## Servers that are not ready",
    prose(f"""
        A server that says that it is loading its model is asked again each second, for up to
        `model_patience_seconds`, and never longer than the run lives. One that refuses connections
        is waited for as long if it has answered before, and {STRANGER_SECONDS:g} seconds if it has
        not answered since Perdure was started. The log says when a wait begins and when it was of
        use (`model_server_not_ready`, `model_server_ready`). Other faults that pass, such as 429
        or 502, are tried again three times within seconds.
        """),
))  # fmt: skip

_AZURE = "\n\n".join((
    "## Azure OpenAI",
    prose(f"""
        The key is sent as `api-key`. The base URL is that of the resource,
        `https://NAME.openai.azure.com/openai/v1`, or that of a deployment, such as
        `https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT?api-version={AZURE_VERSION}`;
        without a version this one is asked for. What the portal shows as the target, with
        `/chat/completions`, will do. A deployment lists itself as its only model and answers
        whatever the model's name. Behind a name of your own, say `kind = "azure"`. A base URL of
        another server with a query is refused at the start.
        """),
))  # fmt: skip


def _rows() -> list[tuple[str, str]]:
    named = [each.name for each in ADJUSTMENTS if not each.name.endswith("in messages")]
    return [*((name, MADE[name]) for name in named), ("in messages", _OF_EXTRAS)]


def _name(name: str) -> str:
    return "reasoning and signatures in messages" if name == "in messages" else name


def _servers(name: str) -> str:
    is_of_extras = name == "in messages"
    found = [
        quirk.server
        for quirk in QUIRKS
        if quirk.adjustment == name or (is_of_extras and quirk.adjustment.endswith(name))
    ]
    return "; ".join(dict.fromkeys(found))


def _words(quirk: Quirk) -> str:
    return " ".join(quirk.words.replace("|", "\\|").replace("`", "'").replace("\\n", " ").split())


def _link(quirk: Quirk) -> str:
    repository, _, number = quirk.report.partition("#")
    of_another = " (of another parameter)" if quirk.is_of_another else ""
    return f"[{quirk.report}](https://github.com/{repository}/issues/{number}){of_another}"
