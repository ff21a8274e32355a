"""Check 1: what was handed over holds nothing that points out of it or hides in it."""

from pathlib import Path, PurePosixPath

from pipeline.audit.checks.case import Case
from pipeline.audit.checks.scene import walk
from pipeline.audit.findings import Check
from pipeline.schema.errors import NotVerified

RUNS_ON_LOAD = {".py", ".pyc", ".pyo", ".so", ".dll", ".dylib", ".pyd", ".pkl", ".pickle", ".pt", ".pth", ".bin",
                ".ckpt", ".joblib", ".exe", ".sh"}
"""Endings of code, and of formats that are code when loaded (pickles): no checkpoint of ours has one."""

LOOSE = {"policy.yaml", "VERIFY.md", "SHA256SUMS"}
"""Unsigned help for people at the top of a release; nothing is concluded from them."""
KEYLESS = "keyless"
"""Sigstore's signatures of the same statements: another command's subject, because its client needs other roots."""


def check_folder(case: Case) -> None:
    """No link, device or pipe below the records, checkpoints and what belongs to them; no code in a checkpoint."""
    for place in _places(case):
        if not place.is_dir():
            continue
        with case.findings.looking(Check.FOLDER, "-"):
            for entry in walk(place):
                case.is_plain(Path(entry.path))
    for checkpoint in case.scene.checkpoints:
        with case.findings.looking(Check.FOLDER, "-"):
            check_names(case, case.scene.place(checkpoint))


def check_names(case: Case, folder: Path) -> None:
    """Hidden files, bytecode, and whatever runs when loaded: each is a failure, recorded or not."""
    for entry in walk(folder) if folder.is_dir() and not folder.is_symlink() else []:
        inner = PurePosixPath(Path(entry.path).relative_to(folder).as_posix())
        if inner.suffix.lower() in RUNS_ON_LOAD or any(_hides(part) for part in inner.parts):
            case.findings.add(Check.FOLDER, "-", NotVerified(
                case.name_of(Path(entry.path)), "has no place in a checkpoint",
                wanted="weights, configuration and tokenizer only", got="a hidden file, or one that runs when loaded"))


def _hides(part: str) -> bool:
    return part.startswith(".") or part == "__pycache__"


def _places(case: Case) -> list[Path]:
    if case.scene.released:
        return [case.scene.root]
    beside = ("", ".attestation", ".card", ".eval", ".gate")
    return [case.scene.root / "lineage", *(case.scene.root / f"{checkpoint}{ending}"
                                           for checkpoint in case.scene.checkpoints for ending in beside)]


def check_accounted(case: Case) -> None:
    """Nothing in a release that no record accounts for (inside `lineage` and `attestation`: checks 2, 3 and 9)."""
    if not case.scene.released:
        return
    if (case.scene.root / KEYLESS).is_dir():
        case.findings.absent(KEYLESS, "keyless signatures; `pedigree check-keyless` verifies them")
    known = {*LOOSE, KEYLESS, "lineage", *case.scene.places.values()}
    known |= {case.scene.shown(path) for run in case.runs.values() for path in run.products}
    with case.findings.looking(Check.FOLDER, "-"):
        for entry in walk(case.scene.root):
            name = case.name_of(Path(entry.path))
            if not any(name == place or name.startswith(f"{place}/") for place in known):
                case.findings.add(Check.FOLDER, "-", NotVerified(name, "a file that no record accounts for",
                                                                 wanted="a part of the release"))
