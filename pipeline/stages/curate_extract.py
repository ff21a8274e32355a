"""Stage `curate_extract`: text out of every file; what gives none becomes a ledger row.

Reads   --lake     folder of raw documents, or a YAML file that names one in a remote store
        --files    the table of `lake_manifest`: path, sha256, mime, source and rights of each file
Writes  --out      documents: DOCUMENTS columns and cleared_for_training bool; key doc_id
        --ledger   LEDGER columns; input_id is the file's path, or "path#locator" for a record of a
                   split file (JSONL, CSV, Parquet, JSON lists)
        --pages    PAGES columns: how each PDF page and image got its text; key path, locator, page

Files are read in processes of their own, under limits, on the engine of execution.yaml. Nothing in a
file is executed and nothing it names is fetched. What was read is kept in `.cache/curate_extract`, so
that only new files are read: answers under the file's sha256 and the identity of code, parameters and
libraries, results of OCR under the pixels' digest and the engine's identity. Both are kept for the files
of this lake alone.
"""

from pathlib import Path

import polars as pl

from pipeline.engine.execution import load_execution
from pipeline.engine.shards import Tables, gathered, sharded
from pipeline.extract.answers import answers_in
from pipeline.extract.merge import DECIDING, PLACE, check_extraction, merged
from pipeline.extract.nougat_model import with_model
from pipeline.extract.ocr import check_engines, forget_images
from pipeline.extract.shard import EXTRACTED, ExtractShard
from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.execution import Execution
from pipeline.schema.ledger import LEDGER
from pipeline.schema.pages import PAGES
from pipeline.stage.outputs import output_dir
from pipeline.stage.progress import say
from pipeline.stage.run import run_stage
from pipeline.stage.sources import check_sources
from pipeline.tables.parquet import TableWriter, read_table, write_table
from pipeline.tables.runs import merged_runs

SLOW = ("application/pdf", "image/png", "image/jpeg", "image/tiff")
"""Types that may need OCR; they start first, so that no shard ends with them."""
CACHE = Path(".cache/curate_extract")


def main(lake: Path, files: Path, out: Path, ledger: Path, pages: Path, params: CurateExtract) -> dict[str, object]:
    """Extract on the engine that execution.yaml names; the OCR engines' identities are part of the record."""
    return {"ocr": extract(lake, files, out, ledger, pages, with_model(params, CACHE), load_execution(), CACHE)}


def extract(lake: Path, files: Path, out: Path, ledger: Path, pages: Path, params: CurateExtract,
            execution: Execution, cache: Path) -> dict[str, dict[str, str]]:
    """Write the three tables; neither engine, workers nor cache change their bytes.

    Returns:
        The identities of the OCR engines.
    """
    listed = read_table(files)
    check_sources({"curate_extract.ocr.engines": params.ocr.engines}, listed["source"])
    engines = check_engines(params.ocr)
    ordered = listed.sort(~pl.col("mime").is_in(SLOW), -pl.col("bytes"), "path")
    answers, recognised = answers_in(cache / "answers", params, engines), cache / "ocr"
    recognised.mkdir(parents=True, exist_ok=True)
    work = ExtractShard(str(lake.resolve()), params, answers, str(recognised.resolve()))
    with sharded(work, ordered, out, execution, "files read", sort={"documents": "doc_id"}) as tables:
        say(origins_said(gathered({"origins": tables["origins"]})["origins"]))
        rows = _write(listed, tables, out, ledger, pages)
    answers.forget_others(listed.iter_rows(named=True))
    forget_images(recognised, set(rows["image_sha256"].drop_nulls()))
    return engines


def _write(listed: pl.DataFrame, tables: Tables, out: Path, ledger: Path, pages: Path) -> pl.DataFrame:
    """Decide on the documents' places alone, then let the texts pass from the shards to the table; the pages."""
    places = pl.concat([pl.read_parquet(file, columns=list(DECIDING)) for file in tables["documents"]])
    small = gathered({name: tables[name] for name in ("ledger", "pages")})
    kept, decided = merged(places, small["ledger"])
    check_extraction(listed, kept, decided)
    with output_dir(out) as folder, output_dir(ledger) as beside, output_dir(pages) as apart:
        with TableWriter(folder, ["doc_id"], EXTRACTED) as writer:
            for rows in merged_runs(tables["documents"], "doc_id"):
                writer.write(rows.join(kept, on=PLACE, how="semi", maintain_order="left"))
        write_table(decided, beside, ["input_id"], LEDGER)
        write_table(small["pages"], apart, ["path", "locator", "page"], PAGES)
    return small["pages"]


def origins_said(origins: pl.DataFrame) -> str:
    """One line on where the answers came from."""
    count = dict(origins["found"].value_counts().iter_rows())
    said = f"{origins.height} files: {count.get('kept', 0)} read before, {count.get('none', 0)} read now"
    damaged = count.get("damaged", 0)
    return f"{said}, {damaged} read again because what was kept of them is damaged" if damaged else said


if __name__ == "__main__":
    run_stage(main, CurateExtract)
