"""A text as it is read: without what nobody sees, and without marks of emphasis inside its words."""

import re
import unicodedata

import numpy as np

_INVISIBLE = ("\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
              "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8")
_INVISIBLE_ASTRAL = "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
INVISIBLE = re.compile(f"[{_INVISIBLE}{_INVISIBLE_ASTRAL}]")
"""Unicode's Default_Ignorable_Code_Point: soft hyphen, joiners, directions, fillers, variation selectors, tags. They
change no letter and split a value."""
_NOTABLE = np.array([INVISIBLE.match(chr(unit)) is not None or 0xD800 <= unit < 0xDC00 for unit in range(0x10000)])
"""(65,536,) By UTF-16 unit: invisible, or the first half of a character that may be."""
_FIRST = int(np.flatnonzero(_NOTABLE)[0])
LINE_END = re.compile(r"-(?<=[^\W\d_]-)(?:[ \t]*[\n\f][\s>]*| )(?=[^\W\d_])")
"""A hyphen between letters at the end of a line, in a quotation too; or with a blank, where that end was made one.
It begins with the hyphen, which `re` looks for quickly, and not with the letter."""
ODD_HYPHENS = "\u00ad\u2010\u2011"
ODD_HYPHEN = re.compile(rf"[{ODD_HYPHENS}](?=[ \t]*[\n\f]| )")
TARGET = re.compile(r"\]\([^()\s]{0,1000}\)")
"""Where a Markdown link leads."""
FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,40}\]")
DASHES = str.maketrans("\u2010\u2011", "--")


def has_invisible(text: str) -> bool:
    """Whether `text` holds a character of INVISIBLE."""
    if text.isascii():
        return False
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), "<u2")
    # a look at units costs a quarter of one with `re`
    return bool(_NOTABLE[units[units >= _FIRST]].any()) and INVISIBLE.search(text) is not None


def as_read(text: str) -> str:
    """`text` without invisible characters and Markdown's marks; letters in one form (Unicode NFKC).

    So `u_nder_ **em**bargo` reads as `u nder  embargo`, a ligature as its letters, an accent is one with its letter, of
    `[word](target)` the word is left.
    """
    if not text.isascii():
        text = INVISIBLE.sub("", text) if has_invisible(text) else text
        text = text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)
        text = text.translate(DASHES) if "\u2010" in text or "\u2011" in text else text
    text = FOOTNOTE.sub("", TARGET.sub("", text)) if "[" in text else text
    return text.replace("*", "").replace("`", "").replace("~~", "").replace("_", " ")


def readings(text: str, around: int) -> list[str]:
    """`as_read`, and places where lines end in hyphens with these words in one: none can tell `re-` from `infor-`.

    Args:
        around: characters on either side of a hyphen that are read again; places that overlap are one.
    """
    read = as_read(ODD_HYPHEN.sub("-", text) if any(odd in text for odd in ODD_HYPHENS) else text)
    places: list[tuple[int, int]] = []
    for end in LINE_END.finditer(read):
        first, last = max(0, end.start() - around), end.end() + around
        if places and first <= places[-1][1]:
            first = places.pop()[0]
        places.append((first, last))
    return [read, *(LINE_END.sub("", read[first:last]) for first, last in places)]
