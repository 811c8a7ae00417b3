"""From fragments to calls: each form that was seen, and what holds of all."""

import json
from collections.abc import Iterable, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.engine.assembler import AssembledCall, Assembler, CallBegun
from perdure.errors import ProviderError
from perdure.providers.repair import repair_value
from perdure.wire.chat import ToolCallDelta
from tests.engine import dialects
from tests.engine.dialects import CLEAR, Dialect, Made
from tests.model_servers.calls import CET, FORMS, PARIS, TIME, WEATHER, Form, one_by_one, piece
from tests.model_servers.pieces import Body

OFFERED = (WEATHER, TIME)


class Listener:
    """What somebody knows of the calls who is told of them; nothing can be taken back."""

    def __init__(self, offered: Iterable[str] = OFFERED) -> None:
        self.assembler = Assembler(offered)
        self.begun: list[CallBegun] = []
        self.arguments: list[str] = []

    def feed(self, chunk: Sequence[Body]) -> list[AssembledCall]:
        found = self.assembler.feed(fragments(chunk))
        self.listen()
        return found

    def finish(self) -> None:
        self.assembler.finish()
        self.listen()

    def listen(self) -> None:
        for told in self.assembler.news():
            if isinstance(told, CallBegun):
                assert told.place == len(self.begun), "calls are told in order"
                self.begun.append(told)
                self.arguments.append("")
            else:
                assert told.fragment
                self.arguments[told.place] += told.fragment

    @property
    def calls(self) -> list[tuple[str, str]]:
        names = [told.name for told in self.begun]
        return list(zip(names, self.arguments, strict=True))


def fragments(chunk: Sequence[Body]) -> list[ToolCallDelta]:
    """The fragments as a provider reads them."""
    return msgspec.convert(repair_value(list(chunk)), list[ToolCallDelta])


def assembled(chunks: Iterable[Sequence[Body]], offered: Iterable[str] = OFFERED) -> Listener:
    listener = Listener(offered)
    for chunk in chunks:
        listener.feed(chunk)
    listener.finish()
    return listener


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stream)
def test_each_form_is_read_as_it_is_meant(form: Form) -> None:
    assert assembled(form.chunks).calls == form.calls


def same(first: Made, second: Made) -> bool:
    return first.name == second.name and first.value == second.value


@pytest.mark.parametrize("dialect", CLEAR, ids=lambda dialect: dialect.__name__)
@settings(max_examples=60)
@given(made=dialects.calls(), data=st.data())
def test_calls_come_out_as_they_went_in(
    dialect: Dialect, made: list[Made], data: st.DataObject
) -> None:
    if dialect is dialects.whole_without_ids:
        made = [call for place, call in enumerate(made)
                if not any(same(call, earlier) for earlier in made[:place])]  # fmt: skip
    listener = assembled(dialect(made, data), dialects.OFFERED)
    as_written = dialect is not dialects.as_objects
    expected = [(call.name, call.arguments if as_written else call.value) for call in made]
    found = [(name, said if as_written else json.loads(said)) for name, said in listener.calls]
    # An object without anything in it may be spaced in another way.
    assert [(name, "{}" if said == "{ }" else said) for name, said in found] == expected


@settings(max_examples=60)
@given(made=dialects.calls(), data=st.data())
def test_no_call_is_nameless_or_has_two_values_however_it_is_cut(
    made: list[Made], data: st.DataObject
) -> None:
    for name, arguments in assembled(dialects.any_way(made, data), dialects.OFFERED).calls:
        assert name
        assert values(arguments) < 2


def values(text: str) -> int:
    """How many JSON values stand one behind the other; 0 where something else does, too."""
    count, text = 0, text.strip()
    while text:
        try:
            _, end = json.JSONDecoder().raw_decode(text)
        except ValueError:
            return 0
        count, text = count + 1, text[end:].strip()
    return count


@settings(max_examples=60)
@given(made=dialects.calls(), data=st.data())
def test_fragments_belong_to_the_calls_that_they_are_told_in(
    made: list[Made], data: st.DataObject
) -> None:
    """So whoever keeps what fragments carry besides keeps it with the right call."""
    listener = Listener(dialects.OFFERED)
    chunks = dialects.by_index(made, data)
    owners = {
        fragment["index"]: call
        for chunk in chunks
        for fragment, call in zip(chunk, listener.feed(chunk), strict=True)
    }
    listener.finish()
    assert [call.place for call in owners.values()] == list(range(len(made)))
    assert [call.id for call in owners.values()] == [call.id for call in made]


def test_the_first_id_of_a_call_is_the_one_that_is_told() -> None:
    chunks = one_by_one(piece(0, "a", WEATHER), piece(0, "b", arguments='{"city"'))
    assert [told.id for told in assembled(chunks).begun] == ["a"]


def test_a_name_is_told_when_the_arguments_begin() -> None:
    listener = Listener()
    listener.feed([piece(0, "a", WEATHER, "")])
    listener.feed([piece(0, arguments=" {")])
    assert listener.calls == []
    listener.feed([piece(0, arguments='"city')])
    assert listener.calls == [(WEATHER, ' {"city')]


def test_a_call_without_arguments_holds_up_no_other() -> None:
    """Its name can become no other; its arguments still can."""
    listener = Listener()
    listener.feed([piece(0, "a", WEATHER, "{}")])
    listener.feed([piece(1, "b", TIME, '{"zone')])
    assert listener.calls == [(WEATHER, ""), (TIME, '{"zone')]
    listener.feed([piece(0, arguments=PARIS)])
    listener.finish()
    assert listener.calls == [(WEATHER, PARIS), (TIME, '{"zone')]


def test_a_name_that_may_go_on_is_not_told_before_the_end() -> None:
    listener = Listener()
    listener.feed([piece(0, "a", "get_")])
    listener.feed([piece(1, "b", TIME, CET)])
    assert listener.calls == []
    listener.feed([piece(0, None, "weather")])
    listener.finish()
    assert listener.calls == [(WEATHER, "{}"), (TIME, CET)]


def test_offered_names_that_make_another_one_together_are_that_one() -> None:
    chunks = one_by_one(piece(0, None, "get"), piece(0, None, "_time"), piece(0, arguments=CET))
    listener = assembled(chunks, ("get", "_time", "get_time"))
    assert listener.calls == [("get_time", CET)]


def test_arguments_without_a_name_are_noticed() -> None:
    listener = assembled(one_by_one(piece(0, "a", arguments=PARIS)))
    assert listener.calls == []
    assert listener.assembler.has_nameless
    assert not assembled(one_by_one(piece(0, "a", "", "{}"), piece(1))).assembler.has_nameless


def test_more_calls_than_any_model_makes_are_an_error() -> None:
    message = "The model made more than 1024 tool calls in one answer."
    with pytest.raises(ProviderError, match=message):
        Listener().feed([piece(0, "a", WEATHER, '{"a":1}' * 1025)])
    with pytest.raises(ProviderError, match=message):
        assembled(one_by_one(*(piece(index, None, WEATHER) for index in range(1025))))


def test_objects_without_number_that_say_nothing_are_no_calls() -> None:
    assert assembled([[piece(0, "a", WEATHER, "{}" * 100_000)]]).calls == [(WEATHER, "{}")]


def test_a_name_without_end_has_one_here() -> None:
    chunks = one_by_one(*(piece(0, "a", "name" * 100) for _ in range(100)))
    ((name, _),) = assembled([*chunks, [piece(0, "a", "more", PARIS)]]).calls
    assert len(name) <= 1024
