"""Stage `curate_filter`: rights, terms, dates, language, heuristics and learned quality, in this order.

Reads   --documents    table DOCUMENTS and cleared_for_training bool
        --quality      folder of quality_model: fastText models and scoring.json
        --dates        folder of date_model: dating.json and words.parquet
Writes  --out          table DOCUMENTS: documents that pass every gate, unchanged
        --ledger       table LEDGER: the first gate that failed; score is P(domain) where the quality
                       model judged, P(intact) for degraded, P(language) for language, P(outside) for a date
                       told from the text
        --metrics      JSON: per source what came in, what was kept, each reason, and the cut of its bottom share

Rights come first: nothing is computed on text that must not be used. All gates but the last look at one
document by itself; the last takes the bottom share of what is left of each source.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.engine.execution import load_execution
from pipeline.engine.shards import gathered, sharded
from pipeline.schema.curate_filter import CurateFilter
from pipeline.schema.decided import Decided
from pipeline.schema.errors import BadInput
from pipeline.schema.execution import Execution
from pipeline.schema.ledger import LEDGER, SURVIVES
from pipeline.stage.lean import frozen
from pipeline.stage.ledger import check_source_survival
from pipeline.stage.outputs import write_json
from pipeline.stage.progress import say
from pipeline.stage.run import run_stage
from pipeline.stage.sources import check_sources
from pipeline.tables.curated import kept_pieces, reason_counts, write_pieces
from pipeline.tables.ledger import ledger_table
from pipeline.tables.parquet import part_units, read_part, read_table, table_parts
from pipeline.text.dating import DateReader, load
from pipeline.text.gates import DateBounds, TermGate, date_gate, rights_gate
from pipeline.text.heuristics import Heuristics
from pipeline.text.language import foreign
from pipeline.text.quality import QualityScorer
from pipeline.text.quality_cut import Scored, quality_cuts
from pipeline.text.time_marks import own_date

Rows = Sequence[Mapping[str, Any]]
"""Of DOCUMENTS with `cleared_for_training`."""
CLEARED = "cleared_for_training"
JUDGED = ("ok", "quality")
"""Reasons of documents that came as far as P(domain); their score is that, null where a text was too short for it."""
CUT_DECIMALS = 6
"""Of a cut in evidence and metrics; decisions use the full number."""
REMEDIES = {
    "heuristic": "give {sources} the profile of that kind of text in `curate_filter.source_profiles.sources` "
                 "(`reference`: regulations, catalogues, tables; `messages`: tickets, chats), or change the rule in "
                 "`curate_filter.profiles` (docs/quality.md says which number it reads)",
    "degraded": "lower `min_intact` of the profile if the text of {sources} is sound",
    "quality": "lower `curate_filter.min_quality`: it was set on the sample's scores, 0 switches it off",
    "quality_bottom": "lower the share of {sources} in `curate_filter.quality_drop.sources`, 0 takes none",
    "language": "add the language of {sources} to `curate_filter.languages`",
    "too_old": "set `curate_filter.not_before` to the oldest date that still holds",
    "after_cutoff": "change `curate_filter.not_after`, or `cutoff_by_text` if the texts only seem younger",
    "unknown_date": "give {sources} a `published` date in lake.yaml, or change `curate_filter.unknown_date`",
    "rights_not_cleared": "have {sources} cleared in lake.yaml, or take it out of the lake",
}
"""Reason -> what to change when a source loses too much for it."""


def main(documents: Path, quality: Path, dates: Path, out: Path, ledger: Path, metrics: Path,
         params: CurateFilter) -> dict[str, object]:
    """Filter on the engine that execution.yaml names."""
    check_sources({"curate_filter.source_profiles.sources": params.source_profiles.sources,
                   "curate_filter.quality_drop.sources": params.quality_drop.sources,
                   "curate_filter.max_loss": params.max_loss}, read_table(documents, ["source"])["source"])
    rows, cuts = filtered(documents, quality, dates, out, ledger, params, load_execution())
    write_json(metrics, {"sources": per_source(rows, cuts)})
    say(f"{reason_counts(rows)}")
    return {}


def filtered(documents: Path, quality: Path, dates: Path, out: Path, ledger: Path, params: CurateFilter,
             execution: Execution) -> tuple[pl.DataFrame, dict[str, float]]:
    """Decide each document by itself, then cut the bottom share of each source; the ledger and the cuts."""
    if read_part(table_parts(documents)[0]).schema.get(CLEARED) != pl.Boolean:
        raise BadInput(str(documents), f"column `{CLEARED}` is missing", wanted="bool", do="run stage curate_extract")
    work = FilterShard(str(quality.resolve()), str(dates.resolve()), params)
    with sharded(work, part_units(documents), out, execution, "parts filtered",
                 reads=(documents, quality, dates)) as tables:
        alone = gathered(tables)["ledger"].sort("input_id")
    cuts = cuts_of(alone, params)
    rows = below_cuts(alone, cuts)

    def check(ledger_rows: pl.DataFrame) -> None:
        check_source_survival("curate_filter", ledger_rows, params.max_loss, params.default_max_loss,
                              REMEDIES)

    inputs = read_table(documents, ["doc_id", "source"])
    return write_pieces("curate_filter", inputs, kept_pieces(documents, rows), out, ledger, check), cuts


def cuts_of(alone: pl.DataFrame, params: CurateFilter) -> dict[str, float]:
    """Source -> cut, over the documents that came as far as the quality model and are long enough for it."""
    scored = alone.filter(pl.col("reason").is_in(JUDGED), pl.col("score").is_not_null())
    return quality_cuts([Scored(*row) for row in scored.select("source", "score").iter_rows()],
                        params.quality_drop.default, params.quality_drop.sources)


def below_cuts(alone: pl.DataFrame, cuts: Mapping[str, float]) -> pl.DataFrame:
    """Drop what was kept, is long enough to be judged, and has a score below its source's cut."""
    cut = pl.col("source").replace_strict(cuts, default=None, return_dtype=pl.Float64)
    low = (pl.col("reason") == "ok") & (pl.col("score") < cut).fill_null(value=False)
    said = {source: f"cut {value:.{CUT_DECIMALS}f}" for source, value in cuts.items()}
    named = pl.col("source").replace_strict(said, default="", return_dtype=pl.String)
    return alone.with_columns(
        pl.when(low).then(pl.lit("drop")).otherwise("decision").alias("decision"),
        pl.when(low).then(pl.lit("quality_bottom")).otherwise("reason").alias("reason"),
        pl.when(low).then(named).otherwise("evidence").alias("evidence"))


