"""Stage `date_model`: learn from dated documents to tell from a text in which year it was written.

Reads   --documents  table DOCUMENTS and cleared_for_training bool: nothing is learnt from what is not cleared
        --files      table FILES: a date that lake.yaml gives to all files of a source is not learnt from
Writes  --out        folder: dating.json, words.parquet; words of the lake and in how many documents of each year
        --metrics    JSON: how well the year of held-out documents is told
"""

from pathlib import Path

import polars as pl

from pipeline.schema.date_model import DateModel
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.progress import say
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table
from pipeline.text.dating import dated_documents, learn, measure, prepare, save

CONFIDENCE = 0.9
"""Of the intervals that are measured."""


def main(documents: Path, files: Path, out: Path, metrics: Path, params: DateModel) -> dict[str, object]:
    """Learn from documents that name their own date, then measure on those left out."""
    own = without_given_dates(read_table(documents), read_table(files))
    samples = prepare(dated_documents(own, params), params)
    with output_dir(out) as folder:
        save(learn(samples, params), folder)
    heldout = measure(samples, params, CONFIDENCE)
    write_json(metrics, {"heldout": heldout})
    say(f"{len(samples)} dated documents; held out: {heldout}")
    return {"dated_documents": len(samples)}


def without_given_dates(documents: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
    """Documents cleared for training whose date is their own: not one that their rights entry gives to all."""
    given = files.select("path", given="published")
    cleared = documents.filter("cleared_for_training").select("doc_id", "text", "path", "published")
    return (cleared.join(given, on="path", how="left")
            .filter(pl.col("published").is_not_null() & ~pl.col("published").eq_missing(pl.col("given"))))


if __name__ == "__main__":
    run_stage(main, DateModel)
