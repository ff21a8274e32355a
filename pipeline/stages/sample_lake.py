"""Stage `sample_lake`: render the built-in sample lake, with planted faults.

Reads   --text   authored documents `<source>/<id>.md` with front matter, tickets/tickets.jsonl and
                 incidents/incidents.jsonl; personal data is marked `{{TYPE|value}}`
        --eval   evaluation items; two planted notes quote some of qa.jsonl
Writes  --out    the lake: Markdown, HTML, DOCX, PDF, scanned PDF, JSONL, Parquet, damaged files
        --truth  table TRUTH: what was planted where; tests and measurements read it, no stage does

The same bytes on every run: dates are the documents' own, noise is seeded by path, archives carry no
clock.
"""

from pathlib import Path

import polars as pl

from pipeline.sample_lake.lake import Truth, planted_files
from pipeline.schema.errors import BrokenContract
from pipeline.schema.sample_lake import SampleLake
from pipeline.schema.truth import TRUTH
from pipeline.stage.outputs import output_dir
from pipeline.stage.progress import progress
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import write_table


def main(text: Path, eval: Path, out: Path, truth: Path, params: SampleLake) -> None:  # the flag's name
    """Write the lake and its truth table."""
    rows: list[Truth] = []
    with output_dir(out) as lake, output_dir(truth) as folder:
        for file in progress(planted_files(text, eval, params), "files rendered"):
            path = lake / file.path
            if path.exists():
                raise BrokenContract("sample_lake", f"`{file.path}` is planted twice")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.data)
            rows += file.truth
        table = pl.DataFrame([row._asdict() | {"pii": list(row.pii)} for row in rows], schema=TRUTH)
        write_table(table, folder, ["path", "locator"], TRUTH)


if __name__ == "__main__":
    run_stage(main, SampleLake)
