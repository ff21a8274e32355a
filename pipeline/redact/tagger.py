"""The tagger: hashed n-grams, three dilated convolutions, one label a word; exact arithmetic.

Weights are multiples of 2**-WEIGHT_BITS, activations multiples of 2**-ACTIVATION_BITS, both bounded,
and everything is computed in float64. Then no product and no sum is ever rounded (the bound is worked
out below), so the order of a sum does not show: batch size, neighbours in a batch, thread count and
instruction set cannot change a decision. Only ReLU is used, because tanh and exp are not exact.

    largest sum = 3 * width * 2**(WEIGHT_TOP + ACTIVATION_TOP) <= 2**(9 + 3 + 6) = 2**18 (width <= 128)
    smallest step = 2**-(WEIGHT_BITS + ACTIVATION_BITS) = 2**-20;  18 + 20 = 38 < 53 bits

Texts lie one behind another on a tape, REACH empty places between two, which is as far as the
convolutions see: no padding to a common length.

Shapes: L places on the tape, W different words, C width, D embedding, K labels.
"""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from pipeline.redact.words import NUM_SHAPES, Word, cut, grams
from pipeline.schema.errors import BadInput

DILATIONS = (1, 2, 4)
REACH = sum(DILATIONS)
TYPES = ("PERSON", "ADDRESS", "DATE_OF_BIRTH", "PARAPHRASE", "IDENTIFIER", "USERNAME")
LABELS = ("O", *(f"{mark}-{kind}" for kind in TYPES for mark in "BI"))
WEIGHT_BITS, WEIGHT_TOP = 12, 3
ACTIVATION_BITS, ACTIVATION_TOP = 8, 6
MAX_KNOWN = 200_000
"""Word vectors kept between batches (about 200 MB); a vocabulary beyond it starts afresh."""
TAPE = 8192
"""Places on one tape. It bounds memory and, by exactness, changes nothing else."""
OUTER_MARKS = ' \t\n.,;:!?|*_"“”'
"""Never the first or last character of a span."""

Floats = NDArray[np.float64]


class Span(NamedTuple):
    """A find of the tagger, in characters of its text."""

    start: int
    end: int
    kind: str
    score: float
    """0.5 .. 1: sigmoid of the smallest lead over "nothing" among its words."""


class Tagger:
    """Weights in exact form, and the vectors of words met so far."""

    def __init__(self, weights: dict[str, Floats]) -> None:
        self.weights = weights
        self.buckets = weights["grams"].shape[0]
        self._forget()

    def spans(self, texts: Sequence[str], nothing_bias: float) -> list[list[Span]]:
        """Finds in each text, in order, never overlapping.

        Args:
            nothing_bias: taken from the score of "nothing" before deciding; more gives more recall.
        """
        cuts = [cut(text) for text in texts]
        found: list[list[Span]] = []
        for group in _tapes(cuts):
            logits_LK = self._logits([cuts[index] for index in group])
            logits_LK[:, 0] -= nothing_bias
            at = REACH
            for index in group:
                count = len(cuts[index])
                found.append(_decode(texts[index], cuts[index], logits_LK[at : at + count]))
                at += count + REACH
        return found

    def _logits(self, cuts: list[list[Word]]) -> Floats:
        """(L, K) for one tape."""
        places, shapes = [0] * REACH, [0] * REACH
        self._learn(word.text for words in cuts for word in words)
        for words in cuts:
            places += [self._places[word.text] for word in words] + [0] * REACH
            shapes += [word.shape for word in words] + [0] * REACH
        shapes_L = np.array(shapes)
        weights, used_L1 = self.weights, (shapes_L > 0)[:, None]
        hidden_LC = exact(self._vectors[places] + weights["shapes"][shapes_L]) * used_L1
        for layer, dilation in enumerate(DILATIONS):
            near_L3C = np.concatenate([shifted(hidden_LC, dilation), hidden_LC, shifted(hidden_LC, -dilation)], axis=1)
            hidden_LC = (
                exact(hidden_LC + exact(near_L3C @ weights[f"near.{layer}"] + weights[f"bias.{layer}"])) * used_L1
            )
        logits_LK: Floats = hidden_LC @ weights["exit"] + weights["exit_bias"]
        return logits_LK

    def _forget(self) -> None:
        """Place 0 is no word: it stands between texts."""
        self._places: dict[str, int] = {"": 0}
        self._vectors = np.zeros((1, self.weights["entry"].shape[1]))

    def _learn(self, words: Iterable[str]) -> None:
        """Vectors of the words not met yet; sums of exact numbers, so the order of meeting is free."""
        if len(self._places) > MAX_KNOWN:
            self._forget()
        new = [word for word in dict.fromkeys(words) if word not in self._places]
        if not new:
            return
        sums_WD = np.stack([bounded(self.weights["grams"][grams(word, self.buckets)].sum(axis=0)) for word in new])
        for place, word in enumerate(new, start=len(self._places)):
            self._places[word] = place
        self._vectors = np.concatenate([self._vectors, sums_WD @ self.weights["entry"]])


