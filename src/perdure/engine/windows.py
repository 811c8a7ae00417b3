"""The context windows of models: configured, told by model servers, or learnt from those that
refuse a prompt.
"""

from collections.abc import Awaitable, Callable

from perdure.providers.provider import ToldWindow

# A server that refuses less than this has another reason than its model's window.
_LEAST = 512


class Windows:
    """The context windows of models in tokens, by the name that runs use.

    `configured` knows what the operator has said. For other models `ask` asks their server; where
    that tells nothing, a window of `unknown` tokens is taken, until it refuses a prompt. What is
    learnt lasts as long as the process.
    """

    def __init__(
        self,
        configured: Callable[[str], int | None],
        *,
        ask: Callable[[str], Awaitable[ToldWindow | None]] | None = None,
        unknown: int,
    ) -> None:
        self._configured = configured
        self._ask = ask
        self._unknown = unknown
        self._told: dict[str, int] = {}
        self._learnt: dict[str, int] = {}

    async def ask(self, model: str) -> None:
        """Asks the server of a model for its window, unless that is configured."""
        if self._ask is None or self._configured(model) is not None:
            return
        if told := await self._ask(model):
            self._told[model] = told.tokens

    def of(self, model: str) -> int:
        """The window of a model in tokens."""
        window = self._configured(model) or self._told.get(model, self._unknown)
        return min(window, self._learnt.get(model, window))

    def learnt(self) -> dict[str, tuple[int, bool]]:
        """Returns the windows that nobody has configured: the tokens, and True where the model's
        server refused a prompt that was longer.
        """
        return {
            model: (self.of(model), self.of(model) == self._learnt.get(model))
            for model in sorted({*self._told, *self._learnt})
        }

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
