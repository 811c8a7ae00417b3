"""What a model server sends in one piece: an answer that it does not stream, its models."""

from msgspec.structs import replace

from perdure.wire.base import JsonObject, Object
from perdure.wire.chat import ChatChunk, ChatUsage, Choice, ChoiceDelta, ToolCallDelta
from perdure.wire.lists import Model


class WholeMessage(Object):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class WholeChoice(Object):
    message: WholeMessage
    finish_reason: str | None = None


class WholeAnswer(Object):
    """Either choices or an error; `msgspec.ValidationError` where there is neither."""

    choices: list[WholeChoice] = []
    usage: ChatUsage | None = None
    error: JsonObject | str | None = None

    def __post_init__(self) -> None:
        if not self.choices and self.error is None:
            raise ValueError("an answer without a choice")

    def chunk(self) -> ChatChunk:
        """The whole answer as the only chunk of a stream."""
        return ChatChunk([_choice(choice) for choice in self.choices], self.usage, self.error)


class ListedModel(Object):
    id: str
    created: int | float | None = None
    owned_by: str | None = None


class ListedModels(Object):
    data: list[ListedModel] = []

    def models(self) -> list[Model]:
        return [
            Model(id=model.id, created=int(model.created or 0), owned_by=model.owned_by or "")
            for model in self.data
        ]


def _choice(choice: WholeChoice) -> Choice:
    message = choice.message
    calls = message.tool_calls and [
        replace(call, index=index) for index, call in enumerate(message.tool_calls)
    ]
    delta = ChoiceDelta(message.content, message.refusal, calls)
    return Choice(delta, choice.finish_reason or "stop")
