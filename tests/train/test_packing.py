"""Packing: what goes into a row, and that documents in a row do not see each other."""

import random
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.lm.load import load_model
from pipeline.schema.errors import BrokenContract
from pipeline.tables.parquet import read_table
from pipeline.train.causal import check_isolation
from pipeline.train.packing import (
    IGNORE,
    PackedRows,
    Piece,
    best_fit,
    cut_pieces,
    epoch_order,
    isolation_leak,
    pack_documents,
    repeats,
    rows_table,
)
from tests import tiny

DOCUMENT_TOKENS = st.lists(st.lists(st.integers(0, 99), min_size=2, max_size=40), min_size=1, max_size=12)


def test_a_row_worked_by_hand():
    table = rows_table([[Piece("a", "A", [5, 6, 9]), Piece("b", "B", [7, 9])]], "domain", 7, pad_token=9)
    row = table.row(0, named=True)
    assert row["tokens"] == [5, 6, 9, 7, 9, 9, 9]
    assert row["positions"] == [0, 1, 2, 0, 1, 0, 0]
    item = PackedRows(table, [0])[0]
    # no loss at a document's first token nor on padding; the real end of text keeps its loss
    assert item["labels"].tolist() == [IGNORE, 6, 9, IGNORE, 9, IGNORE, IGNORE]


def test_a_long_document_is_cut_at_the_row_and_a_lone_last_token_is_left_out():
    lengths = [len(piece.tokens) for piece in cut_pieces("d", list(range(21)), 1, 10)]
    assert lengths == [10, 10]


@settings(max_examples=30)
@given(DOCUMENT_TOKENS)
def test_every_token_is_packed_once_and_no_row_is_too_long(documents):
    names = [f"doc{number}" for number in range(len(documents))]
    table = pack_documents(names, documents, [1] * len(names), "domain", 16, pad_token=0)
    packed = sum(sum(1 for _ in row) for row in table["tokens"])
    assert packed == 16 * table.height
    kept = [piece for name, ids in zip(names, documents, strict=True) for piece in cut_pieces(name, ids, 1, 16)]
    assert sum(len(piece.tokens) for piece in kept) == sum(len(ids) - (len(ids) % 16 == 1) for ids in documents)
    assert sum(table["doc_ids"].list.len()) == len(kept)


@settings(max_examples=30)
@given(DOCUMENT_TOKENS, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_show(documents, shuffler):
    pieces = [piece for number, ids in enumerate(documents) for piece in cut_pieces(f"doc{number}", ids, 1, 16)]
    mixed = list(pieces)
    shuffler.shuffle(mixed)
    assert best_fit(pieces, 16) == best_fit(mixed, 16)


def test_a_weight_of_two_and_a_quarter_is_used_twice_and_a_quarter_of_the_time_thrice():
    counts = [repeats(f"doc{number}", 2.25, seed=3) for number in range(2000)]
    assert set(counts) == {2, 3}
    # 2000 draws, standard deviation 0.0097: five of them
    assert counts.count(3) / 2000 == pytest.approx(0.25, abs=0.05)


def test_a_weight_of_zero_is_never_used():
    assert not any(repeats(f"doc{number}", 0.0, seed=3) for number in range(100))


def test_each_epoch_holds_every_row_once_in_an_order_of_its_own():
    order = epoch_order(num_rows=8, epochs=2.0, batch=4, seed=5)
    assert sorted(order[:8]) == sorted(order[8:]) == list(range(8))
    assert order[:8] != order[8:]


def two_documents() -> dict[str, torch.Tensor]:
    rng = random.Random(0)
    tokens = [rng.randrange(300) for _ in range(48)]
    positions = [*range(20), *range(28)]
    return {"input_ids": torch.tensor([tokens]), "position_ids": torch.tensor([positions])}


def test_a_changed_document_moves_no_logit_of_its_neighbour(tmp_path: Path):
    model = load_model(tiny.write_base(tmp_path / "base"))
    assert isolation_leak(model, two_documents()) == 0


def test_the_probe_sees_a_leak_when_positions_do_not_restart(tmp_path: Path):
    model = load_model(tiny.write_base(tmp_path / "base"))
    packed = two_documents()
    tokens = packed["input_ids"]
    one = torch.arange(48)[None]
    changed = tokens.clone()
    changed[:, :20] = (changed[:, :20] + 1) % 300
    with torch.inference_mode():
        before = model(input_ids=tokens, position_ids=one, use_cache=False).logits[:, 20:]
        after = model(input_ids=changed, position_ids=one, use_cache=False).logits[:, 20:]
    assert (before - after).abs().max() > 0.001


def test_training_stops_when_documents_see_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model = load_model(tiny.write_base(tmp_path / "base"))
    rows = read_table(tiny.write_rows(tmp_path / "rows"))
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda position_ids, **rest: forward(
        position_ids=torch.arange(position_ids.shape[1])[None], **rest))
    with pytest.raises(BrokenContract, match="documents in one row see each other"):
        check_isolation(model, rows)


def test_a_packed_document_scores_as_it_does_alone(tmp_path: Path):
    model = load_model(tiny.write_base(tmp_path / "base"))
    packed = two_documents()
    with torch.inference_mode():
        together = model(**packed, use_cache=False).logits[0, 20:]
        alone = model(input_ids=packed["input_ids"][:, 20:], use_cache=False).logits[0]
    assert (together - alone).abs().max() < 1e-5
