"""What this version does not do yet: refused with the name of what is missing, never pretended."""

from perdure.errors import BadRequest
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
