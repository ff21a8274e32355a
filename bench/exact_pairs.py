"""Every pair of sets with at least a given Jaccard similarity: exact, on one core, without hashing or sampling.

PPJoin (Xiao, Wang, Lin, Yu 2008, doi:10.1145/1367497.1367516) on flat arrays. Elements are numbered from rare to
frequent and sets are taken in order of size, so that a pair is met by the few rarest elements of both:

* prefix: x with |x| elements shares one of its first |x| - ceil(t |x|) + 1 with any partner; of the smaller
  set y its first |y| - ceil(2 t / (1 + t) |y|) + 1 are enough to be listed (Bayardo, Ma, Srikant 2007,
  doi:10.1145/1242572.1242591);
* length: a partner has at least t |x| elements;
* position: what both have behind a common element bounds what they can still share.

Equal sets are joined once, as one. Similarities are fractions of whole numbers: nothing is rounded at the threshold.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.text.words import Ragged, compiled

I64 = NDArray[np.int64]

OUT = -1
"""In place of the number of elements shared so far: too few are left to reach the threshold."""


class Pairs(NamedTuple):
    """Pairs of sets, the earlier first, in ascending order."""

    one: I64
    other: I64
    jaccard: NDArray[np.float64]


def similar_pairs(sets: Ragged, above: int, below: int) -> Pairs:
    """Every pair with |A & B| / |A | B| >= above / below. Empty sets have no partner.

    Args:
        sets: elements of each set, without repeats, in any order.
    """
    ranked = _ranked(sets)
    members = _equal(ranked)
    heads = np.array([group[0] for group in members], np.int64)
    sizes = np.diff(ranked.offsets)[heads]
    by_size = heads[np.argsort(sizes, kind="stable")]
    joined = _join(ranked.flat, ranked.offsets, by_size, int(ranked.flat.max(initial=0)) + 1, above, below)
    group_of = {int(head): group for head, group in zip(heads, members, strict=True)}
    rows = [(min(one, other), max(one, other), similarity) for left, right, similarity in zip(*joined, strict=True)
            for one in group_of[int(left)] for other in group_of[int(right)]]
    rows += [(one, other, 1.0) for group in members for at, one in enumerate(group) for other in group[at + 1:]]
    rows.sort()
    one, other, similarity = zip(*rows, strict=True) if rows else ((), (), ())
    return Pairs(np.array(one, np.int64), np.array(other, np.int64), np.array(similarity, np.float64))


def partners(sets: Ragged, place: int, above: int, below: int) -> I64:
    """The sets similar to one of them, by counting its elements in all others: slow, and plain to see right."""
    own = sets.of(place)
    shared = _counted(sets.flat, sets.offsets, np.sort(own))
    sizes = np.diff(sets.offsets)
    similar = (below * shared >= above * (sizes + len(own) - shared)) & (sizes > 0)
    similar[place] = False
    return np.flatnonzero(similar)


def _ranked(sets: Ragged) -> Ragged:
    """Elements as numbers from the rarest to the most frequent, ascending in each set."""
    _, number, count = np.unique(sets.flat, return_inverse=True, return_counts=True)
    rank = np.empty(len(count), np.uint64)
    rank[np.argsort(count, kind="stable")] = np.arange(len(count), dtype=np.uint64)
    flat = rank[number]
    _sort_each(flat, sets.offsets)
    return Ragged(flat, sets.offsets)


def _equal(ranked: Ragged) -> list[list[int]]:
    """Places of equal sets together; sets without elements left out."""
    found: dict[bytes, list[int]] = {}
    for place in np.flatnonzero(np.diff(ranked.offsets)).tolist():
        found.setdefault(ranked.of(place).tobytes(), []).append(place)
    return list(found.values())


@compiled
def _sort_each(flat, offsets):  # type: ignore[no-untyped-def]
    for place in range(len(offsets) - 1):
        flat[offsets[place]:offsets[place + 1]].sort()


@compiled
def _least(size, above, below):  # type: ignore[no-untyped-def]
    """ceil(size * above / below)"""
    return (size * above + below - 1) // below


@compiled
def _shared(one, other):  # type: ignore[no-untyped-def]
    """Common elements of two ascending arrays."""
    common, i, j = 0, 0, 0
    while i < len(one) and j < len(other):
        if one[i] == other[j]:
            common, i, j = common + 1, i + 1, j + 1
        elif one[i] < other[j]:
            i += 1
        else:
            j += 1
    return common


@compiled
def _counted(flat, offsets, own):  # type: ignore[no-untyped-def]
    """How many elements each set shares with `own`, which is ascending."""
    found = np.zeros(len(offsets) - 1, np.int64)
    low = np.uint64(0xFFFF)
    marks = np.zeros(0x10000, np.bool_)  # most elements are not in `own`: their low bits say so
    for element in own:
        marks[element & low] = True
    for place in range(len(found)):
        for element in flat[offsets[place]:offsets[place + 1]]:
            if marks[element & low]:
                at = np.searchsorted(own, element)
                found[place] += at < len(own) and own[at] == element
    return found


class Index(NamedTuple):
    """Sets by their rarest elements, smaller sets before larger ones."""

    head: I64
    """(elements,) first entry of each element's list whose set is not too small yet."""
    tail: I64
    """(elements,) end of each element's list."""
    listed: NDArray[np.int32]
    """(entries,) a set."""
    listed_at: NDArray[np.int32]
    """(entries,) place of the element in that set."""


