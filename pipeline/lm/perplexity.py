"""How well a model predicts texts: summed log-loss with the tokens and bytes it is spread over.

Texts are measured one by one, never packed. A text longer than the context is cut into windows that
do not overlap; the first token of a window is context only, so no model is asked for a token it has
no text before. Tensor legend: B windows, T tokens, V vocabulary.
"""

import math
from typing import NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from pipeline.lm.tokenise import document_tokens
from pipeline.stage.progress import progress


class Score(NamedTuple):
    """Log-loss of one or several texts; scores add up."""

    nats: float
    num_tokens: int
    """Predicted tokens, the end of text included."""
    num_bytes: int
    """UTF-8 bytes of the texts."""

    @property
    def perplexity(self) -> float:
        """exp(nats per token): comparable between models with one tokenizer only."""
        return math.exp(self.nats / self.num_tokens)

    @property
    def bits_per_byte(self) -> float:
        """Bits per byte of text: comparable between models with different tokenizers."""
        return self.nats / math.log(2) / self.num_bytes


def total(scores: list[Score]) -> Score:
    """The score of all texts together; sums are exact (`math.fsum`), so their order is no matter."""
    return Score(math.fsum(score.nats for score in scores), sum(score.num_tokens for score in scores),
                 sum(score.num_bytes for score in scores))


def score_texts(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: list[str], context: int,
                batch_rows: int, what: str) -> list[Score]:
    """The score of each text, in order, on the model's device.

    Args:
        context: tokens in a window, at most what the model was built for.
        batch_rows: windows measured at once.
        what: named by the progress bar.
    """
    tokens = document_tokens(tokenizer, texts)
    windows = [(len(window), index, window) for index, ids in enumerate(tokens)
               for window in cut(ids, context)]
    windows.sort(reverse=True)  # like lengths together: little padding
    nats: list[list[float]] = [[] for _ in texts]
    for start in progress(range(0, len(windows), batch_rows), what):
        batch = windows[start:start + batch_rows]
        losses = _window_nats(model, [window for _, _, window in batch])
        for (_, index, _), loss in zip(batch, losses, strict=True):
            nats[index].append(loss)
    counts = [sum(len(window) - 1 for window in cut(ids, context)) for ids in tokens]
    return [Score(math.fsum(parts), count, len(text.encode()))
            for parts, count, text in zip(nats, counts, texts, strict=True)]


def cut(ids: list[int], context: int) -> list[list[int]]:
    """Windows of at most `context` tokens in which every token but the very first is predicted once.

    Each window starts with the last token of the one before.
    """
    step = context - 1
    return [ids[start:start + context] for start in range(0, max(len(ids) - 1, 1), step)]


@torch.inference_mode()
def _window_nats(model: PreTrainedModel, windows: list[list[int]]) -> list[float]:
    longest = max(len(window) for window in windows)
    tokens_BT = torch.zeros(len(windows), longest, dtype=torch.int64, device=model.device)
    for row, window in enumerate(windows):
        tokens_BT[row, :len(window)] = torch.tensor(window)
    # padding is on the right and attention is causal: no real token sees it
    positions_BT = torch.arange(longest, device=model.device).expand(len(windows), -1)
    logits_BTV = model(input_ids=tokens_BT, position_ids=positions_BT, use_cache=False).logits.float()
    losses_BT = torch.nn.functional.cross_entropy(
        logits_BTV[:, :-1].transpose(1, 2), tokens_BT[:, 1:], reduction="none").double()
    return [float(losses_BT[row, :len(window) - 1].sum()) for row, window in enumerate(windows)]
