"""Run (spec 01 §6, 02 §7)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from perdure.lifecycle import RunStatus
from perdure.wire.base import (
    Body,
    Instructions,
    Metadata,
    Object,
    Temperature,
    TokenBudget,
    TopP,
)
from perdure.wire.formats import ReasoningEffort, ResponseFormat
from perdure.wire.messages import CreateMessage
from perdure.wire.query import ResultContent
from perdure.wire.threads import CreateThread
from perdure.wire.tools import (
    FunctionTool,
    RequiredToolCall,
    Tool,
    ToolChoice,
    ToolResources,
    Tools,
)
from perdure.wire.usage import Usage


class RequiredToolCalls(Object):
    tool_calls: list[RequiredToolCall]


class RequiredAction(Object, kw_only=True):
    type: Literal["submit_tool_outputs"] = "submit_tool_outputs"
    submit_tool_outputs: RequiredToolCalls


ErrorCode = Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]


class LastError(Object):
    code: ErrorCode
    message: str


class IncompleteRun(Object):
    reason: Literal["max_completion_tokens", "max_prompt_tokens"]


class TruncationStrategy(Body):
    type: Literal["auto", "last_messages"]
    last_messages: Annotated[int, Meta(ge=1)] | None = None


class Run(Object, kw_only=True):
    id: str
    object: Literal["thread.run"] = "thread.run"
    created_at: int
    assistant_id: str
    thread_id: str
    status: RunStatus = RunStatus.QUEUED
    started_at: int | None = None
    expires_at: int | None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    required_action: RequiredAction | None = None
    last_error: LastError | None = None
    model: str
    instructions: str | None
    tools: list[Tool]
    tool_resources: ToolResources = ToolResources()
    metadata: Metadata = {}
    temperature: float | None = 1.0
    top_p: float | None = 1.0
    reasoning_effort: ReasoningEffort | None = None
    max_completion_tokens: int | None = None
    max_prompt_tokens: int | None = None
    truncation_strategy: TruncationStrategy = TruncationStrategy(type="auto")
    incomplete_details: IncompleteRun | None = None
    usage: Usage | None = None
    response_format: ResponseFormat | None = "auto"
    tool_choice: ToolChoice | None = "auto"
    parallel_tool_calls: bool = True


class RunSettings(Body, kw_only=True):
    """Fields that create-run and create-thread-and-run share. Null means the value of the
    assistant.
    """

    assistant_id: str
    model: str | None = None
    instructions: Instructions | None = None
    tools: Tools | None = None
    metadata: Metadata | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    reasoning_effort: ReasoningEffort | None = None
    max_prompt_tokens: TokenBudget | None = None
    max_completion_tokens: TokenBudget | None = None
    truncation_strategy: TruncationStrategy | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    tool_resources: ToolResources | None = None
    stream: bool | None = None


class CreateRun(RunSettings, kw_only=True):
    """A request to create a run. `include` is as in the query; the asynchronous Python SDK 1.54
    sends it here.
    """

    include: list[ResultContent] | None = None
    additional_instructions: Instructions | None = None
    additional_messages: list[CreateMessage] | None = None


class CreateThreadAndRun(RunSettings, kw_only=True):
    thread: CreateThread | None = None


class ModifyRun(Body):
    metadata: Metadata | UnsetType | None = UNSET


class ToolOutput(Body):
    """The output of one call. `type` is what azure-ai-agents 1.2 sends beside each (spec 09 §3)."""

    tool_call_id: str
    type: Literal["function_call_output"] | None = None
    output: str | None = None


class SubmitToolOutputs(Body):
    tool_outputs: list[ToolOutput]
    stream: bool | None = None


def has_functions(run: Run) -> bool:
    """Returns True if the client has functions that the run can ask for."""
    return any(isinstance(tool, FunctionTool) for tool in run.tools)
