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

from collections.abc import Iterator
from pathlib import Path

from pipeline.engine.execution import load_execution
from pipeline.redact.chunks import chunk_key, chunks
from pipeline.redact.documents import chunk_finds, redacted
from pipeline.redact.pseudonyms import fingerprint, pseudonym_key
from pipeline.redact.residual import load_plants, planted
from pipeline.redact.residual import residual as residual_of
from pipeline.redact.shard import load_analyser
from pipeline.schema.curate_redact import SPANS, CurateRedact
from pipeline.schema.execution import Execution
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.run import run_stage
from pipeline.tables.curated import Piece, write_pieces
from pipeline.tables.parquet import TableWriter, read_parts, read_table

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
    """Write the three tables part by part; neither engine, workers nor cache change their bytes."""
    finds = chunk_finds(documents, model, params, execution, cache)
    inputs = read_table(documents, ["doc_id", "source"])
    with output_dir(spans) as folder, TableWriter(folder, ["doc_id", "field", "start"], SPANS) as writer:

        def pieces() -> Iterator[Piece]:
            for part in redacted(documents, finds, params, key):
                writer.write(part.spans.sort("doc_id", "field", "start"))
                yield Piece(part.documents, part.ledger)

        write_pieces("curate_redact", inputs, pieces(), out, ledger, lambda _: None)


def overlooked(documents: Path, model: Path, params: CurateRedact) -> dict[str, object]:
    """What share of the model's plants is not found among paragraphs of the documents."""
    plants = load_plants(model)
    paragraphs = first_paragraphs(documents, len(plants))
    return residual_of(planted(plants, paragraphs), load_analyser(model, params).found)


def first_paragraphs(documents: Path, count: int) -> list[str]:
    """The `count` different paragraphs, none too long, whose sha256 is smallest: those that `planted` would draw."""
    first: dict[bytes, str] = {}
    for table in read_parts(documents, ["text"]):
        paragraphs = (chunk.text for text in table["text"] for chunk in chunks(text))
        first |= {chunk_key(text): text for text in paragraphs if len(text) <= PLANT_BESIDE}
        first = dict(sorted(first.items())[:count])
    return list(first.values())


if __name__ == "__main__":
    run_stage(main, CurateRedact)
