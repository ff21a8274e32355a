"""Stage `curate_dedup`: merge near-duplicate documents, then remove chunks and boilerplate lines seen in earlier ones.

Reads   --documents    table DOCUMENTS
Writes  --out          table DOCUMENTS: the survivors, some with chunks or lines removed
        --ledger       table LEDGER: merge near_duplicate (score: exact Jaccard), edit repeated_chunks or, where only
                       lines went, boilerplate_lines (score: share removed), drop all_chunks_repeated, keep ok
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.schema.curate_dedup import CurateDedup
from pipeline.schema.decided import Decided
from pipeline.schema.ledger import SURVIVES
from pipeline.stage.ledger import check_source_survival
from pipeline.stage.outputs import work_folder
from pipeline.stage.progress import say
from pipeline.stage.run import run_stage
from pipeline.tables.curated import Piece, reason_counts, write_pieces
from pipeline.tables.ledger import ledger_table
from pipeline.tables.parquet import read_parts
from pipeline.tables.preference import best_first
from pipeline.tables.texts import OrderedTexts, TextFile
from pipeline.text.boilerplate import BoilerplateRemover, boilerplate
from pipeline.text.chunks import Trimmed, without_repeats
from pipeline.text.near_duplicates import Merge, MinHash, near_duplicates

KEYS = ("doc_id", "source", "licence", "published")


def main(documents: Path, out: Path, ledger: Path, params: CurateDedup) -> dict[str, object]:
    """From best to worst, so that the better copy is always the one that stays.

    Texts lie in scratch files beside `out` meanwhile; in memory are keys, signatures and decisions.
    """
    with (work_folder(out) as scratch, TextFile(scratch / "texts") as texts,
          TextFile(scratch / "trimmed") as trimmed):
        keys = stored(documents, texts)
        decisions = decided(keys, texts, trimmed, params)

        def check(rows: pl.DataFrame) -> None:
            check_source_survival("curate_dedup", rows, params.max_loss, params.default_max_loss)

        rows = write_pieces("curate_dedup", keys, _pieces(documents, decisions, trimmed), out, ledger, check)
    say(f"{reason_counts(rows)}")
    return {"reasons": reason_counts(rows)}


def stored(documents: Path, texts: TextFile) -> pl.DataFrame:
    """Put all texts into `texts`, and return KEYS, `chars` and `place` (there) of each, in table order."""
    keys = []
    for table in read_parts(documents, [*KEYS, "text"]):
        texts.add(table["text"])
        keys.append(table.select(*KEYS, chars=pl.col("text").str.len_chars()))
    return pl.concat(keys).with_row_index("place")


class Decisions(NamedTuple):
    """What becomes of each document, by its place in the table."""

    decided: list[Decided]
    trimmed: dict[int, int]
    """Place of a document that lost something -> place of its remaining text among the trimmed ones."""


def decided(keys: pl.DataFrame, texts: TextFile, trimmed: TextFile, params: CurateDedup) -> Decisions:
    """Merge near-duplicates, then trim what is left; remaining texts are put into `trimmed`."""
    ordered = best_first(keys, params.licence_rank)
    places = ordered["place"].to_numpy().astype(np.int64)
    found: list[Decided] = [Decided("keep", "ok")] * keys.height
    settings = MinHash(params.shingle_words, params.bands, params.rows, params.threshold, params.seed)
    for merge in near_duplicates(OrderedTexts(texts, places), settings):
        found[places[merge.document]] = _merged(merge, ordered["doc_id"])
    left = np.array([place for place in places if found[place].decision != "merge"], np.int64)
    sources = keys["source"].gather(left).to_list()
    return Decisions(found, dict(_trim(OrderedTexts(texts, left), left, sources, trimmed, found, params)))


def _merged(merge: Merge, ids: pl.Series) -> Decided:
    return Decided("merge", "near_duplicate", merge.jaccard, "", ids[merge.survivor])


def _trim(texts: OrderedTexts, places: NDArray[np.int64], sources: list[str], trimmed: TextFile,
          found: list[Decided], params: CurateDedup) -> Iterator[tuple[int, int]]:
    """Decide on `texts`, from best to worst; gives (place, place in `trimmed`) of those that lost something."""
    lines = params.boilerplate
    remover = BoilerplateRemover(boilerplate(texts, sources, lines), lines.min_letters)
    chunked = without_repeats(texts, params.min_chunk_chars)
    for place, source, fewer_chunks in zip(places.tolist(), sources, chunked, strict=True):
        fewer_lines = remover.trimmed(fewer_chunks.text, source)
        found[place] = _trimmed(fewer_chunks, fewer_lines)
        if found[place].decision == "edit":
            trimmed.add([fewer_lines.text])
            yield place, len(trimmed) - 1


def _trimmed(chunks: Trimmed, lines: Trimmed) -> Decided:
    """The decision on a text that lost `chunks`, and then `lines` of what was left."""
    share = chunks.removed_share + (1 - chunks.removed_share) * lines.removed_share
    if not share:
        return Decided("keep", "ok")
    evidence = f"{chunks.removed} chunks, {lines.removed} lines"
    if not lines.text:
        return Decided("drop", "all_chunks_repeated", share, evidence)
    return Decided("edit", "repeated_chunks" if chunks.removed_share else "boilerplate_lines", share, evidence)


def _pieces(documents: Path, decisions: Decisions, trimmed: TextFile) -> Iterator[Piece]:
    """Documents not merged and not emptied, with their remaining text."""
    first = 0
    for table in read_parts(documents):
        mine = decisions.decided[first:first + table.height]
        texts = [trimmed.text(decisions.trimmed[place]) if place in decisions.trimmed else text
                 for place, text in enumerate(table["text"], first)]
        kept = pl.Series([one.decision in SURVIVES for one in mine], dtype=pl.Boolean)
        survivors = table.with_columns(pl.Series("text", texts, pl.String)).filter(kept).sort("doc_id")
        yield Piece(survivors, ledger_table(table, mine))
        first += table.height


if __name__ == "__main__":
    run_stage(main, CurateDedup)
