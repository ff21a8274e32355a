"""Undeclared access, seen and named: an audit hook for what Python opens, and the path behind an error.

Landlock refuses; it does not say which path. Native readers (safetensors, Arrow, DuckDB, PDFium) only
raise an error of their own words, and a library may swallow it. So the hook writes down every access
of Python code to the repository that the policy forbids, in this process and its forks, and
`refused_path` finds the path in an error: its attribute, its text, or the variables of its trace.
Where there is no Landlock the hook itself refuses.
"""

import errno
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.schema.errors import BrokenContract, PedigreeError
from pipeline.stage.landlock import Right
from pipeline.stage.policy import Policy

REFUSED = re.compile(r"permission denied|os error 13|errno 13|EACCES|access error|access denied|cross-device", re.I)
"""How libraries word EACCES, and EXDEV, which is Landlock's answer to a move out of a folder."""
QUOTED = re.compile(r"[\"'`]([^\"'`\n]+)[\"'`]")
BARE = re.compile(r"[^\s\"'`:;,()\[\]<>]+")
LOOPBACK = ("127.", "::1:", "localhost:")
CHAIN = 8
"""Errors behind an error that are looked at."""


class Touch(NamedTuple):
    """One access that the declaration does not cover."""

    kind: str
    """`read`, `write` or `network`."""
    target: str
    """Path, relative where it lies in the repository; or an address."""


Judge = Callable[[Policy, tuple[Any, ...]], Iterator[Touch | None]]
"""(policy, arguments of an audit event) -> the undeclared accesses among them."""


class Watch:
    """The audit hook. It stays for the life of the process; `on` switches it."""

    def __init__(self, policy: Policy, log: Path, *, refuse: bool) -> None:
        self.policy, self.refuse, self.on = policy, refuse, False
        self.addresses: list[str] = []
        """Asked for while TCP is refused, the last one last."""
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Called by Python before the act."""
        judge = JUDGES.get(event) if self.on else None
        if judge is None:
            return
        self.on = False  # nothing done here is the stage's act
        try:
            found = [touch for touch in judge(self.policy, arguments) if touch]
            self.addresses += [touch.target for touch in found if touch.kind == "network"]
            # a library that asks whether this machine has loopback is not talking to anybody
            found = [touch for touch in found if not touch.target.startswith(LOOPBACK)]
            for touch in found:
                os.write(self.log, (json.dumps(touch) + "\n").encode())
        finally:
            self.on = True
        if found and self.refuse:
            raise PermissionError(errno.EACCES, "not declared in dvc.yaml", found[0].target)


def touches(log: Path) -> list[Touch]:
    """What a watch wrote down, each once, sorted."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return sorted({Touch(*json.loads(line)) for line in lines})


def undeclared(policy: Policy, found: list[Touch], where: str = "") -> BrokenContract:
    """The error that names what was touched and what to write into dvc.yaml."""
    said = {"read": "reads", "write": "writes", "network": "uses the network:"}
    acts = ", ".join(f"{said[touch.kind]} `{touch.target}`" for touch in found)
    cures = "; ".join(dict.fromkeys(_cure(policy, touch) for touch in found))
    return BrokenContract(f"stage {policy.stage}", f"{acts}, which dvc.yaml does not declare{where}", do=cures)


def refused(policy: Policy, err: BaseException, addresses: list[str]) -> BrokenContract | None:
    """The error to show for `err`, if it comes of an access the policy forbids.

    Args:
        addresses: what was asked for over the network, for an error that names no path.
    """
    # an error in a library's words may hide a refusal: safetensors says "No such file" of a file that is there
    errors = [each for each in _chain(err) if _is_refusal(each) or not isinstance(each, PedigreeError)]
    for words in (_attributes, _texts, _variables):
        for each in errors:
            for word in words(each):
                touch = _forbidden(policy, word)
                if touch:
                    return undeclared(policy, [touch], _line(policy, err))
    if addresses and any(map(_is_refusal, errors)):
        return undeclared(policy, [Touch("network", addresses[-1])], _line(policy, err))
    return None


def _is_refusal(err: BaseException) -> bool:
    return getattr(err, "errno", None) in (errno.EACCES, errno.EXDEV) or bool(REFUSED.search(str(err)))


