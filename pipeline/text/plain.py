"""A text as it is read: without what nobody sees, and without marks of emphasis inside its words."""

import re
import unicodedata

_INVISIBLE = ("\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
              "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8")
_INVISIBLE_ASTRAL = "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
INVISIBLE = re.compile(f"[{_INVISIBLE}{_INVISIBLE_ASTRAL}]")
"""Unicode's Default_Ignorable_Code_Point: soft hyphen, joiners, directions, fillers, variation selectors, tags. They
change no letter and split a value."""
_NEAR, _FAR = re.compile(f"[{_INVISIBLE}]"), re.compile(f"[{_INVISIBLE_ASTRAL}]")
"""Both take a third of the time of the two in one."""
LINE_END = re.compile(r"-(?<=[^\W\d_]-)(?:[ \t]*[\n\f][\s>]*| )(?=[^\W\d_])")
"""A hyphen between letters at the end of a line, in a quotation too; or with a blank, where that end was made one.
It begins with the hyphen, which `re` looks for quickly, and not with the letter."""
ODD_HYPHEN = re.compile(r"[\u00ad\u2010\u2011](?=[ \t]*[\n\f]| )")
TARGET = re.compile(r"\]\([^()\s]{0,1000}\)")
"""Where a Markdown link leads."""
FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,40}\]")
DASHES = str.maketrans("\u2010\u2011", "--")


def has_invisible(text: str) -> bool:
    """Whether `text` holds a character of INVISIBLE."""
    if text.isascii():
        return False
    is_astral = len(text.encode("utf-16-le", "surrogatepass")) > 2 * len(text)
    return bool(_NEAR.search(text) or (is_astral and _FAR.search(text)))


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
    read = as_read(text if text.isascii() else ODD_HYPHEN.sub("-", text))
    places: list[tuple[int, int]] = []
    for end in LINE_END.finditer(read):
        first, last = max(0, end.start() - around), end.end() + around
        if places and first <= places[-1][1]:
            first = places.pop()[0]
        places.append((first, last))
    return [read, *(LINE_END.sub("", read[first:last]) for first, last in places)]
