"""When a text was written, told from the text: a probability for each year.

A conditional logit over the years of a range: p(y | text) is proportional to exp(w . f(text, y)), where f says how
the years that the text names lie around y, how its words were spread over time, and how many documents y has.
(McFadden 1974, "Conditional logit analysis of qualitative choice behavior"; words over time as in de Jong, Rode and
Hiemstra 2005, "Temporal language models for the disclosure of historical text".) Everything is counted or summed in
a fixed order, so that the same documents give the same model.

Shape letters: D documents, Y years, F features, W words.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain, pairwise, repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from pipeline.schema.date_model import DateModel
from pipeline.schema.errors import BadInput
from pipeline.schema.section import Section
from pipeline.text.draws import unit_draw
from pipeline.text.time_marks import Mention, mentions, without_date, words_of

FEATURES = ("named", "share", "latest", "year_after_latest", "years_after_latest", "named_later", "dated", "stamp",
            "ahead", "head", "words", "prior")
"""f(text, y): how often the text names y, as a count and as a share of the years it names; whether y is the latest
year named (other than of times to come), the one after it, and how long after it; how many later years are named; how
often y is named in a date, after words that date the document, as a time to come, at the head; words; prior."""
FAR = 10
"""Years after the latest mention from which distance makes no more difference."""
MODEL, WORDS = "dating.json", "words.parquet"
DECIMALS = 6
"""Weights are rounded: their last bits depend on the order in which a processor adds."""
DIGITS = 4
"""Of measurements."""
STEPS = 25
UNKNOWN = -1
"""Instead of the row of a word that the model has not learnt."""
BATCH = 256
"""Texts judged at once: their features stay in the processor's cache."""
ROUNDING = 1e-12
""".7 - .2 is a little less than .5."""
Floats = NDArray[np.float64]


class Dated(NamedTuple):
    """A document whose date is known."""

    doc_id: str
    text: str
    year: int


class Evidence(NamedTuple):
    """What of a text counts: computed once, whatever model reads it."""

    marks: Floats
    """(Y, F): the features up to `words`, which need no model."""
    words: frozenset[str]


class Sample(NamedTuple):
    """A dated document as it is learnt from."""

    found: Evidence
    year: int
    fold: int
    """Its own words are held out of the statistics that it is fitted and measured with."""


class WordYears(NamedTuple):
    """In how many documents of each year each word is."""

    rows: dict[str, int]
    """Word -> row of `counts`."""
    counts: Floats
    """(W, Y): documents of the year with the word."""
    documents: Floats
    """(Y,): documents of the year."""


class DateWeights(Section):
    """`dating.json`: the model without its word counts."""

    first_year: int
    documents: list[int]
    """Dated documents learnt from, one count a year from `first_year`."""
    weights: dict[str, float]
    """Of each of FEATURES; empty when too few documents were dated."""
    year_reach: float = Field(gt=0)
    word_strength: float = Field(gt=0)
    prior_share: float = Field(gt=0, lt=1)


class Belief(NamedTuple):
    """P(year | text) over a range of years."""

    first_year: int
    chances: Floats
    """(Y,), sum 1."""

    def before(self, date: str) -> float:
        """P(written before the ISO date), a year's chance spread evenly over its days."""
        year, part = int(date[:4]) - self.first_year, _year_part(date)
        if year < 0:
            return 0.0
        whole = float(np.add.reduce(self.chances[:year]))
        return min(1.0, whole + (part * float(self.chances[year]) if year < len(self.chances) else 0.0))

    def interval(self, confidence: float) -> tuple[int, int]:
        """The shortest run of years that holds `confidence` of the chance, the first of several as short."""
        sums = np.concatenate([[0.0], np.cumsum(self.chances)])
        for length in range(1, len(self.chances) + 1):
            held = sums[length:] - sums[:-length] + ROUNDING
            if held.max() >= confidence:
                start = int(np.argmax(held >= confidence))
                return self.first_year + start, self.first_year + start + length - 1
        return self.first_year, self.first_year + len(self.chances) - 1


