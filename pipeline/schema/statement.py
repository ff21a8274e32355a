"""What a stage's statement may hold, field by field: an unknown one is refused, not ignored.

SLSA provenance v1 ("verifiers SHOULD reject unknown fields in externalParameters"); we go further
and refuse them everywhere: a field that nobody reads is where a lie would be put.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from pipeline.schema.section import Section


def _recorded_path(path: str) -> str:
    if path.startswith("/") or "\\" in path or "\0" in path or {"", ".", ".."} & set(path.split("/")):
        raise ValueError("must stay inside the tree: no root, no `..`, no backslash")
    return path


RecordedPath = Annotated[str, AfterValidator(_recorded_path)]
"""Relative POSIX path that stays inside the tree."""
FileName = Annotated[str, Field(pattern=r"^[^/\\\x00]+\.sha256sums$")]


class Digest(Section):
    """A DigestSet; sha256 and nothing weaker."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class WholeAnnotations(Section):
    """Of a subject that is a whole artefact."""

    manifest: FileName
    bytes: int = Field(ge=0)
    files: int = Field(ge=0)
    folder: bool
    merkleRoot: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")  # noqa: N815  the field's name in the file
    """Datasets: root of the keyed Merkle tree over its documents."""


class Subject(Section):
    """A whole artefact, or one file of a model."""

    name: RecordedPath
    digest: Digest
    annotations: WholeAnnotations | None = None


class DependencyAnnotations(Section):
    """Role of a dependency; `producer` is the stage that made it, "" for a root of the chain."""

    role: Literal["code", "base", "checkpoint", "configuration", "dataset"]
    producer: str | None = Field(default=None, pattern=r"^([A-Za-z0-9_]+(@[A-Za-z0-9_.-]+)?)?$")


class ResolvedDependency(Section):
    """A material."""

    name: RecordedPath
    digest: Digest
    annotations: DependencyAnnotations


class External(Section):
    """What a caller of the stage decides."""

    stage: str = Field(pattern=r"^[A-Za-z0-9_]+(@[A-Za-z0-9_.-]+)?$")
    cmd: str
    params: dict[str, Any]


class Observation(Section):
    """How the kernel watched the run; kernels differ in what more they can say."""

    model_config = Section.model_config | {"extra": "allow"}

    hermetic: bool
    method: str


class Internal(Section):
    """What the kernel found and resolved; free-form below these three."""

    environment: dict[str, Any]
    resolved: dict[str, Any]
    observation: Observation


class BuildDefinition(Section):
    """SLSA provenance v1."""

    buildType: str  # noqa: N815
    externalParameters: External  # noqa: N815
    internalParameters: Internal  # noqa: N815
    resolvedDependencies: list[ResolvedDependency]  # noqa: N815


class Builder(Section):
    """Who ran it."""

    id: str


class RunDetails(Section):
    """SLSA provenance v1, without the fields that carry time."""

    builder: Builder


class Predicate(Section):
    """SLSA provenance v1."""

    buildDefinition: BuildDefinition  # noqa: N815
    runDetails: RunDetails  # noqa: N815


class ProvenanceStatement(Section):
    """in-toto Statement v1 with SLSA provenance v1."""

    type: str = Field(alias="_type")
    subject: list[Subject]
    predicateType: str  # noqa: N815
    predicate: Predicate
