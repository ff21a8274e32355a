"""Stage `curate_decontaminate`: drop documents that share an n-gram with an evaluation item.

Reads   --documents    table DOCUMENTS
        --eval-items   table of eval_items: item_id str and its texts (passages, turns list[str];
                       question, answer, text str)
Writes  --out          table DOCUMENTS: the documents that share none, unchanged
        --ledger       table LEDGER: drop eval_overlap (score: n-grams shared, evidence: item id)
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.schema.curate_decontaminate import CurateDecontaminate
from pipeline.schema.decided import Decided
from pipeline.schema.errors import BadInput
from pipeline.stage.ledger import check_source_survival
from pipeline.stage.progress import say
from pipeline.stage.run import run_stage
from pipeline.tables.curated import reason_counts, write_curated
from pipeline.tables.ledger import ledger_table
from pipeline.tables.parquet import read_table
from pipeline.text.overlap import EvalGrams

TEXTS = {"passages": pl.List(pl.String), "turns": pl.List(pl.String), "question": pl.String(), "answer": pl.String(),
         "text": pl.String()}
"""The fields of an item that hold its text; the instruction of a multi-turn item is ours, not its content."""


def main(documents: Path, eval_items: Path, out: Path, ledger: Path,
         params: CurateDecontaminate) -> dict[str, object]:
    """Look for every item in every document."""
    table = read_table(documents)
    grams = EvalGrams(item_fields(read_table(eval_items)), params.ngram_words, params.min_item_words)
    found = {overlap.document: overlap for overlap in grams.overlaps(table["text"].to_list())}
    decided = [Decided("drop", "eval_overlap", float(found[place].num_grams), found[place].item_id)
               if place in found else Decided("keep", "ok") for place in range(table.height)]
    rows = ledger_table(table, decided)
    check_source_survival("curate_decontaminate", rows, params.max_loss, params.default_max_loss)
    kept = [place for place in range(table.height) if place not in found]
    write_curated("curate_decontaminate", table, table[kept], rows, out, ledger)
    if grams.unchecked:
        say(f"{len(grams.unchecked)} items are too short to look for: {', '.join(grams.unchecked[:5])}")
    return {"reasons": reason_counts(rows), "unchecked_items": grams.unchecked}


def item_fields(items: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """(item id, text) for every non-empty text of every item.

    Raises:
        BadInput: a column is missing or of another type.
    """
    wrong = {name: str(items.schema.get(name)) for name, dtype in TEXTS.items() if items.schema.get(name) != dtype}
    if wrong:
        raise BadInput("eval_items", "columns are not those of evaluation items", got=str(wrong))
    for row in items.iter_rows(named=True):
        for name in TEXTS:
            texts = [row[name]] if isinstance(row[name], str) else row[name] or []
            yield from ((row["item_id"], text) for text in texts if text)


if __name__ == "__main__":
    run_stage(main, CurateDecontaminate)
