"""Extraction of a lake cold, again with nothing new, and with 1% more files; processor time of each.

    python bench/one_percent.py FOLDER [FOLDER ...]

A hundredth of the files, evenly drawn, is held back at first. The third run must write the bytes of a run
without a cache: it exits 1 when it does not.
"""

import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

from pipeline.engine.execution import load_execution
from pipeline.schema.curate_extract import CurateExtract
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.params import load_section
from pipeline.stages import curate_extract, lake_manifest

RIGHTS = """sources:
  all: {paths: ["**"], licence: CC0-1.0, rights_basis: own, cleared_for_training: true, reviewed_by: bench,
        reviewed_on: "2026-01-01", published: null}
"""
STEP = 100


def timed_run(world: Path, name: str, cache: str) -> tuple[float, float]:
    """(processor seconds of manifest and extraction with all their processes, seconds on the clock)."""
    before, start = _processor(), time.perf_counter()
    out = world / name
    lake_manifest.main(world / "lake", world / "rights.yaml", out / "files")
    curate_extract.extract(world / "lake", out / "files", out / "documents", out / "ledger", out / "pages",
                           load_section(CurateExtract, "curate_extract"), load_execution(), world / cache)
    return _processor() - before, time.perf_counter() - start


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    """Run three times, or four, and compare."""
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder)
        for number, source in enumerate(sys.argv[1:]):
            shutil.copytree(source, world / "lake" / str(number), copy_function=os.link if _same(source, folder)
                            else shutil.copy)
        (world / "rights.yaml").write_text(RIGHTS, encoding="utf-8")
        files = sorted(path for path in (world / "lake").rglob("*") if path.is_file())
        held = files[STEP // 2::STEP]
        size = sum(path.stat().st_size for path in files)
        new = sum(path.stat().st_size for path in held)
        print(f"{len(files)} files, {size / 1e6:.1f} MB; {len(held)} of them ({new / size:.1%} of the bytes) held back")
        for path in held:
            path.rename(world / f"held-{held.index(path)}")
        runs = {"cold": timed_run(world, "cold", "kept"), "nothing new": timed_run(world, "again", "kept")}
        for number, path in enumerate(held):
            (world / f"held-{number}").rename(path)
        runs["1% more"] = timed_run(world, "more", "kept")
        runs["all, cold"] = timed_run(world, "all", "another")
        for name, (processor, clock) in runs.items():
            print(f"{name:12} {processor:8.1f} s of processor  {clock:8.1f} s on the clock  "
                  f"{processor / runs['all, cold'][0]:7.1%} of all, cold")
        parts = ("documents", "ledger", "pages")
        warm, cold = ([hash_artefact(world / run / part).digest for part in parts] for run in ("more", "all"))
        if warm != cold:
            sys.exit("a warm cache gives other bytes than none")
        print("the same bytes with a cache and without")


def _same(source: str, folder: str) -> bool:
    return Path(source).stat().st_dev == Path(folder).stat().st_dev


if __name__ == "__main__":
    main()
