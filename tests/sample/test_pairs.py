"""Seeds, prompts of a round, and the pair of best and worst."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.judges.interface import Judgement
from pipeline.sample.pairs import Scored, best_and_worst, drawn_examples, item_seed
from tests import tiny_policy


def scored(*scores):
    return [Scored(f"a{number}", number, Judgement(score, {})) for number, score in enumerate(scores)]


def test_the_pair_is_the_best_and_the_worst():
    pair = best_and_worst(scored(0.5, 0.9, 0.1, 0.9), 0.3)
    assert (pair.chosen.text, pair.rejected.text) == ("a1", "a2")


def test_below_the_margin_there_is_no_pair():
    assert best_and_worst(scored(0.5, 0.6), 0.2) is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6), st.floats(0.01, 1))
def test_a_pair_never_has_less_than_its_margin(scores, margin):
    pair = best_and_worst(scored(*scores), margin)
    assert pair is None or pair.chosen.judgement.score - pair.rejected.judgement.score >= margin


@given(st.integers(0, 2**32), st.text())
def test_seeds_fit_a_signed_column(seed, key):
    assert 0 <= item_seed(seed, key) < 2**63


def test_rounds_ask_other_prompts_and_a_round_the_same_ones():
    table = tiny_policy.examples(60)
    one, two = (drawn_examples(table, 20, 9, "round", number)["example_id"].to_list() for number in (1, 2))
    assert one != two
    assert one == drawn_examples(table.reverse(), 20, 9, "round", 1)["example_id"].to_list()
    assert len(set(one)) == 20
