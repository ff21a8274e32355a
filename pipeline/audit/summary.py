"""The checkpoints of a run as a plain-text table."""

from collections.abc import Mapping
from typing import Any

COLUMNS = {
    "name": "checkpoint",
    "in_domain_perplexity": "in-domain ppl",
    "general_perplexity": "general ppl",
    "format": "format",
    "citation_precision": "cit. prec.",
    "citation_recall": "cit. recall",
    "refusal": "refusal",
    "multi_turn": "multi-turn",
    "judge_win_rate": "judge win",
    "gate": "gate",
    "attested": "attested",
}
"""Key in report/summary.json -> heading. Perplexities per token; the rest are shares in [0, 1]."""


def table(summary: Mapping[str, Any]) -> str:
    """One row a checkpoint, in pipeline order."""
    rows = [list(COLUMNS.values())]
    rows += [[_cell(checkpoint.get(key)) for key in COLUMNS] for checkpoint in summary["checkpoints"]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}" if value < 10 else f"{value:.1f}"
    return "-" if value is None else str(value)
