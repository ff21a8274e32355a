"""The tagger: hashed n-grams, three dilated convolutions, one label a word; exact arithmetic.

No product and no sum is ever rounded, so the order of a sum does not show, and batch size, neighbours in a
batch, thread count and instruction set cannot change a decision. Only ReLU is used, because tanh and exp are
not exact. Layers work on whole numbers of 8 bits (`layers`); what a word brings to them is worked out once, in
float64: |sum| <= 128 * 2**(WEIGHT_TOP + INPUT_TOP) = 2**16, in steps of 2**-(WORD_BITS + INPUT_BITS) = 2**-20;
16 + 20 = 36 < 53 bits. Rounded to inputs and added, |sum| <= 3 * 2**INPUT_TOP in steps of 2**-INPUT_BITS: a float32's.

Texts lie one behind another on a tape, REACH empty places between two: no padding to a common length. That
is as far as one convolution sees, and every layer empties those places again.

Shapes: L places on the tape, W words, C width, D embedding, K labels.
"""

import json
import math
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save
from threadpoolctl import ThreadpoolController

from pipeline.redact.layers import (
    ACTIVATION_BITS,
    ACTIVATION_MAX,
    DILATIONS,
    LAYER_BITS,
    LAYER_TOP,
    SUM_BITS,
    Layers,
)
from pipeline.redact.lexicon import LISTS, Lexicon, load_lexicon, save_lexicon
from pipeline.redact.words import CASES, GAPS, Words, cut, first_shape, grams
from pipeline.schema.errors import BadInput
from pipeline.text.arrays import grown

REACH = max(DILATIONS)
SPACE, NEWLINE, START = map(GAPS.index, ("space", "newline", "start"))
TYPES = ("PERSON", "ADDRESS", "DATE_OF_BIRTH", "PARAPHRASE", "IDENTIFIER", "USERNAME")
LABELS = ("O", *(f"{mark}-{kind}" for kind in TYPES for mark in "BI"))
WORD_BITS, WEIGHT_TOP = 12, 3
"""Of the n-gram table and `entry`: multiples of 2**-12 below 2**3."""
INPUT_BITS, INPUT_TOP = 8, 6
"""Of what a word brings to the first layer: multiples of 2**-8 up to 2**6."""
FORMAT = {
    "word_bits": WORD_BITS,
    "input_bits": INPUT_BITS,
    "layer_bits": LAYER_BITS,
    "activation_bits": ACTIVATION_BITS,
}
MAX_KNOWN = 200_000
"""Words kept between batches (about 100 MB); a vocabulary beyond it starts afresh."""
MAX_KEPT = 8_000_000
"""Characters of runs kept between batches (about 150 MB with what goes with them); beyond it all start afresh."""
SHEET = 65_536
"""Characters of texts that are worked on together. It bounds memory (words not met before cost most, some 11 kB each
while they are learnt) and, by exactness, changes nothing else."""
OUTER_MARKS = ' \t\n.,;:!?|*_"“”'
"""Never the first or last character of a span."""

Floats = NDArray[np.float32]
Grid = dict[str, NDArray[Any]]
"""Whole numbers: weights in the form in which they are saved."""


class Span(NamedTuple):
    """A find of the tagger, in characters of its text."""

    start: int
    end: int
    kind: str
    score: float
    """0.5 .. 1: sigmoid of the smallest lead over "nothing" among its words."""


