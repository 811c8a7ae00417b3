"""Operations on projects, keys and the audit log, for admins, by method and path as in `ROUTES`."""

from perdure.api.openapi.operation import Listed, Operation
from perdure.api.openapi.parameters import PAGE
from perdure.wire.api_keys import (
    AdminApiKey,
    CreateAdminApiKey,
    CreateProjectApiKey,
    ModifyApiKey,
    NewAdminApiKey,
    NewProjectApiKey,
    ProjectApiKey,
)
from perdure.wire.audit_logs import AuditLog
from perdure.wire.lists import Deleted
from perdure.wire.projects import CreateProject, ModifyProject, Project
from perdure.wire.service_accounts import (
    CreateServiceAccount,
    ModifyServiceAccount,
    NewServiceAccount,
    ServiceAccount,
)

_ADMIN_KEYS = "/organization/admin_api_keys"
_PROJECTS = "/organization/projects"
_PROJECT = f"{_PROJECTS}/{{project_id}}"
_KEY = f"{_PROJECT}/api_keys/{{key_id}}"
_ACCOUNTS = f"{_PROJECT}/service_accounts"
_ACCOUNT = f"{_ACCOUNTS}/{{service_account_id}}"
_AUDIT_FILTERS = (
    *("event_types[]", "actor_ids[]", "actor_emails[]", "project_ids[]", "resource_ids[]"),
    "effective_at",
)

OPERATIONS: dict[str, Operation] = {
    f"POST {_ADMIN_KEYS}": Operation(
        "createAdminApiKey",
        "Create an admin key, whose value is shown this once",
        NewAdminApiKey,
        CreateAdminApiKey,
    ),
    f"GET {_ADMIN_KEYS}": Operation(
        "listAdminApiKeys", "List admin keys", Listed(AdminApiKey), query=PAGE
    ),
    f"GET {_ADMIN_KEYS}/{{key_id}}": Operation(
        "getAdminApiKey", "Retrieve an admin key", AdminApiKey
    ),
    f"POST {_ADMIN_KEYS}/{{key_id}}": Operation(
        "modifyAdminApiKey", "Set when an admin key expires", AdminApiKey, ModifyApiKey
    ),
    f"DELETE {_ADMIN_KEYS}/{{key_id}}": Operation(
        "deleteAdminApiKey", "Delete an admin key", Deleted
    ),
    "GET /organization/audit_logs": Operation(
        "listAuditLogs",
        "List the changes of projects and keys, with who made them",
        Listed(AuditLog),
        query=(*PAGE, *_AUDIT_FILTERS),
    ),
    f"POST {_PROJECTS}": Operation("createProject", "Create a project", Project, CreateProject),
    f"GET {_PROJECTS}": Operation(
        "listProjects", "List projects", Listed(Project), query=(*PAGE, "include_archived")
    ),
    f"GET {_PROJECT}": Operation("getProject", "Retrieve a project", Project),
    f"POST {_PROJECT}": Operation("modifyProject", "Rename a project", Project, ModifyProject),
    f"POST {_PROJECT}/archive": Operation(
        "archiveProject", "Archive a project for good, with its runs and keys", Project
    ),
    f"GET {_PROJECT}/api_keys": Operation(
        "listProjectApiKeys",
        "List the API keys of a project",
        Listed(ProjectApiKey),
        query=(*PAGE, "owner_project_access"),
    ),
    f"GET {_KEY}": Operation("getProjectApiKey", "Retrieve an API key of a project", ProjectApiKey),
    f"POST {_KEY}": Operation(
        "modifyProjectApiKey", "Set when an API key expires", ProjectApiKey, ModifyApiKey
    ),
    f"DELETE {_KEY}": Operation("deleteProjectApiKey", "Delete an API key of a project", Deleted),
    f"POST {_ACCOUNTS}": Operation(
        "createServiceAccount",
        "Create a service account, with an API key whose value is shown this once",
        NewServiceAccount,
        CreateServiceAccount,
    ),
    f"GET {_ACCOUNTS}": Operation(
        "listServiceAccounts",
        "List the service accounts of a project",
        Listed(ServiceAccount),
        query=PAGE,
    ),
    f"GET {_ACCOUNT}": Operation("getServiceAccount", "Retrieve a service account", ServiceAccount),
    f"POST {_ACCOUNT}": Operation(
        "modifyServiceAccount", "Rename a service account", ServiceAccount, ModifyServiceAccount
    ),
    f"DELETE {_ACCOUNT}": Operation(
        "deleteServiceAccount", "Delete a service account with its API keys", Deleted
    ),
    f"POST {_ACCOUNT}/api_keys": Operation(
        "createServiceAccountApiKey",
        "Create another API key for a service account, whose value is shown this once",
        NewProjectApiKey,
        CreateProjectApiKey,
    ),
}