def per_source(ledger: pl.DataFrame, cuts: Mapping[str, float]) -> dict[str, dict[str, object]]:
    """Counts of every source by reason, and its cut; null where the source loses no share."""
    found: dict[str, dict[str, object]] = {}
    for (source,), rows in sorted(ledger.group_by("source")):
        cut = cuts.get(str(source))
        found[str(source)] = {"documents": rows.height,
                              "kept": rows.filter(pl.col("decision").is_in(SURVIVES)).height,
                              "reasons": reason_counts(rows),
                              "quality_cut": None if cut is None else round(cut, CUT_DECIMALS)}
    return found


@dataclass(frozen=True)
class FilterShard:
    """Callable on parts of the documents table; picklable, so that it runs on any engine."""

    quality: str
    dates: str
    params: CurateFilter

    def __call__(self, parts: pl.DataFrame, tick: Callable[[], None]) -> dict[str, pl.DataFrame]:
        """Table `ledger`: LEDGER; a score with a reason of JUDGED says that the quality model judged."""
        gates = Gates(self.params, QualityScorer(Path(self.quality)), load(Path(self.dates)))
        rows = [pl.DataFrame(schema=LEDGER)]
        with frozen():
            for part in parts["part"]:
                table = read_part(Path(part))
                rows.append(ledger_table(table, gates.decide(table.rows(named=True))))
                tick()
        return {"ledger": pl.concat(rows)}


