"""Upper bounds of similarity from bitmaps: never below the truth, and close to it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.bitmaps import BITS, Bitmaps
from pipeline.text.near_duplicates import jaccard

HASHES = st.sets(st.integers(0, 2**64 - 1) | st.integers(0, 40) | st.integers(0, 40).map(lambda low: low + BITS),
                 min_size=1, max_size=60)


def as_set(numbers):
    return np.array(sorted(numbers), np.uint64)


def bitmaps_of(sets):
    bitmaps = Bitmaps(len(sets))
    for place, elements in enumerate(sets):
        bitmaps.add(place, elements)
    return bitmaps


@given(st.lists(HASHES, min_size=2, max_size=6))
def test_no_similarity_is_above_its_bound(drawn):
    sets = [as_set(numbers) for numbers in drawn]
    bounds = bitmaps_of(sets).at_most(0, np.arange(1, len(sets)))
    assert all(jaccard(sets[0], other) <= bound + 1e-12 for other, bound in zip(sets[1:], bounds, strict=True))


def test_a_bound_worked_by_hand():
    # {0, 1, 2} and {2, 3}: bits 0, 1 and 3 differ, (5 - 3) / (5 + 3) is the very similarity
    # {0, 1, 2} and {BITS}: that is the bit of 0, so only 1 and 2 differ, (4 - 2) / (4 + 2)
    bitmaps = bitmaps_of([as_set({0, 1, 2}), as_set({2, 3}), as_set({BITS})])
    assert bitmaps.at_most(0, np.array([1, 2])).tolist() == [2 / 8, 2 / 6]


def test_sets_of_a_page_are_bounded_closely():
    numbers = np.random.default_rng(1).integers(0, 2**64, 500, np.uint64)
    one, other = np.sort(numbers[:400]), np.sort(numbers[100:])
    assert jaccard(one, other) == 0.6
    assert 0.6 <= bitmaps_of([one, other]).at_most(0, np.array([1]))[0] < 0.63


def test_more_sets_than_there_was_room_for():
    sets = [as_set({number, number + 1}) for number in range(200)]
    bitmaps = bitmaps_of(sets)
    assert bitmaps.missing(np.arange(200)) == []
    assert bitmaps.at_most(0, np.arange(1, 200)).tolist() == [1 / 3] + [0.0] * 198


def test_what_has_not_come_is_missing():
    bitmaps = Bitmaps(3)
    bitmaps.add(1, as_set({7}))
    assert bitmaps.missing(np.array([2, 1, 0])) == [2, 0]
