"""Curation of a lake of any size: memory of every process and seconds of each stage; equal bytes in every setting.

    python bench/scale.py FOLDER PROJECT [--megabytes 50 | --lake LAKE] [--workers 1 2 8] [--also ray ...]
                          [--stages manifest extract ...] [--answered 0.9]

FOLDER   empty; takes several times the size of the lake
PROJECT  a finished run, for its models, `data/eval_items/items` and `data/general_text/documents`

The lake is LAKE, a folder of real files, or as many megabytes of text made here: paragraphs of installed
packages' documentation, each numbered so that none is there twice, put together by chance to documents of
about 7 kB, a fifth of them copies with some words changed, a third with a notice. Stages that do not begin
with `manifest` read these documents as a table.

Settings, beside the numbers of workers on the local engine:

shuffled       the files of the lake made anew in another order (two workers, as in all that follow)
driver         the stage is killed (SIGKILL) when its first shard is done, and run again
ray            a cluster of two nodes on this machine, one CPU each
ray-worker     the same; a worker is killed when the first shard is done
ray-driver     the same; the stage is killed when its first shard is done, and run again

For each stage: seconds, CPU seconds of its process and all workers, the highest memory in use of its own
process and of any worker (/proc, looked at ten times a second), and the sha256 of all it wrote: documents,
ledger, and what else there is. Stages run in processes of their own, as under DVC, but
without the kernel's sandbox and record. With --answered redaction finds that share of its chunks in a cache
made for the occasion, so that a large lake can be measured without analysing all of it.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipeline.engine.execution import load_execution
from pipeline.schema.curate_decontaminate import CurateDecontaminate
from pipeline.schema.curate_dedup import CurateDedup
from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.curate_filter import CurateFilter
from pipeline.schema.curate_mix import CurateMix
from pipeline.schema.curate_redact import CurateRedact
from pipeline.schema.documents import document_id
from pipeline.schema.execution import Execution
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.params import load_section
from pipeline.tables.parquet import TableWriter
from pipeline.tables.runs import RunWriter
from pipeline.text.docstrings import docstrings
from pipeline.text.prose import paragraphs

STAGES = ("manifest", "extract", "filter", "dedup", "decontaminate", "redact", "mix")
SHARDED = ("extract", "filter", "decontaminate", "redact")
SETTINGS = ("shuffled", "driver", "ray", "ray-worker", "ray-driver")
RESUMED = "shards are done already"
PACKAGES = ("networkx", "scipy", "pandas", "sympy", "polars")
DOCUMENT_CHARS = 7000
FILE_MB = 16
CHANGED_SHARE = 0.03
TABLE_CHUNK = 2000
"""Documents of a made table that are written together."""
NOTICE = "This paper belongs to the bank; whoever finds it returns it unread to the records manager in Leith at once."
RIGHTS = """sources:
  all: {paths: ["**"], licence: MIT, rights_basis: own, cleared_for_training: true, reviewed_by: bench,
        reviewed_on: "2026-01-01", published: "2025-01-01"}
