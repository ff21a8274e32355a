"""Which characters make words: a table over all code points."""

import re
import sys
from functools import cache

import numpy as np
from numpy.typing import NDArray

BETWEEN, IN_WORD, WORD_ITSELF = 0, 1, 2
IDEOGRAPHIC = ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
"""Kana and CJK ideographs, first and last code point (Unicode 14, the version of Python 3.11)."""


@cache
def character_classes() -> NDArray[np.uint8]:
    """(0x110000,) the class of each code point: `\\w` of Python's `re` is IN_WORD."""
    table = np.zeros(sys.maxunicode + 1, np.uint8)
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    table[[match.start() for match in re.finditer(r"\w", every)]] = IN_WORD
    for first, last in IDEOGRAPHIC:
        block = table[first:last + 1]
        block[block == IN_WORD] = WORD_ITSELF
    return table
