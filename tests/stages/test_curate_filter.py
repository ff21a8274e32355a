"""Stage `curate_filter`."""

import json
from pathlib import Path

import polars as pl
import pytest

from pipeline.extract.rights import load_rights
from pipeline.schema.curate_filter import CurateFilter
from pipeline.schema.errors import BadInput, BrokenContract
from pipeline.schema.quality_model import QualityModel
from pipeline.stage.params import load_section
from pipeline.stages import quality_model
from pipeline.stages.curate_filter import Gates, main
from pipeline.tables.parquet import read_table
from pipeline.text.dating import DateReader, learn, load, prepare, save
from pipeline.text.front_matter import split_front_matter
from pipeline.text.quality import QualityScorer
from tests import dated_stories
from tests.curation import documents, params, reasons, tree_bytes, written

AUTHORED = Path("data/authored")


def texts(folder):
    """The sample's own documents: text put together by rule would repeat itself, and be filtered for it."""
    return [split_front_matter(path.read_text()).body for path in sorted((AUTHORED / folder).glob("*.md"))]


POLICIES = texts("lake/policies")
STORY = texts("lake/offtopic")[0]
DUTCH = ("De afdeling afwikkeling belt de klant voor het middaguur en legt het antwoord vast in het grootboek. "
         "De tegenpartij krijgt daarvan op dezelfde dag bericht, en het hoofd van de afdeling tekent de lijst. ") * 3
CASES = {
    "ok": documents([POLICIES[0]]),
    "rights_not_cleared": documents([POLICIES[1]], cleared_for_training=False),
    "embargo_term": documents([f"UNDER EMBARGO UNTIL 30 NOVEMBER 2027\n\n{POLICIES[2]}"]),
    "too_old": documents([POLICIES[3]], published="2011-05-09"),
    "after_cutoff": documents([POLICIES[4]], published="2031-05-09"),
    "language": documents([DUTCH]),
    "heuristic": documents(["Menu\n\nHome\n\nBack"]),
    "quality": documents([STORY]),
}
WORLD = pl.concat(CASES.values())


@pytest.fixture(scope="module")
def scorer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quality")
    given = params(QualityModel, "quality_model", reference_sources=[], min_updates=40_000)
    general = documents(texts("general"), source="own").with_columns(split=pl.lit("train"))
    (folder / "labels.jsonl").touch()
    quality_model.main(written(folder / "domain", documents(POLICIES)), written(folder / "general", general),
                       folder / "labels.jsonl", folder / "model", folder / "metrics.json", folder / "curve.csv", given)
    return folder / "model"


@pytest.fixture(scope="module")
def dates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dates")
    save(learn(prepare(dated_stories.DOCUMENTS, dated_stories.GIVEN), dated_stories.GIVEN), folder)
    return folder


@pytest.fixture(scope="module")
def quality(scorer, dates):
    return scorer, dates


def run(tmp_path, quality, table, name="out", **changes):
    out, ledger = tmp_path / name, tmp_path / f"{name}-ledger"
    no_sources = {"quality_drop": {"default": 0.0, "sources": {}}, "max_loss": {}}
    given = params(CurateFilter, "curate_filter", **{"default_max_loss": 1.0, **no_sources, **changes})
    main(written(tmp_path / f"{name}-in", table), *quality, out, ledger, tmp_path / f"{name}.json", given)
    return out, ledger


def test_each_gate_names_its_reason_and_only_the_good_document_passes(tmp_path, quality):
    out, ledger = run(tmp_path, quality, WORLD)
    found = reasons(read_table(ledger))
    assert [found[table["doc_id"][0]] for table in CASES.values()] == list(CASES)
    kept = read_table(out)
    assert kept["text"].to_list() == CASES["ok"]["text"].to_list()
    assert "cleared_for_training" not in kept.columns


def test_evidence_names_rule_term_date_and_language(tmp_path, quality):
    rows = read_table(run(tmp_path, quality, WORLD)[1]).rows_by_key("reason", named=True, unique=True)
    assert rows["embargo_term"]["evidence"] == "embargo"
    assert rows["too_old"]["evidence"] == "2011-05-09"
    assert rows["language"]["evidence"] == "nl"
    assert rows["heuristic"]["evidence"] == "GopherRepetition: top_2_gram"
    assert rows["quality"]["score"] < 0.5 < rows["ok"]["score"]


