"""The learned quality scores, by fastText: P(a paragraph is the domain's own prose) and P(it is intact text at all).

Three classes, because what is off the subject and what is spoilt are two things: a good newspaper article and garbled
OCR are both unlike the domain.

Models come in folds: document d belongs to fold `fold_of(d)`, and the model of a fold was trained
without its documents. So a bad document cannot be learned by heart and then score well.
"""

import ctypes
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import fasttext
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.schema.errors import BadInput, BrokenContract
from pipeline.schema.quality_model import QualityModel
from pipeline.schema.section import Section
from pipeline.text.draws import unit_draw
from pipeline.text.unicode_classes import code_point_table
from pipeline.text.words import compiled, small_code_points

DOMAIN, OTHER, DEGRADED = "__label__domain", "__label__other", "__label__degraded"
CLASSES = (r"\w", r"\d", r"\s", r"[ \t\f]", r"\n")
"""Patterns of the characters that are no marks; of several that fit the last counts."""
MARK, WORD, DIGIT, SPACE, BLANK, LINE = range(6)
LINE_FEED, ONE_BLANK, ZERO = 10, 32, 48
SCORING = "scoring.json"
M_PERTURB = -6
"""malloc.h of glibc: see mallopt(3)."""


class Scores(NamedTuple):
    """What the model says of a document; means over its paragraphs, each weighted by its length in words."""

    domain: float
    """P(the domain's own prose)."""
    intact: float
    """P(not degraded), whatever it is about."""


class Example(NamedTuple):
    """One training paragraph."""

    label: str
    text: str


def paragraphs_of(text: str, min_words: int) -> list[str]:
    """Paragraphs of at least `min_words` words, as fastText sees them: one line, lower case, digits as 0.

    A text with none of that length is one paragraph.
    """
    lines = _normalised_blocks(text)
    return [line for line in lines if line.count(" ") + 1 >= min_words] or [" ".join(lines)]


def normalised(text: str) -> str:
    """`text` as fastText sees it, in training as in scoring: one line of lower-case words and marks, digits as 0."""
    return " ".join(_normalised_blocks(text))


def _normalised_blocks(text: str) -> list[str]:
    """What stands between blank lines, each part normalised; nothing where nothing stands."""
    points = _normalised(small_code_points(text), _classes())
    return points.tobytes().decode("utf-32-le", "surrogatepass").split("\n")


@cache
def _classes() -> NDArray[np.uint8]:
    """(0x110000,) the class of each code point."""
    return code_point_table(CLASSES, MARK, WORD)


