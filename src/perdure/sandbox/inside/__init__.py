"""Programs that run in sessions, beside untrusted code: Perdure ships these files, and runs none of
them itself.

Only `tally.py` and `files.py` are also imported outside.
"""
