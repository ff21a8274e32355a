"""Tables over all code points, by the patterns and methods of Python: which are letters, digits, blanks."""

import re
import sys
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

DOTTED_I, SIGMA = "\u0130", "\u03a3"
"""The two letters that `str.lower` makes more of than one letter for one: two of the first, and of the other what its
neighbours ask for."""
BETWEEN, IN_WORD, WORD_ITSELF = 0, 1, 2
IDEOGRAPHIC = ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
"""Kana and CJK ideographs, first and last code point (Unicode 14, the version of Python 3.11)."""


def code_point_table(patterns: Sequence[str], other: int = 0, first: int = 1) -> NDArray[np.uint8]:
    """(0x110000,) for each code point `first` + the place of the last pattern that matches it, else `other`.

    Args:
        patterns: of single characters, of Python's `re`.
    """
    table = np.full(sys.maxunicode + 1, other, np.uint8)
    for number, pattern in enumerate(patterns, start=first):
        table[[match.start() for match in re.finditer(pattern, _every_character())]] = number
    return table


@cache
def _every_character() -> str:
    return "".join(map(chr, range(sys.maxunicode + 1)))


@cache
def character_classes() -> NDArray[np.uint8]:
    """(0x110000,) the class of each code point: `\\w` of Python's `re` is IN_WORD."""
    table = code_point_table([r"\w"], BETWEEN, IN_WORD)
    for first, last in IDEOGRAPHIC:
        block = table[first:last + 1]
        block[block == IN_WORD] = WORD_ITSELF
    return table


@cache
def small_letters() -> NDArray[np.uint32]:
    """(0x110000,) the code point of each one's `str.lower`; of DOTTED_I itself, of SIGMA that inside of words."""
    small = _every_character().replace(DOTTED_I, " ").lower()
    table = np.frombuffer(small.encode("utf-32-le", "surrogatepass"), np.uint32).copy()
    table[ord(DOTTED_I)] = ord(DOTTED_I)
    return table
