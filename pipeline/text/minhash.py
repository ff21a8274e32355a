"""MinHash signatures and their buckets: which documents may be near-duplicates of each other.

Broder 1997 (doi:10.1109/SEQUEN.1997.666900): two sets agree in the minimum of a random hash with
probability equal to their Jaccard similarity. With `bands` bands of `rows` rows a pair of similarity
J shares a bucket with probability 1 - (1 - J**rows)**bands.

Shape letters: D documents, K hash functions (bands * rows), B bands.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.text.words import Ragged, compiled, mix

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]


def signatures(shingles: Ragged, count: int, seed: int) -> U32:
    """(D, K) minimum of each of `count` seeded hash functions over a document's shingles.

    A document without shingles has the largest value throughout.
    """
    multipliers, increments = _hash_functions(count, seed)
    return _signatures(shingles.flat, shingles.offsets, multipliers, increments)


def estimated_jaccard(one_K: U32, many_DK: U32) -> NDArray[np.float64]:
    """(D,) share of equal minima; standard error sqrt(J * (1 - J) / K)."""
    return np.asarray((many_DK == one_K).mean(axis=1), np.float64)


def candidate_clusters(signatures_DK: U32, bands: int) -> Iterator[list[int]]:
    """Groups of two or more documents linked by shared buckets, members in ascending order.

    Args:
        signatures_DK: of documents that have shingles; K is a multiple of `bands`.
    """
    links = list(_links(signatures_DK, bands))
    count = len(signatures_DK)
    rows = np.concatenate([np.empty(0, np.int64), *(first for first, _ in links)])
    columns = np.concatenate([np.empty(0, np.int64), *(other for _, other in links)])
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    order = np.argsort(labels, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        if len(group) > 1:
            yield group.tolist()


def _links(signatures_DK: U32, bands: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """For each band: pairs of neighbours in each bucket, enough to connect it."""
    rows = signatures_DK.shape[1] // bands
    for band in range(bands):
        keys = _bucket_keys(np.ascontiguousarray(signatures_DK[:, band * rows:(band + 1) * rows]))
        order = np.argsort(keys, kind="stable")
        same = keys[order][1:] == keys[order][:-1]
        yield order[:-1][same], order[1:][same]


def _hash_functions(count: int, seed: int) -> tuple[U64, U64]:
    """Odd multipliers and increments from a counter through `mix`: no library's generator to trust."""
    start = np.uint64(seed)
    drawn = np.array([mix(mix(start) + np.uint64(step)) for step in range(1, 2 * count + 1)], np.uint64)
    return drawn[:count] | np.uint64(1), drawn[count:]


@compiled
def _signatures(flat: U64, offsets: NDArray[np.int64], multipliers: U64, increments: U64) -> U32:
    found = np.full((len(offsets) - 1, len(multipliers)), np.uint32(0xFFFFFFFF), np.uint32)
    for document in range(len(offsets) - 1):
        minima = found[document]
        for position in range(offsets[document], offsets[document + 1]):
            shingle = flat[position]
            for k in range(len(multipliers)):
                # the high half: low bits of a product depend on low bits of its factors only
                value = np.uint32((shingle * multipliers[k] + increments[k]) >> np.uint64(32))
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
