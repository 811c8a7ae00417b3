"""Features of Azure's agents that this server does not have; they are refused by name (spec 09 §3,
§6).
"""

from perdure.errors import BadRequest

# Services of Azure's cloud: tools, and what configures them.
_CLOUD = frozenset(
    {
        *("azure_ai_search", "azure_function", "bing_custom_search", "bing_grounding"),
        *("browser_automation", "computer_use_preview", "deep_research", "fabric_dataagent"),
        *("sharepoint_grounding",),
    }
)
# What a server could do itself, and this one does not yet.
_MISSING = frozenset({"connected_agent", "mcp", "openapi"})
# Files that stay in Azure's cloud: keys of attachments, vector stores and their files.
_DATA = frozenset({"data_source", "data_sources", "configuration"})
_RESOURCES = frozenset({"azure_ai_search", "mcp"})


def refusal_of_tool(path: str, tool: str) -> BadRequest | None:
    """Returns the error for a tool of this type; None for a type that is not Azure's."""
    if tool in _CLOUD:
        why = f"The tool '{tool}' is a service of Azure's cloud, which this server does not have."
    elif tool in _MISSING:
        why = f"The tool '{tool}' is not supported by this server yet."
    else:
        return None
    return BadRequest(
        f"{why} Use a tool of the type 'function' instead, whose calls your program answers.",
        param=path,
        code="unsupported_tool",
    )


def refusal_of_key(path: str, name: str) -> BadRequest | None:
    """Returns the error for a key that no object has here; None for one that is not Azure's."""
    if name in _RESOURCES:
        return refusal_of_tool(path, name)
    if name not in _DATA:
        return None
    return BadRequest(
        f"'{path}' names data in Azure's cloud, which this server does not have. Upload the file "
        "to this server and name it by its id.",
        param=path,
        code="unsupported_data_source",
    )
