"""Compare a checkpoint with the one before it, item by item, and give a verdict that says how sure it is.

For every check, with D the change and B its bound (in params.yaml: gate.checks):

    pass          the items show that D keeps to B
    regression    the items show that D is a loss, and one beyond B
    no evidence   they show neither; `items_needed` says how many would

"Show" is a one-sided paired t-test. Regressions are adjusted by Holm over the checks of a checkpoint:
with nothing worse, at most (1 - confidence) / 2 of all gates block. Passes need no adjustment: the
whole gate passes only when every check does, and that intersection is no likelier to err than its
likeliest member (Berger 1982, doi:10.2307/1269594).
Pure functions: tables in, JSON values out.
"""

import json
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from pipeline.evals.statistics import Difference, Floats, holm, paired_log_ratio, paired_scores, win_rate
from pipeline.schema.errors import BadInput
from pipeline.schema.gate import PERPLEXITIES, Gate

TASK_OF = {"in_domain_perplexity": "in_domain_perplexity", "general_perplexity": "general_perplexity",
           "format_adherence": "format", "citation_recall": "citation", "refusal_balanced": "refusal",
           "rubric": "rubric", "multi_turn": "multi_turn"}
"""Check -> task in the answers table."""

PASS, REGRESSION, NO_EVIDENCE = "pass", "regression", "no evidence"
NO_EARLIER = "no earlier checkpoint"

DIGITS = 6
"""Decimals kept in gate.json: beyond what any verdict rests on, short enough to read in a diff."""


class Test(NamedTuple):
    """One check before its verdict."""

    name: str
    before: float
    after: float
    difference: Difference
    """Perplexities: of the log; scores: absolute."""
    bound: float
    """On the scale of `difference`."""

    @property
    def lower_is_better(self) -> bool:
        """Whether a rise is a loss."""
        return self.name in PERPLEXITIES

    def p_pass(self) -> float:
        """Small when the items show that the bound is kept."""
        return self.difference.p_below(self.bound) if self.lower_is_better else self.difference.p_above(self.bound)

    def p_regression(self) -> float:
        """Small when the items show a loss beyond the bound; missing a target is no loss."""
        if self.lower_is_better:
            return self.difference.p_above(max(self.bound, 0.0))
        return self.difference.p_below(min(self.bound, 0.0))


def gate_record(checkpoint: str, before: tuple[pl.DataFrame, Mapping[str, float]],
                after: tuple[pl.DataFrame, Mapping[str, float]], params: Gate, *, first: bool) -> dict[str, object]:
    """The content of gate.json.

    Args:
        before: answers table and metrics of the checkpoint before; `after` alike.
        first: whether nothing came before (`before` is then `after`).

    Raises:
        BadInput: params declare no checks for this checkpoint, or the two were not asked the same items.
    """
    if checkpoint not in params.checks:
        raise BadInput("params.yaml", f"`gate.checks` does not name checkpoint {checkpoint!r}",
                       wanted=", ".join(params.checks), do="declare its checks, or `{}` for none")
    if first:
        return {"checkpoint": checkpoint, "verdict": NO_EVIDENCE, "reason": NO_EARLIER, "checks": {},
                "judge_win_rate": None}
    tests = [make_test(name, bound, before, after)
             for name, bound in sorted(params.checks[checkpoint].items())]  # DVC calls another order unchanged
    verdicts = decide(tests, params.confidence)
    return {
        "checkpoint": checkpoint,
        "verdict": overall(verdicts),
        "reason": reason(tests, verdicts),
        "checks": {test.name: check_record(test, verdict, params)
                   for test, verdict in zip(tests, verdicts, strict=True)},
        "judge_win_rate": preference(before[0], after[0], params),
    }


def make_test(name: str, bound: float, before: tuple[pl.DataFrame, Mapping[str, float]],
              after: tuple[pl.DataFrame, Mapping[str, float]]) -> Test:
    """The paired difference of check `name` and its bound on the same scale."""
    pairs = paired_items(before[0], after[0], TASK_OF[name])
    values = float(before[1][name]), float(after[1][name])
    if name not in PERPLEXITIES:
        return Test(name, *values, score_difference(name, pairs), bound)
    return Test(name, *values, perplexity_difference(pairs), math.log1p(bound))


def paired_items(before: pl.DataFrame, after: pl.DataFrame, task: str) -> pl.DataFrame:
    """One row an item of `task`: item_id, score_before, score_after, parts_before, parts_after; by item_id.

    Raises:
        BadInput: the two tables do not hold the same items.
    """
    columns = ["item_id", "score", "parts"]
    old, new = (table.filter(pl.col("task") == task).select(columns) for table in (before, after))
    if set(old["item_id"]) != set(new["item_id"]):
        odd = sorted(set(old["item_id"]) ^ set(new["item_id"]))
        raise BadInput(f"task {task}", "the two checkpoints were not asked the same items",
                       got=f"{len(odd)} items on one side only, e.g. {odd[:3]}", do="evaluate both again")
    renamed = [table.rename({"score": f"score_{side}", "parts": f"parts_{side}"})
               for table, side in ((old, "before"), (new, "after"))]
    return renamed[0].join(renamed[1], on="item_id").sort("item_id")


