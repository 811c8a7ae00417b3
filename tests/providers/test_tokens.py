"""Tokens are counted offline, by the vocabulary o200k."""

import subprocess
import sys

import pytest

from perdure.providers import tokens
from perdure.wire.chat import ChatMessage, ChatText, ChatToolCall
from perdure.wire.messages import ImageUrl, ImageUrlPart
from perdure.wire.tools import CalledFunction
from tests.providers.talk import function


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("Hello", 1), ("Hello world", 2), ("tiktoken is great!", 6), ("🙂", 1),
     ("<|endoftext|>", 7)],
)  # fmt: skip
def test_a_text_has_its_known_number_of_tokens(text: str, count: int) -> None:
    assert tokens.count(text) == count


def test_a_message_costs_three_and_the_answer_three() -> None:
    assert tokens.count_messages([]) == 3
    assert tokens.count_messages([ChatMessage(role="user", content="Hello")]) == 7
    assert tokens.count_messages([ChatMessage(role="user", content="Hello")] * 2) == 11


def test_parts_and_calls_count_and_a_picture_has_its_price() -> None:
    picture = ImageUrlPart(ImageUrl(url="https://example.com/a.png"))
    parts = ChatMessage(role="user", content=[ChatText("Hello"), picture])
    assert tokens.count_messages([parts]) == 7 + 85
    call = ChatToolCall(id="call_1", function=CalledFunction(name="Hello", arguments="{}"))
    assert tokens.count_messages([ChatMessage(role="assistant", tool_calls=[call])]) == 8


def test_offered_functions_are_part_of_the_prompt() -> None:
    assert tokens.count_messages([], [function("f")]) > tokens.count_messages([])


@pytest.mark.parametrize("text", ["word " * 300_000, "x" * 1_500_000])
def test_texts_of_any_length_are_counted(text: str) -> None:
    """As a tool may answer a million characters, and a model write them."""
    piece = text[:65_536]
    assert tokens.count(text) == pytest.approx(tokens.count(piece) * len(text) / 65_536, rel=0.01)


def test_half_a_surrogate_pair_counts_too() -> None:
    """As a model may write it in its JSON."""
    assert tokens.count("a\ud83d") == 2


def test_threads_that_count_first_at_the_same_time_load_the_vocabulary_once() -> None:
    program = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from perdure.vocabulary import count
together = Barrier(4)
with ThreadPoolExecutor(4) as pool:
    print(*pool.map(lambda _: together.wait() * 0 + count("one two three"), range(4)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("3 3 3 3\n", "")
