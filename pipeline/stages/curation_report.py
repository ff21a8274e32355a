"""Stage `curation_report`: one self-contained HTML page on what curation kept, and why the rest is not there.

Reads   --lineage    every stage's record
        --data       folder with <stage>/ledger and <stage>/documents, quality_model/ and curate_filter/metrics.json
        --tokenizer  folder of a model: its tokenizer counts the tokens
Writes  --out        HTML: no script, no external request. Internal: it quotes documents of the lake

Not a recorded stage: it reads `lineage/`.
"""

from pathlib import Path

from pipeline.cards.curation_page import page
from pipeline.cards.flows import flows, token_rates
from pipeline.cards.quality import quality
from pipeline.cards.quotes import taken
from pipeline.cards.run_facts import curation
from pipeline.schema.curation_report import CurationReport
from pipeline.schema.errors import BadInput
from pipeline.stage.outputs import output_file
from pipeline.stage.progress import say
from pipeline.stage.records import read_records
from pipeline.stage.run import run_stage


def main(lineage: Path, data: Path, tokenizer: Path, out: Path, params: CurationReport) -> None:
    """Write the page.

    Raises:
        BadInput: no curation stage left a ledger.
    """
    runs = {stage: record.run for stage, record in read_records(lineage).items()}
    ledgers = curation(data, runs)
    if not ledgers:
        raise BadInput(str(data), "holds no ledger", wanted="<stage>/ledger", do="`dvc repro curate_mix`")
    rates = token_rates(data / ledgers[0].stage / "documents", tokenizer, params.token_sample_chars)
    shown = [(entry.stage, taken(data, entry.stage, runs, params)) for entry in ledgers]
    html = page(flows(data, ledgers, runs, rates), shown, rates, quality(data, runs), params)
    with output_file(out) as scratch:
        scratch.write_text(html, encoding="utf-8")
    say(f"curation page: {out}")


if __name__ == "__main__":
    run_stage(main, CurationReport, recorded=False)
