"""Seeded sampling in batches: what an item draws depends on its own seed.

Each item has a generator of its own, seeded by its seed; at every step it gives one uniform number,
which picks the token by the inverse of the cumulative distribution. Nothing of another item, its
place or the batch size enters the draw. What does enter is the arithmetic: logits of the same item in
two batch shapes differ by about 1e-6, so a token can flip where its uniform number falls that close to
an edge (about once in 10^5 tokens). Equal calls give equal bytes on the CPU; on a GPU the same holds
per device class and batch size, which is why the batch size is a parameter and not a setting.

Prompts are padded on the left and share their prefix work: equal prompts in a batch are read once.

Shape letters: B items of a batch, U distinct prompts of it, T positions, V vocabulary.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase

from pipeline.schema.errors import BadInput
from pipeline.stage.progress import progress
from pipeline.text.answers import Message

END_OF_TURN = "<|im_end|>"
"""Ends an assistant's turn in the chat template; the document end token ends it too."""

NUCLEUS_WIDTH = 256
"""Likeliest tokens that are ranked first; all of them only where the nucleus is wider. Changes no draw."""


class Sampling(NamedTuple):
    """How tokens are drawn."""

    max_new_tokens: int
    temperature: float
    """0 takes the most likely token and draws nothing."""
    top_p: float
    """Smallest set of tokens with this much probability (arXiv:1904.09751); 1 keeps all."""


def generate(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[list[Message]], *,
             seeds: Sequence[int], max_new_tokens: int, temperature: float, top_p: float,
             batch_size: int) -> list[str]:
    """One assistant turn for each prompt, in input order, without the end token.

    Args:
        prompts: conversations that end with a user's turn.
        seeds: one per prompt, in [0, 2^63); derive them from (stage seed, item key).
        batch_size: items at a time. Items are taken in order of prompt length, so that padding is short.

    Raises:
        BadInput: a prompt leaves no room for an answer in the model's context.
    """
    how = Sampling(max_new_tokens, temperature, top_p)
    encoded = [tokens_of(tokenizer, prompt) for prompt in prompts]
    _check_room(encoded, max_new_tokens, _context(model))
    order = sorted(range(len(encoded)), key=lambda item: (len(encoded[item]), encoded[item], seeds[item]))
    batches = [order[start:start + batch_size] for start in range(0, len(order), batch_size)]
    answers = [""] * len(encoded)
    training = model.training
    model.eval()
    for batch in progress(batches, "sampling"):
        drawn = _sample(model, tokenizer, [encoded[item] for item in batch], [seeds[item] for item in batch], how)
        for item, tokens in zip(batch, drawn, strict=True):
            answers[item] = str(tokenizer.decode(tokens, skip_special_tokens=True))
    model.train(training)
    return answers


