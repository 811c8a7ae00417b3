"""The ways in which model servers cut tool calls, and what is meant by each.

`docs/tool-calls.md` is printed from this list, the tests go through it, and the model server
answers in each of these ways: the model's name is the form's.
"""

from typing import NamedTuple

from aiohttp import web

from tests.model_servers.pieces import DONE, STOP, Body, Handler, chunk, send

PARIS, ROME, CET = '{"city":"Paris"}', '{"city":"Rome"}', '{"zone":"CET"}'
WEATHER, TIME = "get_weather", "get_time"

Call = tuple[str, str]
ONE: list[Call] = [(WEATHER, PARIS)]
BOTH: list[Call] = [(WEATHER, PARIS), (TIME, CET)]
ALIKE: list[Call] = [(WEATHER, PARIS), (WEATHER, ROME)]
BARE: list[Call] = [(WEATHER, "{}")]


class Form(NamedTuple):
    """One way to cut calls: in words, the chunks with their fragments, the calls that are meant,
    and what tells that.
    """

    stream: str
    chunks: list[list[Body]]
    calls: list[Call]
    decides: str


def piece(
    index: object = 0, call_id: object = None, name: object = None, arguments: object = None
) -> Body:
    """A fragment; what is None is left out."""
    function = {"name": name, "arguments": arguments}
    fields: Body = {"index": index, "id": call_id}
    fields["function"] = {key: each for key, each in function.items() if each is not None}
    return {key: each for key, each in fields.items() if each not in (None, {})}


def one_by_one(*fragments: Body) -> list[list[Body]]:
    """Each fragment in a chunk of its own."""
    return [[fragment] for fragment in fragments]


PROTOCOL = [
    Form(
        "Each call at an index of its own; the id and the name with its first fragment",
        one_by_one(
            piece(0, "a", WEATHER, ""), piece(0, arguments='{"city":'),
            piece(0, arguments='"Paris"}'), piece(1, "b", TIME, ""), piece(1, arguments=CET),
        ),
        BOTH,
        "The index",
    ),
    Form(
        "The same, with the fragments of the calls mixed",
        one_by_one(
            piece(0, "a", WEATHER), piece(1, "b", TIME), piece(0, arguments='{"city":'),
            piece(1, arguments='{"zone"'), piece(0, arguments='"Paris"}'),
            piece(1, arguments=':"CET"}'),
        ),
        BOTH,
        "The index",
    ),
    Form(
        "Indexes that begin with 1",
        one_by_one(piece(1, "a", WEATHER, PARIS), piece(2, "b", TIME, CET)),
        BOTH,
        "The index, whatever it counts from",
    ),
    Form(
        "Indexes that are strings",
        one_by_one(
            piece("0", "a", WEATHER, ""), piece("0", arguments=PARIS), piece("1", "b", TIME, CET)
        ),
        BOTH,
        "The index, read as a number",
    ),
    Form(
        "Ids that are numbers",
        one_by_one(piece(0, 1, WEATHER, PARIS), piece(0, 2, WEATHER, ROME)),
        ALIKE,
        "The id, read as a string",
    ),
    Form(
        "Ids, indexes and names of other types",
        one_by_one(piece({}, [1], WEATHER, ""), piece(None, {}, 5, PARIS)),
        ONE,
        "They are taken as missing",
    ),
]  # fmt: skip

