"""Gates on rights, terms and dates."""

import numpy as np
import pytest

from pipeline.schema.curate_filter import CurateFilter, Term
from pipeline.stage.params import load_section
from pipeline.text.dating import Belief
from pipeline.text.gates import DateBounds, TermGate, date_gate, required_literals, rights_gate

BOUNDS = DateBounds("2020-01-01", "2025-06-30", "keep", 0.9, check_text=False)


def reason(decided):
    return (decided.reason, decided.evidence) if decided else None


def term(pattern, name="mark", **changes):
    return Term.model_validate({"name": name, "reason": "compliance_term", "pattern": pattern, "head_chars": 0,
                                "lapses": False, **changes})


def surely(year, chance=0.95):
    """A belief in one year of 2010 to 2030, the rest spread evenly."""
    chances = np.full(21, (1 - chance) / 20)
    chances[year - 2010] = chance
    return Belief(2010, chances)


def test_only_cleared_sources_on_a_listed_basis_pass():
    assert rights_gate(True, "own", "MIT", ["own"], []) is None
    assert reason(rights_gate(False, "own", "MIT", ["own"], [])) == ("rights_not_cleared", "not cleared in lake.yaml")
    assert reason(rights_gate(True, "none", "MIT", ["own"], [])) == ("rights_not_cleared", "basis none")
    assert reason(rights_gate(True, "own", "X", ["own"], ["X"])) == ("rights_not_cleared", "licence X")


def test_a_term_is_named_and_its_words_are_not():
    embargo = term(r"UNDER\s+EMBARGO", "embargo", reason="embargo_term")
    gate = TermGate([term("SECRET", "secret"), embargo], "2025-06-30")
    assert reason(gate("", "A paper UNDER\nEMBARGO until May")) == ("embargo_term", "embargo")
    assert reason(gate("SECRET paper", "Nothing")) == ("compliance_term", "secret")
    assert gate("", "A rule about papers under embargo, and no secret") is None


def test_a_marking_that_only_counts_at_the_head_may_be_spoken_of_below():
    gate = TermGate([term("TLP:RED", head_chars=50)], "2025-06-30")
    assert gate("Title", "x " * 30 + "TLP:RED") is None
    assert reason(gate("Title", "TLP:RED")) == ("compliance_term", "mark")


@pytest.mark.parametrize(("until", "dropped"), [
    ("30 NOVEMBER 2027", True), ("2025-07-01", True), ("2025-06-30", False), ("1 May 2024", False),
    ("further notice", True), ("further notice. Issued 12 January 2025", True),
    ("the results (draft of 3 March 2025)", True),
    ("30.11.2027 (circulated 2025-01-15)", True), ("9:00 a.m. GMT on Thursday, the 1 May 2025", False),
    (": **1 May 2025**", False),
])
def test_an_embargo_ends_on_its_day_and_one_without_a_day_does_not(until, dropped):
    gate = TermGate([term("UNDER EMBARGO UNTIL", lapses=True)], "2025-06-30")
    assert (gate("", f"UNDER EMBARGO UNTIL {until}. And more.") is not None) == dropped


def test_one_lapsed_embargo_does_not_lift_another():
    gate = TermGate([term("UNDER EMBARGO UNTIL", lapses=True)], "2025-06-30")
    assert gate("", "UNDER EMBARGO UNTIL 1 May 2024\n\n" + "x " * 40 + "UNDER EMBARGO UNTIL 1 May 2026") is not None


@pytest.mark.parametrize(("published", "found"), [
    ("2019-12-31", "too_old"), ("2020-01-01", None), ("2025-06-30", None), ("2025-07-01", "after_cutoff"),
])
def test_both_ends_of_the_date_gate_are_kept(published, found):
    decided = date_gate(published, BOUNDS, None, None)
    assert (decided.reason if decided else None) == found


@pytest.mark.parametrize(("unknown", "found"), [("keep", None), ("drop", ("unknown_date", "no date")), ("model", None),
                                                ("strict", ("unknown_date", "no date"))])
def test_a_document_without_a_date_or_a_belief_is_decided_as_params_say(unknown, found):
    assert reason(date_gate(None, BOUNDS._replace(unknown=unknown), None, None)) == found


@pytest.mark.parametrize(("year", "model", "strict"), [
    (2012, "too_old", "too_old"), (2022, None, None), (2028, "after_cutoff", "after_cutoff"),
    (2025, None, "unknown_date"),  # half of 2025 lies after the cut-off
])
def test_the_text_tells_the_date_of_a_document_without_one(year, model, strict):
    for unknown, wanted in (("model", model), ("strict", strict)):
        decided = date_gate(None, BOUNDS._replace(unknown=unknown), surely(year), None)
        assert (decided.reason if decided else None) == wanted


def test_what_the_text_told_is_in_the_evidence_with_its_chance():
    decided = date_gate(None, BOUNDS._replace(unknown="model"), surely(2012), None)
    assert decided.evidence == "2012 by text"
    assert decided.score > 0.9


def test_doubt_keeps_a_document_unless_params_are_strict():
    doubt = surely(2012, 0.5)
    assert date_gate(None, BOUNDS._replace(unknown="model"), doubt, None) is None
    assert reason(date_gate(None, BOUNDS._replace(unknown="strict"), doubt, None))[0] == "unknown_date"


