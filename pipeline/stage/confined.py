"""Run the work of a stage where it can touch only what it declared, and bring back what came of it.

With Landlock the work runs in a fork that is confined for good; this process, the kernel, is not, and
waits. A fork has one thread, so none started by an import stays unconfined. Exit status, signals and
error sentences come out as if there were one process, and the work dies with the kernel.

Without Landlock the work runs in this process under the audit hook, which native code does not pass
through; the record says so.
"""

import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CDLL
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from pipeline.schema.errors import PedigreeError
from pipeline.stage.closure import PACKAGE
from pipeline.stage.landlock import TCP_ABI, abi, confine
from pipeline.stage.network import loopback_only
from pipeline.stage.outputs import place_later
from pipeline.stage.policy import Policy
from pipeline.stage.progress import say
from pipeline.stage.watch import Touch, Watch, install, refused, touches, undeclared

Work = Callable[[], dict[str, object] | None]
PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""
RESULT, TOUCHED = "result.json", "touched.jsonl"


class Outcome(NamedTuple):
    """What the kernel learns from work that ended well."""

    resolved: dict[str, object]
    modules: list[str]
    """Files of the project that Python loaded, relative to the root."""
    touched: list[Touch]
    """Undeclared accesses that the work did not fail of."""
    observation: dict[str, object]


def run_work(work: Work, policy: Policy, outs: list[Path], scratch: Path) -> Outcome:
    """`work()` under `policy`, its finished `outs` left in their partial folders.

    Raises:
        PedigreeError: the work's own, or `BrokenContract` that names what it touched undeclared.
        SystemExit: the work failed otherwise; its trace is on stderr.
    """
    if abi():
        found, method = _run_forked(work, policy, outs, scratch), "landlock"
    else:
        found, method = _run_watched(work, policy, outs, scratch), "audit hooks"
    network = found["network"]
    hermetic = method == "landlock" and network != "open" and not found["elsewhere"]
    return Outcome(found["resolved"], found["modules"], touches(scratch / TOUCHED),
                   {"hermetic": hermetic, "method": method, "network": network, "elsewhere": found["elsewhere"]})


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for temporary files of one run; its name is short, since sockets are made in it."""
    with tempfile.TemporaryDirectory(prefix="pedigree-", ignore_cleanup_errors=True) as folder:
        yield Path(os.path.realpath(folder))


_ELSEWHERE: set[str] = set()


def note_elsewhere(where: str) -> None:
    """Say that part of the work runs in processes which are not this one's children, so not confined."""
    _ELSEWHERE.add(where)


def loaded_code(root: str) -> list[str]:
    """Files below `root`/pipeline of loaded modules, relative to `root`, sorted."""
    files = {os.path.realpath(file) for module in list(sys.modules.values())
             if isinstance(file := getattr(module, "__file__", None), str)}
    return sorted(os.path.relpath(file, root) for file in files if file.startswith(f"{root}/{PACKAGE}/"))


def _run_forked(work: Work, policy: Policy, outs: list[Path], scratch: Path) -> dict[str, Any]:
    sys.stdout.flush()
    sys.stderr.flush()
    kernel = os.getpid()
    with _interrupts() as interrupts:
        child = os.fork()
        if child == 0:
            _be_the_work(work, policy, outs, scratch, kernel, interrupts)
        interrupts.pass_to(child)
        status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        shutil.rmtree(scratch, ignore_errors=True)
        _die_alike(policy, os.WTERMSIG(status))
    result = scratch / RESULT
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
    if "error" in found:
        raise _error(*found["error"])
    if os.WEXITSTATUS(status) or not found:
        sys.exit(os.WEXITSTATUS(status) or f"error: stage {policy.stage}: ended before its work was done")
    return found


class _Interrupts:
    """Interrupts of the kernel's process are the work's; it has a group of its own, so that each comes once."""

    def __init__(self) -> None:
        self.child = 0
        self.missed = False
        self.before = signal.signal(signal.SIGINT, self._came)

    def pass_to(self, child: int) -> None:
        """From now on `child` gets them, with one that came before."""
        self.child = child
        if self.missed:
            os.kill(child, signal.SIGINT)

    def restore(self) -> None:
        """Let them do what they did before."""
        signal.signal(signal.SIGINT, self.before)

    def _came(self, *_: object) -> None:
        if self.child:
            os.kill(self.child, signal.SIGINT)
        self.missed = True


