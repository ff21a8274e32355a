"""Checks 12, 13 and 16: what is present of artefacts, code, parameters and remotes is what was recorded."""

import configparser
from typing import Any

from pipeline.audit.checks.case import Case, Depth, found_digest, judged
from pipeline.audit.checks.records import code_entries, entries_of
from pipeline.audit.findings import Check
from pipeline.lineage.manifest import sha256
from pipeline.lineage.sign import parse_json
from pipeline.schema.errors import NotVerified
from pipeline.stage.hashing import file_sha256
from pipeline.stage.params import read_yaml
from pipeline.stage.records import Record, read_bounded

ADAPTER = "adapter_config.json"
NOT_HASHED = "recorded; hashed again only with --deep"


def check_bytes(case: Case) -> None:
    """Check 12. Depth `chain` hashes the checkpoint and what its claims speak of, deeper ones all that is there."""
    always = {path for checkpoint in case.scene.checkpoints for path in judged(checkpoint)} | set(case.bases.values())
    for stage in sorted(case.reach):
        record = case.records[stage]
        for path, digest in record.run.products.items():
            if case.depth is not Depth.CHAIN or case.scene.released or path in always:
                _check_product(case, record, path, digest)
            else:
                _not_looked_at(case, path)
        for material in record.run.materials:
            if not material.producer:
                _check_root(case, stage, material.path, material.digest)


def find_bases(case: Case) -> None:
    """Check 12: the full model under each adapter. An adapter is half a model, so that is hashed with it.

    A release may bring it in `base/`.
    """
    for checkpoint in case.scene.checkpoints:
        with case.findings.looking(Check.BYTES, "-"):
            if base := _base_of(case, checkpoint):
                case.bases[checkpoint] = base
                if case.scene.released:
                    case.scene.places[base] = "base"


def _base_of(case: Case, checkpoint: str) -> str:
    """The recorded path of the model that an adapter names by digest; "" for a full model.

    Raises:
        NotVerified: the stage that made the adapter read no such model.
    """
    shown = f"{case.scene.shown(checkpoint)}/{ADAPTER}"
    config = case.scene.place(checkpoint) / ADAPTER
    if not config.is_file():
        return ""
    read: Any = parse_json(read_bounded(config, shown), shown)
    named = str(read.get("base_model_name_or_path") if isinstance(read, dict) else "").removeprefix("sha256:")
    maker = case.maker(checkpoint).run
    for material in maker.materials:
        if material.digest == named:
            return material.path
    raise NotVerified(shown, f"names a base that stage {maker.stage} did not read", got=named,
                      wanted=" or ".join(item.digest for item in maker.materials if item.role != "dataset"))


def _not_looked_at(case: Case, path: str) -> None:
    case.findings.absent(path, NOT_HASHED if case.scene.place(path).exists() else "recorded, not present here")


def _check_product(case: Case, record: Record, path: str, digest: str) -> None:
    with case.findings.looking(Check.BYTES, record.run.stage):
        found = case.entries(path)
        if found is None:
            case.findings.absent(path, "recorded, not present here")
            return
        is_folder = case.scene.place(path).is_dir()
        if is_folder == (path in record.run.folders) and found_digest(found, is_folder) == digest:
            return
        recorded = entries_of(record, path)
        if recorded is None:
            raise NotVerified(case.scene.shown(path), "is not what was recorded", wanted=digest,
                              got=found_digest(found, is_folder))
        for name in sorted({*recorded, *found}):
            if recorded.get(name) != found.get(name):
                where = case.scene.shown(f"{path}/{name}" if is_folder else path)
                case.findings.add(Check.BYTES, record.run.stage, NotVerified(
                    where, "is not the file that was recorded", wanted=recorded.get(name, "no such file"),
                    got=found.get(name, "nothing")))


def _check_root(case: Case, stage: str, path: str, digest: str) -> None:
    """A root of the chain: the lake, authored files, a pinned base."""
    if case.depth is Depth.CHAIN:
        _not_looked_at(case, path)
        return
    with case.findings.looking(Check.BYTES, stage):
        found = case.entries(path)
        if found is None:
            case.findings.absent(path, f"a root of the chain (read by {stage}), not present here")
            return
        got = found_digest(found, case.scene.place(path).is_dir())
        if got != digest:
            raise NotVerified(case.scene.shown(path), f"is not what stage {stage} read", wanted=digest, got=got)


def check_code(case: Case) -> None:
    """Check 13 for code, at every depth: it is small, and it is what was run. A file is hashed once."""
    digests: dict[str, str] = {}
    for stage in sorted(case.reach):
        for path, digest in _readable_code(case.records[stage]).items():
            place = case.scene.root / path
            if not place.is_file() or place.is_symlink():
                case.findings.absent(path, "code that was run, not present here")
                continue
            with case.findings.looking(Check.CODE, stage):
                digests[path] = digests.get(path) or file_sha256(place)
                if digests[path] != digest:
                    raise NotVerified(path, f"is not the code that stage {stage} ran", wanted=digest,
                                      got=digests[path])


def _readable_code(record: Record) -> dict[str, str]:
    try:
        return code_entries(record)
    except NotVerified:  # a failure of check 3 already
        return {}


def check_params(case: Case) -> None:
    """Check 13 for params.yaml, section by section; a release has none, its statements carry the values."""
    if not (case.scene.root / "params.yaml").is_file():
        case.findings.absent("params.yaml", "not present here; the parameters that ran are in the statements")
        return
    with case.findings.looking(Check.CODE, "-"):
        now = read_yaml(case.scene.root / "params.yaml")
        for stage in sorted(case.reach):
            with case.findings.looking(Check.CODE, stage):
                _check_slice(now, case.records[stage])


def _check_slice(now: dict[str, object], record: Record) -> None:
    for key, value in record.run.params.items():
        found: Any = now
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if plain(found) != plain(value):
            raise NotVerified(f"params.yaml: {key}", f"is not what stage {record.run.stage} ran with",
                              wanted=_short(value), got=_short(found))


def plain(value: Any) -> Any:
    """Mapping keys as text, the way JSON has them."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _short(value: Any) -> str:
    text = str(plain(value))
    return text if len(text) <= 60 else f"sha256 {sha256(text.encode())[:12]} of {len(text)} characters"


def check_remotes(case: Case) -> None:
    """Check 16: DVC hashes what it pulls only from a remote with `verify = true`, and then by md5.

    Without it an overwritten object of a remote is checked out and `dvc status` says "up to date".
    """
    for name in (".dvc/config", ".dvc/config.local"):
        path = case.scene.root / name
        if path.is_file():
            with case.findings.looking(Check.REMOTES, "-"):
                _check_config(case, read_bounded(path, name).decode(errors="replace"), name)


def _check_config(case: Case, text: str, name: str) -> None:
    config = configparser.ConfigParser(interpolation=None, strict=True)
    try:
        config.read_string(text)
    except configparser.Error as err:
        raise NotVerified(name, f"not readable as DVC's configuration ({err.message})") from err
    for section in config.sections():
        if section.strip("'").startswith("remote "):
            verify = config[section].get("verify", "false").strip().lower()
            if verify != "true":
                case.findings.add(Check.REMOTES, "-", NotVerified(
                    f"{name}: {section.strip(chr(39))}", "objects pulled from it are not hashed",
                    wanted="verify = true", got=f"verify = {verify}"))
