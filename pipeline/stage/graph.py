"""The stages of `dvc.yaml` with templates and `foreach` resolved by DVC, asked once per version of the files.

DVC's own resolution is the only right one, and costs seconds a call: it also reads the whole dvc.lock.
Its answer follows from the bytes of dvc.yaml and params.yaml, so it is kept under their digest. It is
not kept when a stage takes parameters or variables from further files.

Only dvc.yaml at the root counts; what a `.dvc` file tracks is a root of the lineage.
"""

import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.schema.errors import BadInput

CACHE = Path(".cache/stages")
DVC_YAML, PARAMS = "dvc.yaml", "params.yaml"


class Stage(NamedTuple):
    """One stage as DVC understands it."""

    name: str
    cmd: str
    deps: list[str]
    outs: list[str]
    """Metrics and plots included."""
    params: dict[str, Any]
    meta: dict[str, Any]


def all_stages(root: Path = Path()) -> dict[str, Stage]:
    """Name -> stage, for every stage of `root`/dvc.yaml."""
    kept = root / CACHE / f"{_digest(root)}.json"
    if kept.is_file():
        return {row[0]: Stage(*row) for row in json.loads(kept.read_text(encoding="utf-8"))}
    found, is_whole = _asked(root)
    if is_whole:
        _keep(kept, found)
    return {stage.name: stage for stage in found}


def stage_of(name: str, stages: dict[str, Stage]) -> Stage:
    """Stage `name`.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in stages:
        raise BadInput(DVC_YAML, f"has no stage `{name}`", wanted=", ".join(sorted(stages)))
    return stages[name]


def _asked(root: Path) -> tuple[list[Stage], bool]:
    """What DVC says, and whether it follows from dvc.yaml and params.yaml alone."""
    from dvc.repo import Repo  # slow import; `pedigree verify` never needs it

    is_whole = "vars:" not in (root / DVC_YAML).read_text(encoding="utf-8")
    found = []
    with Repo(str(root)) as repo:
        for stage in repo.stage.load_all():
            sources = [dep for dep in stage.deps if hasattr(dep, "params")]
            is_whole &= all(dep.def_path == PARAMS for dep in sources)
            params = {key: value for dep in sources for key, value in dep.read_params().items()}
            deps = [dep.def_path for dep in stage.deps if not hasattr(dep, "params")]
            outs = [out.def_path for out in stage.outs]
            found.append(Stage(stage.name, stage.cmd, deps, outs, params, stage.meta or {}))
    return found, is_whole


def _digest(root: Path) -> str:
    parts = [version("dvc").encode(), Path(__file__).read_bytes()]
    parts += [(root / name).read_bytes() if (root / name).is_file() else b"" for name in (DVC_YAML, PARAMS)]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _keep(path: Path, stages: list[Stage]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob("*.json"):
        old.unlink(missing_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}")
    scratch.write_text(json.dumps(stages), encoding="utf-8")
    scratch.rename(path)
