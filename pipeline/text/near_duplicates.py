"""Near-duplicates: who is merged into whom, with the exact Jaccard similarity as evidence.

MinHash only proposes. Documents are taken from best to worst; one is merged into the earlier survivor
it resembles most if their exact Jaccard similarity reaches the threshold, else it survives itself. So
nobody is merged through a chain of ever less similar relatives, and two survivors that share a bucket
never resemble each other.

In memory: a signature a document (4 bytes a hash function), and the shingles of few documents at a time.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.text.bitmaps import Bitmaps
from pipeline.text.minhash import Survivors, signatures
from pipeline.text.words import batches, compiled, ngram_hashes, ngram_set, word_hashes

ESTIMATE_MARGIN = 0.16
"""A pair whose estimate is further than this below the threshold is not verified. With 125 hashes the
standard error at 0.7 is 0.041, so a pair at the threshold is missed with probability below 10**-4."""
BATCH_CHARS = 2_000_000
"""Hashes of a batch take about 3 bytes a character."""
MANY = 16
"""Of more likely pairs than this of one document bitmaps tell first which may reach the threshold at all: form letters
resemble each other by the thousand, and nearly enough."""
CACHE_BYTES = 100_000_000
"""Shingle sets kept for the next comparison; the others are made again from the text (about 150 MB/s)."""


class MinHash(NamedTuple):
    """How near-duplicates are proposed and verified."""

    shingle_words: int
    bands: int
    rows: int
    threshold: float
    """Least exact Jaccard similarity of two documents' sets of shingles."""
    seed: int


class Merge(NamedTuple):
    """A document merged into a better one."""

    document: int
    survivor: int
    jaccard: float
    """1.0 for documents with the same words but too short for a shingle."""


def near_duplicates(texts: Sequence[str], settings: MinHash) -> list[Merge]:
    """Merges among `texts`, which are given from best to worst; unordered.

    Texts too short for a shingle are compared as word sequences: equal or not.

    Args:
        texts: gone through once, then asked again for those in need of an exact comparison.
    """
    minima_DK, shingled = _signatures(texts, settings)
    return (_same_words(texts, np.flatnonzero(~shingled).tolist())
            + _similar(texts, np.flatnonzero(shingled), minima_DK[shingled], settings))


@compiled
def jaccard(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> float:
    """|A & B| / |A | B| of two ascending arrays without repeats, not both empty."""
    common, i, j = 0, 0, 0
    while i < len(one) and j < len(other):
        common += one[i] == other[j]
        left, right = one[i], other[j]
        i += left <= right
        j += right <= left
    return common / (len(one) + len(other) - common)


def _signatures(texts: Sequence[str], settings: MinHash) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """Signatures of all texts, and which of them have any shingle."""
    count = settings.bands * settings.rows
    minima_DK = np.empty((len(texts), count), np.uint32)
    shingled = np.empty(len(texts), np.bool_)
    for first, batch in batches(texts, BATCH_CHARS):
        shingles = ngram_hashes(word_hashes(batch), settings.shingle_words)
        minima_DK[first:first + len(batch)] = signatures(shingles, count, settings.seed)
        shingled[first:first + len(batch)] = np.diff(shingles.offsets) > 0
    return minima_DK, shingled


def _same_words(texts: Sequence[str], documents: list[int]) -> list[Merge]:
    """Documents with the words of an earlier one. Documents without any word are equal to each other."""
    first: dict[bytes, int] = {}
    found = []
    for document in documents:
        survivor = first.setdefault(word_hashes([texts[document]]).flat.tobytes(), document)
        if survivor != document:
            found.append(Merge(document, survivor, 1.0))
    return found


def _similar(texts: Sequence[str], documents: NDArray[np.int64], minima_DK: NDArray[np.uint32],
             settings: MinHash) -> list[Merge]:
    """Merges among `documents`, which have shingles. Places count within `documents`."""
    sets = ShingleSets(texts, settings.shingle_words)
    survivors = Survivors(minima_DK, settings.bands)
    found = []
    for place in survivors.contested():
        document = int(documents[place])
        likely = documents[survivors.like(place, settings.threshold - ESTIMATE_MARGIN)]
        if len(likely) > MANY:
            likely = sets.within_reach(document, likely, settings.threshold)
        exact = [(jaccard(sets.of(document), sets.of(other)), -other) for other in likely.tolist()]
        best, other = max(exact, default=(0.0, 0))
        if best >= settings.threshold:
            found.append(Merge(document, -other, best))
        else:
            survivors.add(place)
    return found


class ShingleSets:
    """The shingle sets of documents, those used last at hand, and the bitmaps of those that were compared with many."""

    def __init__(self, texts: Sequence[str], size: int) -> None:
        """`size`: words in a shingle."""
        self.texts, self.size = texts, size
        self.bitmaps = Bitmaps(len(texts))
        self._kept: OrderedDict[int, NDArray[np.uint64]] = OrderedDict()
        self._bytes = 0

    def within_reach(self, document: int, others: NDArray[np.int64], threshold: float) -> NDArray[np.int64]:
        """Those of `others` that may have a similarity of `threshold`: all that have it, and a few that have less."""
        for place in self.bitmaps.missing(np.append(others, document)):
            self.bitmaps.add(place, self.of(place))
        return others[self.bitmaps.at_most(document, others) >= threshold]

    def of(self, document: int) -> NDArray[np.uint64]:
        """Distinct shingles, ascending."""
        found = self._kept.pop(document, None)
        if found is None:
            found = ngram_set(self.texts[document], self.size)
            self._bytes += found.nbytes
        self._kept[document] = found
        while self._bytes > CACHE_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return found
