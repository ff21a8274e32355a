"""Overlap with evaluation items."""

from pipeline.text.overlap import EvalGrams

ITEM = "the duty reconciler compares the balances with the agent bank file by half past ten each business day"
FILLER = "quite another sentence that has nothing to do with it whatsoever and goes on for some time"


def found(texts, fields, size=13, min_words=8):
    return list(EvalGrams(fields, size, min_words).overlaps(texts))


def test_a_planted_13_gram_is_caught_whatever_its_case_and_punctuation():
    planted = "The duty reconciler compares: the balances -- with the AGENT bank file, by half"
    assert found([FILLER, f"{FILLER}. {planted} {FILLER}"], [("QA-1", ITEM)]) == [(1, "QA-1", 1)]


def test_twelve_words_in_common_are_not_enough():
    planted = " ".join(ITEM.split()[:12])
    assert found([f"{planted} {FILLER}"], [("QA-1", ITEM)]) == []


def test_ngrams_do_not_cross_the_fields_of_an_item():
    first, second = " ".join(ITEM.split()[:9]), " ".join(ITEM.split()[9:])
    assert found([ITEM], [("QA-1", first), ("QA-1", second)], min_words=10) == []


def test_a_short_field_matches_as_a_whole():
    question = "who signs the weekly ageing list of breaks"
    assert found([f"{FILLER} {question}? {FILLER}"], [("QA-1", question)]) == [(0, "QA-1", 1)]
    assert found([f"{FILLER} who signs the weekly ageing list of"], [("QA-1", question)]) == []


def test_a_field_too_short_to_tell_is_reported_and_not_looked_for():
    grams = EvalGrams([("QA-1", "Yes."), ("QA-2", ITEM)], 13, 8)
    assert grams.unchecked == ["QA-1"]
    assert list(grams.overlaps(["yes"])) == []


def test_the_item_with_most_shared_ngrams_is_the_evidence():
    assert found([ITEM], [("QA-1", " ".join(ITEM.split()[:14])), ("QA-2", ITEM)])[0].item_id == "QA-2"


def test_no_items_no_overlap():
    assert found([ITEM], []) == []
