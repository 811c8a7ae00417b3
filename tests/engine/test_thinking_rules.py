"""How a model thinks: what is set for any of its names, else what its answers have taught."""

from collections.abc import Mapping

import pytest

from perdure.engine.thinking_rules import (
    LearntStyles,
    ModelOrigin,
    ThinkingRules,
    ThinkingSetting,
    ThinkingStyle,
)
from perdure.settings.models import ThinkingSettings

OLLAMA = ModelOrigin("http://ollama/v1", "qwen3:8b")


def rules(
    configured: Mapping[str, ThinkingSetting], lessons: LearntStyles | None = None
) -> ThinkingRules:
    """For one model, which programs call `gpt-4o`."""
    return ThinkingRules(
        configured,
        origin=lambda _: OLLAMA,
        names=lambda model: ("qwen3:8b", "ollama/qwen3:8b", model),
        lessons=lessons or LearntStyles(),
    )


@pytest.mark.parametrize(
    ("configured", "hides"),
    [
        ({}, True),
        ({"qwen3*": False}, False),
        ({"ollama/*": False}, False),
        ({"gpt-4o": False}, False),
        ({"gpt-4o": False, "qwen3*": True}, True),
        ({"*": False, "qwen3*": True}, True),
        ({"llama*": False}, True),
    ],
)
def test_a_setting_is_found_by_any_name_of_the_model_the_most_particular_first(
    configured: dict[str, bool], *, hides: bool
) -> None:
    settings = {name: ThinkingSettings(hide=value) for name, value in configured.items()}
    assert rules(settings).of("gpt-4o").hides == hides


def test_of_a_model_of_which_nothing_is_set_the_lesson_decides() -> None:
    lessons = LearntStyles()
    known = rules({}, lessons)
    style = known.of("gpt-4o")
    assert style == ThinkingStyle(
        OLLAMA, hides=True, may_be_open=True, is_open=False, sends_back=False
    )
    known.learn(style, found_lone_end=True, lacked_end=False)
    assert lessons.knows(OLLAMA)
    assert known.of("gpt-4o") == style._replace(is_open=True)
    known.learn(style, found_lone_end=False, lacked_end=False)
    assert known.of("gpt-4o").is_open
    known.learn(style, found_lone_end=False, lacked_end=True)
    assert not known.of("gpt-4o").is_open
    assert not lessons.knows(OLLAMA)


@pytest.mark.parametrize("begins", [True, False])
def test_what_is_set_of_the_beginning_goes_over_the_lesson(*, begins: bool) -> None:
    lessons = LearntStyles()
    known = rules({"*": ThinkingSettings(begins_in_prompt=begins)}, lessons)
    for found in (False, True):
        known.learn(known.of("gpt-4o"), found_lone_end=found, lacked_end=not found)
        style = known.of("gpt-4o")
        assert (style.is_open, style.may_be_open) == (begins, begins)


def test_only_the_latest_lessons_are_known() -> None:
    lessons, origins = LearntStyles(), [ModelOrigin("", str(number)) for number in range(1025)]
    for origin in origins[:1024]:
        lessons.remember(origin)
    lessons.remember(origins[0])
    lessons.remember(origins[1024])
    unknown = [origin.model for origin in origins if not lessons.knows(origin)]
    assert unknown == ["1"]


def test_thinking_goes_back_only_where_that_is_set() -> None:
    assert not rules({"*": ThinkingSettings()}).of("gpt-4o").sends_back
    assert rules({"*": ThinkingSettings(send_back=True)}).of("gpt-4o").sends_back
