"""Task `perplexity`: how well the model predicts held-out text, in-domain and general.

One row a document: score is nats per token, parts add up (see `pipeline.lm.perplexity`).
"""

from collections.abc import Mapping

from pipeline.evals.respond import Respondent
from pipeline.evals.rows import Scored, answer_row
from pipeline.lm.perplexity import score_texts

VERSION = "1"


def rows(respondent: Respondent, task: str, texts: Mapping[str, str]) -> list[dict[str, object]]:
    """Rows of the answers table for documents `texts` (id -> text), in the order of `texts`.

    Parts: `nats`, `tokens` (predicted ones), `bytes` (UTF-8).
    """
    context = min(respondent.params.context, respondent.context)
    scores = score_texts(respondent.model, respondent.tokenizer, list(texts.values()), context,
                         respondent.params.batch_rows, task)
    return [answer_row(key, task, "", "", Scored(found.nats / found.num_tokens, {
        "nats": found.nats, "tokens": found.num_tokens, "bytes": found.num_bytes}))
        for key, found in zip(texts, scores, strict=True)]
