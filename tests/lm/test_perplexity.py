"""Perplexity: counted by hand on a model that knows nothing, and the same however it is batched."""

import math

import pytest
import torch

from pipeline.lm.average import share_weights
from pipeline.lm.load import load_model, load_tokenizer
from pipeline.lm.perplexity import Score, cut, score_texts, total
from tests import tiny


def test_windows_predict_every_token_but_the_first_once():
    windows = cut(list(range(10)), 4)
    assert windows == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]


def test_a_lone_token_is_a_window_with_nothing_to_predict():
    assert cut([7], 4) == [[7]]


def test_a_model_of_zeros_is_as_perplexed_as_its_vocabulary_is_large(tmp_path):
    base = tiny.write_base(tmp_path / "base")
    model, tokenizer = load_model(base), load_tokenizer(base)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    score = total(score_texts(model, tokenizer, tiny.TEXTS[:5], 16, 4, "zeros"))
    assert score.perplexity == pytest.approx(len(tokenizer), rel=1e-5)
    assert score.bits_per_byte == pytest.approx(score.num_tokens * math.log2(len(tokenizer)) / score.num_bytes)


def test_batching_does_not_change_a_score(tmp_path):
    base = tiny.write_base(tmp_path / "base")
    model, tokenizer = load_model(base), load_tokenizer(base)
    one, many = (score_texts(model, tokenizer, tiny.TEXTS, 32, rows, "x") for rows in (1, 16))
    assert [score.nats for score in one] == pytest.approx([score.nats for score in many], rel=1e-5)


def test_fewer_longer_tokens_win_by_bits_per_byte_though_each_is_harder():
    # 100 bytes as 50 easy tokens (2 nats each) or as 20 hard ones (4 nats each)
    short, long = Score(100.0, 50, 100), Score(80.0, 20, 100)
    assert short.perplexity < long.perplexity
    assert short.bits_per_byte > long.bits_per_byte == pytest.approx(80 / math.log(2) / 100)


def test_scores_add_up():
    assert total([Score(2.0, 3, 10), Score(4.0, 1, 6)]) == Score(6.0, 4, 16)


def test_shared_weights_lie_between_and_no_share_changes_no_bit(tmp_path):
    one, other = (load_model(tiny.write_base(tmp_path / str(seed), seed=seed)) for seed in (0, 1))
    weight = one.get_parameter("model.layers.0.mlp.up_proj.weight")
    away = other.get_parameter("model.layers.0.mlp.up_proj.weight")
    before = weight.clone()
    share_weights(one, other, 0.0)
    assert torch.equal(weight, before)
    share_weights(one, other, 0.25)
    assert torch.allclose(weight, 0.75 * before + 0.25 * away)
