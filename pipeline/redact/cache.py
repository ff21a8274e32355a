"""Finds of chunks kept between runs, so that 1% more documents cost 1% more.

A cache file is named by everything that decides its content: model, parameters of the analysis, the
code that analyses, and the versions of the libraries below it. A file that cannot be read is as good
as none: the same bytes come out, later.
"""

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import polars as pl
import pyarrow as pa

from pipeline.redact.real import FOLDER
from pipeline.redact.shard import FINDS
from pipeline.schema.curate_redact import CurateRedact
from pipeline.stage.closure import import_closure
from pipeline.stage.hashing import file_sha256, hash_artefact
from pipeline.stage.outputs import output_file
from pipeline.stage.progress import say
from pipeline.tables.runs import RunWriter, merged_runs, row_groups

ROOT = Path(__file__).resolve().parents[2]
ANALYSIS = Path("pipeline/redact/shard.py")
LIBRARIES = ("presidio-analyzer", "regex", "numpy", "polars")
REAL_LIBRARIES = ("torch", "transformers", "tokenizers", "gliner")
"""Of models beside the tagger; which of them are installed is part of the identity too."""
LATER = ("pseudonym", "pseudonym_key", "pseudonym_digits", "spread_names", "max_density", "min_density_spans")
"""Parameters of what is done with finds; they do not decide what is found in a chunk."""


def cache_file(folder: Path, model: Path, params: CurateRedact) -> Path:
    """Where finds under this identity are kept."""
    code = {path: file_sha256(ROOT / path) for path in import_closure(ANALYSIS, ROOT)}
    decides = {
        "model": hash_artefact(model).digest,
        "params": params.model_dump(mode="json", exclude=set(LATER)),
        "code": code,
        "libraries": _versions(model),
    }
    identity = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
    return folder / f"{identity}.parquet"


def _versions(model: Path) -> dict[str, str]:
    names = {*LIBRARIES, *(REAL_LIBRARIES if (model / FOLDER).is_dir() else ())}
    return {name: _version(name) for name in sorted(names)}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def kept_finds(path: Path) -> list[Path]:
    """The cache file as a run of FINDS in order of `key`; none if there is no readable one."""
    if not path.exists():
        return []
    try:
        for rows in row_groups(path):
            if rows.schema != FINDS:
                raise pl.exceptions.SchemaError(str(rows.schema))
    except (pa.ArrowException, OSError, pl.exceptions.PolarsError) as err:
        say(f"{path}: not readable as a cache ({type(err).__name__}), everything is analysed again")
        return []
    return [path]


def keep_finds(path: Path, runs: Sequence[Path]) -> None:
    """Replace the cache file by the rows of `runs`, each in order of `key`, whole or not at all."""
    with output_file(path) as scratch, RunWriter(scratch, FINDS) as writer:
        for rows in merged_runs(runs, "key"):
            writer.write(rows)
