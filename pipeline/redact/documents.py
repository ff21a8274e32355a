"""Redact a documents table: find in different chunks once, decide per document, replace."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipeline.engine.shards import gathered, sharded
from pipeline.redact.analyse import Found
from pipeline.redact.cache import cache_file, keep_finds, kept_finds
from pipeline.redact.chunks import chunk_key, chunks, placed
from pipeline.redact.pseudonyms import Replacer
from pipeline.redact.shard import CHUNKS, RedactShard, unpacked
from pipeline.redact.spread import names_in, spread
from pipeline.schema.curate_redact import SPANS, CurateRedact
from pipeline.schema.errors import BrokenContract
from pipeline.schema.execution import Execution
from pipeline.schema.ledger import LEDGER
from pipeline.stage.progress import say

Finds = dict[str, str]
"""Chunk key -> packed finds."""


class Redacted(NamedTuple):
    """Three tables, rows in order of the input."""

    documents: pl.DataFrame
    ledger: pl.DataFrame
    spans: pl.DataFrame


def chunk_finds(documents: pl.DataFrame, model: Path, params: CurateRedact, execution: Execution, cache: Path) -> Finds:
    """Finds of every different chunk of text and title, from the cache or by the engine.

    Raises:
        BrokenContract: a chunk came back without an answer.
    """
    texts = (text for field in ("text", "title") for text in documents[field].drop_nulls())
    wanted = {chunk_key(chunk.text): chunk.text for text in texts for chunk in chunks(text)}
    path = cache_file(cache, model, params)
    kept = kept_finds(path).filter(pl.col("key").is_in(list(wanted)))
    known = set(kept["key"])
    new = pl.DataFrame([row for row in sorted(wanted.items()) if row[0] not in known], schema=CHUNKS, orient="row")
    say(f"{len(wanted)} different chunks, {len(known)} of them cached")
    if new.height:
        kept = pl.concat([kept, _analysed(new, model, params, execution, path)])
        keep_finds(path, kept)
    finds = dict(kept.iter_rows())
    if set(finds) != set(wanted):
        raise BrokenContract("curate_redact", "chunks without an answer", got=str(len(set(wanted) - set(finds))))
    return finds


def redacted(documents: pl.DataFrame, finds: Finds, params: CurateRedact, key: bytes) -> Redacted:
    """Documents with personal data replaced, the decision on each, and every span without its text."""
    replacer = Replacer(params, key)
    rows, ledger, spans = [], [], []
    for row in documents.iter_rows(named=True):
        found = document_finds(row["text"], row["title"], finds, params)
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
        pl.DataFrame(rows, schema=documents.schema),
        pl.DataFrame(ledger, schema=LEDGER),
        pl.DataFrame(spans, schema=SPANS),
    )


def document_finds(text: str, title: str | None, finds: Finds, params: CurateRedact) -> dict[str, list[Found]]:
    """Field -> its finds in order; names of the text are carried to the title too."""
    found = {"text": list(_field_finds(text, finds)), "title": list(_field_finds(title or "", finds))}
    if params.spread_names:
        names = names_in(text, found["text"])
        found = {"text": spread(text, found["text"], names), "title": spread(title or "", found["title"], names)}
    return found


def decided(text: str, found: list[Found], num_spans: int, params: CurateRedact) -> dict[str, object]:
    """decision, reason and score of a document."""
    density = sum(find.end - find.start for find in found) / max(1, len(text))
    if density > params.max_density and len(found) >= params.min_density_spans:
        return {"decision": "drop", "reason": "pii_density", "score": density}
    if num_spans:
        return {"decision": "edit", "reason": "pii", "score": float(num_spans)}
    return {"decision": "keep", "reason": "ok", "score": None}


def _analysed(new: pl.DataFrame, model: Path, params: CurateRedact, execution: Execution, path: Path) -> pl.DataFrame:
    """Finds of `new`, shared out; what is done when a run is killed is kept beside the cache file."""
    work = RedactShard(str(model.resolve()), params)
    rows = new.with_columns(bytes=pl.col("text").str.len_bytes())
    with sharded(work, rows, path, execution, "chunks redacted", reads=(model,)) as tables:
        return gathered(tables)["finds"]


def _field_finds(text: str, finds: Finds) -> Iterator[Found]:
    for chunk in chunks(text):
        yield from placed(chunk, unpacked(finds[chunk_key(chunk.text)]))


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
