"""Upper bounds of the Jaccard similarity of many sets at once, from a bitmap of each.

Sandes, Teodoro, Melo 2020, "Bitmap filter: speeding up exact set similarity joins with bitwise operations"
(doi:10.1016/j.is.2019.101449), their Xor bitmaps: every element of a set flips the bit that its hash names. What two
sets have in common flips the same bits, so the bits in which their bitmaps differ are at most as many as the elements
that only one of them has. No set that reaches a similarity is lost to such a bound.

Shape letters: N sets, W words of 64 bits.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.text.words import compiled

U64 = NDArray[np.uint64]

BITS = 4096
"""Of a bitmap; a power of two. At .6, sets of 2,000 elements are still told from such at .7."""

MISSING = -1


class Bitmaps:
    """The bitmaps of sets, by place, in the order in which they came."""

    def __init__(self, count: int) -> None:
        """None has come of the sets at places 0 to `count`."""
        self._row_of = np.full(count, MISSING, np.int32)
        self._len = 0
        self._bits_NW = np.empty((64, BITS // 64), np.uint64)
        self._sizes_N = np.empty(64, np.int64)

    def missing(self, places: NDArray[np.int64]) -> list[int]:
        """Those of `places` whose set has not come."""
        return places[self._row_of[places] == MISSING].tolist()

    def add(self, place: int, elements: U64) -> None:
        """The set at `place`: hashes without repeats."""
        row = self._len
        if row == len(self._sizes_N):
            self._bits_NW = np.concatenate([self._bits_NW, np.empty_like(self._bits_NW)])
            self._sizes_N = np.concatenate([self._sizes_N, np.empty_like(self._sizes_N)])
        flipped = np.bincount((elements & np.uint64(BITS - 1)).astype(np.int64), minlength=BITS) & 1
        self._bits_NW[row] = np.packbits(flipped.astype(np.uint8)).view(np.uint64)
        self._sizes_N[row] = len(elements)
        self._row_of[place] = row
        self._len += 1

    def at_most(self, place: int, others: NDArray[np.int64]) -> NDArray[np.float64]:
        """No set at `others` is more similar to the one at `place` than this; all of them have come, none is empty."""
        rows, own = self._row_of[others], self._row_of[place]
        apart = _differing(self._bits_NW[own], self._bits_NW, rows)
        sizes = self._sizes_N[rows]
        apart = np.maximum(apart, np.abs(sizes - self._sizes_N[own]))
        together = sizes + self._sizes_N[own]
        return (together - apart) / (together + apart)


@compiled
def _differing(own_W: U64, bits_NW: U64, rows: NDArray[np.int32]) -> NDArray[np.int64]:
    """Bits in which each of `rows` differs from `own_W`. LLVM makes the processor's own population count of it."""
    found = np.empty(len(rows), np.int64)
    for place in range(len(rows)):
        count = np.uint64(0)
        for word in range(len(own_W)):
            odd = own_W[word] ^ bits_NW[rows[place], word]
            odd = odd - ((odd >> np.uint64(1)) & np.uint64(0x5555555555555555))
            odd = (odd & np.uint64(0x3333333333333333)) + ((odd >> np.uint64(2)) & np.uint64(0x3333333333333333))
            odd = (odd + (odd >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
            count += (odd * np.uint64(0x0101010101010101)) >> np.uint64(56)
        found[place] = count
    return found
