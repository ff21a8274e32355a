"""Stage `curate_redact`: personal data out, keyed pseudonyms in.

Reads   --documents  DOCUMENTS columns; key doc_id
        --model      the tagger of stage `pii_model`
Writes  --out        documents: the same columns, `text` and `title` redacted; key doc_id
        --ledger     LEDGER columns: edit/pii, keep/ok, drop/pii_density; key input_id
        --spans      SPANS columns: where what was replaced, never the text; key doc_id, field, start
        --residual   JSON: what share of planted values was overlooked (`pipeline.redact.residual`)

A recogniser that fails stops the stage. Each different paragraph is analysed once, on the engine of
execution.yaml, and kept in `.cache/curate_redact` under the identity of model, parameters and code.
"""

from pathlib import Path

from pipeline.engine.execution import load_execution
from pipeline.redact.chunks import chunks
from pipeline.redact.documents import chunk_finds, redacted
from pipeline.redact.pseudonyms import fingerprint, pseudonym_key
from pipeline.redact.residual import load_plants, planted
from pipeline.redact.residual import residual as residual_of
from pipeline.redact.shard import load_analyser
from pipeline.schema.curate_redact import SPANS, CurateRedact
from pipeline.schema.execution import Execution
from pipeline.schema.ledger import LEDGER
from pipeline.stage.ledger import check_conservation
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table, write_table

CACHE = Path(".cache/curate_redact")
PLANT_BESIDE = 600
"""Characters of the paragraphs beside which values are planted, at most."""


def main(
    documents: Path, model: Path, out: Path, ledger: Path, spans: Path, residual: Path, params: CurateRedact
) -> dict[str, object]:
    """Redact on the engine that execution.yaml names; the key's fingerprint is part of the record."""
    key = pseudonym_key(params.pseudonym_key)
    redact(documents, model, out, ledger, spans, params, key, load_execution(), CACHE)
    write_json(residual, overlooked(documents, model, params))
    return {"pseudonym_key_fingerprint": fingerprint(key)}


def redact(
    documents: Path,
    model: Path,
    out: Path,
    ledger: Path,
    spans: Path,
    params: CurateRedact,
    key: bytes,
    execution: Execution,
    cache: Path,
) -> None:
    """Write the three tables; neither engine, workers nor cache change their bytes."""
    inputs = read_table(documents)
    finds = chunk_finds(inputs, model, params, execution, cache)
    tables = redacted(inputs, finds, params, key)
    check_conservation(
        "curate_redact", inputs.rename({"doc_id": "input_id"}), tables.ledger, tables.documents["doc_id"]
    )
    with output_dir(out) as folder, output_dir(ledger) as beside, output_dir(spans) as apart:
        write_table(tables.documents, folder, ["doc_id"], inputs.schema)
        write_table(tables.ledger, beside, ["input_id"], LEDGER)
        write_table(tables.spans, apart, ["doc_id", "field", "start"], SPANS)


def overlooked(documents: Path, model: Path, params: CurateRedact) -> dict[str, object]:
    """What share of the model's plants is not found among paragraphs of the documents."""
    texts = read_table(documents)["text"]
    paragraphs = [chunk.text for text in texts for chunk in chunks(text) if len(chunk.text) <= PLANT_BESIDE]
    return residual_of(planted(load_plants(model), paragraphs), load_analyser(model, params).found)


if __name__ == "__main__":
    run_stage(main, CurateRedact)
