"""Ways to cut calls into fragments, as strategies: those that can be read in one way only, and any.

A dialect is a function of calls and of a source of choices; it gives the chunks of a stream.
"""

import json
from collections.abc import Callable
from typing import NamedTuple

from hypothesis import strategies as st

from tests.model_servers.calls import piece
from tests.model_servers.pieces import Body


class Made(NamedTuple):
    """A call that a model has made."""

    id: str
    name: str
    arguments: str

    @property
    def value(self) -> object:
        return json.loads(self.arguments)


Chunks = list[list[Body]]
Dialect = Callable[[list[Made], st.DataObject], Chunks]

OFFERED = ("get_weather", "get_time", "search", "do")
_KEYS = st.text(max_size=3)
_LEAVES = st.sampled_from(
    [None, True, 5, -2.5, '"', "\\", "{", "}", '\\"}', "{}", "[", "]{", "🙂", ",;"]
) | st.text(max_size=5)
_VALUES = _LEAVES | st.lists(_LEAVES, max_size=2) | st.dictionaries(_KEYS, _LEAVES, max_size=2)
_OBJECTS = st.dictionaries(_KEYS, _VALUES, max_size=3)


@st.composite
def calls(draw: st.DrawFn, *, most: int = 4) -> list[Made]:
    """Some calls, with ids of their own and arguments that are JSON objects."""
    made = []
    for place in range(draw(st.integers(1, most))):
        indent = draw(st.sampled_from([None, 1]))
        ascii_only = draw(st.booleans())
        arguments = json.dumps(draw(_OBJECTS), indent=indent, ensure_ascii=ascii_only)
        made.append(Made(f"id_{place}", draw(st.sampled_from(OFFERED)), arguments))
    return made


def cut(text: str, data: st.DataObject) -> list[str]:
    """The text in pieces."""
    places = sorted(data.draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=6)))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True) if text[a:b]]


def mixed(streams: list[list[Body]], data: st.DataObject) -> Chunks:
    """The fragments of several calls mixed, with the first ones of each in order."""
    chunks, left, opened = [], [list(stream) for stream in streams], 0
    while any(left):
        may = [place for place, stream in enumerate(left[: opened + 1]) if stream]
        if not may:
            may = [opened]
        place = data.draw(st.sampled_from(may))
        opened = max(opened, place + 1)
        chunks.append([left[place].pop(0)])
    return chunks


def _one_after_another(streams: list[list[Body]]) -> Chunks:
    return [[fragment] for stream in streams for fragment in stream]


def by_index(made: list[Made], data: st.DataObject) -> Chunks:
    """As the format has it, the fragments of all calls mixed; indexes from anywhere."""
    return _by_index(made, data, data.draw(st.integers(0, 2)))


def _by_index(made: list[Made], data: st.DataObject, first: int) -> Chunks:
    return mixed(
        [
            [piece(index, call.id, call.name, ""),
             *(piece(index, arguments=part) for part in cut(call.arguments, data))]
            for index, call in enumerate(made, first)
        ],
        data,
    )  # fmt: skip


def name_in_all(made: list[Made], data: st.DataObject) -> Chunks:
    """Name and id in each fragment."""
    return mixed(
        [
            [piece(index, call.id, call.name, part) for part in cut(call.arguments, data)]
            for index, call in enumerate(made)
        ],
        data,
    )


def new_ids(made: list[Made], data: st.DataObject) -> Chunks:
    """A new id with each fragment, with the name or without."""
    named = data.draw(st.booleans())
    return mixed(
        [
            [piece(index, call.id, call.name, ""),
             *(piece(index, f"{call.id}_{number}", call.name if named else None, part)
               for number, part in enumerate(cut(call.arguments, data)))]
            for index, call in enumerate(made)
        ],
        data,
    )  # fmt: skip


def counted_fragments(made: list[Made], data: st.DataObject) -> Chunks:
    """An index that counts fragments, and the id with each of them."""
    named = data.draw(st.booleans())
    parts = [
        (call, number, part)
        for call in made
        for number, part in enumerate(["", *cut(call.arguments, data)])
    ]
    return [
        [piece(index, call.id, call.name if named or not number else None, part)]
        for index, (call, number, part) in enumerate(parts)
    ]


def late_names(made: list[Made], data: st.DataObject) -> Chunks:
    """The id, then the name, perhaps in pieces, then the arguments."""
    return mixed(
        [
            [piece(index, call.id, "", ""),
             *(piece(index, None, part) for part in cut(call.name, data)),
             *(piece(index, arguments=part) for part in cut(call.arguments, data))]
            for index, call in enumerate(made)
        ],
        data,
    )  # fmt: skip


