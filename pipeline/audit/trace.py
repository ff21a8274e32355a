"""`pedigree trace`: what became of a file of the lake, step by step, from the ledgers.

Every table is read only after its bytes were found to be those that the lineage records, so the answer
is as good as the lineage that `pedigree verify` checks. It holds no text of a document.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from pipeline.lineage.chain import Run, upstream
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.schema.ledger import REASONS, SURVIVES
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.records import read_records


class Step(NamedTuple):
    """What one stage decided."""

    stage: str
    decision: str
    reason: str
    score: float | None
    evidence: str
    survivor: str
    """Path of the document it was merged into; "" unless merged."""


class Trace(NamedTuple):
    """The way of one file, or of one record in it."""

    path: str
    doc_id: str
    """"" when it never became a document."""
    source: str
    steps: list[Step]
    used: dict[str, int]
    """Table made from documents -> rows that name this one."""

    @property
    def fate(self) -> str:
        """The end of the way in a few words."""
        last = self.steps[-1]
        if last.decision == "merge":
            return f"merged into {last.survivor} by {last.stage}: {last.reason}"
        if last.decision not in SURVIVES:
            return f"dropped by {last.stage}: {last.reason}"
        return f"kept by {last.stage}: {last.reason}"

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"path": self.path, "doc_id": self.doc_id, "source": self.source, "fate": self.fate,
                "steps": [step._asdict() for step in self.steps], "used": self.used}

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.path}  (source {self.source}{', document ' + self.doc_id if self.doc_id else ''})"
        for step in self.steps:
            score = "" if step.score is None else f", score {step.score:.4g}"
            evidence = f", {step.evidence}" if step.evidence else ""
            instead = f" -> {step.survivor}" if step.survivor else ""
            meaning = REASONS.get(step.reason, "").partition(";")[0]
            yield f"  {step.stage:21} {step.decision:6} {step.reason}: {meaning}{score}{evidence}{instead}"
        for table, count in self.used.items():
            yield f"  in {table}: {count:,} rows"
        yield f"  => {self.fate}"


class Tables(NamedTuple):
    """Where the ledgers and what is made of documents are."""

    first: str
    """The stage that makes documents of files."""
    stages: list[str]
    """Stages with a ledger, in order."""
    ledgers: dict[str, Path]
    documents: Path
    """What `first` made."""
    others: list[Path]
    """Tables whose rows may name documents."""


def trace(subject: str, lineage: Path, lake: Path, limit: int) -> tuple[list[Trace], int]:
    """The ways of all files and records that `subject` names, at most `limit`, and how many there are.

    Args:
        subject: a path in the lake (with or without the lake's own), "path#locator", a folder of the lake, a
            doc_id, or the sha256 of a file's bytes.

    Raises:
        BadInput: nothing of that name came in, or no table is there to look it up in.
        NotVerified: a table is not the one that the lineage records.
    """
    tables = find_tables({name: record.run for name, record in read_records(lineage).items()})
    con = duckdb.connect()
    con.execute("set threads to 1")
    keys = _keys(con, tables, subject, lake)
    if not keys:
        raise BadInput(subject, "nothing of that name came into the lake that the ledgers tell of",
                       wanted="a path in the lake, path#locator, a folder, a document's id or a file's sha256",
                       do="see `input_id` in data/curate_extract/ledger")
    return [_way(con, tables, key, source) for key, source in keys[:limit]], len(keys)


def find_tables(runs: Mapping[str, Run]) -> Tables:
    """The tables that the lineage names and this tree has, each with the bytes recorded for it.

    Raises:
        BadInput: there is no ledger.
        NotVerified: a table has other bytes.
    """
    ledgers = {name: path for name, run in runs.items() for path in run.products if path.endswith("/ledger")}
    if not ledgers:
        raise BadInput("lineage", "names no ledger", do="`dvc repro curate_mix` makes them")
    order = sorted(ledgers, key=lambda name: (len(upstream([ledgers[name]], runs)), name))
    first = order[0]
    documents = next(path for path in runs[first].products if path.endswith("/documents"))
    for path in [documents, *ledgers.values()]:
        _check(path, runs)
    used = sorted(path for run in runs.values() for path in run.products
                  if path.startswith("data/") and not path.endswith(("/documents", "/ledger", "/spans")))
    others = [Path(path) for path in used if any(Path(path).glob("part-*.parquet"))]
    for other in others:
        _check(other.as_posix(), runs)
    return Tables(first, order, {name: Path(path) for name, path in ledgers.items()}, Path(documents), others)


def _check(path: str, runs: Mapping[str, Run]) -> None:
    recorded = next(run.products[path] for run in runs.values() if path in run.products)
    if not Path(path).exists():
        raise BadInput(path, "is not here, so nothing can be traced through it", do="`dvc checkout` or `dvc pull`")
    found = hash_artefact(Path(path)).digest
    if found != recorded:
        raise NotVerified(path, "is not what the lineage records", wanted=recorded, got=found,
                          do="`dvc checkout` restores it")


def _keys(con: duckdb.DuckDBPyConnection, tables: Tables, subject: str, lake: Path) -> list[tuple[str, str]]:
    """(input_id, source) in the first ledger, sorted; the row of a split file gives way to those of its records."""
    name = subject.removeprefix(f"{lake.as_posix().rstrip('/')}/").rstrip("/")
    return con.execute(f"""
        with files as (select path, locator, doc_id, raw_sha256 from {_scan(tables.documents)}),
        named as (
            select input_id, source, decision from {_scan(tables.ledgers[tables.first])} ledger
            where input_id = $name or starts_with(input_id, $name || '#') or starts_with(input_id, $name || '/')
            or input_id in (select case when locator = '' then path else path || '#' || locator end from files
                            where doc_id = $name or raw_sha256 = $name))
        select input_id, source from named
        where decision <> 'split' order by input_id""", {"name": name}).fetchall()  # noqa: S608  # our own paths


def _way(con: duckdb.DuckDBPyConnection, tables: Tables, key: str, source: str) -> Trace:
    doc_id = _doc_id(con, tables, key)
    steps = []
    for stage in tables.stages:
        step = _step(con, tables, stage, key if stage == tables.first else doc_id)
        if step is not None:
            steps.append(step)
    return Trace(key, doc_id, source, steps, _used(con, tables, doc_id) if doc_id else {})


def _doc_id(con: duckdb.DuckDBPyConnection, tables: Tables, key: str) -> str:
    found = con.execute(f"""
        select doc_id from {_scan(tables.documents)}
        where case when locator = '' then path else path || '#' || locator end = $key""", {"key": key}).fetchone()  # noqa: S608
    return str(found[0]) if found else ""


def _step(con: duckdb.DuckDBPyConnection, tables: Tables, stage: str, key: str) -> Step | None:
    row = con.execute(f"""
        select decision, reason, score, evidence, survivor_id from {_scan(tables.ledgers[stage])}
        where input_id = $key""", {"key": key}).fetchone()  # noqa: S608
    if row is None:
        return None
    decision, reason, score, evidence, survivor = row
    return Step(stage, decision, reason, score, evidence, _path(con, tables, survivor) if survivor else "")


def _path(con: duckdb.DuckDBPyConnection, tables: Tables, doc_id: str) -> str:
    row = con.execute(f"select path, locator from {_scan(tables.documents)} where doc_id = $key",  # noqa: S608
                      {"key": doc_id}).fetchone()
    return doc_id if row is None else f"{row[0]}#{row[1]}" if row[1] else str(row[0])


def _used(con: duckdb.DuckDBPyConnection, tables: Tables, doc_id: str) -> dict[str, int]:
    """Rows that name the document: by its id, among several ids, or through an example made from it."""
    columns = {table: _columns(con, table) for table in tables.others}
    found: dict[str, int] = {}
    examples: set[str] = set()
    for table in tables.others:
        if "doc_id" in columns[table]:
            example = "example_id" if "example_id" in columns[table] else "''"
            rows = con.execute(f"select {example} from {_scan(table)} where doc_id = $key",  # noqa: S608
                               {"key": doc_id}).fetchall()
            found[table.as_posix()] = len(rows)
            examples |= {str(row[0]) for row in rows}
        elif "doc_ids" in columns[table]:
            found[table.as_posix()] = _count(con, table, "list_contains(doc_ids, $key)", {"key": doc_id})
    for table in tables.others:
        if "example_id" in columns[table] and "doc_id" not in columns[table]:
            found[table.as_posix()] = _count(con, table, "list_contains($examples, example_id)",
                                             {"examples": sorted(examples)})
    return {table: count for table, count in found.items() if count}


def _count(con: duckdb.DuckDBPyConnection, table: Path, where: str, values: dict[str, Any]) -> int:
    row = con.execute(f"select count(*) from {_scan(table)} where {where}", values).fetchone()  # noqa: S608
    assert row is not None
    return int(row[0])


def _columns(con: duckdb.DuckDBPyConnection, table: Path) -> set[str]:
    return {str(row[0]) for row in con.execute(f"describe select * from {_scan(table)}").fetchall()}  # noqa: S608


def _scan(table: Path) -> str:
    quoted = table.as_posix().replace("'", "''")
    return f"read_parquet('{quoted}/part-*.parquet')"
