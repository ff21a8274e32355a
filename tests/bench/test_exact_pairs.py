"""The exact join that the near-duplicate bench takes for truth, against the definition."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.exact_pairs import partners, similar_pairs
from pipeline.text.words import joined


def ragged(sets):
    return joined([np.array(sorted(one), np.uint64) for one in sets])


def by_definition(sets, above, below):
    """(one, other) -> similarity, with fractions of whole numbers."""
    return {(one, other): len(left & right) / len(left | right)
            for (one, left), (other, right) in combinations(enumerate(sets), 2)
            if left | right and below * len(left & right) >= above * len(left | right)}


def found(sets, above, below):
    pairs = similar_pairs(ragged(sets), above, below)
    return dict(zip(zip(pairs.one.tolist(), pairs.other.tolist(), strict=True), pairs.jaccard.tolist(), strict=True))


@st.composite
def families(draw):
    """Sets and changed copies of them: pairs on both sides of the threshold, equal and empty ones."""
    sets = draw(st.lists(st.sets(st.integers(0, 60), max_size=30), min_size=1, max_size=8))
    for one in list(sets):
        for _ in range(draw(st.integers(0, 3))):
            sets.append(one ^ draw(st.sets(st.integers(0, 60), max_size=3)))
    return draw(st.permutations(sets))


@pytest.mark.parametrize(("above", "below"), [(4, 5), (1, 2), (19, 20)])
@settings(max_examples=150)
@given(families())
def test_every_pair_of_the_definition_and_no_other(above, below, sets):
    assert found(sets, above, below) == by_definition(sets, above, below)


def test_a_pair_exactly_at_the_threshold_is_found():
    assert found([set(range(4)), set(range(5))], 4, 5) == {(0, 1): 0.8}


def test_equal_sets_are_pairs_of_each_other_and_of_the_similar_ones():
    sets = [set(range(9)), set(range(10)), set(range(9)), set(range(10))]
    assert found(sets, 4, 5) == {(0, 1): 0.9, (0, 2): 1.0, (0, 3): 0.9, (1, 2): 0.9, (1, 3): 1.0, (2, 3): 0.9}


def test_large_sets_of_frequent_elements():
    """Many sets that share their prefix elements: the counts of one set must not leak into the next."""
    draw = np.random.default_rng(3)
    base = [set(draw.choice(400, 200, replace=False).tolist()) for _ in range(12)]
    sets = base + [one ^ set(draw.choice(400, count, replace=False).tolist()) for one in base for count in (5, 30, 60)]
    truth = by_definition(sets, 4, 5)
    assert 12 <= len(truth) <= 60
    assert found(sets, 4, 5) == truth


@settings(max_examples=50)
@given(families())
def test_partners_of_one_set_by_counting(sets):
    truth = by_definition(sets, 4, 5)
    for place in range(len(sets)):
        assert partners(ragged(sets), place, 4, 5).tolist() == sorted(
            {one + other - place for one, other in truth if place in (one, other)})
