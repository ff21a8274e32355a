import hashlib

import polars as pl
import pytest

from pipeline.engine.shards import ShardsFailed
from pipeline.redact import analyse, documents, recognisers
from pipeline.redact.cache import LIBRARIES, REAL_LIBRARIES, _versions, cache_file
from pipeline.redact.pseudonyms import PUBLIC_KEY
from pipeline.redact.shard import FINDS, RedactShard
from pipeline.redact.spread import names_in, spread
from pipeline.redact.tagger import save_tagger
from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.errors import BrokenContract
from pipeline.schema.execution import Execution
from pipeline.stages.curate_redact import PLANT_BESIDE, first_paragraphs, redact
from pipeline.tables.parquet import read_table, write_table
from tests.redact.worlds import LEXICON, redact_params, silent_grid

CALM = "\n\n" + "Calm text of some length about nothing. " * 10
TEXTS = {
    "a": "# Contacts\n\nWrite to ann@firm.example or ring +44 131 496 0182.\n\nStaff BW-48213 signed." + CALM,
    "b": "Nothing personal is in this one.",
    "c": "ANN@firm.example again, and аnn@firm.example with a Cyrillic letter.",
    "d": "a@b.example c@d.example e@f.example g@h.example i@j.example",
    "e": "Staff BW-48213 signed." + CALM,
}
PLANTED = ("ann@firm.example", "ANN@firm.example", "аnn@firm.example", "+44 131 496 0182", "BW-48213", "a@b.example")


@pytest.fixture
def world(tmp_path):
    rows = [
        {
            **dict.fromkeys(DOCUMENTS, ""),
            "doc_id": key,
            "text": text,
            "source": "mail",
            "language": None,
            "published": None,
            "title": "About BW-48213" if key == "a" else None,
        }
        for key, text in TEXTS.items()
    ]
    (tmp_path / "documents").mkdir()
    write_table(pl.DataFrame(rows, schema=DOCUMENTS), tmp_path / "documents", ["doc_id"], DOCUMENTS)
    (tmp_path / "model").mkdir()
    save_tagger(silent_grid(), LEXICON, tmp_path / "model")  # patterns alone speak
    return tmp_path


def run(world, name, workers=1, cache=None, model="model", **changes):
    execution = Execution(
        engine="local",
        workers=workers,
        shards_per_worker=2,
        ray_address="auto",
        slurm_partition="cpu",
        slurm_time="1:00:00",
        slurm_mem_per_cpu_gb=1,
        slurm_poll_s=1.0,
    )
    outs = [world / name / part for part in ("documents", "ledger", "spans")]
    redact(
        world / "documents",
        world / model,
        *outs,
        redact_params(**changes),
        PUBLIC_KEY,
        execution,
        world / (cache or f"cache-{name}"),
    )
    return {f"{out.name}/{part.name}": part.read_bytes() for out in outs for part in sorted(out.iterdir())}


def test_planted_values_are_gone_and_every_document_is_accounted_for(world):
    run(world, "out")
    documents, ledger, spans = (read_table(world / "out" / part) for part in ("documents", "ledger", "spans"))
    written = "\n".join([*documents["text"], *documents["title"].drop_nulls()])
    assert not [value for value in PLANTED if value in written]
    decisions = {
        row["input_id"]: (row["decision"], row["reason"], row["score"]) for row in ledger.iter_rows(named=True)
    }
    assert decisions["a"] == ("edit", "pii", 4.0)
    assert decisions["b"] == ("keep", "ok", None)
    assert decisions["d"][:2] == ("drop", "pii_density")
    assert documents.columns == list(DOCUMENTS)
    assert set(spans["doc_id"]) == {"a", "c", "e"}


def test_one_value_has_one_pseudonym_in_all_documents_and_spellings(world):
    run(world, "out")
    spans = read_table(world / "out" / "spans")
    assert spans.filter(pl.col("entity_type") == "EMAIL")["pseudonym"].n_unique() == 1
    assert spans.filter(pl.col("entity_type") == "EMPLOYEE_CODE")["pseudonym"].n_unique() == 1
    assert spans.filter(pl.col("entity_type") == "EMPLOYEE_CODE").height == 3


def test_spans_never_overlap_and_hold_no_text(world):
    run(world, "out")
    spans = read_table(world / "out" / "spans").sort("doc_id", "field", "start")
    follows = spans.with_columns(before=pl.col("end").shift(1).over("doc_id", "field"))
    assert (follows["start"] >= follows["before"].fill_null(0)).all()
    assert not [value for value in PLANTED if value in str(spans.to_dicts())]


def test_same_bytes_with_one_or_two_workers_with_a_cache_or_a_broken_one(world):
    first = run(world, "one", workers=1, cache="kept")
    assert run(world, "two", workers=2) == first
    assert run(world, "cached", cache="kept") == first
    for file in (world / "kept").iterdir():
        file.write_bytes(b"not parquet")
    assert run(world, "broken", cache="kept") == first


def test_a_changed_code_list_is_not_answered_from_the_cache(world):
    run(world, "one", cache="kept")
    run(world, "two", cache="kept", codes=[])
    assert "EMPLOYEE_CODE" not in set(read_table(world / "two" / "spans")["entity_type"])


