"""Stage `curate_extract`: text out of every file; what gives none becomes a ledger row.

Reads   --lake     folder of raw documents
        --files    the table of `lake_manifest`: path, sha256, mime, source and rights of each file
Writes  --out      documents: DOCUMENTS columns and cleared_for_training bool; key doc_id
        --ledger   LEDGER columns; input_id is the file's path, or "path#locator" for a record of a
                   split file (JSONL, CSV, Parquet, JSON lists)

Files are read in processes of their own, under limits, on the engine of execution.yaml. Nothing in a
file is executed and nothing is fetched.
"""

from pathlib import Path

import polars as pl

from pipeline.engine.execution import load_execution
from pipeline.engine.shards import Tables, sharded
from pipeline.extract.merge import PLACE, check_extraction, merged
from pipeline.extract.shard import EXTRACTED, ExtractShard
from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.execution import Execution
from pipeline.schema.ledger import LEDGER
from pipeline.stage.outputs import output_dir
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import TableWriter, read_table, write_table
from pipeline.tables.runs import merged_runs

SLOW = ("application/pdf", "image/png", "image/jpeg", "image/tiff")
"""Types that may need OCR; they start first, so that no shard ends with them."""


def main(lake: Path, files: Path, out: Path, ledger: Path, params: CurateExtract) -> dict[str, object]:
    """Extract on the engine that execution.yaml names."""
    extract(lake, files, out, ledger, params, load_execution())
    return {}


def extract(lake: Path, files: Path, out: Path, ledger: Path, params: CurateExtract, execution: Execution) -> None:
    """Write documents and ledger; the same bytes on every engine with any number of workers."""
    listed = read_table(files)
    ordered = listed.sort(~pl.col("mime").is_in(SLOW), -pl.col("bytes"), "path")
    work = ExtractShard(str(lake.resolve()), params)
    with sharded(work, ordered, out, execution, "files read", sort={"documents": "doc_id"}) as tables:
        _write(listed, tables, out, ledger)


def _write(listed: pl.DataFrame, tables: Tables, out: Path, ledger: Path) -> None:
    """Decide on the documents' places alone, then let the texts pass from the shards to the table."""
    places = pl.concat([pl.read_parquet(file, columns=list(PLACE)) for file in tables["documents"]])
    kept, decided = merged(places, pl.concat([pl.read_parquet(file) for file in tables["ledger"]]))
    check_extraction(listed, kept, decided)
    with output_dir(out) as folder, output_dir(ledger) as beside:
        with TableWriter(folder, ["doc_id"], EXTRACTED) as writer:
            for rows in merged_runs(tables["documents"], "doc_id"):
                writer.write(rows.join(kept, on=PLACE, how="semi", maintain_order="left"))
        write_table(decided, beside, ["input_id"], LEDGER)


if __name__ == "__main__":
    run_stage(main, CurateExtract)
