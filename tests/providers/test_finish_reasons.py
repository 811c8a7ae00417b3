"""What finish reasons mean, under the names that servers have for them."""

import pytest

from perdure.providers.finish_reasons import meaning

NAMES = {
    "stop": ["stop", "STOP", "eos", "eos_token", "end_turn", "stop_sequence", "COMPLETE", "end",
             "stop sequence", "pause_turn", "something new"],
    "length": ["length", "max_tokens", "MAX_TOKENS", "model_length", "max_output_tokens",
               "max-new-tokens", "token_limit", "max_length", "ERROR_LIMIT", "truncated",
               "model_context_window_exceeded", "incomplete"],
    "tool_calls": ["tool_calls", "tool_call", "tool_use", "function_call", "TOOL_CALLS"],
    "content_filter": ["content_filter", "content_filtered", "SAFETY", "RECITATION", "sensitive",
                       "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "guardrail_intervened",
                       "refusal", "ERROR_TOXIC", "IMAGE_SAFETY"],
    "failure": ["error", "ERROR", "abort", "aborted", "cancelled", "CANCELED", "USER_CANCEL",
                "failed", "network_error", "timeout", "timed_out", "time_limit",
                "insufficient_system_resource", "MALFORMED_FUNCTION_CALL", "overloaded",
                "function_call_filter: MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL",
                "engine exception", "length error"],
    "unfinished": ["", "null", "None", " "],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "meant"), [(name, meant) for meant, names in NAMES.items() for name in names]
)
def test_a_finish_reason_is_understood_under_any_name(name: str, meant: str) -> None:
    assert meaning(name) == meant
