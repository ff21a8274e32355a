"""Distractors, unanswerable questions and bounds, over a lake of small manuals."""

import pytest

from pipeline.schema.sft_data import SftData
from pipeline.text.answers import REFUSAL, parse_answer
from pipeline.text.compose import compose, cut_document

NOUNS = ("boiler", "ladder", "pump", "crane", "valve", "filter", "hoist", "lathe", "kiln", "press", "winch", "forge")


def section(**changes):
    values = {"passage_chars": 200, "distractor_chars": 120, "question_chars": 160, "answer_chars": 100,
              "min_answer_chars": 10, "distractors": 1, "unanswerable_share": 0.25, "max_per_document": 8,
              "max_examples": 500, "seed": 5}
    return SftData(**{**values, **changes})


def manual(noun, parts=6):
    rules = [f"## {noun.title()} rule {part}\nThe {noun} must rest for {part + 2} hours. Check the {noun} twice."
             for part in range(parts)]
    return "\n\n".join([f"# {noun.title()} Manual", *rules])


def examples(nouns=NOUNS, **changes):
    params = section(**changes)
    cuts = [cut for number, noun in enumerate(nouns)
            for cut in cut_document(noun, "heldout" if number % 4 == 0 else "train", manual(noun), "", params)]
    return compose(cuts, params)


def test_every_citation_is_the_named_span_of_its_document():
    for one in examples():
        if one.source:
            assert manual(one.doc_id)[one.citation_start:one.citation_end] == one.passages[one.source - 1]


def test_passages_come_from_the_split_of_the_example():
    held = set(NOUNS[::4])
    for one in examples():
        owners = {noun for noun in NOUNS for passage in one.passages if f"The {noun} " in passage}
        assert owners <= (held if one.split == "heldout" else set(NOUNS) - held)


def test_about_the_declared_share_is_unanswerable_and_says_so():
    rows = examples()
    refused = [one for one in rows if one.kind == "unanswerable"]
    assert len(refused) / len(rows) == pytest.approx(0.25, abs=0.12)
    for one in refused:
        assert parse_answer(one.answer).text == REFUSAL
        assert not any(f"The {one.doc_id} " in passage for passage in one.passages)
        assert (one.source, one.citation_start, one.citation_end) == (0, 0, 0)


def test_the_cited_passage_is_in_either_place_and_the_answer_names_it():
    rows = [one for one in examples() if one.source]
    assert {one.source for one in rows} == {1, 2}
    assert all(parse_answer(one.answer).source == one.source for one in rows)


def test_bounds_hold_and_keep_a_subset():
    few = examples(max_examples=7)
    assert len(few) == 7
    assert {one.example_id for one in few} <= {one.example_id for one in examples()}
    counts = [sum(one.doc_id == noun for one in examples(max_per_document=2)) for noun in NOUNS]
    assert max(counts) == 2


def test_another_document_changes_no_question_and_few_passages_of_the_others():
    before = {one.example_id: one for one in examples(NOUNS[:-1])}
    after = {one.example_id: one for one in examples()}
    shared = before.keys() & after.keys()
    assert len(shared) == len(before)
    assert all(before[key].question == after[key].question and before[key].source == after[key].source
               for key in shared)
    assert sum(before[key].passages == after[key].passages for key in shared) >= 0.6 * len(shared)


def test_a_lone_document_gives_examples_without_distractors():
    rows = examples(["boiler"])
    assert rows
    assert all(len(one.passages) == 1 and one.source == 1 for one in rows)


def test_the_order_of_documents_does_not_matter():
    params = section()
    cuts = [cut for noun in NOUNS for cut in cut_document(noun, "train", manual(noun), "", params)]
    assert compose(cuts, params) == compose(cuts[::-1], params)
