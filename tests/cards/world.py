"""A small finished run, as files: tables, models, evaluations, gates, and the lineage records of all stages.

The numbers are drawn, the formats are the real ones: the kernel writes the records, `pipeline.evals`
the metrics and the gates. Everything is relative to the working directory.
"""

import json
from pathlib import Path

import numpy as np
import polars as pl
from safetensors.numpy import save_file

from pipeline.evals.gate import gate_record
from pipeline.evals.metrics import metrics
from pipeline.schema.dialogues import ConstraintChoice
from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.eval_answers import ANSWERS
from pipeline.schema.evaluate import Evaluate
from pipeline.schema.gate import CHECKS, Gate
from pipeline.schema.ledger import LEDGER
from pipeline.stage.declared import Declared
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.outputs import write_json
from pipeline.stage.record import write_record
from pipeline.tables.parquet import write_table

EVALUATE = Evaluate(seed=1, context=64, batch_rows=4, max_documents=10, max_examples=4, max_conversations=2, turns=2,
                    passage_chars=400, temperature=0.0, top_p=1.0,
                    constraints=[ConstraintChoice(kind="no_digits", value="")], max_new_tokens=8, max_turn_tokens=6,
                    batch_size=4, confidence=0.95, resamples=200)
GATE = Gate(confidence=0.95, power=0.8, tie_margin=1e-6, stop_on_regression=False, checks={
    "base": {}, "dacpt": {"in_domain_perplexity": -0.3, "general_perplexity": 0.02},
    "sft": {"format_adherence": 0.5, "citation_recall": 0.2},
    "dpo_1": {name: -0.1 for name in CHECKS if "perp" not in name}})

PARAMS = """
env:
  python: "3.11"
  threads: 1
  packages: {numpy: 2.4.6}
"""

CURATION = ("curate_extract", "curate_filter", "curate_dedup", "curate_mix")
DROPS = {"curate_extract": ("drop", "unreadable"), "curate_filter": ("drop", "quality"),
         "curate_dedup": ("merge", "near_duplicate"), "curate_mix": ("drop", "over_budget")}
SOURCES = ("policies", "tickets", "audit")


def build(facts: str, hostile: str = "tickets") -> None:
    """Write the whole tree into the working directory.

    Args:
        facts: text of data/card.yaml.
        hostile: the name of one source of the lake.
    """
    Path("params.yaml").write_text(PARAMS)
    Path("requirements.lock").write_text("numpy==2.4.6\n")
    Path("data/lake").mkdir(parents=True)
    Path("data/lake/a.md").write_text("one document")
    Path("data/card.yaml").write_text(facts)
    _curation(hostile)
    _models()
    _evaluations()


def record(stage: str, materials: dict[str, str], products: list[str], params: dict[str, object] | None = None,
           resolved: dict[str, object] | None = None) -> None:
    """The lineage record of one stage; `materials` maps a path to the stage that made it."""
    declared = Declared(stage, f"python -m pipeline.stages.{stage.partition('@')[0]}", (), tuple(materials),
                        tuple(products), params or {}, {path: maker for path, maker in materials.items() if maker})
    write_record(Path("lineage") / stage, declared, {path: hash_artefact(Path(path)) for path in materials},
                 {path: hash_artefact(Path(path)) for path in products}, resolved or {})


def _curation(hostile: str) -> None:
    sources = tuple(hostile if source == "tickets" else source for source in SOURCES)
    ids = [f"{number:016x}" for number in range(60)]
    before, maker = "data/lake", ""
    for number, stage in enumerate(CURATION):
        decision, reason = DROPS[stage]
        rows = [(key, sources[int(key, 16) % 3],
                 *((decision, reason) if int(key, 16) % 7 == number else ("keep", "ok"))) for key in ids]
        kept = [row[0] for row in rows if row[2] == "keep"]
        ledger = pl.DataFrame([
            {"input_id": key, "source": source, "decision": what, "reason": why, "score": 0.5, "evidence": "",
             "survivor_id": kept[0] if what == "merge" else ""} for key, source, what, why in rows], schema=LEDGER)
        documents = pl.DataFrame([{name: key if name == "doc_id" else source for name in DOCUMENTS}
                                  for key, source, what, _ in rows if what == "keep"], schema=DOCUMENTS)
        for name, table, key, schema in (("ledger", ledger, "input_id", LEDGER),
                                         ("documents", documents, "doc_id", DOCUMENTS)):
            folder = Path("data") / stage / name
            folder.mkdir(parents=True)
            write_table(table, folder, [key], schema)
        record(stage, {before: maker}, [f"data/{stage}/documents", f"data/{stage}/ledger"])
        before, maker, ids = f"data/{stage}/documents", stage, kept


