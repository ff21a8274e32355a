"""How documents and tokens flow through curation, and examples of what was left out: read from ledgers and tables.

Nothing is decided here; a document's text is read only for the examples.
"""

import hashlib
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


class Example(NamedTuple):
    """One document that a rule took out."""

    source: str
    where: str
    """Path and locator of the document, or the ledger's key when it was never read."""
    decision: str
    score: float | None
    evidence: str
    kept_instead: str
    """Path of the survivor it was merged into; "" otherwise."""
    excerpt: str


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


def examples(data: Path, stage: str, runs: Mapping[str, Run], each: int, chars: int) -> dict[str, list[Example]]:
    """Reason -> some of what it took, the same ones every time: those with the lowest hash of their key.

    Args:
        each: examples a reason at most.
        chars: characters of an excerpt at most.
    """
    ledger = read_table(data / stage / "ledger")
    lost = ledger.filter(~pl.col("decision").is_in(SURVIVES))
    drawn = pl.Series("draw", [hashlib.sha256(key.encode()).digest() for key in lost["input_id"]], dtype=pl.Binary)
    picked = lost.with_columns(drawn).sort("draw").group_by("reason", maintain_order=True).head(each)
    texts = _texts(input_table(stage, runs), [*picked["input_id"], *picked["survivor_id"]])
    found: dict[str, list[Example]] = {}
    for row in picked.sort("reason", "draw").iter_rows(named=True):
        where, text = texts.get(row["input_id"], (row["input_id"], ""))
        survivor = texts.get(row["survivor_id"], (row["survivor_id"], ""))[0]
        found.setdefault(row["reason"], []).append(Example(
            row["source"], where, row["decision"], row["score"], row["evidence"], survivor, excerpt(text, chars)))
    return found


def _texts(table: Path | None, ids: list[str]) -> dict[str, tuple[str, str]]:
    """doc_id -> (where it is from, its text)."""
    if table is None:
        return {}
    rows = scan_table(table).filter(pl.col("doc_id").is_in(ids)).select("doc_id", "path", "locator", "text").collect()
    return {doc_id: (f"{path}#{locator}" if locator else path, text)
            for doc_id, path, locator, text in rows.iter_rows()}


def excerpt(text: str, chars: int) -> str:
    """The beginning of a text on one line."""
    flat = " ".join(text[: 4 * chars].split())
    return flat if len(flat) <= chars else flat[:chars].rsplit(" ", 1)[0] + " ..."
