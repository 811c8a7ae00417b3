"""Perdure's tests: each says a promise."""
