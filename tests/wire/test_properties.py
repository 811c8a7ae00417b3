"""No body, however odd, is answered with anything but a struct or a told problem."""

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perdure.errors import BadRequest
from perdure.wire.assistants import CreateAssistant, ModifyAssistant
from perdure.wire.base import Body, decode
from perdure.wire.messages import CreateMessage, ModifyMessage
from perdure.wire.runs import CreateRun, CreateThreadAndRun, ModifyRun, SubmitToolOutputs
from perdure.wire.threads import CreateThread, ModifyThread
from perdure.wire.validation import parse
from tests.wire.bodies import ANYTHING, near

REQUESTS: list[type[Body]] = [
    CreateAssistant,
    ModifyAssistant,
    CreateThread,
    ModifyThread,
    CreateMessage,
    ModifyMessage,
    CreateRun,
    CreateThreadAndRun,
    ModifyRun,
    SubmitToolOutputs,
]


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_a_body_near_the_schema_is_taken_or_explained(
    kind: type[Body], data: st.DataObject
) -> None:
    """parse refuses exactly what msgspec refuses, and always with a message and a code."""
    body = json.dumps(data.draw(near(kind) | ANYTHING)).encode()
    if body == b"null":
        body = b"{}"
    try:
        expected = decode(body, kind)
    except msgspec.ValidationError:
        with pytest.raises(BadRequest) as caught:
            parse(body, kind)
        assert caught.value.message
        assert caught.value.code
    else:
        assert parse(body, kind) == expected


@settings(max_examples=300)
@given(text=st.binary(max_size=40) | st.text(alphabet='{}[]",:\\u0dmodel1e9 ').map(str.encode))
def test_any_bytes_at_all_are_taken_or_explained(text: bytes) -> None:
    """Nothing but BadRequest leaves parse."""
    with suppress(BadRequest):
        assert isinstance(parse(text, ModifyAssistant), ModifyAssistant)
