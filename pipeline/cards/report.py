"""The report page from what a run says of itself."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from pipeline.cards import dag, svg
from pipeline.cards.report_template import PAGE, STYLE
from pipeline.cards.run_facts import (
    COLUMNS,
    Checkpoint,
    Curation,
    Curve,
    captions,
    explain,
    graph,
    summary,
)
from pipeline.lineage.chain import Run
from pipeline.schema.ledger import SURVIVES

LABELS = {"in_domain_perplexity": "In-domain perplexity", "general_perplexity": "General perplexity",
          "format": "Format", "citation_precision": "Citation precision", "citation_recall": "Citation recall",
          "refusal": "Refusal", "multi_turn": "Multi-turn"}
"""Column -> heading, in order."""


def page(rows: list[Checkpoint], ledgers: list[Curation], losses: list[Curve], runs: Mapping[str, Run],
         models: str) -> str:
    """The whole HTML page."""
    environment = Environment(undefined=StrictUndefined, autoescape=True, keep_trailing_newline=True)
    environment.filters |= {"score": score, "interval": interval, "short": svg.short, "change": change,
                            "change_interval": change_interval, "bound": bound, "detectable": detectable}
    return environment.from_string(PAGE).render(
        style=Markup(STYLE),  # noqa: S704  # a constant of ours
        labels=LABELS, rows=rows, summary=summary(rows, ledgers), runs=sorted(runs.items()),
        first_in=f"{ledgers[0].total:,}" if ledgers else "unknown", models=models,
        score_charts=score_charts(rows), checks=[(row.name, name, found) for row in rows
                                                 for name, found in row.gate.get("checks", {}).items()],
        dag=dag.draw(graph(runs), captions(runs, ledgers), "Stages of the pipeline", "dag"),
        curation=[curation_part(entry) for entry in ledgers], curves=losses,
        curve_charts=[(curve.name, svg.curve(f"curve-{number}", f"Training loss of {curve.name}", curve.steps,
                                             curve.losses)) for number, curve in enumerate(losses) if curve.steps],
        example=example(rows, runs, models))


def score_charts(rows: list[Checkpoint]) -> list[tuple[str, Markup]]:
    """One chart a column; shares have an axis up to 1."""
    charts = []
    for number, (column, label) in enumerate(LABELS.items()):
        points = [svg.Point(row.name, *estimate(row.metrics, column)) for row in rows if COLUMNS[column] in row.metrics]
        charts.append((label, svg.scores(f"score-{number}", label, points, None if "perplexity" in column else 1.0)))
    return charts


def curation_part(entry: Curation) -> tuple[Curation, Markup, list[Any], list[str]]:
    """A stage with its bar, its reasons (why, meaning, decision, total, count by source) and its sources."""
    bar = svg.stacked(f"bar-{entry.stage}", f"Decisions of {entry.stage}", [
        svg.Band("kept", entry.kept, "kept"), svg.Band("merged", entry.decided("merge"), "merged"),
        svg.Band("dropped", entry.decided("drop"), "dropped")])
    sources = sorted(set(entry.rows["source"]))
    reasons = []
    for (decision, reason), rows in sorted(entry.rows.partition_by("decision", "reason", as_dict=True).items()):
        counts = dict(rows.select("source", "count").iter_rows())
        reasons.append((reason, explain(str(reason)), decision, int(rows["count"].sum()),
                        [counts.get(source, 0) for source in sources]))
    reasons.sort(key=lambda row: (row[2] in SURVIVES, -row[3], row[0]))
    return entry, bar, reasons, sources


def estimate(metrics: dict[str, Any], column: str) -> tuple[float, float, float]:
    """Value, low, high of a column; without an interval all three are the value."""
    name = COLUMNS[column]
    value = float(metrics[name])
    low, high, *_ = metrics.get("intervals", {}).get(name, [value, value])
    return value, float(low), float(high)


def score(metrics: dict[str, Any], column: str) -> str:
    """A column's value, or a dash in words."""
    return svg.short(estimate(metrics, column)[0]) if COLUMNS[column] in metrics else "not measured"


def interval(metrics: dict[str, Any], column: str) -> str:
    """A column's interval."""
    if COLUMNS[column] not in metrics:
        return ""
    _, low, high = estimate(metrics, column)
    return f"{svg.short(low)} to {svg.short(high)}"


def change(check: dict[str, Any]) -> str:
    """A check's difference: relative for perplexities, else absolute."""
    return _signed(check["difference"], check)


def change_interval(check: dict[str, Any]) -> str:
    """Its interval, when there are enough items to know one."""
    if check["interval"] is None:
        return "too few items"
    return " to ".join(_signed(end, check) for end in check["interval"])


def bound(check: dict[str, Any]) -> str:
    """What the check asks for."""
    return f"{check['keeps']} {_signed(check['threshold'], check)}"


def detectable(check: dict[str, Any]) -> str:
    """The smallest difference that would be seen."""
    return "none" if check["smallest_detectable"] is None else _signed(check["smallest_detectable"], check).lstrip("+")


def example(rows: list[Checkpoint], runs: Mapping[str, Run], models: str) -> dict[str, str]:
    """The last checkpoint's folder, and from there its manifest, for a command to copy."""
    folder = f"{models}/{rows[-1].name}"
    found = [f"lineage/{stage}/{run.manifests[folder]}" for stage, run in sorted(runs.items())
             if folder in run.products]
    back = "../" * (folder.count("/") + 1)
    return {"folder": folder, "manifest": back + (found[0] if found else "lineage/STAGE/MANIFEST")}


def _signed(value: float, check: dict[str, Any]) -> str:
    return f"{value:+.1%}" if check["keeps"] == "at most" else f"{value:+.2f}"
