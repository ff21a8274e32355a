"""The in-toto layout of one checkpoint: which stages led to it, who may sign each, what each must have used.

`in-toto-verify` judges only what a link names, so a link without materials passes MATCH and
DISALLOW; hence one `REQUIRE` for every declared dep and out. A material that a stage made must MATCH
that stage's product; an out that a later stage reads must MATCH what that stage read.

Source: in-toto specification 1.0 sections 4.3 (layout) and 4.3.3 (artifact rules).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.lineage.chain import Run
from pipeline.lineage.links import Link, artifact_path
from pipeline.lineage.metablock import key_entry, keyid, open_metablock, sign_metablock
from pipeline.lineage.roles import role_of_stage
from pipeline.lineage.sign import SigningKey
from pipeline.schema.errors import NotVerified

README = "Every stage upstream of one checkpoint, as it ran; see VERIFY.md of the release."
_FIELDS = {"_type", "steps", "inspect", "keys", "expires", "readme"}
_PATTERN = set("*?[")

Rule = list[str]


class Step(NamedTuple):
    """One stage as the layout expects it."""

    run: Run
    link: Link
    """Any of its links: only the names of its artefacts are used."""


def rules_of_materials(step: Step) -> list[Rule]:
    """REQUIRE each declared dep; MATCH it with its maker's product, or allow it as a root; nothing else."""
    makers = {material.path: material.producer for material in step.run.materials}
    rules: list[Rule] = []
    for name in sorted(step.link.materials):
        maker = makers.get(artifact_path(name), "")
        rules += [["REQUIRE", name], ["MATCH", name, "WITH", "PRODUCTS", "FROM", maker] if maker else ["ALLOW", name]]
    return [*rules, ["DISALLOW", "*"]]


def rules_of_products(step: Step, steps: Iterable[Step]) -> list[Rule]:
    """REQUIRE each declared out; MATCH it with what its first reader read, or allow it; nothing else."""
    readers = {name: other.run.stage for other in reversed(list(steps)) for name in other.link.materials}
    rules: list[Rule] = []
    for name in sorted(step.link.products):
        reader = readers.get(name, "")
        match = ["MATCH", name, "WITH", "MATERIALS", "FROM", reader]
        rules += [["REQUIRE", name], match if reader else ["ALLOW", name]]
    return [*rules, ["DISALLOW", "*"]]


def build_layout(steps: Sequence[Step], functionaries: Mapping[str, Sequence[ec.EllipticCurvePublicKey]],
                 threshold: int, expires: str) -> dict[str, object]:
    """The layout of `steps` (makers first).

    Args:
        functionaries: role -> the keys that may sign its stages.
        threshold: how many of them must have signed each stage, and agree.
        expires: RFC 3339, UTC, e.g. 2036-01-01T00:00:00Z.

    Raises:
        NotVerified: a path that in-toto would read as a pattern.
    """
    for step in steps:
        for name in [*step.link.materials, *step.link.products]:
            if _PATTERN & set(name):
                raise NotVerified(name, "in-toto reads this path as a pattern", do="rename it: no `*`, `?` or `[`")
    ids = {role: sorted(keyid(key) for key in keys) for role, keys in functionaries.items()}
    keys = {keyid(key): {"keyid": keyid(key), **key_entry(key)} for role in functionaries
            for key in functionaries[role]}
    return {"_type": "layout", "readme": README, "expires": expires, "inspect": [], "keys": keys,
            "steps": [_step(step, steps, ids[role_of_stage(step.run.stage)], threshold) for step in steps]}


def _step(step: Step, steps: Sequence[Step], pubkeys: list[str], threshold: int) -> dict[str, object]:
    return {
        "_type": "step", "name": step.run.stage, "threshold": threshold, "pubkeys": pubkeys,
        "expected_command": step.link.command,
        "expected_materials": rules_of_materials(step), "expected_products": rules_of_products(step, steps),
    }


def sign_layout(layout: dict[str, object], key: SigningKey) -> bytes:
    """The bytes of `root.layout`."""
    return sign_metablock(layout, key)


def open_layout(text: bytes, keys: Iterable[ec.EllipticCurvePublicKey], name: str) -> dict[str, object]:
    """The layout in `text`, signed by one of `keys`; its content is for the caller to compare.

    Raises:
        NotVerified: not a layout, an unknown field, or no acceptable signature.
    """
    _, layout = open_metablock(text, keys, name)
    if set(layout) != _FIELDS or layout["_type"] != "layout":
        raise NotVerified(name, "not an in-toto layout", wanted=", ".join(sorted(_FIELDS)))
    return layout


