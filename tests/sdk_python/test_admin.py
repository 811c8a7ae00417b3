"""The official SDK for Python administers a server as it administers the original."""

from pathlib import Path

import openai
import pytest
from openai import OpenAI

from tests.cli.processes import serving

ADMIN = "sk-admin-of-the-settings"


def test_the_sdk_administers_projects_and_keys(tmp_path: Path) -> None:
    with serving(tmp_path / "data", environment={"PERDURE_ADMIN_KEY": ADMIN}) as served:
        url = served.base_url
        with OpenAI(base_url=url, api_key="any", admin_api_key=ADMIN, max_retries=0) as client:
            _administer(client, url)
        served.stop()


def _administer(client: OpenAI, url: str) -> None:
    organization = client.admin.organization
    projects = organization.projects
    blue = projects.create(name="Blue")
    assert (blue.object, blue.status, blue.name) == ("organization.project", "active", "Blue")
    assert projects.update(blue.id, name="Green").name == "Green"
    assert projects.retrieve(blue.id).id == blue.id
    assert {each.name for each in projects.list(limit=1)} == {"Green", "Default project"}

    account = projects.service_accounts.create(blue.id, name="backend")
    assert account.api_key is not None
    key = account.api_key
    second = projects.service_accounts.api_keys.create(
        account.id, project_id=blue.id, name="second", expires_in_seconds=3600
    )
    assert second.expires_at is not None
    assert [each.name for each in projects.service_accounts.list(blue.id)] == ["backend"]
    renamed = projects.service_accounts.update(account.id, project_id=blue.id, name="worker")
    assert renamed.name == "worker"
    assert projects.service_accounts.retrieve(account.id, project_id=blue.id).role == "member"
    listed = list(projects.api_keys.list(blue.id, limit=1))
    assert [each.name for each in listed] == ["second", "backend"]
    found = projects.api_keys.retrieve(key.id, project_id=blue.id)
    assert found.owner.service_account is not None
    assert found.owner.service_account.id == account.id
    assert found.redacted_value.endswith(key.value[-4:])
    projects.api_keys.update(second.id, project_id=blue.id, expires_in_seconds=60)

    with OpenAI(base_url=url, api_key=key.value, project=blue.id, max_retries=0) as program:
        made = program.beta.assistants.create(model="m")
        with pytest.raises(openai.PermissionDeniedError):
            program.with_options(admin_api_key=key.value).admin.organization.projects.list()
        as_admin = client.with_options(api_key=ADMIN, project="Green")
        assert [each.id for each in as_admin.beta.assistants.list()] == [made.id]
        assert list(client.with_options(api_key=ADMIN).beta.assistants.list()) == []
        assert projects.api_keys.delete(key.id, project_id=blue.id).deleted
        with pytest.raises(openai.AuthenticationError, match="Incorrect API key provided") as wrong:
            program.beta.assistants.list()
        assert wrong.value.code == "invalid_api_key"

    admin = organization.admin_api_keys.create(name="second")
    assert organization.admin_api_keys.retrieve(admin.id).name == "second"
    assert [each.id for each in organization.admin_api_keys.list()] == [admin.id]
    assert organization.admin_api_keys.delete(admin.id).deleted
    assert projects.service_accounts.delete(account.id, project_id=blue.id).deleted
    archived = projects.archive(blue.id)
    assert archived.status == "archived"
    assert next(each.id for each in projects.list(include_archived=True)) == blue.id
    log = list(organization.audit_logs.list(project_ids=[blue.id], limit=2))
    assert [each.type for each in log][-3:] == [
        "service_account.created", "project.updated", "project.created",
    ]  # fmt: skip
    assert log[0].project_archived is not None
    assert log[0].project_archived.id == blue.id
    by_time = organization.audit_logs.list(
        event_types=["project.archived"], effective_at={"gte": archived.archived_at or 0}
    )
    assert [each.type for each in by_time] == ["project.archived"]
