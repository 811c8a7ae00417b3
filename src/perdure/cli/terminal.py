"""Words of others on their way to the operator's terminal."""

import re

# Without these, nothing is an escape, moves the cursor, or turns the direction of text.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def line(text: str) -> str:
    """The text on one line, without what a terminal would obey."""
    return " ".join(_UNSEEN.sub(" ", text).split())
