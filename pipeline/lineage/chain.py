"""The hash chain of a checkpoint: which stages made it, from which digests, in which order.

A stage's statement names its materials by digest. `close_chain` walks from a checkpoint back to
the roots and adds, to every material that a stage made, `parentAttestation`: the sha256 of that
stage's statement. Signing the result pins each statement upstream, so none can be exchanged,
dropped or mixed in from another run. Pure functions: statement bytes in, values out.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pipeline.lineage.manifest import sha256
from pipeline.lineage.sign import is_sha256, parse_json
from pipeline.lineage.statement import BUILD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE
from pipeline.schema.errors import NotVerified

CHAIN_TYPE = "https://pedigree.example/lineage-chain/v1"

_STATEMENT_KEYS = {"_type", "subject", "predicateType", "predicate"}
_EXTERNAL_KEYS = {"stage", "cmd", "params"}


class Dependency(NamedTuple):
    """A material as a statement names it."""

    path: str
    digest: str
    role: str
    producer: str


class Run(NamedTuple):
    """What one statement says, read strictly."""

    stage: str
    sha256: str
    """Of the statement's exact bytes."""
    products: dict[str, str]
    """Path -> digest, whole artefacts only."""
    manifests: dict[str, str]
    """Path -> file name of its manifest."""
    folders: frozenset[str]
    """The products that are folders: their digest is their manifest's, not a file's."""
    materials: list[Dependency]
    code_digest: str
    cmd: str
    params: dict[str, object]
    hermetic: bool


def read_run(text: bytes, name: str) -> Run:
    """The run that statement `text` (called `name` in errors) describes.

    Raises:
        NotVerified: not a provenance statement of ours, a field missing or unknown, a bad digest.
    """
    statement = parse_json(text, name)
    try:
        return _read(statement, sha256(text))
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise NotVerified(name, f"not a stage's provenance statement ({type(err).__name__}: {err})") from err


def _read(statement: object, digest: str) -> Run:
    require_keys(statement, _STATEMENT_KEYS)
    assert isinstance(statement, dict)
    if (statement["_type"], statement["predicateType"]) != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise ValueError(f"type {statement['_type']!r}, predicate {statement['predicateType']!r}")
    definition = statement["predicate"]["buildDefinition"]
    if definition["buildType"] != BUILD_TYPE:
        raise ValueError(f"buildType {definition['buildType']!r}")
    external = definition["externalParameters"]
    require_keys(external, _EXTERNAL_KEYS)
    code, *materials = definition["resolvedDependencies"]
    if code["name"] != "code":
        raise ValueError("the first dependency is not the code")
    whole = [subject for subject in statement["subject"] if "annotations" in subject]
    return Run(
        stage=external["stage"], sha256=digest,
        products={subject["name"]: checked_digest(subject) for subject in whole},
        manifests={subject["name"]: subject["annotations"]["manifest"] for subject in whole},
        folders=frozenset(subject["name"] for subject in whole if subject["annotations"]["folder"] is True),
        materials=[Dependency(item["name"], checked_digest(item), item["annotations"]["role"],
                              item["annotations"]["producer"]) for item in materials],
        code_digest=checked_digest(code), cmd=external["cmd"], params=external["params"],
        hermetic=definition["internalParameters"]["observation"]["hermetic"] is True,
    )


def require_keys(value: object, keys: set[str]) -> None:
    """Refuse a mapping with a missing or an unknown key.

    Raises:
        ValueError: names the difference.
    """
    if not isinstance(value, dict) or set(value) != keys:
        found = set(value) if isinstance(value, dict) else {type(value).__name__}
        raise ValueError(f"keys differ: {sorted(found ^ keys)}")


def checked_digest(descriptor: Mapping[str, object]) -> str:
    """The sha256 of a ResourceDescriptor.

    Raises:
        ValueError: another algorithm, or not 64 lower-case hex digits.
    """
    digest = descriptor["digest"]
    if not isinstance(digest, dict) or set(digest) != {"sha256"} or not is_sha256(digest["sha256"]):
        raise ValueError(f"digest of {descriptor.get('name')!r} is not a sha256")
    return str(digest["sha256"])


def upstream(artefacts: list[str], runs: Mapping[str, Run]) -> list[str]:
    """The stages that `artefacts` come from, makers before users, ties by name.

    Raises:
        NotVerified: no statement has an artefact as its product, or a named producer has none.
    """
    maker = {path: run.stage for run in runs.values() for path in run.products}
    ordered: list[str] = []
    for artefact in artefacts:
        if artefact not in maker:
            raise NotVerified(artefact, "no lineage record has it as a product", do="`dvc repro` makes one")
        _visit(maker[artefact], runs, ordered, ())
    return ordered


def _visit(stage: str, runs: Mapping[str, Run], ordered: list[str], path: tuple[str, ...]) -> None:
    if stage in ordered:
        return
    if stage in path:
        raise NotVerified(f"lineage/{stage}", "the chain runs in a circle", got=" -> ".join([*path, stage]))
    if stage not in runs:
        raise NotVerified(f"lineage/{stage}", "statement missing", wanted=f"lineage/{stage}/statement.json")
    for producer in sorted({material.producer for material in runs[stage].materials} - {""}):
        _visit(producer, runs, ordered, (*path, stage))
    ordered.append(stage)


def close_chain(artefacts: list[str], runs: Mapping[str, Run]) -> list[dict[str, object]]:
    """One entry a stage upstream of `artefacts`, makers first, each material with its `parentAttestation`."""
    return [
        {
            "stage": stage,
            "statement": {"sha256": runs[stage].sha256},
            "materials": [
                {"name": material.path, "role": material.role, "digest": {"sha256": material.digest},
                 "parentAttestation": {"sha256": runs[material.producer].sha256} if material.producer else None}
                for material in runs[stage].materials
            ],
        }
        for stage in upstream(artefacts, runs)
    ]


def chain_statement(checkpoint: str, digest: str, chain: list[dict[str, object]]) -> dict[str, object]:
    """The statement that pins the whole chain to one checkpoint."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": checkpoint, "digest": {"sha256": digest}}],
        "predicateType": CHAIN_TYPE,
        "predicate": {"stages": chain},
    }
