"""Runs of characters between white space: found, hashed and numbered for whole texts at once.

A hash stands for a run: two different runs of a million have equal ones about once in 10**8 collections
(64 bits, birthday bound).

Shape letters: R runs of a text, C characters in them.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.text.arrays import grown
from pipeline.text.unicode_classes import code_point_table
from pipeline.text.words import FNV_OFFSET, FNV_PRIME, code_points, compiled, free_or_equal, mix, table_size

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]

UNKNOWN = -1


class Runs(NamedTuple):
    """The runs of one text, in order."""

    hashes: U64
    """(R,), never 0."""
    starts: I64
    ends: I64
    """(R,) places in the text."""
    points: U32
    """(C,) code points of all runs, end to end."""


def runs_of(text: str) -> Runs:
    """What `text.split()` finds."""
    return Runs(*_runs(code_points(text), _blanks()))


class RunNumbers:
    """Numbers runs from 0 in the order in which they are added."""

    def __init__(self) -> None:
        """No run has a number yet."""
        self._count = 0
        self._hashes = np.zeros(1, np.uint64)
        self._keys, self._numbers = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        self._enlarge(0)

    def __len__(self) -> int:
        return self._count

    def of(self, hashes_R: U64) -> I64:
        """(R,) the number of each run, or UNKNOWN."""
        return _lookup(hashes_R, self._keys, self._numbers)

    def add(self, hashes_R: U64) -> None:
        """Number runs that have no number; no two of them are equal."""
        first, self._count = self._count, self._count + len(hashes_R)
        self._hashes = grown(self._hashes, self._count)
        self._hashes[first:self._count] = hashes_R
        if table_size(self._count) > len(self._keys):
            first = 0
            self._enlarge(2 * self._count)
        _insert(self._hashes[:self._count], first, self._keys, self._numbers)

    def _enlarge(self, runs: int) -> None:
        self._keys = np.zeros(table_size(runs), np.uint64)
        self._numbers = np.empty(len(self._keys), np.int64)


@cache
def _blanks() -> NDArray[np.bool_]:
    """(0x110000,) whether `str.split` takes a code point for white space: `\\s` of `re` says so too."""
    return code_point_table([r"\s"]).astype(np.bool_)


@compiled
def _runs(points: U32, blanks: NDArray[np.bool_]) -> tuple[U64, I64, I64, U32]:
    most = len(points) // 2 + 1
    hashes, starts, ends = np.empty(most, np.uint64), np.empty(most, np.int64), np.empty(most, np.int64)
    packed = np.empty(len(points), np.uint32)
    count, kept, state, inside = 0, 0, FNV_OFFSET, False
    for place in range(len(points)):
        point = points[place]
        if not blanks[point]:
            if not inside:
                starts[count] = place
                state = FNV_OFFSET
            state = (state ^ np.uint64(point)) * FNV_PRIME
            packed[kept] = point
            kept += 1
            inside = True
        elif inside:
            hashes[count], ends[count] = mix(state) | np.uint64(1), place
            count += 1
            inside = False
    if inside:
        hashes[count], ends[count] = mix(state) | np.uint64(1), len(points)
        count += 1
    return hashes[:count], starts[:count], ends[:count], packed[:kept]


@compiled
def _lookup(hashes_R: U64, keys: U64, numbers: I64) -> I64:
    found = np.empty(len(hashes_R), np.int64)
    for run in range(len(hashes_R)):
        slot = free_or_equal(keys, hashes_R[run])
        found[run] = numbers[slot] if keys[slot] != 0 else UNKNOWN
    return found


@compiled
def _insert(hashes: U64, first: int, keys: U64, numbers: I64) -> None:
    for number in range(first, len(hashes)):
        slot = free_or_equal(keys, hashes[number])
        keys[slot] = hashes[number]
        numbers[slot] = number
