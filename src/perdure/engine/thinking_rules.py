"""The thinking styles of models: as they are set, or as answers have shown them."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from perdure.providers.router import matching
from perdure.providers.thinking import Thinking


class ModelOrigin(NamedTuple):
    """The model server that answers, by its base URL without a password, and the model there."""

    server: str
    model: str


class ThinkingSetting(Protocol):
    """The settings of a model; see `settings.models.ThinkingSettings`."""

    @property
    def hide(self) -> bool: ...
    @property
    def begins_in_prompt(self) -> bool | None: ...
    @property
    def send_back(self) -> bool: ...


# So many lessons are known at once: clients can name models without end.
_MOST_LESSONS = 1024


class LearntStyles:
    """The models whose answers had a lone end, by model server: the latest of them, as long as the
    process is there.
    """

    def __init__(self) -> None:
        self._known: dict[ModelOrigin, None] = {}

    def knows(self, origin: ModelOrigin) -> bool:
        """True if the model's answers are expected to have a lone end."""
        return origin in self._known

    def remember(self, origin: ModelOrigin) -> None:
        """An answer had a lone end."""
        self._known.pop(origin, None)
        self._known[origin] = None
        if len(self._known) > _MOST_LESSONS:
            del self._known[next(iter(self._known))]

    def forget(self, origin: ModelOrigin) -> None:
        """An answer that should have had one had none."""
        self._known.pop(origin, None)


class ThinkingStyle(NamedTuple):
    """A model's way to think. `hides`, `may_be_open`, `is_open`: see `Thinking`. `sends_back`: its
    thinking goes back to it within the run, as it came.
    """

    origin: ModelOrigin = ModelOrigin("", "")
    hides: bool = True
    may_be_open: bool = True
    is_open: bool = False
    sends_back: bool = False

    def thinking(self) -> Thinking:
        """A reader that takes thinking out of one answer."""
        return Thinking(hides=self.hides, may_be_open=self.may_be_open, is_open=self.is_open)


# Of a model of which nothing is known.
PLAIN = ThinkingStyle()


class ThinkingRules:
    """The settings of all models, and what their answers have shown.

    `origin` says who answers for the name of a model. `names` are the names that a model goes by,
    the most particular first; `configured` is looked up by these, and may have patterns.
    """

    def __init__(
        self,
        configured: Mapping[str, ThinkingSetting],
        *,
        origin: Callable[[str], tuple[str, str]],
        names: Callable[[str], Sequence[str]],
        lessons: LearntStyles,
    ) -> None:
        self._configured = configured
        self._origin = origin
        self._names = names
        self._lessons = lessons

    def of(self, model: str) -> ThinkingStyle:
        """The style of a model, by the name that runs use."""
        origin = ModelOrigin(*self._origin(model))
        found = (matching(self._configured, name) for name in self._names(model))
        setting = next((each for each in found if each is not None), None)
        if setting is None:
            return ThinkingStyle(origin, is_open=self._lessons.knows(origin))
        begins = setting.begins_in_prompt
        is_open = self._lessons.knows(origin) if begins is None else begins
        return ThinkingStyle(origin, setting.hide, begins is not False, is_open, setting.send_back)

    def learn(self, style: ThinkingStyle, *, found_lone_end: bool, lacked_end: bool) -> None:
        """Takes the lesson of an answer."""
        if found_lone_end:
            self._lessons.remember(style.origin)
        elif lacked_end:
            self._lessons.forget(style.origin)
