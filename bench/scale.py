"""Curation of a lake of any size: memory of every process and seconds of each stage; equal bytes for any workers.

    python bench/scale.py FOLDER PROJECT [megabytes] [--workers 1 2 8] [--stages filter dedup ...]

FOLDER     empty; takes several times the size of the lake
PROJECT    a finished run, for `models/quality_model`, `data/eval_items/items` and `data/general_text/documents`
megabytes  of text in the lake: paragraphs of installed packages' documentation put together by chance to
           documents of about 7 kB, a fifth of them copies with some words changed, a third with a notice

For each stage: seconds, the highest memory in use of its own process and of any worker (VmHWM of
/proc/<pid>/status, looked at ten times a second), and the sha256 of what it wrote. Stages run in processes
of their own, as under DVC, but without the kernel's sandbox and record.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from importlib.metadata import distribution
from pathlib import Path

import polars as pl

from pipeline.engine.execution import load_execution
from pipeline.schema.curate_decontaminate import CurateDecontaminate
from pipeline.schema.curate_dedup import CurateDedup
from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.curate_filter import CurateFilter
from pipeline.schema.curate_mix import CurateMix
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.params import load_section
from pipeline.stages import (
    curate_decontaminate,
    curate_dedup,
    curate_extract,
    curate_filter,
    curate_mix,
    lake_manifest,
)
from pipeline.text.docstrings import docstrings
from pipeline.text.prose import paragraphs

STAGES = ("manifest", "extract", "filter", "dedup", "decontaminate", "mix")
PACKAGES = ("networkx", "scipy", "pandas", "sympy", "polars")
DOCUMENT_CHARS = 7000
FILE_MB = 16
CHANGED_SHARE = 0.03
NOTICE = "This paper belongs to the bank; whoever finds it returns it unread to the records manager in Leith at once."
RIGHTS = """sources:
  all: {paths: ["**"], licence: MIT, rights_basis: own, cleared_for_training: true, reviewed_by: bench,
        reviewed_on: "2026-01-01", published: "2025-01-01"}
