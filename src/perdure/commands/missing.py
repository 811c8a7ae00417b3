"""What this version does not do yet: refused with the name of what is missing, never pretended."""

from perdure.errors import BadRequest
from perdure.wire.messages import CreateMessage
from perdure.wire.tools import (
    CreateFileSearchResources,
    CreateToolResources,
    FunctionTool,
    Tool,
    ToolResources,
)

_CODE = "not_available"


def refuse_tools(tools: list[Tool] | None) -> None:
    """Raises `BadRequest` for a tool other than a function."""
    for place, tool in enumerate(tools or ()):
        if not isinstance(tool, FunctionTool):
            name = type(tool).__struct_config__.tag
            raise BadRequest(
                f"This version of Perdure does not have the {name} tool yet; function tools work.",
                param=f"tools[{place}].type",
                code=_CODE,
            )


def refuse_resources(
    resources: CreateToolResources | ToolResources | None, param: str = "tool_resources"
) -> None:
    """Raises `BadRequest` for resources that name files or vector stores."""
    if resources is None:
        return
    interpreter, search = resources.code_interpreter, resources.file_search
    if interpreter and interpreter.file_ids:
        raise BadRequest(
            "This version of Perdure does not have the code_interpreter tool yet.",
            param=f"{param}.code_interpreter.file_ids",
            code=_CODE,
        )
    if search and search.vector_store_ids:
        raise _no_stores(f"{param}.file_search.vector_store_ids")
    if isinstance(search, CreateFileSearchResources) and search.vector_stores:
        raise _no_stores(f"{param}.file_search.vector_stores")


def refuse_message(message: CreateMessage, param: str = "") -> None:
    """Raises `BadRequest` for attachments: there is no tool that could use them."""
    if message.attachments:
        raise BadRequest(
            "This version of Perdure does not have attachments yet.",
            param=f"{param}attachments",
            code=_CODE,
        )


def _no_stores(param: str) -> BadRequest:
    return BadRequest(
        "This version of Perdure does not have vector stores yet.", param=param, code=_CODE
    )
