"""The context windows of models: configured, or learnt from model servers that refuse a prompt."""

from collections.abc import Callable

# A server that refuses less than this has another reason than its model's window.
_LEAST = 512


class Windows:
    """How many tokens each model takes, prompt and answer together, by the name runs use.

    `configured` knows what the operator has said. For other models a window of `unknown` tokens
    is taken, until their server refuses a prompt. What is learnt lasts as long as the process.
    """

    def __init__(self, configured: Callable[[str], int | None], *, unknown: int) -> None:
        self._configured = configured
        self._unknown = unknown
        self._learnt: dict[str, int] = {}

    def of(self, model: str) -> int:
        """The window of a model in tokens."""
        window = self._configured(model) or self._unknown
        return min(window, self._learnt.get(model, window))

    def learn(self, model: str, *, sent: int, limit: int | None) -> None:
        """A server refused so many tokens, by our count, as too many; it may have said its limit.

        A limit that was kept and was refused all the same was counted in other tokens than ours:
        the window is taken for smaller.
        """
        if limit is not None and limit < sent:
            window = limit
        else:
            window = sent // 2 if limit is None else sent * 3 // 4
        self._learnt[model] = min(self.of(model), max(window, _LEAST))
