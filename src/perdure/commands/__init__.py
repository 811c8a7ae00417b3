"""The rules of the API: one command is one function and one transaction.

Commands are synchronous functions of a `Transaction`; the time is an argument. They write a row and
its event together, or not at all.
"""
