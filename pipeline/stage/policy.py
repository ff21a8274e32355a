"""What the process of one stage may touch, from its declaration in `dvc.yaml`.

Reads: deps, the code closure, params.yaml and execution.yaml, interpreter and installed packages,
system files. Writes: the partial and resume folders of its outs (see `pipeline.stage.outputs`), a
scratch folder, the caches it declares. Devices and /dev/shm: both. Beyond that, `meta` declares:

    meta:
      network: true            # or `hub`, `endpoint`: the kind of source that is reached over a network
      keys: true               # the owner's key folder (pseudonyms, signatures)
      caches: [.cache/x]       # results kept between runs under their own identity
      upstream: [models]       # a view: outs, in these folders, of the stages its deps come of; it reads
                               # them by the digests in `lineage`, which is the dep

Without `network` no TCP port can be reached or listened on. Two things the code does need TCP between
its own processes: ranks of `accelerate` or DeepSpeed, which get a network with loopback alone where the
system lets users make one; and the engines Ray and Slurm of execution.yaml, for which it stays open.
The record says `none`, `loopback` or `open`, and only the first two can be hermetic. Under Ray the folder
in which it keeps its sockets and logs is granted too: this process is a driver of the cluster.

A rule on a folder holds for all below it, so no rule may lie above the repository.
"""

import os
import site
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.schema.execution import Execution
from pipeline.stage.closure import BYTES_NEUTRAL, PACKAGE
from pipeline.stage.declared import Declared
from pipeline.stage.keys import key_folder
from pipeline.stage.landlock import CHANGE, DEVICES, READ, RUN, Right
from pipeline.stage.outputs import partial_folder, resume_folder_of
from pipeline.stage.params import load_section

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/proc", "/sys", "/nix/store",
          "/opt/nvidia", "/opt/rocm", "/var/cache/fontconfig", "/run/systemd/resolve")
"""Programs, shared libraries, fonts, certificates; what the kernel tells about machine and process."""
DEVICE_FILES = "/dev"
SETTINGS = ("params.yaml", "execution.yaml")
LAUNCHER, ENGINES = "pipeline/engine/launch.py", "pipeline/engine/executors.py"
"""The files that start processes which talk over TCP; they are in the closure of the stages that use them."""
NETWORK_KINDS = (True, "hub", "endpoint")


class Policy(NamedTuple):
    """Real paths with the rights on them; the longest path that leads to a file decides."""

    stage: str
    root: str
    """The repository."""
    rules: dict[str, Right]
    made: tuple[str, ...]
    """Outs of the whole pipeline: what an undeclared file is part of."""
    network: str
    """`none`; `open`, which a stage declares; `loopback`, for workers of one machine that talk over TCP."""

    def allows(self, path: str, right: Right) -> bool:
        """Whether a rule grants `right` on `path` (a real path)."""
        return any(right in rights and (path == place or path.startswith(f"{place.rstrip('/')}/"))
                   for place, rights in self.rules.items())


def make_places(declared: Declared, root: Path) -> None:
    """Make the folders that only a rule on a folder that is there can grant."""
    for cache in declared.meta.get("caches", []):
        (root / cache).mkdir(parents=True, exist_ok=True)
    if declared.meta.get("keys"):
        key_folder().mkdir(parents=True, exist_ok=True, mode=0o700)


def policy_of(declared: Declared, scratch: Path, root: Path) -> Policy:
    """The policy for one run of `declared` with `scratch` as its folder for temporary files."""
    home = os.path.realpath(root)
    rules: dict[str, Right] = {}
    for path, rights in [*machine(), *_project(declared, root), (str(scratch), CHANGE)]:
        for place in _beside(os.path.realpath(path), home):
            rules[place] = rules.get(place, Right(0)) | rights
    return Policy(declared.name, home, rules, tuple(sorted(declared.made)), _network(declared, root))


def _network(declared: Declared, root: Path) -> str:
    if declared.meta.get("network") in NETWORK_KINDS:
        return "open"
    if LAUNCHER in declared.code and _has_ranks(declared.params):
        return "loopback"
    return "none" if _engine(declared, root) == "local" else "open"


def _engine(declared: Declared, root: Path) -> str:
    """The engine of execution.yaml, for a stage that uses one."""
    return load_section(Execution, "shards", root / "execution.yaml").engine if ENGINES in declared.code else "local"


def _has_ranks(params: object) -> bool:
    """Whether a section asks for several processes that talk to each other."""
    if not isinstance(params, dict):
        return False
    return params.get("world_size", 1) > 1 or bool(params.get("deepspeed")) or any(map(_has_ranks, params.values()))


def machine() -> Iterator[tuple[str, Right]]:
    """Interpreter, installed packages, system files and devices."""
    packages = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    for path in {*SYSTEM, *sysconfig.get_paths().values(), *packages, *filter(None, libraries),
                 sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(sys.executable).resolve().parent)}:
        if Path(path).exists():
            yield path, RUN
    yield DEVICE_FILES, DEVICES


def _project(declared: Declared, root: Path) -> Iterator[tuple[str, Right]]:
    for path in {*declared.deps, *declared.materials, *declared.upstream, *declared.code, *BYTES_NEUTRAL,
                 *SETTINGS, *_markers(root)}:
        yield str(root / path), READ
    for metadata in root.glob("*.egg-info"):  # of this project, where it is installed in place
        yield str(metadata), READ
    yield str(root / PACKAGE), Right.READ_DIR  # imports list a package's folder: names, not content
    for out in declared.products:
        yield str(partial_folder(root / out)), CHANGE
        yield str(resume_folder_of(root / out)), CHANGE
    for cache in declared.meta.get("caches", []):
        yield str(root / cache), CHANGE
    if declared.meta.get("keys"):
        yield str(key_folder()), CHANGE
    if _engine(declared, root) == "ray":
        yield str(ray_folder()), CHANGE
    if declared.meta.get("network") in NETWORK_KINDS:
        hub = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
        yield str(hub / "token"), READ  # who asks is not part of what is asked for, which a pin names


def ray_folder() -> Path:
    """Where the Ray of this machine keeps the sockets and logs of its sessions."""
    return Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray"  # noqa: S108 (Ray's own default)


def _markers(root: Path) -> list[str]:
    """Empty `__init__.py` files: they run nothing and are in no closure."""
    return [path.relative_to(root).as_posix() for path in (root / PACKAGE).rglob("__init__.py")
            if not path.stat().st_size]


def _beside(folder: str, home: str) -> Iterator[str]:
    """`folder`, or, when the repository lies in it, all in it but the way to the repository."""
    if folder == home or not home.startswith(f"{folder.rstrip('/')}/"):
        yield folder
        return
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        real = os.path.realpath(entry.path)
        if entry.is_symlink() and home.startswith(f"{real.rstrip('/')}/"):
            continue  # a link to a folder above the repository: its own entry is dealt with where it lies
        if real != home:
            yield from _beside(real, home)
