"""`perdure keys` and `perdure projects`: from the first admin key to keys that are taken away."""

from pathlib import Path

import pytest
from openai import OpenAI

from perdure import settings
from perdure.cli import keys_checkup
from perdure.cli.findings import State
from tests.cli.processes import perdure, serving


def test_projects_and_keys_are_administered_from_the_command_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = perdure("keys", "create", "--admin", "--name", "me", "--data-dir", data)
    assert first.returncode == 0, first.stderr
    secret = first.stdout.strip()
    assert secret.startswith("sk-admin-")
    assert secret not in first.stderr
    with serving(data) as served:
        admin = ("--url", served.url, "--admin-key", secret)

        def run(*arguments: str) -> str:
            done = perdure(*arguments, *admin)
            assert done.returncode == 0, done.stderr
            return done.stdout

        locked = perdure("keys", "create", "--admin", "--data-dir", data)
        assert locked.returncode == 1
        assert "in use by another" in locked.stderr

        blue = run("projects", "create", "Blue").strip()
        assert run("projects", "rename", "Blue", "Green").split() == [blue, "Green"]
        made = perdure("keys", "create", "--project", "Green", "--name", "backend", *admin)
        assert "This is the first key of a project" in made.stderr
        old = made.stdout.strip()
        again = perdure("keys", "create", "--name", "other", *admin)
        assert (again.returncode, "first key" in again.stderr) == (0, False)
        listed = run("keys", "list", "--project", blue).split()
        assert (listed[1], listed[-1]) == (f"sk-proj-...{old[-4:]}", "backend")
        assert [row.split()[-1] for row in run("keys", "list", "--admin").splitlines()] == ["me"]
        new = run("keys", "rotate", listed[0], "--overlap", "3600").strip()
        for key in (old, new):
            with OpenAI(base_url=served.base_url, api_key=key, max_retries=0) as client:
                assert client.vector_stores.list().data == []
        rotated = perdure("keys", "list", "--project", blue, *admin).stdout.splitlines()
        assert ["expires never" in row for row in rotated] == [True, False]
        assert run("keys", "revoke", listed[0]).split()[0] == listed[0]
        gone = perdure("keys", "revoke", listed[0], *admin)
        assert gone.stderr.startswith("perdure: There is no key")
        assert run("projects", "archive", "Green").split() == [blue, "archived", "Green"]
        assert blue not in run("projects", "list")
        assert blue in run("projects", "list", "--archived")
        served.stop()


def test_what_cannot_be_done_is_said_in_one_sentence(tmp_path: Path) -> None:
    none = perdure("projects", "list", cwd=tmp_path)
    assert (none.returncode, none.stdout) == (1, "")
    assert "This needs an admin key" in none.stderr
    both = perdure("keys", "create", "--admin", "--project", "Blue", cwd=tmp_path)
    assert both.stderr == (
        "perdure: An admin key is of no project: leave out --admin or --project.\n"
    )


@pytest.mark.parametrize(
    ("chosen", "state", "text"),
    [
        ({}, State.OK, "0 of projects, 0 of admins; programs on this machine need none"),
        ({"api_keys": ["a", "b"]}, State.OK,
         "2 of projects, 0 of admins; every request needs one that is known"),
        ({"admin_key": "sk-admin-of-somebody"}, State.OK,
         "0 of projects, 1 of admins; programs on this machine need none"),
        ({"host": "0.0.0.0"}, State.FAIL, "Perdure refuses to start without API keys on 0.0.0.0"),
        ({"host": "0.0.0.0", "admin_key": "sk-admin-of-somebody"}, State.OK,
         "0 of projects, 1 of admins; every request needs one that is known"),
    ],
)  # fmt: skip
def test_doctor_says_which_keys_there_are_and_whether_a_start_needs_one(
    tmp_path: Path, chosen: dict[str, object], state: State, text: str
) -> None:
    found = keys_checkup.finding(settings.only(data_dir=tmp_path, **chosen), is_current=True)
    assert found.state is state
    assert found.text.startswith(text)


def test_doctor_counts_the_keys_that_are_stored(tmp_path: Path) -> None:
    made = perdure("keys", "create", "--admin", "--data-dir", tmp_path)
    assert made.returncode == 0, made.stderr
    known = {"PERDURE_ADMIN_KEY": made.stdout.strip(), "PERDURE_PORT": "1"}
    again = perdure("keys", "create", "--admin", "--data-dir", tmp_path, environment=known)
    assert again.returncode == 0, again.stderr
    chosen = settings.only(host="0.0.0.0", data_dir=tmp_path)
    found = keys_checkup.finding(chosen, is_current=True)
    assert found.state is State.OK
    assert found.text.startswith("0 of projects, 2 of admins; every request needs one")
