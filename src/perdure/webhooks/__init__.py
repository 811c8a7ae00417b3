"""Webhooks: what is told to whom, the deliveries that wait, and how they are sent."""

from perdure.webhooks.sender import Sender

__all__ = ["Sender", "connect"]


def connect(*, private_targets: bool = False) -> Sender:
    """What sends over HTTP; with `private_targets` to any address."""
    # the HTTP client takes long to import, and most servers have no webhooks
    from perdure.webhooks.http_sender import HttpSender

    return HttpSender(private_targets=private_targets)
