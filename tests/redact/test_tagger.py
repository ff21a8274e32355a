import random

import numpy as np
import pytest

from pipeline.redact import tagger as module
from pipeline.redact.tagger import LABELS, WEIGHT_BITS, Tagger, _decode, load_tagger, save_tagger
from pipeline.redact.words import cut
from pipeline.schema.errors import BadInput
from tests.redact.worlds import random_grid, random_tagger

TEXTS = [
    "Ask Marta Oyelaran whether CL-1 was closed.",
    "",
    "  ",
    "x",
    "a much longer text " * 80,
    "14 Ropewalk Lane\nLeith",
    "zoë and Łukasz, 25 March 1981",
    "<<>> ### ||",
    "one",
    "two words",
] * 3


def test_a_text_is_decided_alike_alone_in_any_batch_and_in_any_company():
    alone = [random_tagger().spans([text], 0.0)[0] for text in TEXTS]
    assert any(alone)
    order = list(range(len(TEXTS)))
    for seed in range(5):
        random.Random(seed).shuffle(order)
        together = random_tagger().spans([TEXTS[index] for index in order], 0.0)
        assert [alone[index] for index in order] == together


@pytest.mark.parametrize("tape", [1, 16, 100, 10_000])
def test_the_length_of_a_tape_decides_nothing(tape, monkeypatch):
    expected = random_tagger().spans(TEXTS, 0.0)
    monkeypatch.setattr(module, "TAPE", tape)
    assert random_tagger().spans(TEXTS, 0.0) == expected


def test_sums_are_exact_so_their_order_is_free():
    tagger, rng = random_tagger(), np.random.default_rng(0)
    logits = tagger._logits([cut(TEXTS[0])])
    turned = rng.permutation(tagger.weights["exit"].shape[0])
    weights = dict(tagger.weights)
    weights["exit"] = weights["exit"][turned]
    weights["shapes"], weights["entry"] = weights["shapes"][:, turned], weights["entry"][:, turned]
    for layer in range(3):
        inner = np.concatenate([turned, turned + len(turned), turned + 2 * len(turned)])
        weights[f"near.{layer}"] = weights[f"near.{layer}"][inner][:, turned]
        weights[f"bias.{layer}"] = weights[f"bias.{layer}"][turned]
    assert (Tagger(weights)._logits([cut(TEXTS[0])]) == logits).all()


def test_a_vocabulary_that_is_forgotten_and_learnt_again_decides_alike(monkeypatch):
    expected = random_tagger().spans(TEXTS, 0.0)
    monkeypatch.setattr(module, "MAX_KNOWN", 3)
    tagger = random_tagger()
    assert [tagger.spans([text], 0.0)[0] for text in TEXTS] == expected


def test_b_and_i_labels_make_spans_without_outer_punctuation():
    text = "see Ann Lee, Bo Ek."
    rows = ["O", "B-PERSON", "I-PERSON", "I-PERSON", "B-PERSON", "I-PERSON", "O"]
    logits = np.array([[1.0 if label == row else 0.0 for label in LABELS] for row in rows])
    assert [(text[span.start : span.end], span.kind) for span in _decode(text, cut(text), logits)] == [
        ("Ann Lee", "PERSON"),
        ("Bo Ek", "PERSON"),
    ]


def test_a_saved_tagger_is_the_tagger_and_two_savings_are_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        save_tagger(random_grid(), tmp_path / name)
    assert load_tagger(tmp_path / "one").spans(TEXTS, 0.0) == random_tagger().spans(TEXTS, 0.0)
    for file in ("tagger.safetensors", "tagger.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_damaged_or_foreign_tagger_is_refused(tmp_path):
    save_tagger(random_grid(), tmp_path)
    config = (tmp_path / "tagger.json").read_text()
    (tmp_path / "tagger.json").write_text(config.replace(f'"weight_bits": {WEIGHT_BITS}', '"weight_bits": 3'))
    with pytest.raises(BadInput, match="made for other code"):
        load_tagger(tmp_path)
    (tmp_path / "tagger.safetensors").write_bytes(b"no tensors")
    with pytest.raises(BadInput, match="not a tagger"):
        load_tagger(tmp_path)
