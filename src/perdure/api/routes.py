"""The table of all routes (spec 02), and the look-up in it.

The paths are the same below each mount: the Azure family has the same handlers (spec 02 §13, 09
§2).
"""

import re
from typing import NamedTuple

from starlette.routing import compile_path
from starlette.types import Scope

from perdure.api import (
    admin_keys,
    api_keys,
    assistants,
    audit_logs,
    description,
    exchange,
    file_batches,
    files,
    messages,
    model_servers,
    models,
    project_limits,
    projects,
    run_steps,
    runs,
    search,
    servers,
    service_accounts,
    threads,
    traces,
    uploads,
    usage_reports,
    vector_store_files,
    vector_stores,
    webhook_deliveries,
)
from perdure.api.http import Handler
from perdure.errors import MethodNotAllowed, NotFound

# Azure's clients put the path of a project before the paths, or nothing at all.
_MOUNT = re.compile(r"(?P<azure>(?:/api/projects/(?P<project>[^/]+))?(?:/openai)?)(?:/v1)?(?=/)")
_API_VERSION = re.compile(rb"(?:^|&)api-version=")

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/assistants", assistants.create),
    ("GET", "/assistants", assistants.list_all),
    ("GET", "/assistants/{assistant_id}", assistants.retrieve),
    ("POST", "/assistants/{assistant_id}", assistants.modify),
    ("DELETE", "/assistants/{assistant_id}", assistants.delete),
    ("POST", "/threads", threads.create),
    ("GET", "/threads", threads.list_all),
    # before /threads/{thread_id}, which would take "runs" for an id
    ("POST", "/threads/runs", runs.create_with_thread),
    ("GET", "/runs", runs.list_of_project),
    # before /runs/{run_id}, which would take "stream" for an id
    ("GET", "/runs/stream", runs.stream_of_project),
    ("GET", "/runs/{run_id}", runs.retrieve_by_id),
    ("GET", "/threads/{thread_id}", threads.retrieve),
    ("POST", "/threads/{thread_id}", threads.modify),
    ("DELETE", "/threads/{thread_id}", threads.delete),
    ("POST", "/threads/{thread_id}/copy", threads.copy),
    ("POST", "/threads/{thread_id}/messages", messages.create),
    ("GET", "/threads/{thread_id}/messages", messages.list_all),
    ("GET", "/threads/{thread_id}/messages/{message_id}", messages.retrieve),
    ("POST", "/threads/{thread_id}/messages/{message_id}", messages.modify),
    ("DELETE", "/threads/{thread_id}/messages/{message_id}", messages.delete),
    ("POST", "/threads/{thread_id}/runs", runs.create),
    ("GET", "/threads/{thread_id}/runs", runs.list_all),
    ("GET", "/threads/{thread_id}/runs/{run_id}", runs.retrieve),
    ("POST", "/threads/{thread_id}/runs/{run_id}", runs.modify),
    ("POST", "/threads/{thread_id}/runs/{run_id}/cancel", runs.cancel),
    (
        "POST",
        "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs",
        runs.submit_tool_outputs,
    ),
    ("GET", "/threads/{thread_id}/runs/{run_id}/stream", runs.stream),
    ("GET", "/threads/{thread_id}/runs/{run_id}/trace", traces.retrieve),
    ("GET", "/threads/{thread_id}/runs/{run_id}/steps", run_steps.list_all),
    ("GET", "/threads/{thread_id}/runs/{run_id}/steps/{step_id}", run_steps.retrieve),
    ("POST", "/vector_stores", vector_stores.create),
    ("GET", "/vector_stores", vector_stores.list_all),
    ("GET", "/vector_stores/{vector_store_id}", vector_stores.retrieve),
    ("POST", "/vector_stores/{vector_store_id}", vector_stores.modify),
    ("DELETE", "/vector_stores/{vector_store_id}", vector_stores.delete),
    ("POST", "/vector_stores/{vector_store_id}/search", search.search),
    ("POST", "/vector_stores/{vector_store_id}/files", vector_store_files.create),
    ("GET", "/vector_stores/{vector_store_id}/files", vector_store_files.list_all),
    ("GET", "/vector_stores/{vector_store_id}/files/{file_id}", vector_store_files.retrieve),
    ("POST", "/vector_stores/{vector_store_id}/files/{file_id}", vector_store_files.modify),
    ("DELETE", "/vector_stores/{vector_store_id}/files/{file_id}", vector_store_files.delete),
    (
        "GET",
        "/vector_stores/{vector_store_id}/files/{file_id}/content",
        vector_store_files.content,
    ),
    (
        "GET",
        "/vector_stores/{vector_store_id}/files/{file_id}/chunks",
        vector_store_files.chunks,
    ),
    ("POST", "/vector_stores/{vector_store_id}/file_batches", file_batches.create),
    ("GET", "/vector_stores/{vector_store_id}/file_batches/{batch_id}", file_batches.retrieve),
    (
        "POST",
        "/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel",
        file_batches.cancel,
    ),
    (
        "GET",
        "/vector_stores/{vector_store_id}/file_batches/{batch_id}/files",
        file_batches.list_files,
    ),
    ("POST", "/files", files.create),
    ("GET", "/files", files.list_all),
    ("GET", "/files/{file_id}", files.retrieve),
    ("DELETE", "/files/{file_id}", files.delete),
    ("GET", "/files/{file_id}/content", files.content),
    ("POST", "/files/{file_id}/content", files.supply),
    ("POST", "/uploads", uploads.create),
    ("POST", "/uploads/{upload_id}/parts", uploads.add_part),
    ("POST", "/uploads/{upload_id}/complete", uploads.complete),
    ("POST", "/uploads/{upload_id}/cancel", uploads.cancel),
    ("GET", "/webhook_deliveries", webhook_deliveries.list_all),
    # A name of a webhook may have any characters.
    ("GET", "/webhook_deliveries/{delivery_id:path}", webhook_deliveries.retrieve),
    ("POST", "/webhook_deliveries/{delivery_id:path}/send_again", webhook_deliveries.send_again),
    ("GET", "/servers", servers.list_all),
    ("GET", "/health_report", servers.health),
    ("GET", "/model_adjustments", model_servers.list_adjustments),
    ("DELETE", "/model_adjustments/{adjustment_id}", model_servers.delete_adjustment),
    ("GET", "/model_windows", model_servers.list_windows),
    ("GET", "/export", exchange.export),
    ("POST", "/import", exchange.add),
    ("POST", "/import/begin", exchange.begin),
    ("POST", "/import/contents", exchange.query_content),
    ("GET", "/models", models.list_all),
    ("GET", "/models/{model:path}", models.retrieve),
    ("DELETE", "/models/{model:path}", models.delete),
    ("POST", "/chat/completions", models.chat_completions),
    ("POST", "/completions", models.completions),
    ("POST", "/embeddings", models.embeddings),
    ("GET", "/organization/usage/completions", usage_reports.completions),
    ("GET", "/organization/usage/embeddings", usage_reports.embeddings),
    ("GET", "/organization/usage/vector_stores", usage_reports.vector_stores),
    ("GET", "/organization/usage/file_search_calls", usage_reports.file_search_calls),
    (
        "GET",
        "/organization/usage/code_interpreter_sessions",
        usage_reports.code_interpreter_sessions,
    ),
    ("GET", "/organization/projects/{project_id}/rate_limits", project_limits.list_rates),
    (
        "POST",
        "/organization/projects/{project_id}/rate_limits/{rate_limit_id:path}",
        project_limits.modify_rate,
    ),
    (
        "GET",
        "/organization/projects/{project_id}/model_permissions",
        project_limits.retrieve_models,
    ),
    ("POST", "/organization/projects/{project_id}/model_permissions", project_limits.set_models),
    (
        "DELETE",
        "/organization/projects/{project_id}/model_permissions",
        project_limits.delete_models,
    ),
    ("GET", "/organization/projects/{project_id}/spend_limit", project_limits.retrieve_spend),
    ("POST", "/organization/projects/{project_id}/spend_limit", project_limits.set_spend),
    ("DELETE", "/organization/projects/{project_id}/spend_limit", project_limits.delete_spend),
    ("GET", "/organization/projects/{project_id}/limits", project_limits.retrieve_bounds),
    ("POST", "/organization/projects/{project_id}/limits", project_limits.modify_bounds),
    ("GET", "/openapi.json", description.openapi),
    ("GET", "/docs", description.docs),
    # where Azure clients send them
    ("POST", "/deployments/{deployment}/chat/completions", models.chat_completions),
    ("POST", "/deployments/{deployment}/completions", models.completions),
    ("POST", "/deployments/{deployment}/embeddings", models.embeddings),
    # for admin keys only
    ("POST", "/organization/admin_api_keys", admin_keys.create),
    ("GET", "/organization/admin_api_keys", admin_keys.list_all),
    ("GET", "/organization/admin_api_keys/{key_id}", admin_keys.retrieve),
    ("POST", "/organization/admin_api_keys/{key_id}", admin_keys.modify),
    ("DELETE", "/organization/admin_api_keys/{key_id}", admin_keys.delete),
    ("GET", "/organization/audit_logs", audit_logs.list_all),
    ("POST", "/organization/projects", projects.create),
    ("GET", "/organization/projects", projects.list_all),
    ("GET", "/organization/projects/{project_id}", projects.retrieve),
    ("POST", "/organization/projects/{project_id}", projects.modify),
    ("POST", "/organization/projects/{project_id}/archive", projects.archive),
    ("GET", "/organization/projects/{project_id}/api_keys", api_keys.list_all),
    ("GET", "/organization/projects/{project_id}/api_keys/{key_id}", api_keys.retrieve),
    ("POST", "/organization/projects/{project_id}/api_keys/{key_id}", api_keys.modify),
    ("DELETE", "/organization/projects/{project_id}/api_keys/{key_id}", api_keys.delete),
    ("POST", "/organization/projects/{project_id}/service_accounts", service_accounts.create),
    ("GET", "/organization/projects/{project_id}/service_accounts", service_accounts.list_all),
    (
        "GET",
        "/organization/projects/{project_id}/service_accounts/{service_account_id}",
        service_accounts.retrieve,
    ),
    (
        "POST",
        "/organization/projects/{project_id}/service_accounts/{service_account_id}",
        service_accounts.modify,
    ),
    (
        "DELETE",
        "/organization/projects/{project_id}/service_accounts/{service_account_id}",
        service_accounts.delete,
    ),
    (
        "POST",
        "/organization/projects/{project_id}/service_accounts/{service_account_id}/api_keys",
        service_accounts.create_key,
    ),
)
# The paths that are for admin keys only.
_ADMINS = "/organization/"

