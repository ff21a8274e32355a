"""What lineage costs: the kernel's own work at every stage of a finished run, as a share of that run.

    python -m bench.lineage_overhead [--run-seconds 960] [STAGE ...]

Run it in a finished tree (`dvc repro` done) that nothing else uses. Each stage has a fresh interpreter,
as under `dvc repro`, and the hashes start empty; a stage's outs count as just written. Timed: the
kernel's imports, DVC's resolution of the stage, hashing of materials and outs, policy, fork and sandbox
around no work, the check that nothing changed, the record. Not timed: what the stage itself does.

CPU seconds (user and system, children included) beside wall time: on a busy machine they are the
steadier of the two.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

LIMIT = 0.05
"""Share of the run that lineage may cost (issue: lineage that cannot lie)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run-seconds", type=float, default=960.0, help="wall time of `make repro` on this machine")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--hashes", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("stages", nargs="*")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.stages[0], options.hashes)))
        return
    total = compared(options.stages or recorded_stages())
    share = total["cpu"] / options.run_seconds
    print(f"lineage: {total['cpu']:.1f} CPU s, {total['wall']:.1f} s wall, of a run of {options.run_seconds:.0f} s: "
          f"{share:.1%} (limit {LIMIT:.0%}); {total['read']:.0f} files read, {total['files']:.0f} looked at")
    sys.exit(0 if share <= LIMIT else 1)


def recorded_stages() -> list[str]:
    """Stages with a record, each after the stages whose outs it reads."""
    made, needs = {}, {}
    for path in sorted(Path("lineage").glob("*/statement.json")):
        statement = json.loads(path.read_text(encoding="utf-8"))
        stage = path.parent.name
        made |= {subject["name"]: stage for subject in statement["subject"]}
        needs[stage] = {item["name"] for item in statement["predicate"]["buildDefinition"]["resolvedDependencies"]}
    graph = {stage: {made[name] for name in names if name in made} for stage, names in needs.items()}
    return list(TopologicalSorter(graph).static_order())


def compared(stages: list[str]) -> dict[str, float]:
    """Sums over `stages`, one line each on the way."""
    total = dict.fromkeys(("cpu", "wall", "read", "files"), 0.0)
    print(f"{'stage':28}{'CPU s':>8}{'wall s':>8}  {'resolve':>8}{'hash':>8}{'sandbox':>8}{'record':>8}  read/files")
    with tempfile.TemporaryDirectory() as folder:
        for stage in stages:
            found = json.loads(subprocess.run(
                [sys.executable, "-m", "bench.lineage_overhead", "--one", "--hashes", f"{folder}/hashes", stage],
                check=True, stdout=subprocess.PIPE, text=True).stdout)
            for key in total:
                total[key] += found[key]
            print(f"{stage:28}{found['cpu']:8.2f}{found['wall']:8.2f}  {found['resolve']:8.2f}{found['hash']:8.2f}"
                  f"{found['sandbox']:8.2f}{found['record']:8.2f}  {found['read']}/{found['files']}", flush=True)
    return total


def measured(stage: str, hashes: Path) -> dict[str, float]:
    """CPU seconds of each part of the kernel's work for `stage`, this interpreter's imports included."""
    from pipeline.stage import params  # what a stage imports without a kernel

    assert params
    marks, wall = [cpu()], time.perf_counter()
    from pipeline.stage import run

    declared = run.declared_stage(stage)
    marks.append(cpu())
    outs = [Path(out) for out in declared.products]
    with run.KnownHashes(hashes) as known:
        materials = run._hash_all(declared.materials + declared.code, known)
        products = run._hash_all(declared.products, known)
        marks.append(cpu())
        outcome = in_the_sandbox(declared, outs)
        marks.append(cpu())
        run._check_unchanged(declared, materials, known)
        num_read = known.num_read
    with tempfile.TemporaryDirectory() as folder:
        run.write_record(Path(folder) / stage, declared, materials, products, {}, outcome.observation)
    marks.append(cpu())
    parts = [after - before for before, after in pairwise(marks)]
    return {"resolve": parts[0], "hash": parts[1], "sandbox": parts[2], "record": parts[3], "cpu": sum(parts),
            "wall": time.perf_counter() - wall, "read": num_read,
            "files": sum(len(artefact.entries) for artefact in (*materials.values(), *products.values()))}


def in_the_sandbox(declared, outs):
    """The kernel's fork around no work."""
    from pipeline.stage import run

    with run.scratch_folder() as scratch:
        policy = run.policy_of(declared, scratch, Path())
        run.make_room(outs)
        try:
            return run.run_work(lambda: None, policy, outs, scratch)
        finally:
            run.clear_room(outs)


def cpu() -> float:
    """User and system seconds of this process and its finished children."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    main()
