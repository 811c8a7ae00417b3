"""The rules: one command is one function and one transaction.

Commands are synchronous functions of a `Transaction`; the time is given to them. They write a
row and the event that tells it together, or not at all.
"""
