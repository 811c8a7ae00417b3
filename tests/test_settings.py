"""Settings: precedence, and one sentence that names what is wrong and where it came from."""

import json
from pathlib import Path

import pytest

from perdure import settings
from perdure.cli import options
from perdure.errors import ConfigurationError
from perdure.settings.models import ThinkingSettings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty working directory and no PERDURE_ variables."""
    monkeypatch.chdir(tmp_path)
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(f"PERDURE_{name.upper()}", raising=False)


def _refusal(**flags: object) -> str:
    with pytest.raises(ConfigurationError) as refused:
        settings.load(**flags)
    return str(refused.value)


def test_defaults_serve_this_machine_only_with_the_scripted_model() -> None:
    chosen = settings.load()
    assert (chosen.host, chosen.port) == ("127.0.0.1", 7373)
    assert [(server.name, server.base_url) for server in chosen.servers] == [
        ("scripted", "scripted:")
    ]
    assert chosen.database_label == f"SQLite in {chosen.data_dir}"


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert settings.load().port == 7373
    Path("perdure.toml").write_text("port = 1001\npoll_after_ms = 9")
    assert settings.load().port == 1001
    monkeypatch.setenv("PERDURE_PORT", "1002")
    assert settings.load().port == 1002
    assert settings.load(port=1003).port == 1003
    assert settings.load(port=1003).poll_after_ms == 9


def test_origin_tells_where_each_value_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("perdure.toml").write_text("port = 1001\nlog_level = 'debug'")
    monkeypatch.setenv("PERDURE_PORT", "1002")
    assert settings.origin("data_dir", {"data_dir": "x"}) == "the flag --data-dir"
    assert settings.origin("port", {"port": None}) == "the environment variable PERDURE_PORT"
    assert settings.origin("log_level", {}) == "perdure.toml"
    assert settings.origin("host", {}) == settings.DEFAULT
    names, flags = ["host", "data_dir", "port", "log_level"], {"data_dir": "x"}
    assert settings.origins(names, flags) == {name: settings.origin(name, flags) for name in names}


def test_the_origin_of_a_flag_is_told_beside_a_file_that_cannot_be_read() -> None:
    Path("perdure.toml").write_text("port = \n")
    assert settings.origin("port", {"port": 1}) == "the flag --port"


@pytest.mark.parametrize("how", ["flag", "environment"])
def test_a_named_file_is_read_instead_of_the_one_here(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("perdure.toml").write_text("port = 1001")
    Path("other.toml").write_text("port = 1002")
    if how == "flag":
        assert settings.load(config=Path("other.toml")).port == 1002
    else:
        monkeypatch.setenv("PERDURE_CONFIG", "other.toml")
        assert settings.load().port == 1002


def test_a_named_file_that_is_not_there_is_an_error() -> None:
    assert _refusal(config="no.toml") == "There is no settings file no.toml."


def test_an_unknown_key_in_the_file_is_named() -> None:
    Path("perdure.toml").write_text("prot = 1")
    assert _refusal() == "'prot' in perdure.toml is not a setting."


def test_a_file_that_is_not_toml_is_named_with_the_place() -> None:
    Path("perdure.toml").write_text("port = \n")
    assert _refusal() == "perdure.toml is not valid TOML: Invalid value (at line 1, column 8)."


def test_a_wrong_value_is_told_with_its_setting_and_its_origin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PERDURE_PORT", "x")
    assert _refusal() == (
        "The setting port from the environment variable PERDURE_PORT is wrong ('x'): "
        "input should be a valid integer, unable to parse string as an integer."
    )
    assert _refusal(port=70000) == (
        "The setting port from the flag --port is wrong (70000): "
        "input should be less than or equal to 65535."
    )


@pytest.mark.parametrize(
    "variable",
    [
        ("PERDURE_API_KEYS", "sk-secret"),
        ("PERDURE_DATABASE_URL", "postgresql://perdure:sk-secret@db/perdure"),
        ("PERDURE_MODEL_SERVERS", '[{"name":"a","base_url":"http://a","api_key":"sk-secret"}]'),
    ],
)
def test_secrets_never_show_in_the_settings(
    variable: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*variable)
    monkeypatch.setenv("PERDURE_BLOB_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("PERDURE_BLOB_SECRET_ACCESS_KEY", "sk-secret")
    monkeypatch.setenv("PERDURE_CODE_GATEWAY_URL", "http://gateway:8888")
    monkeypatch.setenv("PERDURE_CODE_GATEWAY_TOKEN", "sk-secret")
    chosen = settings.load()
    assert "sk-secret" not in f"{chosen!r} {chosen} {chosen.database_label} {chosen.servers}"


@pytest.mark.parametrize(
    "variable",
    [
        ("PERDURE_DATABASE_URL", "mysql://perdure:sk-secret@db/perdure"),
        ("PERDURE_DATABASE_URL", "postgresql://perdure:sk-secret/x@db/perdure"),
        ("PERDURE_DATABASE_URL", "postgresql://perdure:a@sk-secret@db/perdure"),
        ("PERDURE_MODEL_BASE_URL", "ftp://user:sk-secret@host/v1"),
        ("PERDURE_MODEL_SERVERS", '[{"name":"a","base_url":"x","api_key":"sk-secret"}]'),
        ("PERDURE_MODEL_SERVERS", '[{"name":"a","api_key":"sk-secret"'),
        ("PERDURE_BLOB_URL", "s3://key:sk-secret@bucket"),
        ("PERDURE_BLOB_URL", "https://key:sk-secret@bucket"),
        ("PERDURE_BLOB_ENDPOINT", "http://key:sk-secret@minio:9000"),
        ("PERDURE_CODE_GATEWAY_URL", "http://key:sk-secret@gateway:8888"),
        ("PERDURE_CODE_GATEWAY_TOKEN", "sk-secret with spaces"),
    ],
)
def test_secrets_never_show_in_an_error(
    variable: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*variable)
    refusal = _refusal()
    assert variable[0] in refusal
    assert "sk-secret" not in refusal


def test_the_database_is_shown_without_password_and_options() -> None:
    url = "postgresql://perdure:pass@db.example:5433/app?sslpassword=pass"
    assert settings.load(database_url=url).database_label == (
        "postgresql://perdure@db.example:5433/app"
    )


def test_lists_come_from_the_environment_parted_by_commas(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PERDURE_API_KEYS", "one, two,")
    monkeypatch.setenv("PERDURE_ALLOWED_HOSTS", "perdure.local")
    chosen = settings.load()
    assert [key.get_secret_value() for key in chosen.api_keys] == ["one", "two"]
    assert chosen.allowed_hosts == ("perdure.local",)


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_PORT", "")
    assert settings.load().port == 7373


def test_unknown_variables_with_our_prefix_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_PROT", "1")
    monkeypatch.setenv("PERDURE_PORT", "1")
    assert settings.unknown_variables() == ["PERDURE_PROT"]


def test_the_single_model_server_comes_first_and_is_named_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PERDURE_MODEL_BASE_URL", "http://localhost:11434/v1/")
    monkeypatch.setenv("PERDURE_MODEL_API_KEY", "key")
    monkeypatch.setenv("OTHER_KEY", "other")
    monkeypatch.setenv("PERDURE_MODEL_ALIASES", json.dumps({"gpt-4o": "big/qwen3"}))
    Path("perdure.toml").write_text(
        """
        [[model_servers]]
        name = "big"
        base_url = "http://gpu:8000/v1"
        api_key_env = "OTHER_KEY"
        models = ["qwen3"]
        """
    )
    chosen = settings.load()
    default, big = chosen.servers
    assert (default.name, default.base_url) == ("default", "http://localhost:11434/v1")
    assert default.key is not None
    assert default.key.get_secret_value() == "key"
    assert (big.name, big.models) == ("big", ("qwen3",))
    assert big.key is not None
    assert big.key.get_secret_value() == "other"
    assert chosen.model_aliases == {"gpt-4o": "big/qwen3"}


def test_a_key_without_its_model_server_is_refused() -> None:
    assert _refusal(model_api_key="key") == (
        "model_api_key is set but model_base_url is not: name the model server too."
    )


def test_a_key_variable_that_is_not_set_is_named() -> None:
    Path("perdure.toml").write_text(
        '[[model_servers]]\nname = "a"\nbase_url = "http://a"\napi_key_env = "NOT_SET_KEY"'
    )
    assert _refusal() == (
        "The setting model_servers.0 from perdure.toml is wrong: model server 'a' takes its key "
        "from the environment variable NOT_SET_KEY, which is not set."
    )


def test_two_model_servers_of_one_name_are_refused() -> None:
    server = {"name": "default", "base_url": "http://a"}
    refusal = _refusal(model_base_url="http://b", model_servers=[server])
    assert refusal == "two model servers are named 'default'."


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "perdure.example", ""])
def test_an_address_that_others_can_reach_is_no_loopback_address(host: str) -> None:
    """What a start there needs, a key, may be stored: `tests/api/test_api_keys.py`."""
    assert not settings.is_loopback(settings.load(host=host).host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_a_loopback_address_is_known_as_one(host: str) -> None:
    assert settings.is_loopback(settings.load(host=host).host)


def test_an_admin_key_is_no_project_key_and_not_a_short_one() -> None:
    refusal = _refusal(admin_key="a-long-enough-one", api_keys=["a-long-enough-one"])
    assert refusal == "admin_key is one of api_keys: an admin's key is no project's."
    assert "16" in _refusal(admin_key="short")
    assert "short" not in _refusal(admin_key="short")


def test_only_reads_neither_the_environment_nor_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("perdure.toml").write_text("port = 1001")
    monkeypatch.setenv("PERDURE_HOST", "localhost")
    chosen = settings.only(poll_after_ms=1)
    assert (chosen.host, chosen.port, chosen.poll_after_ms) == ("127.0.0.1", 7373, 1)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.load().port = 1


def test_context_windows_come_from_the_file_or_as_json_and_a_server_can_have_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("perdure.toml").write_text(
        """
        [[model_servers]]
        name = "small"
        base_url = "http://small/v1"
        context_window = 4096

        [context_windows]
        "qwen*" = 32768
        """
    )
    chosen = settings.load()
    assert chosen.context_windows == {"qwen*": 32_768}
    assert [server.context_window for server in chosen.servers] == [4096]
    monkeypatch.setenv("PERDURE_CONTEXT_WINDOWS", '{"llama": 8192}')
    assert settings.load().context_windows == {"llama": 8192}


def test_thinking_comes_from_the_file_or_as_json_and_may_be_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("perdure.toml").write_text(
        """
        [thinking]
        "qwen3*" = { send_back = true }
        "deepseek-r1" = { begins_in_prompt = true }
        "gpt-4*" = false
        """
    )
    assert settings.load().thinking == {
        "qwen3*": ThinkingSettings(send_back=True),
        "deepseek-r1": ThinkingSettings(begins_in_prompt=True),
        "gpt-4*": ThinkingSettings(hide=False),
    }
    monkeypatch.setenv("PERDURE_THINKING", '{"*": false}')
    assert settings.load().thinking == {"*": ThinkingSettings(hide=False)}


def test_a_word_on_thinking_that_is_not_known_is_refused() -> None:
    assert _refusal(thinking={"*": {"hidden": True}}) == (
        "The setting thinking.*.hidden from the flag --thinking is wrong (True): extra inputs are "
        "not permitted."
    )


def test_a_context_window_that_no_model_has_is_refused() -> None:
    assert _refusal(context_windows={"llama": 8}) == (
        "The setting context_windows.llama from the flag --context-windows is wrong (8): input "
        "should be greater than or equal to 512."
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"embedding_base_url": "http://h/v1"},
            "and embedding_model are needed together",
        ),
        ({"embedding_model": "m"}, "and embedding_model are needed together"),
        ({"embedding_api_key": "k"}, "embedding_api_key is set but embedding_base_url is not"),
        ({"embedding_base_url": "ftp://h", "embedding_model": "m"}, "expected a URL such as"),
    ],
)
def test_an_embedding_model_needs_its_server_and_its_name(
    values: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        settings.only(**values)


@pytest.mark.parametrize("url", ["https://bucket", "s3://", "s3://bucket?x=y", "bucket"])
def test_a_bucket_is_named_by_an_s3_url(url: str) -> None:
    assert _refusal(blob_url=url).endswith(
        "expected a URL such as s3://bucket or s3://bucket/prefix."
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"contents": "database"},
            "contents is database but database_url is not set: only PostgreSQL takes contents.",
        ),
        ({"contents": "s3"}, "contents is s3 but blob_url is not set: name the bucket too."),
    ],
)
def test_contents_go_only_where_something_is_configured(
    values: dict[str, object], message: str
) -> None:
    assert _refusal(**values) == message


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({}, "the folder /data/blobs"),
        ({"database_url": "postgresql://h/d"}, "the PostgreSQL database"),
        ({"database_url": "postgresql://h/d", "blob_url": "s3://b"}, "the bucket s3://b"),
        ({"database_url": "postgresql://h/d", "contents": "folder"}, "the folder /data/blobs"),
        ({"blob_url": "s3://b", "contents": "folder"}, "the folder /data/blobs"),
    ],
)
def test_it_is_told_where_new_contents_go(values: dict[str, object], where: str) -> None:
    assert settings.only(data_dir=Path("/data"), **values).contents_label == where


def test_the_two_keys_of_a_bucket_belong_together() -> None:
    for name in ("blob_access_key_id", "blob_secret_access_key"):
        assert _refusal(**{name: "x"}) == (
            "blob_access_key_id and blob_secret_access_key belong together: set both or none."
        )


@pytest.mark.parametrize("name", ["code_gateway_token", "code_gateway_kernel"])
def test_what_is_said_to_a_gateway_needs_the_gateway(name: str) -> None:
    assert _refusal(**{name: "x"}) == (
        "code_gateway_token and code_gateway_kernel need code_gateway_url: name the gateway too."
    )


@pytest.mark.parametrize(
    "url", ["gateway:8888", "ftp://gateway", "http://", "http://gateway?token=x", "http://g:x"]
)
def test_a_gateway_is_named_by_an_http_url(url: str) -> None:
    assert "The setting code_gateway_url from the flag" in _refusal(code_gateway_url=url)


def test_the_sandbox_is_chosen_and_agrees_with_the_gateway() -> None:
    url = "http://gateway:8888"
    assert settings.only().sandbox == "bubblewrap"
    assert settings.only(code_gateway_url=url).sandbox == "gateway"
    assert settings.only(code_sandbox="scripted").sandbox == "scripted"
    assert _refusal(code_sandbox="gateway") == (
        "code_sandbox is gateway but code_gateway_url is not set: name the gateway too."
    )
    assert _refusal(code_sandbox="scripted", code_gateway_url=url) == (
        "code_gateway_url is set but code_sandbox is scripted: no gateway would be used."
    )


def test_a_gateway_may_be_below_a_path() -> None:
    chosen = settings.only(code_gateway_url="https://host/gateway/")
    assert chosen.code_gateway_url == "https://host/gateway"


@pytest.mark.parametrize(
    "origin", ["app.example.com", "https://app.example.com/", "https://u@app.example.com", "null"]
)
def test_an_origin_is_a_scheme_a_host_and_perhaps_a_port(origin: str) -> None:
    with pytest.raises(ConfigurationError, match="expected origins such as"):
        settings.only(cors_origins=origin)


def test_proxies_are_addresses_or_networks() -> None:
    chosen = settings.only(trusted_proxies="10.0.0.0/8, 192.0.2.1, 2001:db8::/32")
    assert [str(each) for each in chosen.trusted_proxies] == [
        "10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32",
    ]  # fmt: skip
    with pytest.raises(ConfigurationError, match="trusted_proxies"):
        settings.only(trusted_proxies="proxy.internal")


def test_aliases_of_flags_are_added_to_those_that_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("perdure.toml").write_text('[model_aliases]\na = "file"\nb = "file"')
    assert settings.load(model_aliases={"a": "flag"}).model_aliases == {"a": "flag", "b": "file"}
    monkeypatch.setenv("PERDURE_MODEL_ALIASES", '{"c": "environment"}')
    known = settings.load().model_aliases
    found = settings.load(model_aliases={"d": "flag"}).model_aliases
    assert found == {**known, "d": "flag"}
    assert settings.origin("model_aliases", {"model_aliases": {"d": "flag"}}) == "the flag --alias"


@pytest.mark.parametrize("text", ["", "=", "a", "a=", "=b", " = "])
def test_an_alias_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--alias takes NAME=MODEL"):
        options.aliases([text])


def test_the_last_of_two_equal_aliases_holds_and_models_may_have_an_equals_sign() -> None:
    given = ["gpt-4*=qwen3:8b", " gpt-4* = a=b ", "x=y"]
    assert options.aliases(given) == {"gpt-4*": "a=b", "x": "y"}
    assert options.aliases([]) is options.aliases(None) is None
