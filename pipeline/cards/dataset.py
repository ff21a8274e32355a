"""What a data card says of one table: counted from its rows, and traced through the lineage of what made it."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipeline.cards.chain import Chain, chain_of
from pipeline.lineage.chain import Run
from pipeline.stage.hashing import Artefact, hash_artefact
from pipeline.stage.params import read_json
from pipeline.tables.parquet import read_table

GROUPED = ("split", "origin", "source", "kind", "task", "licence", "rights_basis", "language", "mime", "review_state",
           "constraint_kind")
"""Columns whose values are counted; they name kinds, never people or text."""
MAX_VALUES = 60
"""A column with more values than this holds no kinds."""


class Step(NamedTuple):
    """One curation stage upstream of the table."""

    stage: str
    records_in: int
    kept: int
    reasons: list[tuple[str, str, int]]
    """(decision, reason, count), sorted."""


class Residual(NamedTuple):
    """How much personal data a redaction overlooks, measured on made-up values planted in its documents."""

    planted: int
    share: float
    """Of the planted values that stayed."""


class Dataset(NamedTuple):
    """One table and where it is from."""

    name: str
    folder: str
    artefact: Artefact
    sizes: dict[str, int]
    """File -> bytes."""
    columns: dict[str, pl.DataType]
    rows: int
    characters: int
    """Of all text columns, lists and messages included."""
    counts: dict[str, dict[str, int]]
    """Column of GROUPED -> value -> rows."""
    published: tuple[str, str] | None
    """Earliest and latest date, when documents have one."""
    maker: str
    statement: str
    """Path of the statement of the stage that made it."""
    stages: list[str]
    """Every stage upstream, makers before users."""
    roots: list[tuple[str, str]]
    """(input that no stage makes, its sha256)."""
    steps: list[Step]
    personal: dict[str, int]
    """Type of personal data -> spans replaced, when a redaction is upstream."""
    residual: Residual | None


def describe(name: str, folder: str, lineage: Path, runs: Mapping[str, Run]) -> Dataset:
    """Everything about one table.

    Raises:
        BadInput: it is not a table.
        NotVerified: its bytes, or those of a ledger upstream, are not what the lineage records.
    """
    chain = chain_of(Path(folder), lineage, runs)
    table = read_table(Path(folder))
    artefact = hash_artefact(Path(folder))
    return Dataset(
        name, folder, artefact, {file: Path(folder, file).stat().st_size for file in artefact.entries},
        dict(table.schema), table.height, characters(table), counts(table), published(table), chain.maker,
        chain.statement(chain.maker), chain.stages, roots(chain), steps(chain), personal(chain), residual(chain))


def characters(table: pl.DataFrame) -> int:
    """Characters of every string in the table but keys, however deep it lies."""
    keys = {*GROUPED, "path", "locator", "published"}
    words = [name for name in table.columns if name not in keys and not name.endswith(("_id", "_sha256"))]
    return sum(_chars(table[name]) for name in words)


def _chars(values: pl.Series) -> int:
    if values.dtype == pl.String:
        return int(values.str.len_chars().sum())
    if isinstance(values.dtype, pl.List):
        return _chars(values.explode(empty_as_null=True, keep_nulls=True))
    if isinstance(values.dtype, pl.Struct):
        return sum(_chars(values.struct.field(field.name)) for field in values.dtype.fields if field.name != "role")
    return 0


def counts(table: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Rows per value of each column that names kinds."""
    found = {}
    for name in GROUPED:
        if table.schema.get(name) != pl.String:
            continue
        rows = table.group_by(name).len().sort(pl.col("len"), pl.col(name), descending=[True, False]).rows()
        if len(rows) <= MAX_VALUES:
            found[name] = {"unknown" if value in (None, "") else str(value): int(count) for value, count in rows}
    return found


def published(table: pl.DataFrame) -> tuple[str, str] | None:
    """The span of the documents' dates."""
    dates = table["published"].drop_nulls() if "published" in table.columns else pl.Series([], dtype=pl.String)
    return (str(dates.min()), str(dates.max())) if len(dates) else None


def roots(chain: Chain) -> list[tuple[str, str]]:
    """The inputs at the start of the chain: what people put in."""
    return sorted({(item.path, item.digest) for stage in chain.stages for item in chain.runs[stage].materials
                   if not item.producer})


def steps(chain: Chain) -> list[Step]:
    """The ledgers upstream, in order, each checked against its digest before it is counted."""
    found = []
    for stage in chain.stages:
        ledger = chain.product(stage, "/ledger")
        if ledger:
            rows = read_table(Path(chain.trusted(ledger))).filter(pl.col("decision") != "split")
            kinds = rows.group_by("decision", "reason").len().sort("decision", "reason").rows()
            kept = sum(count for decision, _, count in kinds if decision in ("keep", "edit"))
            found.append(Step(stage, rows.height, kept, [(str(a), str(b), int(n)) for a, b, n in kinds]))
    return found


def personal(chain: Chain) -> dict[str, int]:
    """Spans replaced, per type."""
    found: dict[str, int] = {}
    for stage in chain.stages:
        spans = chain.product(stage, "/spans")
        if spans:
            rows = read_table(Path(chain.trusted(spans))).group_by("entity_type").len().sort("entity_type")
            found |= {str(kind): int(count) for kind, count in rows.rows()}
    return found


def residual(chain: Chain) -> Residual | None:
    """What the redaction upstream is known to overlook."""
    for stage in chain.stages:
        found = chain.product(stage, "/residual.json")
        if found:
            values = read_json(Path(chain.trusted(found)))
            return Residual(int(values["planted"]), float(values["share"]))
    return None