def exact(values: Floats) -> Floats:
    """ReLU, bounded, on the grid of activations."""
    step, top = 2.0**ACTIVATION_BITS, 2.0**ACTIVATION_TOP
    rounded: Floats = np.rint(np.clip(values, 0.0, top) * step) / step
    return rounded


def bounded(values: Floats) -> Floats:
    """On the grid of activations, both signs."""
    step, top = 2.0**ACTIVATION_BITS, 2.0**ACTIVATION_TOP
    rounded: Floats = np.rint(np.clip(values, -top, top) * step) / step
    return rounded


def on_grid(weights: Floats) -> NDArray[np.int16]:
    """Weights as whole multiples of 2**-WEIGHT_BITS, the form in which they are saved."""
    top = 2.0**WEIGHT_TOP
    return np.rint(np.clip(weights, -top, top - 2.0**-WEIGHT_BITS) * 2.0**WEIGHT_BITS).astype(np.int16)


def shifted(values_LC: Floats, places: int) -> Floats:
    """Row i holds what was in row i - places; zeros come in."""
    moved = np.zeros_like(values_LC)
    if places > 0:
        moved[places:] = values_LC[:-places]
    else:
        moved[:places] = values_LC[-places:]
    return moved


def save_tagger(grid: dict[str, NDArray[np.int16]], folder: Path) -> None:
    """`tagger.safetensors` and `tagger.json` into an existing folder."""
    tensors = {name: np.ascontiguousarray(grid[name]) for name in sorted(grid)}
    (folder / "tagger.safetensors").write_bytes(save(tensors))  # `save_file` would make it mode 0600
    config = {
        "labels": list(LABELS),
        "dilations": list(DILATIONS),
        "weight_bits": WEIGHT_BITS,
        "activation_bits": ACTIVATION_BITS,
        "num_shapes": NUM_SHAPES,
    }
    (folder / "tagger.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load_tagger(folder: Path) -> Tagger:
    """The tagger in `folder`.

    Raises:
        BadInput: a file is missing or damaged, or was written for other labels or another arithmetic.
    """
    try:
        config = json.loads((folder / "tagger.json").read_text(encoding="utf-8"))
        grid = load_file(folder / "tagger.safetensors")
    except Exception as err:  # safetensors raises its own error, which is not an OSError
        raise BadInput(str(folder), f"not a tagger ({err})", do="run the stage pii_model") from err
    ours = (list(LABELS), list(DILATIONS), WEIGHT_BITS, ACTIVATION_BITS, NUM_SHAPES)
    theirs = tuple(config.get(name) for name in ("labels", "dilations", "weight_bits", "activation_bits", "num_shapes"))
    if theirs != ours:
        raise BadInput(
            str(folder),
            "the tagger was made for other code",
            wanted=str(ours),
            got=str(theirs),
            do="run the stage pii_model again",
        )
    return Tagger({name: values.astype(np.float64) * 2.0**-WEIGHT_BITS for name, values in grid.items()})


def _tapes(cuts: list[list[Word]]) -> Iterable[list[int]]:
    """Neighbouring texts gathered until a tape is full; a longer text has a tape of its own."""
    group: list[int] = []
    filled = 0
    for index, words in enumerate(cuts):
        if group and filled + len(words) > TAPE:
            yield group
            group, filled = [], 0
        group.append(index)
        filled += len(words) + REACH
    if group:
        yield group


def _decode(text: str, words: list[Word], logits_TK: Floats) -> list[Span]:
    """Runs of words of one type; a B label, or another type, starts a new run."""
    best_T = logits_TK.argmax(axis=1)
    runs: list[list[int]] = []
    kinds: list[int] = []
    for place in np.flatnonzero(best_T).tolist():
        label = int(best_T[place])
        kind = (label - 1) // 2
        goes_on = runs and runs[-1][-1] == place - 1 and kinds[-1] == kind and label % 2 == 0
        if goes_on:
            runs[-1].append(place)
        else:
            runs.append([place])
            kinds.append(kind)
    leads_T = logits_TK.max(axis=1) - logits_TK[:, 0]
    found = [
        _span(text, words[run[0]].start, words[run[-1]].end, TYPES[kind], float(leads_T[run].min()))
        for run, kind in zip(runs, kinds, strict=True)
    ]
    return [span for span in found if any(letter.isalnum() for letter in text[span.start : span.end])]


def _span(text: str, start: int, end: int, kind: str, lead: float) -> Span:
    while start < end and text[start] in OUTER_MARKS:
        start += 1
    while start < end and text[end - 1] in OUTER_MARKS:
        end -= 1
    return Span(start, end, kind, round(1 / (1 + math.exp(-lead)), 3))