@compiled
def _empty_index(flat, offsets, by_size, num_elements, above, below):  # type: ignore[no-untyped-def]
    """Room for every set in the lists of all elements that it will stand under."""
    starts = np.zeros(num_elements + 1, np.int64)
    for place in by_size:
        size = offsets[place + 1] - offsets[place]
        for element in flat[offsets[place]:offsets[place] + size - _least(size, 2 * above, above + below) + 1]:
            starts[element + np.uint64(1)] += 1
    starts = np.cumsum(starts)
    return Index(starts[:-1].copy(), starts[:-1].copy(), np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int32))


@compiled
def _candidates(own, sizes, index, shared, above, below):  # type: ignore[no-untyped-def]
    """Listed sets that may share enough with `own`. `shared`: a zero for each set, left as found."""
    size = len(own)
    least = _least(size, above, below)
    seen = [0 for _ in range(0)]
    for at in range(size - least + 1):
        element = own[at]
        while index.head[element] < index.tail[element] and sizes[index.listed[index.head[element]]] < least:
            index.head[element] += 1  # too small for this set, hence for all that follow
        for entry in range(index.head[element], index.tail[element]):
            rival = index.listed[entry]
            if shared[rival] == 0:
                seen.append(rival)
            if shared[rival] != OUT:
                still = min(size - at, sizes[rival] - index.listed_at[entry])
                enough = shared[rival] + still >= _least(size + sizes[rival], above, above + below)
                shared[rival] = shared[rival] + 1 if enough else OUT
    found = [rival for rival in seen if shared[rival] != OUT]
    for rival in seen:
        shared[rival] = 0
    return found


@compiled
def _add(place, own, index, above, below):  # type: ignore[no-untyped-def]
    """List a set under its first elements."""
    for at in range(len(own) - _least(len(own), 2 * above, above + below) + 1):
        entry = index.tail[own[at]]
        index.listed[entry], index.listed_at[entry] = place, at
        index.tail[own[at]] += 1


@compiled
def _join(flat, offsets, by_size, num_elements, above, below):  # type: ignore[no-untyped-def]
    """(one, other, similarity) of the pairs among the sets `by_size`, which are in order of size."""
    index = _empty_index(flat, offsets, by_size, num_elements, above, below)
    sizes = np.diff(offsets)
    shared = np.zeros(len(sizes), np.int32)
    one, other, similarity = [0 for _ in range(0)], [0 for _ in range(0)], [0.0 for _ in range(0)]
    for place in by_size:
        own = flat[offsets[place]:offsets[place + 1]]
        for rival in _candidates(own, sizes, index, shared, above, below):
            common = _shared(own, flat[offsets[rival]:offsets[rival + 1]])
            union = sizes[place] + sizes[rival] - common
            if below * common >= above * union:
                one.append(rival)
                other.append(place)
                similarity.append(common / union)
        _add(place, own, index, above, below)
    return one, other, similarity
