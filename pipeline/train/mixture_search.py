"""Search source weights on held-out loss with small proxies.

The loss of a model as a function of what it is trained on is close to a power law in each source's
share: near a mixture, loss = const - sum_j B_j log(share_j). Under a fixed budget its lowest point is
share_j = B_j / sum(B) (Lagrange). A round estimates the B_j and moves there:

1. proxies are trained on mixtures that draw each source `perturbation` times more or less often, in
   the pattern of a Hadamard matrix, so that each effect is measured by all of them at once
   (Plackett and Burman 1946, doi:10.1093/biomet/33.4.305);
2. sum(B) is what the loss gains from more of the same text: proxies trained on half of the draws;
3. drawing a source `perturbation` times more often under a fixed budget leaves less for all; that part is
   known (sum(B) times the log of the scale), what remains of the effect is -B_j log(perturbation);
4. the next share_j is B_j / sum(B), kept between the bounds of the weights.

The power law is a local law, so the search begins at the better of two mixes that need none: the unweighted
one and an even one. Both and the candidates of all rounds are trained with several seeds each, and judged by
`pipeline.evals.mixtures`.

Near kin: RegMix fits a regression to many proxies (Liu et al. 2024, arXiv:2407.01492), data mixing
laws fit exp(shares) (Ye et al. 2024, arXiv:2403.16952), DoReMi weighs up the source with the largest
excess loss, a worst-case aim (Xie et al. 2023, arXiv:2305.10429). Here the aim is a mean that params name.

Shape letters: S sources, R runs (proxies), D documents.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard

from pipeline.schema.mixture import Mixture
from pipeline.train.proxies import I64, First, Windows, document_nats, mixed_draws, trained

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

REFERENCE = "proportional"
"""The unweighted mix: every document as often as every other."""
UNBOUNDED = "even"
"""Shown to compare with; its weights keep no bounds, so it is never proposed."""
BOUNDED = "even_bounded"
"""As even as the bounds of the weights allow."""
MAX_LEAP = 2.5
"""Most a source's share grows or shrinks in one round: the power law is a local law."""
LEAST_GAIN = 1e-6
"""Stands in for sum(B) where more text gains nothing; `MAX_LEAP` then sets the size of the step."""


class Measured(NamedTuple):
    """Documents that losses are measured on."""

    text: Windows
    source: I64
    """(D,) index of each document's source."""

    @property
    def tokens(self) -> I64:
        """Predicted tokens of each document."""
        return np.bincount(self.text.document, minlength=len(self.source))


class Scene(NamedTuple):
    """What the proxies see: the lake to scale."""

    sources: list[str]
    shares: Floats
    """Of the characters that may be trained on; sum 1."""
    tuned: Bools
    """Sources with enough documents to measure on; the others keep weight 1."""
    value: Floats
    """How much a source's loss counts; sum 1, 0 for a source that is not tuned."""
    train: Windows
    positions: list[I64]
    """Of each source: its positions in `train`."""
    validation: Measured
    heldout: Measured
    """Measured at the end, for the report; no choice looks at it."""
    first: First
    """Weights every proxy starts from."""


class Tried(NamedTuple):
    """One mixture and what the proxies trained on it lost."""

    name: str
    weights: Floats
    nats: Floats
    """Validation documents; a row a seed."""
    heldout: Floats
    """Held-out documents; no row where they were not measured."""


def search(scene: Scene, params: Mixture) -> tuple[list[Tried], list[Tried]]:
    """(candidates, probes): the candidates with all seeds, and every proxy that led to them.

    The candidates are those `without_search` and one for each round; `proportional` alone
    where fewer than two sources can be tuned, or the target counts none of them.
    """
    if scene.tuned.sum() < 2 or not scene.value.any():
        return compare(scene, {REFERENCE: np.ones(len(scene.sources))}, params), []
    low, high = bounds_of(scene, params)
    known = compare(scene, without_search(scene, low, high), params)
    weights_S = start_of(scene, known)
    probes, found = [], {}
    for number in range(1, params.rounds + 1):
        runs = probe(scene, weights_S, params, number)
        losses_R = np.array([target_loss(scene, scene.validation, run.nats[0]) for run in runs])
        gain = gain_of_more(scene, weights_S, params, number)
        wished_S = next_shares(scene, weights_S, losses_R, params.perturbation, gain)
        weights_S = bounded(wished_S, scene.shares, low, high)
        probes += runs
        found[f"round_{number}"] = weights_S
    return [*known, *compare(scene, found, params)], probes


