"""Which server answers for which name."""

import pytest

from perdure.errors import ConfigurationError, ProviderError
from perdure.model_servers import ModelServerSettings, connect
from perdure.providers.router import NamedProvider, Router
from perdure.testing.scripted_model import ScriptedProvider
from perdure.wire.chat import ChatMessage, ChatRequest
from perdure.wire.lists import Model
from tests.model_servers.fixture import ModelServer
from tests.providers.talk import asks, fails, hear


def routing(aliases: dict[str, str] | None = None, *, any_name: bool = True) -> Router:
    """`gpu` and `cloud` list their models, `rest` takes any name."""
    servers = [
        NamedProvider("gpu", ScriptedProvider(), ("llama", "qwen")),
        NamedProvider("cloud", ScriptedProvider(), ("gpt-4o", "llama")),
    ]
    if any_name:
        servers.append(NamedProvider("rest", ScriptedProvider(), None))
    return Router(servers, aliases or {})


@pytest.mark.parametrize(
    ("name", "server", "model"),
    [
        ("llama", "gpu", "llama"),
        ("qwen", "gpu", "qwen"),
        ("gpt-4o", "cloud", "gpt-4o"),
        ("cloud/llama", "cloud", "llama"),
        ("gpu/gpt-4o", "rest", "gpu/gpt-4o"),
        ("rest/anything", "rest", "anything"),
        ("rest/org/model", "rest", "org/model"),
        ("org/model", "rest", "org/model"),
        ("nothing", "rest", "nothing"),
        ("", "rest", ""),
        ("exact", "gpu", "llama"),
        ("prefixed", "cloud", "llama"),
        ("gpt-4", "gpu", "llama"),
        ("gpt-4-turbo", "gpu", "qwen"),
        ("gpt-4.1", "gpu", "llama"),
    ],
)
def test_an_alias_comes_first_then_lists_then_prefixes_then_any_name(
    name: str, server: str, model: str
) -> None:
    aliases = {"exact": "llama", "prefixed": "cloud/llama", "gpt-4-*": "qwen", "gpt-4*": "llama"}
    # gpt-4o is an alias pattern's too: what a list holds is only asked after the aliases
    aliases["gpt-4o"] = "cloud/gpt-4o"
    resolved = routing(aliases).resolve(name)
    assert (resolved.server.name, resolved.model) == (server, model)


def test_an_alias_covers_a_model_of_its_name() -> None:
    assert routing({"llama": "qwen"}).resolve("llama").model == "qwen"


def test_a_name_that_nobody_answers_for_is_told_with_what_to_write() -> None:
    with pytest.raises(ProviderError) as caught:
        routing(any_name=False).resolve("gpt-5")
    assert (caught.value.code, caught.value.message) == (
        "server_error",
        "The model 'gpt-5' is not configured. Known models: llama, qwen, gpt-4o. Add it "
        'under [model_aliases] in perdure.toml, for example: "gpt-5" = "llama".',
    )


@pytest.mark.parametrize("aliases", [{"a": "b", "b": "llama"}, {"a": "a"}, {"a": "b", "b": "a"}])
def test_aliases_do_not_lead_to_aliases(aliases: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="alias"):
        routing(aliases)


async def test_the_server_is_asked_for_the_model_by_the_name_it_knows(
    model_server: ModelServer,
) -> None:
    servers = [ModelServerSettings("one", "scripted:", models=("scripted",)),
               ModelServerSettings("two", model_server.base_url)]  # fmt: skip
    routing = connect(servers, {"gpt-4*": "text"})
    assert (await hear(routing, asks("gpt-4o"))).text.startswith("Hello from the módel")
    assert (await hear(routing, asks("scripted", "say: me"))).text == "me"
    await routing.close()
    assert [body["model"] for body in model_server.bodies()] == ["text"]


async def test_a_chat_for_nobody_fails_as_a_model_call_does() -> None:
    provider = routing(any_name=False)
    request = ChatRequest(model="no", messages=[ChatMessage(role="user", content="x")])
    with pytest.raises(ProviderError, match="'no' is not configured"):
        provider.chat(request)


async def test_all_models_are_listed_once_and_the_aliases(model_server: ModelServer) -> None:
    """What a server lists itself is asked for, unless its models are configured."""
    servers = [
        ModelServerSettings("one", "scripted:", models=("scripted", "text")),
        ModelServerSettings("two", model_server.base_url),
        ModelServerSettings("down", "http://no-such-host.invalid/v1"),
    ]
    routing = connect(servers, {"gpt-4o": "text", "gpt-4*": "text", "bare": "scripted"})
    models = await routing.models()
    await routing.close()
    assert [(model.id, model.owned_by) for model in models] == [
        ("scripted", "one"),
        ("text", "one"),
        ("bare", ""),
        ("gpt-4o", "alias"),
    ]


