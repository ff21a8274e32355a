"""Stage `quality_model`."""

import csv
import json

import polars as pl
import pytest

from pipeline.schema.errors import BadInput
from pipeline.schema.quality_model import QualityModel
from pipeline.stages.quality_model import main
from pipeline.text.degrade import degraded_document, misread
from pipeline.text.quality import QualityScorer
from tests.curation import documents, params, text_of, tree_bytes, written

TIDES = [f"The tide of day {number} rose over the grey sand, and gulls walked along its edge until evening came. "
         f"Nobody from village {number} went out in the boats because the wind had turned." for number in range(60)]
GENERAL = documents(TIDES, source="own").with_columns(pl.lit("train").alias("split"))
DOMAIN = documents([text_of(number) for number in range(40)])


def run(tmp_path, name="out", domain=DOMAIN, given_labels=(), **changes):
    out, labels = tmp_path / name, tmp_path / f"{name}-labels.jsonl"
    labels.write_text("".join(f"{json.dumps(label)}\n" for label in given_labels))
    quick = {"reference_sources": [], "bucket": 2000, "min_updates": 60_000}
    given = params(QualityModel, "quality_model", **{**quick, **changes})
    main(written(tmp_path / f"{name}-domain", domain), written(tmp_path / f"{name}-general", GENERAL), labels, out,
         tmp_path / f"{name}.json", tmp_path / f"{name}.csv", given)
    return out, json.loads((tmp_path / f"{name}.json").read_text())


def test_domain_text_scores_high_and_other_text_low(tmp_path):
    out, measured = run(tmp_path)
    scorer = QualityScorer(out)
    tide = scorer.score("new", TIDES[0].replace("day", "month"))
    assert scorer.score("new", text_of(999)).domain > 0.5 > tide.domain
    assert measured["auc"]["general"] > 0.95
    assert "labels" not in measured["auc"]


@pytest.mark.parametrize("text", [text_of(999), TIDES[0]])
def test_spoilt_text_is_told_from_intact_text_on_any_subject(tmp_path, text):
    scorer = QualityScorer(run(tmp_path)[0])
    spoilt = degraded_document(text, misread, "1")
    assert scorer.score("new", text).intact > 0.5 > scorer.score("new", spoilt).intact


def test_same_inputs_same_bytes(tmp_path):
    assert tree_bytes(run(tmp_path, "one")[0]) == tree_bytes(run(tmp_path, "two", DOMAIN[::-1])[0])


def test_an_odd_document_cannot_vouch_for_itself(tmp_path):
    # one story among the lake's documents is in the domain class, but not in its own fold's
    story = TIDES[0].replace("tide", "flood")
    odd = documents([story])
    scorer = QualityScorer(run(tmp_path, domain=pl.concat([DOMAIN, odd]), min_updates=160_000)[0])
    assert scorer.score(odd["doc_id"][0], story).domain < 0.5


def test_what_is_not_cleared_is_not_learnt_from_whoever_labelled_it(tmp_path):
    closed = documents(TIDES[:20], source="vendor", cleared_for_training=False)
    labels = [{"label": "good", "doc_id": closed["doc_id"][0]}, {"label": "bad", "text": TIDES[30]}]
    alone, beside = run(tmp_path, "alone")[0], run(tmp_path, "beside", pl.concat([DOMAIN, closed]))[0]
    assert tree_bytes(alone) == tree_bytes(beside)
    with pytest.raises(BadInput, match="0 good, 1 bad"):
        run(tmp_path, "labelled", pl.concat([DOMAIN, closed]), labels, learn_from="both")


def test_a_reference_source_that_the_lake_does_not_have_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(BadInput, match="got manuals"):
        run(tmp_path, reference_sources=["policies", "manuals"])
    assert not (tmp_path / "out").exists()


def test_the_calibration_table_has_all_scores_and_agrees_with_the_metrics(tmp_path):
    _, measured = run(tmp_path)
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    # 40 domain documents, the same degraded in four ways, and the general ones
    assert sum(int(row["scores"]) for row in rows) == 40 + 4 * 40 + len(TIDES)
    error = sum(float(row["weight"]) * abs(float(row["observed"]) - float(row["predicted"])) for row in rows)
    assert measured["calibration"]["error"] == pytest.approx(error, abs=1e-3)
    assert 0 <= measured["calibration"]["brier"] < 0.25


GOOD = [{"label": "good", "doc_id": doc_id} for doc_id in DOMAIN["doc_id"]]
BAD = [{"label": "bad", "text": text} for text in TIDES[:40]]


def test_labels_alone_teach_the_difference(tmp_path):
    out, measured = run(tmp_path, given_labels=GOOD + BAD, learn_from="labels", reference_sources=["nothing here"])
    assert measured["auc"]["labels"] > 0.95
    scorer = QualityScorer(out)
    assert scorer.score("new", text_of(999)).domain > scorer.score("new", TIDES[50]).domain


def test_a_label_takes_a_document_out_of_the_good_class(tmp_path):
    story = TIDES[0].replace("tide", "flood")
    lake = pl.concat([DOMAIN, documents([story])])
    labels = [{"label": "bad", "text": story}, *GOOD]
    out, measured = run(tmp_path, domain=lake, given_labels=labels, learn_from="both")
    assert measured["documents"]["domain"] == DOMAIN.height
    assert QualityScorer(out).score("new", story).domain < 0.5


def test_labels_are_only_measured_on_when_sources_teach(tmp_path):
    plain, _ = run(tmp_path, "plain")
    labelled, measured = run(tmp_path, "labelled", given_labels=GOOD + BAD)
    assert tree_bytes(plain) == tree_bytes(labelled)
    assert measured["auc"]["labels"] > 0.9


def test_learning_from_labels_wants_both_kinds(tmp_path):
    with pytest.raises(BadInput, match="40 good, 0 bad"):
        run(tmp_path, given_labels=GOOD, learn_from="labels")
    assert not (tmp_path / "out").exists()
