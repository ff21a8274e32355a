"""The verdict is bound to the thresholds that the measuring run had recorded."""

import pytest

from pipeline.lineage.chain import Run
from pipeline.lineage.claims import committed_thresholds, test_result_statement
from pipeline.schema.errors import NotVerified

GATE = {"confidence": 0.95, "checks": {"sft": {"format_adherence": 0.5}}}


def run_of(stage: str, params: dict[str, object]) -> Run:
    return Run(stage=stage, sha256="a" * 64, products={}, manifests={}, folders=frozenset(), materials=[],
               code_digest="c" * 64, cmd="true", params=params, hermetic=False)


MEASURED, JUDGED = run_of("evaluate@sft", {"gate": GATE}), run_of("gate@sft", {"gate": GATE})


def test_the_commitment_names_the_statement_that_holds_it():
    thresholds = committed_thresholds(MEASURED, JUDGED)
    assert thresholds["annotations"]["recordedIn"] == "lineage/evaluate@sft/statement.json"
    assert thresholds["annotations"]["statement"] == "a" * 64


def test_the_digest_does_not_depend_on_the_order_of_keys():
    other = run_of("gate@sft", {"gate": dict(reversed(GATE.items()))})
    assert committed_thresholds(MEASURED, other) == committed_thresholds(MEASURED, JUDGED)


@pytest.mark.parametrize("used", [{"gate": GATE | {"confidence": 0.5}}, {}])
def test_a_verdict_by_other_thresholds_is_refused(used):
    with pytest.raises(NotVerified, match="judged by other thresholds"):
        committed_thresholds(MEASURED, run_of("gate@sft", used))


def test_a_measurement_that_committed_to_nothing_is_refused():
    with pytest.raises(NotVerified, match="records no thresholds"):
        committed_thresholds(run_of("evaluate@sft", {}), JUDGED)


@pytest.mark.parametrize(("verdict", "result"), [("pass", "PASSED"), ("regression", "FAILED"),
                                                 ("no evidence", "WARNED"), ("anything", "WARNED")])
def test_only_a_pass_is_passed(verdict, result):
    statement = test_result_statement({"m": "a" * 64}, verdict, {"name": "t"}, {}, {"x": "pass", "y": "regression"})
    assert statement["predicate"]["result"] == result
    assert (statement["predicate"]["passedTests"], statement["predicate"]["failedTests"]) == (["x"], ["y"])


test_result_statement.__test__ = False
