"""Runs on models whose window is too small for their thread."""

import pytest

from perdure.engine.windows import Windows
from perdure.wire.runs import TruncationStrategy
from perdure.wire.tools import FunctionDefinition, FunctionTool
from tests.engine.upstream import Upstream
from tests.model_servers.endings import ERRORS

# ten words each, the number first
THREAD = [f"{number} is the number of this message of ten words" for number in range(300)]
SAID = "Hello from the módel 🙂 server."


def numbers(texts: list[str]) -> list[int]:
    """Which messages of the thread a request held."""
    return [int(text.split()[0]) for text in texts]


async def test_a_thread_that_fits_is_sent_whole(upstream: Upstream) -> None:
    run = await upstream.run("window-3000", *THREAD)
    assert run.status == "completed"
    assert upstream.sent() == [THREAD]


async def test_a_known_window_is_kept_at_the_first_try_and_leaves_room_for_the_answer(
    upstream: Upstream,
) -> None:
    upstream.use(windows={"window-*": 2000})
    run = await upstream.run("window-2000", *THREAD, instructions="Be brief.")
    assert run.status == "completed"
    ((system, *sent),) = upstream.sent()
    assert system == "Be brief."
    # 1,500 tokens at 13 or 14 a message: a quarter of the window is kept for the answer
    assert numbers(sent)[:4] == [0, 1, 2, 3]
    assert numbers(sent)[4:] == list(range(300 - len(sent) + 4, 300))
    assert 100 <= len(sent) <= 115


async def test_a_window_that_the_server_tells_is_learnt_and_the_run_goes_on(
    upstream: Upstream,
) -> None:
    run = await upstream.run("window-1000", *THREAD)
    assert (run.status, run.last_error) == ("completed", None)
    whole, cut = upstream.sent()
    assert whole == THREAD
    assert numbers(cut)[0] == 0
    assert numbers(cut)[-1] == 299
    assert await upstream.stage.thread(run) == [
        *(("user", "completed", text) for text in THREAD),
        ("assistant", "completed", SAID),
    ]
    assert await upstream.stage.told(run) == [
        "thread.run.created", "thread.run.queued", "thread.run.in_progress",
        "thread.run.step.created", "thread.run.step.in_progress", "thread.message.created",
        "thread.message.in_progress", "thread.message.completed", "thread.run.step.completed",
        "thread.run.completed",
    ]  # fmt: skip
    # and it is known from now on
    assert (await upstream.run("window-1000", *THREAD)).status == "completed"
    assert len(upstream.sent()) == 3


@pytest.mark.parametrize("form", ERRORS)
async def test_a_refusal_in_the_place_of_an_answer_teaches_the_window_in_any_form(
    upstream: Upstream, form: str
) -> None:
    run = await upstream.run(f"window-by-{form}-1000", *THREAD)
    assert (run.status, run.last_error) == ("completed", None)
    whole, cut = upstream.sent()
    assert whole == THREAD
    assert numbers(cut)[-1] == 299
    assert (await upstream.stage.thread(run))[-1] == ("assistant", "completed", SAID)
    assert upstream.stage.means.windows.of(f"window-by-{form}-1000") == 1000


@pytest.mark.parametrize("model", ["mute-window-1000", "dense-window-2000"])
async def test_a_server_that_does_not_tell_its_window_is_tried_with_less_and_less(
    upstream: Upstream, model: str
) -> None:
    """300 messages of 13 tokens each: halved until the server takes it; or by quarters, where
    the limit that it tells is in other tokens than ours.
    """
    run = await upstream.run(model, *THREAD)
    assert run.status == "completed"
    lengths = [len(texts) for texts in upstream.sent()]
    assert lengths == sorted(set(lengths), reverse=True)
    assert len(lengths) == 3
    assert all(numbers(texts)[-1] == 299 for texts in upstream.sent())


async def test_a_server_to_which_everything_is_too_much_is_not_asked_for_ever(
    upstream: Upstream,
) -> None:
    run = await upstream.run("no-window", *THREAD)
    assert run.last_error is not None
    assert (run.status, run.last_error.code) == ("failed", "invalid_prompt")
    assert len(upstream.sent()) <= 6
    assert await upstream.stage.steps(run) == []


async def test_what_was_said_is_not_said_again_with_less_context(upstream: Upstream) -> None:
    run = await upstream.run("late-window", *THREAD)
    assert run.last_error is not None
    assert (run.status, run.last_error.code) == ("failed", "invalid_prompt")
    assert len(upstream.sent()) == 1
    assert (await upstream.stage.thread(run))[-1] == ("assistant", "incomplete", "Hello from ")


async def test_the_newest_message_is_never_left_out_and_what_does_not_fit_fails(
    upstream: Upstream,
) -> None:
    run = await upstream.run("window-1000", "short", "word " * 1500)
    assert run.last_error is not None
    assert (run.status, run.last_error.code) == ("failed", "invalid_prompt")
    assert run.last_error.message == (
        f"The model server at {upstream.server.base_url} refused the request: This model's maximum "
        "context length is 1000 tokens. However, you requested 1501 tokens. Please reduce the "
        "length of the messages."
    )
    assert [len(texts) for texts in upstream.sent()] == [2, 1]


