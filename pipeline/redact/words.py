"""Cut text into words with offsets, and say what the tagger sees of each.

A word's own features are hashed character n-grams of its folded form, so a name nobody listed is near
the names it resembles. Its shape (case, digits, what stands before it) is kept apart: a lower-case
name keeps its n-grams and loses only its shape.
"""

import re
import unicodedata
from typing import NamedTuple
from zlib import crc32

WORD = re.compile(r"[^\W\d_][^\W\d_\u0300-\u036f]*(?:['’][^\W\d_][^\W\d_\u0300-\u036f]*)*|\d+|[^\w\s]|_")
CASES = ("lower", "title", "upper", "letter", "mixed", "digits1", "digits2", "digits3", "digits4", "digits5", "other")
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


class Word(NamedTuple):
    """One word of a text."""

    start: int
    end: int
    text: str
    shape: int
    """1 .. NUM_SHAPES - 1."""


def fold(text: str) -> str:
    """Compatibility-normalised, case-folded, look-alike letters made Latin."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold().translate(CONFUSABLES)


def cut(text: str) -> list[Word]:
    """The words of `text` in order; blanks are only seen in the shape of what follows them."""
    words = []
    before = -1
    for match in WORD.finditer(text):
        start, end = match.span()
        word = match.group()
        words.append(Word(start, end, word, _shape(word, _gap(text, before, start))))
        before = end
    return words


def grams(word: str, buckets: int) -> list[int]:
    """Bucket of the whole folded word, then of each of its n-grams of 2 to 4 characters.

    Digits count by their number only, except in numbers of one or two digits (days, months).
    """
    folded = fold(word[:MAX_WORD])
    if folded.isdigit():
        folded = folded if len(folded) <= 2 else "0" * len(folded)
    marked = f"<{folded}>".encode()
    pieces = [b"=" + marked]
    for size in range(MIN_GRAM, MAX_GRAM + 1):
        pieces += [marked[at : at + size] for at in range(len(marked) - size + 1)]
    return [crc32(piece) % buckets for piece in pieces]


def _shape(word: str, gap: int) -> int:
    return 1 + CASES.index(_case(word)) * len(GAPS) + gap


def _case(word: str) -> str:
    if word.isdigit():
        return f"digits{min(len(word), 5)}"
    if not word[0].isalpha():
        return "other"
    if word.islower():
        return "lower"
    if len(word) == 1:
        return "letter" if word.isupper() else "other"
    if word.isupper():
        return "upper"
    return "title" if word.istitle() else "mixed"


def _gap(text: str, before: int, start: int) -> int:
    if before < 0:
        return GAPS.index("start")
    if before == start:
        return GAPS.index("none")
    return GAPS.index("newline" if "\n" in text[before:start] else "space")