@contextmanager
def _interrupts() -> Iterator[_Interrupts]:
    held = _Interrupts()
    try:
        yield held
    finally:
        held.restore()


def _die_alike(policy: Policy, number: int) -> NoReturn:
    """End by the signal that ended the work, so that whoever waits sees it."""
    if number != signal.SIGINT:
        say(f"stage {policy.stage}: ended by {signal.Signals(number).name}")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the work's core is the one of interest
    signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
    os.kill(os.getpid(), number)
    raise AssertionError("a signal with its default action does not end this process")


def _be_the_work(work: Work, policy: Policy, outs: list[Path], scratch: Path, kernel: int,
                 interrupts: "_Interrupts") -> NoReturn:
    """The child: confine this process, work, leave the result in `scratch`, end."""
    status = 1
    try:
        CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != kernel:
            os._exit(1)
        os.setpgid(0, 0)
        interrupts.restore()
        _use_scratch(scratch)
        network = _enter(policy)
        place_later(outs)
        result = _worked(work, policy._replace(network=network), scratch, refuse=False)
        (scratch / RESULT).write_text(json.dumps(result, allow_nan=False), encoding="utf-8")
        status = int("error" in result)
    except SystemExit as stop:
        status = _status(stop)
    except KeyboardInterrupt:
        traceback.print_exc()
        sys.stderr.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _enter(policy: Policy) -> str:
    """Confine this process; the network it is left with."""
    network = policy.network
    if network == "loopback" and not loopback_only():
        network = "open"
    if network == "none" and abi() < TCP_ABI:
        network = "open"
    confine(policy.rules, tcp=network != "none")
    return network


def _use_scratch(scratch: Path) -> None:
    os.environ["TMPDIR"] = str(scratch)
    tempfile.tempdir = None
    # where a child looks for the project: its current folder may not be listed
    (scratch / "import").mkdir()
    (scratch / "import" / PACKAGE).symlink_to(Path(PACKAGE).resolve())
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(scratch / "import"), os.environ.get("PYTHONPATH")]))
    sys.path.append(str(scratch / "import"))


def _worked(work: Work, policy: Policy, scratch: Path, *, refuse: bool) -> dict[str, Any]:
    """The result as JSON values: what the work returned, or the error a user can mend."""
    watch = Watch(policy, scratch / TOUCHED, refuse=refuse)
    install(watch)
    watch.on = True
    try:
        resolved = work() or {}
    except Exception as err:
        watch.on = False
        shown = refused(policy, err, watch.addresses) or _explained(policy, touches(scratch / TOUCHED), err)
        if shown is None:
            raise
        return {"error": [type(shown).__name__, shown.where, shown.what, shown.wanted, shown.got, shown.do]}
    finally:
        watch.on = False
    return {"resolved": resolved, "modules": loaded_code(policy.root), "network": policy.network,
            "elsewhere": sorted(_ELSEWHERE)}


def _explained(policy: Policy, touched: list[Touch], err: Exception) -> PedigreeError | None:
    """The error to show for work that failed of something else; what it was refused before may be the cause."""
    if not touched:
        return err if isinstance(err, PedigreeError) else None
    if not isinstance(err, PedigreeError):
        traceback.print_exc()
    return undeclared(policy, touched, f" (it then failed: {err})")


def _run_watched(work: Work, policy: Policy, outs: list[Path], scratch: Path) -> dict[str, Any]:
    place_later(outs)
    found = _worked(work, policy, scratch, refuse=True)
    if "error" in found:
        raise _error(*found["error"])
    return {**found, "network": "open"}


def _error(kind: str, where: str, what: str, wanted: str, got: str, do: str) -> PedigreeError:
    known = {each.__name__: each for each in _subclasses(PedigreeError)}
    return known.get(kind, PedigreeError)(where, what, wanted=wanted, got=got, do=do)


def _subclasses(kind: type[PedigreeError]) -> Iterator[type[PedigreeError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _subclasses(each)


def _status(stop: SystemExit) -> int:
    """What Python makes of `SystemExit` at the end of a program."""
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or 0
    print(stop.code, file=sys.stderr)
    return 1