class DateReader:
    """A trained model, ready to tell dates."""

    def __init__(self, weights: DateWeights, words: WordYears) -> None:
        self.weights, self.words = weights, words
        self.table_WY = word_table(words, weights.year_reach, weights.word_strength)
        self.prior_Y = log_prior(words.documents, weights.year_reach, weights.prior_share)
        self.w_F = np.array([weights.weights[name] for name in FEATURES]) if weights.weights else None

    def beliefs(self, texts: Sequence[str]) -> list[Belief | None]:
        """What each of `texts` says of its date, whatever the others say; None when the model has learnt nothing."""
        if self.w_F is None:
            return [None] * len(texts)
        first, count = self.weights.first_year, len(self.prior_Y)
        batches = (texts[start:start + BATCH] for start in range(0, len(texts), BATCH))
        return [belief for batch in batches
                for belief in self.judge([evidence(text, first, count) for text in batch])]

    def judge(self, found: Sequence[Evidence]) -> list[Belief | None]:
        """As `beliefs`, of at least one text whose evidence is there."""
        if self.w_F is None:
            return [None] * len(found)
        f_DYF = features(found, self.words, self.table_WY, self.prior_Y)
        return [Belief(self.weights.first_year, chances_Y) for chances_Y in softmax(f_DYF @ self.w_F)]


def evidence(text: str, first: int, count: int) -> Evidence:
    """The marks of time in `text` for each of `count` years from `first`."""
    found = [mention for mention in mentions(text) if first <= mention.year < first + count]
    return Evidence(_marks(found, first, count) if found else _no_marks(first, count), words_of(text))


@cache
def _no_marks(first: int, count: int) -> Floats:
    """`_marks` of a text that names no year, as most short ones; shared, and so not to be written to."""
    marks = _marks([], first, count)
    marks.setflags(write=False)
    return marks


def _marks(found: Sequence[Mention], first: int, count: int) -> Floats:
    """(Y, F): the features up to `words`, from the years that a text names."""
    past = [mention.year for mention in found if not mention.ahead]
    years = np.arange(first, first + count)
    named = _per_year((mention.year for mention in found), first, count)
    later = named[::-1].cumsum()[::-1] - named
    latest = max(past, default=0)
    gap = np.clip(years - latest, 0, FAR) / FAR if latest else np.zeros(count)
    columns = [
        np.log1p(named), named / max(1, len(found)), (years == latest) * 1.0, (years == latest + 1) * 1.0, gap,
        np.log1p(later),
        *(np.log1p(_per_year((m.year for m in found if getattr(m, kind)), first, count))
          for kind in ("dated", "stamp", "ahead", "head")),
    ]
    return np.stack(columns, axis=1)


def features(found: Sequence[Evidence], words: WordYears, table_WY: Floats, prior_Y: Floats) -> Floats:
    """f(text, y) for every year: (D, Y, F), in the order of FEATURES. No text's numbers depend on the others'."""
    spread_DY = _spreads(found, words, table_WY)
    f_DYF = np.empty((*spread_DY.shape, len(FEATURES)))
    np.stack([one.marks for one in found], out=f_DYF[:, :, :-2])
    f_DYF[:, :, -2] = spread_DY - np.add.reduce(spread_DY, axis=1, keepdims=True) / len(prior_Y)
    f_DYF[:, :, -1] = prior_Y
    return f_DYF


def _spreads(found: Sequence[Evidence], words: WordYears, table_WY: Floats) -> Floats:
    """(D, Y): the sum of the rows of a text's known words, over the root of their number; zeros without any."""
    spread_DY = np.zeros((len(found), table_WY.shape[1]))
    known = _known(found, words)
    for spread_Y, rows in zip(spread_DY, known, strict=True):
        np.add.reduce(table_WY.take(rows, axis=0), axis=0, out=spread_Y)
    return spread_DY / np.sqrt([max(1, len(rows)) for rows in known])[:, None]


def _known(found: Sequence[Evidence], words: WordYears) -> list[NDArray[np.int64]]:
    """Rows of each text's known words, ascending: sums do not depend on the order of a set."""
    looked_up = (map(words.rows.get, one.words, repeat(UNKNOWN)) for one in found)
    rows = np.fromiter(chain.from_iterable(looked_up), np.int64)
    texts = np.repeat(np.arange(len(found)), [len(one.words) for one in found])
    ranked = np.sort((texts * len(words.rows) + rows)[rows != UNKNOWN])
    ends = np.searchsorted(ranked, np.arange(len(found) + 1) * len(words.rows)).tolist()
    return [ranked[start:end] % len(words.rows) for start, end in pairwise(ends)]


def count_words(samples: Sequence[Sample], first: int, count: int, min_documents: int, max_words: int) -> WordYears:
    """Documents of each year per word, for words in at least `min_documents` of them, the commonest first."""
    seen = Counter(word for one in samples for word in one.found.words)
    common = sorted((word for word, documents in seen.items() if documents >= min_documents),
                    key=lambda word: (-seen[word], word))[:max_words]
    index = {word: place for place, word in enumerate(sorted(common))}
    counts_WY = np.zeros((len(index), count))
    for one in samples:
        counts_WY[[index[word] for word in one.found.words if word in index], one.year - first] += 1
    return WordYears(index, counts_WY, _per_year((one.year for one in samples), first, count))