def bounds_of(scene: Scene, params: Mixture) -> tuple[Floats, Floats]:
    """Lowest and highest weight of each source; 1 and 1 where it is not tuned."""
    return (np.where(scene.tuned, params.min_weight, 1.0),
            np.where(scene.tuned, params.max_passes / params.passes, 1.0))


def without_search(scene: Scene, low: Floats, high: Floats) -> dict[str, Floats]:
    """The mixtures that need no search, by name; `UNBOUNDED` keeps no bounds."""
    even = even_shares(scene)
    return {REFERENCE: np.ones(len(scene.sources)), UNBOUNDED: even / scene.shares,
            BOUNDED: bounded(even, scene.shares, low, high)}


def start_of(scene: Scene, known: Sequence[Tried]) -> Floats:
    """Weights of the best of the known mixtures that keep the bounds."""
    return min((each for each in known if each.name != UNBOUNDED),
               key=lambda each: mean_loss(scene, scene.validation, each.nats)).weights


def even_shares(scene: Scene) -> Floats:
    """The tuned sources alike; the others as they are."""
    tuned = scene.tuned
    return np.where(tuned, scene.shares[tuned].sum() / max(1, tuned.sum()), scene.shares)


def bounded(wished_S: Floats, shares_S: Floats, low_S: Floats, high_S: Floats) -> Floats:
    """Weights whose shares are proportional to `wished_S` as far as the bounds allow; they add up to the budget.

    weight = clip(scale * wished / share): its sum grows with the scale, so halving finds it.
    """
    small, large = 0.0, 1.0
    while _spent(large, wished_S, shares_S, low_S, high_S) < 1 and large < 1e12:
        large *= 2
    for _ in range(100):
        middle = (small + large) / 2
        if _spent(middle, wished_S, shares_S, low_S, high_S) < 1:
            small = middle
        else:
            large = middle
    return np.clip(large * wished_S / shares_S, low_S, high_S)


def _spent(scale: float, wished_S: Floats, shares_S: Floats, low_S: Floats, high_S: Floats) -> float:
    return float((shares_S * np.clip(scale * wished_S / shares_S, low_S, high_S)).sum())


def pattern(count: int) -> Floats:
    """(R, count) of +1 and -1: columns are orthogonal to each other and to a column of ones."""
    runs = 1 << max(2, math.ceil(math.log2(count + 1)))
    return np.asarray(hadamard(runs)[:, 1:count + 1], np.float64)


def probe(scene: Scene, weights_S: Floats, params: Mixture, number: int) -> list[Tried]:
    """The proxies of a round, around `weights_S`."""
    tuned = pattern(int(scene.tuned.sum()))
    signs = np.zeros((len(tuned), len(scene.sources)))
    signs[:, scene.tuned] = tuned
    mixtures = [normalised(weights_S * params.perturbation ** row, scene) for row in signs]
    seeds = [params.seed + number] * len(mixtures)
    nats = run_proxies(scene, mixtures, seeds, params, 1.0, [scene.validation])
    return [Tried(f"probe_{number}_{run}", mixture, row[None], np.empty((0, 0)))
            for run, (mixture, (row,)) in enumerate(zip(mixtures, nats, strict=True))]


def normalised(weights_S: Floats, scene: Scene) -> Floats:
    """`weights_S` with the tuned sources scaled so that all characters add up to the unweighted ones."""
    tuned, shares = scene.tuned, scene.shares
    scale = shares[tuned].sum() / (shares * weights_S)[tuned].sum()
    return np.where(tuned, weights_S * scale, weights_S)