class Gates:
    """Every gate with its thresholds and models."""

    def __init__(self, params: CurateFilter, scorer: QualityScorer, dates: DateReader) -> None:
        self.params, self.scorer, self.dates = params, scorer, dates
        self.heuristics = Heuristics(params)
        self.terms = TermGate(params.terms, params.not_after)
        self.bounds = DateBounds(params.not_before, params.not_after, params.unknown_date, params.date_confidence,
                                 params.cutoff_by_text)

    def decide(self, rows: Rows) -> list[Decided]:
        """For each of `rows` (DOCUMENTS) the first gate that it fails, or keep.

        Gate by gate, not document by document: each gate's tables then stay in the processor's cache, and some judge
        many documents quicker than one.
        """
        found: list[Decided | None] = [None] * len(rows)
        for gate in (self._rights, self._terms, self._dates, self._languages, self._heuristics):
            left = [place for place, one in enumerate(found) if one is None]
            for place, one in zip(left, gate([rows[place] for place in left]), strict=True):
                found[place] = one
        return [one or self._quality(row) for one, row in zip(found, rows, strict=True)]

    def is_judged(self, text: str) -> bool:
        """Whether the quality model may drop a document of this length."""
        words = self.params.min_quality_words
        return len(text.split(None, words - 1)) >= words

    def _rights(self, rows: Rows) -> list[Decided | None]:
        params = self.params
        return [rights_gate(bool(row[CLEARED]), row["rights_basis"], row["licence"], params.rights_bases,
                            params.refused_licences) for row in rows]

    def _terms(self, rows: Rows) -> list[Decided | None]:
        return [self.terms(row["title"] or "", row["text"]) for row in rows]

    def _dates(self, rows: Rows) -> list[Decided | None]:
        """The gate on dates; the model judges many texts at once. Dates that a text bears count even of a few texts."""
        asked = [place for place, row in enumerate(rows) if self._asked(row["published"])]
        texts = [rows[place]["text"] for place in asked]
        beliefs = dict(zip(asked, self.dates.beliefs(texts), strict=True))
        cutoff_year = int(self.bounds.not_after[:4])
        borne = {place: own_date(text, cutoff_year) for place, text in zip(asked, texts, strict=True)}
        return [date_gate(row["published"], self.bounds, beliefs.get(place), borne.get(place))
                for place, row in enumerate(rows)]

    def _asked(self, published: str | None) -> bool:
        """Whether params ask what the date model says of a text."""
        return self.params.cutoff_by_text if published else self.params.unknown_date in ("model", "strict")

    def _languages(self, rows: Rows) -> list[Decided | None]:
        params = self.params
        found = foreign([row["text"] for row in rows], params.languages, params.language_chars,
                        params.language_windows, params.min_language_probability)
        return [Decided("drop", "language", one.probability, one.code) if one else None for one in found]

    def _heuristics(self, rows: Rows) -> list[Decided | None]:
        rules = self.heuristics.failed_rules([row["text"] for row in rows], [row["source"] for row in rows])
        return [Decided("drop", "heuristic", evidence=rule) if rule else None for rule in rules]

    def _quality(self, row: Mapping[str, Any]) -> Decided:
        if not self.is_judged(row["text"]):
            return Decided("keep", "ok")
        scores = self.scorer.score(row["doc_id"], row["text"])
        if scores.intact < self.params.profile_of(row["source"]).min_intact:
            return Decided("drop", "degraded", scores.intact)
        if scores.domain < self.params.min_quality:
            return Decided("drop", "quality", scores.domain)
        return Decided("keep", "ok", scores.domain)


if __name__ == "__main__":
    run_stage(main, CurateFilter)
