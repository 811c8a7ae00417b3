"""Plain SDK code against a running server, in a process of its own.

Works with every SDK from 1.26 on, so it stays off what newer ones added.
"""
