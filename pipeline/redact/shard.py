"""The work of one shard of `curate_redact`: chunks in, finds out."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.redact.analyse import Analyser, Found
from pipeline.redact.real import load_models
from pipeline.redact.tagger import load_tagger
from pipeline.schema.curate_redact import CurateRedact

CHUNKS: dict[str, pl.DataType] = {"key": pl.String(), "text": pl.String()}
FINDS: dict[str, pl.DataType] = {"key": pl.String(), "found": pl.String()}
"""`found`: JSON list of [start, end, kind, recogniser, score]; "[]" for a chunk without finds."""
BATCH = 256
"""Chunks analysed between two signs of life; no decision depends on it."""


@dataclass(frozen=True)
class RedactShard:
    """Callable on rows of CHUNKS; picklable, so that it runs on any engine."""

    model: str
    params: CurateRedact

    def __call__(self, chunks: pl.DataFrame, tick: Callable[[], None]) -> dict[str, pl.DataFrame]:
        """Table `finds`: one row a chunk."""
        analyser = load_analyser(Path(self.model), self.params)
        rows = []
        for batch in chunks.iter_slices(BATCH):
            found = analyser.found(batch["text"].to_list())
            rows += [(key, packed(finds)) for key, finds in zip(batch["key"], found, strict=True)]
            for _ in range(batch.height):
                tick()
        return {"finds": pl.DataFrame(rows, schema=FINDS, orient="row")}


def load_analyser(model: Path, params: CurateRedact) -> Analyser:
    """The analyser of everything in the folder `model`: the tagger, and the models beside it."""
    return Analyser(load_tagger(model), params, load_models(model))


def packed(found: list[Found]) -> str:
    """Finds as JSON; `unpacked(packed(found)) == found`."""
    return json.dumps(found, separators=(",", ":"))


def unpacked(text: str) -> list[Found]:
    """The finds in a row of FINDS."""
    return [Found(*find) for find in json.loads(text)]