def _chain(err: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = err
    for _ in range(CHAIN):
        if following is None:
            return
        yield following
        following = following.__cause__ or following.__context__


def _attributes(err: BaseException) -> Iterator[str]:
    yield from (os.fsdecode(name) for name in (getattr(err, "filename2", None), getattr(err, "filename", None))
                if isinstance(name, str | bytes | os.PathLike))


def _texts(err: BaseException) -> Iterator[str]:
    # a quoted word without a folder is a path only where a file is what went wrong: KeyError quotes its key
    of_files = _is_refusal(err) or isinstance(err, OSError)
    yield from (word for word in QUOTED.findall(str(err)) if of_files or "/" in word)
    yield from (word for word in BARE.findall(str(err)) if "/" in word)


def _variables(err: BaseException) -> Iterator[str]:
    """Paths in the frames of the trace, the innermost first: for refusals that name none."""
    if not (_is_refusal(err) or isinstance(err, OSError)):
        return
    for frame, _ in reversed(list(traceback.walk_tb(err.__traceback__))):
        for value in frame.f_locals.values():
            if isinstance(value, os.PathLike) or (isinstance(value, str) and "/" in value and "\n" not in value):
                yield os.fsdecode(value)


def _forbidden(policy: Policy, word: str) -> Touch | None:
    try:
        real = os.path.realpath(word)
        if Path(real).is_file() or Path(real).is_dir():
            return _missing(policy, real, Right.READ_FILE, "read") or _missing(policy, real, Right.WRITE_FILE, "write")
        inside = real.startswith(f"{policy.root}/") and Path(real).parent.is_dir()
        return _missing(policy, real, Right.MAKE_REG, "write") if inside else None
    except (OSError, ValueError):  # not a path at all
        return None


def _missing(policy: Policy, real: str, right: Right, kind: str) -> Touch | None:
    return None if real == policy.root or policy.allows(real, right) else Touch(kind, _shown(policy, real))


def _shown(policy: Policy, real: str) -> str:
    return os.path.relpath(real, policy.root) if real.startswith(f"{policy.root}/") else real


def _line(policy: Policy, err: BaseException) -> str:
    """The innermost line of the project in the trace."""
    for frame in reversed(traceback.extract_tb(err.__traceback__)):
        path = os.path.realpath(frame.filename)
        if path.startswith(f"{policy.root}/pipeline/"):
            return f" ({_shown(policy, path)}:{frame.lineno})"
    return ""


def _cure(policy: Policy, touch: Touch) -> str:
    stage = policy.stage.partition("@")[0]
    if touch.kind == "network":
        return f"declare `meta: {{network: true}}` at `stages.{stage}` in dvc.yaml, or work offline"
    if Path(touch.target).is_absolute():
        return f"`{touch.target}` lies outside the repository: bring it in and declare it, or leave it alone"
    if touch.kind == "write":
        return f"add `- {touch.target}` to `stages.{stage}.outs` in dvc.yaml, or write below an out"
    if touch.target.startswith("pipeline/"):
        return f"add `- {touch.target}` under `# code` of `stages.{stage}.deps` in dvc.yaml (`make code-deps`)"
    whole = next((out for out in policy.made if touch.target.startswith(f"{out}/")), touch.target)
    return f"add `- {whole}` to `stages.{stage}.deps` in dvc.yaml"


def _judge_open(policy: Policy, arguments: tuple[Any, ...]) -> Iterator[Touch | None]:
    path, _, flags = arguments
    if isinstance(path, int) or path is None:
        return
    real = os.path.realpath(os.fsdecode(path))
    if Path(real).is_dir():  # opened to list it or to change it by name: events of their own
        return
    writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))
    yield _writing(policy, real) if writes else _reading(policy, real, Right.READ_FILE)


def _judge_list(policy: Policy, arguments: tuple[Any, ...]) -> Iterator[Touch | None]:
    if isinstance(arguments[0], int):
        return
    real = os.path.realpath(os.fsdecode(arguments[0] or "."))
    if real != policy.root:  # Python's import looks for modules in the current folder, and takes no for an answer
        yield _reading(policy, real, Right.READ_DIR)


def _judge_change(paths: tuple[int, ...], folders: tuple[int, ...],
                  matters: Callable[[str], bool] = os.path.lexists) -> Judge:
    """Judge the arguments at `paths`; a folder given by its descriptor, at `folders`, was judged when opened."""
    def judge(policy: Policy, arguments: tuple[Any, ...]) -> Iterator[Touch | None]:
        if all(arguments[number] == -1 for number in folders):
            for number in paths:
                path = arguments[number]
                real = "" if isinstance(path, int) else _resolved(os.fsdecode(path))
                if real and matters(real):
                    yield _writing(policy, real)
    return judge


def _resolved(path: str) -> str:
    """Real path of a name itself: what a link names is not what is removed or renamed."""
    return str(Path(path).parent.resolve() / Path(path).name)


def _is_new(path: str) -> bool:
    return not os.path.lexists(path)


def _always(_: str) -> bool:
    return True


def _judge_address(policy: Policy, arguments: tuple[Any, ...]) -> Iterator[Touch | None]:
    address = arguments[-1]
    if policy.network == "none" and isinstance(address, tuple):  # a path is a local socket
        yield Touch("network", ":".join(map(str, address[:2])))


def _judge_lookup(policy: Policy, arguments: tuple[Any, ...]) -> Iterator[Touch | None]:
    host, port = arguments[:2]
    if policy.network == "none" and host:
        host = os.fsdecode(host)
        yield Touch("network", f"{host}:{port}")


def _reading(policy: Policy, real: str, right: Right) -> Touch | None:
    ours = real.startswith(f"{policy.root}/") and "/__pycache__" not in real and Path(real).exists()
    return _missing(policy, real, right, "read") if ours else None


def _writing(policy: Policy, real: str) -> Touch | None:
    ours = real.startswith(f"{policy.root}/") and "/__pycache__" not in real
    return _missing(policy, real, Right.MAKE_REG, "write") if ours else None


JUDGES: dict[str, Judge] = {
    "open": _judge_open,
    "os.listdir": _judge_list,
    "os.scandir": _judge_list,
    "os.mkdir": _judge_change((0,), (2,), _is_new),
    "os.remove": _judge_change((0,), (1,)),
    "os.rmdir": _judge_change((0,), (1,)),
    "os.truncate": _judge_change((0,), ()),
    "os.rename": _judge_change((0, 1), (2, 3), _always),
    "os.link": _judge_change((1,), (2, 3), _always),
    "os.symlink": _judge_change((1,), (2,), _always),
    "socket.connect": _judge_address,
    "socket.bind": _judge_address,
    "socket.getaddrinfo": _judge_lookup,
}


def install(watch: Watch) -> None:
    """Add the hook to this process, for good."""
    sys.addaudithook(watch)
