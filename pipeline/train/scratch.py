"""A base model from nothing: tokenizer, first weights, causal training on general text."""

from pathlib import Path

import polars as pl

from pipeline.lm.architecture import scratch_model
from pipeline.lm.determinism import configure
from pipeline.lm.save import save_model
from pipeline.lm.tokenise import END_OF_TEXT, END_OF_TURN, document_tokens, token_id, train_tokenizer
from pipeline.schema.base import ScratchBase
from pipeline.schema.pack import ROWS
from pipeline.stage.outputs import output_dir
from pipeline.tables.parquet import write_table
from pipeline.train.causal import CausalJob
from pipeline.train.packing import pack_documents


def prepare_scratch(documents: pl.DataFrame, params: ScratchBase, work: Path, threads: int) -> CausalJob:
    """Write first weights, tokenizer and packed rows below `work`; return the job that trains them.

    Args:
        documents: the train split, columns `doc_id` and `text`.
        work: scratch folder; what is there from a killed run is written anew, with the same bytes.
    """
    configure(params.training.seed, threads)
    texts = documents["text"].to_list()
    context = params.architecture.context
    tokenizer = train_tokenizer(texts, params.vocab_size, context)
    end = token_id(tokenizer, END_OF_TEXT)
    model = scratch_model(params.architecture, len(tokenizer), end,
                          [end, token_id(tokenizer, END_OF_TURN)], params.training.seed)
    with output_dir(work / "first") as scratch:
        save_model(model, tokenizer, scratch)
    rows = pack_documents(documents["doc_id"].to_list(), document_tokens(tokenizer, texts), [1] * len(texts),
                          "general", context, end)
    with output_dir(work / "rows") as scratch:
        write_table(rows, scratch, ["row_id"], ROWS)
    return CausalJob(base=str(work / "first"), rows=str(work / "rows"), state=str(work), out=str(work / "trained"),
                     threads=threads, training=params.training)
