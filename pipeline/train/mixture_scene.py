"""What the proxies of a mixture search see, from documents: tokenizer, windows, first weights."""

import numpy as np
import polars as pl

from pipeline.lm.tokenise import document_tokens, train_tokenizer
from pipeline.schema.mixture import Mixture
from pipeline.train.mixture_search import Floats, Measured, Scene
from pipeline.train.proxies import First, first_weights, trained, windows


def build_scene(texts: pl.DataFrame, shares: dict[str, float], general: list[str], params: Mixture) -> Scene:
    """The scale model as proxies take it.

    Args:
        texts: columns `source`, `part` (train | validation | heldout), `text`.
        shares: source -> its share of all characters that may be trained on.
        general: texts a proxy learns first.
    """
    sources = sorted(shares)
    ordered = texts.sort("part", "source", "doc_id")
    train = ordered.filter(part="train")
    tokenizer = train_tokenizer([*train["text"], *general], params.proxy.vocab_size, params.proxy.context)
    vocab_size = len(tokenizer)

    def measured(table: pl.DataFrame) -> Measured:
        text = windows(document_tokens(tokenizer, table["text"].to_list()), params.proxy.context, vocab_size)
        return Measured(text, np.array([sources.index(source) for source in table["source"]], np.int64))

    seen, validation = measured(train), measured(ordered.filter(part="validation"))
    tuned = np.bincount(validation.source, minlength=len(sources)) >= params.min_documents
    shares_S = np.array([shares[source] for source in sources])
    source_T = seen.source[seen.text.document]
    return Scene(sources, shares_S, tuned, values(sources, shares_S, tuned, params), seen.text,
                 [np.flatnonzero(source_T == place) for place in range(len(sources))], validation,
                 measured(ordered.filter(part="heldout")),
                 _first(document_tokens(tokenizer, general), vocab_size, params))


def values(sources: list[str], shares_S: Floats, tuned_S: np.ndarray, params: Mixture) -> Floats:
    """How much each source's loss counts; sum 1, or all 0 where nothing that counts can be tuned."""
    if params.target == "even":
        wished = np.ones(len(sources))
    elif params.target == "size":
        wished = shares_S
    else:
        wished = np.array([params.target.get(source, 0.0) for source in sources])
    counted = np.where(tuned_S, wished, 0.0)
    return counted / max(counted.sum(), np.finfo(np.float64).tiny)


def _first(general: list[list[int]], vocab_size: int, params: Mixture) -> First:
    """Weights every proxy starts from: drawn, then trained once over the general text."""
    first = first_weights(params.proxy, vocab_size, params.seed)
    if not general:
        return first
    text = windows(general, params.proxy.context, vocab_size)
    draws = np.random.default_rng(params.seed).permutation(len(text.targets))
    return trained(first, text, draws[None], params.proxy).one(0)