def end_tokens(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens that end an answer: end of turn where the tokenizer knows it, and end of text."""
    known = tokenizer.get_vocab()
    ends = {known[END_OF_TURN]} if END_OF_TURN in known else set()
    return sorted(ends | ({tokenizer.eos_token_id} if tokenizer.eos_token_id is not None else set()))


def tokens_of(tokenizer: PreTrainedTokenizerBase, prompt: list[Message]) -> tuple[int, ...]:
    """The tokens of a conversation, with the opening of the assistant's next turn."""
    text = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    return tuple(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


def _context(model: PreTrainedModel) -> int:
    return int(model.config.get_text_config().max_position_embeddings)


def _check_room(encoded: list[tuple[int, ...]], max_new_tokens: int, context: int) -> None:
    longest = max((len(tokens) for tokens in encoded), default=0)
    if longest + max_new_tokens > context:
        raise BadInput("sampling", "a prompt leaves no room for its answer in the model's context",
                       wanted=f"at most {context - max_new_tokens} tokens of {context}", got=str(longest),
                       do="shorten the passages (`sft_data.passage_chars`) or lower `max_new_tokens`")


@torch.inference_mode()
def _sample(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: list[tuple[int, ...]],
            seeds: list[int], how: Sampling) -> list[list[int]]:
    """The new tokens of each item of one batch, up to and without its end token."""
    device = next(model.parameters()).device
    ends = set(end_tokens(tokenizer))
    logits_BV, mask_BT, cache = _prefill(model, prompts, ends, device)
    uniforms_BN = _uniforms(seeds, how.max_new_tokens)
    drawn: list[list[int]] = [[] for _ in prompts]
    alive = [True] * len(prompts)
    position_B1 = mask_BT.sum(dim=1, keepdim=True)
    for step in range(how.max_new_tokens):
        token_B = pick(logits_BV, uniforms_BN[:, step], how)
        for item, token in enumerate(token_B.tolist()):
            alive[item] = alive[item] and token not in ends
            if alive[item]:
                drawn[item].append(token)
        if not any(alive) or step + 1 == how.max_new_tokens:
            break
        mask_BT = torch.cat([mask_BT, mask_BT.new_ones(len(prompts), 1)], dim=1)
        output = model(input_ids=token_B[:, None].to(device), attention_mask=mask_BT,
                       position_ids=position_B1 + step, past_key_values=cache, use_cache=True)
        logits_BV = output.logits[:, -1].float().cpu()
    return drawn


def _prefill(model: PreTrainedModel, prompts: list[tuple[int, ...]], ends: set[int],
             device: torch.device) -> tuple[Tensor, Tensor, DynamicCache]:
    """Read each distinct prompt once; logits (B, V), mask (B, T) and cache are then given one row per item."""
    distinct = sorted(set(prompts))
    row_B = torch.tensor([distinct.index(prompt) for prompt in prompts], device=device)
    longest = max(len(prompt) for prompt in distinct)
    filler = min(ends)  # masked, so which token it is does not matter
    ids_UT = torch.tensor([[filler] * (longest - len(prompt)) + list(prompt) for prompt in distinct], device=device)
    mask_UT = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in distinct], device=device)
    position_UT = (mask_UT.cumsum(dim=1) - 1).clamp(min=0)
    output = model(input_ids=ids_UT, attention_mask=mask_UT, position_ids=position_UT, use_cache=True,
                   logits_to_keep=1)
    cache = output.past_key_values
    cache.batch_select_indices(row_B)
    return output.logits[:, -1].float().cpu()[row_B.cpu()], mask_UT[row_B], cache


def _uniforms(seeds: list[int], count: int) -> Tensor:
    """(B, count) float64 in [0, 1): row by row from generators of their own."""
    rows = [torch.rand(count, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(rows)


def pick(logits_BV: Tensor, uniform_B: Tensor, how: Sampling) -> Tensor:
    """(B,) int64: the token of each row whose cumulative probability first exceeds the row's number.

    Probabilities are those of `logits / temperature`, cut to the nucleus `top_p`, in vocabulary order.
    Sums are in float64 on the CPU, so a device's own scan cannot show.
    """
    if how.temperature == 0:
        return logits_BV.argmax(dim=-1)
    share_BV = torch.softmax(logits_BV.double() / how.temperature, dim=-1)
    if how.top_p < 1:
        share_BV = share_BV.masked_fill(share_BV < _least_share(share_BV, how.top_p), 0)
    cumulative_BV = share_BV.cumsum(dim=-1)
    total_B1 = cumulative_BV[:, -1:]
    # strictly below the total, which a product with a number just under 1 can round up to
    target_B1 = torch.minimum(uniform_B[:, None] * total_B1, torch.nextafter(total_B1, torch.zeros_like(total_B1)))
    return torch.searchsorted(cumulative_BV, target_B1, right=True)[:, 0]


def _least_share(share_BV: Tensor, top_p: float) -> Tensor:
    """(B, 1): the probability of the last token of each row's nucleus. Tokens that tie with it are in, so no
    order among equals matters."""
    for width in (min(NUCLEUS_WIDTH, share_BV.shape[-1]), share_BV.shape[-1]):
        ranked = share_BV.topk(width, dim=-1).values
        inside = ranked.cumsum(dim=-1) - ranked < top_p  # probability of all likelier tokens
        if width == share_BV.shape[-1] or not bool(inside[:, -1].any()):
            break
    return ranked.gather(-1, inside.sum(dim=-1, keepdim=True) - 1)
