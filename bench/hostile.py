"""Ten thousand hostile files through the real stages: no crash, no hang, no file without a ledger row.

    python bench/hostile.py FOLDER [files] [seed]

FOLDER holds sound files of any kinds; to these come small ones made here, so that every reader has its
own. Bombs come first, then mutants. Prints after every thousand what became of the files by type, which
were the slowest and which were stopped by a guard, and exits 1 when one is not accounted for.
"""

import argparse
import io
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.extract import shard
from pipeline.extract.isolated import Answer, IsolatedReader
from pipeline.extract.readers import READERS
from pipeline.extract.sniff import mime_of
from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.execution import Execution
from pipeline.stage.params import load_section
from pipeline.stages import curate_extract, lake_manifest
from pipeline.tables.parquet import read_table
from tests.extract.mutants import Sound, bombs, mutants
from tests.extract.samples import samples

PER_TYPE = 12
LARGEST = 150_000
"""Bytes of a sound file: the smaller, the more of it is reached in the time there is."""
LIMITS = {"max_file_bytes": 8_000_000, "max_uncompressed_bytes": 30_000_000, "max_ocr_pages": 1, "max_pages": 50,
          "max_pixels": 1_000_000, "cpu_s": 20, "silence_s": 300.0, "wall_s": 600.0, "memory_mb": 4096}
RIGHTS = """sources:
  all: {paths: ["**"], licence: CC0-1.0, rights_basis: own, cleared_for_training: true, reviewed_by: bench,
        reviewed_on: "2026-01-01", published: null}
"""
SHOWN = 12
BATCH = 1000


def sound_files(folder: Path) -> list[Sound]:
    """Up to PER_TYPE files of each suffix below `folder`, evenly drawn by path, and ours."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and 0 < path.stat().st_size <= LARGEST:
            found.setdefault(path.suffix.lower(), []).append(path)
    drawn = [path for paths in found.values() for path in paths[::max(1, len(paths) // PER_TYPE)][:PER_TYPE]]
    return [Sound(path.suffix.lower(), path.read_bytes()) for path in drawn] + samples()


class Timed(IsolatedReader):
    """Notes how long each file took."""

    def read(self, place: Path, file: Mapping[str, Any]) -> Answer:
        """As above."""
        start = time.perf_counter()
        answer = super().read(place, file)
        TIMES.append((time.perf_counter() - start, file["path"], answer.evidence))
        return answer


TIMES: list[tuple[float, str, str]] = []


def main() -> None:
    """Make them, read them, count them; what is known so far is printed after each batch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", type=int, nargs="?", default=10_000)
    parser.add_argument("seed", type=int, nargs="?", default=20260301)
    given = parser.parse_args()
    sound = sound_files(given.folder)
    missing = set(READERS) - {mime_of(f"x{each.suffix}", io.BytesIO(each.data)) for each in sound}
    if missing:
        sys.exit(f"no sound file for {sorted(missing)}")
    print(f"{len(sound)} sound files of {len({each.suffix for each in sound})} suffixes; {given.files} hostile; "
          f"seed {given.seed}")
    shard.IsolatedReader = Timed  # type: ignore[misc]
    made = islice(chain(bombs(), mutants(sound, given.files, given.seed)), given.files)
    ledgers, start = [], time.perf_counter()
    while batch := list(islice(made, BATCH)):
        with tempfile.TemporaryDirectory() as folder:
            ledgers.append(_ledger(Path(folder), batch))
        _report(pl.concat(ledgers), time.perf_counter() - start)


def _report(ledger: pl.DataFrame, seconds: float) -> None:
    print(f"\n{ledger.height} files in {seconds:.0f} s, each with one row of its own\n{_table(ledger)}")
    print("slowest, seconds on the clock:")
    for taken, path, evidence in sorted(TIMES, reverse=True)[:SHOWN]:
        print(f"  {taken:7.1f}  {path}  {evidence}")
    guards = ledger.filter(pl.col("evidence").str.contains("killed|cpu_s|silence_s|wall_s|memory_mb"))
    print(f"{guards.height} files stopped by a guard or killed their reader:")
    for row in guards.iter_rows(named=True):
        print(f"  {row['input_id']}  {row['reason']}  {row['evidence']}")
    sys.stdout.flush()


def _ledger(folder: Path, files: list[tuple[str, bytes]]) -> pl.DataFrame:
    """The ledger's rows of the files, once each is seen to have one."""
    lake = folder / "lake"
    for name, data in files:
        path = lake / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "rights.yaml").write_text(RIGHTS, encoding="utf-8")
    lake_manifest.main(lake, folder / "rights.yaml", folder / "files")
    params = load_section(CurateExtract, "curate_extract")
    params = params.model_copy(update={"limits": params.limits.model_copy(update=LIMITS)})
    execution = Execution(engine="local", workers=1, shards_per_worker=1, ray_address="local", slurm_partition="",
                          slurm_time="", slurm_mem_per_cpu_gb=1, slurm_poll_s=1.0)
    curate_extract.extract(lake, folder / "files", folder / "documents", folder / "ledger", folder / "pages", params,
                           execution, folder / "cache")
    ledger = read_table(folder / "ledger")
    rows = ledger.filter(pl.col("input_id").is_in([name for name, _ in files]))
    lost = {name for name, _ in files} - set(rows["input_id"])
    if lost or rows.height != len(files):
        sys.exit(f"{len(lost)} files without a ledger row: {sorted(lost)[:SHOWN]}")
    return rows


def _table(ledger: pl.DataFrame) -> str:
    kinds = ledger.with_columns(pl.col("input_id").str.split("/").list.first().alias("kind"))
    reasons = sorted(set(kinds["reason"]))
    lines = ["| made from | files | " + " | ".join(reasons) + " |", "|---|" + "---|" * (len(reasons) + 1)]
    for (kind,), rows in sorted(kinds.group_by("kind")):
        count = Counter(rows["reason"])
        lines.append(f"| {kind} | {rows.height} | " + " | ".join(str(count[reason] or "") for reason in reasons) + " |")
    total = Counter(kinds["reason"])
    lines.append(f"| all | {kinds.height} | " + " | ".join(str(total[reason]) for reason in reasons) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
