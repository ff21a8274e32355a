"""Stage evaluate with an untrained model: it must score low, never crash, and give the same bytes twice."""

import json
from pathlib import Path

import polars as pl
import pytest

from pipeline.evals.metrics import metrics
from pipeline.schema.dialogues import ConstraintChoice
from pipeline.schema.errors import BadInput
from pipeline.schema.eval_items import EVAL_ITEMS
from pipeline.schema.evaluate import Evaluate
from pipeline.schema.examples import EXAMPLES
from pipeline.stage.hashing import hash_artefact
from pipeline.stages.evaluate import main
from pipeline.tables.parquet import read_table, write_table
from tests import tiny

PARAMS = Evaluate(seed=1, context=64, batch_rows=4, max_documents=10, max_examples=4, max_conversations=2, turns=2,
                  passage_chars=400,
                    constraints=[ConstraintChoice(kind="no_digits", value="")], max_new_tokens=6, max_turn_tokens=6,
                    temperature=0.0, top_p=1.0, batch_size=8, confidence=0.95, resamples=200)


def item(item_id, task, **cells):
    empty = {name: [] if isinstance(dtype, pl.List) else 0 if dtype == pl.Int64() else ""
             for name, dtype in EVAL_ITEMS.items()}
    return {**empty, "item_id": item_id, "task": task, **cells}


ITEMS = [
    item("Q1", "qa", passages=["A clerk waits."], question="Who waits?", answer="A clerk waits.", source=1),
    item("Q2", "qa", passages=["A clerk waits."], question="Where?", answer="The passages do not say."),
    item("M1", "multi_turn", passages=["A clerk waits."], constraint_kind="no_digits", instruction="Use no digits.",
         turns=["Who waits?", "Why?"]),
    item("G1", "general", text="A glacier turns slowly north."),
]


def example(number, **cells):
    values = {"example_id": f"e{number}", "kind": "section_qa", "split": "heldout", "doc_id": f"d{number // 3}",
              "passages": ["Our baker keeps two copies.", "The night train is read aloud."], "question": "Who keeps?",
              "answer": "Answer: Our baker keeps two copies.\nSource: [1]", "source": 1, "citation_start": 0,
              "citation_end": 27, "review_state": "generated"}
    return {**values, **cells}


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny.write_env(tmp_path)
    tiny.write_base(Path("model"), shape=tiny.SHAPE.model_copy(update={"context": 256}))
    tiny.write_documents(Path("documents"), tiny.documents())
    tiny.write_documents(Path("general"), tiny.documents([f"General. {text}" for text in tiny.TEXTS]))
    write("items", pl.DataFrame(ITEMS, schema=EVAL_ITEMS), "item_id", EVAL_ITEMS)
    rows = [example(number) for number in range(6)] + [example(9, split="train")]
    write("examples", pl.DataFrame(rows, schema=EXAMPLES), "example_id", EXAMPLES)


def write(folder, table, key, schema):
    Path(folder).mkdir()
    write_table(table, Path(folder), [key], schema)


def evaluate(out="out", checkpoint="model", params=PARAMS):
    main(Path(checkpoint), Path("model"), Path("documents"), Path("general"), Path("items"), Path("examples"),
         Path(out, "answers"), Path(out, "metrics.json"), params)
    return read_table(Path(out, "answers")), json.loads(Path(out, "metrics.json").read_text())


@pytest.mark.usefixtures("world")
def test_every_item_has_a_row_in_every_task_it_belongs_to():
    answers, _ = evaluate()
    counts = dict(answers.group_by("task").len().iter_rows())
    # 2 authored questions and 4 of the 6 held-out examples; 1 authored conversation and 2 documents with 2 examples
    assert counts == {"in_domain_perplexity": 6, "general_perplexity": 7, "format": 6, "citation": 6, "refusal": 6,
                      "rubric": 6, "multi_turn": 3}
    assert "e9" not in set(answers["item_id"])


@pytest.mark.usefixtures("world")
def test_an_untrained_model_scores_low_and_near_its_vocabulary():
    _, found = evaluate()
    assert found["format_adherence"] == found["citation_recall"] == found["multi_turn"] == 0
    assert found["refusal_balanced"] == 0
    assert 200 < found["in_domain_perplexity"] < 500  # 320 tokens, nearly uniform


@pytest.mark.usefixtures("world")
def test_metrics_follow_from_the_answers_table_alone():
    answers, found = evaluate()
    assert metrics(answers, PARAMS) == found


@pytest.mark.usefixtures("world")
def test_a_model_without_a_chat_template_says_nothing_and_is_measured_all_the_same():
    Path("model/chat_template.jinja").unlink()
    answers, found = evaluate()
    assert set(answers.filter(task="format")["answer"]) == {""}
    assert found["format_adherence"] == 0
    assert found["in_domain_perplexity"] > 1


@pytest.mark.usefixtures("world")
def test_a_prompt_longer_than_the_context_is_answered_by_silence():
    answers, found = evaluate(params=PARAMS.model_copy(update={"max_new_tokens": 250, "max_turn_tokens": 250}))
    assert set(answers.filter(task="rubric")["answer"]) == {""}
    assert found["rubric"] == 0


@pytest.mark.usefixtures("world")
def test_same_inputs_same_bytes():
    evaluate("one")
    evaluate("two")
    assert hash_artefact(Path("one")).digest == hash_artefact(Path("two")).digest


@pytest.mark.usefixtures("world")
def test_a_failed_run_leaves_no_output():
    tiny.write_documents(Path("none"), tiny.documents(split="train"))
    with pytest.raises(BadInput, match="too few documents are held out"):
        main(Path("model"), Path("model"), Path("none"), Path("general"), Path("items"), Path("examples"),
             Path("out/answers"), Path("out/metrics.json"), PARAMS)
    assert not Path("out").exists()
