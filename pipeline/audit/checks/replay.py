"""Check 18: run cheap deterministic stages again, elsewhere, and compare what they make.

A stage is run as its statement says: the code closure it names (and no other project file), its
parameter values, its materials, its command. Nothing is run whose code or materials do not have the
recorded digests, and no other program than `python -m pipeline.stages.<stage>`. It is the producer's
code all the same: replay a tree only where you would run `dvc repro` on it.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pipeline.audit.checks.case import Case, found_digest
from pipeline.audit.checks.records import code_entries
from pipeline.audit.findings import Check
from pipeline.lineage.sign import parse_json
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.closure import BYTES_NEUTRAL
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.outputs import json_bytes
from pipeline.stage.records import STATEMENT, Record

CHEAP = frozenset({"sample_lake", "general_text", "eval_items", "lake_manifest", "curate_filter", "curate_dedup",
                   "curate_decontaminate", "curate_mix", "sft_data", "gate"})
"""Stages that need seconds and no trained network: rendering, filters, joins, statistics. The others
read scans, train or sample; to replay those is `dvc repro` in a clean clone."""

MAX_SECONDS = 900
"""Of one stage."""
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
EXECUTION = "execution.yaml"
"""Where and how fast; no part of a stage's identity."""


def check_replay(case: Case) -> None:
    """Check 18 for every stage in reach; what cannot be replayed here is listed as not seen."""
    for stage in sorted(case.reach):
        reason = why_not(case, case.records[stage])
        if reason:
            case.findings.absent(f"replay of stage {stage}", reason)
            continue
        with case.findings.looking(Check.REPLAY, stage):
            _replay(case, case.records[stage])


def why_not(case: Case, record: Record) -> str:
    """Why a stage is not run again here; "" when it is."""
    if record.run.stage.split("@", 1)[0] not in CHEAP:
        return "not a cheap stage; `dvc repro` in a clean clone replays it"
    if not _code_present(case, record):
        return "its code is not here as it ran"
    absent = [material.path for material in record.run.materials if not _has(case, material.path, material.digest)]
    if absent:
        return f"not here as it was read: {', '.join(absent)}"
    other = list(_other_versions(_internal(record)["environment"]))
    return f"not reproducible here: {', '.join(other)}" if other else ""


def _code_present(case: Case, record: Record) -> bool:
    try:
        entries = code_entries(record)
    except NotVerified:
        return False
    return all(_has(case, path, digest) for path, digest in entries.items())


def _has(case: Case, path: str, digest: str) -> bool:
    entries = case.entries(path)
    return bool(entries) and found_digest(entries or {}, case.scene.place(path).is_dir()) == digest


def _internal(record: Record) -> Any:
    statement: Any = parse_json(record.statement, STATEMENT)
    return statement["predicate"]["buildDefinition"]["internalParameters"]


def _other_versions(environment: Any) -> Iterator[str]:
    """What is installed here at another version than the stage ran with."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if environment["python"] != running:
        yield f"python {environment['python']} (running {running})"
    for package, wanted in environment["packages"].items():
        try:
            found = version(package).split("+")[0]
        except PackageNotFoundError:
            found = "nothing"
        if found != wanted:
            yield f"{package} {wanted} (installed: {found})"


def _replay(case: Case, record: Record) -> None:
    where = f"lineage/{record.run.stage}/{STATEMENT}"
    with tempfile.TemporaryDirectory(prefix="pedigree-replay-") as scratch:
        room = Path(scratch).resolve()
        furnish(case, record, room)
        run = subprocess.run([sys.executable, *_arguments(record, where)], cwd=room, env=_environment(room),
                             capture_output=True, text=True, timeout=MAX_SECONDS, check=False)
        if run.returncode:
            last = (run.stderr.strip().splitlines() or ["no message"])[-1]
            raise NotVerified(where, "the stage, run again, fails", wanted="exit 0",
                              got=f"exit {run.returncode}: {last}")
        for path, digest in record.run.products.items():
            got = hash_artefact(room / path).digest if (room / path).exists() else "nothing"
            if got != digest:
                case.findings.add(Check.REPLAY, record.run.stage, NotVerified(
                    path, f"is not what stage {record.run.stage} makes when it is run again", wanted=digest, got=got))


def _arguments(record: Record, where: str) -> list[str]:
    """The command without its interpreter.

    Raises:
        NotVerified: the command is not `python -m pipeline.stages.<the stage> --flag value ...`.
    """
    stage = record.run.stage.split("@", 1)[0]
    words = shlex.split(record.run.cmd)
    if words[:3] != ["python", "-m", f"pipeline.stages.{stage}"]:
        raise NotVerified(where, "the command is not that of a stage", wanted=f"python -m pipeline.stages.{stage} ...",
                          got=" ".join(words[:3]))
    return words[1:]


def furnish(case: Case, record: Record, room: Path) -> None:
    """Copy what the stage may read into `room`: code closure, materials, parameter values. Copies, so that
    nothing the stage does reaches the tree.
    """
    for path in [*code_entries(record), *(path for path in BYTES_NEUTRAL if (case.scene.root / path).is_file())]:
        _copy(case.scene.root / path, room / path)
        for parent in Path(path).parents:
            if parent != Path():
                (room / parent / "__init__.py").touch()
    for material in record.run.materials:
        _copy(case.scene.place(material.path), room / material.path)
    if (case.scene.root / EXECUTION).is_file():
        _copy(case.scene.root / EXECUTION, room / EXECUTION)
    (room / "params.yaml").write_bytes(json_bytes(nested(record.run.params)))  # JSON is YAML


def _copy(source: Path, target: Path) -> None:
    if not source.exists():
        raise BadInput(str(source), "does not exist", do="replay needs the whole tree")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def nested(params: dict[str, object]) -> dict[str, Any]:
    """Dotted keys as mappings in mappings: `{"a.b": 1}` -> `{"a": {"b": 1}}`."""
    values: dict[str, Any] = {}
    for key, value in params.items():
        *parents, last = key.split(".")
        inner = values
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value
    return values


def _environment(room: Path) -> dict[str, str]:
    """A bare environment: no key folder, no DVC_STAGE (so nothing is recorded), no hub."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {"HOME": str(room), "PYTHONPATH": str(room), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1",
                   "PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"}
