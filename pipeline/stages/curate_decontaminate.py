"""Stage `curate_decontaminate`: drop documents that share an n-gram with an evaluation item.

Reads   --documents    table DOCUMENTS
        --eval-items   table of eval_items: item_id str and its texts (passages, turns list[str];
                       question, answer, text str)
Writes  --out          table DOCUMENTS: the documents that share none, unchanged
        --ledger       table LEDGER: drop eval_overlap (score: n-grams shared, evidence: item id)
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.engine.execution import load_execution
from pipeline.engine.shards import gathered, sharded
from pipeline.schema.curate_decontaminate import CurateDecontaminate
from pipeline.schema.decided import Decided
from pipeline.schema.execution import Execution
from pipeline.schema.ledger import LEDGER
from pipeline.stage.ledger import check_source_survival
from pipeline.stage.progress import say
from pipeline.stage.run import run_stage
from pipeline.tables.curated import kept_pieces, reason_counts, write_pieces
from pipeline.tables.eval_items import item_fields
from pipeline.tables.ledger import ledger_table
from pipeline.tables.parquet import part_units, read_part, read_table
from pipeline.text.overlap import EvalGrams, Overlap


def main(documents: Path, eval_items: Path, out: Path, ledger: Path,
         params: CurateDecontaminate) -> dict[str, object]:
    """Decontaminate on the engine that execution.yaml names."""
    rows, unchecked = decontaminated(documents, eval_items, out, ledger, params, load_execution())
    if unchecked:
        say(f"{len(unchecked)} items are too short to look for: {', '.join(unchecked[:5])}")
    return {"reasons": reason_counts(rows), "unchecked_items": unchecked}


def decontaminated(documents: Path, eval_items: Path, out: Path, ledger: Path, params: CurateDecontaminate,
                   execution: Execution) -> tuple[pl.DataFrame, list[str]]:
    """Look for every item in every document; returns the ledger and the items too short to look for."""
    work = OverlapShard(tuple(item_fields(read_table(eval_items))), params)
    with sharded(work, part_units(documents), out, execution, "parts compared", reads=(documents,)) as tables:
        found = gathered(tables)

    def check(ledger_rows: pl.DataFrame) -> None:
        check_source_survival("curate_decontaminate", ledger_rows, params.max_loss, params.default_max_loss)

    inputs = read_table(documents, ["doc_id", "source"])
    pieces = kept_pieces(documents, found["ledger"].sort("input_id"))
    rows = write_pieces("curate_decontaminate", inputs, pieces, out, ledger, check)
    return rows, sorted(set(found["unchecked"]["item_id"]))


@dataclass(frozen=True)
class OverlapShard:
    """Callable on parts of the documents table; picklable, so that it runs on any engine."""

    fields: tuple[tuple[str, str], ...]
    """(item id, text) of every field of every item."""
    params: CurateDecontaminate

    def __call__(self, parts: pl.DataFrame, tick: Callable[[], None]) -> dict[str, pl.DataFrame]:
        """Tables `ledger` and `unchecked` (the same from every shard)."""
        grams = EvalGrams(self.fields, self.params.ngram_words, self.params.min_item_words)
        rows = [pl.DataFrame(schema=LEDGER)]
        for part in parts["part"]:
            table = read_part(Path(part))
            texts = [f"{title or ''}\n{text}" for title, text in table.select("title", "text").iter_rows()]
            found = {overlap.document: overlap for overlap in grams.overlaps(texts)}
            rows.append(ledger_table(table, [_decided(found.get(place)) for place in range(table.height)]))
            tick()
        unchecked = pl.DataFrame({"item_id": grams.unchecked}, schema={"item_id": pl.String})
        return {"ledger": pl.concat(rows), "unchecked": unchecked}


def _decided(found: Overlap | None) -> Decided:
    return Decided("drop", "eval_overlap", float(found.num_grams), found.item_id) if found else Decided("keep", "ok")


if __name__ == "__main__":
    run_stage(main, CurateDecontaminate)
