import pytest

from pipeline.redact.measure import Truth, recall_by_kind, score, unmarked


def test_markup_becomes_text_and_truth():
    text, truths = unmarked("ask {{PERSON|Ann Lee}} at {{PHONE|+44 1}}.")
    assert text == "ask Ann Lee at +44 1."
    assert [(text[truth.start : truth.end], truth.kind) for truth in truths] == [
        ("Ann Lee", "PERSON"),
        ("+44 1", "PHONE"),
    ]


def test_recall_and_precision_by_hand():
    truths = [Truth(0, 10, "PERSON"), Truth(20, 30, "PERSON"), Truth(40, 44, "TITLE")]
    spans = [(0, 5), (21, 24), (40, 44), (50, 60)]
    # wanted: two persons; (0, 5) covers half of the first, (21, 24) three tenths of the second.
    # given: (0, 5) and (21, 24) lie in true spans, (40, 44) is overlooked, (50, 60) is wrong
    counts = score([(truths, spans)], overlook=frozenset({"TITLE"}))
    assert (counts.wanted, counts.found, counts.given, counts.right) == (2, 1, 3, 2)
    assert (counts.recall, counts.precision) == (pytest.approx(0.5), pytest.approx(2 / 3))
    assert recall_by_kind([(truths, spans)]) == {"PERSON": (1, 2), "TITLE": (1, 1)}
