"""Model servers that refuse what others take, in their own words: one row each.

`docs/model-servers.md` is printed from `QUIRKS`; `tests/providers/test_adjustments.py` plays each.
A real server was asked for none of them: the words are those of the reports that a row names.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from aiohttp import web

from tests.model_servers.answers import text, tools
from tests.model_servers.pieces import DONE, Body, Handler, chunk, event, refuses, send

Refuses = Callable[[dict[str, Any]], bool]
Form = Callable[[int, str], web.Response]


def _json(status: int, document: object) -> web.Response:
    return web.json_response(document, status=status)


def in_object(status: int, words: str) -> web.Response:
    return _json(status, {"error": {"message": words, "type": "invalid_request_error"}})


def bare(status: int, words: str) -> web.Response:
    return _json(status, {"object": "error", "message": words, "code": status})


def in_string(status: int, words: str) -> web.Response:
    return _json(status, {"error": words})


def in_list(status: int, words: str) -> web.Response:
    error = {"code": status, "message": words, "status": "INVALID_ARGUMENT"}
    return _json(status, [{"error": error}])


def in_errors(status: int, words: str) -> web.Response:
    return _json(status, {"errors": [{"message": words, "code": status}]})


def in_detail(status: int, words: str) -> web.Response:
    return _json(status, {"detail": words})


def of_field(status: int, words: str) -> web.Response:
    """As pydantic: `words` are a path, a colon, and what is wrong there."""
    return _json(status, {"detail": [_field(words)]})


def of_field_in_message(status: int, words: str) -> web.Response:
    return _json(status, {"object": "error", "message": {"detail": [_field(words)]}})


def in_router(status: int, words: str) -> web.Response:
    raw = json.dumps({"message": words})
    error = {"message": "Provider returned error", "metadata": {"raw": raw}}
    return _json(status, {"error": {"code": status, **error}})


def in_plain_text(status: int, words: str) -> web.Response:
    return web.Response(status=status, text=words + "\n")


def in_page(status: int, words: str) -> web.Response:
    escaped = words.replace("&", "&amp;").replace("'", "&#39;").replace("<", "&lt;")
    page = f"<html><head><title>Error</title></head><body>\n<pre>{escaped}</pre></body></html>"
    return web.Response(status=status, text=page, content_type="text/html")


def _field(words: str) -> Body:
    path, _, said = words.partition(": ")
    return {"loc": ["body", *path.split(".")], "msg": said, "type": "extra_forbidden",
            "input": "temperature is not supported"}  # fmt: skip


FORMS: dict[str, Form] = {
    form.__name__: form
    for form in (in_object, bare, in_string, in_list, in_errors, in_detail, in_router,
                 in_plain_text, in_page)
}  # fmt: skip


class Quirk(NamedTuple):
    """What a server refuses, and how. `adjustment` is the name of what it calls for; `report` is
    where it is known from, as owner/repository#number, or a document of the maker.
    """

    server: str
    adjustment: str
    refuses: Refuses
    words: str
    report: str
    status: int = 400
    form: Form = in_object
    # the words of the report are of another parameter
    is_of_another: bool = False

    @property
    def model(self) -> str:
        """The name by which the model server of the tests plays it."""
        return f"quirk {QUIRKS.index(self)}"


def has(name: str) -> Refuses:
    return lambda body: name in body


def messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body["messages"]
    return found


def has_system(body: dict[str, Any]) -> bool:
    return any(message["role"] == "system" for message in messages(body))


def out_of_turn(body: dict[str, Any]) -> bool:
    """As templates count: without the system message, calls and their outputs."""
    turns = [
        message["role"]
        for message in messages(body)
        if message["role"] in ("user", "assistant") and not message.get("tool_calls")
    ]
    return any((role == "user") != (place % 2 == 0) for place, role in enumerate(turns))


def out_of_turn_with_system(body: dict[str, Any]) -> bool:
    """As a template that counts the instructions as well."""
    return has_system(body) or out_of_turn(body)


def lacks_user(body: dict[str, Any]) -> bool:
    return not any(message["role"] == "user" for message in messages(body))


def ends_with_assistant(body: dict[str, Any]) -> bool:
    return not messages(body) or messages(body)[-1]["role"] == "assistant"


def has_long_ids(body: dict[str, Any]) -> bool:
    ids = [call["id"] for message in messages(body) for call in message.get("tool_calls") or ()]
    return any(len(each) != 9 or not each.isalnum() for each in ids)


def has_two_calls(body: dict[str, Any]) -> bool:
    return any(len(message.get("tool_calls") or ()) > 1 for message in messages(body))


def has_empty_text(body: dict[str, Any]) -> bool:
    return any(message["content"] == "" for message in messages(body))


def has_strict(body: dict[str, Any]) -> bool:
    return any("strict" in tool["function"] for tool in body.get("tools", ()))


def has_choice_object(body: dict[str, Any]) -> bool:
    return isinstance(body.get("tool_choice"), dict)


def has_field(name: str) -> Refuses:
    return lambda body: any(name in message for message in messages(body))


def lacks_tools(body: dict[str, Any]) -> bool:
    return "tools" not in body and any(message.get("tool_calls") for message in messages(body))


def has_both(body: dict[str, Any]) -> bool:
    return {"temperature", "top_p"} <= body.keys()


_ROLES = (
    "After the optional system message, conversation roles must alternate user and assistant roles "
    "except for tool calls and results."
)

QUIRKS: tuple[Quirk, ...] = (
    Quirk("vLLM (Gemma)", "instructions in a user message", has_system,
          "System role not supported", "huggingface/chat-ui#1386", form=bare),
    Quirk("llama.cpp (Ministral)", "instructions in a user message", has_system,
          "Only user, assistant and tool roles are supported, got system.",
          "anomalyco/opencode#5034", status=500),
    Quirk("Gemini (Gemma)", "instructions in a user message", has_system,
          "Developer instruction is not enabled for models/gemma-3-27b-it", "0xPlaygrounds/rig#788",
          form=in_list),
    Quirk("OpenAI (o1-mini)", "instructions in a user message", has_system,
          "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
          "janhq/jan#4392"),
    Quirk("vLLM (Gemma, Mistral)", "user and assistant in turns", out_of_turn,
          "Conversation roles must alternate user/assistant/user/assistant/...",
          "vllm-project/vllm#6862", form=bare),
    Quirk("llama.cpp (Devstral)", "user and assistant in turns", out_of_turn,
          f"\\n------------\\nWhile executing CallExpression at line 189\\nError: Jinja Exception: "
          f"{_ROLES}", "mistralai/mistral-vibe#1006", status=500),
    Quirk("DeepSeek (reasoner)", "user and assistant in turns", out_of_turn,
          "deepseek-reasoner does not support successive user or assistant messages (messages[1] "
          "and messages[2] in your input). You should interleave the user/assistant messages in "
          "the message sequence.", "deepseek-ai/DeepSeek-R1#21"),
    Quirk("LM Studio (Qwen 3.5)", "user and assistant in turns", lacks_user,
          'Error rendering prompt with jinja template: "No user query found in messages."',
          "lmstudio-ai/lmstudio-bug-tracker#1572", form=in_string),
    Quirk("vLLM (Qwen 3.5)", "user and assistant in turns", lacks_user,
          "No user query found in messages.", "vllm-project/vllm#36432", form=bare),
    Quirk("Mistral", "a user message at the end", ends_with_assistant,
          "Expected last role User or Tool (or Assistant with prefix True) for serving but got "
          "assistant", "langchain-ai/langchain#23703", form=bare),
    Quirk("Anthropic, and routers to it", "a user message at the end", ends_with_assistant,
          "This model does not support assistant message prefill. The conversation must end with a "
          "user message.", "aj47/SpeakMCP#1037", form=in_router),
    Quirk("Mistral", "call ids of nine letters and digits", has_long_ids,
          "Tool call id was call_0fypS1hVX but must be a-z, A-Z, 0-9, with a length of 9.",
          "karthink/gptel#1203", form=bare),
    Quirk("oMLX (Devstral)", "call ids of nine letters and digits", has_long_ids,
          "Tool call id was call_49c89af0 but must be a-z, A-Z, 0-9, with a length of 9",
          "jundot/omlx#1997", status=500, form=in_detail),
    Quirk("mlx-lm (Ministral)", "call ids of nine letters and digits", has_long_ids,
          "Tool call IDs should be alphanumeric strings with length 9!", "ml-explore/mlx-lm#1375",
          status=404, form=in_string),
    Quirk("vLLM (Llama 3)", "one call at a time", has_two_calls,
          "This model only supports single tool-calls at once!", "vllm-project/vllm#12937",
          form=bare),
    Quirk("Anthropic, and routers to it", "no empty texts", has_empty_text,
          "messages: text content blocks must be non-empty", "HKUDS/nanobot#949"),
    Quirk("Gemini, behind a converter", "functions without strict", has_strict,
          "Invalid JSON payload received. Unknown name \"strict\" at "
          "'tools[0].function_declarations[0]': Cannot find field.",
          "router-for-me/CLIProxyAPI#102"),
    Quirk("Bedrock (Claude Sonnet 5)", "functions without strict", has_strict,
          "tools.0.custom.strict: Extra inputs are not permitted", "BerriAI/litellm#33193"),
    Quirk("RouteLLM", "functions without strict", has_strict,
          'Validation Error: "strict" - Extra inputs are not permitted', "earendil-works/pi#1173"),
    Quirk("LM Studio", "tool_choice in a word", has_choice_object,
          "Invalid tool_choice type: 'object'. Supported string values: none, auto, required",
          "antropia-studio/linguito#21", form=in_string),
    Quirk("Anthropic, Bedrock", "tools that must not be called", lacks_tools,
          "Requests which include `tool_use` or `tool_result` blocks must define tools.",
          "BerriAI/litellm#4689"),
    Quirk("LiteLLM", "tools that must not be called", lacks_tools,
          "litellm.UnsupportedParamsError: Anthropic doesn't support tool calling without `tools=` "
          "param specified. Pass `tools=` param OR set `litellm.modify_params = True`",
          "camel-ai/owl#532"),
    Quirk("Gemini", "without stream_options", has("stream_options"),
          'Invalid JSON payload received. Unknown name "stream_options": Cannot find field.',
          "securo-finance/securo#884", form=in_list),
    Quirk("Mistral", "without parallel_tool_calls", has("parallel_tool_calls"),
          "parallel_tool_calls: Extra inputs are not permitted", "crewAIInc/crewAI#60", status=422,
          form=of_field_in_message, is_of_another=True),
    Quirk("Ollama", "without reasoning_effort", has("reasoning_effort"),
          '"llama3.1:8b" does not support thinking', "Gitlawb/openclaude#1371"),
    Quirk("Ollama (Qwen 3)", "without reasoning_effort", has("reasoning_effort"),
          'think value "medium" is not supported for this model', "ollama/ollama#12561"),
    Quirk("xAI (Grok 4)", "without reasoning_effort", has("reasoning_effort"),
          "Model grok-4-latest does not support parameter reasoningEffort.",
          "BerriAI/litellm#16265", form=in_string),
    Quirk("OpenAI (GPT-5)", "without temperature", has("temperature"),
          "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default "
          "(1) value is supported.", "QwenLM/qwen-code#921"),
    Quirk("Kimi (K3)", "without temperature", has("temperature"),
          "invalid temperature: only 1 is allowed for this model", "XCNXNXNX/dsh-portable-tavern#1",
          form=bare),
    Quirk("OpenAI (o1)", "without top_p", has("top_p"),
          "Unsupported parameter: 'top_p' is not supported with this model.",
          "aandrew-me/tgpt#333"),
    Quirk("Bedrock (Claude)", "top_p only without temperature", has_both,
          "The model returned the following errors: `temperature` and `top_p` cannot both be "
          "specified for this model. Please use only one.", "skydiscover-ai/skydiscover#15"),
    Quirk("OpenAI (o1, GPT-5)", "max_completion_tokens for max_tokens", has("max_tokens"),
          "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
          "'max_completion_tokens' instead.", "CherryHQ/cherry-studio#1403"),
    Quirk("Groq", "without reasoning_content in messages", has_field("reasoning_content"),
          "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : "
          "property 'reasoning_content' is unsupported)]", "janhq/jan#8136"),
    Quirk("Mistral", "without reasoning_content in messages", has_field("reasoning_content"),
          "messages.31.assistant.reasoning_content: Extra inputs are not permitted",
          "charmbracelet/crush#1590", status=422, form=of_field),
)  # fmt: skip

# What is said of a value, or of something that no other request would mend.
NOT_OF_PARAMETERS = (
    "temperature must be at most 1.",
    "Unsupported value: 'reasoning_effort' does not support 'none' with this model. Supported "
    "values are: 'low', 'medium', and 'high'.",
    "reasoning_effort must be one of none or default",
    "Invalid value: 'lots'. Supported values are: 'low' and 'high'. (parameter: reasoning_effort)",
    "max_tokens is too large: 99999. At most 4096.",
    "This model's maximum context length is 4096 tokens. 'max_tokens' or 'max_completion_tokens' "
    "is too large: 5000.",
    "top_p should be between 0 and 1",
    "registry.ollama.ai/library/gemma:2b does not support tools",
    "messages[0].content is wrong.",
    "Out of luck.",
)


def plays(quirk: Quirk) -> Handler:
    async def handler(request: web.Request, body: Body, number: int) -> web.StreamResponse:
        if quirk.refuses(body):
            return quirk.form(quirk.status, quirk.words)
        return await text(request, body, number)

    return handler


def plays_in_stream(quirk: Quirk) -> Handler:
    """The same, told where the answer should be: the status was sent before the template ran."""

    async def handler(request: web.Request, body: Body, number: int) -> web.StreamResponse:
        if quirk.refuses(body):
            return await send(request, event({"error": {"message": quirk.words}}), DONE)
        return await text(request, body, number)

    return handler


def plays_form(form: Form) -> Handler:
    """Knows no `top_p`, and says so in a form."""

    async def handler(request: web.Request, body: Body, number: int) -> web.StreamResponse:
        if "top_p" in body:
            return form(400, "Unknown parameter: 'top_p' <here>")
        return await text(request, body, number)

    return handler


async def repeats(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Calls with the id that the first call of the thread has."""
    call = next(call for message in messages(body) for call in message.get("tool_calls") or ())
    fragment = {"index": 0, "id": call["id"], "function": {"name": "f", "arguments": "{}"}}
    return await send(request, chunk({"tool_calls": [fragment]}), chunk({}, "tool_calls"), DONE)


async def words_for_choices(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Takes a choice of tools in a word, and calls the first of them."""
    if has_choice_object(body):
        return in_string(400, "Invalid tool_choice type: 'object'.")
    return await tools(request, body, number)


async def picky(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    """Knows no `top_p`, and finds every prompt too long."""
    words = "Unknown parameter: 'top_p'" if "top_p" in body else "prompt is too long"
    return in_object(400, words)


REFUSALS: dict[str, Handler] = {
    "picky about parameters and lengths": picky,
    "words for choices": words_for_choices,
    "turns for ever": refuses(400, "Conversation roles must alternate."),
    "data only": refuses(400, "invalid image input"),
    "repeats an id": repeats,
    **{quirk.model: plays(quirk) for quirk in QUIRKS},
    **{f"{quirk.model} in stream": plays_in_stream(quirk) for quirk in QUIRKS},
    **{f"refuses {name}": plays_form(form) for name, form in FORMS.items()},
}
