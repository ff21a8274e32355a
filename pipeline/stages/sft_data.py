"""Stage `sft_data`: examples with citations, cut from the structure of the domain documents.

Reads   --documents  table: documents plus `split` (train | heldout) and `origin` (domain | replay)
Writes  --out        table `pipeline.schema.examples.EXAMPLES`, key example_id

Replay documents give no examples. All passages of an example come from documents of its own split.
"""

from pathlib import Path

import polars as pl

from pipeline.schema.errors import BadInput, BrokenContract
from pipeline.schema.examples import EXAMPLES
from pipeline.schema.sft_data import SftData
from pipeline.stage.outputs import output_dir
from pipeline.stage.progress import progress, say
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table, write_table
from pipeline.text.compose import compose, cut_document


def main(documents: Path, out: Path, params: SftData) -> dict[str, object] | None:
    """Cut, complete with distractors, check every citation, write."""
    domain = read_table(documents).filter(pl.col("origin") == "domain")
    rows = domain.select("doc_id", "split", "text", pl.col("title").fill_null("")).iter_rows()
    cuts = [cut for doc_id, split, text, title in progress(rows, "documents", total=domain.height)
            for cut in cut_document(doc_id, split, text, title, params)]
    examples = compose(cuts, params)
    if not any(example.split == "train" for example in examples):
        raise BadInput(str(documents), "no document of the train split offers an example",
                       wanted="Markdown headings over prose, or labelled playbooks and tickets",
                       do="look at data/curate_mix/documents; raise `sft_data.answer_chars` if sentences are long")
    table = pl.DataFrame([example._asdict() for example in examples], schema=EXAMPLES)
    check_citations(table, domain)
    with output_dir(out) as folder:
        write_table(table, folder, ["example_id"], EXAMPLES)
    for split, kind, count in table.group_by("split", "kind").len().sort("split", "kind").iter_rows():
        say(f"sft_data: {count} {kind} in {split}")
    return None


def check_citations(examples: pl.DataFrame, documents: pl.DataFrame) -> None:
    """Every cited passage is the named span of the named document.

    Raises:
        BrokenContract: one is not; names the example.
    """
    texts = dict(documents.select("doc_id", "text").iter_rows())
    columns = ("example_id", "doc_id", "passages", "source", "citation_start", "citation_end")
    for example_id, doc_id, passages, source, start, end in examples.select(columns).iter_rows():
        if source and texts[doc_id][start:end] != passages[source - 1]:
            raise BrokenContract(f"example {example_id}", "the cited passage is not the span it names",
                                 wanted=repr(passages[source - 1][:60]), got=repr(texts[doc_id][start:end][:60]))


if __name__ == "__main__":
    run_stage(main, SftData)