SHARED = [
    Form(
        "Several calls at index 0, each with an id of its own",
        one_by_one(
            piece(0, "a", WEATHER, ""), piece(0, arguments=PARIS),
            piece(0, "b", TIME, ""), piece(0, arguments=CET),
        ),
        BOTH,
        "Another id and another name",
    ),
    Form(
        "The same, all calls of one function",
        one_by_one(
            piece(0, "a", WEATHER, ""), piece(0, "a", arguments=PARIS),
            piece(0, "b", WEATHER, ""), piece(0, "b", arguments=ROME),
        ),
        ALIKE,
        "Another id behind complete arguments",
    ),
    Form(
        "The same, all calls announced before the first arguments",
        one_by_one(
            piece(0, "a", WEATHER), piece(0, "b", TIME),
            piece(0, "a", arguments=PARIS), piece(0, "b", arguments=CET),
        ),
        BOTH,
        "The id",
    ),
    Form(
        "The same, whole in a chunk each",
        one_by_one(piece(0, "a", WEATHER, PARIS), piece(0, "b", WEATHER, ROME)),
        ALIKE,
        "Another id behind complete arguments",
    ),
    Form(
        "Several calls at index 0 with empty ids, whole in a chunk each",
        one_by_one(piece(0, "", WEATHER, PARIS), piece(0, "", TIME, CET)),
        BOTH,
        "A name behind complete arguments",
    ),
    Form(
        "Several calls without id and index, whole in a chunk each",
        one_by_one(
            piece(None, None, WEATHER, PARIS), piece(None, None, TIME, CET),
            piece(None, None, TIME, "{}"),
        ),
        [*BOTH, (TIME, "{}")],
        "A name behind complete arguments",
    ),
    Form(
        "Several calls without id and index, in one chunk",
        [[piece(None, None, WEATHER, PARIS), piece(None, None, WEATHER, PARIS)]],
        [*ONE, *ONE],
        "A name behind complete arguments; no server says a call twice in one chunk",
    ),
    Form(
        "A second object behind complete arguments, with the name",
        one_by_one(piece(0, "a", WEATHER, PARIS), piece(0, None, WEATHER, '{"city":'),
                   piece(0, arguments='"Rome"}')),
        ALIKE,
        "The end of the first object",
    ),
    Form(
        "A second object behind complete arguments, without a name",
        one_by_one(piece(0, "a", WEATHER, PARIS), piece(0, arguments=ROME)),
        ALIKE,
        "The end of the first object; the name is that of the call before",
    ),
    Form(
        "Two objects in one fragment",
        one_by_one(piece(0, "a", WEATHER, f"{PARIS}\n{ROME}")),
        ALIKE,
        "The end of the first object; white space, commas and semicolons between are left out",
    ),
    Form(
        "A call in fragments without an index",
        one_by_one(piece(None, "a", WEATHER, ""), piece(None, arguments='{"city"'),
                   piece(None, arguments=':"Paris"}')),
        ONE,
        "What neither an id nor a name begins goes on with the call before",
    ),
    Form(
        "Calls in fragments without an index, with ids",
        one_by_one(
            piece(None, "a", WEATHER), piece(None, "a", arguments='{"city"'),
            piece(None, "b", TIME), piece(None, "b", arguments=CET),
            piece(None, "a", arguments=':"Paris"}'),
        ),
        BOTH,
        "The id",
    ),
]  # fmt: skip

LATE = [
    Form(
        "The name later than the id",
        one_by_one(piece(0, "a", "", ""), piece(0, "a", WEATHER, PARIS)),
        ONE,
        "The index; a call is told when its name is known",
    ),
    Form(
        "The id later than the name",
        one_by_one(piece(0, None, WEATHER), piece(0, "a", arguments=PARIS)),
        ONE,
        "The index; an id that comes when the call was told is too late, and the call has one of "
        "ours",
    ),
    Form(
        "The arguments before the name",
        one_by_one(piece(0, "a", arguments='{"city":'), piece(0, None, WEATHER, '"Paris"}')),
        ONE,
        "The index",
    ),
    Form(
        "The name repeated in each fragment",
        one_by_one(piece(0, "a", WEATHER, ""), piece(0, "a", WEATHER, '{"city":'),
                   piece(0, None, WEATHER, '"Paris"}')),
        ONE,
        "The same name before the arguments are complete",
    ),
    Form(
        "The name in pieces",
        one_by_one(piece(0, "a", "get_"), piece(0, None, "weather", ""), piece(0, arguments=PARIS)),
        ONE,
        "Pieces before the first arguments are joined",
    ),
    Form(
        "A new id with each fragment, without the name",
        one_by_one(piece(0, "a", WEATHER, ""), piece(0, "b", arguments='{"city":'),
                   piece(0, "c", arguments='"Paris"}')),
        ONE,
        "The index: an id begins no call without a name",
    ),
    Form(
        "A new id with each fragment, with the name",
        one_by_one(piece(0, "a", WEATHER, ""), piece(0, "b", WEATHER, '{"city":'),
                   piece(0, "c", WEATHER, '"Paris"}'), piece(0, "d", WEATHER, "")),
        ONE,
        "The same name before the arguments are complete; nothing behind them is no call",
    ),
    Form(
        "A new index with each fragment, and one id",
        one_by_one(piece(0, "a", WEATHER, ""), piece(1, "a", arguments='{"city":'),
                   piece(2, "a", WEATHER, '"Paris"}')),
        ONE,
        "The id, until the arguments are complete",
    ),
    Form(
        "The same id for all calls, at an index each",
        one_by_one(piece(0, "a", WEATHER, PARIS), piece(1, "a", TIME, ""), piece(1, arguments=CET)),
        BOTH,
        "The index",
    ),
    Form(
        "The same id for all calls, at one index",
        one_by_one(piece(0, "a", WEATHER, PARIS), piece(0, "a", TIME, CET),
                   piece(0, "a", TIME, PARIS)),
        [*BOTH, (TIME, PARIS)],
        "Another name, or an object behind complete arguments",
    ),
    Form(
        "A second id at one index, and it goes on with it",
        one_by_one(piece(0, "a", WEATHER, ""), piece(0, "b", arguments='{"city":'),
                   piece(0, "b", arguments='"Paris"}')),
        ONE,
        "The index, as in the official SDK; the first id is the call's",
    ),
]  # fmt: skip

