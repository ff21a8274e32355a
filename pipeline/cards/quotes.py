"""Examples of what each rule of curation took, with the beginning of their text: read from ledgers and tables.

Nothing is decided here.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipeline.cards.flows import input_table
from pipeline.lineage.chain import Run
from pipeline.schema.ledger import NAMED_BY_EVIDENCE, SURVIVES
from pipeline.tables.parquet import read_table, scan_table


class Example(NamedTuple):
    """One document that a rule took out."""

    source: str
    where: str
    """Path and locator of the document, or the ledger's key when it was never read."""
    decision: str
    score: float | None
    evidence: str
    """What the ledger adds to reason and rule; "" where it adds nothing."""
    kept_instead: str
    """Path of the survivor it was merged into; "" otherwise."""
    excerpt: str


class Taken(NamedTuple):
    """What one rule of a stage took."""

    reason: str
    rule: str
    """Which rule of the reason; "" where the reason is a single one."""
    documents: int
    """All that it took; `examples` are some of them."""
    examples: list[Example]


def taken(data: Path, stage: str, runs: Mapping[str, Run], each: int, chars: int) -> list[Taken]:
    """What each rule took, by reason and rule.

    The examples are the same ones every time: those with the lowest hash of their key.

    Args:
        each: examples a rule at most.
        chars: characters of an excerpt at most.
    """
    rule = pl.when(pl.col("reason").is_in(NAMED_BY_EVIDENCE)).then("evidence").otherwise(pl.lit(""))
    lost = read_table(data / stage / "ledger").filter(~pl.col("decision").is_in(SURVIVES))
    drawn = pl.Series("draw", [hashlib.sha256(key.encode()).digest() for key in lost["input_id"]], dtype=pl.Binary)
    rules = lost.with_columns(rule.alias("rule"), drawn).sort("draw").partition_by("reason", "rule", as_dict=True)
    picked = {key: rows.head(each) for key, rows in sorted(rules.items())}
    ids = [key for rows in picked.values() for name in ("input_id", "survivor_id") for key in rows[name]]
    texts = _texts(input_table(stage, runs), ids)
    return [Taken(str(reason), str(rule), rules[reason, rule].height,
                  [_example(row, texts, chars) for row in rows.iter_rows(named=True)])
            for (reason, rule), rows in picked.items()]


def _example(row: Mapping[str, str], texts: Mapping[str, tuple[str, str]], chars: int) -> Example:
    """The example of a ledger's row; `rule` is a column of it."""
    where, text = texts.get(row["input_id"], (row["input_id"], ""))
    survivor = texts.get(row["survivor_id"], (row["survivor_id"], ""))[0]
    more = "" if row["rule"] else row["evidence"]
    return Example(row["source"], where, row["decision"], row["score"], more, survivor, excerpt(text, chars))


def _texts(table: Path | None, ids: list[str]) -> dict[str, tuple[str, str]]:
    """doc_id -> (where it is from, its text)."""
    if table is None or not ids:
        return {}
    rows = scan_table(table).filter(pl.col("doc_id").is_in(ids)).select("doc_id", "path", "locator", "text").collect()
    return {doc_id: (f"{path}#{locator}" if locator else path, text)
            for doc_id, path, locator, text in rows.iter_rows()}


def excerpt(text: str, chars: int) -> str:
    """The beginning of a text on one line."""
    flat = " ".join(text[: 4 * chars].split())
    return flat if len(flat) <= chars else flat[:chars].rsplit(" ", 1)[0] + " ..."
