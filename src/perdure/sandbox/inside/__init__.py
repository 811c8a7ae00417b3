"""What runs in sessions, beside untrusted code: Perdure ships these files, and runs none of them.

Only `tally.py` is used outside too.
"""
