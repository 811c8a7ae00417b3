"""What is told of models before a run asks for one."""

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure import settings
from perdure.app import provider_of
from perdure.cli.models_checkup import WELL_KNOWN, advice, unserved_names
from perdure.cli.probe import ProbeResult
from perdure.clock import SystemClock
from perdure.settings import Settings
from perdure.settings.models import ModelServer

URL = "http://127.0.0.1:1/v1"


def chosen(**values: Any) -> Settings:
    return settings.only(model_base_url=URL, **values)


def answer(*models: str, problem: str | None = None) -> ProbeResult:
    return ProbeResult(ModelServer(name="default", base_url=URL), models, problem)


def fails(of: Settings, *answers: ProbeResult) -> list[str]:
    return unserved_names(of, provider_of(of, SystemClock()), answers)


def test_names_that_nobody_lists_fail() -> None:
    assert fails(chosen(), answer("qwen3:8b")) == list(WELL_KNOWN)
    assert fails(chosen(), answer("gpt-4o", "gpt-4:latest")) == [
        name for name in WELL_KNOWN if name not in ("gpt-4o", "gpt-4")
    ]


def test_what_is_not_known_is_not_said() -> None:
    assert fails(chosen(), answer()) == []
    assert fails(chosen(), answer(problem="It is away.")) == []


def test_aliases_and_a_default_model_answer() -> None:
    assert fails(chosen(default_model="qwen3:8b"), answer("qwen3:8b")) == []
    aliases = {"gpt-4*": "qwen3:8b"}
    assert fails(chosen(model_aliases=aliases), answer("qwen3:8b")) == ["gpt-3.5-turbo"]
    assert fails(chosen(model_aliases={"gpt-*": "gone"}), answer("q")) == list(WELL_KNOWN)


def test_the_scripted_model_answers_for_all_names() -> None:
    scripted = settings.only()
    found = ProbeResult(scripted.servers[0], (), None)
    assert unserved_names(scripted, provider_of(scripted, SystemClock()), [found]) == []


@given(st.text("ab:'\"`$();&| \\", min_size=1))
def test_a_model_whose_name_is_a_command_is_none_when_the_advice_is_followed(name: str) -> None:
    said = advice([answer("nomic-embed-text", name)])
    words = shlex.split(said.replace(", or", " ").removesuffix("."))
    assert words[-4:] == ["--alias", f"gpt-*={name}", "--default-model", name]


@pytest.mark.parametrize("answers", [[], [answer()], [answer("nomic-embed-text")]])
def test_without_a_model_the_advice_names_none(answers: list[ProbeResult]) -> None:
    assert advice(answers).endswith("--default-model MODEL.")
