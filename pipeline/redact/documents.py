"""Redact a documents table: find in different chunks once, decide per document, replace.

Both ways lead through the table part by part. In memory as a whole are the finds of the chunks that have
any, about 200 bytes a chunk, and no text.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow.parquet as pq

from pipeline.engine.shards import sharded
from pipeline.redact.analyse import Found
from pipeline.redact.cache import cache_file, keep_finds, kept_finds
from pipeline.redact.chunks import Chunk, chunk_key, chunks, placed
from pipeline.redact.pseudonyms import Replacer
from pipeline.redact.shard import FINDS, NOTHING, RedactShard, unpacked
from pipeline.redact.spread import names_in, spread
from pipeline.redact.wanted import FIELDS, Wanted, wanted_chunks
from pipeline.schema.curate_redact import SPANS, CurateRedact
from pipeline.schema.errors import BrokenContract
from pipeline.schema.execution import Execution
from pipeline.schema.ledger import LEDGER
from pipeline.stage.progress import say
from pipeline.tables.parquet import read_parts

Keyed = list[tuple[bytes, Chunk]]
"""The chunks of a field in order, with their keys."""


class Redacted(NamedTuple):
    """Three tables, rows in order of the input."""

    documents: pl.DataFrame
    ledger: pl.DataFrame
    spans: pl.DataFrame


def chunk_finds(documents: Path, model: Path, params: CurateRedact, execution: Execution, cache: Path) -> pl.DataFrame:
    """Finds of every different chunk of text and title that has any, from the cache or by the engine.

    Returns:
        FINDS columns, in no order. A chunk without a row was looked at and has none.

    Raises:
        BrokenContract: a chunk came back without an answer.
    """
    path = cache_file(cache, model, params)
    with wanted_chunks(documents, path, kept_finds(path), execution.workers * execution.shards_per_worker) as wanted:
        cached = pq.read_metadata(wanted.known).num_rows
        say(f"{wanted.total} different chunks, {cached} of them cached")
        if cached == wanted.total:
            return _with_finds([wanted.known])
        work = RedactShard(str(model.resolve()), params)
        # what is done when a run is killed is kept beside the cache file
        with sharded(work, wanted.parts, path, execution, "parts redacted", reads=(model, wanted.new),
                     sort={"finds": "key"}) as tables:
            runs = [wanted.known, *tables["finds"]]
            _check_answered(wanted, runs)
            keep_finds(path, runs)
            return _with_finds(runs)


def redacted(documents: Path, finds: pl.DataFrame, params: CurateRedact, key: bytes) -> Iterator[Redacted]:
    """For each part: documents with personal data replaced, the decision on each, every span without its text.

    Args:
        finds: what `chunk_finds` gave for these documents.
    """
    replacer = Replacer(params, key)
    for table in read_parts(documents):
        yield _redacted_part(table, finds, params, replacer)


def document_finds(fields: Mapping[str, str], cut: Mapping[str, Keyed], finds: Mapping[bytes, str],
                   params: CurateRedact) -> dict[str, list[Found]]:
    """Field -> its finds in order; names found in the text or in the title are carried to both.

    Args:
        fields: field -> its text.
        cut: field -> its chunks.
        finds: of the chunks that have any, packed.
    """
    found = {field: list(_field_finds(cut[field], finds)) for field in FIELDS}
    if params.spread_names:
        names = names_in(fields, found)
        found = {field: spread(fields[field], found[field], names) for field in FIELDS}
    return found


def decided(text: str, found: list[Found], num_spans: int, params: CurateRedact) -> dict[str, object]:
    """decision, reason and score of a document."""
    density = sum(find.end - find.start for find in found) / max(1, len(text))
    if density > params.max_density and len(found) >= params.min_density_spans:
        return {"decision": "drop", "reason": "pii_density", "score": density}
    if num_spans:
        return {"decision": "edit", "reason": "pii", "score": float(num_spans)}
    return {"decision": "keep", "reason": "ok", "score": None}


def _check_answered(wanted: Wanted, runs: Sequence[Path]) -> None:
    answered = sum(pq.read_metadata(run).num_rows for run in runs)
    if answered != wanted.total:
        raise BrokenContract("curate_redact", "chunks without an answer", wanted=str(wanted.total), got=str(answered))


def _with_finds(runs: Sequence[Path]) -> pl.DataFrame:
    return pl.scan_parquet(list(runs)).filter(pl.col("found") != NOTHING).collect(engine="streaming")


def _redacted_part(table: pl.DataFrame, finds: pl.DataFrame, params: CurateRedact, replacer: Replacer) -> Redacted:
    cuts = [{field: _keyed(row[field] or "") for field in FIELDS} for row in table.iter_rows(named=True)]
    here = pl.DataFrame({"key": list({key for cut in cuts for field in FIELDS for key, _ in cut[field]})},
                        schema={"key": FINDS["key"]})
    known = dict(finds.join(here, on="key", how="semi").select(*FINDS).iter_rows())
    rows, ledger, spans = [], [], []
    for row, cut in zip(table.iter_rows(named=True), cuts, strict=True):
        fields = {field: row[field] or "" for field in FIELDS}
        found = document_finds(fields, cut, known, params)
        decision = decided(row["text"], found["text"], sum(map(len, found.values())), params)
        ledger.append(
            {"input_id": row["doc_id"], "source": row["source"], **decision, "evidence": "", "survivor_id": ""}
        )
        if decision["decision"] == "drop":
            continue
        for field, finds_ in found.items():
            if finds_:
                spans += [_span_row(row["doc_id"], field, row[field], find, replacer) for find in finds_]
                row[field] = replacer.replaced(row[field], finds_)
        rows.append(row)
    return Redacted(
        pl.DataFrame(rows, schema=table.schema),
        pl.DataFrame(ledger, schema=LEDGER),
        pl.DataFrame(spans, schema=SPANS),
    )


def _keyed(text: str) -> Keyed:
    return [(chunk_key(chunk.text), chunk) for chunk in chunks(text)]


def _field_finds(cut: Keyed, finds: Mapping[bytes, str]) -> Iterator[Found]:
    for key, chunk in cut:
        if key in finds:
            yield from placed(chunk, unpacked(finds[key]))


def _span_row(doc_id: str, field: str, text: str, find: Found, replacer: Replacer) -> dict[str, object]:
    return {
        "doc_id": doc_id,
        "field": field,
        "start": find.start,
        "end": find.end,
        "entity_type": find.kind,
        "recogniser": find.recogniser,
        "score": find.score,
        "pseudonym": replacer.token(text, find),
    }
