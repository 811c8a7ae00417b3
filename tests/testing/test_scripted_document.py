"""docs/scripted-model.md knows every directive, and each of its examples is one."""

import asyncio
import json

from perdure.testing import script
from perdure.testing.script import Script, ScriptedCall, ScriptedRound, parse
from perdure.testing.scripted_model import ScriptedProvider
from tests.docs.documents import rows
from tests.patience import pass_time
from tests.providers.talk import asks, hear

DOCUMENT = "docs/scripted-model.md"
# What the round behind a documented directive looks like.
DIRECTED = {
    "say: TEXT": ScriptedRound(say=["It is sunny."]),
    "say N words": ScriptedRound(say=[" ".join(f"word{number}" for number in range(1, 301))]),
    "call: NAME": ScriptedRound(calls=[ScriptedCall("get_weather")]),
    "call: NAME JSON": ScriptedRound(calls=[ScriptedCall("get_weather", '{"city": "Oslo"}')]),
    "python: CODE": ScriptedRound(calls=[ScriptedCall("python", '{"code": "print(6 * 7)"}')]),
    "refuse: TEXT": ScriptedRound(refusal="I cannot help with that."),
    "wait N ms": ScriptedRound(wait_ms=20),
    "wait N ms between tokens": ScriptedRound(wait_ms=0.5),
    "stop after N tokens": ScriptedRound(stop_after=3),
    "fail: CODE": ScriptedRound(fail="rate_limit_exceeded"),
    "fail: CODE after N tokens": ScriptedRound(fail="server_error", fail_after=2),
    "finish: REASON": ScriptedRound(finish="content_filter"),
    "usage: PROMPT COMPLETION": ScriptedRound(usage=(1000, 20)),
    "no usage": ScriptedRound(no_usage=True),
    "forever": ScriptedRound(forever=True),
}
BETWEEN_ROUNDS = {"then:": Script([ScriptedRound(), ScriptedRound()], "")}
BETWEEN_ROUNDS["then: DIRECTIVE"] = Script([ScriptedRound(), ScriptedRound(say=["Done."])], "")


def _examples() -> dict[str, str]:
    """The example of each documented directive."""
    return {name.strip("`"): example.strip("`") for name, example, _ in rows(DOCUMENT, "Directive")}


def test_every_documented_directive_means_what_its_example_does() -> None:
    expected = {name: Script([round_], "") for name, round_ in DIRECTED.items()} | BETWEEN_ROUNDS
    assert {name: parse(example) for name, example in _examples().items()} == expected


def test_every_directive_is_documented() -> None:
    examples = _examples().values()
    unknown = [
        pattern.pattern
        for pattern, _ in script._DIRECTIVES
        if not any(pattern.fullmatch(example) for example in examples)
    ]
    assert unknown == []


async def test_wait_is_for_each_token() -> None:
    chunks = ScriptedProvider().chat(asks("any", "say 3 words\nwait 60000 ms"))
    for word in ("word1 ", "word2 ", "word3"):
        saying = asyncio.ensure_future(anext(chunks))
        await asyncio.sleep(0)
        pass_time(59)
        await asyncio.sleep(0)
        assert not saying.done()
        pass_time(1)
        assert (await saying).choices[0].delta.content == word
    await chunks.aclose()


async def test_forever_has_no_end_of_its_own() -> None:
    heard = await hear(ScriptedProvider(), asks("any", "forever", max_tokens=5000))
    assert (heard.text, heard.finish) == ("on " * 5000, "length")


def test_code_of_several_lines_is_a_block() -> None:
    """It ends where a line is not indented; without any it is a text like others."""
    code = "for n in range(2):\n    print(n)\n\nn"
    indented = "\n".join(f"    {line}".rstrip() for line in code.splitlines())
    arguments = json.dumps({"code": code})
    prompt = f"Count.\npython:\n{indented}\nthen: python:\n\tn + 1\nthen: say: Done."
    assert parse(prompt) == Script(
        [
            ScriptedRound(calls=[ScriptedCall("python", arguments)]),
            ScriptedRound(calls=[ScriptedCall("python", '{"code": "n + 1"}')]),
            ScriptedRound(say=["Done."]),
        ],
        "Count.",
    )
    assert parse("python:\nis a snake") == Script([ScriptedRound()], "python:\nis a snake")
