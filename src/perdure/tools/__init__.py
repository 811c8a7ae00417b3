"""The tools that the server runs by itself, while a run goes on.

A tool is a folder here and a row of `TOOLS`; `tool.py` says what it must do.
"""

from collections.abc import Callable

from perdure.tools.code_interpreter.tool import CodeTool
from perdure.tools.file_search.tool import SearchTool
from perdure.tools.tool import Tool, ToolServices

__all__ = ["TOOLS", "Tool", "ToolServices", "connect"]

# In the order in which the model is told of them, their calls of one round are answered, and text
# goes through their filters.
TOOLS: tuple[Callable[[ToolServices], Tool], ...] = (SearchTool, CodeTool)


def connect(services: ToolServices) -> tuple[Tool, ...]:
    """Makes the tools of a server."""
    return tuple(make(services) for make in TOOLS)
