"""What checks of every kind share: the client, and how a check is made."""

import sys
import warnings
from collections.abc import Callable
from typing import Any

import openai
from openai import OpenAI

warnings.simplefilter("ignore")
BASE_URL = sys.argv[1]
client = OpenAI(base_url=BASE_URL, api_key="any", max_retries=0)

# The events with which each run begins.
BEGUN = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]

CHECKS: list[Callable[[], None]] = []


def check(function: Callable[[], None]) -> Callable[[], None]:
    CHECKS.append(function)
    return function


def assistant(**fields: Any) -> Any:
    return client.beta.assistants.create(model="scripted", **fields)


def thread(*texts: str) -> Any:
    return client.beta.threads.create(
        messages=[{"role": "user", "content": text} for text in texts]
    )


def short(names: list[str]) -> list[str]:
    """The names, with runs of deltas as one."""
    return [name for place, name in enumerate(names) if names[place - 1 : place] != [name]]


def refused(kind: type[openai.APIStatusError], act: Callable[[], object]) -> str:
    """The message with which a call is refused."""
    try:
        act()
    except kind as error:
        return str((error.body or {})["message"])  # type: ignore[index]
    raise AssertionError(f"nothing raised {kind.__name__}")
