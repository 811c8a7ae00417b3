"""Sends webhooks out: signatures, the guard against private addresses, HTTP."""

from perdure.sending.sender import Sender

__all__ = ["Sender", "connect"]


def connect(*, private_targets: bool = False) -> Sender:
    """What sends over HTTP; with `private_targets` to any address."""
    # the HTTP client takes long to import, and most servers have no webhooks
    from perdure.sending.http import HttpSender

    return HttpSender(private_targets=private_targets)
