"""The tokens of one model call: the context window, and what is left of the run's own budgets.

No I/O. All counts are our own; those of the model differ by some percent, which is one reason why
some of the window is kept free.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

from perdure.providers import tokens
from perdure.wire.chat import ChatMessage
from perdure.wire.runs import Run
from perdure.wire.tools import FunctionTool
from perdure.wire.usage import Usage

# What is kept free for the answer of a run without a budget for it.
_ANSWER_TOKENS = 8192
# An answer never gets less of the window than this part, nor a prompt less than the rest.
_ANSWER_PART = 4
# For the difference between our count and the model's, when an answer gets all that is left.
_MARGIN_PART = 32


class Budget(NamedTuple):
    """Tokens, and how many of the thread's messages are wanted.

    `window`: the model's context window. `prompt`, `completion`: what is left of the run's
    `max_prompt_tokens` and `max_completion_tokens`, over all of its model calls; None without one.
    `last_messages`: the number of messages that the run asks for; None for as many as fit.
    """

    window: int
    prompt: int | None = None
    completion: int | None = None
    last_messages: int | None = None

    @classmethod
    def of(cls, run: Run, used: Usage, window: int) -> Self:
        """The budget of the run's next model call; `used` is what the calls before it took."""
        strategy = run.truncation_strategy
        return cls(
            window,
            _difference(run.max_prompt_tokens, used.prompt_tokens),
            _difference(run.max_completion_tokens, used.completion_tokens),
            strategy.last_messages if strategy.type == "last_messages" else None,
        )

    @property
    def answer_share(self) -> int:
        """The tokens of the window that are kept free for the answer."""
        wanted = _ANSWER_TOKENS if self.completion is None else self.completion
        return min(wanted, self.window // _ANSWER_PART)

    @property
    def prompt_limit(self) -> int:
        """The most tokens that the prompt may have, whatever messages were asked for."""
        beside = self.window - self.answer_share
        return beside if self.prompt is None else min(self.prompt, beside)

    @property
    def room(self) -> int | None:
        """The most tokens that the prompt may have; None: its thread is not to be cut.

        Who asks for a number of messages gets that number, whatever the window holds.
        """
        return self.prompt if self.last_messages is not None else self.prompt_limit

    def answer_cap(
        self, prompt: Sequence[ChatMessage], tools: Sequence[FunctionTool] | None
    ) -> int | None:
        """The most tokens that the answer may have; None without a bound.

        Servers refuse a cap that would not fit into the window beside the prompt.
        """
        if self.completion is None or self.completion <= self.answer_share:
            return self.completion
        margin = self.window // _MARGIN_PART
        beside = self.window - tokens.count_messages(prompt, tools) - margin
        return min(self.completion, max(self.answer_share, beside))


def _difference(budget: int | None, used: int) -> int | None:
    return None if budget is None else max(0, budget - used)
