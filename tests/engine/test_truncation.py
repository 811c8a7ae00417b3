"""What of a thread is kept when not all of it fits."""

from hypothesis import given
from hypothesis import strategies as st

from perdure.engine import truncation
from perdure.engine.budget import Budget
from perdure.providers import tokens
from perdure.wire.chat import ChatMessage

COSTS = st.lists(st.integers(1, 300), min_size=1, max_size=30)
ROOMS = st.integers(-50, 5000)


@st.composite
def threads(draw: st.DrawFn) -> tuple[list[int], int]:
    """The costs of a thread's messages, and the place of the one that must stay."""
    costs = draw(COSTS)
    return costs, draw(st.integers(0, len(costs) - 1))


@given(threads(), ROOMS)
def test_what_is_kept_fits_unless_it_is_the_untouchable_alone(
    thread: tuple[list[int], int], room: int
) -> None:
    costs, untouchable = thread
    kept = truncation.keep(costs, untouchable, room)
    assert untouchable in kept
    assert kept == sorted(set(kept))
    assert sum(costs[place] for place in kept) <= room or kept == [untouchable]


@given(threads(), ROOMS, st.integers(0, 500))
def test_more_room_never_keeps_less(thread: tuple[list[int], int], room: int, more: int) -> None:
    costs, untouchable = thread
    few = truncation.keep(costs, untouchable, room)
    assert set(few) <= set(truncation.keep(costs, untouchable, room + more))


@given(threads())
def test_with_room_for_all_all_are_kept(thread: tuple[list[int], int]) -> None:
    costs, untouchable = thread
    assert truncation.keep(costs, untouchable, sum(costs)) == list(range(len(costs)))


def test_the_middle_goes_first() -> None:
    assert truncation.keep([10] * 20, 19, 100) == [0, 1, *range(12, 20)]


def test_a_first_message_that_is_a_whole_document_does_not_crowd_out_the_latest() -> None:
    assert truncation.keep([500, *[10] * 19], 19, 600) == list(range(1, 20))
    assert truncation.keep([50, *[10] * 19], 19, 210) == [0, *range(4, 20)]


class Asked(list[int]):
    """Costs that know which of them were asked for."""

    def __init__(self, costs: list[int]) -> None:
        super().__init__(costs)
        self.places: set[int] = set()

    def __getitem__(self, place: int) -> int:  # type: ignore[override]  # no slices
        self.places.add(place)
        return super().__getitem__(place)


def test_only_what_fits_and_one_more_is_counted() -> None:
    """Counting is most of what a long thread costs."""
    costs = Asked([10] * 1000)
    kept = truncation.keep(costs, 999, 100)
    assert kept == [0, 1, *range(992, 1000)]
    assert costs.places == {0, 1, 2, *range(991, 1000)}


def test_the_newest_message_of_the_user_stays_though_answers_follow_it() -> None:
    thread = [
        ChatMessage(role="user", content="old " * 50),
        ChatMessage(role="user", content="the question " * 50),
        ChatMessage(role="assistant", content="an answer " * 50),
        ChatMessage(role="assistant", content="one more"),
    ]
    kept = truncation.fit(thread, around=[], tools=None, room=120)
    assert kept == [1, 3]


TEXTS = st.text(alphabet="aé字🙂 ", max_size=80)
MESSAGES = st.lists(
    st.builds(ChatMessage, role=st.sampled_from(["user", "assistant"]), content=TEXTS), max_size=12
)


@given(MESSAGES, st.text("ab ", max_size=60), st.integers(0, 700))
def test_a_prompt_is_never_over_its_room_unless_only_the_untouchable_is_left(
    thread: list[ChatMessage], instructions: str, room: int
) -> None:
    head = [ChatMessage(role="system", content=instructions)]
    places = truncation.fit(thread, around=head, tools=None, room=room)
    assert places == sorted(set(places))
    kept = [thread[place] for place in places]
    users = [message for message in thread if message.role == "user"]
    if users:
        assert any(message is users[-1] for message in kept)
    assert tokens.count_messages([*head, *kept]) <= room or len(kept) <= 1


@given(MESSAGES, st.integers(0, 700))
def test_the_glance_at_the_length_agrees_with_the_count(
    thread: list[ChatMessage], limit: int
) -> None:
    assert tokens.are_within(thread, None, limit) == (tokens.count_messages(thread) <= limit)


def test_a_cap_leaves_room_for_the_prompt_and_an_answer_for_the_cap() -> None:
    prompt = [ChatMessage(role="user", content="word " * 1000)]  # 1,000 and a few tokens
    size = tokens.count_messages(prompt)
    assert Budget(8000).answer_cap(prompt, None) is None
    assert Budget(8000, completion=2000).answer_cap(prompt, None) == 2000
    assert Budget(8000, completion=5000).answer_cap(prompt, None) == 5000
    assert Budget(8000, completion=9000).answer_cap(prompt, None) == 8000 - size - 250
    assert Budget(1000, completion=9000).answer_cap(prompt, None) == 250
