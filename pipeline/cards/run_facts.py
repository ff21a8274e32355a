"""What a finished run says of itself, read from lineage/, data/ and models/: the content of the report.

Nothing is recomputed here; what is missing is left out and shown as missing.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from pipeline.cards.recorded import has_product
from pipeline.cards.sources import num_rows
from pipeline.lineage.chain import Run, upstream
from pipeline.schema.errors import BadInput
from pipeline.schema.ledger import REASONS, SURVIVES
from pipeline.stage.params import read_json
from pipeline.tables.parquet import read_table

COLUMNS = {"in_domain_perplexity": "in_domain_perplexity", "general_perplexity": "general_perplexity",
           "format": "format_adherence", "citation_precision": "citation_precision",
           "citation_recall": "citation_recall", "refusal": "refusal_balanced", "multi_turn": "multi_turn"}
"""Column of the checkpoint table -> name in metrics.json."""


TABLES = ("documents", "examples", "files", "items", "pairs", "rows", "dialogues")
"""Names of the tables whose rows are counted: what a stage makes, not what tells how it made it."""

EACH = ("evaluate", "gate")
"""Stages that run for every checkpoint; they are drawn once."""


class Checkpoint(NamedTuple):
    """One row of the table."""

    name: str
    metrics: dict[str, Any]
    gate: dict[str, Any]
    attested: bool
    """Whether a signature file is there; `pedigree verify` says whether it holds."""


class Curation(NamedTuple):
    """One curation stage, from its ledger."""

    stage: str
    rows: pl.DataFrame
    """Columns source, decision, reason, count; sorted."""

    def decided(self, *decisions: str) -> int:
        """Inputs with one of these decisions."""
        return int(self.rows.filter(pl.col("decision").is_in(decisions))["count"].sum())

    @property
    def total(self) -> int:
        """All inputs."""
        return int(self.rows["count"].sum())

    @property
    def kept(self) -> int:
        """Inputs that went on."""
        return self.decided(*SURVIVES)


class Curve(NamedTuple):
    """A training curve."""

    name: str
    steps: list[float]
    losses: list[float]


def checkpoints(models: Path, runs: Mapping[str, Run]) -> list[Checkpoint]:
    """Every evaluated checkpoint, makers before users.

    Raises:
        BadInput: none is evaluated.
    """
    names = [path.parent.name.removesuffix(".eval") for path in sorted(models.glob("*.eval/metrics.json"))]
    if not names:
        raise BadInput(str(models), "holds no evaluation", wanted="*.eval/metrics.json", do="`dvc repro evaluate`")
    found = []
    for name in sorted(names, key=lambda name: (depth(f"{models.as_posix()}/{name}", runs), name)):
        gate = models / f"{name}.gate" / "gate.json"
        found.append(Checkpoint(name, read_json(models / f"{name}.eval" / "metrics.json"),
                                read_json(gate) if gate.is_file() else {},
                                (models / f"{name}.attestation" / "model.sig").is_file()))
    return found


def depth(artefact: str, runs: Mapping[str, Run]) -> int:
    """Stages behind an artefact; 0 when the lineage does not know it."""
    known = any(artefact in run.products for run in runs.values())
    return len(upstream([artefact], runs)) if known else 0


def curation(data: Path, runs: Mapping[str, Run]) -> list[Curation]:
    """Every stage whose ledger is here, in the order in which they ran.

    Raises:
        BadInput: a ledger is not the one its stage recorded.
    """
    ledgers = {stage: data / stage / "ledger" for stage in runs}
    stages = [stage for stage, path in ledgers.items() if path.as_posix() in runs[stage].products
              and has_product(path, runs)]
    found = []
    for stage in sorted(stages, key=lambda stage: (depth(ledgers[stage].as_posix(), runs), stage)):
        ledger = read_table(ledgers[stage])
        counts = ledger.group_by("source", "decision", "reason").agg(pl.len().cast(pl.Int64).alias("count"))
        found.append(Curation(stage, counts.sort("source", "decision", "reason")))
    return found


def curves(models: Path, order: list[str]) -> list[Curve]:
    """Loss curves of all training stages, those of `order` first."""
    found = {}
    for path in sorted(models.glob("*.train/curve.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        points = [(float(row["step"]), float(row["loss"])) for row in rows if row.get("step") and row.get("loss")]
        name = path.parent.name.removesuffix(".train")
        found[name] = Curve(name, [step for step, _ in points], [loss for _, loss in points])
    ranked = {name: number for number, name in enumerate(order)}
    return [found[name] for name in sorted(found, key=lambda name: (ranked.get(name, len(ranked)), name))]


def graph(runs: Mapping[str, Run]) -> dict[str, frozenset[str]]:
    """Stage -> the stages it needs; the many evaluations are one node, and so are the gates."""
    found: dict[str, set[str]] = {}
    for stage, run in runs.items():
        needs = {node_of(item.producer) for item in run.materials if item.producer in runs}
        found.setdefault(node_of(stage), set()).update(needs - {node_of(stage)})
    return {node: frozenset(needs) for node, needs in sorted(found.items())}


def node_of(stage: str) -> str:
    """The node a stage is drawn as."""
    name = stage.partition("@")[0]
    return name if name in EACH else stage


def captions(runs: Mapping[str, Run], ledgers: list[Curation]) -> dict[str, str]:
    """Node -> how many documents or rows came out; curation stages also say how many came in."""
    found = dict.fromkeys(EACH, "each checkpoint") | {
        entry.stage: f"{entry.total:,} in, {entry.kept:,} kept" for entry in ledgers}
    for stage, run in sorted(runs.items()):
        if node_of(stage) in found:
            continue
        tables = [path for path in map(Path, sorted(run.products)) if path.name in TABLES and is_table(path)]
        if tables:
            found[stage] = f"{num_rows(tables[0]):,} {tables[0].name}"
    return found


def is_table(path: Path) -> bool:
    """Whether a table is at `path`."""
    return path.is_dir() and any(path.glob("part-*.parquet"))


def summary(rows: list[Checkpoint], ledgers: list[Curation]) -> dict[str, Any]:
    """The content of report/summary.json, flat enough to plot."""
    return {
        "checkpoints": [
            {"name": row.name, **{column: row.metrics.get(metric) for column, metric in COLUMNS.items()},
             "judge_win_rate": (row.gate.get("judge_win_rate") or {}).get("value"),
             "gate": row.gate.get("verdict", "not gated"), "attested": row.attested} for row in rows],
        "curation": [
            {"stage": entry.stage, "in": entry.total, "kept": entry.kept, "merged": entry.decided("merge"),
             "dropped": entry.decided("drop"),
             "reasons": dict(entry.rows.group_by("reason").agg(pl.col("count").sum()).sort("reason").iter_rows())}
            for entry in ledgers],
    }


def headline(rows: list[Checkpoint], ledgers: list[Curation]) -> dict[str, Any]:
    """The content of report/headline.json: few enough numbers that `dvc exp show` is a table one can read.

    All scores of the last checkpoint; of those on the way to it, whether the domain was learned and the judge
    liked what it saw.
    """
    rates = {row.name: row.gate.get("judge_win_rate") for row in rows}
    on_the_way = {row.name: {"in_domain_perplexity": row.metrics.get("in_domain_perplexity"),
                             **({"judge_win_rate": rate["value"]} if (rate := rates[row.name]) else {})}
                  for row in rows[:-1]}
    last = {column: rows[-1].metrics[metric] for column, metric in COLUMNS.items() if metric in rows[-1].metrics}
    kept = {"documents": ledgers[-1].kept} if ledgers else {}
    return {**kept, **on_the_way, rows[-1].name: last}


def explain(reason: str) -> str:
    """What a ledger's reason means."""
    return REASONS.get(reason, "not in the vocabulary").partition(";")[0]
