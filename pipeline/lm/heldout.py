"""Perplexity on held-out documents, with the counts a reader needs to weigh it."""

import hashlib
from typing import Protocol

import polars as pl
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from pipeline.lm.perplexity import Score, score_texts, total
from pipeline.schema.errors import BadInput


class HowMeasured(Protocol):
    """The params a measurement reads; sections of several stages have them."""

    @property
    def batch_rows(self) -> int: ...
    @property
    def context(self) -> int: ...
    @property
    def max_documents(self) -> int: ...
    @property
    def seed(self) -> int: ...


def heldout_sample(documents: pl.DataFrame, params: HowMeasured) -> list[str]:
    """Texts of at most `max_documents` held-out documents, chosen by seed, in order of `doc_id`.

    Args:
        documents: columns `doc_id`, `text`, `split`.

    Raises:
        BadInput: no document is held out.
    """
    held = documents.filter(split="heldout")
    if not held.height:
        raise BadInput("documents", "none is held out, so nothing can be measured",
                       do="raise the held-out share in params.yaml")
    ids = sorted(held["doc_id"], key=lambda name: hashlib.sha256(f"{params.seed}:{name}".encode()).digest())
    chosen = held.filter(pl.col("doc_id").is_in(ids[:params.max_documents]))
    return chosen.sort("doc_id")["text"].to_list()


def held_out_scores(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, sets: dict[str, list[str]],
                    params: HowMeasured, who: str) -> dict[str, dict[str, float]]:
    """Set name -> `summary` of the model's total score on it."""
    context = min(params.context, model.config.get_text_config().max_position_embeddings)
    return {name: summary(total(score_texts(model, tokenizer, texts, context, params.batch_rows,
                                            f"{who} on {name}")), len(texts))
            for name, texts in sets.items()}


def summary(score: Score, num_documents: int) -> dict[str, float]:
    """A score as JSON values."""
    return {"perplexity": score.perplexity, "bits_per_byte": score.bits_per_byte, "documents": num_documents,
            "tokens": score.num_tokens, "bytes": score.num_bytes}
