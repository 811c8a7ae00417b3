"""Webhooks: subscriptions to events, the queue of deliveries, and their sender."""

from perdure.webhooks.sender import Sender

__all__ = ["Sender", "connect"]


def connect(*, private_targets: bool = False) -> Sender:
    """Returns the sender over HTTP; with `private_targets` it sends to any address."""
    # the HTTP client takes long to import, and most servers have no webhooks
    from perdure.webhooks.http_sender import HttpSender

    return HttpSender(private_targets=private_targets)
