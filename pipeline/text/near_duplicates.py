"""Near-duplicates: who is merged into whom, with the exact Jaccard similarity as evidence.

MinHash only proposes. Within each proposed cluster documents are taken from best to worst; one is
merged into the survivor it resembles most if their exact Jaccard similarity reaches the threshold,
else it survives itself. So nobody is merged through a chain of ever less similar relatives, and no
two survivors of a cluster resemble each other.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.text.minhash import candidate_clusters, estimated_jaccard, signatures
from pipeline.text.words import Ragged, ngram_hashes, word_hashes

ESTIMATE_MARGIN = 0.2
"""A pair whose estimate is further than this below the threshold is not verified. With 112 hashes the
standard error is at most 0.047, so a pair at the threshold is missed with probability below 10**-4."""


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
    """
    words = word_hashes(texts)
    shingles = ngram_hashes(words, settings.shingle_words)
    found = _same_words(words, np.flatnonzero(np.diff(shingles.offsets) == 0))
    long = np.flatnonzero(np.diff(shingles.offsets) > 0)
    if not long.size:
        return found
    minima = signatures(shingles, settings.bands * settings.rows, settings.seed)[long]
    for cluster in candidate_clusters(minima, settings.bands):
        found += _merges(long[cluster], minima[cluster], shingles, settings.threshold)
    return found


def jaccard(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> float:
    """|A & B| / |A | B| of two sorted arrays without repeats, not both empty."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)


def _same_words(words: Ragged, documents: NDArray[np.int64]) -> list[Merge]:
    """Documents with the words of an earlier one. Documents without any word are equal to each other."""
    first: dict[bytes, int] = {}
    found = []
    for document in documents.tolist():
        survivor = first.setdefault(words.of(document).tobytes(), document)
        if survivor != document:
            found.append(Merge(document, survivor, 1.0))
    return found


def _merges(documents: NDArray[np.int64], minima_DK: NDArray[np.uint32], shingles: Ragged,
            threshold: float) -> list[Merge]:
    """Merges within one cluster, `documents` from best to worst.

    What is compared: estimates with all survivors so far at once, then the promising ones exactly.
    """
    sets = {document: np.unique(shingles.of(document)) for document in documents.tolist()}
    survivors: list[int] = []
    found = []
    for place, document in enumerate(documents.tolist()):
        estimates = estimated_jaccard(minima_DK[place], minima_DK[survivors])
        exact = [(jaccard(sets[document], sets[int(documents[other])]), -other)
                 for other, estimate in zip(survivors, estimates, strict=True)
                 if estimate >= threshold - ESTIMATE_MARGIN]
        best, other = max(exact, default=(0.0, 0))
        if best >= threshold:
            found.append(Merge(document, int(documents[-other]), best))
        else:
            survivors.append(place)
    return found
