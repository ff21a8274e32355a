"""The work of one shard of `curate_redact`: chunks in, finds out."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from pipeline.redact.analyse import Analyser, Found
from pipeline.redact.real import load_models
from pipeline.redact.tagger import load_tagger
from pipeline.schema.curate_redact import CurateRedact
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.lean import frozen

CHUNKS: dict[str, pl.DataType] = {"key": pl.Binary(), "text": pl.String()}
"""`key`: sha256 of the text."""
FINDS: dict[str, pl.DataType] = {"key": pl.Binary(), "found": pl.String()}
"""`found`: JSON list of [start, end, kind, recogniser, score]; NOTHING for a chunk without finds."""
NOTHING = "[]"
BATCH = 1024
"""Chunks analysed together; no decision depends on it."""


@dataclass(frozen=True)
class RedactShard:
    """Callable on rows that name files of CHUNKS in column `part`; picklable, so that it runs on any engine."""

    model: str
    params: CurateRedact

    def __call__(self, parts: pl.DataFrame, tick: Callable[[], None]) -> dict[str, pl.DataFrame]:
        """Table `finds`: one row of FINDS a chunk."""
        analyser = load_analyser(Path(self.model), self.params)
        rows = [pl.DataFrame(schema=FINDS)]
        with frozen():
            for part in parts["part"]:
                for batch in pl.read_parquet(part).iter_slices(BATCH):
                    found = [packed(finds) for finds in analyser.found(batch["text"].to_list())]
                    rows.append(batch.select("key").with_columns(pl.Series("found", found, pl.String)))
                tick()
        return {"finds": pl.concat(rows)}


def load_analyser(model: Path, params: CurateRedact) -> Analyser:
    """The analyser of everything in the folder `model`: the tagger, and the models beside it.

    A process that works on several shards has one: what the tagger knows of words is learnt once.
    """
    return _loaded(model, hash_artefact(model).digest, params.model_dump_json())


@lru_cache(maxsize=1)
def _loaded(model: Path, digest: str, params: str) -> Analyser:  # noqa: ARG001  # a folder is another when it changes
    return Analyser(load_tagger(model), CurateRedact.model_validate_json(params), load_models(model))


def packed(found: list[Found]) -> str:
    """Finds as JSON; `unpacked(packed(found)) == found`, and `packed([]) == NOTHING`."""
    return json.dumps(found, separators=(",", ":"))


def unpacked(text: str) -> list[Found]:
    """The finds in a row of FINDS."""
    return [Found(*find) for find in json.loads(text)]