def test_a_dated_document_whose_text_is_surely_newer_goes_only_where_params_ask_for_it():
    asked = BOUNDS._replace(check_text=True)
    assert reason(date_gate("2021-01-01", asked, surely(2028), None)) == ("after_cutoff", "2028 by text")
    assert date_gate("2021-01-01", BOUNDS, surely(2028), None) is None
    assert date_gate("2025-02-01", asked, surely(2025, 0.99), None) is None
    assert date_gate("2021-01-01", asked, surely(2012), None) is None


@pytest.mark.parametrize(("pattern", "literals"), [
    (r"\bUNDER\s+EMBARGO\s+UNTIL\b", ["EMBARGO", "UNDER", "UNTIL"]),
    (r"\b(?:ATTORNEY[- ]CLIENT|LEGALLY)\s+PRIVILEGED?\b", ["PRIVILEGE"]),
    (r"\bTLP:\s?(?:RED|AMBER)\b", ["TLP:"]), (r"(SECRET)+ x", [" x"]), (r"(?:secret)?x", ["x"]), (r"a|b", []),
    (r"[ab]", []), (r"x(?!SECRET)", ["x"])])
def test_the_literals_of_a_pattern_are_in_every_match(pattern, literals):
    assert required_literals(pattern) == (literals, [])


@pytest.mark.parametrize(("pattern", "exact", "folded"), [
    (r"(?i)Embargoed\s+UNTIL", [], [b"embargoed", b"unt", b"l"]), (r"(?i)secret", [], [b"ecret"]),
    (r"(?i:Ask) xyz", [" xyz"], [b"a"]), (r"(?i)\u00df", [], []), (r"(?i)risks", [], [b"r"])])
def test_where_case_does_not_count_the_literals_are_those_of_the_small_letters(pattern, exact, folded):
    assert required_literals(pattern) == (exact, folded)


@pytest.mark.parametrize(("text", "is_bound"), [("Embargo: until 2099", True), ("embargo prose of 2099", False),
                                                ("Embargo: UNT\u0130L 2099", True),
                                                ("\ud800 SECRET", True)])
def test_literals_lose_no_match_and_take_any_character(text, is_bound):
    terms = [Term(name="e", reason="embargo_term", pattern=r"(?i)embargo:\s+until", head_chars=0, lapses=False),
             Term(name="s", reason="embargo_term", pattern=r". SECRET", head_chars=0, lapses=False)]
    assert (TermGate(terms, "2026-01-01")("", text) is not None) == is_bound


@pytest.mark.parametrize("text", ["EMBARGOED UNTIL further notice", "Embargoed until 12 May 2027",
                                  "**UNDER** _EMBARGO_ until",
                                  "under embargo until 9:00 a.m. on 12 May 2027", "UNDER EM\u00adBARGO UNTIL x",
                                  "EMBARGOED FOR RELEASE UNTIL 5 May 2027", "Embargoed for release until 5 May 2027",
                                  "UNDER EMBARGO", "STRICT EMBARGO: 5 May 2027", "`EMBARGOED` UNTIL x",
                                  "Embargo ends 5 May 2027",
                                  "Embargo lifts 5 May 2027 at 09:00", "Embargo date: 5 May 2027", "EMBARGOED TILL x",
                                  "Embargoed until\n5 May 2027", "Embargoed until 05/05/27", "~~EMBARGOED~~ UNTIL x",
                                  "EMBARGOED until 2027-05-12", "\uff35NDER EMBARGO UNTIL MAY"])
def test_the_shipped_embargo_terms_find_an_embargo_however_it_is_set(text):
    gate = TermGate(load_section(CurateFilter, "curate_filter").terms, "2026-03-31")
    found = gate("", f"A paper.\n\n{text.replace(' until', ' UNTIL') if '**' in text else text}. More.")
    assert (found.reason if found else None) == "embargo_term"


@pytest.mark.parametrize("text", ["Papers under embargo until release are locked away.", "Embargoed until 12 May 2025",
                                  "the embargo on 3 countries",
                                  "Papers under embargo until 14 days before release", "an embargo until then",
                                  "The EU kept its arms embargo until 2004.", "An embargo until May 2019 was lifted.",
                                  "The embargo until 12/05/2020 held", "UNDER EMBARGO UNTIL MAY 2024",
                                  "embargo dates are kept"])
def test_prose_about_embargoes_and_lapsed_ones_pass(text):
    assert TermGate(load_section(CurateFilter, "curate_filter").terms, "2026-03-31")("", text) is None


@pytest.mark.parametrize(("licence", "dropped"), [
    ("CC-BY-NC-4.0", True), ("cc-by-nc-4.0", True), ("MIT", False), ("MIT AND CC-BY-NC-4.0", True),
    ("MIT OR CC-BY-NC-4.0", False), ("GPL-3.0-only or CC-BY-NC-4.0", True),
    ("(MIT OR Apache-2.0) AND CC-BY-NC-4.0", True),
    ("CC-BY-NC-4.0-x", False), ("", False)])
def test_a_licence_is_refused_when_no_choice_is_left_without_a_refused_part(licence, dropped):
    told = rights_gate(True, "own", licence, ["own"], ["CC-BY-NC-4.0", "GPL-3.0-only"])
    assert (told is not None) == dropped


def test_a_text_that_bears_a_date_after_the_cut_off_goes_whatever_the_model_tells():
    bounds = BOUNDS._replace(unknown="model")
    assert reason(date_gate(None, bounds, surely(2024), "2029-05-12")) == ("after_cutoff", "2029-05-12 by text")
    assert reason(date_gate("2024-01-01", bounds, None, "2029-05-12")) == ("after_cutoff", "2029-05-12 by text")
    assert date_gate(None, bounds, surely(2024), BOUNDS.not_after) is None
