"""The bottom share of each source."""

import random

from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.quality_cut import Scored, quality_cuts


def test_a_quarter_of_each_source_lies_below_its_cut():
    scored = [Scored("a", n / 100) for n in range(100)] + [Scored("b", 0.5 + n / 16) for n in range(8)]
    assert quality_cuts(scored, 0.25, {}) == {"a": 0.25, "b": 0.5 + 2 / 16}


def test_a_source_of_its_own_share_and_one_of_none():
    scored = [Scored(source, n / 10) for n in range(10) for source in "abc"]
    assert quality_cuts(scored, 0.25, {"a": 0.5, "b": 0}) == {"a": 0.5, "c": 0.2}


def test_too_few_documents_lose_none():
    assert quality_cuts([Scored("a", 0.1), Scored("a", 0.2), Scored("a", 0.3)], 0.25, {}) == {}


def test_29_of_100_is_29():
    assert quality_cuts([Scored("a", n / 100) for n in range(100)], 0.29, {}) == {"a": 0.29}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([0.1, 0.2, 0.5, 0.9])), min_size=1),
       st.floats(0, 0.99), st.randoms(use_true_random=False))
def test_never_more_than_the_share_goes_and_order_does_not_matter(pairs, share, draw: random.Random):
    scored = [Scored(*pair) for pair in pairs]
    cuts = quality_cuts(scored, share, {})
    for source in "ab":
        scores = [one.score for one in scored if one.source == source]
        assert sum(score < cuts.get(source, 0.0) for score in scores) <= share * len(scores) + 1e-6
    draw.shuffle(scored)
    assert quality_cuts(scored, share, {}) == cuts
