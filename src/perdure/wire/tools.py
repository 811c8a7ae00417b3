"""Tool definitions, tool resources and tool choice (spec 01 §2.3, §2.4, §2.8)."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from perdure.wire.base import Body, JsonObject, Metadata, Name, Object
from perdure.wire.chunking import AskedChunking


class FunctionDefinition(Body, omit_defaults=True):
    """A function of the client. Absent fields get the defaults that the API answers with.

    Only a description has no default. It is left out, since null would violate the description of
    the API, and model servers refuse it.
    """

    name: Name
    description: Annotated[str, Meta(max_length=1024)] | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None

    def __post_init__(self) -> None:
        if self.parameters is None:
            msgspec.structs.force_setattr(self, "parameters", {"type": "object", "properties": {}})
        if self.strict is None:
            msgspec.structs.force_setattr(self, "strict", False)


class FunctionTool(Body, tag_field="type", tag="function"):
    function: FunctionDefinition


class RankingOptions(Body, kw_only=True):
    ranker: Literal["auto", "default_2024_08_21"] = "default_2024_08_21"
    score_threshold: Annotated[float, Meta(ge=0, le=1)]
    # undocumented, but in what the live service answered, so that copies of it come in
    hybrid_search: JsonObject | UnsetType | None = UNSET


class FileSearchSettings(Body):
    """Settings of file search. Absent fields get the defaults that the API answers with (spec 01
    §2.3).
    """

    max_num_results: Annotated[int, Meta(ge=1, le=50)] | UnsetType = UNSET
    ranking_options: RankingOptions = RankingOptions(score_threshold=0.0)


class FileSearchTool(Body, tag_field="type", tag="file_search"):
    file_search: FileSearchSettings = FileSearchSettings()


class CodeInterpreterTool(Body, tag_field="type", tag="code_interpreter"):
    pass


Tool: TypeAlias = CodeInterpreterTool | FileSearchTool | FunctionTool

# 128 in the assistant and in the run override alike, since runs inherit (spec 01 §2.3).
Tools: TypeAlias = Annotated[list[Tool], Meta(max_length=128)]


class CodeInterpreterResources(Body):
    file_ids: Annotated[list[str], Meta(max_length=20)] = []


class FileSearchResources(Body, omit_defaults=True):
    vector_store_ids: Annotated[list[str], Meta(max_length=1)] | None = None


class ToolResources(Body, omit_defaults=True):
    """The plain form of tool resources, as stored and answered, and as modify requests send it."""

    code_interpreter: CodeInterpreterResources | None = None
    file_search: FileSearchResources | None = None


class VectorStoreHelper(Body):
    """A request to create a vector store along with the object (spec 01 §2.4)."""

    file_ids: Annotated[list[str], Meta(max_length=10_000)] | None = None
    chunking_strategy: AskedChunking | None = None
    metadata: Metadata | None = None


class CreateFileSearchResources(Body):
    vector_store_ids: Annotated[list[str], Meta(max_length=1)] | None = None
    vector_stores: Annotated[list[VectorStoreHelper], Meta(max_length=1)] | None = None


class CreateToolResources(Body):
    """The create form of tool resources: a vector store can be named, or created along with the
    object.
    """

    code_interpreter: CodeInterpreterResources | None = None
    file_search: CreateFileSearchResources | None = None


class FunctionName(Body):
    name: str


class FunctionChoice(Body, tag_field="type", tag="function"):
    function: FunctionName


class FileSearchChoice(Body, tag_field="type", tag="file_search"):
    pass


class CodeInterpreterChoice(Body, tag_field="type", tag="code_interpreter"):
    pass


ToolChoice: TypeAlias = (
    Literal["none", "auto", "required"] | FunctionChoice | FileSearchChoice | CodeInterpreterChoice
)


class CalledFunction(Object):
    """The function of a call. `arguments` is a JSON string as the model wrote it, valid or not, or
    `{}` for none.
    """

    name: str
    arguments: str


class RequiredToolCall(Object, kw_only=True):
    """One outstanding call of `required_action` (spec 01 §6)."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction
