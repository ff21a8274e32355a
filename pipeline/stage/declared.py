"""What `dvc.yaml` declares for the stage that is running, with its templates resolved by DVC."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.schema.errors import BrokenContract
from pipeline.stage.closure import BYTES_NEUTRAL
from pipeline.stage.graph import Stage, all_stages, stage_of

LINEAGE = "lineage"


class Declared(NamedTuple):
    """One stage of `dvc.yaml`."""

    name: str
    cmd: str
    code: tuple[str, ...]
    """Project source files among the deps."""
    materials: tuple[str, ...]
    """The other deps: data, models, configuration files."""
    products: tuple[str, ...]
    """The outs, without the stage's own `lineage/<stage>` record."""
    params: dict[str, object]
    """The declared slice of `params.yaml`, by dotted key."""
    producers: dict[str, str]
    """Material -> the stage that makes it; a material nobody makes is a root."""
    deps: tuple[str, ...] = ()
    """All deps as written, for the sandbox: a folder that gathers outs is one of them."""
    made: dict[str, str] = {}  # noqa: RUF012  # a field of a NamedTuple
    """Every out of the pipeline -> the stage that makes it, for messages."""
    meta: dict[str, Any] = {}  # noqa: RUF012
    """What else the stage may touch (see `pipeline.stage.policy`)."""
    upstream: tuple[str, ...] = ()
    """Outs of the stages before this one that lie in the folders of `meta.upstream`."""


def declared_stage(name: str, root: Path = Path(), *, recorded: bool = True) -> Declared:
    """Stage `name` of `dvc.yaml`, a material that gathers several outs replaced by these outs.

    Raises:
        BadInput: there is no such stage.
        BrokenContract: a recorded stage does not list its own lineage record among its outs, or its
            `meta` has a wrong type.
    """
    stages = all_stages(root)
    stage = stage_of(name, stages)
    graph = list(stages.values())
    made = {out: other.name for other in graph for out in other.outs}
    meta, deps, outs, params = _checked_meta(name, stage.meta), stage.deps, stage.outs, stage.params
    record = f"{LINEAGE}/{name}"
    if recorded and record not in outs:
        raise BrokenContract(f"dvc.yaml, stage {name}", f"`{record}` is not among its outs", do="add it")
    code = tuple(sorted(dep for dep in deps if _is_code(dep)))
    gathered = sorted({part for dep in deps if not _is_code(dep) for part in _parts(dep, made)})
    return Declared(name, stage.cmd, code, tuple(gathered),
                    tuple(sorted(set(outs) - {record})), dict(sorted(params.items())),
                    {dep: made[dep] for dep in gathered if dep in made},
                    tuple(sorted(deps)), made, meta, upstream_outs(gathered, graph, meta["upstream"]))


def upstream_outs(materials: Iterable[str], graph: Sequence[Stage], folders: Iterable[str]) -> tuple[str, ...]:
    """Outs in `folders` of every stage that `materials` come of, lineage records apart."""
    todo = {path for path in materials if not _is_in(path, [LINEAGE])}
    seen: dict[str, Stage] = {}
    while todo:
        makers = {stage.name: stage for stage in graph for path in todo
                  if any(_is_in(path, [out]) or _is_in(out, [path]) for out in stage.outs)}
        todo = {dep for name, stage in makers.items() if name not in seen for dep in stage.deps if not _is_code(dep)}
        seen |= makers
    return tuple(sorted(out for stage in seen.values() for out in stage.outs if _is_in(out, folders)))


def _is_in(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _checked_meta(name: str, meta: dict[str, Any]) -> dict[str, Any]:
    """`meta` with its lists of folders, empty where it has none."""
    lists = {key: meta.get(key, []) for key in ("caches", "upstream")}
    for key, value in lists.items():
        if not isinstance(value, list) or not all(isinstance(folder, str) for folder in value):
            raise BrokenContract(f"dvc.yaml, stage {name}", f"`meta.{key}` is wrong", wanted="a list of folders",
                                 got=repr(value))
    return {**meta, **lists}


def _is_code(dep: str) -> bool:
    return dep.startswith("pipeline/") and dep not in BYTES_NEUTRAL


def _parts(dep: str, made: dict[str, str]) -> list[str]:
    inside = [out for out in made if out.startswith(f"{dep}/")]
    return inside or [dep]