async def test_the_key_of_each_server_is_its_own(model_server: ModelServer) -> None:
    servers = [ModelServerSettings("a", model_server.base_url, "key-a", ("text",)),
               ModelServerSettings("b", model_server.base_url, "key-b")]  # fmt: skip
    routing = connect(servers, {})
    await hear(routing, asks("text"))
    await fails(routing, asks("invalid"))
    await routing.close()
    sent = [seen["headers"] for seen in model_server.seen()]
    assert [headers["authorization"] for headers in sent if isinstance(headers, dict)] == [
        "Bearer key-a", "Bearer key-b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "window"),
    [
        ("llama", 8192),  # by its own name
        ("gpt-4o", 8192),  # by the name of the model that answers
        ("qwen-7b", 32_768),  # by a pattern
        ("qwen-tiny", 2048),  # by the longest one
        ("claude", 200_000),  # by the name that the program uses
        ("server/other", 4096),  # by its server
        ("unheard-of", None),
    ],
)
def test_the_window_of_a_model_is_found_by_any_of_its_names(name: str, window: int | None) -> None:
    servers = [
        NamedProvider("rest", ScriptedProvider(), None),
        NamedProvider("server", ScriptedProvider(), ("other",), 4096),
    ]
    aliases = {"gpt-4o": "llama", "claude": "haiku"}
    windows = {"llama": 8192, "gpt-*": 1, "qwen*": 32_768, "qwen-t*": 2048, "claude": 200_000}
    assert Router(servers, aliases, windows).window(name) == window


def test_a_model_that_nobody_answers_for_has_no_window() -> None:
    assert routing(any_name=False).window("unheard-of") is None


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("llama", ("http://one/v1", "llama")),
        ("gpt-4o", ("http://one/v1", "llama")),
        ("two/other", ("http://two/v1", "other")),
        ("unheard-of", ("", "unheard-of")),
    ],
)
def test_a_model_is_known_by_its_server_without_a_password_and_its_name_there(
    name: str, origin: tuple[str, str]
) -> None:
    servers = [
        ModelServerSettings("one", "http://one/v1/", models=("llama",)),
        ModelServerSettings("two", "http://user:secret@two/v1", models=("other",)),
    ]
    assert connect(servers, {"gpt-4o": "llama"}).origin(name) == origin


class _Lister(ScriptedProvider):
    """A model server with these models; none: it does not answer."""

    def __init__(self, *names: str) -> None:
        self.names = names

    async def models(self) -> list[Model]:
        if not self.names:
            raise ProviderError("away")
        return [Model(id=name, created=0, owned_by="tests") for name in self.names]


async def test_the_default_model_answers_for_what_nobody_lists_once_the_lists_are_known() -> None:
    lister = _Lister()
    servers = [
        NamedProvider("gpu", ScriptedProvider(), ("llama",)),
        NamedProvider("rest", lister, None),
    ]
    routing = Router(servers, {"alias": "gone"}, default="qwen:8b")
    names = ("gpt-4o", "llama", "qwen:8b", "small", "rest/small", "gpu/none", "alias")
    await routing.refresh()
    assert [routing.resolve(name).model for name in ("gpt-4o", "alias")] == ["gpt-4o", "gone"]
    lister.names = ("qwen:8b", "small:latest")
    await routing.refresh()
    found = [routing.resolve(name).model for name in names]
    assert found == ["qwen:8b", "llama", "qwen:8b", "small", "small", "qwen:8b", "qwen:8b"]
    lister.names = ()  # it is down: what it listed before still holds
    await routing.refresh()
    assert [routing.resolve(name).model for name in names] == found


async def test_without_a_default_model_names_are_passed_on_as_they_are() -> None:
    routing = Router([NamedProvider("rest", _Lister("qwen"), None)], {})
    await routing.refresh()
    assert routing.resolve("gpt-4o").model == "gpt-4o"


def test_a_default_model_answers_where_all_servers_name_their_models() -> None:
    servers = [NamedProvider("gpu", ScriptedProvider(), ("llama",))]
    assert Router(servers, {}, default="llama").resolve("gpt-4o") == (servers[0], "llama")
    with pytest.raises(ProviderError, match="gpt-4o"):
        Router(servers, {}, default="none").resolve("gpt-4o")
