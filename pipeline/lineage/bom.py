"""The parts list of one checkpoint: a CycloneDX 1.6 ML-BOM, from the lineage and the measurements.

A folder's hash is its tree digest (sha256 of its sorted `sha256sum` manifest); the property
`pedigree:digest` says so. No serial number and no time: equal inputs give equal bytes.

Source: CycloneDX 1.6 JSON schema (ECMA-424), `machine-learning-model`, `data`, `modelCard`, `pedigree`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pipeline.lineage.chain import Dependency, Run, upstream
from pipeline.lineage.statement import STATEMENT_TYPE

CYCLONEDX = "https://cyclonedx.org/bom"
"""Predicate type of a CycloneDX document (in-toto/attestation `spec/predicates/cyclonedx.md`)."""


class Parts(NamedTuple):
    """What the list is made from."""

    checkpoint: str
    """As recorded: models/rs_sft."""
    digest: str
    files: Mapping[str, str]
    """Path in the checkpoint -> sha256."""
    materials: Sequence[Dependency]
    """Every dataset and model that led to it, once each, nearest last."""
    packages: Mapping[str, str]
    """PyPI name -> version, of the stage that made it."""
    licence: str
    metrics: Mapping[str, Any]
    """metrics.json: name -> number, and `intervals`: name -> (low, high, items)."""


def materials_of(checkpoint: str, runs: Mapping[str, Run]) -> list[Dependency]:
    """Every dataset and model upstream of `checkpoint`, each once, makers before users."""
    found = {material.path: material for stage in upstream([checkpoint], runs) for material in runs[stage].materials
             if material.role in ("dataset", "base", "checkpoint")}
    return list(found.values())


def ml_bom(parts: Parts) -> dict[str, Any]:
    """The BOM as JSON values."""
    datasets = [_dataset(item) for item in parts.materials if item.role == "dataset"]
    packages = [_package(name, version) for name, version in sorted(parts.packages.items())]
    refs = [component["bom-ref"] for component in [*datasets, *packages]]
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"component": _model(parts)},
        "components": [*datasets, *packages],
        "dependencies": [{"ref": parts.checkpoint, "dependsOn": sorted(refs)}],
    }


def bom_statement(parts: Parts) -> dict[str, object]:
    """The BOM as a claim about the checkpoint."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": parts.checkpoint, "digest": {"sha256": parts.digest}}],
        "predicateType": CYCLONEDX,
        "predicate": ml_bom(parts),
    }


def _model(parts: Parts) -> dict[str, Any]:
    ancestors = [_ancestor(item) for item in reversed(parts.materials) if item.role != "dataset"]
    datasets = [{"ref": item.path} for item in parts.materials if item.role == "dataset"]
    return {
        "type": "machine-learning-model", "bom-ref": parts.checkpoint, "name": parts.checkpoint.rsplit("/", 1)[-1],
        **_hash(parts.digest), "licenses": [{"license": {"name": parts.licence}}],
        "pedigree": {"ancestors": ancestors},
        "components": [{"type": "file", "name": path, "hashes": _sha256(digest)}
                       for path, digest in sorted(parts.files.items())],
        "modelCard": {
            "modelParameters": {"task": "text-generation", "datasets": datasets},
            "quantitativeAnalysis": {"performanceMetrics": _measured(parts.metrics)},
        },
    }


def _measured(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Numbers as text, the schema's type for them; an interval where one was measured."""
    intervals = metrics.get("intervals", {})
    return [
        {"type": name, "value": str(value)}
        | ({"confidenceInterval": {"lowerBound": str(intervals[name][0]), "upperBound": str(intervals[name][1])}}
           if name in intervals else {})
        for name, value in sorted(metrics.items()) if isinstance(value, int | float)
    ]


def _ancestor(item: Dependency) -> dict[str, Any]:
    return {"type": "machine-learning-model", "name": item.path, **_hash(item.digest)}


def _dataset(item: Dependency) -> dict[str, Any]:
    return {"type": "data", "bom-ref": item.path, "name": item.path, **_hash(item.digest),
            "data": [{"type": "dataset", "name": item.path}]}


def _package(name: str, version: str) -> dict[str, Any]:
    url = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
    return {"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url}


def _hash(digest: str) -> dict[str, Any]:
    return {"hashes": _sha256(digest),
            "properties": [{"name": "pedigree:digest", "value": "sha256 of the sorted sha256sum manifest"}]}


def _sha256(digest: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest}]
