"""policy.yaml of a release: what this very release meets, as a policy to start from.

The producer wrote it, so it proves nothing by itself; an auditor reads each line and decides.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.lineage.chain import Run
from pipeline.lineage.claims import TEST_RESULT
from pipeline.lineage.keyring import Keyring
from pipeline.lineage.roles import ATTESTER, ROLES
from pipeline.lineage.sign import key_hint, parse_json

CHOOSER = "choose_base"
"""Reads every candidate base; those it did not choose lead nowhere."""


class Facts(NamedTuple):
    """What the policy is suggested from."""

    root: ec.EllipticCurvePublicKey
    keyring: Keyring
    threshold: int
    """Of the layout."""
    claims: Mapping[str, Any]
    """Predicate type -> predicate."""
    runs: list[Run]
    """Every stage upstream."""


def read_claims(text: bytes) -> dict[str, Any]:
    """Predicate type -> predicate, of our own `claims.jsonl` (verified elsewhere)."""
    found = {}
    for line in text.splitlines():
        bundle: Any = parse_json(line, "claims.jsonl")
        statement: Any = parse_json(base64.b64decode(bundle["dsseEnvelope"]["payload"]), "claims.jsonl")
        found[str(statement["predicateType"])] = statement["predicate"]
    return found


def policy_text(facts: Facts) -> str:
    """The file."""
    result = facts.claims[TEST_RESULT]
    bases = {item.digest for run in facts.runs for item in run.materials
             if item.role == "base" and run.stage != CHOOSER}
    signers = [line for role in ROLES for line in _signers(facts, role)]
    return "\n".join([
        "# What this release meets, as its producer sees it. Read every line; these are your demands, not theirs.",
        f"keyring: [{key_hint(facts.root)}]  # the root key: compare it with the one handed to you another way",
        f"keyring_version: {facts.keyring.version}  # an older keyring may lack a revocation",
        "signers:", *signers,
        "predicates:", *_items(sorted(facts.claims)),
        f"hermetic: {str(all(run.hermetic for run in facts.runs)).lower()}",
        "gates:", f"  result: {result['result']}", f"  passed: [{', '.join(result['passedTests'])}]",
        "  at_least: {}  # e.g. {format_adherence: 0.9}", "  at_most: {}",
        "bases:", *_items(sorted(bases)),
        "licences: [any]  # name those that you accept",
        "timestamps: null  # a Sigstore trusted root with the authorities whose time you believe",
        "maximum_age_days: null  # needs `timestamps`", "",
    ])


def _signers(facts: Facts, role: str) -> list[str]:
    hints = [key_hint(key) for key in facts.keyring.functionaries(role)]
    threshold = 1 if role == ATTESTER else facts.threshold
    return [f"  {role}:", f"    keys: [{', '.join(hints)}]", f"    threshold: {threshold}"]


def _items(values: Iterable[str]) -> list[str]:
    return [f"  - {value}" for value in values]
