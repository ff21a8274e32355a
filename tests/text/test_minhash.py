"""MinHash signatures and candidate clusters."""

import numpy as np

from pipeline.text.minhash import Survivors, signatures
from pipeline.text.words import joined, ngram_hashes, word_hashes


def shingles(*texts):
    return ngram_hashes(word_hashes(texts), 1)


def test_the_estimate_is_close_to_the_jaccard_it_estimates():
    # 60 of 100 words in common: J = 60 / 140 = 0.4286; with 4096 hashes the standard error is 0.0077
    one = " ".join(f"w{n}" for n in range(100))
    other = " ".join(f"w{n}" for n in range(40, 140))
    minima = signatures(shingles(one, other), 4096, seed=3)
    assert abs((minima[0] == minima[1]).mean() - 60 / 140) < 5 * 0.0077


def test_estimates_scatter_as_independent_hash_functions_would_have_them():
    # 400 pairs of J = 0.5 with 125 hashes each: standard error sqrt(0.25 / 125) = 0.0447
    draw = np.random.default_rng(0)
    numbers = draw.integers(0, 2**64, (400, 300), np.uint64)
    minima = signatures(joined([part for row in numbers for part in (row[:225], row[75:])]), 125, seed=1)
    estimates = (minima[0::2] == minima[1::2]).mean(axis=1)
    assert abs(estimates.mean() - 0.5) < 4 * 0.0447 / 20
    assert 0.040 < estimates.std() < 0.050


def test_a_signature_does_not_depend_on_the_company():
    alone = signatures(shingles("the settlement desk calls the client"), 16, seed=1)[0]
    among = signatures(shingles("something else", "the settlement desk calls the client"), 16, seed=1)[1]
    assert alone.tolist() == among.tolist()


def test_another_seed_gives_other_hash_functions():
    text = shingles("one two three four five")
    assert signatures(text, 16, seed=1).tolist() != signatures(text, 16, seed=2).tolist()


# 0 and 1 share band 0, 1 and 2 share band 1, 3 shares nothing
FOUR = np.array([[1, 1, 9, 9], [1, 1, 2, 2], [7, 7, 2, 2], [5, 5, 5, 5]], np.uint32)


def test_only_survivors_in_a_common_bucket_are_likely():
    survivors = Survivors(FOUR, bands=2)
    assert survivors.contested() == [0, 1, 2]
    assert survivors.like(1, 0.0).tolist() == []
    survivors.add(0)
    assert survivors.like(1, 0.0).tolist() == [0]
    assert survivors.like(2, 0.0).tolist() == []
    survivors.add(1)
    assert survivors.like(2, 0.0).tolist() == [1]


def test_a_survivor_in_two_common_buckets_is_named_once_and_one_with_too_few_equal_minima_not_at_all():
    survivors = Survivors(np.array([[1, 1, 2, 2], [1, 1, 2, 2], [1, 1, 3, 3]], np.uint32), bands=2)
    survivors.add(0)
    assert survivors.like(1, 1.0).tolist() == [0]
    assert survivors.like(2, 0.5).tolist() == [0]
    assert survivors.like(2, 0.51).tolist() == []


def test_nobody_is_contested_where_there_is_nobody():
    assert Survivors(np.empty((0, 4), np.uint32), bands=2).contested() == []
