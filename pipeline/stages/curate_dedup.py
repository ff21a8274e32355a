"""Stage `curate_dedup`: merge near-duplicate documents, then remove chunks seen in an earlier one.

Reads   --documents    table DOCUMENTS
Writes  --out          table DOCUMENTS: the survivors, some with chunks removed
        --ledger       table LEDGER: merge near_duplicate (score: exact Jaccard), edit repeated_chunks
                       (score: share removed), drop all_chunks_repeated, keep ok
"""

from pathlib import Path

import polars as pl

from pipeline.schema.curate_dedup import CurateDedup
from pipeline.schema.decided import Decided
from pipeline.stage.ledger import check_source_survival
from pipeline.stage.progress import say
from pipeline.stage.run import run_stage
from pipeline.tables.curated import reason_counts, write_curated
from pipeline.tables.ledger import ledger_table
from pipeline.tables.parquet import read_table
from pipeline.tables.preference import best_first
from pipeline.text.chunks import Trimmed, without_repeats
from pipeline.text.near_duplicates import Merge, MinHash, near_duplicates


def main(documents: Path, out: Path, ledger: Path, params: CurateDedup) -> dict[str, object]:
    """From best to worst, so that the better copy is always the one that stays."""
    ordered = best_first(read_table(documents), params.licence_rank)
    ids, texts = ordered["doc_id"].to_list(), ordered["text"].to_list()
    settings = MinHash(params.shingle_words, params.bands, params.rows, params.threshold, params.seed)
    merges = {merge.document: merge for merge in near_duplicates(texts, settings)}
    left = [place for place in range(len(ids)) if place not in merges]
    trimmed = dict(zip(left, without_repeats((texts[place] for place in left), params.min_chunk_chars), strict=True))
    decided = [_merged(merges[place], ids) if place in merges else _trimmed(trimmed[place])
               for place in range(len(ids))]
    table = ledger_table(ordered, decided)
    check_source_survival("curate_dedup", table, params.max_loss, params.default_max_loss)
    write_curated("curate_dedup", ordered, _survivors(ordered, trimmed), table, out, ledger)
    say(f"{reason_counts(table)}")
    return {"reasons": reason_counts(table)}


def _merged(merge: Merge, ids: list[str]) -> Decided:
    return Decided("merge", "near_duplicate", merge.jaccard, "", ids[merge.survivor])


def _trimmed(trimmed: Trimmed) -> Decided:
    if not trimmed.removed_share:
        return Decided("keep", "ok")
    if not trimmed.text:
        return Decided("drop", "all_chunks_repeated", trimmed.removed_share)
    return Decided("edit", "repeated_chunks", trimmed.removed_share)


def _survivors(ordered: pl.DataFrame, trimmed: dict[int, Trimmed]) -> pl.DataFrame:
    """Documents not merged and not emptied, with their remaining text."""
    kept = [place for place, result in trimmed.items() if result.text or not result.removed_share]
    return ordered[kept].with_columns(pl.Series("text", [trimmed[place].text for place in kept], pl.String))


if __name__ == "__main__":
    run_stage(main, CurateDedup)