async def test_last_messages_are_exactly_the_newest_whatever_the_window(
    upstream: Upstream,
) -> None:
    upstream.use(windows={"text": 600})
    strategy = TruncationStrategy(type="last_messages", last_messages=100)
    await upstream.run("text", *THREAD, truncation_strategy=strategy)
    assert upstream.sent() == [THREAD[-100:]]


async def test_the_prompt_budget_cuts_like_the_window(upstream: Upstream) -> None:
    run = await upstream.run("text", *THREAD, max_prompt_tokens=700)
    assert run.status == "completed"
    (sent,) = upstream.sent()
    assert numbers(sent)[:4] == [0, 1, 2, 3]
    assert numbers(sent)[-1] == 299
    assert 48 <= len(sent) <= 54


async def test_the_prompt_budget_is_for_the_whole_run_and_ends_it_when_nothing_fits(
    upstream: Upstream,
) -> None:
    """The model server reports 11 tokens a call, so 11 less are left for the second."""
    stage = upstream.stage
    function = FunctionTool(function=FunctionDefinition(name="get_weather"))
    run = await upstream.run("tools", *THREAD, tools=[function], max_prompt_tokens=700)
    assert run.status == "requires_action"
    run = await stage.execute(await stage.submit(run, "word " * 400))
    assert run.status == "incomplete"
    assert run.incomplete_details is not None
    assert run.incomplete_details.reason == "max_prompt_tokens"
    assert run.usage is not None
    assert run.usage.prompt_tokens == 11
    assert len(upstream.sent()) == 1


async def test_the_results_of_this_run_stay_when_the_thread_is_cut(upstream: Upstream) -> None:
    stage = upstream.stage
    function = FunctionTool(function=FunctionDefinition(name="get_weather"))
    upstream.use(windows={"tools": 2000})
    run = await upstream.run("tools", *THREAD, tools=[function])
    run = await stage.execute(await stage.submit(run, "word " * 600))
    assert run.status == "requires_action"
    first, second = upstream.bodies()
    assert isinstance(first["messages"], list)
    assert isinstance(second["messages"], list)
    assert len(second["messages"]) < len(first["messages"]) - 80
    assert [message["role"] for message in second["messages"][-4:]] == [
        "user", "assistant", "tool", "tool",
    ]  # fmt: skip
    assert second["messages"][-4]["content"] == THREAD[-1]


async def test_the_cap_of_an_answer_is_what_is_left_of_the_budget(upstream: Upstream) -> None:
    """The model server reports 6 tokens for each answer."""
    stage = upstream.stage
    function = FunctionTool(function=FunctionDefinition(name="get_weather"))
    run = await upstream.run("tools", tools=[function], max_completion_tokens=14)
    run = await stage.execute(await stage.submit(run, "21"))
    run = await stage.execute(await stage.submit(run, "22"))
    assert [body["max_tokens"] for body in upstream.bodies()] == [14, 8, 2]
    run = await stage.execute(await stage.submit(run, "23"))
    assert run.status == "incomplete"
    assert run.incomplete_details is not None
    assert run.incomplete_details.reason == "max_completion_tokens"
    assert run.usage is not None
    assert run.usage.completion_tokens == 18


async def test_a_cap_beyond_the_window_is_cut_to_what_the_window_has_left(
    upstream: Upstream,
) -> None:
    """As vLLM and others do, the server refuses a cap that does not fit beside the prompt."""
    run = await upstream.run("window-1000", "word " * 500, max_completion_tokens=5000)
    assert run.status == "completed"
    caps = [body["max_tokens"] for body in upstream.bodies()]
    assert caps[0] == 5000
    assert isinstance(caps[1], int)
    assert 400 <= caps[1] <= 500
    assert len(caps) == 2


@pytest.mark.parametrize(
    ("sent", "limit", "learnt"),
    [(10_000, 8_000, 8_000), (10_000, None, 5_000), (6_000, 8_000, 4_500), (600, 100, 512),
     (600, None, 512), (90_000, 80_000, 50_000)],
)  # fmt: skip
def test_what_is_learnt_is_less_than_what_was_refused_and_never_absurd(
    sent: int, limit: int | None, learnt: int
) -> None:
    windows = Windows(lambda _: None, unknown=50_000)
    assert windows.of("m") == 50_000
    windows.learn("m", sent=sent, limit=limit)
    assert (windows.of("m"), windows.of("other")) == (learnt, 50_000)


def test_what_is_configured_is_the_window_until_a_server_disagrees() -> None:
    windows = Windows({"m": 100_000}.get, unknown=50_000)
    assert windows.of("m") == 100_000
    windows.learn("m", sent=90_000, limit=80_000)
    windows.learn("m", sent=99_000, limit=None)
    assert windows.of("m") == 49_500


def test_windows_that_were_learnt_are_told_with_their_source() -> None:
    windows = Windows(lambda model: 4000 if model == "set" else None, unknown=8000)
    windows.learn("a", sent=9000, limit=6000)
    windows.learn("set", sent=5000, limit=None)
    assert windows.learnt() == {"a": (6000, True), "set": (2500, True)}
