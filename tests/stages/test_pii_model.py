import json

import polars as pl
import pytest

from pipeline.redact.tagger import load_tagger
from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.errors import BadInput
from pipeline.schema.pii_model import PiiModel
from pipeline.stages import pii_model
from pipeline.tables.parquet import write_table

PARAMS = PiiModel(
    seed=1,
    examples=1500,
    negatives=100,
    technical=50,
    informal=50,
    heldout_share=0.2,
    heldout_examples=50,
    plants=10,
    lower_share=0.1,
    invented_share=0.2,
    hidden_names=0.3,
    hidden_words=0.1,
    epochs=3,
    tape=512,
    learning_rate=2e-2,
    dropout=0.0,
    buckets=512,
    embedding=8,
    width=16,
    real={},
)


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text('env: {python: "3.11", threads: 1, packages: {}}\n')
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "given.txt").write_text("# names\nAnna Marta Tomasz Kenji Aisha Liam Zoe Omar Priya Lars\n")
    (lists / "surnames.txt").write_text("Kowalski Tanaka Okafor Murphy Rossi Silva Novak Haddad Patel Berg\n")
    (lists / "templates.txt").write_text(
        "Please ask {FULL} about the {thing}.\nThe {thing} was late.\nDear {FIRST},\nOpen the {thing} now.\n{FULL}\n"
        "{FULL} has the {thing}.\nWrite to {FULL}.\n"
    )
    (lists / "fillers.txt").write_text("[thing]\nreport | ledger | queue | archive\n")
    words = ["stone", "river", "quiet", "morning", "paper", "window", "market", "bridge"]
    rows = [
        {
            **dict.fromkeys(DOCUMENTS, ""),
            "doc_id": f"{number:04}",
            "text": f"The {words[number % 8]} was seen near the {words[number % 7]} and number {number} is of no use.",
        }
        for number in range(600)
    ]
    (tmp_path / "general").mkdir()
    write_table(pl.DataFrame(rows, schema=DOCUMENTS), tmp_path / "general", ["doc_id"], DOCUMENTS)
    (tmp_path / "hard").mkdir()
    (tmp_path / "hard" / "set.jsonl").write_text('{"text": "Please ask {{PERSON|Anna Murphy}} about it."}\n')
    return tmp_path


def run(world, name, hard="hard"):
    out, metrics = world / name, world / f"{name}.json"
    pii_model.main(world / "lists", world / "general", world / hard, out, metrics, PARAMS)
    return {path.name: path.read_bytes() for path in [*sorted(out.iterdir())]} | {"metrics": metrics.read_bytes()}


def test_it_learns_to_find_names_it_never_saw_and_same_inputs_give_same_bytes(world):
    first = run(world, "one")
    assert run(world, "two") == first
    assert set(first) == {"lexicon.json", "plants.jsonl", "tagger.json", "tagger.safetensors", "metrics"}
    metrics = json.loads(first["metrics"])
    assert metrics["heldout_generated"]["recall"] > 0.6
    assert metrics["heldout_general"]["finds"] < 20
    spans = load_tagger(world / "one").spans(["Please ask Anna Murphy about the ledger.", "The ledger was late."], 0.0)
    assert any(span.start <= 11 < 22 <= span.end for span in spans[0])
    assert not spans[1]


def test_a_slot_that_nothing_fills_is_named_and_nothing_is_written(world):
    (world / "lists" / "templates.txt").write_text("Ask {NOBODY}.\n")
    with pytest.raises(BadInput, match="NOBODY"):
        run(world, "one")
    assert not (world / "one").exists()


def test_a_failed_run_leaves_no_output(world):
    (world / "hard" / "set.jsonl").write_text("{}\n")
    with pytest.raises(BadInput, match="not readable"):
        run(world, "one")
    assert not (world / "one").exists()
    assert not (world / "one.json").exists()


def test_no_lake_and_no_test_set_is_trained_on(world, monkeypatch):
    first = run(world, "one")
    (world / "hard" / "set.jsonl").write_text('{"text": "quite {{PERSON|another}} set"}\n')
    assert run(world, "two")["tagger.safetensors"] == first["tagger.safetensors"]