def score_difference(name: str, pairs: pl.DataFrame) -> Difference:
    """Of scores in [0, 1]; refusal is balanced over answerable and unanswerable, recall leaves the latter out."""
    answerable = part(pairs, "parts_after", "answerable") if name in ("citation_recall", "refusal_balanced") else None
    before, after = scores(pairs, "score_before"), scores(pairs, "score_after")
    if answerable is None:
        return paired_scores([before], [after])
    kinds = [answerable == 1] if name == "citation_recall" else [answerable == 1, answerable == 0]
    return paired_scores([before[kind] for kind in kinds], [after[kind] for kind in kinds])


def perplexity_difference(pairs: pl.DataFrame) -> Difference:
    """Of log perplexity. Documents weigh by tokens.

    Raises:
        BadInput: a document has other token counts before and after: the tokenizers differ.
    """
    tokens = part(pairs, "parts_before", "tokens")
    if not np.array_equal(tokens, part(pairs, "parts_after", "tokens")):
        raise BadInput("perplexity", "the two checkpoints count tokens differently, so their perplexities "
                       "cannot be compared", do="compare checkpoints that share a tokenizer")
    return paired_log_ratio(part(pairs, "parts_before", "nats"), part(pairs, "parts_after", "nats"), tokens)


def decide(tests: list[Test], confidence: float) -> list[str]:
    """A verdict for each test, in order."""
    level = (1 - confidence) / 2
    lost = holm([test.p_regression() for test in tests])
    return [PASS if test.p_pass() <= level else REGRESSION if adjusted <= level else NO_EVIDENCE
            for test, adjusted in zip(tests, lost, strict=True)]


def overall(verdicts: list[str]) -> str:
    """regression if any check is one, pass if there are checks and all pass, else no evidence."""
    if REGRESSION in verdicts:
        return REGRESSION
    return PASS if verdicts and set(verdicts) == {PASS} else NO_EVIDENCE


def reason(tests: list[Test], verdicts: list[str]) -> str:
    """What decided the whole verdict, in one sentence."""
    for verdict, wording in ((REGRESSION, "lost ground: "), (NO_EVIDENCE, "not shown: ")):
        names = [test.name for test, found in zip(tests, verdicts, strict=True) if found == verdict]
        if names:
            return wording + ", ".join(names)
    return "every check passed" if tests else "no check is declared"


def check_record(test: Test, verdict: str, params: Gate) -> dict[str, object]:
    """One entry of `checks`: the difference is relative for perplexities, absolute for scores."""
    low, high = test.difference.interval(params.confidence)
    detectable = test.difference.detectable(params.confidence, params.power)
    shown = math.expm1 if test.lower_is_better else float
    return {
        "verdict": verdict, "before": _short(test.before), "after": _short(test.after),
        "difference": _short(shown(test.difference.value)), "n": test.difference.n,
        "interval": [_short(shown(low)), _short(shown(high))] if math.isfinite(low) else None,
        "threshold": _short(shown(test.bound)), "keeps": "at most" if test.lower_is_better else "at least",
        "smallest_detectable": _short(shown(detectable)) if math.isfinite(detectable) else None,
        "items_needed": items_needed(test, detectable) if verdict == NO_EVIDENCE else None,
    }


def items_needed(test: Test, detectable: float) -> int | None:
    """Items with which a true change as large as the present one would be told from the bound; None: no number.

    The error falls with the square root of the number of items.
    """
    distance = abs(test.difference.value - test.bound)
    if not math.isfinite(detectable) or distance == 0:
        return None
    return math.ceil(test.difference.n * (detectable / distance) ** 2)


def preference(before: pl.DataFrame, after: pl.DataFrame, params: Gate) -> dict[str, object]:
    """How often the judge prefers the answer after to the answer before, on the same prompts."""
    pairs = paired_items(before, after, "rubric")
    rate = win_rate(scores(pairs, "score_before"), scores(pairs, "score_after"), params.confidence, params.tie_margin)
    return {"value": _short(rate.value), "interval": [_short(rate.low), _short(rate.high)], "n": pairs.height,
            "wins": rate.wins, "ties": rate.ties, "losses": rate.losses}


def scores(pairs: pl.DataFrame, column: str) -> Floats:
    """A score column as float64."""
    return pairs[column].to_numpy().astype(np.float64)


def part(pairs: pl.DataFrame, column: str, name: str) -> Floats:
    """One number out of a JSON column of parts."""
    return np.array([json.loads(text)[name] for text in pairs[column]], dtype=np.float64)


def _short(value: float) -> float:
    return round(float(value), DIGITS)