ARGUMENTS = [
    Form("Arguments as an object", one_by_one(piece(0, "a", WEATHER, {"city": "Paris"})), ONE,
         "They are written as JSON"),
    Form("Arguments that are an empty string", one_by_one(piece(0, "a", WEATHER, "")), BARE,
         "A call without arguments has `{}`"),
    Form("Arguments that are `null`",
         [[{"index": 0, "id": "a", "function": {"name": WEATHER, "arguments": None}}]], BARE,
         "A call without arguments has `{}`"),
    Form("Arguments that are the string `null`", one_by_one(piece(0, "a", WEATHER, "null")), BARE,
         "A call without arguments has `{}`"),
    Form("Arguments that are missing", one_by_one(piece(0, "a", WEATHER)), BARE,
         "A call without arguments has `{}`"),
    Form("Arguments that are white space",
         one_by_one(piece(0, "a", WEATHER, " "), piece(0, arguments="\n")), BARE,
         "A call without arguments has `{}`"),
    Form("An empty object, and then the arguments without a name",
         one_by_one(piece(0, "a", WEATHER, "{}"), piece(0, arguments='{"city":'),
                    piece(0, arguments='"Paris"}')),
         ONE, "An empty object says nothing yet: it is told with the end"),
    Form("Arguments that are no JSON",
         one_by_one(piece(0, "a", WEATHER, '{"city": Paris'), piece(1, "b", TIME, "CET {}")),
         [(WEATHER, '{"city": Paris'), (TIME, "CET {}")], "They stay as the model wrote them"),
    Form("Text behind complete arguments",
         one_by_one(piece(0, "a", WEATHER, PARIS), piece(0, arguments="\n}")),
         [(WEATHER, PARIS + "\n}")], "It stays as the model wrote it"),
    Form("Another JSON value behind complete arguments, but no object",
         one_by_one(piece(0, "a", WEATHER, PARIS + '"}')), ONE, "It is left out"),
]  # fmt: skip

REPEATED = [
    Form("The whole call repeated in the last chunk",
         one_by_one(piece(0, "a", WEATHER, ""), piece(0, arguments='{"city":'),
                    piece(0, arguments='"Paris"}'), piece(0, "a", WEATHER, '{"city": "Paris"}')),
         ONE, "The same arguments, however they are spaced, without another id"),
    Form("All calls repeated in the last chunk, at one index",
         [[piece(0, "a", WEATHER, PARIS)], [piece(0, "b", TIME, CET)],
          [piece(0, "a", WEATHER, PARIS), piece(0, "b", TIME, CET)]],
         BOTH, "The same arguments under the same id"),
    Form("All calls repeated in the last chunk, without ids",
         [[piece(0, None, WEATHER, PARIS)], [piece(0, None, TIME, CET)],
          [piece(0, None, WEATHER, PARIS), piece(0, None, TIME, CET)]],
         BOTH, "The same name and the same arguments in a later chunk, without an id"),
    Form("A call of nothing", one_by_one(piece(0, "a", WEATHER, PARIS), piece(1), piece(2, "b"),
                                         piece(3, "c", "", "")), ONE,
         "Without a name there is no call"),
    Form("Arguments that have no name", one_by_one(piece(0, "a", WEATHER, PARIS),
                                                   piece(1, "b", arguments=CET)), ONE,
         "Without a name there is no call; an answer of nothing else fails the run"),
]  # fmt: skip