"""
LOSS = {"default_max_loss": 1.0, "max_loss": {}}
KEY = b"bench".ljust(32)
LOOK_S = 0.1


class Setting(NamedTuple):
    """How one pass through the stages is run."""

    name: str
    workers: int
    engine: str = "local"
    kill: str = ""
    """"driver" or "worker": which process is killed in each sharded stage."""


def texts(megabytes: int) -> Iterator[str]:
    """Documents; the same for the same size."""
    draw = random.Random(1)
    stock = sorted({paragraph for name in PACKAGES for file in distribution(name).files or []
                    if file.suffix == ".py" and "tests" not in file.parts
                    for text in docstrings(file.read_binary()) for paragraph in paragraphs(text)})
    written, last = 0, ""
    while written < megabytes * 1_000_000:
        last = _document(draw, stock, last)
        written += len(last.encode())
        yield last


def _document(draw: random.Random, stock: list[str], last: str) -> str:
    if last and draw.random() < 0.2:
        words = last.split(" ")
        for _ in range(int(len(words) * CHANGED_SHARE)):
            words[draw.randrange(len(words))] = "changed"
        return " ".join(words)
    parts, size = [], 0
    while size < DOCUMENT_CHARS * draw.uniform(0.5, 1.5):
        parts.append(f"Note {draw.getrandbits(40):x}: {draw.choice(stock)}")
        size += len(parts[-1])
    return "\n\n".join([*parts, NOTICE] if draw.random() < 1 / 3 else parts)


def make_lake(folder: Path, megabytes: int) -> None:
    """JSONL files of `FILE_MB` and, one document in fifty, text files."""
    folder.mkdir(parents=True)
    lines: list[str] = []
    for number, text in enumerate(texts(megabytes), 1):
        if number % 50 == 0:
            (folder / f"note-{number:07d}.txt").write_text(text, encoding="utf-8")
        else:
            lines.append(json.dumps({"title": f"Paper {number}", "text": text}))
        if len(lines) * DOCUMENT_CHARS > FILE_MB << 20:
            (folder / f"papers-{number:07d}.jsonl").write_text("\n".join(lines), encoding="utf-8")
            lines = []
    (folder / "papers-rest.jsonl").write_text("\n".join(lines) or "{}", encoding="utf-8")
    print(f"lake: {number} documents, {len(list(folder.iterdir()))} files", flush=True)


def make_table(folder: Path, megabytes: int) -> None:
    """The documents as `curate_extract` would have written them."""
    from pipeline.extract.shard import EXTRACTED

    same = {"source": "all", "path": "made", "locator": "", "raw_sha256": "", "mime": "text/plain", "title": None,
            "licence": "MIT", "rights_basis": "own", "published": "2025-01-01", "language": None,
            "cleared_for_training": True}
    # ids that come in order of the key, so that no table of all texts has to be sorted
    rows = ({"doc_id": f"{number:08x}{document_id(text.encode())[:8]}", "text": text, **same}
            for number, text in enumerate(texts(megabytes)))
    with output_dir(folder) as scratch, TableWriter(scratch, ["doc_id"], EXTRACTED) as writer:
        while some := [row for _, row in zip(range(TABLE_CHUNK), rows, strict=False)]:
            writer.write(pl.DataFrame(some, schema=EXTRACTED))


def shuffled(lake: Path, folder: Path) -> None:
    """The same files, made in another order: folders list them in that order on most file systems."""
    files = sorted(path for path in lake.rglob("*") if path.is_file())
    random.Random(2).shuffle(files)
    for path in files:
        target = folder / path.relative_to(lake)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def work(stage: str, before: Path, lake: Path, here: Path, project: Path, execution: Execution) -> None:
    """One stage on the output `before`, in this process."""
    out, ledger, cache = here / "documents", here / "ledger", here.parent / "cache"
    # not before: a process holds what it would under DVC
    code = import_module(f"pipeline.stages.{'lake_manifest' if stage == 'manifest' else f'curate_{stage}'}")
    match stage:
        case "manifest":
            (here.parent / "lake.yaml").write_text(RIGHTS)
            code.main(lake, here.parent / "lake.yaml", out)
        case "extract":
            code.extract(lake, before, out, ledger, here / "pages", load_section(CurateExtract, "curate_extract"),
                         execution, cache / "extract")
        case "filter":
            filtering = load_section(CurateFilter, "curate_filter").model_copy(update={**LOSS, "min_quality": 0.0})
            _, cuts = code.filtered(before, project / "models/quality_model", project / "models/date_model", out,
                                    ledger, filtering, execution)
            write_json(here / "cuts.json", cuts)
        case "dedup":
            code.main(before, out, ledger, load_section(CurateDedup, "curate_dedup").model_copy(update=LOSS))
        case "decontaminate":
            checking = load_section(CurateDecontaminate, "curate_decontaminate").model_copy(update=LOSS)
            code.decontaminated(before, project / "data/eval_items/items", out, ledger, checking, execution)
        case "redact":
            hiding = load_section(CurateRedact, "curate_redact")
            model = project / "models/pii_model"
            code.redact(before, model, out, ledger, here / "spans", hiding, KEY, execution, cache / "redact")
            write_json(here / "residual.json", code.overlooked(before, model, hiding))
        case "mix":
            mixing = load_section(CurateMix, "curate_mix").model_copy(update={"replay_share": 0.001})
            code.main(before, project / "data/general_text/documents", project / "data/mixture/weights.json", out,
                      ledger, mixing)


def answer(documents: Path, model: Path, cache: Path, share: float) -> None:
    """A cache that knows `share` of the chunks; in every fifth of these something was found."""
    from pipeline.redact.analyse import Found
    from pipeline.redact.cache import cache_file
    from pipeline.redact.shard import FINDS, NOTHING, packed
    from pipeline.redact.wanted import wanted_chunks

    path = cache_file(cache, model, load_section(CurateRedact, "curate_redact"))
    path.parent.mkdir(parents=True, exist_ok=True)
    some = packed([Found(0, 4, "PERSON", "tagger", 0.95)])
    with wanted_chunks(documents, path, [], 1) as wanted, RunWriter(path, FINDS) as writer:
        for part in wanted.parts["part"]:
            number = pl.int_range(pl.len())
            rows = pl.read_parquet(part, columns=["key"]).with_columns(
                found=pl.when(number % 5 == 0).then(pl.lit(some)).otherwise(pl.lit(NOTHING)))
            writer.write(rows.filter(number % 100 < share * 100))


class Used(NamedTuple):
    """What a stage took."""

    wall_s: float
    cpu_s: float
    own_mb: float
    worker_mb: float
    """Of the largest worker."""
    said: str
    """On stderr."""


class Watch:
    """One run of a stage in a process of its own, and all processes that work for it."""

    def __init__(self, command: list[str], folder: Path, kill: str) -> None:
        self.folder, self.kill, self.killed = folder, kill, False
        self.highest: dict[int, float] = {}
        self.spent: dict[int, float] = {}
        self.log = folder / "log"
        with self.log.open("w") as stream:
            self.process = subprocess.Popen(command, stderr=stream)

    def used(self) -> Used:
        """Wait for the end."""
        start = time.perf_counter()
        while self.process.poll() is None:
            self._look()
            time.sleep(LOOK_S)
        own = self.highest.pop(self.process.pid, 0.0)
        return Used(time.perf_counter() - start, sum(self.spent.values()), own,
                    max(self.highest.values(), default=0.0), self.log.read_text(errors="replace"))

    def _look(self) -> None:
        workers = [pid for pid in family(os.getpid()) if name_of(pid).startswith("ray::")]
        for pid in [*family(self.process.pid), *workers]:
            self.highest[pid] = max(self.highest.get(pid, 0.0), peak_mb(pid))
            self.spent[pid] = max(self.spent.get(pid, 0.0), cpu_s(pid))
        if self.kill and not self.killed and any(self.folder.rglob("*.resume/*/done/*.json")):
            busy = [pid for pid in workers if "_run_rank" in name_of(pid)]
            for victim in [self.process.pid] if self.kill == "driver" else busy[:1]:
                os.kill(victim, signal.SIGKILL)
                self.killed = True


def coderun(command: list[str], folder: Path, kill: str) -> Used:
    """Run a stage to its end, with a process killed on the way; a killed stage is run again.

    A stage of a single shard has nothing left to be killed when its first is done: it says so.

    Raises:
        SystemExit: the stage failed, or nothing was resumed.
    """
    first = Watch(command, folder, kill)
    used = first.used()
    if kill:
        print(f"(a {kill} of the next was killed)" if first.killed else f"(the next ended first: no {kill} was killed)")
    if first.killed and kill == "driver":
        again = Watch(command, folder, "").used()
        resumed = [line for line in again.said.splitlines() if RESUMED in line]
        if not resumed:
            raise SystemExit(f"nothing was resumed:\n{again.said}")
        print(f"(the next was resumed: {resumed[0]})")
        return again
    if first.process.returncode:
        raise SystemExit(used.said)
    return used


def family(pid: int) -> list[int]:
    """`pid` and all processes below it."""
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


def name_of(pid: int) -> str:
    """Its command line; "" when it has ended."""
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_text(errors="replace")
    except OSError:
        return ""


def cpu_s(pid: int) -> float:
    """What it has spent, without its children."""
    try:
        fields = (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    """The most memory it had in use."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


