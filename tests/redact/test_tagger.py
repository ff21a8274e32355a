import random

import numpy as np
import pytest
import torch

from pipeline.redact import tagger as module
from pipeline.redact.generate import Labelled
from pipeline.redact.layers import SUM_BITS
from pipeline.redact.tagger import (
    LABELS,
    REACH,
    Tagger,
    _decode,
    grid_of,
    load_tagger,
    save_tagger,
)
from pipeline.redact.training import APART, Net, _tensors, as_example
from pipeline.redact.words import GAPS, cut
from pipeline.schema.errors import BadInput
from tests.redact.worlds import LEXICON, random_grid, random_tagger

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


@pytest.mark.parametrize("most", [1, 16, 100, 10_000])
@pytest.mark.parametrize("of", ["SHEET", "MAX_KEPT"])
def test_what_is_worked_on_together_decides_nothing(of, most, monkeypatch):
    expected = random_tagger().spans(TEXTS, 0.0)
    monkeypatch.setattr(module, of, most)
    assert random_tagger().spans(TEXTS, 0.0) == expected


ODD_BLANKS = [" ", "\n", "\t", "\r\n", "\n \n", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\xa0", "\u2028", "\u3000",
              "\u200b", ""]  # fmt: skip


def test_words_put_together_from_runs_are_those_that_the_whole_text_is_cut_into():
    words = ["Ann", "o'Neil's,", "x@y.example", "(see", "https://x.example/a?b=1)", "A_1", "²", "é\u0301b", "12,5",
             "...", "don’t"]  # fmt: skip
    rng = random.Random(5)
    tagger = random_tagger()
    for _ in range(300):
        text = "".join(rng.choice(words) + rng.choice(ODD_BLANKS) for _ in range(rng.randint(0, 9)))
        text = rng.choice(ODD_BLANKS) + text
        (pairs,), words_ = tagger.pairs([text]), cut(text)
        places = [tagger._places[word] for word in words_.texts]
        assert [divmod(pair, len(GAPS)) for pair in pairs] == list(zip(places, words_.gaps, strict=True))


def test_sums_are_exact_so_their_order_is_free():
    grid, rng = random_grid(), np.random.default_rng(0)
    logits = Tagger(grid, LEXICON).logits(TEXTS[:1])
    turned = rng.permutation(grid["exit"].shape[0])
    inner = np.concatenate([turned, turned + len(turned), turned + 2 * len(turned)])
    other = {**grid, "exit": grid["exit"][turned]}
    other |= {name: grid[name][:, turned] for name in ("shapes", "lists", "entry")}
    other |= {f"near.{layer}": grid[f"near.{layer}"][inner][:, turned] for layer in range(3)}
    other |= {f"bias.{layer}": grid[f"bias.{layer}"][turned] for layer in range(3)}
    assert (Tagger(other, LEXICON).logits(TEXTS[:1]) == logits).all()


def test_what_is_trained_is_what_runs():
    torch.manual_seed(0)
    net = Net(64, 8, 16)
    texts = ["Ask Marta Oyelaran, please.", "14 Ropewalk Lane\nLeith www.x.example"]
    with torch.no_grad():
        for name in ("grams", "entry", "shapes", "lists"):  # as the grid has them; layers round themselves
            weight = getattr(net, name).weight
            bits, _ = grid_of(name)
            weight.copy_(torch.round(weight * 2.0**bits) / 2.0**bits)
        for bias in (*(layer.bias for layer in net.near), net.exit.bias):
            bias.copy_(torch.round(bias * 2.0**SUM_BITS) / 2.0**SUM_BITS)
    tagger = Tagger(net.grid(), LEXICON)
    for text in texts:
        *inputs, _ = _tensors([as_example(Labelled(text, []), LEXICON.knows)], {}, 64)
        with torch.no_grad():
            trained = net(*inputs, 0.0).numpy()[APART:-APART]
        runs = tagger.logits([text])[REACH:-REACH]
        assert np.abs(trained - runs).max() < 0.05  # the words' sums are rounded once more


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
        save_tagger(random_grid(), LEXICON, tmp_path / name)
    assert load_tagger(tmp_path / "one").spans(TEXTS, 0.0) == random_tagger().spans(TEXTS, 0.0)
    for file in ("tagger.safetensors", "tagger.json", "lexicon.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_damaged_or_foreign_tagger_is_refused(tmp_path):
    save_tagger(random_grid(), LEXICON, tmp_path)
    config = (tmp_path / "tagger.json").read_text()
    (tmp_path / "tagger.json").write_text(config.replace('"layer_bits": 7', '"layer_bits": 3'))
    with pytest.raises(BadInput, match="made for other code"):
        load_tagger(tmp_path)
    (tmp_path / "tagger.safetensors").write_bytes(b"no tensors")
    with pytest.raises(BadInput, match="not a tagger"):
        load_tagger(tmp_path)