def word_table(words: WordYears, reach: float, strength: float) -> Floats:
    """log of a word's share of a year's documents over its share of all: (W, Y).

    Neighbouring years speak for each other, and rare evidence is pulled to no evidence.
    """
    near_YY = _nearness(len(words.documents), reach)
    overall_W = words.counts.sum(axis=1) / max(1.0, words.documents.sum())
    shares = ((words.counts @ near_YY + strength * overall_W[:, None])
              / (words.documents @ near_YY + strength))
    return np.log(shares / np.maximum(overall_W[:, None], 1e-12))


def log_prior(documents_Y: Floats, reach: float, even_share: float) -> Floats:
    """log P(year): documents of the year and its neighbours, mixed with an even spread."""
    near = documents_Y @ _nearness(len(documents_Y), reach)
    return np.log((1 - even_share) * near / max(1e-12, near.sum()) + even_share / len(documents_Y))


def prepare(documents: Iterable[Dated], params: DateModel) -> list[Sample]:
    """What each document has to say; a document's own date must be out of its text already."""
    first, count = params.first_year, params.last_year - params.first_year + 1
    return [Sample(evidence(one.text, first, count), one.year, fold_of(one.doc_id, params)) for one in documents]


def learn(samples: Sequence[Sample], params: DateModel) -> DateReader:
    """Fit the weights on `samples`; too few leave a model that tells nothing."""
    words = _counted(samples, params)
    weights: dict[str, float] = {}
    if len(samples) >= params.min_dated:
        chosen_D = np.array([one.year for one in samples]) - params.first_year
        w_F = fit(_heldout_features(samples, params), chosen_D, params.ridge)
        weights = {name: round(float(w), DECIMALS) for name, w in zip(FEATURES, w_F, strict=True)}
    return DateReader(DateWeights(first_year=params.first_year, documents=[int(n) for n in words.documents],
                                  weights=weights, year_reach=params.year_reach,
                                  word_strength=params.word_strength, prior_share=params.prior_share), words)


def fit(f_DYF: Floats, chosen_D: NDArray[np.int64], ridge: float) -> Floats:
    """Weights of least -log p(chosen) + ridge/2 |w|^2, by Newton's method; the target is convex."""
    w_F = np.zeros(f_DYF.shape[2])
    picked_DF = f_DYF[np.arange(len(chosen_D)), chosen_D]
    for _ in range(STEPS):
        p_DY = softmax(f_DYF @ w_F)
        mean_DF = np.einsum("dy,dyf->df", p_DY, f_DYF)
        gradient = (mean_DF - picked_DF).sum(axis=0) + ridge * w_F
        hessian = (np.einsum("dy,dyf,dyg->fg", p_DY, f_DYF, f_DYF, optimize=True) - mean_DF.T @ mean_DF
                   + ridge * np.eye(len(w_F)))
        step = np.linalg.solve(hessian, gradient)
        w_F = w_F - step * min(1.0, 2.0 / max(1e-12, float(np.abs(step).max())))
        if float(np.abs(step).max()) < 10.0 ** -(DECIMALS + 2):
            break
    return w_F