@contextmanager
def two_nodes() -> Iterator[str]:
    """The address of a Ray cluster on this machine."""
    # on a busy machine; a node whose agent takes longer than 30 seconds to start dies all the same. Workers
    # would be nice, and wait for whatever else the machine does: these are compared with local ones
    os.environ |= {"RAY_raylet_start_wait_time_s": "180", "RAY_worker_niceness": "0"}
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        cluster.add_node(**node)
        yield str(cluster.address)
    finally:
        cluster.shutdown()


def settings_of(given: argparse.Namespace) -> list[Setting]:
    """In the order they are run."""
    found = [Setting(f"{workers} local", workers) for workers in given.workers]
    for name in given.also:
        engine = "ray" if name.startswith("ray") else "local"
        found.append(Setting(name, 2, engine, name.removeprefix("ray-") if name not in ("shuffled", "ray") else ""))
    return found


def main() -> None:
    """Print a line a stage and setting; end with an error when bytes differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("project", type=Path)
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--lake", type=Path)
    parser.add_argument("--workers", type=int, nargs="*", default=[2])
    parser.add_argument("--also", nargs="+", default=[], choices=SETTINGS)
    parser.add_argument("--stages", nargs="+", default=STAGES, choices=STAGES)
    parser.add_argument("--answered", type=float, default=0.0)
    parser.add_argument("--only", nargs=4, metavar=("STAGE", "RUN", "ENGINE", "ADDRESS"), help="run one stage, here")
    given = parser.parse_args()
    if given.only:
        run_here(given)
        return
    prepare(given)
    print(f"{'stage':14}{'setting':>12}{'wall s':>9}{'CPU s':>9}{'MB':>8}{'worker MB':>11}{'documents':>11}  sha256")
    seen: dict[str, set[str]] = {}
    for setting in settings_of(given):
        with two_nodes() if setting.engine == "ray" else nullcontext("local") as address:
            for stage, digest in passed(setting, address, given):
                seen.setdefault(stage, set()).add(digest)
    different = [stage for stage, digests in seen.items() if len(digests) > 1]
    raise SystemExit(f"bytes differ: {different}" if different else 0)


def prepare(given: argparse.Namespace) -> None:
    """Make the lake, or the table of its documents, unless it is there."""
    if given.stages[0] != "manifest":
        if not (given.folder / "documents").exists():
            make_table(given.folder / "documents", given.megabytes)
    elif given.lake is None and not (given.folder / "lake").exists():
        make_lake(given.folder / "lake", given.megabytes)
    if "shuffled" in given.also:
        shuffled(given.lake or given.folder / "lake", given.folder / "shuffled")


def passed(setting: Setting, address: str, given: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Run the stages in `setting`; (stage, digest) of each."""
    run = given.folder / f"run-{setting.name.replace(' ', '-')}"
    for stage in given.stages:
        (run / stage).mkdir(parents=True)
        command = [sys.executable, __file__, *sys.argv[1:], "--workers", str(setting.workers),
                   "--only", stage, str(run), setting.engine, address]
        if stage == "redact" and given.answered:
            model = given.project / "models/pii_model"
            answer(input_of(stage, run, given), model, run / "cache/redact", given.answered)
        used = coderun(command, run, setting.kill if stage in SHARDED else "")
        digest = hash_artefact(run / stage).digest
        count = pl.scan_parquet(run / stage / "documents/*.parquet").select(pl.len()).collect().item()
        print(f"{stage:14}{setting.name:>12}{used.wall_s:>9.0f}{used.cpu_s:>9.0f}{used.own_mb:>8.0f}"
              f"{used.worker_mb:>11.0f}{count:>11}  {digest[:16]}", flush=True)
        yield stage, digest


def run_here(given: argparse.Namespace) -> None:
    """The stage that `--only` names, in this process."""
    stage, run, engine, address = given.only
    execution = load_execution().model_copy(
        update={"workers": given.workers[0], "engine": engine, "ray_address": address})
    lake = given.folder / "shuffled" if run.endswith("shuffled") else given.lake or given.folder / "lake"
    work(stage, input_of(stage, Path(run), given), lake, Path(run) / stage, given.project, execution)


def input_of(stage: str, run: Path, given: argparse.Namespace) -> Path:
    """What the stage before left, or the table that was made."""
    place = list(given.stages).index(stage)
    return run / given.stages[place - 1] / "documents" if place else given.folder / "documents"


if __name__ == "__main__":
    main()
