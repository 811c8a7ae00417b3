"""The signature of a webhook by the Standard Webhooks convention.

The signature is the HMAC-SHA256 of `id.timestamp.body` under the secret, so that whoever has the
secret knows the sender, that the body is whole, and its time. Source: the symmetric scheme `v1` of
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac


def headers(message_id: str, body: bytes, *, key: bytes, now: int) -> dict[str, str]:
    """Returns the headers of one attempt at a delivery; `now` in Unix seconds."""
    signed = f"{message_id}.{now}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{signature}",
    }
