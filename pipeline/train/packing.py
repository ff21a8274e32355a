"""Documents into rows of one length in which no document sees another.

Isolation rests on three things, all measured on these versions: `position_ids` restart at every
document, the model is called with `use_cache=False`, and no attention mask is passed (a mask of ones
switches the detection off). `isolation_leak` checks it on a live model.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from transformers import PreTrainedModel

from pipeline.schema.pack import ROWS

IGNORE = -100
"""Label without a loss (torch.nn.CrossEntropyLoss, `ignore_index`)."""


class Piece(NamedTuple):
    """A run of one document's tokens that fits into a row."""

    key: str
    """Decides ties, so packing does not depend on the order of arrival."""
    doc_id: str
    tokens: list[int]


def repeats(doc_id: str, weight: float, seed: int) -> int:
    """How often a document is used in an epoch: the integer part of its weight, and once more when a
    draw from (seed, doc_id) falls below the fraction."""
    whole = math.floor(weight)
    draw = int.from_bytes(hashlib.sha256(f"{seed}:{doc_id}".encode()).digest()[:8]) / 2**64
    return whole + (draw < weight - whole)


def cut_pieces(doc_id: str, tokens: Sequence[int], times: int, row_tokens: int) -> list[Piece]:
    """The document `times` over, each copy cut into pieces of `row_tokens` and a remainder.

    A remainder of one token is left out: its only token would be a first token, without a loss.
    """
    return [Piece(f"{doc_id}:{copy}:{start:09d}", doc_id, list(tokens[start:start + row_tokens]))
            for copy in range(times) for start in range(0, len(tokens), row_tokens)
            if len(tokens) - start > 1]


def best_fit(pieces: Sequence[Piece], row_tokens: int) -> list[list[Piece]]:
    """Pieces grouped into rows: longest first, each into the fullest row with room for it.

    Cuts only documents longer than a row (arXiv:2404.10830), and does not depend on the input order.
    """
    rows: list[list[Piece]] = []
    by_room: list[list[int]] = [[] for _ in range(row_tokens + 1)]
    for piece in sorted(pieces, key=lambda piece: (-len(piece.tokens), piece.key)):
        size = len(piece.tokens)
        room = next((room for room in range(size, row_tokens) if by_room[room]), None)
        if room is None:
            rows.append([])
            row, room = len(rows) - 1, row_tokens
        else:
            row = by_room[room].pop()
        rows[row].append(piece)
        by_room[room - size].append(row)
    return rows


def rows_table(rows: Sequence[Sequence[Piece]], origin: str, row_tokens: int, pad_token: int) -> pl.DataFrame:
    """Rows as a table with the columns of `ROWS`, in the order given."""
    records = []
    for row in rows:
        room = row_tokens - sum(len(piece.tokens) for piece in row)
        tokens = [token for piece in row for token in piece.tokens] + [pad_token] * room
        positions = [position for piece in row for position in range(len(piece.tokens))] + [0] * room
        name = hashlib.sha256(f"{origin}\n{[piece.key for piece in row]}\n{tokens}".encode()).hexdigest()[:16]
        records.append({"row_id": name, "origin": origin, "tokens": tokens, "positions": positions,
                        "doc_ids": [piece.doc_id for piece in row]})
    return pl.DataFrame(records, schema=ROWS)


def pack_documents(doc_ids: Sequence[str], tokens: Sequence[Sequence[int]], times: Sequence[int], origin: str,
                   row_tokens: int, pad_token: int) -> pl.DataFrame:
    """Tokenised documents of one origin as a table of packed rows."""
    pieces = [piece for doc_id, ids, count in zip(doc_ids, tokens, times, strict=True)
              for piece in cut_pieces(doc_id, ids, count, row_tokens)]
    return rows_table(best_fit(pieces, row_tokens), origin, row_tokens, pad_token)


class PackedRows(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    """Packed rows as a trainer takes them: `input_ids`, `position_ids`, `labels`, each (T,) int64.

    Item `i` is row `order[i]`: all epochs are laid out beforehand, so the order is plain to see and
    a resumed run needs no generator's state to find its place.
    """

    def __init__(self, rows: pl.DataFrame, order: Sequence[int]) -> None:
        self.tokens = np.array(rows["tokens"].to_list(), dtype=np.int32)
        self.positions = np.array(rows["positions"].to_list(), dtype=np.int32)
        self.order = list(order)

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        row = self.order[index]
        tokens_T = torch.from_numpy(self.tokens[row].astype(np.int64))
        positions_T = torch.from_numpy(self.positions[row].astype(np.int64))
        # a first token has no text before it; padding tokens all stand at position 0
        return {"input_ids": tokens_T, "position_ids": positions_T,
                "labels": tokens_T.masked_fill(positions_T == 0, IGNORE)}


def epoch_order(num_rows: int, epochs: float, batch: int, seed: int) -> list[int]:
    """Row numbers of the whole run, each epoch shuffled anew, cut or filled to whole batches of `batch`."""
    generator = np.random.default_rng(seed)
    wanted = max(1, round(num_rows * epochs / batch)) * batch
    order: list[int] = []
    while len(order) < wanted:
        order += generator.permutation(num_rows).tolist()
    return order[:wanted]


@torch.inference_mode()
def isolation_leak(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> float:
    """The largest change of a logit of any other document when the first document of a row changes.

    0 for a model and a call that keep documents apart; about 0.4 for a fresh model that does not.

    Args:
        batch: `input_ids` and `position_ids`, (1, T), with at least two documents.
    """
    positions_T = batch["position_ids"][0]
    starts = (positions_T == 0).nonzero().flatten().tolist()
    second = starts[1]
    changed_BT = batch["input_ids"].clone()
    changed_BT[:, :second] = (changed_BT[:, :second] + 1) % model.config.get_text_config().vocab_size
    logits = [model(input_ids=ids, position_ids=batch["position_ids"], use_cache=False).logits[:, second:]
              for ids in (batch["input_ids"], changed_BT)]
    return float((logits[0] - logits[1]).abs().max())
