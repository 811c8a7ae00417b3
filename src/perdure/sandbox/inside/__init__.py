"""Programs that run in sessions, beside untrusted code: Perdure ships these files, and runs none of
them itself.

Only `files.py`, `messages.py`, `packages.py`, `repeats.py` and `tally.py` are also imported
outside.
"""