def _models() -> None:
    mix = {"data/curate_mix/documents": "curate_mix"}
    _full("models/bases/tiny")
    _metrics("models/bases.train/tiny.json", None)
    record("base@tiny", {"data/lake": ""}, ["models/bases/tiny", "models/bases.train/tiny.json"],
           {"base": {"candidates": {"tiny": {"kind": "scratch"}}}}, {"licence": "as the general text"})
    _full("models/base")
    record("choose_base", {"models/bases/tiny": "base@tiny", **mix}, ["models/base"], resolved={"winner": "tiny"})
    _full("models/dacpt", shift=1.0)
    _trained("dacpt", {"models/base": "choose_base", **mix})
    for stage, name, policy in (("sft", "sft", "models/dacpt"), ("dpo@1", "dpo_1", "models/sft")):
        _adapter(f"models/{name}")
        maker = {"models/dacpt": "dacpt", "models/sft": "sft"}
        _trained(name, {"models/dacpt": "dacpt", policy: maker[policy]}, stage)


def _trained(name: str, materials: dict[str, str], stage: str = "") -> None:
    stage = stage or name
    _metrics(f"models/{name}.train/metrics.json", f"models/{name}.train/curve.csv")
    section = stage.partition("@")[0]
    record(stage, materials, [f"models/{name}", f"models/{name}.train/metrics.json", f"models/{name}.train/curve.csv"],
           {section: {"training": {"learning_rate": 0.001, "epochs": 2.0}, "seed": 7}})


def _metrics(path: str, curve: str | None) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_json(Path(path), {"training": {"steps": 20, "trained_tokens": 1000}})
    if curve:
        points = [f"{step},{3 - step / 40:.3f},0.001" for step in range(5, 25, 5)]
        Path(curve).write_text("\n".join(["step,loss,lr", *points]) + "\n")


def _full(folder: str, shift: float = 0.0) -> None:
    Path(folder).mkdir(parents=True)
    save_file({"w": np.full((4, 5), shift, dtype=np.float32)}, f"{folder}/model.safetensors", {"format": "pt"})
    write_json(Path(folder, "config.json"), {"architectures": ["Qwen3ForCausalLM"], "num_hidden_layers": 1,
                                             "hidden_size": 5, "vocab_size": 4, "max_position_embeddings": 64})
    Path(folder, "tokenizer.json").write_text("{}")


def _adapter(folder: str) -> None:
    Path(folder).mkdir(parents=True)
    save_file({"a": np.zeros((2, 3), dtype=np.float32)}, f"{folder}/adapter_model.safetensors", {"format": "pt"})
    write_json(Path(folder, "adapter_config.json"), {
        "peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"],
        "base_model_name_or_path": "sha256:" + hash_artefact(Path("models/dacpt")).digest})


def _evaluations() -> None:
    before: dict[str, str] = {"base": "base", "dacpt": "base", "sft": "dacpt", "dpo_1": "sft"}
    makers = {"base": "choose_base", "dacpt": "dacpt", "sft": "sft", "dpo_1": "dpo@1"}
    for level, name in enumerate(before):
        table = answers(level)
        folder = Path(f"models/{name}.eval/answers")
        folder.mkdir(parents=True)
        write_table(table, folder, ["item_id", "task"], ANSWERS)
        write_json(Path(f"models/{name}.eval/metrics.json"), metrics(table, EVALUATE))
        record(f"evaluate@{name}", {f"models/{name}": makers[name]},
               [f"models/{name}.eval/answers", f"models/{name}.eval/metrics.json"])
    for level, (name, old) in enumerate(before.items()):
        sides = [(answers(index), json.loads(Path(f"models/{side}.eval/metrics.json").read_text()))
                 for index, side in ((max(level - 1, 0), old), (level, name))]
        write_json(Path(f"models/{name}.gate/gate.json"), gate_record(name, *sides, GATE, first=name == "base"))
        record(f"gate@{name}", {f"models/{side}.eval/{part}": f"evaluate@{side}"
                                for side in dict.fromkeys((old, name)) for part in ("answers", "metrics.json")},
               [f"models/{name}.gate/gate.json"])


def answers(level: int) -> pl.DataFrame:
    """The answers of a checkpoint that is better the higher its level."""
    rng = np.random.default_rng(level)
    rows = []
    for number in range(20):
        for task, base in (("in_domain_perplexity", 4.0), ("general_perplexity", 4.5)):
            better = 0.45 * min(level, 1) if task.startswith("in") else 0.0
            nats = (base - better + rng.normal() * 0.02) * 100
            rows.append(_row(f"doc{number}", task, nats / 100, {"nats": nats, "tokens": 100, "bytes": 330}))
    for number in range(40):
        good, answerable = float(rng.random() < 0.45 * level), float(number % 4 != 0)
        cite = {"cited": good, "correct": good * answerable, "answerable": answerable}
        rows += [_row(f"q{number}", "format", good, {}), _row(f"q{number}", "citation", cite["correct"], cite),
                 _row(f"q{number}", "refusal", good, {"answerable": answerable}),
                 _row(f"q{number}", "rubric", good * rng.random(), {"format": good})]
    rows += [_row(f"t{number}", "multi_turn", float(rng.random() < 0.3 * level), {}) for number in range(20)]
    return pl.DataFrame(rows, schema=ANSWERS)


def _row(item_id: str, task: str, score: float, parts: dict[str, float]) -> dict[str, object]:
    return {"item_id": item_id, "task": task, "prompt": "PRIVATE TEXT", "answer": "PRIVATE TEXT", "score": score,
            "parts": json.dumps(parts)}
