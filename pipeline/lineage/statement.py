"""The in-toto statement of one stage run: Statement v1 with SLSA provenance v1.

Sources: in-toto/attestation `spec/v1/statement.md`; slsa.dev/spec/v1.0/provenance.
Pure functions; the caller reads and writes files.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://pedigree.example/buildtypes/dvc-stage/v1"
"""Externally visible name of "one stage of dvc.yaml, run by the kernel in pipeline/stage"."""
BUILDER_LOCAL = "https://pedigree.example/builders/local-key"
"""A run on somebody's own machine: SLSA Build level 1, not more."""


class Material(NamedTuple):
    """A declared input."""

    path: str
    digest: str
    producer: str
    """The stage that made it; "" for a root (the lake, authored files, a pinned base)."""


class Product(NamedTuple):
    """A declared output."""

    path: str
    manifest: str
    """File name of its manifest beside the statement."""
    digest: str
    entries: Mapping[str, str]
    num_bytes: int
    is_dir: bool
    merkle_root: str = ""
    """Of a table of documents: the digest of its tree's head (`pipeline.lineage.merkle`)."""


def provenance_statement(*, stage: str, cmd: str, params: Mapping[str, object], resolved: Mapping[str, object],
                         environment: Mapping[str, object], observation: Mapping[str, object], code_digest: str,
                         materials: Sequence[Material], products: Sequence[Product]) -> dict[str, object]:
    """The statement as JSON values. Subjects are sorted by name, dependencies by path."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [subject for product in sorted(products) for subject in subjects(product)],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"stage": stage, "cmd": cmd, "params": dict(params)},
                "internalParameters": {"environment": dict(environment), "resolved": dict(resolved),
                                       "observation": dict(observation)},
                "resolvedDependencies": [
                    {"name": "code", "digest": {"sha256": code_digest}, "annotations": {"role": "code"}},
                    *(dependency(material) for material in sorted(materials)),
                ],
            },
            "runDetails": {"builder": {"id": BUILDER_LOCAL}},
        },
    }


def subjects(product: Product) -> list[dict[str, object]]:
    """The product itself (a folder by its manifest), then each file of a folder under `models/`.

    A dataset's files are named only in its manifest: a private lake has too many, and their names
    may say too much.
    """
    whole: dict[str, object] = {"name": product.path, "digest": {"sha256": product.digest},
                                "annotations": {"manifest": product.manifest, "bytes": product.num_bytes,
                                                "files": len(product.entries), "folder": product.is_dir,
                                                **({"merkleRoot": product.merkle_root} if product.merkle_root else {})}}
    if not (product.is_dir and product.path.startswith("models/")):
        return [whole]
    files: list[dict[str, object]] = [{"name": f"{product.path}/{path}", "digest": {"sha256": digest}}
                                      for path, digest in sorted(product.entries.items())]
    return [whole, *files]


def dependency(material: Material) -> dict[str, object]:
    """One material as a SLSA ResourceDescriptor."""
    return {"name": material.path, "digest": {"sha256": material.digest},
            "annotations": {"role": role_of(material.path), "producer": material.producer}}


def role_of(path: str) -> str:
    """What a material is to the chain: `base`, `checkpoint`, `dataset` or `configuration`."""
    if path == "models/base" or path.startswith("models/bases/"):
        return "base"
    if path.startswith("models/"):
        return "checkpoint"
    return "configuration" if path.endswith((".yaml", ".yml")) else "dataset"