def gain_of_more(scene: Scene, weights_S: Floats, params: Mixture, number: int) -> float:
    """sum(B): what the target loss falls by when the draws grow e-fold, from proxies with half of them."""
    seeds = [params.seed + number + 1000 * seed for seed in range(params.seeds)]
    half, full = (np.mean([target_loss(scene, scene.validation, row) for (row,) in run_proxies(
        scene, [weights_S] * params.seeds, seeds, params, share, [scene.validation])]) for share in (0.5, 1.0))
    return max(float(half - full) / math.log(2), LEAST_GAIN)


def next_shares(scene: Scene, weights_S: Floats, losses_R: Floats, perturbation: float, gain: float) -> Floats:
    """Where the power law has its lowest point, for each source at most `MAX_LEAP` times away.

    Args:
        losses_R: target losses of the proxies of a round, in the order of `pattern`.
    """
    shares, tuned = scene.shares * weights_S, scene.tuned
    moves = pattern(int(tuned.sum())) * math.log(perturbation)
    own = shares[tuned] / shares[tuned].sum()
    # a run's shares are own * exp(move) / scale: with the scale's part taken off, the columns stand alone
    scales_R = np.log(np.exp(moves) @ own)
    powers = -(losses_R - gain * scales_R) @ moves / (moves[:, 0] @ moves[:, 0])
    wished = shares.copy()
    wished[tuned] = shares[tuned].sum() * np.clip(powers / gain, own / MAX_LEAP, own * MAX_LEAP)
    return wished


def compare(scene: Scene, mixtures: Mapping[str, Floats], params: Mixture) -> list[Tried]:
    """Every mixture with every seed; equal seeds share first weights and luck of the draw."""
    jobs = [(name, seed) for name in mixtures for seed in range(params.seeds)]
    nats = run_proxies(scene, [mixtures[name] for name, _ in jobs], [params.seed + 5000 + seed for _, seed in jobs],
                       params, 1.0, [scene.validation, scene.heldout])
    rows = dict(zip(jobs, nats, strict=True))
    return [Tried(name, weights, *(np.stack([rows[name, seed][part] for seed in range(params.seeds)])
                                   for part in (0, 1)))
            for name, weights in mixtures.items()]


def run_proxies(scene: Scene, mixtures: Sequence[Floats], seeds: Sequence[int], params: Mixture, share: float,
                measured: Sequence[Measured]) -> list[list[Floats]]:
    """For each mixture: the nats of the documents of each of `measured`.

    Args:
        share: of the draws that the passes ask for.
    """
    count = max(params.proxy.batch, round(params.passes * share * len(scene.train.targets)))
    found: list[list[Floats]] = []
    for start in range(0, len(mixtures), params.side_by_side):
        draws = np.stack([mixed_draws(scene.shares * weights, scene.positions, count, seed) for weights, seed
                          in zip(mixtures[start:start + params.side_by_side], seeds[start:], strict=False)])
        models = trained(scene.first, scene.train, draws, params.proxy)
        parts = [document_nats(models, each.text, len(each.source)) for each in measured]
        found += [[part[model] for part in parts] for model in range(len(draws))]
    return found


def source_losses(scene: Scene, measured: Measured, nats_D: Floats) -> Floats:
    """(S,) nats per token of each source's documents; 0 where there is none."""
    count = len(scene.sources)
    nats = np.bincount(measured.source, nats_D, count)
    tokens = np.bincount(measured.source, measured.tokens, count)
    return np.divide(nats, tokens, out=np.zeros(count), where=tokens > 0)


def values_in(scene: Scene, measured: Measured) -> Floats:
    """What each source's loss counts among those with two documents or more in `measured`; sum 1 or 0."""
    several = np.bincount(measured.source, minlength=len(scene.sources)) > 1
    counted = np.where(several, scene.value, 0.0)
    return counted / counted.sum() if counted.any() else counted


def target_loss(scene: Scene, measured: Measured, nats_D: Floats) -> float:
    """Nats per token, each source with its value; all mixtures share one tokenizer."""
    return float((values_in(scene, measured) * source_losses(scene, measured, nats_D)).sum())


def mean_loss(scene: Scene, measured: Measured, nats_RD: Floats) -> float:
    """Target loss, the mean over seeds, in nats per token."""
    return math.fsum(target_loss(scene, measured, row) for row in nats_RD) / len(nats_RD)
