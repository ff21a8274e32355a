import re
from pathlib import Path

import pytest

from pipeline.redact.generate import LABEL_OF, Lists, example, read_lists, split_lists
from pipeline.redact.lexicon import NO_LEXICON
from pipeline.redact.negatives import negatives, reshaped, vocabulary
from pipeline.redact.technical import technical
from pipeline.redact.training import as_example

AUTHORED = Path(__file__).resolve().parents[2] / "data" / "authored" / "pii"


@pytest.fixture(scope="module")
def lists():
    return read_lists(AUTHORED)


def examples(lists, seed=1):
    return [example(lists, seed, number, lower_share=0.1, invented_share=0.2) for number in range(300)]


def test_spans_are_in_order_apart_and_never_empty(lists):
    for one in examples(lists):
        at = 0
        for start, end, kind in one.spans:
            assert at <= start < end <= len(one.text)
            assert kind in LABEL_OF.values()
            at = end


def test_an_example_depends_on_seed_and_number_only(lists):
    assert examples(lists) == examples(lists)
    assert examples(lists)[7] == example(lists, 1, 7, lower_share=0.1, invented_share=0.2)
    assert examples(lists, seed=2) != examples(lists)


def test_training_and_heldout_share_no_name_and_no_template(lists):
    train, heldout = split_lists(lists, 0.1, seed=1)
    for ours, theirs, whole in zip(train[:3], heldout[:3], lists[:3], strict=True):
        assert not set(ours) & set(theirs)
        assert len(ours) + len(theirs) == len(whole)
        assert len(theirs) == pytest.approx(0.1 * len(whole), abs=1)


def test_words_of_a_span_get_b_then_i():
    labelled = as_example(
        example(Lists(["Ann"], ["Lee"], ["ask {FULL}"], {"month": ["May"]}, []), 1, 2, lower_share=0, invented_share=0),
        NO_LEXICON.knows,
    )
    inside = [label for label in labelled.labels if label]
    assert inside[0] == 1
    assert set(inside[1:]) <= {1, 2}


def test_a_paragraph_that_credits_or_names_somebody_is_no_negative(lists):
    calm = "The projection made for sailors stretches everything near the poles."
    texts = [
        f"{calm}\n\nThis module was written by a group of people at the institute.",
        "We asked Marta Kowalski about the same projection again.",
    ]
    assert negatives(texts, lists) == [calm]


def test_reshaped_text_has_no_spans_and_depends_on_the_paragraph_only():
    paragraph = "the quiet river runs along the old paper mill and turns north at the bridge"
    assert reshaped(paragraph, 1) == reshaped(paragraph, 1)
    assert not reshaped(paragraph, 1).spans
    assert len({reshaped(paragraph + " now" * n, 1).text for n in range(9)}) == 9


def test_the_vocabulary_leaves_out_names(lists):
    assert vocabulary(["marta walks", "marta walks home", "once"], ["quiet", "an"], lists) == ["quiet", "walks"]


def test_technical_text_has_no_spans_and_depends_on_seed_and_number_only(lists):
    texts = [technical(lists, 1, number) for number in range(200)]
    assert texts == [technical(lists, 1, number) for number in range(200)]
    assert not any(one.spans for one in texts)
    assert len({one.text for one in texts}) > 190


def test_technical_text_names_no_listed_given_name(lists):
    given = set(lists.given) - {word for values in lists.fillers.values() for value in values for word in value.split()}
    words = {word for number in range(400) for word in re.findall(r"\w+", technical(lists, 1, number).text)}
    assert len(words & given) < 8  # invented products hit upon a short one now and then
