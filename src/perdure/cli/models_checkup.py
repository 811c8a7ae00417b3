"""Checks of models before a run asks for one: for the start of a server and for the doctor."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from shlex import quote

from perdure.app import provider_of
from perdure.cli import probe
from perdure.cli.findings import Finding, State
from perdure.clock import SystemClock
from perdure.errors import ConfigurationError, ProviderError
from perdure.providers.provider import ToldWindow
from perdure.providers.router import Router
from perdure.settings import Settings
from perdure.settings.models import SCRIPTED
from perdure.urls import without_password

# What programs for the Assistants API mostly ask for.
WELL_KNOWN = ("gpt-4o", "gpt-4o-mini", "gpt-4-turbo", "gpt-4.1", "gpt-4", "gpt-3.5-turbo")
# Fewer than the results of one search and an answer to them can take.
_SMALL_WINDOW = 16_384


async def findings(chosen: Settings) -> list[Finding]:
    """Returns the doctor's findings about model servers, windows, aliases and names."""
    answers = await probe.ask_all(chosen.servers, windows=True)
    found = [_server(answer) for answer in answers]
    try:
        routing = provider_of(chosen, SystemClock())
    except ConfigurationError as error:
        return [*found, Finding(State.FAIL, "alias", str(error), "Correct model_aliases.")]
    for answer in answers:
        if answer.models:
            found += [_known_windows(routing, answer), *_windows(routing, answer)]
    found += _aliases(chosen, routing, answers)
    if chosen.default_model:
        found.append(_default(chosen.default_model, routing, answers))
    elif names := unserved_names(chosen, routing, answers):
        said = f"programs that ask for {', '.join(names)} fail here: no server lists these names"
        found.append(Finding(State.WARN, "names", said, advice(answers)))
    return found


def unserved_names(
    chosen: Settings, routing: Router, answers: Sequence[probe.ProbeResult]
) -> list[str]:
    """Returns the well-known names that no server lists. It returns none where a server does not
    list its models, or a default model answers.
    """
    if chosen.default_model:
        return []
    return [name for name in WELL_KNOWN if _is_served(name, routing, answers) is False]


def advice(answers: Iterable[probe.ProbeResult]) -> str:
    """Returns the advice that makes a model answer for names that nobody serves."""
    models = [model for answer in answers for model in answer.models if "embed" not in model]
    model = models[0] if models else "MODEL"
    # What a server calls its models is not to be a command of the shell.
    alias, default = quote(f"gpt-*={model}"), quote(model)
    return f"Let a model of yours answer: --alias {alias}, or --default-model {default}."


def _is_served(name: str, routing: Router, answers: Iterable[probe.ProbeResult]) -> bool | None:
    """Returns True if a server has the model that a name leads to; None where that is not known."""
    try:
        server, model = routing.resolve(name)
    except ProviderError:
        return False
    if server.models is not None:
        return True
    answer = next(each for each in answers if each.server.name == server.name)
    if _is_unlisted(answer):
        return True
    return answer.has(model) if answer.models else None


def _is_unlisted(answer: probe.ProbeResult) -> bool:
    """Returns True if a server answers for names that it does not list: Azure lists the base models
    of its possible deployments.
    """
    return answer.server.base_url == SCRIPTED or answer.kind == "azure"


def _default(model: str, routing: Router, answers: Iterable[probe.ProbeResult]) -> Finding:
    said = f"{model} answers for names that no server lists"
    match _is_served(model, routing, answers):
        case True:
            return Finding(State.OK, "default", said)
        case None:
            return Finding(State.WARN, "default", f"{said}; its server did not answer")
        case _:
            remedy = "Correct default_model, or load that model."
            return Finding(State.FAIL, "default", f"{said}, but none lists it either", remedy)


def _server(answer: probe.ProbeResult) -> Finding:
    server = answer.server
    if server.base_url == SCRIPTED:
        return Finding(
            State.WARN,
            "models",
            "no model server is configured: the shipped scripted model gives canned answers",
            "Set model_base_url, such as http://localhost:11434/v1.",
        )
    where = f"{server.name} ({without_password(server.base_url)})"
    if answer.problem:
        return Finding(
            State.FAIL,
            "models",
            f"{where} cannot be used: {answer.problem}",
            "Check that it runs, its base URL (it mostly ends in /v1) and its API key.",
        )
    if not answer.models:
        return Finding(
            State.WARN, "models", f"{where} lists no models", "Load or pull a model there."
        )
    kind = f", and is of the kind {answer.kind}" if answer.kind else ""
    return Finding(State.OK, "models", f"{where} lists {', '.join(answer.models)}{kind}")


def _known_windows(routing: Router, answer: probe.ProbeResult) -> Finding:
    """Returns the finding about windows that are known, and those that only a model call could
    show.
    """
    name = answer.server.name
    configured = {model: routing.window(f"{name}/{model}") for model in answer.models}
    known = ", ".join(f"{model} {window}" for model, window in configured.items() if window)
    reported = ", ".join(f"{model} {_shown(window)}" for model, window in answer.windows.items())
    return Finding(
        State.OK,
        "models",
        f"{name}: context windows configured: {known or 'none'}; told by the server: "
        f"{reported or 'none'}; others are learnt when it refuses a prompt. Whether it takes "
        "response_format shows when a run asks for one: where it does not, the run fails and says "
        "so",
    )


def _shown(window: ToldWindow) -> str:
    return f"{window.tokens}{'' if window.is_loaded else ' (when it is loaded)'}"


def _windows(routing: Router, answer: probe.ProbeResult) -> Iterator[Finding]:
    """Yields warnings of windows that are smaller than they need be, or than is configured."""
    for model, window in answer.windows.items():
        configured = routing.window(f"{answer.server.name}/{model}")
        if configured and configured > window.tokens and window.cuts_in_silence:
            yield Finding(
                State.WARN,
                "windows",
                f"{model} takes {window.tokens} tokens, and {configured} are configured: the "
                "server cuts longer prompts without a word",
                "Correct context_windows, or give the model more (Ollama: num_ctx or "
                "OLLAMA_CONTEXT_LENGTH).",
            )
        elif not configured and window.tokens < min(window.most or 0, _SMALL_WINDOW):
            yield Finding(
                State.WARN,
                "windows",
                f"{model} takes {window.tokens} tokens of the {window.most} that it could: of "
                "longer threads, the oldest messages are left out",
                "Give it more on its server (Ollama: num_ctx in its Modelfile, or "
                "OLLAMA_CONTEXT_LENGTH=32768 where it starts).",
            )


def _aliases(
    chosen: Settings, routing: Router, answers: Iterable[probe.ProbeResult]
) -> Iterable[Finding]:
    """Follows each alias to the server that would answer, as a run does."""
    by_name: Mapping[str, probe.ProbeResult] = {answer.server.name: answer for answer in answers}
    for alias, target in chosen.model_aliases.items():
        text = f"{alias} is answered by {target}"
        try:
            server, model = routing.resolve(alias)
        except ProviderError as error:
            yield Finding(State.FAIL, "alias", error.message, "Correct model_aliases.")
            continue
        answer = by_name[server.name]
        if answer.has(model) or _is_unlisted(answer):
            yield Finding(State.OK, "alias", f"{text} of {server.name}")
        elif answer.problem:
            yield Finding(State.WARN, "alias", f"{text} of {server.name}, which did not answer")
        else:
            yield Finding(
                State.FAIL,
                "alias",
                f"{text}, which {server.name} does not list",
                "Correct model_aliases, or load that model there.",
            )
