"""Requests that nobody would send on purpose: none of them may be answered with a 5xx.

`make fuzz` sends some ten thousand to a server on each database; `make test` a few hundred.
"""
