"""Run step (spec 01 §7)."""

from typing import Literal, TypeAlias

from perdure.lifecycle import StepStatus
from perdure.wire.base import Metadata, Object
from perdure.wire.usage import Usage


class CreatedMessage(Object):
    message_id: str


class MessageCreation(Object, tag_field="type", tag="message_creation"):
    message_creation: CreatedMessage


class FunctionCall(Object):
    """`output` is null until it is submitted (spec 01 §7.2)."""

    name: str
    arguments: str
    output: str | None = None


class FunctionToolCall(Object, tag_field="type", tag="function"):
    id: str
    function: FunctionCall


ToolCall: TypeAlias = FunctionToolCall


class ToolCalls(Object, tag_field="type", tag="tool_calls"):
    tool_calls: list[ToolCall] = []


StepDetails: TypeAlias = MessageCreation | ToolCalls


class StepError(Object):
    code: Literal["server_error", "rate_limit_exceeded"]
    message: str


class RunStep(Object, kw_only=True):
    """Carries `expires_at` beside the documented `expired_at`: the live service sent it."""

    id: str
    object: Literal["thread.run.step"] = "thread.run.step"
    created_at: int
    run_id: str
    assistant_id: str
    thread_id: str
    type: Literal["message_creation", "tool_calls"]
    status: StepStatus = StepStatus.IN_PROGRESS
    cancelled_at: int | None = None
    completed_at: int | None = None
    expires_at: int | None = None
    expired_at: int | None = None
    failed_at: int | None = None
    last_error: StepError | None = None
    step_details: StepDetails
    metadata: Metadata = {}
    usage: Usage | None = None
