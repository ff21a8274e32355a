"""The conservation law: nothing vanishes, nothing is decided twice, nothing is invented."""

import polars as pl
import pytest

from pipeline.schema.errors import BrokenContract
from pipeline.schema.ledger import LEDGER
from pipeline.stage.ledger import check_conservation, check_source_survival

INPUTS = pl.DataFrame({"input_id": ["a", "b", "c"], "source": ["s", "s", "t"]})
ROWS = {"a": ("keep", "ok", ""), "b": ("drop", "quality", ""), "c": ("merge", "near_duplicate", "a")}


def ledger(changes: dict | None = None, sources: dict | None = None) -> pl.DataFrame:
    rows = {**ROWS, **(changes or {})}
    source = {"a": "s", "b": "s", "c": "t"} | (sources or {})
    return pl.DataFrame([
        {"input_id": key, "source": source.get(key, "s"), "decision": decision, "reason": reason, "score": None,
         "evidence": "", "survivor_id": survivor}
        for key, row in rows.items() if row for decision, reason, survivor in [row]], schema=LEDGER)


def test_a_complete_ledger_passes():
    check_conservation("x", INPUTS, ledger(), pl.Series(["a"]))


@pytest.mark.parametrize(("changes", "sources", "written", "said"), [
    ({"b": None}, {}, ["a"], "undecided"),
    ({"d": ("drop", "quality", "")}, {}, ["a"], "unknown"),
    ({}, {"b": "t"}, ["a"], "differ"),
    ({}, {}, ["a", "b"], "survivors are not the documents written"),
    ({}, {}, [], "survivors are not the documents written"),
    ({"b": ("vanish", "quality", "")}, {}, ["a"], "vocabulary"),
    ({"b": ("drop", "because", "")}, {}, ["a"], "vocabulary"),
    ({"c": ("merge", "near_duplicate", "")}, {}, ["a"], "names its survivor"),
])
def test_a_broken_ledger_is_refused(changes, sources, written, said):
    with pytest.raises(BrokenContract, match=said):
        check_conservation("x", INPUTS, ledger(changes, sources), pl.Series(written, dtype=pl.String))


def test_an_input_decided_twice_is_refused():
    with pytest.raises(BrokenContract, match="twice"):
        check_conservation("x", INPUTS, pl.concat([ledger(), ledger().head(1)]), pl.Series(["a"]))


def test_a_source_that_loses_too_much_is_named_with_its_loss():
    check_source_survival("x", ledger(), {"t": 1.0}, 0.5)
    with pytest.raises(BrokenContract, match=r"t lost 100% \(at most 50%\): near_duplicate 1.*`x.max_loss`"):
        check_source_survival("x", ledger(), {}, 0.5)


def test_the_rules_that_took_most_of_a_source_are_named():
    rows = ledger({"b": ("drop", "heuristic", ""), "c": ("keep", "ok", "")}).with_columns(
        pl.when(pl.col("input_id") == "b").then(pl.lit("GopherQuality: gopher_short_doc")).otherwise("evidence")
        .alias("evidence"))
    with pytest.raises(BrokenContract, match=r"s lost 50%.*heuristic \(GopherQuality: gopher_short_doc\) 1"):
        check_source_survival("x", rows, {}, 0.1)
