"""Small language models trained side by side: one batched model stands for many.

Each is a feed-forward model of the next token (Bengio et al. 2003, jmlr.org/papers/v3/bengio03a.html):
embeddings of the tokens before, one hidden layer, a softmax. It learns by gradient like the model it
stands for, so it prices what a share of the training text is worth, and it costs a second.

Shape letters: M models, B positions of a batch, C tokens of context, E embedding, H hidden,
V vocabulary, N draws of a model, T positions of a text, D documents.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.schema.mixture import Proxy

I64 = NDArray[np.int64]
Floats = NDArray[np.float64]
First = dict[str, torch.Tensor]
"""Weights of one model, by name."""

WARMUP = 0.05
"""Share of the steps in which the rate rises to its peak."""
SCORED_AT_ONCE = 512
"""Positions of each model; bounds the memory of a measurement."""


class Windows(NamedTuple):
    """Tokenised documents end to end, each position with the tokens before it."""

    contexts: I64
    """Nearest token last; `vocab_size` stands for "before the start of the document"."""
    targets: I64
    document: I64
    """Index of the document a position belongs to."""


def windows(documents: Sequence[Sequence[int]], context: int, vocab_size: int) -> Windows:
    """Every position of every document; no context reaches over the start of a document."""
    padded = [np.concatenate([np.full(context, vocab_size), np.asarray(ids, np.int64)]) for ids in documents]
    views = [np.lib.stride_tricks.sliding_window_view(ids, context + 1) for ids in padded]
    both = np.concatenate([np.empty((0, context + 1), np.int64), *views])
    return Windows(both[:, :-1].copy(), both[:, -1].copy(),
                   np.repeat(np.arange(len(documents)), [len(ids) for ids in documents]))


def first_weights(shape: Proxy, vocab_size: int, seed: int) -> First:
    """Freshly drawn weights of one model, scaled by the fan-in."""
    draw = torch.Generator().manual_seed(seed)
    inputs = shape.context * shape.embedding

    def normal(*size: int, scale: float) -> torch.Tensor:
        return torch.randn(*size, generator=draw) * scale

    return {"table": normal(vocab_size + 1, shape.embedding, scale=0.3),
            "hidden": normal(inputs, shape.hidden, scale=inputs ** -0.5), "hidden_bias": torch.zeros(1, shape.hidden),
            "output": normal(shape.hidden, vocab_size, scale=shape.hidden ** -0.5),
            "output_bias": torch.zeros(1, vocab_size)}


class Proxies(torch.nn.Module):
    """M models with the same first weights; no arithmetic of one touches another."""

    def __init__(self, first: First, count: int) -> None:
        super().__init__()
        for name, weight in first.items():
            self.register_parameter(name, torch.nn.Parameter(weight.expand(count, *weight.shape).clone()))
        self.count, self.rows = count, len(first["table"])

    def forward(self, contexts_MBC: torch.Tensor) -> torch.Tensor:
        """(M, B, V) logits."""
        place = torch.arange(self.count)[:, None, None] * self.rows
        table = self.get_parameter("table").flatten(0, 1)
        inputs = torch.nn.functional.embedding(contexts_MBC + place, table).flatten(2)
        hidden = torch.tanh(torch.baddbmm(self.get_parameter("hidden_bias"), inputs, self.get_parameter("hidden")))
        return torch.baddbmm(self.get_parameter("output_bias"), hidden, self.get_parameter("output"))

    def one(self, number: int) -> First:
        """Weights of one of the models."""
        return {name: weight.detach()[number].clone() for name, weight in self.named_parameters()}


def trained(first: First, text: Windows, draws_MN: I64, shape: Proxy) -> Proxies:
    """M models, each trained on its own draws of positions of `text`, in their order."""
    models = Proxies(first, len(draws_MN))
    optimizer = torch.optim.AdamW(models.parameters(), lr=shape.learning_rate, weight_decay=0.0, fused=True)
    steps = max(1, draws_MN.shape[1] // shape.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    contexts, targets = torch.from_numpy(text.contexts), torch.from_numpy(text.targets)
    for step in range(steps):
        picks = torch.from_numpy(draws_MN[:, step * shape.batch:(step + 1) * shape.batch])
        logits = models(contexts[picks])
        # the mean of each model, summed: a model's gradient does not depend on how many stand beside it
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets[picks].flatten(), reduction="sum")
        optimizer.zero_grad()
        (loss / picks.shape[1]).backward()
        optimizer.step()
        schedule.step()
    return models


@torch.no_grad()
def document_nats(models: Proxies, text: Windows, num_documents: int) -> Floats:
    """(M, D) log-loss of each document under each model, summed over its tokens, in nats."""
    parts = []
    for start in range(0, len(text.targets), SCORED_AT_ONCE):
        contexts = torch.from_numpy(text.contexts[start:start + SCORED_AT_ONCE])
        targets = torch.from_numpy(text.targets[start:start + SCORED_AT_ONCE])
        logits = models(contexts.expand(models.count, *contexts.shape))
        losses = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), targets.repeat(models.count), reduction="none")
        parts.append(losses.double().view(models.count, -1).numpy())
    losses_MT = np.concatenate([np.empty((models.count, 0)), *parts], axis=1)
    return np.stack([np.bincount(text.document, row, num_documents) for row in losses_MT])


def mixed_draws(shares_S: Floats, positions: Sequence[I64], count: int, seed: int) -> I64:
    """`count` positions, a source with its share; within a source without return until all are drawn.

    Equal seeds draw alike: two mixtures that differ a little share most of their draws, so that their
    difference is that of the mixtures and not of the luck.

    Args:
        positions: of each source, all of its positions in the text.
    """
    chance = np.random.default_rng(seed)
    bounds = np.cumsum(shares_S / shares_S.sum())
    picked = np.minimum(np.searchsorted(bounds, chance.random(count), side="right"), len(positions) - 1)
    drawn = np.empty(count, np.int64)
    for source, own in enumerate(positions):
        order = np.random.default_rng([seed, source]).permutation(own)
        places = np.flatnonzero(picked == source)
        drawn[places] = order[np.arange(len(places)) % max(1, len(order))] if len(places) else 0
    return drawn


def _rate(step: int, steps: int) -> float:
    """Share of the peak: up over the warm-up, then down to 0."""
    rise = max(1, round(WARMUP * steps))
    return min((step + 1) / rise, (steps - step) / max(1, steps - rise))
