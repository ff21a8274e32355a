"""MinHash signatures and their buckets: which documents may be near-duplicates of each other.

Broder 1997 (doi:10.1109/SEQUEN.1997.666900): two sets agree in the minimum of a random hash with
probability equal to their Jaccard similarity. With `bands` bands of `rows` rows a pair of similarity
J shares a bucket with probability 1 - (1 - J**rows)**bands.

Shape letters: D documents, K hash functions (bands * rows), B bands.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.text.words import Ragged, compiled, mix

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I32 = NDArray[np.int32]

ALONE = -1
"""Bucket number of a document that shares its bucket with nobody; also the end of a list of documents."""


def signatures(shingles: Ragged, count: int, seed: int) -> U32:
    """(D, K) minimum of each of `count` seeded hash functions over a document's shingles.

    Of a shingle's hash the high 32 bits count: processors multiply eight such numbers at once, and many no four of 64.
    A document without shingles has the largest value throughout.
    """
    multipliers, increments = _hash_functions(count, seed)
    return _signatures(shingles.flat, shingles.offsets, multipliers, increments)


def bucket_numbers(signatures_DK: U32, bands: int) -> I32:
    """(B, D) the bucket of each document in each band, numbered from 0; ALONE for a bucket of one.

    Args:
        signatures_DK: of documents that have shingles; K is a multiple of `bands`.
    """
    rows = signatures_DK.shape[1] // bands
    numbers = np.empty((bands, len(signatures_DK)), np.int32)
    for band in range(bands):
        keys = _bucket_keys(np.ascontiguousarray(signatures_DK[:, band * rows:(band + 1) * rows]))
        _, bucket, size = np.unique(keys, return_inverse=True, return_counts=True)
        numbers[band] = np.where(size > 1, np.cumsum(size > 1) - 1, ALONE)[bucket]
    return numbers


class Survivors:
    """Documents kept so far, by bucket. Only they are compared with, so what was merged costs nothing more."""

    def __init__(self, signatures_DK: U32, bands: int) -> None:
        """Nobody survives yet."""
        self.signatures_DK = signatures_DK
        self.buckets_BD = bucket_numbers(signatures_DK, bands)
        self._last = np.full((bands, int(self.buckets_BD.max(initial=ALONE)) + 1), ALONE, np.int32)
        self._before_BD = np.full_like(self.buckets_BD, ALONE)
        self._met = np.full(len(signatures_DK), ALONE, np.int32)

    def contested(self) -> list[int]:
        """The documents that share a bucket with any other, in ascending order; the rest resemble nobody."""
        return np.flatnonzero((self.buckets_BD != ALONE).any(axis=0)).tolist()

    def like(self, document: int, least_estimate: float) -> I32:
        """Survivors that share a bucket with `document` and have at least that share of equal minima.

        The share estimates the Jaccard similarity with a standard error of sqrt(J * (1 - J) / K).
        """
        least = int(np.ceil(least_estimate * self.signatures_DK.shape[1]))
        return _like(document, self.buckets_BD, self._last, self._before_BD, self._met, self.signatures_DK,
                     least)

    def add(self, document: int) -> None:
        """`document` survives."""
        _add(document, self.buckets_BD, self._last, self._before_BD)


def _hash_functions(count: int, seed: int) -> tuple[U32, U32]:
    """Odd multipliers and increments from a counter through `mix`: no library's generator to trust."""
    start = np.uint64(seed)
    drawn = np.array([mix(mix(start) + np.uint64(step)) for step in range(1, 2 * count + 1)], np.uint64)
    high = (drawn >> np.uint64(32)).astype(np.uint32)
    return high[:count] | np.uint32(1), high[count:]


@compiled
def _signatures(flat: U64, offsets: NDArray[np.int64], multipliers: U32, increments: U32) -> U32:
    found = np.full((len(offsets) - 1, len(multipliers)), np.uint32(0xFFFFFFFF), np.uint32)
    for document in range(len(offsets) - 1):
        minima = found[document]
        for position in range(offsets[document], offsets[document + 1]):
            shingle = np.uint32(flat[position] >> np.uint64(32))
            for k in range(len(multipliers)):
                value = np.uint32(np.uint32(shingle * multipliers[k]) + increments[k])
                minima[k] = min(minima[k], value)
    return found


@compiled
def _bucket_keys(rows: U32) -> U64:
    keys = np.empty(len(rows), np.uint64)
    for document in range(len(rows)):
        key = np.uint64(0)
        for value in rows[document]:
            key = mix(key ^ np.uint64(value))
        keys[document] = key
    return keys


@compiled
def _like(document: int, buckets_BD: I32, last: I32, before_BD: I32, met: I32, signatures_DK: U32,
          least: int) -> I32:
    """Walk the lists of the document's buckets, newest survivor first; `met` remembers who was seen in another."""
    found = [np.int32(0) for _ in range(0)]
    for band in range(len(buckets_BD)):
        bucket = buckets_BD[band, document]
        other = last[band, bucket] if bucket >= 0 else np.int32(-1)
        while other >= 0:
            if met[other] != document:
                met[other] = document
                equal = 0
                for k in range(signatures_DK.shape[1]):
                    equal += signatures_DK[document, k] == signatures_DK[other, k]
                if equal >= least:
                    found.append(other)
            other = before_BD[band, other]
    return np.array(found, np.int32)


@compiled
def _add(document: int, buckets_BD: I32, last: I32, before_BD: I32) -> None:
    for band in range(len(buckets_BD)):
        bucket = buckets_BD[band, document]
        if bucket >= 0:
            before_BD[band, document] = last[band, bucket]
            last[band, bucket] = document
