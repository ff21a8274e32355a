"""Stage `general_text`: general English for scratch bases, replay and measuring.

Reads   --text       folder of .md, .txt, .rst, .html and .xhtml files: all of their text
        installed packages named in params, each at its pinned version: their documentation's prose
Writes  --out        table: DOCUMENTS columns and `split` str (train | heldout); key doc_id
"""

from collections.abc import Iterator
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
from pipeline.tables.parquet import write_table
from pipeline.text.draws import unit_draw
from pipeline.text.general import HTML, TEXT, GeneralFile, documents, own_file, package_prose, within_budget
from pipeline.text.prose import ProseRules


def main(text: Path, out: Path, params: GeneralText) -> dict[str, object]:
    """Own files first, then packages by name: this order decides who keeps a repeated paragraph."""
    files = [*_own_files(text, params), *_package_files(params)]
    rows = within_budget(list(documents(files, params.min_document_chars)), params.max_chars, params.seed)
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
    say(f"{table.height} documents, {sum(chars.values()):,} characters")
    return {"characters": chars}


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
