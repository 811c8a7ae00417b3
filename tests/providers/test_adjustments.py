"""A model server's refusal changes the request in its own way, once, and is remembered."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.errors import PromptTooLong
from perdure.providers import adjustments, kinds, message_order, refusals
from perdure.providers.adjustment_memory import ProcessAdjustmentMemory
from perdure.providers.openai import OpenAIProvider
from perdure.providers.refusals import Refusal
from perdure.wire.base import encode
from perdure.wire.chat import (
    ChatMessage,
    ChatRequest,
    ChatText,
    ChatToolCall,
    ChosenFunction,
    Extras,
    FunctionToolChoice,
)
from perdure.wire.messages import ImageUrl, ImageUrlPart
from perdure.wire.tools import CalledFunction, FunctionDefinition, FunctionTool
from tests.model_servers.fixture import ModelServer
from tests.model_servers.refusals import FORMS, NOT_OF_PARAMETERS, QUIRKS, Quirk
from tests.providers.talk import asks, fails, hear

SAID = "Hello from the módel 🙂 server."
BY_MODEL = [pytest.param(quirk, id=f"{quirk.server}: {quirk.words[:40]}") for quirk in QUIRKS]


def function(name: str, *, strict: bool = False) -> FunctionTool:
    return FunctionTool(function=FunctionDefinition(name=name, strict=strict))


def call(call_id: str) -> ChatToolCall:
    return ChatToolCall(id=call_id, function=CalledFunction(name="f", arguments="{}"))


def everything(server: str, model: str) -> ChatRequest:
    """A request that each of the servers refuses."""
    extras = Extras(server=server, model=model, message={"reasoning_content": "Hm."})
    calls = [call("call_first"), call("call_second")]
    return ChatRequest(
        model=model,
        messages=[
            ChatMessage(role="system", content="Be brief."),
            ChatMessage(role="assistant", content="Welcome."),
            ChatMessage(role="user", content="One."),
            ChatMessage(role="user", content="Two."),
            ChatMessage(role="assistant", content="", tool_calls=calls, extras=extras),
            ChatMessage(role="tool", tool_call_id="call_first", content="1"),
            ChatMessage(role="tool", tool_call_id="call_second", content="2"),
            ChatMessage(role="assistant", content="Both."),
        ],
        tools=[function("f", strict=True), function("g")],
        tool_choice=FunctionToolChoice(function=ChosenFunction(name="f")),
        parallel_tool_calls=False,
        temperature=0.2,
        top_p=0.5,
        max_tokens=99,
        reasoning_effort="medium",
    )


def nobody(server: str, model: str) -> ChatRequest:
    """A request in which no user says anything."""
    return ChatRequest(model=model, messages=[ChatMessage(role="system", content="Be brief.")])


def silent(server: str, model: str) -> ChatRequest:
    """A request with calls, and without tools that may be called."""
    request = everything(server, model)
    return ChatRequest(
        model=model, messages=request.messages, tools=request.tools, tool_choice="none"
    )


def request_for(quirk: Quirk, server: str, model: str) -> ChatRequest:
    """A request that this server refuses as it is."""
    for make in (everything, nobody, silent):
        request = make(server, model)
        if quirk.refuses(dict(adjustments.adjust(adjustments.plain_body(request, server), ()))):
            return request
    raise AssertionError("it takes everything")


@pytest.mark.parametrize("quirk", BY_MODEL)
async def test_what_a_server_refuses_is_changed_at_once_and_not_refused_again(
    model_server: ModelServer, quirk: Quirk
) -> None:
    memory = ProcessAdjustmentMemory()
    for expected in (2, 1):  # two providers: what is remembered outlives the first
        provider = OpenAIProvider(model_server.base_url, memory=memory)
        request = request_for(quirk, model_server.base_url, quirk.model)
        assert (await hear(provider, request)).text == SAID
        await provider.close()
        assert len(model_server.bodies()) == expected
        model_server.reset()
    assert await memory.of(model_server.base_url, quirk.model) == {quirk.adjustment}


@pytest.mark.parametrize("quirk", BY_MODEL)
async def test_a_refusal_in_the_place_of_an_answer_is_understood_as_well(
    model_server: ModelServer, openai: OpenAIProvider, quirk: Quirk
) -> None:
    model = f"{quirk.model} in stream"
    assert (await hear(openai, request_for(quirk, model_server.base_url, model))).text == SAID
    assert len(model_server.bodies()) == 2


@pytest.mark.parametrize("form", FORMS)
async def test_a_refusal_counts_in_whatever_form_it_comes(
    model_server: ModelServer, openai: OpenAIProvider, form: str
) -> None:
    assert (await hear(openai, asks(f"refuses {form}", top_p=0.5))).text == SAID
    assert ["top_p" in body for body in model_server.bodies()] == [True, False]


@pytest.mark.parametrize("form", FORMS)
def test_the_words_of_a_refusal_are_told_in_whatever_form_it_comes(form: str) -> None:
    body = FORMS[form](400, "Unknown variant 'x' <here>").body
    assert isinstance(body, bytes)
    said = refusals.read(400, {}, body, secret=None).message
    assert "Unknown variant 'x' <here>" in said


def test_a_page_is_told_without_what_nobody_sees() -> None:
    page = b"<!doctype html><title>T</title><style>a{}</style><h1>Bad&nbsp;request</h1>\n<!-- x -->"
    assert refusals.read(400, {}, page, secret=None).message == "Bad request"


@pytest.mark.parametrize("words", NOT_OF_PARAMETERS)
@pytest.mark.parametrize("status", [400, 422])
def test_what_is_said_of_a_value_changes_nothing(status: int, words: str) -> None:
    """Else one wrong value would keep the parameter from everybody, for a day."""
    assert called_for(words, status=status) == set()


@pytest.mark.parametrize("quirk", BY_MODEL)
@pytest.mark.parametrize("status", [401, 403, 429, 502, 503])
def test_what_is_no_refusal_of_the_request_changes_nothing(status: int, quirk: Quirk) -> None:
    assert called_for(quirk.words, status=status) == set()


def test_a_fault_of_the_server_is_none_of_the_request() -> None:
    assert called_for("temperature is not supported", status=500) == set()


def test_of_several_fields_only_those_that_are_not_known_are_left_out() -> None:
    detail = [
        {"loc": ["body", "top_p"], "msg": "Extra inputs are not permitted"},
        {"loc": ["body", "temperature"], "msg": "Input should be less than 1"},
    ]
    refusal = refusals.read(422, {}, encode({"detail": detail}), secret=None)
    assert named(refusal) == {"without top_p"}
    assert refusal.message == (
        "top_p: Extra inputs are not permitted; temperature: Input should be less than 1"
    )


def test_nothing_is_called_for_that_would_change_nothing() -> None:
    request = ChatRequest(model="m", messages=[ChatMessage(role="user", content="Hello")])
    plain = adjustments.plain_body(request, "http://m")
    for quirk in QUIRKS:
        if quirk.adjustment != "without stream_options":
            assert adjustments.needed_for(of(quirk.words), plain, ()) == set()


def test_every_adjustment_is_known_from_somewhere() -> None:
    """But for those of extras, of which each has the same words."""
    names = {each.name for each in adjustments.ADJUSTMENTS if not each.name.endswith("in messages")}
    assert names == {quirk.adjustment for quirk in QUIRKS} & names


def test_every_kind_is_known_to_need_what_there_is() -> None:
    names = {each.name for each in adjustments.ADJUSTMENTS}
    assert set().union(*kinds.KNOWN.values()) <= names


def test_all_adjustments_together_make_a_request_that_all_servers_take() -> None:
    names = {each.name for each in adjustments.ADJUSTMENTS} - {adjustments.SHOW_TOOLS}
    for make in (everything, nobody, silent):
        body = dict(
            adjustments.adjust(adjustments.plain_body(make("http://m", "m"), "http://m"), names)
        )
        refused = {quirk.adjustment for quirk in QUIRKS if quirk.refuses(body)}
        assert refused <= {adjustments.SHOW_TOOLS}


async def test_a_server_that_goes_on_refusing_is_asked_once_more_at_most(
    model_server: ModelServer, openai: OpenAIProvider
) -> None:
    request = ChatRequest(
        model="turns for ever",
        messages=[
            ChatMessage(role="system", content="Be brief."),
            ChatMessage(role="user", content="One."),
            ChatMessage(role="user", content="Two."),
        ],
    )
    code, message = await fails(openai, request)
    assert code == "invalid_prompt"
    assert message.endswith("Conversation roles must alternate.")
    # as it is, in turns, and without a system message
    assert len(model_server.bodies()) == 3


async def test_what_was_of_use_is_remembered_although_the_request_fails(
    model_server: ModelServer,
) -> None:
    """The server refuses the prompt as well, once it is in its form: the next one is shorter."""
    memory = ProcessAdjustmentMemory()
    provider = OpenAIProvider(model_server.base_url, memory=memory)
    model = "picky about parameters and lengths"
    for expected in (2, 3):
        with pytest.raises(PromptTooLong):
            await hear(provider, asks(model, top_p=0.5))
        assert len(model_server.bodies()) == expected
    await provider.close()
    assert await memory.of(model_server.base_url, model) == {"without top_p"}


async def test_a_server_that_takes_images_as_data_alone_is_told_of(
    model_server: ModelServer, openai: OpenAIProvider
) -> None:
    image = ImageUrlPart(image_url=ImageUrl(url="https://example.com/a.png"))
    message = ChatMessage(role="user", content=[ChatText(text="What is it?"), image])
    code, told = await fails(openai, ChatRequest(model="data only", messages=[message]))
    assert (code, told) == (
        "invalid_prompt",
        f"The model server at {model_server.base_url} fetches no images, and Perdure fetches none "
        "for it: send the image as a file (image_file), or as a data URL. It said: invalid image "
        "input",
    )


def sent(messages: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [(message["role"], message["content"]) for message in messages]


def test_messages_of_one_role_are_joined_with_their_images_and_calls() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:"}}
    text = {"type": "text", "text": "Look."}
    told = message_order.alternating([
        {"role": "user", "content": "Look."},
        {"role": "user", "content": [image]},
        {"role": "assistant", "content": "I see."},
        {"role": "assistant", "content": "", "tool_calls": ["a call"]},
        {"role": "tool", "tool_call_id": "1", "content": "yes"},
        {"role": "tool", "tool_call_id": "2", "content": "no"},
        {"role": "assistant", "content": "Done."},
    ])  # fmt: skip
    assert [(message["role"], message["content"]) for message in told] == [
        ("user", [text, image]), ("assistant", "I see."), ("tool", "yes"), ("tool", "no"),
        ("assistant", "Done."),
    ]  # fmt: skip
    assert told[1]["tool_calls"] == ["a call"]


_SAID = st.fixed_dictionaries({
    "role": st.sampled_from(["user", "assistant"]), "content": st.text("ab", min_size=1),
})  # fmt: skip


@given(st.booleans(), st.lists(_SAID))
def test_any_thread_is_made_alternating_once_and_keeps_every_word(
    has_system: bool, said: list[dict[str, Any]]
) -> None:
    system = [{"role": "system", "content": "Be brief."}] if has_system else []
    told = message_order.alternating([*system, *said])
    roles = [message["role"] for message in told if message["role"] != "system"]
    assert roles
    assert all((role == "user") == (place % 2 == 0) for place, role in enumerate(roles))
    assert message_order.alternating(told) == told
    words = [message["content"] for message in told if message["role"] != "system"]
    begins = not said or said[0]["role"] == "assistant"
    expected = [message_order.OPENING] * begins + [message["content"] for message in said]
    assert "\n\n".join(words) == "\n\n".join(expected)


@given(st.text("<>!-/scripttylehead &;a", max_size=200))
def test_any_page_is_read(inner: str) -> None:
    page = f"<html>{inner}<p>the end</p>".encode()
    told = refusals.read(400, {}, page, secret=None).message
    assert "<html" not in told


def test_calls_that_were_made_at_once_are_told_one_after_the_other() -> None:
    calls = [{"id": "a"}, {"id": "b"}]
    outputs = [{"role": "tool", "tool_call_id": each, "content": each} for each in "ab"]
    told = message_order.one_call_each(
        [{"role": "assistant", "content": "So.", "tool_calls": calls}, *outputs]
    )
    assert told == [
        {"role": "assistant", "content": "So.", "tool_calls": [{"id": "a"}]},
        outputs[0],
        {"role": "assistant", "content": "", "tool_calls": [{"id": "b"}]},
        outputs[1],
    ]


def test_ids_of_calls_are_made_short_each_in_its_own_way_and_the_same_each_time() -> None:
    ids = ["call_a", "abcdef123", "call_b", "call_a"]
    messages = [{"role": "assistant", "content": "", "tool_calls": [{"id": each} for each in ids]}]
    short = message_order.short_ids(messages)
    assert short == message_order.short_ids(messages)
    assert short["abcdef123"] == "abcdef123"
    assert len(set(short.values())) == 3
    assert all(len(each) == 9 and each.isalnum() and each.isascii() for each in short.values())


async def test_an_id_that_the_model_repeats_is_the_call_s_own_again(
    model_server: ModelServer,
) -> None:
    provider = OpenAIProvider(model_server.base_url, kind="mistral")
    request = everything(model_server.base_url, "repeats an id")
    heard = await hear(provider, request)
    await provider.close()
    assert [told[0] for told in heard.calls.values()] == ["call_first"]


def of(words: str, *, status: int = 400) -> Refusal:
    return refusals.read(status, {}, encode({"error": {"message": words}}), secret=None)


def named(refusal: Refusal) -> frozenset[str]:
    plain = adjustments.plain_body(everything("http://m", "m"), "http://m")
    return adjustments.needed_for(refusal, plain, ())


def called_for(words: str, *, status: int) -> frozenset[str]:
    return named(of(words, status=status))
