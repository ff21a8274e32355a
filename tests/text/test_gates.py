"""Gates on rights, embargo terms and dates."""

import re

import pytest

from pipeline.text.gates import date_gate, embargo_gate, rights_gate


def reason(decided):
    return (decided.reason, decided.evidence) if decided else None


def test_only_cleared_sources_on_a_listed_basis_pass():
    assert rights_gate(True, "own", "MIT", ["own"], []) is None
    assert reason(rights_gate(False, "own", "MIT", ["own"], [])) == ("rights_not_cleared", "not cleared in lake.yaml")
    assert reason(rights_gate(True, "none", "MIT", ["own"], [])) == ("rights_not_cleared", "basis none")
    assert reason(rights_gate(True, "own", "X", ["own"], ["X"])) == ("rights_not_cleared", "licence X")


def test_an_embargo_is_named_by_its_number_and_not_by_the_text():
    terms = [re.compile("SECRET"), re.compile(r"UNDER\s+EMBARGO")]
    assert reason(embargo_gate("A paper UNDER\nEMBARGO until May", terms)) == ("embargo_term", "term 2")
    assert embargo_gate("A rule about papers under embargo", terms) is None


@pytest.mark.parametrize(("published", "found"), [
    ("2019-12-31", "too_old"), ("2020-01-01", None), ("2025-06-30", None), ("2025-07-01", "after_cutoff"),
])
def test_both_ends_of_the_date_gate_are_kept(published, found):
    decided = date_gate(published, "2020-01-01", "2025-06-30", "keep")
    assert (decided.reason if decided else None) == found


def test_a_document_without_a_date_is_kept_or_dropped_as_params_say():
    assert date_gate(None, "2020-01-01", "2025-06-30", "keep") is None
    assert reason(date_gate(None, "2020-01-01", "2025-06-30", "drop")) == ("too_old", "no date")
