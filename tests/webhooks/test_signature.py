"""Signatures are those of the Standard Webhooks convention, and what receivers use takes them."""

import json
import time

import pytest
from openai import InvalidWebhookSignatureError, OpenAI
from standardwebhooks import Webhook, WebhookVerificationError

from perdure.webhooks import signature
from tests.webhooks.receiver import KEY, SECRET

BODY = b'{"type":"thread.run.completed","data":{"id":"run_1","text":"\xc3\xa4\xe2\x82\xac"}}'


def _headers(*, now: int | None = None) -> dict[str, str]:
    return signature.headers("evt_1", BODY, key=KEY, now=now or int(time.time()))


def test_the_headers_of_a_known_message() -> None:
    """The signature was computed with OpenSSL: printf of the signed text, then
    `openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f -binary | base64`.
    """
    assert signature.headers("evt_1", b'{"a":1}', key=KEY, now=1_800_000_000) == {
        "webhook-id": "evt_1",
        "webhook-timestamp": "1800000000",
        "webhook-signature": "v1,3OLpRdKCrFsJgXBjm2BkLB/1D8MhO3Fwb0vUByUmsWc=",
    }


def test_the_openai_sdk_takes_it() -> None:
    client = OpenAI(api_key="any", webhook_secret=SECRET)
    client.webhooks.verify_signature(BODY, _headers())
    event = client.webhooks.unwrap(BODY, _headers())
    assert event.type == "thread.run.completed"  # type: ignore[comparison-overlap]
    assert event.data.id == "run_1"


def test_the_library_of_the_convention_takes_it() -> None:
    assert Webhook(SECRET).verify(BODY, _headers()) == json.loads(BODY)


@pytest.mark.parametrize("change", ["webhook-id", "webhook-timestamp", "body", "secret", "age"])
def test_what_was_changed_is_not_taken(change: str) -> None:
    headers, body, secret = _headers(), BODY, SECRET
    if change == "webhook-id":
        headers["webhook-id"] = "evt_2"
    elif change == "webhook-timestamp":
        headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + 1)
    elif change == "body":
        body = BODY.replace(b"run_1", b"run_2")
    elif change == "secret":
        secret = SECRET.replace("A", "B", 1)
    else:
        headers = _headers(now=int(time.time()) - 301)
    with pytest.raises(InvalidWebhookSignatureError):
        OpenAI(api_key="any").webhooks.verify_signature(body, headers, secret=secret)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)
