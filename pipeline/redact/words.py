"""Cut text into words with offsets, and say what the tagger sees of each.

A word's own features are hashed character n-grams of its folded form, so a name nobody listed is near
the names it resembles. Its case, and what stands before it, are kept apart: a lower-case name keeps its
n-grams and loses only its case. A link or an e-mail address is one word: a name inside it is part of an
address, and patterns look after those.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

LETTERS = r"[^\W\d_][^\W\d_\u0300-\u036f]*"
WORD = rf"{LETTERS}(?:['’](?!s\b){LETTERS})*|\d+|[^\w\s]|_"
LINK = r"(?:[A-Za-z][A-Za-z0-9+.-]*://|www\.)[^\s<>()\[\]{}\"'|,;]+|[\w.+%-]++@[\w-]+(?:\.[\w-]+)+"
PLAIN, LINKED = re.compile(f"({WORD})"), re.compile(f"({LINK}|{WORD})")
CASES = (
    "lower", "title", "upper", "letter", "mixed", "digits1", "digits2", "digits3", "digits4", "digits5", "link", "other"
)  # fmt: skip
GAPS = ("none", "space", "newline", "start")
NUM_SHAPES = len(CASES) * len(GAPS) + 1
"""Shape 0 is the padding between texts."""
MIN_GRAM, MAX_GRAM = 2, 4
MAX_WORD = 40
"""Characters of a word that are looked at; base64 blobs would otherwise cost as much as a page."""

CONFUSABLES = str.maketrans(
    dict(zip("аеорсухіјѕԁһкмтвнгзԛԝαεορυχικντβμ∂ı", "aeopcyxijsdhkmtbhr3qwaeopyxikvtbudi", strict=True))
)
"""Cyrillic and Greek letters that look Latin (a cut of Unicode TR39, confusables.txt)."""


class Words(NamedTuple):
    """The words of a text in order."""

    texts: list[str]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    gaps: list[int]
    """What stands before each: a place in GAPS."""


def fold(text: str) -> str:
    """Compatibility-normalised, case-folded, look-alike letters made Latin."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold().translate(CONFUSABLES)


def cut(text: str) -> Words:
    """The words of `text`; blanks are only seen in the gap before what follows them."""
    # one split gives gap, word, gap, word, ..., gap: several times as fast as a loop over matches
    parts = (LINKED if "@" in text or "://" in text or "www." in text else PLAIN).split(text)
    ends = np.fromiter(accumulate(map(len, parts)), np.int64, len(parts))
    gaps = [2 if "\n" in gap else 1 if gap else 0 for gap in parts[:-1:2]]
    if gaps:
        gaps[0] = GAPS.index("start")
    return Words(parts[1::2], ends[:-1:2], ends[1::2], gaps)


def shape(word: str, gap: int) -> int:
    """1 .. NUM_SHAPES - 1."""
    return first_shape(word) + gap


@lru_cache(maxsize=100_000)
def first_shape(word: str) -> int:
    """The shape of `word` with nothing before it; its others follow in order of GAPS."""
    return 1 + CASES.index(_case(word)) * len(GAPS)


def grams(word: str, buckets: int) -> list[int]:
    """Bucket of the whole folded word, then of each of its n-grams of 2 to 4 characters.

    Digits count by their number only, except in numbers of one or two digits (days, months). Links
    and e-mail addresses are all alike.
    """
    if is_link(word):
        return [crc32(b"link") % buckets]
    folded = fold(word[:MAX_WORD])
    if folded.isdigit():
        folded = folded if len(folded) <= 2 else "0" * len(folded)
    marked = f"<{folded}>".encode()
    pieces = [b"=" + marked]
    for size in range(MIN_GRAM, MAX_GRAM + 1):
        pieces += [marked[at : at + size] for at in range(len(marked) - size + 1)]
    return [crc32(piece) % buckets for piece in pieces]


def is_link(word: str) -> bool:
    """Whether a word of `cut` is a link or an e-mail address: no other has a sign among letters."""
    return len(word) > 1 and ("@" in word or "://" in word or word.startswith("www."))


def _case(word: str) -> str:
    if word.isdigit():
        return f"digits{min(len(word), 5)}"
    if is_link(word):
        return "link"
    if not word[0].isalpha():
        return "other"
    if word.islower():
        return "lower"
    if len(word) == 1:
        return "letter" if word.isupper() else "other"
    if word.isupper():
        return "upper"
    return "title" if word.istitle() else "mixed"