"""
LOOK_S = 0.1


def make_lake(folder: Path, megabytes: int) -> None:
    """JSONL files of `FILE_MB` and, one document in fifty, text files; the same for the same size."""
    draw = random.Random(1)
    stock = sorted({paragraph for name in PACKAGES for file in distribution(name).files or []
                    if file.suffix == ".py" and "tests" not in file.parts
                    for text in docstrings(file.read_binary()) for paragraph in paragraphs(text)})
    folder.mkdir(parents=True)
    written, number, last, lines = 0, 0, "", []
    while written < megabytes * 1_000_000:
        text = last = _document(draw, stock, last)
        written += len(text.encode())
        number += 1
        if number % 50 == 0:
            (folder / f"note-{number:07d}.txt").write_text(text, encoding="utf-8")
        else:
            lines.append(json.dumps({"title": f"Paper {number}", "text": text}))
        if len(lines) * DOCUMENT_CHARS > FILE_MB << 20:
            (folder / f"papers-{number:07d}.jsonl").write_text("\n".join(lines), encoding="utf-8")
            lines = []
    (folder / "papers-rest.jsonl").write_text("\n".join(lines) or "{}", encoding="utf-8")
    print(f"lake: {number} documents, {written / 1e6:.0f} MB of text, {len(list(folder.iterdir()))} files", flush=True)


def _document(draw: random.Random, stock: list[str], last: str) -> str:
    if last and draw.random() < 0.2:
        words = last.split(" ")
        for _ in range(int(len(words) * CHANGED_SHARE)):
            words[draw.randrange(len(words))] = "changed"
        return " ".join(words)
    parts, size = [], 0
    while size < DOCUMENT_CHARS * draw.uniform(0.5, 1.5):
        parts.append(draw.choice(stock))
        size += len(parts[-1])
    return "\n\n".join([*parts, NOTICE] if draw.random() < 1 / 3 else parts)


def work(stage: str, before: Path, lake: Path, run: Path, project: Path, workers: int) -> None:
    """One stage on the output `before`, in this process."""
    execution = load_execution().model_copy(update={"workers": workers})
    out, ledger = run / f"{stage}-out", run / f"{stage}-ledger"
    match stage:
        case "manifest":
            (run / "lake.yaml").write_text(RIGHTS)
            lake_manifest.main(lake, run / "lake.yaml", out)
        case "extract":
            curate_extract.extract(lake, before, out, ledger, load_section(CurateExtract, "curate_extract"), execution)
        case "filter":
            params = load_section(CurateFilter, "curate_filter").model_copy(
                update={"default_max_loss": 1.0, "min_quality": 0.0})
            curate_filter.filtered(before, project / "models/quality_model", project / "models/date_model", out, ledger,
                                   params, execution)
        case "dedup":
            params = load_section(CurateDedup, "curate_dedup").model_copy(update={"default_max_loss": 1.0})
            curate_dedup.main(before, out, ledger, params)
        case "decontaminate":
            params = load_section(CurateDecontaminate, "curate_decontaminate").model_copy(
                update={"default_max_loss": 1.0})
            curate_decontaminate.decontaminated(before, project / "data/eval_items/items", out, ledger, params,
                                                execution)
        case "mix":
            params = load_section(CurateMix, "curate_mix").model_copy(update={"replay_share": 0.001})
            curate_mix.main(before, project / "data/general_text/documents", out, ledger, params)


def watched(command: list[str]) -> tuple[float, float, float, float]:
    """(seconds, CPU seconds, MB of the process, MB of the largest other process it started)."""
    start, spent = time.perf_counter(), os.times()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    highest: dict[int, float] = {}
    while process.poll() is None:
        for pid in _family(process.pid):
            highest[pid] = max(highest.get(pid, 0.0), _peak_mb(pid))
        time.sleep(LOOK_S)
    if process.returncode:
        raise SystemExit(process.stderr.read() if process.stderr else "failed")
    after = os.times()
    cpu = after.children_user + after.children_system - spent.children_user - spent.children_system
    own = highest.pop(process.pid, 0.0)
    return time.perf_counter() - start, cpu, own, max(highest.values(), default=0.0)


def _family(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:  # it has ended
            continue
        children.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


def _peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def main() -> None:
    """Print a line a stage and number of workers; end with an error when bytes differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("project", type=Path)
    parser.add_argument("megabytes", type=int, nargs="?", default=1500)
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    parser.add_argument("--stages", nargs="+", default=STAGES)
    parser.add_argument("--only", help="run one stage here and now")
    given = parser.parse_args()
    lake, first = given.folder / "lake", given.workers[0]
    if given.only:
        run = given.folder / f"run-{first}"
        before = given.stages[max(0, given.stages.index(given.only) - 1)]
        work(given.only, run / f"{before}-out", lake, run, given.project, first)
        return
    if not lake.exists():
        make_lake(lake, given.megabytes)
    seen: dict[str, set[str]] = {}
    print(f"{'stage':14}{'workers':>8}{'wall s':>9}{'CPU s':>9}{'MB':>8}{'worker MB':>11}{'documents':>11}  sha256")
    for workers in given.workers:
        run = given.folder / f"run-{workers}"
        run.mkdir(exist_ok=True)
        for stage in given.stages:
            command = [sys.executable, __file__, str(given.folder), str(given.project), "--only", stage,
                       "--workers", str(workers), "--stages", *given.stages]
            wall, cpu, own, other = watched(command)
            digest = hash_artefact(run / f"{stage}-out").digest
            seen.setdefault(stage, set()).add(digest)
            count = pl.scan_parquet(run / f"{stage}-out/*.parquet").select(pl.len()).collect().item()
            print(f"{stage:14}{workers:>8}{wall:>9.0f}{cpu:>9.0f}{own:>8.0f}{other:>11.0f}{count:>11}  {digest[:16]}",
                  flush=True)
    different = [stage for stage, digests in seen.items() if len(digests) > 1]
    raise SystemExit(f"bytes differ: {different}" if different else 0)


if __name__ == "__main__":
    main()
