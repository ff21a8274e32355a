"""The date model: told years, honest doubt, same bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.errors import BadInput
from pipeline.text.dating import (
    BATCH,
    FEATURES,
    MODEL,
    WORDS,
    Belief,
    evidence,
    fit,
    learn,
    load,
    measure,
    prepare,
    save,
    softmax,
)
from tests.dated_stories import DOCUMENTS, GIVEN, story


@pytest.fixture(scope="module")
def reader():
    return learn(prepare(DOCUMENTS, GIVEN), GIVEN)


def told(belief):
    return belief.first_year + int(np.argmax(belief.chances))


def test_the_year_of_an_unseen_text_is_told_from_years_and_from_words(reader):
    assert told(reader.beliefs([story(2016, 100)])[0]) == 2016
    assert told(reader.beliefs([story(2021, 101, names=False)])[0]) == 2021


def test_what_is_told_of_unseen_documents_beats_the_simple_answers():
    found = measure(prepare(DOCUMENTS, GIVEN), GIVEN, 0.9)
    assert found["documents"] == len(DOCUMENTS)
    assert found["year_right"] > 0.9 > found["commonest_right"]
    assert found["interval_holds"] >= 0.9


def test_a_text_without_any_mark_of_time_gets_a_wide_interval(reader):
    low, high = reader.beliefs(["Nothing here says when."])[0].interval(0.9)
    assert high - low >= 10


def test_a_text_is_told_the_same_to_the_last_bit_whatever_stands_beside_it(reader):
    texts = [story(2010 + number % 15, number, names=number % 3 > 0) * (1 + number % 7) for number in range(2 * BATCH)]
    texts += ["Nothing here says when.", "", *texts[::-1]]
    alone = [reader.beliefs([text])[0].chances for text in texts]
    assert np.array_equal(alone, [belief.chances for belief in reader.beliefs(texts)])
    assert reader.beliefs([]) == []


def test_too_few_dated_documents_tell_nothing():
    few = learn(prepare(DOCUMENTS[:19], GIVEN), GIVEN)
    assert few.weights.weights == {}
    assert few.beliefs([story(2016, 1)])[0] is None
    assert measure(prepare(DOCUMENTS[:19], GIVEN), GIVEN, 0.9) == {"documents": 0.0}


def test_neither_order_nor_a_round_trip_over_the_disk_changes_the_model(reader, tmp_path):
    for name, documents in (("one", DOCUMENTS), ("two", DOCUMENTS[::-1])):
        (tmp_path / name).mkdir()
        save(learn(prepare(documents, GIVEN), GIVEN), tmp_path / name)
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
               for name in (MODEL, WORDS))
    again = load(tmp_path / "one")
    [one], [other] = again.beliefs([story(2013, 5)]), reader.beliefs([story(2013, 5)])
    assert np.array_equal(one.chances, other.chances)


@pytest.mark.parametrize("name", [MODEL, WORDS])
def test_a_damaged_model_is_refused(reader, tmp_path, name):
    save(reader, tmp_path)
    (tmp_path / name).write_bytes(b"no model")
    with pytest.raises(BadInput, match="is not a date model"):
        load(tmp_path)


def test_chances_before_a_date_worked_by_hand():
    belief = Belief(2020, np.array([0.2, 0.5, 0.3]))
    assert belief.before("2019-06-01") == 0.0
    assert belief.before("2021-01-01") == pytest.approx(0.2)
    assert belief.before("2021-07-01") == pytest.approx(0.2 + 0.5 / 2)
    assert belief.before("2023-01-01") == pytest.approx(1.0)


def test_intervals_worked_by_hand():
    belief = Belief(2020, np.array([0.2, 0.5, 0.3]))
    assert belief.interval(0.5) == (2021, 2021)
    assert belief.interval(0.75) == (2021, 2022)
    assert belief.interval(0.9) == (2020, 2022)


def test_a_year_to_come_is_not_the_latest_year_named():
    found = evidence("Written in 2019. Next review due 2023.", 2010, 16)
    latest = found.marks[:, FEATURES.index("latest")]
    assert 2010 + int(np.argmax(latest)) == 2019


@settings(max_examples=30)
@given(st.integers(0, 3), st.floats(-2, 2))
def test_fitted_weights_are_a_least_point_of_their_target(feature, shift):
    draw = np.random.default_rng(feature)
    f = draw.normal(size=(40, 5, 4))
    chosen = draw.integers(0, 5, 40)

    def target(w):
        p = softmax(f @ w)
        return -np.log(p[np.arange(40), chosen]).sum() + 0.5 * float(w @ w)

    best = fit(f, chosen, 1.0)
    moved = best.copy()
    moved[feature] += shift
    assert target(best) <= target(moved) + 1e-9
