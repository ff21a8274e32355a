import re
from pathlib import Path

import pytest

from pipeline.redact.generate import LABEL_OF, Lists, example, read_lists, split_lists
from pipeline.redact.informal import NO_NAMES, informal
from pipeline.redact.lexicon import NO_LEXICON
from pipeline.redact.negatives import negatives, reshaped, vocabulary
from pipeline.redact.technical import technical
from pipeline.redact.training import as_example
from pipeline.schema.pii_model import PiiModel
from pipeline.stages.pii_model import drawn_from

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


def test_the_spans_of_messages_are_the_names_drawn_and_nothing_else_is_one(lists):
    texts = [informal(lists, 1, number, invented_share=0.0) for number in range(600)]
    assert texts == [informal(lists, 1, number, invented_share=0.0) for number in range(600)]
    assert texts != [informal(lists, 2, number, invented_share=0.0) for number in range(600)]
    named = [one.text[start:end] for one in texts for start, end, _ in one.spans]
    parts = {part.casefold() for name in (*lists.given, *lists.surnames) for part in re.findall(r"[^\W_]+", name)}
    assert len(named) > 100
    assert all(parts & set(re.findall(r"[^\W_]+", name.casefold())) for name in named)
    assert all({kind for *_, kind in one.spans} <= {"PERSON"} for one in texts)
    assert not any("\ue000" in one.text or "\ue001" in one.text or "{" in one.text for one in texts)


def test_words_that_bear_a_sentence_make_no_names_to_train_on(lists):
    assert {"He", "No"} < {*lists.given, *lists.surnames}
    params = PiiModel.model_construct(heldout_share=0.1, seed=1)
    drawn = drawn_from(lists, [], params)
    written = {*drawn.ours.given, *drawn.ours.surnames, *drawn.heldout.given, *drawn.heldout.surnames}
    assert not {name for name in written if name.lower() in NO_NAMES}
    assert drawn.lexicon.knows("He")  # they stay known as names
