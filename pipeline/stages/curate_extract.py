"""Stage `curate_extract`: text out of every file; what gives none becomes a ledger row.

Reads   --lake     folder of raw documents, or a YAML file that names one in a remote store
        --files    the table of `lake_manifest`: path, sha256, mime, source and rights of each file
Writes  --out      documents: DOCUMENTS columns and cleared_for_training bool; key doc_id
        --ledger   LEDGER columns; input_id is the file's path, or "path#locator" for a record of a
                   split file (JSONL, CSV, Parquet, JSON lists)

Files are read in processes of their own, under limits, on the engine of execution.yaml. Nothing in a
file is executed and nothing it names is fetched. What was read is kept in `.cache/curate_extract` under
the file's sha256 and the identity of code, parameters and libraries, so that only new files are read.
"""

from pathlib import Path

import polars as pl

from pipeline.engine.execution import load_execution
from pipeline.engine.shards import run_shards
from pipeline.extract.answers import answers_in, forget_others
from pipeline.extract.merge import check_extraction, merged
from pipeline.extract.shard import EXTRACTED, ExtractShard
from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.execution import Execution
from pipeline.schema.ledger import LEDGER
from pipeline.stage.outputs import output_dir, work_folder
from pipeline.stage.progress import say
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table, write_table

SLOW = ("application/pdf", "image/png", "image/jpeg", "image/tiff")
"""Types that may need OCR; they start first, so that no shard ends with them."""


CACHE = Path(".cache/curate_extract")


def main(lake: Path, files: Path, out: Path, ledger: Path, params: CurateExtract) -> dict[str, object]:
    """Extract on the engine that execution.yaml names."""
    extract(lake, files, out, ledger, params, load_execution(), CACHE)
    return {}


def extract(lake: Path, files: Path, out: Path, ledger: Path, params: CurateExtract, execution: Execution,
            cache: Path) -> None:
    """Write documents and ledger; the same bytes on every engine with any number of workers, with a cache or not."""
    listed = read_table(files)
    ordered = listed.sort(~pl.col("mime").is_in(SLOW), -pl.col("bytes"), "path")
    cache.mkdir(parents=True, exist_ok=True)
    answers = answers_in(cache, params)
    with work_folder(out) as scratch:
        work = ExtractShard(str(lake.resolve()), params, answers)
        tables = run_shards(work, ordered, scratch, execution, "files read")
    say(origins_said(tables["origins"]))
    documents, decided = merged(tables["documents"], tables["ledger"])
    check_extraction(listed, documents, decided)
    with output_dir(out) as folder, output_dir(ledger) as beside:
        write_table(documents, folder, ["doc_id"], EXTRACTED)
        write_table(decided, beside, ["input_id"], LEDGER)
    forget_others(cache, answers, listed.iter_rows(named=True))


def origins_said(origins: pl.DataFrame) -> str:
    """One line on where the answers came from."""
    count = dict(origins["found"].value_counts().iter_rows())
    said = f"{origins.height} files: {count.get('kept', 0)} read before, {count.get('none', 0)} read now"
    damaged = count.get("damaged", 0)
    return f"{said}, {damaged} read again because what was kept of them is damaged" if damaged else said


if __name__ == "__main__":
    run_stage(main, CurateExtract)
