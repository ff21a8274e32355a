"""How much of a text is repeated n-grams: the counts behind Gopher's rules (Rae et al. 2021, table A1).

As datatrove counts: tokens are compared as written, a frequent n-gram with blanks between its tokens, a
repeated one without; of overlapping repeats the first counts. Hashes stand for n-grams: two different
ones of 64 bits are taken for equal once in about 10**12 texts of 5,000 tokens.

Shape letters: T tokens, C characters of all tokens.
"""

from collections.abc import Iterator, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from pipeline.text.words import GRAM_BASE, compiled, free_or_equal, mix, table_size

U64 = NDArray[np.uint64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
LETTER_BASE = np.uint64(0xD6E8FEB86659FD93)
"""Odd multiplier of the polynomial over the characters of a token."""


class TokenGrams:
    """The n-grams of one text, counted window by window.

    The share of n-grams that occurred before grows with the length of a text, however good it is: there
    are only so many ways to say things (Heaps' law). Within windows of one length it does not.
    """

    def __init__(self, points_C: NDArray[np.uint32], lengths_T: I32,
                 window: int | None) -> None:
        """`window`: tokens in a window, about; None takes the text whole."""
        self.hashes_T, self.powers_T = _token_hashes(points_C, lengths_T, LETTER_BASE)
        self.lengths_T = lengths_T
        self.window = window

    def top_chars(self, sizes: Sequence[int]) -> list[int]:
        """For each n-gram length: characters of all occurrences of the most frequent n-gram, summed over windows."""
        found = [_top_chars(self.hashes_T[part], self.lengths_T[part], np.array(sizes, np.int64))
                 for part in self._windows()]
        return reduce(np.add, found).tolist()

    def repeated_chars(self, sizes: Sequence[int]) -> list[int]:
        """For each n-gram length: characters in n-grams that occurred before, summed over windows."""
        found = [_repeated_chars(self.hashes_T[part], self.powers_T[part], self.lengths_T[part],
                                 np.array(sizes, np.int64)) for part in self._windows()]
        return reduce(np.add, found).tolist()

    def _windows(self) -> Iterator[slice]:
        """Windows of equal length: as many as come nearest to `window` tokens each, at least one."""
        total = len(self.lengths_T)
        count = max(1, round(total / self.window)) if self.window else 1
        for number in range(count):
            yield slice(number * total // count, (number + 1) * total // count)


@compiled
def _token_hashes(points_C: NDArray[np.uint32], lengths_T: I32, base: np.uint64) -> tuple[U64, U64]:
    """A polynomial over each token's characters, and base**length: to hash tokens end to end."""
    hashes = np.empty(len(lengths_T), np.uint64)
    powers = np.empty(len(lengths_T), np.uint64)
    place = 0
    for token in range(len(lengths_T)):
        value, power = np.uint64(0), np.uint64(1)
        for _ in range(lengths_T[token]):
            value = value * base + np.uint64(points_C[place]) + np.uint64(1)
            power *= base
            place += 1
        hashes[token], powers[token] = value, power
    return hashes, powers


@compiled
def _top_chars(hashes_T: U64, lengths_T: I32, sizes: I64) -> I64:
    """For all sizes in one call: for a short text calls cost more than counting."""
    return np.array([_top_chars_of(hashes_T, lengths_T, size) for size in sizes])


@compiled
def _repeated_chars(hashes_T: U64, powers_T: U64, lengths_T: I32, sizes: I64) -> I64:
    return np.array([_repeated_chars_of(hashes_T, powers_T, lengths_T, size) for size in sizes])


@compiled
def _top_chars_of(hashes_T: U64, lengths_T: I32, size: int) -> int:
    """Among equally frequent n-grams the one that occurs first counts."""
    grams = len(hashes_T) - size + 1
    if grams < 1:
        return 0
    keys = np.zeros(table_size(grams), np.uint64)
    counts = np.zeros(len(keys), np.int32)
    firsts = np.empty(len(keys), np.int32)
    best = np.int32(0)
    for gram in range(grams):
        value = np.uint64(size)
        for token in range(gram, gram + size):
            value = value * GRAM_BASE + mix(hashes_T[token])
        value = mix(value) | np.uint64(1)
        slot = free_or_equal(keys, value)
        if keys[slot] == 0:
            keys[slot] = value
            firsts[slot] = gram
        counts[slot] += 1
        best = max(best, counts[slot])
    first = grams
    for place in range(len(keys)):
        if counts[place] == best:
            first = min(first, firsts[place])
    chars = size - 1
    for token in range(first, first + size):
        chars += lengths_T[token]
    return int(chars * best)


@compiled
def _repeated_chars_of(hashes_T: U64, powers_T: U64, lengths_T: I32, size: int) -> int:
    keys = np.zeros(table_size(len(hashes_T)), np.uint64)
    chars, gram = 0, 0
    while gram + size <= len(hashes_T):
        value = np.uint64(0)
        for token in range(gram, gram + size):
            value = value * powers_T[token] + hashes_T[token]
        value = mix(value) | np.uint64(1)
        slot = free_or_equal(keys, value)
        if keys[slot] == value:
            for token in range(gram, gram + size):
                chars += lengths_T[token]
            gram += size
        else:
            keys[slot] = value
            gram += 1
    return chars
