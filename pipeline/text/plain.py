"""A text as it is read: without what nobody sees, and without marks of emphasis inside its words."""

import re
import unicodedata

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff]"
)
"""Soft hyphen, joiners, directions, variation selectors: they change no letter and split a value."""
LINE_END = re.compile(r"(?<=[^\W\d_])-\n[ \t]*(?=[^\W\d_])")
"""A hyphen between letters at the end of a line."""


def as_read(text: str) -> str:
    """`text` without invisible characters and Markdown's `*` and `_`; letters in one form (Unicode NFKC).

    So `u_nder_ **em**bargo` reads as `u nder  embargo`, a ligature as its letters, an accent is one with its letter.
    """
    if not text.isascii():
        text = INVISIBLE.sub("", text) if INVISIBLE.search(text) else text
        text = text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)
    return text.replace("*", "").replace("_", " ")


def readings(text: str) -> list[str]:
    """`as_read`, and where lines end in hyphens also with these words in one: none can tell `re-` from `infor-`."""
    read = as_read(text)
    whole = LINE_END.sub("", read) if "-\n" in read else read
    return [read] if whole == read else [read, whole]
