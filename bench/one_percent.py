"""A lake cold, again with nothing new, and with 1% more files; processor time of extraction and redaction.

    python bench/one_percent.py FOLDER [FOLDER ...] [--project TREE] [--without .pdf .png ...]

A hundredth of the files, evenly drawn, is held back at first. The third run must write the bytes of a run
without a cache: it exits 1 when it does not. With TREE, a finished run, its tagger redacts what was extracted.
One worker, which is this process: the time of its children that read files is counted with it.
"""

import argparse
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from pipeline.engine.execution import load_execution
from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.curate_redact import CurateRedact
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.params import load_section
from pipeline.stages import curate_extract, curate_redact, lake_manifest

RIGHTS = """sources:
  all: {paths: ["**"], licence: CC0-1.0, rights_basis: own, cleared_for_training: true, reviewed_by: bench,
        reviewed_on: "2026-01-01", published: null}
"""
STEP = 100
KEY = b"bench".ljust(32)
Spent = dict[str, float]
"""Stage -> seconds of processor time."""


def timed_run(world: Path, name: str, cache: Path, model: Path | None) -> Spent:
    """Extraction with its manifest, then redaction, into `world/name`."""
    out, execution = world / name, load_execution().model_copy(update={"workers": 1})

    def extract() -> None:
        lake_manifest.main(world / "lake", world / "rights.yaml", out / "files")
        curate_extract.extract(world / "lake", out / "files", out / "documents", out / "ledger", out / "pages",
                               load_section(CurateExtract, "curate_extract"), execution, cache / "extract")

    def redact() -> None:
        assert model is not None  # only called with one
        curate_redact.redact(out / "documents", model, out / "redacted", out / "decided", out / "spans",
                             load_section(CurateRedact, "curate_redact"), KEY, execution, cache / "redact")

    return {work.__name__: cpu(work) for work in ((extract, redact) if model else (extract,))}


def cpu(work: Callable[[], None]) -> float:
    """Seconds of processor time, of children too."""
    before = _processor()
    work()
    return _processor() - before


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    """Run four times and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--project", type=Path)
    parser.add_argument("--without", nargs="+", default=[], help="endings of files to leave out")
    given = parser.parse_args()
    model = given.project / "models/pii_model" if given.project else None
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder)
        held = make_lake(world, given.folders, tuple(given.without))
        runs = {"cold": timed_run(world, "cold", world / "kept", model),
                "nothing new": timed_run(world, "again", world / "kept", model)}
        for number, path in enumerate(held):
            (world / f"held-{number}").rename(path)
        runs["1% more"] = timed_run(world, "more", world / "kept", model)
        runs["all, cold"] = timed_run(world, "all", world / "another", model)
        for name, spent in runs.items():
            shares = [f"{stage} {seconds:7.1f} s {seconds / runs['all, cold'][stage]:7.1%}"
                      for stage, seconds in spent.items()]
            print(f"{name:12} {'   '.join(shares)}")
        parts = sorted(path.name for path in (world / "all").iterdir())
        odd = [part for part in parts if len({hash_artefact(world / run / part).digest for run in ("more", "all")}) > 1]
        sys.exit(f"a warm cache gives other bytes than none: {odd}" if odd else 0)


def make_lake(world: Path, folders: list[Path], without: tuple[str, ...]) -> list[Path]:
    """Copy the folders to `world/lake`, and take a hundredth of the files away again; where these belong."""
    for number, source in enumerate(folders):
        shutil.copytree(source, world / "lake" / str(number), copy_function=_linked_or_copied)
    (world / "rights.yaml").write_text(RIGHTS, encoding="utf-8")
    for path in [path for path in (world / "lake").rglob("*") if path.is_file() and path.name.endswith(without)]:
        path.unlink()
    files = sorted(path for path in (world / "lake").rglob("*") if path.is_file())
    held = files[STEP // 2::STEP]
    size, new = (sum(path.stat().st_size for path in some) for some in (files, held))
    print(f"{len(files)} files, {size / 1e6:.1f} MB; {len(held)} of them ({new / size:.1%} of the bytes) held back")
    for number, path in enumerate(held):
        path.rename(world / f"held-{number}")
    return held


def _linked_or_copied(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy(source, target)


if __name__ == "__main__":
    main()
