"""What the quality model's held-out scores are worth, and where each source was cut: read from two stages' metrics."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.cards.recorded import has_product
from pipeline.lineage.chain import Run
from pipeline.schema.errors import BadInput
from pipeline.stage.params import read_json

MODEL, FILTER = "quality_model", "curate_filter"
COMPARED = {"general": "documents of the domain above general text",
            "labels": "documents that people labelled good above those labelled bad",
            "intact": "P(intact) of whole documents above that of spoilt ones"}
"""Name of an area under the ROC curve -> what it compares; any other name is a way in which documents were spoilt."""


class Tenth(NamedTuple):
    """Held-out scores in one tenth of [0, 1]; all numbers but `scores` are shares."""

    predicted: float
    observed: float
    weight: float
    scores: int


class Cut(NamedTuple):
    """The bottom share of one source."""

    source: str
    documents: int
    share: float | None
    """Share of the judged documents that was to go; None where the record does not say."""
    cut: float | None
    """P(in domain) below which a document went; None where the source loses no share."""
    below: int
    """Documents that went for it."""


class Quality(NamedTuple):
    """The model's calibration and what was cut by it."""

    tenths: list[Tenth]
    error: float
    """Expected calibration error."""
    brier: float
    auc: list[tuple[str, float]]
    """(what is compared, area under the ROC curve)."""
    cuts: list[Cut]
    """By source."""


def quality(data: Path, runs: Mapping[str, Run]) -> Quality | None:
    """None when no recorded stage measured the model, or its files are not here.

    Raises:
        BadInput: a file is not what its stage recorded, or lacks a number.
    """
    metrics, table, filtered = (data / MODEL / "metrics.json", data / MODEL / "reliability.csv",
                                data / FILTER / "metrics.json")
    if not (has_product(metrics, runs) and has_product(table, runs)):
        return None
    try:
        measured = read_json(metrics)
        cuts = _cuts(read_json(filtered), runs) if has_product(filtered, runs) else []
        return Quality(_tenths(table), measured["calibration"]["error"], measured["calibration"]["brier"],
                       sorted((_compared(name), value) for name, value in measured["auc"].items()), cuts)
    except (KeyError, ValueError) as err:
        raise BadInput(str(data / MODEL), f"lacks a number ({err!r})", do=f"`dvc repro {MODEL}`") from err


def _tenths(table: Path) -> list[Tenth]:
    with table.open(encoding="utf-8", newline="") as stream:
        return [Tenth(float(row["predicted"]), float(row["observed"]), float(row["weight"]), int(row["scores"]))
                for row in csv.DictReader(stream)]


def _cuts(metrics: Mapping[str, Any], runs: Mapping[str, Run]) -> list[Cut]:
    section: Any = runs[FILTER].params.get(FILTER, {})
    drop = section.get("quality_drop", {})
    return [Cut(source, row["documents"], drop.get("sources", {}).get(source, drop.get("default")),
                row["quality_cut"], row["reasons"].get("quality_bottom", 0))
            for source, row in sorted(metrics["sources"].items())]


def _compared(name: str) -> str:
    return COMPARED.get(name, f"documents of the domain above the same documents spoilt: {name}")
