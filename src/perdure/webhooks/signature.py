"""Signs a webhook as the Standard Webhooks convention has it.

The signature is the HMAC-SHA256 of `id.timestamp.body` under the secret, so that whoever has the
secret knows who sent it, that it is whole, and when. Source: the symmetric scheme `v1` of
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac


def headers(message_id: str, body: bytes, *, key: bytes, now: int) -> dict[str, str]:
    """The headers of one attempt at a delivery; `now` in Unix seconds."""
    signed = f"{message_id}.{now}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{signature}",
    }
