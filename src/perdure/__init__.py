"""Perdure keeps programs that speak the Assistants API v2 running, on any model."""

__version__ = "0.1.0"