class Tagger:
    """Weights in exact form, and what is known of the words met so far."""

    def __init__(self, grid: Grid, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.buckets = grid["grams"].shape[0]
        self.words = {name: grid[name].astype(np.float64) * 2.0**-WORD_BITS for name in ("grams", "entry")}
        self.beside = {name: grid[name].astype(np.float32) * 2.0**-INPUT_BITS for name in ("shapes", "lists")}
        self.layers = Layers(grid)
        self.blas = ThreadpoolController()
        self._forget()

    def spans(self, texts: Sequence[str], nothing_bias: float) -> list[list[Span]]:
        """Finds in each text, in order, never overlapping.

        Args:
            nothing_bias: taken from the score of "nothing" before deciding; more gives more recall.
        """
        # matrices of new words are small: more threads of BLAS than one wait for each other, and for other processes
        with self.blas.limit(limits=1, user_api="blas"):
            sheets = _grouped([len(text) for text in texts], SHEET)
            return [spans for sheet in sheets for spans in self._on_sheet([texts[at] for at in sheet], nothing_bias)]

    def logits(self, texts: Sequence[str]) -> Floats:
        """(L, K) for all of `texts` on one tape."""
        return self._logits(self.pairs(texts))

    def _on_sheet(self, texts: Sequence[str], nothing_bias: float) -> Iterator[list[Span]]:
        pairs = self.pairs(texts)
        logits_LK = self._logits(pairs)
        logits_LK[:, 0] -= nothing_bias
        named_L = logits_LK.argmax(axis=1) > 0
        start = REACH
        for text, words in zip(texts, pairs, strict=True):
            end = start + len(words)
            yield _decode(text, cut(text), logits_LK[start:end]) if named_L[start:end].any() else []
            start = end + REACH

    def pairs(self, texts: Sequence[str]) -> list[list[int]]:
        """The words of each text in order, each as its place times the number of GAPS, plus the gap before it.

        They are put together from runs without a blank, which repeat; one met for the first time is cut into words.
        """
        lines = [[line.split() for line in text.split("\n")] for text in texts]
        self._learn({run for cuts in lines for line in cuts for run in line})
        return [self._in_lines(cuts) for cuts in lines]

    def _logits(self, pairs: Sequence[list[int]]) -> Floats:
        """(L, K) for a tape of all texts; pair 0, between them, is nothing."""
        gap = [0] * REACH
        tape_L = np.array([*gap, *chain.from_iterable(one + gap for one in pairs)])
        return self.layers.logits(self._hidden[tape_L], tape_L > 0)

    def _in_lines(self, lines: list[list[str]]) -> list[int]:
        """Pairs of a text whose runs are given line by line."""
        pairs: list[int] = []
        for line in lines:
            first = len(pairs)
            pairs += chain.from_iterable(map(self._runs.__getitem__, line))
            if first and line:
                pairs[first] += NEWLINE - SPACE
        if pairs:
            pairs[0] += START - SPACE
        return pairs

    def _forget(self) -> None:
        """Place 0 is no word: it stands between texts."""
        self._places: dict[str, int] = {"": 0}
        self._hidden = np.zeros((len(GAPS), self.words["entry"].shape[1]), np.uint8)
        self._runs: dict[str, tuple[int, ...]] = {}
        self._kept = 0

    def _learn(self, runs: set[str]) -> None:
        """The pairs of runs not met yet, as they are behind a space."""
        if len(self._places) > MAX_KNOWN or self._kept > MAX_KEPT:
            self._forget()
        new = list(runs.difference(self._runs))
        words = cut(" ".join(new))
        self._learn_words(words.texts)
        places = map(self._places.__getitem__, words.texts)
        pairs = [place * len(GAPS) + min(gap, SPACE) for place, gap in zip(places, words.gaps, strict=True)]
        bounds = [*(at for at, gap in enumerate(words.gaps) if gap), len(pairs)]
        self._runs |= {run: tuple(pairs[start:end]) for run, (start, end) in zip(new, pairwise(bounds), strict=True)}
        self._kept += sum(map(len, new))

    def _learn_words(self, words: list[str]) -> None:
        """What words not met yet bring to the first layer behind each gap, (W * GAPS, C); sums of exact numbers, so
        the order of meeting is free."""
        new = [word for word in dict.fromkeys(words) if word not in self._places]
        if not new:
            return
        table, bags = self.words["grams"], [grams(word, self.buckets) for word in new]
        sums_WD = np.add.reduceat(
            table[[gram for bag in bags for gram in bag]], np.cumsum([0, *map(len, bags[:-1])]), axis=0
        )
        entered_WC = on_inputs(on_inputs(sums_WD) @ self.words["entry"]).astype(np.float32)
        entered_WC += self.beside["lists"][[self.lexicon.knows(word) for word in new]]
        shapes_WG = np.add.outer([first_shape(word) for word in new], np.arange(len(GAPS)))
        start = len(self._places)
        end = start + len(new)
        self._places |= {word: place for place, word in enumerate(new, start)}
        self._hidden = grown(self._hidden, end * len(GAPS))
        hidden_WGC = activation(entered_WC[:, None] + self.beside["shapes"][shapes_WG])
        self._hidden[start * len(GAPS) : end * len(GAPS)] = hidden_WGC.reshape(-1, hidden_WGC.shape[2])


def activation(values: Floats) -> NDArray[np.uint8]:
    """ReLU, rounded to whole steps and bounded; `values` is overwritten."""
    values *= np.float32(2.0**ACTIVATION_BITS)
    np.rint(values, out=values)
    return np.clip(values, 0, ACTIVATION_MAX, out=values).astype(np.uint8)


def on_inputs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """On the grid of inputs, both signs."""
    step, top = 2.0**INPUT_BITS, 2.0**INPUT_TOP
    rounded: NDArray[np.float64] = np.rint(np.clip(values, -top, top) * step) / step
    return rounded


def on_grid(weights: NDArray[np.float64], bits: int, top: int) -> NDArray[np.int16]:
    """Weights as whole multiples of 2**-bits between -top and top."""
    return np.clip(np.rint(weights * 2.0**bits), -top, top).astype(np.int16)


def grid_of(name: str) -> tuple[int, int]:
    """(bits, top) of the weights called `name`."""
    if name in ("grams", "entry"):
        return WORD_BITS, 2 ** (WORD_BITS + WEIGHT_TOP) - 1
    if name in ("shapes", "lists"):
        return INPUT_BITS, 2 ** (INPUT_BITS + INPUT_TOP)
    if "bias" in name:
        return SUM_BITS, 2**15 - 1
    return LAYER_BITS, LAYER_TOP


def save_tagger(grid: Grid, lexicon: Lexicon, folder: Path) -> None:
    """`tagger.safetensors`, `tagger.json` and `lexicon.json` into an existing folder."""
    tensors = {name: np.ascontiguousarray(grid[name]) for name in sorted(grid)}
    (folder / "tagger.safetensors").write_bytes(save(tensors))  # `save_file` would make it mode 0600
    (folder / "tagger.json").write_text(json.dumps(_config(), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    save_lexicon(lexicon, folder)


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
    if config != json.loads(json.dumps(_config())):
        raise BadInput(
            str(folder),
            "the tagger was made for other code",
            wanted=str(_config()),
            got=str(config),
            do="run the stage pii_model again",
        )
    return Tagger(grid, load_lexicon(folder))


def _config() -> dict[str, Any]:
    shapes = {"cases": list(CASES), "gaps": list(GAPS), "lists": list(LISTS)}
    return {"labels": list(LABELS), "dilations": list(DILATIONS), **shapes, **FORMAT}


def _grouped(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Places of neighbours gathered until they are `most` long together; a longer one has a group of its own."""
    group: list[int] = []
    filled = 0
    for place, length in enumerate(lengths):
        if group and filled + length > most:
            yield group
            group, filled = [], 0
        group.append(place)
        filled += length
    if group:
        yield group


def _decode(text: str, words: Words, logits_TK: Floats) -> list[Span]:
    """Runs of words of one type; a B label, or another type, starts a new run."""
    best_T = logits_TK.argmax(axis=1)
    places = np.flatnonzero(best_T).tolist()
    runs: list[list[int]] = []
    kinds: list[int] = []
    for place in places:
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
        _span(text, int(words.starts[run[0]]), int(words.ends[run[-1]]), TYPES[kind], float(leads_T[run].min()))
        for run, kind in zip(runs, kinds, strict=True)
    ]
    return [span for span in found if any(letter.isalnum() for letter in text[span.start : span.end])]


def _span(text: str, start: int, end: int, kind: str, lead: float) -> Span:
    while start < end and text[start] in OUTER_MARKS:
        start += 1
    while start < end and text[end - 1] in OUTER_MARKS:
        end -= 1
    return Span(start, end, kind, round(1 / (1 + math.exp(-lead)), 3))
