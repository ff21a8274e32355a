"""Examples of what each rule of curation took, with the beginning of the text that went: read from ledgers and tables.

Nothing is decided here, but for what is not shown: see `withheld`.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from pipeline.cards.flows import input_table
from pipeline.lineage.chain import Run, upstream
from pipeline.schema.curation_report import CurationReport
from pipeline.schema.ledger import CUT, LEDGER, NAMED_BY_EVIDENCE, NOT_QUOTED, SURVIVES
from pipeline.tables.parquet import read_some, read_table

REDACTS = "curate_redact"
"""The stage that replaces personal data. Were it named otherwise, nothing would count as redacted."""

Texts = Mapping[str, tuple[str, str]]
"""doc_id -> (where it is from, its text, "" where it is not to be quoted)."""


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
    withheld: str
    """Why none is quoted; "" when they are, or have no text yet."""
    examples: list[Example]


def taken(data: Path, stage: str, runs: Mapping[str, Run], params: CurationReport) -> list[Taken]:
    """What each rule took, by reason and rule.

    The examples are the same ones every time: those with the lowest hash of their key.
    """
    table = input_table(stage, runs)
    rules = _rules(read_table(data / stage / "ledger"))
    why = {key: withheld(key[0], table, runs, params) for key in rules}
    picked = {key: rows.head(params.examples) for key, rows in rules.items()}
    shown = pl.concat(picked.values()) if picked else pl.DataFrame(schema=LEDGER)
    quoted = [one for key, rows in picked.items() if not why[key] for one in rows["input_id"]]
    survivors = [one for one in shown["survivor_id"] if one]
    # a survivor of a stage that reads files is in what it wrote, one that was lost later in the stage in what it read
    texts = {**_texts(data / stage / "documents", survivors, []),
             **_texts(table, [*shown["input_id"], *survivors], quoted)}
    texts |= _cuts(texts, _texts(data / stage / "documents", quoted, quoted), shown)
    return [Taken(*key, rules[key].height, why[key],
                  [_example(row, texts, params.excerpt_chars) for row in rows.iter_rows(named=True)])
            for key, rows in picked.items()]


def _rules(ledger: pl.DataFrame) -> dict[tuple[str, str], pl.DataFrame]:
    """(reason, rule) -> the rows it took or cut, lowest hash first; `rule` is a column too. Sorted."""
    rule = pl.when(pl.col("reason").is_in(NAMED_BY_EVIDENCE)).then("evidence").otherwise(pl.lit(""))
    is_lost = ~pl.col("decision").is_in(SURVIVES) | pl.col("reason").is_in(CUT)
    lost = ledger.filter(is_lost).with_columns(rule.alias("rule"))
    drawn = pl.Series("draw", [hashlib.sha256(key.encode()).digest() for key in lost["input_id"]], dtype=pl.Binary)
    parts = lost.with_columns(drawn).sort("draw").partition_by("reason", "rule", as_dict=True)
    return {(str(reason), str(name)): rows for (reason, name), rows in sorted(parts.items())}


def withheld(reason: str, table: Path | None, runs: Mapping[str, Run], params: CurationReport) -> str:
    """Why the text of `table` is not quoted when `reason` took it; "" when it may be, or there is no table."""
    if table is None:
        return ""
    if reason in NOT_QUOTED:
        return "the reason forbids to show the text as well"
    redacted = REDACTS in upstream([table.as_posix()], runs)
    return "" if redacted or params.quote_unredacted else "personal data had not been replaced yet"


def _example(row: Mapping[str, Any], texts: Texts, chars: int) -> Example:
    """The example of a row of `_rules`."""
    where, text = texts.get(row["input_id"], (row["input_id"], ""))
    survivor, _ = texts.get(row["survivor_id"], (row["survivor_id"], ""))
    return Example(row["source"], where, row["decision"], row["score"], "" if row["rule"] else row["evidence"],
                   survivor, excerpt(text, chars))


def _texts(table: Path | None, ids: list[str], quoted: list[str]) -> Texts:
    """The documents of a table with these ids; the text of those in `quoted`. The table is read once."""
    if table is None or not ids:
        return {}
    text = pl.when(pl.col("doc_id").is_in(quoted)).then("text").otherwise(pl.lit("")).alias("text")
    rows = read_some(table, ["doc_id", "path", "locator", text], pl.col("doc_id").is_in(ids))
    return {doc_id: (f"{path}#{locator}" if locator else path, text)
            for doc_id, path, locator, text in rows.iter_rows()}


def _cuts(before: Texts, after: Texts, shown: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """The documents that were kept with less, with the lines that are gone as their text."""
    cut = [key for key in shown.filter(pl.col("reason").is_in(CUT))["input_id"] if key in before and key in after]
    return {key: (before[key][0], _gone(before[key][1], after[key][1])) for key in cut}


def _gone(before: str, after: str) -> str:
    left = set(after.split("\n"))
    return "\n".join(line for line in before.split("\n") if line not in left)


def excerpt(text: str, chars: int) -> str:
    """The beginning of a text on one line."""
    flat = " ".join(text[: 4 * chars].split())
    return flat if len(flat) <= chars else flat[:chars].rsplit(" ", 1)[0] + " ..."
