"""Train the tagger: the arithmetic of `tagger.py` in float32 with gradients, rounding included.

Weights and activations are rounded to their grids in every step, and the gradient passes as if they
were not (straight-through, Bengio et al. 2013, arXiv:1308.3432): what is trained is what will run.

Shapes as in `tagger.py`: L places on a tape, W different words, C width, D embedding, K labels.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.redact.generate import Labelled
from pipeline.redact.layers import ACTIVATION_BITS, ACTIVATION_MAX, DILATIONS
from pipeline.redact.lexicon import NUM_KNOWN
from pipeline.redact.tagger import LABELS, TYPES, Grid, grid_of, on_grid
from pipeline.redact.words import NUM_SHAPES, cut, grams, shape
from pipeline.stage.progress import progress

APART = sum(DILATIONS)
"""Empty places between two texts of a training tape; more than `tagger.REACH` only costs time."""
NOTHING = -100
"""Label of places between texts; `cross_entropy` leaves it out."""


class Example(NamedTuple):
    """A text as the trainer sees it: T words."""

    words: list[str]
    shapes: list[int]
    known: list[int]
    """What a lexicon knows of each word."""
    labels: list[int]


class Net(nn.Module):
    """`tagger.Tagger` with gradients; names of weights are the same."""

    def __init__(self, buckets: int, embedding: int, width: int) -> None:
        super().__init__()
        self.grams = nn.EmbeddingBag(buckets, embedding, mode="sum")
        self.entry = nn.Linear(embedding, width, bias=False)
        self.shapes = nn.Embedding(NUM_SHAPES, width)
        self.lists = nn.Embedding(NUM_KNOWN, width)
        self.near = nn.ModuleList(nn.Linear(3 * width, width) for _ in DILATIONS)
        self.exit = nn.Linear(width, len(LABELS))
        nn.init.normal_(self.grams.weight, std=0.1)

    def forward(
        self, grams_G: Tensor, offsets_W: Tensor, words_L: Tensor, shapes_L: Tensor, known_L: Tensor, drop: float
    ) -> Tensor:
        """(L, K) logits. `drop`: share of hidden values set to zero, the rest scaled up."""
        used_L1 = (shapes_L > 0).unsqueeze(1)
        vectors_WC = self.entry(self.grams(grams_G, offsets_W))
        hidden_LC = _kept(vectors_WC[words_L] + self.shapes(shapes_L) + self.lists(known_L), drop) * used_L1
        for number, dilation in enumerate(DILATIONS):
            layer = self.near[number]
            assert isinstance(layer, nn.Linear)
            near_L3C = torch.cat([_shifted(hidden_LC, dilation), hidden_LC, _shifted(hidden_LC, -dilation)], dim=1)
            near_LC = nn.functional.linear(near_L3C, _gridded(layer.weight, "near"), layer.bias)
            hidden_LC = _kept(hidden_LC + torch.relu(near_LC), drop) * used_L1
        return nn.functional.linear(hidden_LC, _gridded(self.exit.weight, "exit"), self.exit.bias)

    def grid(self) -> Grid:
        """The weights as `tagger.save_tagger` takes them."""
        named: dict[str, Any] = {
            "grams": self.grams.weight,
            "entry": self.entry.weight.T,
            "shapes": self.shapes.weight,
            "lists": self.lists.weight,
            "exit": self.exit.weight.T,
            "exit_bias": self.exit.bias,
        }
        for number in range(len(DILATIONS)):
            layer = self.near[number]
            assert isinstance(layer, nn.Linear)
            named |= {f"near.{number}": layer.weight.T, f"bias.{number}": layer.bias}
        return {name: on_grid(weight.detach().double().numpy(), *grid_of(name)) for name, weight in named.items()}


def as_example(labelled: Labelled, knows: Callable[[str], int]) -> Example:
    """Words with BIO labels; a word belongs to a span that holds its first character.

    Args:
        knows: what the lexicon knows of a word; called for every word, so worth a cache.
    """
    words = cut(labelled.text)
    labels = [0] * len(words.texts)
    for start, end, kind in labelled.spans:
        first, behind = np.searchsorted(words.starts, [start, end])
        label = 1 + 2 * TYPES.index(kind)
        labels[first:behind] = [label + (place != first) for place in range(first, behind)]
    return Example(
        words.texts,
        [shape(word, gap) for word, gap in zip(words.texts, words.gaps, strict=True)],
        [knows(word) for word in words.texts],
        labels,
    )


def train(
    examples: Sequence[Example],
    *,
    seed: int,
    epochs: int,
    tape: int,
    learning_rate: float,
    drop: float,
    buckets: int,
    embedding: int,
    width: int,
) -> Net:
    """A trained net. Every epoch sees every example once, in another order; the rate falls to zero."""
    torch.manual_seed(seed)
    # every place of every output is written; filling it first costs a fifth of the run
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    net = Net(buckets, embedding, width)
    optimiser = torch.optim.AdamW(net.parameters(), lr=learning_rate, weight_decay=0.01)
    tapes = [tape_ for epoch in range(epochs) for tape_ in _tapes(examples, f"{seed}/{epoch}", tape)]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=len(tapes), pct_start=0.1)
    known: dict[str, list[int]] = {}
    for batch in progress(tapes, "train the tagger"):
        *inputs, labels_L = _tensors([examples[index] for index in batch], known, buckets)
        loss = nn.functional.cross_entropy(net(*inputs, drop), labels_L, ignore_index=NOTHING)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return net


def _tapes(examples: Sequence[Example], seed: str, tape: int) -> Iterator[list[int]]:
    order = list(range(len(examples)))
    random.Random(seed).shuffle(order)  # noqa: S311  # reproducible draws
    batch: list[int] = []
    filled = 0
    for index in order:
        batch.append(index)
        filled += len(examples[index].words) + APART
        if filled >= tape:
            yield batch
            batch, filled = [], 0


def _tensors(batch: list[Example], known: dict[str, list[int]], buckets: int) -> tuple[Tensor, ...]:
    """(grams_G, offsets_W, words_L, shapes_L, labels_L); word 0 is the padding, without n-grams."""
    places: dict[str, int] = {"": 0}
    words, shapes, known_, labels = [0] * APART, [0] * APART, [0] * APART, [NOTHING] * APART
    for example in batch:
        words += [places.setdefault(word, len(places)) for word in example.words] + [0] * APART
        shapes += example.shapes + [0] * APART
        known_ += example.known + [0] * APART
        labels += example.labels + [NOTHING] * APART
    bags = [_grams(word, known, buckets) if word else [] for word in places]
    offsets = np.cumsum([0] + [len(bag) for bag in bags[:-1]])
    return (
        torch.tensor([gram for bag in bags for gram in bag]),
        torch.tensor(offsets),
        torch.tensor(words),
        torch.tensor(shapes),
        torch.tensor(known_),
        torch.tensor(labels),
    )


def _grams(word: str, known: dict[str, list[int]], buckets: int) -> list[int]:
    if word not in known:
        known[word] = grams(word, buckets)
    return known[word]


def _kept(values: Tensor, drop: float) -> Tensor:
    step = 2.0**-ACTIVATION_BITS
    clipped = torch.clamp(values, 0.0, ACTIVATION_MAX * step)
    rounded = clipped + (torch.round(clipped / step) * step - clipped).detach()
    return nn.functional.dropout(rounded, drop) if drop else rounded


def _gridded(weights: Tensor, name: str) -> Tensor:
    bits, top = grid_of(name)
    rounded = torch.clamp(torch.round(weights.detach() * 2.0**bits), -top, top) * 2.0**-bits
    return weights + (rounded - weights).detach()


def _shifted(values_LC: Tensor, places: int) -> Tensor:
    if places > 0:
        return nn.functional.pad(values_LC[:-places], (0, 0, places, 0))
    return nn.functional.pad(values_LC[-places:], (0, 0, 0, -places))