@compiled
def _normalised(points: NDArray[np.uint32], classes: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Words and marks with a blank between, each run of digits as one 0, a line feed for blank lines."""
    found = np.empty(2 * len(points), np.uint32)
    count, gap, line_is_blank, figure = 0, 0, False, False
    for point in points:
        kind = classes[point]
        if kind >= SPACE:
            gap = LINE_FEED if gap == LINE_FEED or (kind == LINE and line_is_blank) else ONE_BLANK
            line_is_blank = kind == LINE or (line_is_blank and kind == BLANK)
        elif gap == 0 and kind == MARK:
            gap = ONE_BLANK
        if gap or kind != DIGIT:
            figure = False
        if kind >= SPACE or figure:
            continue
        if gap and count:
            found[count] = gap
            count += 1
        found[count] = ZERO if kind == DIGIT else point
        count += 1
        gap = ONE_BLANK if kind == MARK else 0
        line_is_blank, figure = False, kind == DIGIT
    return found[:count]


def fold_of(doc_id: str, folds: int, seed: int) -> int:
    """The fold that `doc_id` is held out of."""
    return int(unit_draw(seed, doc_id) * folds)


def train(examples: Iterable[Example], settings: QualityModel, out: Path) -> None:
    """Train on `examples` and write the model to `out`; the same examples give the same bytes.

    One thread: with more, fastText's updates race and no two runs agree.

    Raises:
        BrokenContract: this platform does not let the bytes be the same.
    """
    lines = out.with_suffix(".txt")
    rows = [f"{label} {text}\n" for label, text in examples]
    lines.write_text("".join(rows), encoding="utf-8")
    epochs = max(settings.epochs, -(-settings.min_updates // len(rows)))
    with zeroed_memory() as zeroed:
        model = fasttext.train_supervised(
            str(lines), dim=settings.dim, wordNgrams=settings.word_ngrams, bucket=settings.bucket,
            minCount=settings.min_count, epoch=epochs, lr=settings.learning_rate, seed=settings.seed,
            # one vs all: P(domain) need not share its mass with the other two, which overlap
            minn=settings.subword_chars[0], maxn=settings.subword_chars[1], loss="ova", thread=1, verbose=0)
    if not zeroed:
        raise BrokenContract("quality model", "memory cannot be zeroed here, and fastText trains on what it held",
                             do="train it on Linux with glibc")
    model.save_model(str(out))
    lines.unlink()


@contextmanager
def zeroed_memory() -> Iterator[bool]:
    """Let glibc's malloc hand out zeroed blocks inside; gives False where that cannot be asked for.

    With one thread fastText 0.9.2 initialises a tenth of its input matrix and trains on whatever
    memory held in the rest (`DenseMatrix::uniform` calls `uniformThread` for block 0 of 10 only):
    after other work in the same process the model differs, or training stops with "Encountered NaN".
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    try:
        yield mallopt is not None and mallopt(M_PERTURB, 0xFF) == 1  # blocks are filled with the complement
    finally:
        if mallopt is not None:
            mallopt(M_PERTURB, 0)


class Scoring(Section):
    """`scoring.json` beside the models: what a reader must know to score as they were meant to."""

    folds: int = Field(ge=2)
    """Number of models."""
    seed: int
    """Of `fold_of`."""
    min_paragraph_words: int
    """Shorter paragraphs are not scored."""


class QualityScorer:
    """The models of all folds; each document is judged by the one that never saw it."""

    def __init__(self, folder: Path) -> None:
        """Load `folder`.

        Raises:
            BadInput: a file is missing or not what it must be.
        """
        try:
            self.scoring = Scoring.model_validate_json((folder / SCORING).read_bytes())
            self.models = [fasttext.load_model(str(model_path(folder, fold))) for fold in range(self.scoring.folds)]
        except (OSError, ValueError) as err:
            raise BadInput(str(folder), f"is not a quality model ({err})", do="run stage quality_model") from err

    def score(self, doc_id: str, text: str) -> Scores:
        """Both scores of a document, by the model that was trained without it."""
        model: Any = self.models[fold_of(doc_id, self.scoring.folds, self.scoring.seed)]
        lines = paragraphs_of(text, self.scoring.min_paragraph_words)
        labels, chances = model.predict(lines, k=3)
        told = [dict(zip(label, chance, strict=True)) for label, chance in zip(labels, chances, strict=True)]
        weights = [line.count(" ") + 1 for line in lines]
        domain, degraded = (min(1.0, float(np.average([one[label] for one in told], weights=weights)))
                            for label in (DOMAIN, DEGRADED))  # fastText rounds 1 up to 1.00001
        return Scores(domain, 1.0 - degraded)


def model_path(folder: Path, fold: int) -> Path:
    """Where the model of `fold` lies."""
    return folder / f"fold-{fold}.bin"


def low_paragraphs(paragraphs: list[str], share: float, seed: int) -> Iterator[tuple[int, str]]:
    """(round, paragraph) for `share` degradations per paragraph: whole rounds, then a hash-drawn part of one."""
    whole, part = divmod(share, 1.0)
    for turn in range(int(whole) + 1):
        for paragraph in paragraphs:
            if turn < whole or unit_draw(seed, f"{turn} {paragraph}") < part:
                yield turn, paragraph
