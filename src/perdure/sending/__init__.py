"""Sends webhooks out: signatures, the guard against private addresses, HTTP."""

from perdure.sending.http import HttpSender
from perdure.sending.sender import Sender

__all__ = ["HttpSender", "Sender"]
