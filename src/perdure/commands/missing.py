"""What this version does not do yet: refused with the name of what is missing, never pretended."""

from perdure.errors import BadRequest
from perdure.wire.messages import CreateMessage, ImageFilePart
from perdure.wire.tools import CodeInterpreterTool, Tool

_CODE = "not_available"


def refuse_tools(tools: list[Tool] | None) -> None:
    """Raises `BadRequest` for the code_interpreter tool."""
    for place, tool in enumerate(tools or ()):
        if isinstance(tool, CodeInterpreterTool):
            raise BadRequest(
                "This version of Perdure does not have the code_interpreter tool yet; function "
                "and file_search tools work.",
                param=f"tools[{place}].type",
                code=_CODE,
            )


def refuse_message(message: CreateMessage, param: str = "") -> None:
    """Raises `BadRequest` for images that are files."""
    if isinstance(message.content, str):
        return
    for place, part in enumerate(message.content):
        if isinstance(part, ImageFilePart):
            raise BadRequest(
                "This version of Perdure does not give images that are files to models yet.",
                param=f"{param}content[{place}].image_file",
                code=_CODE,
            )
