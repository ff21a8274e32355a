"""Proxies side by side: none touches another, and draws follow the mixture."""

import numpy as np
import pytest
import torch

from pipeline.lm.determinism import configure
from pipeline.schema.mixture import Proxy
from pipeline.train.proxies import document_nats, first_weights, mixed_draws, trained, windows

SHAPE = Proxy(vocab_size=300, context=2, embedding=3, hidden=4, batch=8, learning_rate=0.05)
WORDS = 5
"""Tokens of the toy language."""
COUNTING = [[0, 1, 2, 3, 4] * 6, [4, 3, 2, 1, 0] * 6]
TEXT = windows(COUNTING, SHAPE.context, WORDS)


@pytest.fixture(autouse=True)
def _one_thread():
    configure(0, 1)


def train(draws, shape=SHAPE):
    return trained(first_weights(shape, WORDS, seed=1), TEXT, np.array(draws), shape)


def test_no_context_reaches_over_the_start_of_a_document_worked_by_hand():
    found = windows([[7, 8], [9]], 2, 99)
    assert found.contexts.tolist() == [[99, 99], [99, 7], [99, 99]]
    assert found.targets.tolist() == [7, 8, 9]
    assert found.document.tolist() == [0, 0, 1]


def test_a_model_does_not_depend_on_those_beside_it():
    up, down = np.tile(np.arange(30), 8), np.tile(np.arange(30, 60), 8)
    alone, beside = train([up]), train([up, down])
    nats = document_nats(beside, TEXT, 2)
    np.testing.assert_allclose(nats[0], document_nats(alone, TEXT, 2)[0], rtol=1e-4)
    assert nats[0, 0] < nats[1, 0]  # each knows what it was trained on
    assert nats[1, 1] < nats[0, 1]


def test_training_lowers_the_loss_below_that_of_guessing():
    nats = document_nats(train([np.tile(np.arange(60), 8)]), TEXT, 2)
    assert nats.sum() / 60 < 0.5 * np.log(WORDS)


def test_the_same_draws_give_the_same_bits():
    one, two = (document_nats(train([np.arange(60), np.arange(60)[::-1]]), TEXT, 2) for _ in range(2))
    assert one.tobytes() == two.tobytes()


def test_nothing_to_measure_is_no_loss():
    assert document_nats(train([np.arange(60)]), windows([], 2, WORDS), 0).shape == (1, 0)


def test_a_batched_model_is_the_model_it_says_it_is():
    models = train([np.arange(60)])
    weights = models.one(0)
    contexts = torch.from_numpy(TEXT.contexts[:4])
    inputs = weights["table"][contexts].flatten(1)
    by_hand = torch.tanh(inputs @ weights["hidden"] + weights["hidden_bias"]) @ weights["output"]
    torch.testing.assert_close(models(contexts[None])[0], by_hand + weights["output_bias"])


def test_draws_follow_the_shares_and_use_a_source_up_before_they_repeat():
    positions = [np.arange(10), np.arange(10, 40)]
    drawn = mixed_draws(np.array([0.25, 0.75]), positions, 40, seed=3)
    small = drawn[drawn < 10]
    assert 4 <= len(small) <= 16  # 40 draws with chance 1/4: standard deviation 2.7
    assert len(set(small[:10])) == len(small[:10])
    assert set(drawn) <= set(range(40))


def test_mixtures_that_differ_a_little_share_their_luck():
    positions = [np.arange(100), np.arange(100, 200)]
    one, two = (mixed_draws(np.array([share, 1 - share]), positions, 1000, seed=3) // 100 for share in (0.5, 0.52))
    assert (one != two).mean() < 0.04


def test_a_source_without_text_is_never_drawn_when_it_has_no_share():
    assert set(mixed_draws(np.array([0.0, 1.0]), [np.arange(0), np.arange(3)], 9, seed=1)) == {0, 1, 2}