def test_models_beside_the_tagger_add_their_libraries_to_the_identity_of_the_cache(world):
    alone = cache_file(world, world / "model", redact_params())
    assert cache_file(world, world / "model", redact_params()) == alone
    (world / "model" / "real").mkdir()
    assert set(_versions(world / "model")) == {*LIBRARIES, *REAL_LIBRARIES}
    assert cache_file(world, world / "model", redact_params()) != alone


def test_a_failing_recogniser_leaves_no_output(world, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(recognisers.PatternRecogniser, "find", fail)
    with pytest.raises(ShardsFailed, match=r"recogniser `.+`: failed \(MemoryError"):
        run(world, "out")
    assert not (world / "out").exists()


def test_a_name_found_once_is_replaced_wherever_it_stands():
    text = "Marta Grant-Oyelaran signed. Oyelaran was late; Marta was not, and the grant was paid to Grant-Oyelaran."
    found = [analyse.Found(0, 20, "PERSON", "tagger", 0.99)]
    carried = spread(text, found, names_in({"text": text}, {"text": found}))
    assert [text[find.start : find.end] for find in carried] == ["Marta Grant-Oyelaran", "Marta", "Grant-Oyelaran"]


def test_a_name_known_from_the_title_is_replaced_in_the_text_and_the_other_way_round():
    fields = {"title": "Review of Marta Oyelaran", "text": "Oyelaran did well. Boris Quist-Ng did not."}
    found = {"title": [analyse.Found(10, 24, "PERSON", "tagger", 0.99)],
             "text": [analyse.Found(19, 33, "PERSON", "tagger", 0.99)]}
    names = names_in(fields, found)
    assert names == {"Marta", "Oyelaran", "Boris", "Quist-Ng"}
    assert [fields["text"][find.start : find.end] for find in spread(fields["text"], found["text"], names)] == [
        "Oyelaran", "Boris Quist-Ng"]
    assert names_in({**fields, "text": "a marta in the wild"}, {**found, "text": []}) == {"Oyelaran"}


def test_an_address_of_the_person_does_not_make_the_name_an_ordinary_word():
    text = "Margaret Okonkwo (margaret.okonkwo@bank.example, https://x.example/okonkwo) signed. Okonkwo left."
    found = [analyse.Found(0, 16, "PERSON", "tagger", 0.99), analyse.Found(18, 47, "EMAIL", "pattern", 1.0)]
    assert names_in({"text": text}, {"text": found}) == {"Margaret", "Okonkwo"}


def test_a_name_is_carried_in_capitals_and_into_words_with_joints_but_not_into_what_is_found():
    text = "Arkady Volkonogov Reyes. A. VOLKONOGOV-REYES; O'Reyes, Volkonogov's, volkonogov, Reyesville, ARKADY@x"
    found = [analyse.Found(0, 23, "PERSON", "tagger", 0.99), analyse.Found(90, 98, "EMAIL", "pattern", 1.0)]
    carried = spread(text, found, {"Arkady", "Volkonogov", "Reyes"})
    assert [text[find.start : find.end] for find in carried if find.recogniser == "spread"] == [
        "VOLKONOGOV", "REYES", "Reyes", "Volkonogov"]


def one_document_a_part(world):
    table = read_table(world / "documents")
    for number, row in enumerate(table.iter_slices(1)):
        row.write_parquet(world / "documents" / f"part-{number:05d}.parquet")


def test_a_table_of_many_parts_gives_the_bytes_of_one(world):
    whole = run(world, "whole")
    one_document_a_part(world)
    assert len(list((world / "documents").iterdir())) == len(TEXTS)
    assert run(world, "parts") == whole


def test_a_chunk_that_comes_back_without_an_answer_stops_the_stage(world, monkeypatch):
    monkeypatch.setattr(RedactShard, "__call__", lambda *_: {"finds": pl.DataFrame(schema=FINDS)})
    with pytest.raises(BrokenContract, match="chunks without an answer"):
        run(world, "out")
    assert not (world / "out").exists()


def test_a_run_that_was_stopped_goes_on_from_the_chunks_that_are_done(world, monkeypatch, capsys):
    whole = run(world, "whole")

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(documents, "keep_finds", stop)
    with pytest.raises(KeyboardInterrupt):
        run(world, "again", cache="kept")
    monkeypatch.undo()
    assert run(world, "again", cache="kept") == whole
    assert "2 of 2 shards are done already" in capsys.readouterr().err
    assert [path.suffix for path in (world / "kept").iterdir()] == [".parquet"]


def test_paragraphs_to_plant_beside_are_the_same_however_the_table_is_cut(world):
    texts = [text for text in TEXTS.values() for text in text.split("\n\n") if len(text) <= PLANT_BESIDE]
    wanted = sorted(set(texts), key=lambda text: hashlib.sha256(text.encode()).digest())
    assert first_paragraphs(world / "documents", 3) == wanted[:3]
    one_document_a_part(world)
    assert first_paragraphs(world / "documents", 3) == wanted[:3]
    assert first_paragraphs(world / "documents", 100) == wanted
