"""What the load's runs are asked to do, and how each of them must end.

A script follows from its kind and its number, which the run carries as metadata: so that every
run in the database can be judged, those too whose creation no client ever heard of.
"""

from typing import Any, NamedTuple

FUNCTIONS = ("look_up", "add")


class Script(NamedTuple):
    """A prompt for the scripted model, and the run that must come of it: its end, the texts of
    its messages and the calls of its tool steps, in order.
    """

    prompt: str
    status: str
    texts: tuple[str, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    error: str | None = None


def _text(number: int) -> str:
    return " ".join(f"n{number}-{word}" for word in range(5 + number % 25))


def _say(number: int) -> Script:
    return Script(f"wait 8 ms\nsay: {_text(number)}", "completed", (_text(number),))


def _ask(number: int) -> Script:
    """Text, two calls at once, and text."""
    calls = (("look_up", f'{{"key": {number}}}'), ("add", f'{{"a": {number}, "b": 1}}'))
    called = "\n".join(f"call: {name} {arguments}" for name, arguments in calls)
    prompt = (
        f"wait 4 ms\nsay: Looking at {number}.\n{called}\nthen:\nwait 8 ms\nsay: {_text(number)}"
    )
    return Script(prompt, "completed", (f"Looking at {number}.", _text(number)), calls)


def _ask_twice(number: int) -> Script:
    """Calls of two rounds, and text."""
    calls = (("look_up", f'{{"key": {number}}}'), ("add", f'{{"a": {number}, "b": 2}}'))
    called = "\nthen:\nwait 4 ms\n".join(f"call: {name} {args}" for name, args in calls)
    prompt = f"wait 4 ms\n{called}\nthen:\nwait 4 ms\nsay: {_text(number)}"
    return Script(prompt, "completed", (_text(number),), calls)


def _cancel(number: int) -> Script:
    """Never ends by itself: the client cancels it."""
    return Script("forever\nwait 10 ms", "cancelled")


def _cut(number: int) -> Script:
    kept = _text(number).split()[:3]
    return Script(
        f"wait 8 ms\nstop after 3 tokens\nsay: {_text(number)}",
        "incomplete",
        (" ".join(kept),),
    )


def _fail(number: int) -> Script:
    return Script(
        f"wait 8 ms\nfail: rate_limit_exceeded after 2 tokens\nsay: {_text(number)}",
        "failed",
        error="rate_limit_exceeded",
    )


KINDS = {
    "say": _say,
    "ask": _ask,
    "ask_twice": _ask_twice,
    "cancel": _cancel,
    "cut": _cut,
    "fail": _fail,
}


def script(metadata: dict[str, str]) -> Script:
    """The script of a run, by its metadata."""
    return KINDS[metadata["kind"]](int(metadata["number"]))


def output(name: str, arguments: str) -> str:
    """What the client answers to a call, whenever and however often it is asked."""
    return f"{name} of {arguments}"


def outputs(run: dict[str, Any]) -> dict[str, Any]:
    """The body that answers all calls of a run that requires action."""
    calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    return {
        "tool_outputs": [
            {
                "tool_call_id": call["id"],
                "output": output(call["function"]["name"], call["function"]["arguments"]),
            }
            for call in calls
        ]
    }