# The groups whose calls need the beta header (spec 02 §1), except of Azure's clients, which never
# send it (spec 09 §2).
BETA = ("/assistants", "/threads")

# The paths that need no API key: a browser sends none, and what they show is no secret.
PUBLIC = frozenset({"/openapi.json", "/docs"})

# What is answered by a full disk too, besides what only reads or deletes.
_NEEDS_NO_SPACE = frozenset(
    {
        runs.cancel,
        uploads.cancel,
        file_batches.cancel,
        projects.archive,
        search.search,
        models.chat_completions,
        models.completions,
        models.embeddings,
    }
)

_COMPILED = tuple((method, *compile_path(path), handler) for method, path, handler in ROUTES)


# Where a scope has the template of its route.
TEMPLATE = "perdure.route"


class Found(NamedTuple):
    """The route of a request. `is_admins`: only admin keys may use it. `project` is the name of a
    project in the path of Azure's clients.
    """

    handler: Handler
    beta: bool
    needs_space: bool
    is_admins: bool = False
    project: str | None = None


def is_public(path: str) -> bool:
    """Returns True if anybody may ask for the path, without an API key."""
    mount = _MOUNT.match(path)
    return mount is not None and path[mount.end() :] in PUBLIC


def find(scope: Scope) -> Found:
    """Returns the route of a request and sets its path parameters.

    Raises `NotFound` for an unknown path (spec 05 §3.1), `MethodNotAllowed` for a known one.
    """
    # No id has a zero byte, and PostgreSQL takes no text that has one.
    zero = "\0" in scope["path"] or b"%00" in scope["query_string"]
    mount = None if zero else _MOUNT.match(scope["path"])
    path = scope["path"][mount.end() :] if mount else ""
    is_azure = mount is not None and bool(
        mount["azure"] or _API_VERSION.search(scope["query_string"])
    )
    known = False
    for method, pattern, template, convertors, handler in _COMPILED:
        match = pattern.match(path)
        if match is None:
            continue
        known = True
        scope[TEMPLATE] = template
        if method == scope["method"]:
            scope["path_params"] = {
                name: convertors[name].convert(value) for name, value in match.groupdict().items()
            }
            return Found(
                handler,
                beta=path.startswith(BETA) and not is_azure,
                needs_space=method == "POST" and handler not in _NEEDS_NO_SPACE,
                is_admins=path.startswith(_ADMINS),
                project=mount["project"] if mount else None,
            )
    if known:
        raise MethodNotAllowed(
            f"Not allowed to {scope['method']} on {scope['path']}. "
            "(HINT: Perhaps you meant to use a different HTTP method?)",
            code="method_not_supported",
        )
    raise NotFound(f"Invalid URL ({scope['method']} {scope['path']})")
