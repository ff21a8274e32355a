"""Compare two revisions of the tree: params, documents, scores and bytes.

Params and scores are read from Git. Bytes are compared by the digests in `lineage/`. Documents are
compared by id in the ledgers' output table, when DVC's cache still holds that revision's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from ruamel.yaml import YAML

from pipeline.lineage.chain import read_run
from pipeline.lineage.sign import parse_json
from pipeline.schema.errors import BadInput, NotVerified

DOCUMENTS = "data/curate_mix/documents"
ABSENT = "-"


@dataclass(frozen=True)
class Changes:
    """Key -> (before, after) per kind; documents as sets of ids."""

    params: dict[str, tuple[Any, Any]]
    scores: dict[str, tuple[Any, Any]]
    artefacts: dict[str, tuple[str, str]]
    added: list[str]
    removed: list[str]
    documents_note: str

    def any(self) -> bool:
        """Whether anything changed."""
        return bool(self.params or self.scores or self.artefacts or self.added or self.removed)

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return {"params": self.params, "scores": self.scores, "artefacts": self.artefacts,
                "documents": {"added": self.added, "removed": self.removed, "note": self.documents_note}}

    def lines(self) -> list[str]:
        """For people."""
        shown = [*_section("params", self.params), *_section("scores", self.scores),
                 *_section("bytes", {key: (old[:12], new[:12]) for key, (old, new) in self.artefacts.items()})]
        documents = f"documents: {len(self.added)} added, {len(self.removed)} removed"
        shown.append(documents + (f" ({self.documents_note})" if self.documents_note else ""))
        shown += [f"  + {doc_id}" for doc_id in self.added[:20]] + [f"  - {doc_id}" for doc_id in self.removed[:20]]
        return shown


def compare(old: str, new: str | None) -> Changes:
    """What changed from revision `old` to `new` (None: the working tree).

    Raises:
        BadInput: no such revision, or not a repository of this kind.
    """
    before, after = _open(old), _open(new)
    ids_before, ids_after = _document_ids(before), _document_ids(after)
    note = "" if ids_before is not None and ids_after is not None else \
        "not compared: the table of one revision is not in the cache; `dvc pull` fetches it"
    known = (ids_before or set(), ids_after or set()) if not note else (set[str](), set[str]())
    return Changes(
        params=_changed(_flat(_yaml(before, "params.yaml")), _flat(_yaml(after, "params.yaml"))),
        scores=_changed(_scores(before), _scores(after)),
        artefacts=_changed(_artefacts(before), _artefacts(after)),
        added=sorted(known[1] - known[0]), removed=sorted(known[0] - known[1]), documents_note=note,
    )


def _section(title: str, changes: Mapping[str, tuple[Any, Any]]) -> list[str]:
    width = max((len(key) for key in changes), default=0)
    return [f"{title}: {len(changes)} changed",
            *(f"  {key:<{width}}  {_short(old)} -> {_short(new)}" for key, (old, new) in changes.items())]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _open(revision: str | None) -> Any:
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    try:
        filesystem = DVCFileSystem(".", rev=revision)
        filesystem.ls("/", detail=False)
    except (SCMError, DvcException) as err:
        raise BadInput(str(revision), f"cannot be read as a revision ({err})", wanted="a Git revision") from err
    return filesystem


def _yaml(filesystem: Any, path: str) -> Any:
    return YAML(typ="safe", pure=True).load(filesystem.cat_file(path)) if filesystem.exists(path) else {}


def _scores(filesystem: Any) -> dict[str, Any]:
    paths = filesystem.glob("models/*.eval/metrics.json")
    return {f"{path.split('/')[-2].removesuffix('.eval')}.{key}": value
            for path in sorted(paths) for key, value in _flat(parse_json(filesystem.cat_file(path), path)).items()}


def _artefacts(filesystem: Any) -> dict[str, str]:
    digests: dict[str, str] = {}
    for path in sorted(filesystem.glob("lineage/*/statement.json")):
        try:
            digests |= read_run(filesystem.cat_file(path), path).products
        except NotVerified as err:
            raise BadInput(path, str(err)) from err
    return digests


def _document_ids(filesystem: Any) -> set[str] | None:
    from dvc_data.index import DataIndexError

    try:
        parts = [part for part in filesystem.ls(DOCUMENTS, detail=False) if part.endswith(".parquet")]
        return {doc_id for part in parts for doc_id in pl.read_parquet(filesystem.cat_file(part))["doc_id"]}
    except (OSError, DataIndexError):  # the second: DVC has not even the list of its files
        return None


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    return dict(_leaves(value, prefix))


def _leaves(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {key: (before.get(key, ABSENT), after.get(key, ABSENT)) for key in sorted({*before, *after})
            if before.get(key, ABSENT) != after.get(key, ABSENT)}
