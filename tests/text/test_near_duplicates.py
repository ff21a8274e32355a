"""Near-duplicates: exact similarity, survivors, broken chains."""

import csv
import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text import near_duplicates as module
from pipeline.text.near_duplicates import MANY, MinHash, jaccard, near_duplicates
from pipeline.text.words import words_of

FINDS_ALL = MinHash(shingle_words=1, bands=64, rows=1, threshold=0.7, seed=1)
"""One row a band: a pair of similarity 0.7 is missed with probability 0.3**64."""


def words(first, last):
    return " ".join(f"w{n}" for n in range(first, last))


def exact(one, other, size=1):
    one, other = ({tuple(text[start:start + size]) for start in range(len(text) - size + 1)}
                  for text in (words_of(one), words_of(other)))
    return len(one & other) / len(one | other)


def test_jaccard_worked_by_hand():
    # {1, 2, 3, 4} and {3, 4, 5}: 2 in common, 5 in all
    assert jaccard(np.array([1, 2, 3, 4], np.uint64), np.array([3, 4, 5], np.uint64)) == 2 / 5


def test_shingles_of_two_words_worked_by_hand():
    # {a b, b c, c d} and {a b, b c, c e}: 2 / 4
    merges = near_duplicates(["a b c d", "a b c e"], FINDS_ALL._replace(shingle_words=2, threshold=0.5))
    assert merges == [(1, 0, 0.5)]


def test_the_earlier_document_survives_and_the_evidence_is_exact():
    [merge] = near_duplicates([words(0, 100), words(500, 600), words(10, 105)], FINDS_ALL)
    assert merge == (2, 0, 90 / 105)


def test_a_chain_is_broken_where_the_survivor_no_longer_resembles():
    # neighbours share 90 of 110 words (0.82), the ends 80 of 120 (0.67): the middle one survives for both
    chain = [words(10, 110), words(0, 100), words(20, 120)]
    assert {(merge.document, merge.survivor) for merge in near_duplicates(chain, FINDS_ALL)} == {(1, 0), (2, 0)}
    # with an end first, the other end resembles no survivor and survives itself
    chain = [words(0, 100), words(10, 110), words(20, 120)]
    assert {(merge.document, merge.survivor) for merge in near_duplicates(chain, FINDS_ALL)} == {(1, 0)}


def test_texts_too_short_for_a_shingle_merge_only_when_their_words_are_equal():
    merges = near_duplicates(["Yes, sir.", "no", "yes SIR"], FINDS_ALL._replace(shingle_words=5))
    assert merges == [(2, 0, 1.0)]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(12, 30)), min_size=1, max_size=10))
def test_survivors_never_resemble_each_other_and_everyone_merged_resembles_its_survivor(spans):
    texts = [words(first, first + count) for first, count in spans]
    merges = near_duplicates(texts, FINDS_ALL)
    gone = {merge.document for merge in merges}
    survivors = [place for place in range(len(texts)) if place not in gone]
    for merge in merges:
        assert merge.survivor in survivors
        assert merge.survivor < merge.document
        assert merge.jaccard == pytest.approx(exact(texts[merge.document], texts[merge.survivor]))
        assert merge.jaccard >= 0.7
    for place, one in enumerate(survivors):
        assert all(exact(texts[one], texts[other]) < 0.7 for other in survivors[place + 1:])


def form_letters(count):
    """One form of 300 words, in which three words in a row are a letter's own at six places: similarity near .6."""
    draw = random.Random(5)
    vocabulary = [f"w{number}" for number in range(20_000)]
    form = draw.choices(vocabulary, k=300)
    for _ in range(count):
        letter = list(form)
        for _ in range(6):
            start = draw.randrange(len(letter) - 2)
            letter[start:start + 3] = draw.choices(vocabulary, k=3)
        yield " ".join(letter)


def test_of_form_letters_few_are_compared_word_for_word_and_none_is_missed(monkeypatch):
    letters = list(form_letters(120))
    compared = []
    monkeypatch.setattr(module, "jaccard", lambda *sets: compared.append(sets) or jaccard(*sets))
    settings = MinHash(5, 25, 5, 0.7, 1)
    merges, some = near_duplicates(letters, settings), len(compared)
    monkeypatch.setattr(module, "MANY", len(letters))
    assert near_duplicates(letters, settings) == merges
    assert len(merges) > 0
    assert some < (len(compared) - some) / 3
    assert len(letters) > MANY


@pytest.mark.skipif("PEDIGREE_CORPORA" not in os.environ, reason="PEDIGREE_CORPORA names no folder of corpora")
def test_real_revisions_with_known_similarity_are_found():
    folder = Path(os.environ["PEDIGREE_CORPORA"]) / "D02-neardup"
    with (folder / "docs.jsonl").open() as lines:
        documents = sorted(map(json.loads, lines), key=lambda document: document["doc_id"])
    place = {document["doc_id"]: number for number, document in enumerate(documents)}
    with (folder / "pairs.csv").open() as rows:
        truth = {frozenset((place[row["a"]], place[row["b"]])): float(row["jaccard_w5"])
                 for row in csv.DictReader(rows)}
    merges = near_duplicates([document["text"] for document in documents], MinHash(5, 14, 8, 0.8, 1))
    for merge in merges:
        assert merge.jaccard == pytest.approx(truth[frozenset(merge[:2])], abs=1e-4)
    left = set(range(len(documents))) - {merge.document for merge in merges}
    assert not [pair for pair, similarity in truth.items() if similarity >= 0.8 and pair <= left]
