"""`pedigree verify` of a release, and its hashing against `openssl` and `model_signing`, in one run.

    python bench/verify.py RELEASE ROOT.pub [--model-signing PYTHON]

Prints the time of the whole command (a fresh process, start-up included) with the part that is hashing;
then how many bytes are hashed in a second of one core by us, `openssl dgst -sha256` and model_signing,
and in a second of all cores by us and model_signing. Per core: processor time, so other work on the
machine does not count; all cores: wall time. PYTHON is the interpreter of an environment with
model_signing. The files are in the page cache; each figure is the best of several.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pipeline.audit.checks.case import Case, Depth
from pipeline.audit.checks.scene import open_tree, walk
from pipeline.audit.findings import Findings

FILES, FILE_BYTES, ROUNDS = 8, 64 * 2**20, 5
VERIFY = "import sys; from pipeline.audit.cli import main; sys.exit(main(sys.argv[1:]))"
MODEL_SIGNING = """\
import sys, time
from pathlib import Path
from model_signing import hashing
config = hashing.Config().use_file_serialization(hashing_algorithm="sha256", max_workers=int(sys.argv[2]))
start = time.perf_counter(), time.process_time()
config.hash(Path(sys.argv[1]))
print(time.perf_counter() - start[0], time.process_time() - start[1])
"""


class Seconds(NamedTuple):
    """What something took."""

    wall: float
    processor: float
    """User and system, of all threads."""


def best(run: Callable[[], Seconds]) -> Seconds:
    """The shortest wall and the shortest processor time of ROUNDS runs."""
    runs = [run() for _ in range(ROUNDS)]
    return Seconds(min(each.wall for each in runs), min(each.processor for each in runs))


def time_process(command: list[str | Path]) -> Seconds:
    """What a process of its own takes."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, os.times()
    return Seconds(wall, after.children_user + after.children_system - before.children_user - before.children_system)


def time_ours(folder: Path) -> Seconds:
    """What `verify` takes to hash a folder."""
    case = Case(open_tree(folder.parent, []), Findings(), Depth.DEEP, "2026-01-01T00:00:00Z")
    start = time.perf_counter(), time.process_time()
    assert case.entries(folder.name)
    return Seconds(time.perf_counter() - start[0], time.process_time() - start[1])


def time_openssl(folder: Path) -> Seconds:
    """What one `openssl dgst -sha256` takes over the folder's files."""
    return time_process(["openssl", "dgst", "-sha256", *sorted(folder.iterdir())])


def time_model_signing(python: Path, folder: Path) -> Seconds:
    """What model_signing takes to hash the folder on all cores, imports not counted."""
    done = subprocess.run([python, "-c", MODEL_SIGNING, folder, str(os.cpu_count())], check=True, capture_output=True,
                          text=True)
    wall, processor = done.stdout.split()
    return Seconds(float(wall), float(processor))


def report_command(release: Path, key: Path) -> None:
    """Print the time of the command on a release, and the part of it that is hashing."""
    num_bytes = sum(entry.stat().st_size for entry in walk(release))
    hashing = best(lambda: time_ours(release))
    total = best(lambda: time_process([sys.executable, "-c", VERIFY, "verify", release, "--key", key]))
    print(f"verify {release.name}: {total.wall:.2f} s wall, {total.processor:.2f} s of one core, of them at most "
          f"{hashing.processor:.3f} s for hashing {num_bytes / 1e6:.1f} MB")


def report_hashing(python: Path | None) -> None:
    """Print rates and ratios on FILES files of random bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "files")
        folder.mkdir()
        for number in range(FILES):
            (folder / f"{number}.bin").write_bytes(os.urandom(FILE_BYTES))
        gigabytes, cores = FILES * FILE_BYTES / 1e9, os.cpu_count()
        ours, openssl = best(lambda: time_ours(folder)), best(lambda: time_openssl(folder))
        print(f"a core: ours {gigabytes / ours.processor:.2f} GB/s, openssl {gigabytes / openssl.processor:.2f} GB/s, "
              f"ours/openssl {openssl.processor / ours.processor:.2f}")
        print(f"{cores} cores: ours {gigabytes / ours.wall:.2f} GB/s, "
              f"openssl on one {gigabytes / openssl.wall:.2f} GB/s")
        if python is not None:
            theirs = best(lambda: time_model_signing(python, folder))
            print(f"model_signing: a core {gigabytes / theirs.processor:.2f} GB/s "
                  f"(ours/model_signing {theirs.processor / ours.processor:.2f}), "
                  f"{cores} cores {gigabytes / theirs.wall:.2f} GB/s ({theirs.wall / ours.wall:.2f})")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", type=Path)
    parser.add_argument("key", type=Path)
    parser.add_argument("--model-signing", type=Path)
    arguments = parser.parse_args()
    report_command(arguments.release, arguments.key)
    report_hashing(arguments.model_signing)


if __name__ == "__main__":
    main()
