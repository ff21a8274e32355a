"""Stage `report`: one self-contained HTML page on the whole run, and its table as JSON.

Reads   --lineage  every stage's record
        --data     folder with <stage>/ledger tables (and row counts of other tables, where present)
        --models   folder with *.eval/metrics.json, *.gate/gate.json, *.train/curve.csv, *.attestation/
Writes  --out      HTML: no script, no external request
        --summary  JSON: {"checkpoints": [...], "curation": [...]}, which `make repro` prints
        --headlines JSON: the few numbers that `dvc exp show` and `dvc metrics diff` list

Not a recorded stage: it reads `lineage/`.
"""

from pathlib import Path

from pipeline.cards.report import page
from pipeline.cards.run_facts import checkpoints, curation, curves, headline
from pipeline.cards.run_facts import summary as summarise
from pipeline.stage.outputs import output_file, write_json
from pipeline.stage.progress import say
from pipeline.stage.records import read_records
from pipeline.stage.run import run_stage


def main(lineage: Path, data: Path, models: Path, out: Path, summary: Path,
         headlines: Path) -> None:
    """Write the page, the summary and the headlines."""
    runs = {stage: record.run for stage, record in read_records(lineage).items()}
    rows, ledgers = checkpoints(models, runs), curation(data, runs)
    losses = curves(models, [row.name for row in rows])
    html = page(rows, ledgers, losses, runs, models.as_posix())
    with output_file(out) as scratch:
        scratch.write_text(html, encoding="utf-8")
    write_json(summary, summarise(rows, ledgers))
    write_json(headlines, headline(rows, ledgers))
    say(f"report: {out}")


if __name__ == "__main__":
    run_stage(main, None, recorded=False)