def softmax(z: Floats) -> Floats:
    """exp(z) over its sum along the last axis."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def fold_of(doc_id: str, params: DateModel) -> int:
    """The fold that a dated document is held out of."""
    return int(unit_draw(params.seed, f"date {doc_id}") * params.folds)


def dated_documents(table: pl.DataFrame, params: DateModel) -> list[Dated]:
    """Documents to learn from: their own written date taken out of the text, years put into the range.

    Args:
        table: `doc_id`, `text`, `published`; rows without a date are left out.
    """
    rows = [(unit_draw(params.seed, doc_id), doc_id, text, published)
            for doc_id, text, published in table.select("doc_id", "text", "published").iter_rows() if published]
    drawn = sorted(row[1:] for row in sorted(rows)[:params.max_documents])
    return [Dated(doc_id, without_date(text, published),
                  min(max(int(published[:4]), params.first_year), params.last_year))
            for doc_id, text, published in drawn]


def save(reader: DateReader, folder: Path) -> list[str]:
    """Write the model into `folder`; gives the names of its files."""
    years = np.arange(len(reader.words.documents)) + reader.weights.first_year
    rows = [(word, int(year), int(n)) for word, place in reader.words.rows.items()
            for year, n in zip(years, reader.words.counts[place], strict=True) if n]
    table = pl.DataFrame(rows, orient="row", schema={"word": pl.String(), "year": pl.Int64(), "documents": pl.Int64()})
    table.sort("word", "year").write_parquet(folder / WORDS, compression="zstd", compression_level=3)
    (folder / MODEL).write_text(reader.weights.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return [MODEL, WORDS]


def load(folder: Path) -> DateReader:
    """The model in `folder`.

    Raises:
        BadInput: a file is missing or not what it must be.
    """
    try:
        weights = DateWeights.model_validate_json((folder / MODEL).read_bytes())
        table = pl.read_parquet(folder / WORDS)
        names = sorted(set(table["word"]))
        counts_WY = np.zeros((len(names), len(weights.documents)))
        index = {word: place for place, word in enumerate(names)}
        for word, year, documents in table.select("word", "year", "documents").iter_rows():
            counts_WY[index[word], year - weights.first_year] = documents
    except (OSError, ValueError, IndexError, pl.exceptions.PolarsError) as err:
        raise BadInput(str(folder), f"is not a date model ({err})", do="run stage date_model") from err
    return DateReader(weights, WordYears(index, counts_WY, np.array(weights.documents, dtype=np.float64)))


def _counted(samples: Sequence[Sample], params: DateModel) -> WordYears:
    return count_words(samples, params.first_year, params.last_year - params.first_year + 1,
                       params.min_word_documents, params.max_words)


def _heldout_features(samples: Sequence[Sample], params: DateModel) -> Floats:
    """f of every sample, with word statistics and prior of the other folds: (D, Y, F)."""
    count = params.last_year - params.first_year + 1
    f_DYF = np.empty((len(samples), count, len(FEATURES)))
    for fold in sorted({one.fold for one in samples}):
        words = _counted([one for one in samples if one.fold != fold], params)
        table = word_table(words, params.year_reach, params.word_strength)
        prior = log_prior(words.documents, params.year_reach, params.prior_share)
        places = [place for place, one in enumerate(samples) if one.fold == fold]
        f_DYF[places] = features([samples[place].found for place in places], words, table, prior)
    return f_DYF


def _per_year(years: Any, first: int, count: int) -> Floats:
    return np.bincount(np.fromiter(years, np.int64) - first, minlength=count).astype(np.float64)


def _nearness(count: int, reach: float) -> Floats:
    apart = np.abs(np.arange(count)[:, None] - np.arange(count)[None, :])
    return np.exp(-apart / reach)


def _year_part(date: str) -> float:
    """How much of its year is over at the start of an ISO date; months as twelfths, days as parts of 31."""
    return (int(date[5:7]) - 1 + (int(date[8:10]) - 1) / 31) / 12


def measure(samples: Sequence[Sample], params: DateModel, confidence: float) -> dict[str, float]:
    """How well the year of unseen samples is told, each by a model of the other folds.

    Returns:
        share of years told right and within one, share of `confidence` intervals that hold the year, their mean
        length in years, mean -log2 p(year), and two simple answers to compare with: the commonest year, and the
        latest year that the text names (the commonest one where it names none).
    """
    rows: list[tuple[float, ...]] = []
    all_but_one = params.model_copy(update={"min_dated": 1})
    for fold in sorted({one.fold for one in samples} if len(samples) >= params.min_dated else ()):
        reader = learn([one for one in samples if one.fold != fold], all_but_one)
        common = int(np.argmax(reader.words.documents))
        held_out = [one for one in samples if one.fold == fold]
        beliefs = reader.judge([one.found for one in held_out])
        rows += [_measured(belief, one, common, confidence)
                 for belief, one in zip(beliefs, held_out, strict=True) if belief is not None]
    if not rows:
        return {"documents": 0.0}
    means = np.array(rows).mean(axis=0)
    names = ("year_right", "year_within_1", "interval_holds", "interval_years", "bits", "commonest_right",
             "latest_named_right")
    told = {name: round(float(mean), DIGITS) for name, mean in zip(names, means, strict=True)}
    return {"documents": float(len(rows)), **told}


def _measured(belief: Belief, one: Sample, common: int, confidence: float) -> tuple[float, ...]:
    told = belief.first_year + int(np.argmax(belief.chances))
    low, high = belief.interval(confidence)
    latest_Y = one.found.marks[:, FEATURES.index("latest")]
    latest = belief.first_year + (int(np.argmax(latest_Y)) if latest_Y.any() else common)
    return (told == one.year, abs(told - one.year) <= 1, low <= one.year <= high, high - low + 1,
            -float(np.log2(belief.chances[one.year - belief.first_year])), common + belief.first_year == one.year,
            latest == one.year)