NAMES = [
    Form(f"A name with debris: `{written}`", one_by_one(piece(0, "a", written, PARIS)), ONE,
         "What is left of the name is that of an offered tool")
    for written in ("get_weather<|channel|>commentary", "<|tool_call|>get_weather",
                    "functions.get_weather", "functions.get_weather:0", "default_api:get_weather",
                    "<tool_call>get_weather", "get_weather()", ' "get_weather" ')
] + [
    Form("A name with debris in pieces",
         one_by_one(piece(0, "a", WEATHER), piece(0, None, "<|channel|>"),
                    piece(0, None, "commentary", ""), piece(0, arguments=PARIS)),
         ONE, "What is left of the name is that of an offered tool"),
    Form("A name that is none of the offered ones", one_by_one(piece(0, "a", "get_wind", PARIS)),
         [("get_wind", PARIS)], "It stays as the model wrote it"),
]  # fmt: skip

AMBIGUOUS = [
    Form("The same call twice at one index, without ids, in two chunks. "
         "Two calls, or one that is repeated?",
         one_by_one(piece(0, None, WEATHER, PARIS), piece(0, None, WEATHER, PARIS)),
         ONE, "One: what is done twice by mistake is worse than what is asked for again"),
    Form("The same call twice at one index, with two ids. Two calls, or one with new ids?",
         one_by_one(piece(0, "a", WEATHER, PARIS), piece(0, "b", WEATHER, PARIS)),
         [*ONE, *ONE], "Two: whoever makes an id for each call means each call"),
    Form("Another id and another name while the arguments are incomplete. Two calls, or one?",
         one_by_one(piece(0, "a", WEATHER, '{"city":'), piece(0, "b", TIME, CET),
                    piece(0, "a", arguments='"Paris"}')),
         BOTH, "Two: a call has one name. The official SDK makes one of what shares an index"),
    Form("Another id and the same name before there are arguments. Two calls, or one?",
         one_by_one(piece(0, "a", WEATHER), piece(0, "b", WEATHER), piece(0, "b", arguments=PARIS)),
         ONE, "One, as in the official SDK; a second object behind the arguments is a second call"),
    Form("The names of two offered tools, one behind the other, without ids. Two calls, or a name "
         "in pieces?",
         one_by_one(piece(0, None, WEATHER), piece(0, None, TIME)),
         [(WEATHER, "{}"), (TIME, "{}")], "Two, unless both together are an offered name"),
    Form("An empty object, and then another one with the name, without ids. Two calls, or one that "
         "began empty?",
         one_by_one(piece(0, None, WEATHER, "{}"), piece(0, None, WEATHER, PARIS)),
         [*BARE, *ONE], "Two: a name behind complete arguments begins a call"),
    Form("The same with one id",
         one_by_one(piece(0, "a", WEATHER, "{}"), piece(0, "a", WEATHER, PARIS)),
         ONE, "One: the id says that the call goes on"),
    Form("An empty object behind complete arguments, without a name. A second call, or nothing?",
         one_by_one(piece(0, "a", WEATHER, PARIS), piece(0, arguments="{}")),
         ONE, "Nothing"),
    Form("A new id and the same name behind complete arguments, and then `{}`",
         one_by_one(piece(0, "a", WEATHER, PARIS), piece(0, "b", WEATHER, ""),
                    piece(0, arguments="{}")),
         [*ONE, *BARE], "A call: its arguments were written"),
    Form("A name that is told, and then another piece of it",
         one_by_one(piece(0, "a", WEATHER, '{"city":'), piece(0, "a", "_now", '"Paris"}')),
         ONE, "What was told is not taken back"),
]  # fmt: skip

PARTS: dict[str, list[Form]] = {
    "As the format has it, or almost": PROTOCOL,
    "Calls that share an index, or have none": SHARED,
    "Names and ids that come late, again or changed": LATE,
    "Arguments": ARGUMENTS,
    "Said twice, and not said": REPEATED,
    "Names": NAMES,
    "Streams that can be read in two ways": AMBIGUOUS,
}
FORMS = [form for forms in PARTS.values() for form in forms]


def _answers(form: Form) -> Handler:
    """Makes these calls, and says a word once their outputs are there."""

    async def handler(request: web.Request, body: Body, number: int) -> web.StreamResponse:
        messages = body["messages"]
        assert isinstance(messages, list)
        if messages[-1]["role"] == "tool":
            return await send(request, chunk({"content": "Done."}), STOP, DONE)
        events = (chunk({"tool_calls": fragments}) for fragments in form.chunks)
        return await send(request, *events, chunk({}, "tool_calls"), DONE)

    return handler


CALLS: dict[str, Handler] = {f"calls {place}": _answers(form) for place, form in enumerate(FORMS)}