def test_the_first_gate_that_fails_names_the_reason(tmp_path, quality):
    table = documents(["UNDER EMBARGO UNTIL"], cleared_for_training=False, published="2011-05-09")
    assert list(reasons(read_table(run(tmp_path, quality, table)[1])).values()) == ["rights_not_cleared"]


def test_short_texts_are_not_judged_by_the_quality_model(tmp_path, quality):
    table = CASES["quality"]
    _, ledger = run(tmp_path, quality, table, min_quality_words=10_000)
    [row] = read_table(ledger).rows(named=True)
    assert row["reason"] == "ok"
    assert row["score"] is None


def test_same_inputs_same_bytes(tmp_path, quality):
    assert (tree_bytes(*run(tmp_path, quality, WORLD, "one"))
            == tree_bytes(*run(tmp_path, quality, WORLD[::-1], "two")))


def test_a_source_that_loses_too_much_stops_the_run_and_leaves_nothing(tmp_path, quality):
    with pytest.raises(BrokenContract, match="policies lost 88%"):
        run(tmp_path, quality, WORLD, default_max_loss=0.5)
    assert [path.name for path in tmp_path.iterdir()] == ["out-in"]


def test_documents_without_the_rights_column_are_refused(tmp_path, quality):
    with pytest.raises(BadInput, match="cleared_for_training"):
        run(tmp_path, quality, WORLD.drop("cleared_for_training"))


def test_a_term_that_is_no_regular_expression_is_refused():
    with pytest.raises(ValueError, match="not a regular expression"):
        params(CurateFilter, "curate_filter", terms=[{"name": "broken", "reason": "embargo_term", "pattern": "(",
                                                      "head_chars": 0, "lapses": False}])


def test_two_terms_of_one_name_are_refused():
    term = {"name": "mark", "reason": "embargo_term", "pattern": "X", "head_chars": 0, "lapses": False}
    with pytest.raises(ValueError, match="two terms have one name"):
        params(CurateFilter, "curate_filter", terms=[term, term])


def test_the_bottom_share_of_each_source_goes_and_its_cut_is_kept(tmp_path, quality):
    table = pl.concat([documents(POLICIES[:8], source="heap"), documents(POLICIES[8:12], source="shelf")])
    drop = {"default": 0.25, "sources": {"shelf": 0.0}}
    _, ledger = run(tmp_path, quality, table, quality_drop=drop, min_quality=0.0)
    rows = read_table(ledger)
    heap = rows.filter(pl.col("source") == "heap").sort("score")
    assert heap["reason"].to_list() == ["quality_bottom"] * 2 + ["ok"] * 6
    assert set(rows.filter(pl.col("source") == "shelf")["reason"]) == {"ok"}
    measured = json.loads((tmp_path / "out.json").read_text())["sources"]
    assert measured["heap"] == {"documents": 8, "kept": 6, "reasons": {"ok": 6, "quality_bottom": 2},
                                "quality_cut": pytest.approx(heap["score"][2], abs=1e-6)}
    assert measured["shelf"]["quality_cut"] is None
    assert heap["evidence"].to_list()[:2] == [f"cut {heap['score'][2]:.6f}"] * 2


def test_what_is_under_the_floor_counts_into_the_bottom_share(tmp_path, quality):
    # of three policies and a story a quarter goes: the story, which the floor takes anyway
    table = documents([*POLICIES[:3], STORY])
    _, ledger = run(tmp_path, quality, table, quality_drop={"default": 0.25, "sources": {}})
    assert sorted(reasons(read_table(ledger)).values()) == ["ok", "ok", "ok", "quality"]


def test_a_document_without_a_date_is_dated_by_its_text(tmp_path, quality):
    old = documents([dated_stories.story(2012, 50)], published=None)
    bounds = {"not_before": "2018-01-01", "not_after": "2024-12-31"}
    _, ledger = run(tmp_path, quality, old, unknown_date="model", **bounds)
    [row] = read_table(ledger).rows(named=True)
    assert (row["reason"], row["evidence"][-7:]) == ("too_old", "by text")
    assert row["score"] >= 0.9
    _, ledger = run(tmp_path, quality, old, "kept", unknown_date="keep", **bounds)
    assert reasons(read_table(ledger))[old["doc_id"][0]] != "too_old"


