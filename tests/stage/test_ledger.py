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
    with pytest.raises(BrokenContract, match=r"t lost 100% \(at most 50%\), 1 of 1: most to near_duplicate 1;"):
        check_source_survival("x", ledger(), {}, 0.5)


def tickets(*dropped: tuple[int, str, str]) -> pl.DataFrame:
    """A ledger of 100 tickets, of which some were dropped: (how many, reason, evidence)."""
    lost = [("drop", reason, evidence) for count, reason, evidence in dropped for _ in range(count)]
    rows = lost + [("keep", "ok", "")] * (100 - len(lost))
    return pl.DataFrame([{"input_id": f"{number:03}", "source": "tickets", "decision": decision, "reason": reason,
                          "score": None, "evidence": evidence, "survivor_id": ""}
                         for number, (decision, reason, evidence) in enumerate(rows)], schema=LEDGER)


SHORT, WORDS, TOP = "GopherQuality: gopher_short_doc", "C4Quality: too_few_sentences", "GopherRepetition: top_2_gram"
LOST = tickets((1, "heuristic", TOP), (20, "quality", ""), (33, "heuristic", SHORT), (7, "heuristic", WORDS))


def test_the_two_rules_that_took_most_are_named_with_their_counts_and_no_others():
    with pytest.raises(BrokenContract) as caught:
        check_source_survival("x", LOST, {}, 0.2)
    assert "tickets lost 61% (at most 20%), 61 of 100: most to " + f"heuristic ({SHORT}) 33, quality 20;" in str(
        caught.value)


def test_what_to_change_is_said_for_the_reasons_that_took_most_and_the_share_that_lets_it_pass():
    remedies = {"heuristic": "give {sources} a profile", "quality": "lower the floor", "language": "add it"}
    with pytest.raises(BrokenContract) as caught:
        check_source_survival("x", LOST, {}, 0.2, remedies)
    assert caught.value.do == ("give tickets a profile; lower the floor; if that much is to go, set `x.max_loss` to "
                               "{tickets: 0.61}")
    check_source_survival("x", LOST, {"tickets": 0.61}, 0.2, remedies)


def test_a_remedy_is_said_once_for_all_sources_that_need_it():
    chats = LOST.with_columns(pl.lit("chats").alias("source"), ("z" + pl.col("input_id")).alias("input_id"))
    both = pl.concat([LOST, chats])
    with pytest.raises(BrokenContract) as caught:
        check_source_survival("x", both, {}, 0.2, {"heuristic": "give {sources} a profile"})
    assert caught.value.do == ("give chats, tickets a profile; if that much is to go, set `x.max_loss` to "
                               "{chats: 0.61, tickets: 0.61}")


def test_dates_are_counted_together():
    dates = tickets(*[(1, "too_old", f"20{year:02}-01-01") for year in range(30)], (9, "heuristic", SHORT))
    with pytest.raises(BrokenContract, match=rf"most to too_old 30, heuristic \({SHORT}\) 9;"):
        check_source_survival("x", dates, {}, 0.1)


def test_a_source_of_max_loss_that_has_no_rows_is_said(capsys):
    check_source_survival("x", LOST, {"tickets": 1.0, "tikets": 0.5}, 0.2)
    assert "`x.max_loss` names tikets: no document of that source came this far" in capsys.readouterr().err
