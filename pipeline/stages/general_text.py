"""Stage `general_text`: general English for scratch bases, replay and measuring.

Reads   --text       folder of .md, .txt, .rst, .html and .xhtml files: all of their text
        --eval-items table of eval_items: whatever shares an n-gram with an item is left out
        installed packages named in params, each at its pinned version: their documentation's prose
Writes  --out        table: DOCUMENTS columns and `split` str (train | heldout); key doc_id
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.errors import BadInput
from pipeline.schema.general_text import GeneralText
from pipeline.stage.hashing import list_files
from pipeline.stage.outputs import output_dir
from pipeline.stage.progress import progress, say
from pipeline.stage.run import run_stage
from pipeline.tables.eval_items import item_fields
from pipeline.tables.parquet import read_table, write_table
from pipeline.text.draws import unit_draw
from pipeline.text.general import HTML, TEXT, GeneralFile, documents, own_file, package_prose, within_budget
from pipeline.text.overlap import EvalGrams
from pipeline.text.prose import ProseRules


def main(text: Path, eval_items: Path, out: Path, params: GeneralText) -> dict[str, object]:
    """Own files first, then packages by name: this order decides who keeps a repeated paragraph."""
    files = [*_own_files(text, params), *_package_files(params)]
    offered = list(documents(files, params.min_document_chars))
    asked = asked_for(offered, eval_items, params)
    clean = [row for row in offered if str(row["path"]) not in asked]
    rows = within_budget(clean, params.max_chars, params.seed)
    if not rows:
        raise BadInput(str(text), "no general text at all", do="name packages in params.yaml or add text files")
    table = pl.DataFrame(rows).with_columns(
        pl.when(pl.col("source") == "own").then(pl.lit(params.text_rights_basis)).otherwise(pl.lit("licence"))
        .alias("rights_basis"),
        pl.Series("split", [_split(str(row["doc_id"]), params) for row in rows]),
        pl.col("title", "published").cast(pl.String))
    with output_dir(out) as folder:
        write_table(table.with_columns(pl.col(list(DOCUMENTS))), folder, ["doc_id"],
                    {**DOCUMENTS, "split": pl.String()})
    chars = dict(table.group_by("source").agg(pl.col("text").str.len_chars().sum()).sort("source").iter_rows())
    say(f"{table.height} documents, {sum(chars.values()):,} characters; {len(asked)} hold evaluation items")
    return {"characters": chars, "eval_overlap": asked}


def asked_for(rows: Sequence[Mapping[str, str | None]], eval_items: Path, params: GeneralText) -> dict[str, str]:
    """Path of each document that shares an n-gram with an evaluation item -> the item's id."""
    grams = EvalGrams(item_fields(read_table(eval_items)), params.ngram_words, params.min_item_words)
    found = grams.overlaps([f"{row['title'] or ''}\n{row['text']}" for row in rows])
    return {str(rows[overlap.document]["path"]): overlap.item_id for overlap in found}


def _own_files(text: Path, params: GeneralText) -> Iterator[GeneralFile]:
    for path in list_files(text):
        if path.suffix in HTML + TEXT:
            yield own_file(path.relative_to(text).as_posix(), path.read_bytes(), params.text_licence)


def _package_files(params: GeneralText) -> Iterator[GeneralFile]:
    """Packages in processes of their own: parsing their source is what takes the time."""
    rules = ProseRules(params.min_words, params.min_letter_share, params.min_function_word_share,
                       params.max_code_word_share)
    packages = sorted(params.packages.items())
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:  # polars' threads do not survive a fork
        tasks = [pool.submit(package_prose, name, package.version, package.licence, rules)
                 for name, package in packages]
        for task in progress(tasks, "packages", len(tasks)):
            yield from task.result()


def _split(doc_id: str, params: GeneralText) -> str:
    return "heldout" if unit_draw(params.seed, doc_id) < params.heldout_share else "train"


if __name__ == "__main__":
    run_stage(main, GeneralText)
