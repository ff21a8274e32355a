"""The quality model and the degradations it learns from."""

import hashlib
import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schema.errors import BadInput
from pipeline.schema.quality_model import QualityModel
from pipeline.text.degrade import DEGRADATIONS, degraded
from pipeline.text.prose import BLANK_LINE
from pipeline.text.quality import (
    DOMAIN,
    OTHER,
    Example,
    QualityScorer,
    fold_of,
    low_paragraphs,
    normalised,
    paragraphs_of,
    train,
)

SETTINGS = QualityModel(reference_sources=[], learn_from="sources", label_repeats=1, degraded_general_share=0.5,
                        subword_chars=(0, 0), folds=2, min_paragraph_words=3, degraded_share=1.0, general_share=1.0,
                        dim=8, word_ngrams=2, bucket=2000, min_count=1, epochs=10, min_updates=1, learning_rate=0.5,
                        seed=1)
EXAMPLES = [Example(label, f"{word} {n % 7} in the {word} of {n % 5}") for n in range(200)
            for label, word in ((DOMAIN, "ledger"), (OTHER, "harbour"))]


def trained(path):
    train(EXAMPLES, SETTINGS, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_examples_give_the_same_bytes_whatever_memory_held_before(tmp_path):
    before = trained(tmp_path / "one.bin")
    # fastText reads memory it never wrote: fill what malloc will hand out next with other numbers
    dirt = [np.full(size, np.nan, np.float32) for size in (16, 1000, 16_000, 64_000) * 50]
    keep = np.ones(1000)
    del dirt
    assert trained(tmp_path / "two.bin") == before
    assert keep.sum() == 1000


def test_only_the_model_is_left_behind(tmp_path):
    trained(tmp_path / "one.bin")
    assert [path.name for path in tmp_path.iterdir()] == ["one.bin"]


def test_a_folder_without_models_is_refused(tmp_path):
    with pytest.raises(BadInput, match="is not a quality model"):
        QualityScorer(tmp_path)


def test_paragraphs_are_lower_case_lines_with_digits_as_zero():
    assert paragraphs_of("# Head\n\nPay 1,250 euros\nby noon.", 3) == ["pay 0 , 0 euros by noon ."]
    assert paragraphs_of("Two words", 3) == ["two words"]


def test_folds_are_balanced_and_fixed():
    folds = [fold_of(f"{n}", 2, 1) for n in range(1000)]
    # 1000 fair draws: standard deviation 15.8
    assert abs(sum(folds) - 500) < 5 * 15.8
    assert folds[:50] == [fold_of(f"{n}", 2, 1) for n in range(50)]


def test_a_share_above_one_degrades_every_paragraph_and_some_twice():
    turns = list(low_paragraphs(["a", "b", "c", "d"], 1.5, seed=1))
    assert [paragraph for turn, paragraph in turns if turn == 0] == ["a", "b", "c", "d"]
    assert len(list(low_paragraphs(["a", "b"], 2.0, seed=1))) == 4


@pytest.mark.parametrize("spoil", DEGRADATIONS)
def test_a_degradation_changes_the_text_and_keeps_about_its_length(spoil):
    text = "The duty reconciler compares the Tidemark balances with the agent bank file every business morning. " * 4
    spoilt = spoil(text, random.Random(1))
    assert spoilt != text
    assert 0.5 < len(spoilt) / len(text) < 2


def test_a_degradation_depends_on_its_seed_only():
    text = "The duty reconciler compares the balances with the file."
    assert degraded(text, "1 a") == degraded(text, "1 a")
    assert len({degraded(text, f"{n}") for n in range(10)}) > 5


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_words_and_marks_stand_apart_as_one_pattern_finds_them(text):
    words = re.findall(r"\w+|[^\w\s]", text.lower())
    assert normalised(text) == re.sub(r"\d+", "0", " ".join(words))


@given(st.text(st.sampled_from("aÄİß7٣² _.,!—\n\n\n\t\f\r\v\x1c\u00a0\u2028"), max_size=40))
def test_blank_lines_part_paragraphs_as_the_pattern_of_blank_lines_does(text):
    blocks = [normalised(block) for block in BLANK_LINE.split(text)]
    assert paragraphs_of(text, 2) == ([line for line in blocks if " " in line] or [normalised(text)])
