"""A base so small that training it takes a second: shared by the tests of lm, train and their stages."""

import hashlib
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.lm.architecture import scratch_model
from pipeline.lm.save import save_model
from pipeline.lm.tokenise import document_tokens, train_tokenizer
from pipeline.schema.base import Architecture
from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.pack import ROWS
from pipeline.schema.training import Training
from pipeline.tables.parquet import write_table
from pipeline.train.packing import pack_documents

SUBJECTS = ("The auditor", "A clerk", "Our baker", "The harbour", "Each ledger", "The night train", "A glacier")
DEEDS = ("counts every crate", "waits for the tide", "keeps two copies", "turns slowly north", "is read aloud")
ENDINGS = ("before noon.", "when it rains.", "and tells nobody.", "under the old rule 7.", "at 14:30 sharp.")
TEXTS = [f"# Note {i}\n\n" + " ".join(f"{SUBJECTS[(i + k) % 7]} {DEEDS[(i * k) % 5]} {ENDINGS[(i + 2 * k) % 5]}"
                                      for k in range(2 + i % 5)) for i in range(24)]
CONTEXT = 64
SHAPE = Architecture(family="qwen3", hidden=32, layers=2, heads=2, kv_heads=1, intermediate=48, context=CONTEXT,
                     rope_theta=10000.0)


def training(**changes: Any) -> Training:
    """Parameters of a run of a second or two."""
    values: dict[str, Any] = {
        "batch_rows": 2, "accumulation": 1, "epochs": 4.0, "optimizer": "muon", "learning_rate": 0.01,
        "matrix_learning_rate": 0.01, "weight_decay": 0.01, "warmup": 0.1, "decay": 0.5, "max_grad_norm": 1.0,
        "precision": "fp32", "weights": "fp32", "quantisation": "none", "lora": None,
        "gradient_checkpointing": False, "world_size": 1, "deepspeed": "", "log_steps": 1, "save_steps": 5, "seed": 1}
    return Training(**{**values, **changes})


def documents(texts: list[str] | None = None, **columns: object) -> pl.DataFrame:
    """A documents table, one row a text; every fourth is held out unless `split` is given."""
    texts = TEXTS if texts is None else texts
    rows = [{**dict.fromkeys(DOCUMENTS, ""), "doc_id": hashlib.sha256(text.encode()).hexdigest()[:16], "text": text,
             "split": "heldout" if number % 4 == 3 else "train", "origin": "domain", "weight": 1.0, **columns}
            for number, text in enumerate(texts)]
    return pl.DataFrame(rows, schema_overrides=DOCUMENTS)


def write_documents(folder: Path, table: pl.DataFrame) -> Path:
    """`table` as the folder a stage reads."""
    folder.mkdir(parents=True)
    write_table(table, folder, ["doc_id"], DOCUMENTS)
    return folder


def write_base(folder: Path, seed: int = 0, shape: Architecture = SHAPE) -> Path:
    """An untrained full checkpoint."""
    tokenizer = train_tokenizer(TEXTS, 320, shape.context)
    assert isinstance(tokenizer.eos_token_id, int)
    save_model(scratch_model(shape, len(tokenizer), tokenizer.eos_token_id, [tokenizer.eos_token_id], seed),
               tokenizer, folder)
    return folder


def write_rows(folder: Path) -> Path:
    """The packed rows of `TEXTS`."""
    tokenizer = train_tokenizer(TEXTS, 320, CONTEXT)
    names = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in TEXTS]
    table = pack_documents(names, document_tokens(tokenizer, TEXTS), [1] * len(TEXTS), "domain", CONTEXT,
                           tokenizer.eos_token_id)
    folder.mkdir(parents=True)
    write_table(table, folder, ["row_id"], ROWS)
    return folder


def write_env(folder: Path) -> None:
    """A params.yaml with the section stages read beside their own."""
    (folder / "params.yaml").write_text('env: {python: "3.11", threads: 1, packages: {}}\n', encoding="utf-8")
