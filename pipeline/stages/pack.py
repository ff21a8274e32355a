"""Tokenise training documents and pack them into rows that keep documents apart.

Reads   documents   DOCUMENTS + `split`, `origin`, `weight` (Float64: uses of a document an epoch)
        base        a full checkpoint; its tokenizer is used
Writes  out         table of `pipeline.schema.pack.ROWS`; only `split == train`, one origin a row
"""

from pathlib import Path

import polars as pl

from pipeline.lm.load import load_tokenizer
from pipeline.lm.tokenise import document_tokens
from pipeline.schema.errors import BadInput
from pipeline.schema.pack import ROWS, Pack
from pipeline.stage.outputs import output_dir
from pipeline.stage.progress import progress, say
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table, write_table
from pipeline.train.packing import pack_documents, repeats


def main(documents: Path, base: Path, out: Path, params: Pack) -> dict[str, object]:
    """Pack the train split of `documents`, domain and replay apart."""
    tokenizer = load_tokenizer(base)
    if tokenizer.model_max_length < params.row_tokens:
        raise BadInput("params.yaml", "`pack.row_tokens` is longer than the base's context",
                       wanted=f"at most {tokenizer.model_max_length}", got=str(params.row_tokens))
    train = read_table(documents).filter(split="train")
    if not train.height:
        raise BadInput(str(documents), "no document is in the train split", do="look at curate_mix's ledger")
    tables, counts = [], {}
    for origin in progress(sorted(train["origin"].unique()), "packing"):
        part = train.filter(origin=origin)
        times = [repeats(doc_id, weight, params.seed) for doc_id, weight in part.select("doc_id", "weight").rows()]
        table = pack_documents(part["doc_id"].to_list(), document_tokens(tokenizer, part["text"].to_list()), times,
                               origin, params.row_tokens, tokenizer.eos_token_id)
        tables.append(table)
        counts[origin] = {"documents": sum(count > 0 for count in times), "rows": table.height}
    with output_dir(out) as scratch:
        # a document used twice may fill two equal rows; its copy number keeps their ids apart
        write_table(pl.concat(tables), scratch, ["row_id"], ROWS)
    say(f"pack: {counts}")
    return {"counts": counts, "padding": tokenizer.eos_token}


if __name__ == "__main__":
    run_stage(main, Pack)