def late_ids(made: list[Made], data: st.DataObject) -> Chunks:
    """The name, then the id, then the arguments."""
    return mixed(
        [
            [piece(index, None, call.name), piece(index, call.id),
             *(piece(index, arguments=part) for part in cut(call.arguments, data))]
            for index, call in enumerate(made)
        ],
        data,
    )  # fmt: skip


def ids_at_one_index(made: list[Made], data: st.DataObject) -> Chunks:
    """All at index 0, or without an index, one after the other, with the id in each fragment or in
    the first.
    """
    index = data.draw(st.sampled_from([0, None]))
    repeats = data.draw(st.booleans())
    return _one_after_another(
        [
            [piece(index, call.id, call.name, ""),
             *(piece(index, call.id if repeats else None, None, part)
               for part in cut(call.arguments, data))]
            for call in made
        ]
    )  # fmt: skip


def whole_with_ids(made: list[Made], data: st.DataObject) -> Chunks:
    """Each whole in a chunk, at index 0 or without an index."""
    index = data.draw(st.sampled_from([0, None]))
    return [[piece(index, call.id, call.name, call.arguments)] for call in made]


def whole_without_ids(made: list[Made], data: st.DataObject) -> Chunks:
    """Each whole in a chunk, at index 0 or without one, with an empty id or without one; none is
    like another.
    """
    index, call_id = data.draw(st.sampled_from([0, None])), data.draw(st.sampled_from(["", None]))
    return [[piece(index, call_id, call.name, call.arguments)] for call in made]


def in_one_chunk(made: list[Made], data: st.DataObject) -> Chunks:
    """All in one chunk, with or without ids and indexes."""
    index = data.draw(st.sampled_from([0, None]))
    with_ids = data.draw(st.booleans())
    return [[piece(index, call.id if with_ids else None, call.name, call.arguments)
             for call in made]]  # fmt: skip


def as_objects(made: list[Made], data: st.DataObject) -> Chunks:
    """Arguments that are objects, at their index."""
    return [[piece(index, call.id, call.name, call.value)] for index, call in enumerate(made)]


def repeated_at_the_end(made: list[Made], data: st.DataObject) -> Chunks:
    """All calls once more in the last chunk, spaced in another way."""
    again = [piece(index, call.id, call.name, json.dumps(call.value, separators=(",", ":")))
             for index, call in enumerate(made)]  # fmt: skip
    return [*_by_index(made, data, 0), again]


def empty_first(made: list[Made], data: st.DataObject) -> Chunks:
    """An empty object before the arguments."""
    return _one_after_another(
        [
            [piece(index, call.id, call.name, "{}"),
             *(piece(index, arguments=part) for part in cut(call.arguments, data))]
            for index, call in enumerate(made)
        ]
    )  # fmt: skip


def nothing_between(made: list[Made], data: st.DataObject) -> Chunks:
    """As the format has it, with calls of nothing before, between and behind."""
    chunks = _by_index(made, data, 0)
    for _ in range(data.draw(st.integers(1, 3))):
        nothing = data.draw(
            st.sampled_from([piece(50), piece(51, "none"), piece(52, "", "", ""), piece(0)])
        )
        chunks.insert(data.draw(st.integers(1, len(chunks))), [nothing])
    return chunks


CLEAR: list[Dialect] = [
    by_index, name_in_all, new_ids, counted_fragments, late_names, late_ids, ids_at_one_index,
    whole_with_ids, whole_without_ids, in_one_chunk, as_objects, repeated_at_the_end,
    empty_first, nothing_between,
]  # fmt: skip


def any_way(made: list[Made], data: st.DataObject) -> Chunks:
    """Whatever a server may think of, as long as it says things in order."""
    indexes = data.draw(st.sampled_from(["own", "0", "none", "counted"]))
    ids = data.draw(st.sampled_from(["own", "one", "first", "new", "empty", "none"]))
    if indexes == "counted" and ids not in ("own", "one"):
        # Nothing keeps the fragments of a call together.
        indexes = "0"
    names = data.draw(st.sampled_from(["first", "all", "late", "none"]))
    parts = data.draw(st.sampled_from(["whole", "cut", "empty first"]))
    chunks: Chunks = []
    for place, call in enumerate(made):
        pieces = [call.arguments] if parts == "whole" else cut(call.arguments, data)
        if parts == "empty first":
            pieces.insert(0, "")
        for number, part in enumerate(pieces):
            named = {"first": number == 0, "all": True, "late": number == len(pieces) - 1}
            chunks.append([
                piece(
                    {"own": place, "0": 0, "none": None, "counted": len(chunks)}[indexes],
                    {"own": call.id, "first": call.id if number == 0 else None,
                     "new": f"id_{place}_{number}", "one": "id", "empty": ""}.get(ids),
                    call.name if named.get(names) else None,
                    part,
                )
            ])  # fmt: skip
    return chunks
