"""How documents and tokens flow through curation: read from ledgers and tables. Nothing is decided here."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl
from tokenizers import Tokenizer

from pipeline.cards.run_facts import Curation
from pipeline.lineage.chain import Run
from pipeline.schema.ledger import SURVIVES
from pipeline.tables.parquet import read_table, scan_table

EDITED = "edited away"
"""Loss of a document that was kept with less text."""


class Amount(NamedTuple):
    """What one decision did to one source in one stage."""

    source: str
    outcome: str
    """A reason; EDITED for what editing removed; "" for what went on."""
    documents: int
    tokens: float


class Flow(NamedTuple):
    """One stage of curation."""

    stage: str
    amounts: list[Amount]

    def total(self, outcome: str | None, unit: str) -> float:
        """Sum of `unit` (documents | tokens) over sources, of one outcome or of all."""
        return sum(getattr(row, unit) for row in self.amounts if outcome is None or row.outcome == outcome)


def flows(data: Path, ledgers: list[Curation], runs: Mapping[str, Run], rates: Mapping[str, float]) -> list[Flow]:
    """Every stage in order.

    Args:
        rates: source -> tokens a character (`token_rates`).
    """
    found = []
    for entry in ledgers:
        ledger = read_table(data / entry.stage / "ledger").filter(pl.col("decision") != "split")
        before, after = input_table(entry.stage, runs), data / entry.stage / "documents"
        sized = ledger.join(sizes(before, "before"), left_on="input_id", right_on="doc_id", how="left")
        sized = sized.join(sizes(after, "after"), left_on="input_id", right_on="doc_id", how="left")
        found.append(Flow(entry.stage, _amounts(sized, rates)))
    return found


def _amounts(sized: pl.DataFrame, rates: Mapping[str, float]) -> list[Amount]:
    found = []
    survives = pl.col("decision").is_in(SURVIVES)
    rows = sized.with_columns(pl.when(survives).then(pl.lit("")).otherwise(pl.col("reason")).alias("outcome"))
    sums = rows.group_by("source", "outcome").agg(
        pl.len().alias("documents"), pl.col("before").fill_null(0).sum(), pl.col("after").fill_null(0).sum())
    for source, outcome, documents, before, after in sums.sort("source", "outcome").iter_rows():
        rate = rates.get(source, 0.0)
        found.append(Amount(source, outcome, documents, rate * (before if outcome else after)))
        if not outcome and before > after:
            found.append(Amount(source, EDITED, 0, rate * (before - after)))
    return found


def input_table(stage: str, runs: Mapping[str, Run]) -> Path | None:
    """The documents a curation stage decides about: those of the curation stage before it."""
    ledgered = {name for name, run in runs.items() if any(path.endswith("/ledger") for path in run.products)}
    found = [item.path for item in runs[stage].materials
             if item.path.endswith("/documents") and item.producer in ledgered]
    return Path(found[0]) if found else None


def sizes(table: Path | None, name: str) -> pl.DataFrame:
    """Columns `doc_id` and `name`: characters of text. No table: no rows."""
    if table is None:
        return pl.DataFrame(schema={"doc_id": pl.String, name: pl.Int64})
    return scan_table(table).select("doc_id", pl.col("text").str.len_chars().cast(pl.Int64).alias(name)).collect()


def token_rates(documents: Path, tokenizer: Path, sample_chars: int) -> dict[str, float]:
    """Source -> tokens a character, on its first documents (by id) up to `sample_chars` characters."""
    vocabulary = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
    before = pl.col("text").str.len_chars().cum_sum().over("source") - pl.col("text").str.len_chars()
    sample = scan_table(documents).select("source", "text").filter(before < sample_chars).collect()
    rates = {}
    for (source,), rows in sorted(sample.partition_by("source", as_dict=True).items()):
        texts = [text[:sample_chars] for text in rows["text"]]
        tokens = sum(len(found) for found in vocabulary.encode_batch(texts, add_special_tokens=False))
        rates[str(source)] = tokens / max(sum(map(len, texts)), 1)
    return rates
