"""Stage `quality_model`."""

import polars as pl
import pytest

from pipeline.schema.errors import BadInput
from pipeline.schema.quality_model import QualityModel
from pipeline.stages.quality_model import main
from pipeline.text.quality import QualityScorer
from tests.curation import documents, params, text_of, tree_bytes, written

TIDES = [f"The tide of day {number} rose over the grey sand, and gulls walked along its edge until evening came. "
         f"Nobody from village {number} went out in the boats because the wind had turned." for number in range(60)]
GENERAL = documents(TIDES, source="own").with_columns(pl.lit("train").alias("split"))
DOMAIN = documents([text_of(number) for number in range(40)])


def run(tmp_path, name="out", domain=DOMAIN, **changes):
    out = tmp_path / name
    given = params(QualityModel, "quality_model", **{"reference_sources": [], "bucket": 2000, **changes})
    resolved = main(written(tmp_path / f"{name}-domain", domain), written(tmp_path / f"{name}-general", GENERAL), out,
                    given)
    return out, resolved


def test_domain_text_scores_high_and_other_text_low(tmp_path):
    out, resolved = run(tmp_path)
    scorer = QualityScorer(out)
    assert scorer.score("new", text_of(999)) > 0.5 > scorer.score("new", TIDES[0].replace("day", "month"))
    assert resolved["heldout_auc"]["general"] > 0.95


def test_same_inputs_same_bytes(tmp_path):
    assert tree_bytes(run(tmp_path, "one")[0]) == tree_bytes(run(tmp_path, "two", DOMAIN[::-1])[0])


def test_an_odd_document_cannot_vouch_for_itself(tmp_path):
    # one story among the lake's documents is in the domain class, but not in its own fold's
    story = TIDES[0].replace("tide", "flood")
    odd = documents([story])
    scorer = QualityScorer(run(tmp_path, domain=pl.concat([DOMAIN, odd]))[0])
    assert scorer.score(odd["doc_id"][0], story) < 0.5


def test_a_reference_source_that_the_lake_does_not_have_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(BadInput, match="got manuals"):
        run(tmp_path, reference_sources=["policies", "manuals"])
    assert not (tmp_path / "out").exists()
