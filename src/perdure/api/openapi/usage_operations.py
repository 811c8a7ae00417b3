"""Operations on usage and limits of projects, for admins, by method and path as in `ROUTES`."""

from perdure.api.openapi.operation import Listed, Operation
from perdure.wire.project_limits import (
    ChangeProjectBounds,
    ChangeRateLimit,
    LimitDeleted,
    ProjectBounds,
    ProjectModelPermissions,
    ProjectRateLimit,
    ProjectSpendLimit,
    SetModelPermissions,
    SetSpendLimit,
)
from perdure.wire.usage_reports import UsagePage

_USAGE = "/organization/usage"
_PROJECT = "/organization/projects/{project_id}"
_TIMES = ("start_time", "end_time", "bucket_width", "buckets", "page", "project_ids[]")
_BY_KEY = (*_TIMES, "group_by[]", "api_key_ids[]")
_BY_MODEL = (*_BY_KEY, "models[]")

OPERATIONS: dict[str, Operation] = {
    f"GET {_USAGE}/completions": Operation(
        "getCompletionsUsage", "Report the tokens of model calls", UsagePage, query=_BY_MODEL
    ),
    f"GET {_USAGE}/embeddings": Operation(
        "getEmbeddingsUsage", "Report the tokens of embeddings", UsagePage, query=_BY_MODEL
    ),
    f"GET {_USAGE}/vector_stores": Operation(
        "getVectorStoresUsage",
        "Report the bytes of vector stores",
        UsagePage,
        query=(*_TIMES, "group_by[]"),
    ),
    f"GET {_USAGE}/file_search_calls": Operation(
        "getFileSearchCallsUsage", "Report the calls of file_search", UsagePage, query=_BY_KEY
    ),
    f"GET {_USAGE}/code_interpreter_sessions": Operation(
        "getCodeInterpreterSessionsUsage",
        "Report the sessions of code_interpreter",
        UsagePage,
        query=(*_TIMES, "group_by[]"),
    ),
    f"GET {_PROJECT}/rate_limits": Operation(
        "listProjectRateLimits",
        "List the rate limits of a project",
        Listed(ProjectRateLimit),
        query=("limit", "after", "before"),
    ),
    f"POST {_PROJECT}/rate_limits/{{rate_limit_id}}": Operation(
        "updateProjectRateLimit", "Change a rate limit", ProjectRateLimit, ChangeRateLimit
    ),
    f"GET {_PROJECT}/model_permissions": Operation(
        "getProjectModelPermissions",
        "Retrieve the models that a project may ask for",
        ProjectModelPermissions,
    ),
    f"POST {_PROJECT}/model_permissions": Operation(
        "setProjectModelPermissions",
        "Set the models that a project may ask for",
        ProjectModelPermissions,
        SetModelPermissions,
    ),
    f"DELETE {_PROJECT}/model_permissions": Operation(
        "deleteProjectModelPermissions", "Let a project ask for all models", LimitDeleted
    ),
    f"GET {_PROJECT}/spend_limit": Operation(
        "getProjectSpendLimit", "Retrieve the spend limit of a project", ProjectSpendLimit
    ),
    f"POST {_PROJECT}/spend_limit": Operation(
        "setProjectSpendLimit", "Set the spend limit of a project", ProjectSpendLimit, SetSpendLimit
    ),
    f"DELETE {_PROJECT}/spend_limit": Operation(
        "deleteProjectSpendLimit", "Delete the spend limit of a project", LimitDeleted
    ),
    f"GET {_PROJECT}/limits": Operation(
        "getProjectLimits", "Retrieve the bounds of a project", ProjectBounds
    ),
    f"POST {_PROJECT}/limits": Operation(
        "modifyProjectLimits", "Change the bounds of a project", ProjectBounds, ChangeProjectBounds
    ),
}
