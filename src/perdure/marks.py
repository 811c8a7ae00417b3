"""Characters that are invisible, and that terminals and editors obey.

They are removed from texts of others before these are shown. The constants are the insides of
character classes of regular expressions.
"""

# C0 with tab and the ends of lines, DEL, and C1: without them nothing is an escape.
CONTROLS = "\x00-\x1f\x7f-\x9f"
# What turns the direction of writing (all that Unicode calls Bidi_Control, and its deprecated kin),
# and Unicode's own ends of lines and paragraphs.
DIRECTIONS = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f"
# Halves of characters: bytes that are no UTF-8. They can be written nowhere.
HALVES = "\ud800-\udfff"
