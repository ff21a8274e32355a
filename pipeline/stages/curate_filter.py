"""Stage `curate_filter`: rights, embargo, date, language, heuristics and learned quality, in this order.

Reads   --documents    table DOCUMENTS and cleared_for_training bool
        --quality      folder of quality_model: fastText models and scoring.json
Writes  --out          table DOCUMENTS: documents that pass every gate, unchanged
        --ledger       table LEDGER: the first gate that failed; score is P(domain) where the quality
                       model judged, P(language) for language

Rights come first: nothing is computed on text that must not be used.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.engine.execution import load_execution
from pipeline.engine.shards import gathered, sharded
from pipeline.schema.curate_filter import CurateFilter
from pipeline.schema.decided import Decided
from pipeline.schema.errors import BadInput
from pipeline.schema.execution import Execution
from pipeline.schema.ledger import LEDGER
from pipeline.stage.ledger import check_source_survival
from pipeline.stage.progress import say
from pipeline.stage.run import run_stage
from pipeline.tables.curated import kept_pieces, reason_counts, write_pieces
from pipeline.tables.ledger import ledger_table
from pipeline.tables.parquet import part_units, read_part, read_table, table_parts
from pipeline.text.gates import date_gate, embargo_gate, rights_gate
from pipeline.text.heuristics import Heuristics
from pipeline.text.language import foreign
from pipeline.text.quality import QualityScorer

CLEARED = "cleared_for_training"


def main(documents: Path, quality: Path, out: Path, ledger: Path, params: CurateFilter) -> dict[str, object]:
    """Filter on the engine that execution.yaml names."""
    rows = filtered(documents, quality, out, ledger, params, load_execution())
    say(f"{reason_counts(rows)}")
    return {"reasons": reason_counts(rows)}


def filtered(documents: Path, quality: Path, out: Path, ledger: Path, params: CurateFilter,
             execution: Execution) -> pl.DataFrame:
    """Decide each document by itself, so that neither order nor company matters; returns the ledger."""
    if read_part(table_parts(documents)[0]).schema.get(CLEARED) != pl.Boolean:
        raise BadInput(str(documents), f"column `{CLEARED}` is missing", wanted="bool", do="run stage curate_extract")
    work = FilterShard(str(quality.resolve()), params)
    with sharded(work, part_units(documents), out, execution, "parts filtered", reads=(documents, quality)) as tables:
        rows = gathered(tables)["ledger"].sort("input_id")

    def check(ledger_rows: pl.DataFrame) -> None:
        check_source_survival("curate_filter", ledger_rows, params.max_loss, params.default_max_loss)

    inputs = read_table(documents, ["doc_id", "source"])
    return write_pieces("curate_filter", inputs, kept_pieces(documents, rows), out, ledger, check)


@dataclass(frozen=True)
class FilterShard:
    """Callable on parts of the documents table; picklable, so that it runs on any engine."""

    quality: str
    params: CurateFilter

    def __call__(self, parts: pl.DataFrame, tick: Callable[[], None]) -> dict[str, pl.DataFrame]:
        """Table `ledger`."""
        gates = Gates(self.params, QualityScorer(Path(self.quality)))
        rows = [pl.DataFrame(schema=LEDGER)]
        for part in parts["part"]:
            table = read_part(Path(part))
            rows.append(ledger_table(table, [gates.decide(row) for row in table.iter_rows(named=True)]))
            tick()
        return {"ledger": pl.concat(rows)}


class Gates:
    """Every gate with its thresholds and models."""

    def __init__(self, params: CurateFilter, scorer: QualityScorer) -> None:
        self.params, self.scorer = params, scorer
        self.heuristics = Heuristics(params)
        self.terms = [re.compile(term) for term in params.embargo_terms]

    def decide(self, row: Mapping[str, str]) -> Decided:
        """The first gate that `row` (DOCUMENTS) fails, or keep."""
        params, text = self.params, row["text"]
        return (
            rights_gate(bool(row[CLEARED]), row["rights_basis"], row["licence"], params.rights_bases,
                        params.refused_licences)
            or embargo_gate(f"{row['title'] or ''}\n{text}", self.terms)
            or date_gate(row["published"], params.not_before, params.not_after, params.unknown_date)
            or self._language(text)
            or self._heuristics(text)
            or self._quality(row["doc_id"], text)
        )

    def _language(self, text: str) -> Decided | None:
        params = self.params
        found = foreign(text, params.languages, params.language_chars, params.min_language_probability)
        return Decided("drop", "language", found.probability, found.code) if found else None

    def _heuristics(self, text: str) -> Decided | None:
        rule = self.heuristics.failed_rule(text)
        return Decided("drop", "heuristic", evidence=rule) if rule else None

    def _quality(self, doc_id: str, text: str) -> Decided:
        score = self.scorer.score(doc_id, text)
        if score < self.params.min_quality and len(text.split()) >= self.params.min_quality_words:
            return Decided("drop", "quality", score)
        return Decided("keep", "ok", score)


if __name__ == "__main__":
    run_stage(main, CurateFilter)
