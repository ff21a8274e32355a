import pytest
from presidio_analyzer import Pattern
from presidio_analyzer import PatternRecognizer as PresidioPattern

from pipeline.redact import recognisers
from pipeline.redact.analyse import Analyser, Found, united
from pipeline.redact.recognisers import FailClosed, Patterns, RecogniserFailed
from pipeline.redact.rules import code_rules
from pipeline.schema.curate_redact import CodePattern
from pipeline.schema.errors import BadInput
from tests.redact.worlds import random_tagger, redact_params, silent_tagger

SLOW = r"(?:a|a)*b|(?:a|aa)+$"


class Broken(FailClosed):
    def __init__(self, answer):
        super().__init__(["PERSON"], name="broken one", supported_language="en")
        self.answer = answer

    def find(self, text, artifacts):
        return self.answer()


@pytest.mark.parametrize("answer", [lambda: 1 / 0, lambda: None, lambda: [("only", "two")]])
def test_a_recogniser_that_fails_stops_the_analysis_with_its_name(answer):
    analyser = Analyser(silent_tagger(), redact_params(), extra=[Broken(answer)])
    with pytest.raises(RecogniserFailed, match="broken one"):
        analyser.found(["nothing here"])


def test_a_pattern_out_of_time_surfaces_here_where_presidio_goes_on_without_it(monkeypatch):
    text = "a" * 5000 + "c"
    monkeypatch.setattr("presidio_analyzer.pattern_recognizer.REGEX_TIMEOUT_SECONDS", 0.05)
    theirs = PresidioPattern("CODE", patterns=[Pattern("slow", SLOW, 0.9)])
    assert theirs.analyze(text, ["CODE"]) == []  # lost, with a line in a log
    monkeypatch.setattr(recognisers, "TIMEOUT_S", 0.05)
    code = CodePattern.model_validate({"kind": "CODE", "syntax": "regex", "pattern": SLOW, "score": 0.9, "context": []})
    with pytest.raises(RecogniserFailed, match="code 1"):
        Patterns(code_rules((code,))).analyze(text, ["CODE"])


def test_a_failing_tagger_stops_the_analysis():
    tagger = silent_tagger()
    del tagger.layers.session
    with pytest.raises(RecogniserFailed, match="tagger"):
        Analyser(tagger, redact_params()).found(["nothing here"])


def test_a_code_that_is_no_regular_expression_is_refused_before_the_run():
    code = {"kind": "CODE", "syntax": "regex", "pattern": "(", "score": 1.0, "context": []}
    with pytest.raises(BadInput, match="no regular expression"):
        Analyser(silent_tagger(), redact_params(codes=[code]))


def test_overlapping_finds_become_one_that_covers_them_and_bears_the_surer_name():
    finds = [Found(0, 5, "A", "x", 0.6), Found(3, 9, "B", "y", 0.9), Found(9, 12, "C", "z", 0.5)]
    expected = [Found(0, 9, "B", "y", 0.9), Found(9, 12, "C", "z", 0.5)]
    assert united(finds) == united(finds[::-1]) == expected


def test_neighbours_on_a_sheet_decide_nothing():
    texts = ["my PIN is", "40172 units", "", "phone", "0131 496 0182", "born", "on 3 May 1981", "x@", "firm.example"]
    analyser = Analyser(random_tagger(), redact_params())
    assert analyser.found(texts) == [analyser.found([text])[0] for text in texts]


def test_presidio_is_called_once_for_all_texts(monkeypatch):
    analyser, sheets = Analyser(silent_tagger(), redact_params()), []
    analyze = analyser.presidio.analyze
    monkeypatch.setattr(
        analyser.presidio, "analyze", lambda text, *a, **k: sheets.append(text) or analyze(text, *a, **k)
    )
    analyser.found(["one", "two", "three"])
    assert sheets == ["one\ntwo\nthree"]
