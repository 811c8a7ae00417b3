"""The description of the API in OpenAPI 3.1, and the page that shows it.

Both are made of `ROUTES`, of the structs in `wire/`, and of `operations.py`, when they are first
asked for.
"""