def test_the_date_model_reads_only_cleared_texts_that_params_ask_about(quality, monkeypatch):
    read, tell = [], DateReader.beliefs
    monkeypatch.setattr(DateReader, "beliefs", lambda self, texts: read.extend(texts) or tell(self, texts))
    table = pl.concat([documents(POLICIES[:1]), documents(POLICIES[1:2], published=None),
                       documents(POLICIES[2:3], published=None, cleared_for_training=False)])
    scorer, dates = quality
    for by_text, asked in ((False, POLICIES[1:2]), (True, POLICIES[:2])):
        given = params(CurateFilter, "curate_filter", cutoff_by_text=by_text, unknown_date="model", min_quality=0.0)
        decided = Gates(given, QualityScorer(scorer), load(dates)).decide(table.rows(named=True))
        assert [one.reason for one in decided] == ["ok", "ok", "rights_not_cleared"]
        assert read == asked
        read.clear()


def test_a_young_text_under_an_old_date_is_over_the_knowledge_cut_off(tmp_path, quality):
    young = documents([dated_stories.story(2023, 50)], published="2016-05-01")
    bounds = {"not_before": "2010-01-01", "not_after": "2020-12-31"}
    for by_text, name in ((True, "asked"), (False, "plain")):
        _, ledger = run(tmp_path, quality, young, name, cutoff_by_text=by_text, **bounds)
        assert (reasons(read_table(ledger))[young["doc_id"][0]] == "after_cutoff") == by_text


def profiles(**sources):
    return {"default": "prose", "sources": sources}


def test_each_source_is_judged_by_the_profile_it_was_given(tmp_path, quality):
    lines = ["Where can I find my new card?", "Please cancel the order of this morning."]
    table = pl.concat([documents(lines, source="desk"), documents([f"{line} " for line in lines], source="shelf")])
    _, ledger = run(tmp_path, quality, table, source_profiles=profiles(desk="messages"))
    rows = read_table(ledger)
    assert set(rows.filter(pl.col("source") == "desk")["reason"]) == {"ok"}
    assert set(rows.filter(pl.col("source") == "shelf")["reason"]) == {"heuristic"}


def test_the_floor_of_intact_text_is_the_profiles(tmp_path, quality):
    prose = params(CurateFilter, "curate_filter").model_dump()["profiles"]["prose"]
    given = {"prose": {**prose, "min_intact": 0.0}, "hard": {**prose, "min_intact": 1.0}}
    table = pl.concat([documents(POLICIES[:1], source="desk"), documents(POLICIES[1:2], source="shelf")])
    _, ledger = run(tmp_path, quality, table, profiles=given, source_profiles=profiles(shelf="hard"))
    assert dict(read_table(ledger).select("source", "reason").iter_rows()) == {"desk": "ok", "shelf": "degraded"}


def test_a_profile_that_does_not_exist_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no profile is called refrence \(known: messages, prose, reference\)"):
        params(CurateFilter, "curate_filter", source_profiles=profiles(controls="refrence"))


@pytest.mark.parametrize(("name", "value"), [
    ("source_profiles", profiles(tikets="messages")),
    ("quality_drop", {"default": 0.0, "sources": {"tikets": 0.0}}),
    ("max_loss", {"tikets": 1.0}),
])
def test_a_source_the_lake_does_not_have_is_refused(tmp_path, quality, name, value):
    with pytest.raises(BadInput, match=rf"`curate_filter.{name}(.sources)?` names tikets") as caught:
        run(tmp_path, quality, CASES["ok"], **{name: value})
    assert caught.value.wanted == "some of policies"
    assert [path.name for path in tmp_path.iterdir()] == ["out-in"]


def test_the_alarm_names_rule_profile_and_share(tmp_path, quality):
    table = documents([f"Please call me on line {number}." for number in range(5)], source="tickets")
    with pytest.raises(BrokenContract) as caught:
        run(tmp_path, quality, table, default_max_loss=0.2)
    assert caught.value.got == ("tickets lost 100% (at most 20%), 5 of 5: most to "
                                "heuristic (GopherRepetition: top_2_gram) 5")
    assert caught.value.do.startswith("give tickets the profile of that kind of text in `curate_filter.source_profiles")
    assert caught.value.do.endswith("set `curate_filter.max_loss` to {tickets: 1.0}")


def test_the_sources_that_params_name_are_those_of_the_sample():
    given = params(CurateFilter, "curate_filter")
    named = {*given.max_loss, *given.quality_drop.sources, *given.source_profiles.sources}
    assert named <= set(load_rights(Path("data/lake.yaml")).sources)


def test_a_source_without_a_setting_of_its_own_can_lose_its_bottom_share_without_an_alarm():
    given = load_section(CurateFilter, "curate_filter", Path("params.yaml"))
    assert given.default_max_loss > given.quality_drop.default
