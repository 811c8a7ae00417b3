"""The settings of webhooks: refused at the start when nothing could be sent or verified."""

import base64
import json
from pathlib import Path

import pytest

from perdure import settings
from perdure.errors import ConfigurationError
from perdure.settings.webhooks import EVENTS
from tests.webhooks.receiver import KEY, SECRET


def _refusal(*tables: dict[str, object]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        settings.only(webhooks=tables)
    return str(refused.value)


def _table(**fields: object) -> dict[str, object]:
    return {"name": "a", "url": "https://example.com/hook", "secret": SECRET, **fields}


def _secret_of(count: int) -> str:
    return f"whsec_{base64.b64encode(bytes(count)).decode()}"


def test_a_webhook_hears_of_every_event_of_the_default_project() -> None:
    (webhook,) = settings.only(webhooks=[_table()]).webhooks
    assert (webhook.name, webhook.url, webhook.key) == ("a", "https://example.com/hook", KEY)
    assert (webhook.project, webhook.events) == (None, EVENTS)


def test_private_targets_are_refused_unless_it_is_said() -> None:
    assert settings.only().webhook_private_targets is False
    assert settings.only(webhook_private_targets=True).webhook_private_targets is True


def test_tables_come_from_the_file_or_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "perdure.toml"
    file.write_text(
        f'[[webhooks]]\nname = "a"\nurl = "http://b/"\nsecret = "{SECRET}"\n'
        'events = ["thread.run.failed"]\nproject = "p"'
    )
    (read,) = settings.load(config=file).webhooks
    assert (read.url, read.events, read.project) == ("http://b/", ("thread.run.failed",), "p")
    monkeypatch.setenv("PERDURE_WEBHOOKS", json.dumps([_table(name="c")]))
    assert [webhook.name for webhook in settings.load(config=file).webhooks] == ["c"]


def test_a_secret_can_be_in_a_variable_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    table = _table(secret=None, secret_env="HOOK_SECRET")
    monkeypatch.delenv("HOOK_SECRET", raising=False)
    assert _refusal(table) == (
        "The setting webhooks.0 from the flag --webhooks is wrong: webhook 'a' takes its secret "
        "from the environment variable HOOK_SECRET, which is not set."
    )
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    assert settings.only(webhooks=[table]).webhooks[0].key == KEY


@pytest.mark.parametrize("count", [24, 64])
def test_a_secret_has_24_to_64_bytes(count: int) -> None:
    (webhook,) = settings.only(webhooks=[_table(secret=_secret_of(count))]).webhooks
    assert webhook.key == bytes(count)


@pytest.mark.parametrize(
    "secret",
    [
        SECRET.removeprefix("whsec_"),
        "whsec_",
        "whsec_not base64, whatever it is",
        SECRET.rstrip("="),
        _secret_of(23),
        _secret_of(65),
    ],
)
def test_a_secret_that_receivers_could_not_use_is_refused_and_not_shown(secret: str) -> None:
    assert _refusal(_table(secret=secret)) == (
        "The setting webhooks.0 from the flag --webhooks is wrong: the secret of webhook 'a' must "
        "be whsec_ and the base64 of 24 to 64 random bytes."
    )


@pytest.mark.parametrize("both", [True, False])
def test_a_webhook_has_one_secret(both: bool) -> None:
    fields = {"secret_env": "HOME"} if both else {"secret": None}
    assert _refusal(_table(**fields)).endswith(
        "wrong: webhook 'a' needs either secret or secret_env."
    )


@pytest.mark.parametrize(
    "url", ["ftp://example.com", "example.com/hook", "file:///etc/passwd", "http://", "//b/c", ""]
)
def test_a_target_is_reached_by_http(url: str) -> None:
    assert _refusal(_table(url=url)).endswith(
        "wrong: expected a URL such as https://example.com/perdure."
    )


@pytest.mark.parametrize("url", ["https://user:word@example.com/", "https://user@example.com/"])
def test_a_url_holds_no_password(url: str) -> None:
    refusal = _refusal(_table(url=url))
    assert refusal.endswith("wrong: a webhook's URL holds no user and no password.")
    assert "word@" not in refusal


@pytest.mark.parametrize("host", [f"{'a' * 64}.com", "a..com"])
def test_a_host_name_that_nobody_could_look_up_is_refused(host: str) -> None:
    assert _refusal(_table(url=f"http://{host}/")).endswith(f"wrong: '{host}' is no host name.")


def test_a_port_is_a_port() -> None:
    assert _refusal(_table(url="http://a:65536/")).endswith("wrong: port out of range 0-65535.")


def test_an_event_that_no_webhook_hears_of_is_named_with_those_they_do() -> None:
    assert _refusal(_table(events=["thread.run.queued"])) == (
        "The setting webhooks.0.events from the flag --webhooks is wrong: 'thread.run.queued' is "
        "none of thread.run.cancelled, thread.run.completed, thread.run.expired, "
        "thread.run.failed, thread.run.incomplete, thread.run.requires_action."
    )
    assert "events" in _refusal(_table(events=[]))


def test_two_webhooks_of_one_name_are_refused() -> None:
    assert _refusal(_table(), _table(url="https://b/")) == "two webhooks are named 'a'."


def test_neither_secret_nor_path_shows_in_the_settings() -> None:
    chosen = settings.only(webhooks=[_table(url="https://example.com:8443/path-secret?k=1")])
    assert SECRET not in repr(chosen)
    assert chosen.webhooks[0].where == "https://example.com:8443"
