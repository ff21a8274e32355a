"""Check 17: what the auditor's policy demands, beyond what every lineage must show."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from pipeline.audit.checks.case import TIME_FORMAT, Case, PublicKeys
from pipeline.audit.checks.trust import Accepted
from pipeline.audit.checks.verdict import Claims, claim_of
from pipeline.audit.findings import Check
from pipeline.lineage.chain import Run
from pipeline.lineage.claims import TEST_RESULT
from pipeline.lineage.manifest import sha256
from pipeline.lineage.sign import is_sha256, key_hint, load_public_key, parse_json, public_pem
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.schema.policy import Policy
from pipeline.stage.params import read_yaml
from pipeline.stage.records import read_bounded

ANY = "any"
"""In `bases` and `licences`: not judged, and said so."""
RESULTS = ("PASSED", "WARNED", "FAILED")
"""From best to worst."""
CHOOSER = "choose_base"
"""The stage that reads every candidate base and keeps one; the others lead nowhere."""
LICENCE_FIELDS = ("licence", "text_licence")
WITHOUT = ("no policy: hermetic runs, gate results, bases, licences and age were not judged; "
           "every accepted key may sign for every role the keyring gives it")


def read_policy(path: Path) -> Policy:
    """The policy in a YAML file.

    Raises:
        BadInput: not readable, a field missing (an empty policy lacks them all), unknown or of a
            wrong type, or it names a key that is no hint and no PEM file.
    """
    try:
        policy = Policy.model_validate(read_yaml(path))
    except ValidationError as err:
        wrong = "; ".join(f"`{'.'.join(map(str, each['loc']))}`: {each['msg']}" for each in err.errors())
        raise BadInput(str(path), f"not a policy ({wrong})", do="an unstated demand proves nothing: state each field"
                       ) from err
    for digest in set(policy.bases) - {ANY}:
        if not is_sha256(digest):
            raise BadInput(f"{path}: bases", "not a digest", wanted="64 hex digits, or `any`", got=repr(digest))
    return policy


def hints_of(named: list[str], folder: Path) -> set[str]:
    """The hints of keys that a policy names by hint or by PEM file (relative to `folder`).

    Raises:
        BadInput: neither a hint nor a readable P-256 public key.
    """
    return {name if is_sha256(name) else sha256(pem_key(folder / name)[0]) for name in named}


def pem_key(path: Path) -> tuple[bytes, ec.EllipticCurvePublicKey]:
    """A public key file: its canonical PEM and the key.

    Raises:
        BadInput: not readable, or not a P-256 public key.
    """
    try:
        key = load_public_key(path.read_bytes(), str(path))
    except OSError as err:
        raise BadInput(str(path), f"not readable ({err.strerror})", wanted="a public key in PEM") from err
    return public_pem(key), key


def accepted_by(policy: Policy | None, roots: PublicKeys, folder: Path) -> Accepted:
    """Whom a policy accepts (PEM files relative to `folder`); without one, the root keys and what they vouch for."""
    if policy is None:
        return Accepted(roots)
    hints = frozenset(hints_of(policy.keyring, folder))
    pems = [pem_key(folder / name)[1] for name in policy.keyring if not is_sha256(name)]
    return Accepted([*pems, *(key for key in roots if key_hint(key) in hints)], hints,
                    {role: frozenset(hints_of(signers.keys, folder)) for role, signers in policy.signers.items()},
                    {role: signers.threshold for role, signers in policy.signers.items()}, policy.keyring_version,
                    folder / policy.timestamps if policy.timestamps else None)


class Judged(NamedTuple):
    """One checkpoint before one policy."""

    case: Case
    policy: Policy
    checkpoint: str
    claims: Claims
    attested: str
    """RFC 3339, UTC: the trusted time of the claims, or now."""

    def upstream(self) -> list[tuple[str, Run]]:
        """The stages that led to the checkpoint."""
        runs = self.case.runs
        return [(stage, runs[stage]) for stage in self.case.led_to(self.checkpoint)]


def check_policy(judged: Judged) -> None:
    """Check 17 for one checkpoint, every demand judged on its own."""
    for look in (_predicates, _hermetic, _result, _scores, _bases, _licences, _age):
        with judged.case.findings.looking(Check.POLICY, judged.checkpoint):
            for failure in look(judged):
                judged.case.findings.add(Check.POLICY, judged.checkpoint, failure)


def _predicates(judged: Judged) -> Iterator[NotVerified]:
    for kind in sorted(set(judged.policy.predicates) - set(judged.claims)):
        yield NotVerified(f"{judged.case.scene.shown(judged.checkpoint + '.attestation')}/claims.jsonl",
                          "a claim that the policy requires is not there", wanted=kind)


def _hermetic(judged: Judged) -> Iterator[NotVerified]:
    for stage, run in judged.upstream():
        if judged.policy.hermetic and not run.hermetic:
            yield NotVerified(f"lineage/{stage}/statement.json", "the stage could read undeclared files",
                              wanted="hermetic: true", got="hermetic: false")


def _result(judged: Judged) -> Iterator[NotVerified]:
    claim = claim_of(judged.claims, TEST_RESULT, judged.checkpoint)
    predicate = claim.statement["predicate"]
    result, passed = str(predicate.get("result")), predicate.get("passedTests", [])
    if result not in RESULTS or RESULTS.index(result) > RESULTS.index(judged.policy.gates.result):
        yield NotVerified(claim.where, "the gate's result is worse than the policy accepts",
                          wanted=judged.policy.gates.result, got=result)
    for name in judged.policy.gates.passed:
        if name not in passed:
            yield NotVerified(claim.where, "a gate that the policy requires did not pass", wanted=name,
                              got=", ".join(passed) or "none passed")


def _scores(judged: Judged) -> Iterator[NotVerified]:
    """The scores in metrics.json; checks 12 and 14 bind that file to the record and to the signed result."""
    gates = judged.policy.gates
    if not (gates.at_least or gates.at_most):
        return
    recorded = f"{judged.checkpoint}.eval/metrics.json"
    shown = judged.case.scene.shown(recorded)
    metrics = parse_json(read_bounded(judged.case.scene.place(recorded), shown), shown)
    for name, bound in [*gates.at_least.items(), *gates.at_most.items()]:
        found = metrics.get(name) if isinstance(metrics, dict) else None
        wanted = f"at least {bound}" if name in gates.at_least else f"at most {bound}"
        if isinstance(found, bool) or not isinstance(found, int | float):
            yield NotVerified(f"{shown}: {name}", "is not a number, and the policy bounds it", wanted=wanted)
        elif not (found >= bound if name in gates.at_least else found <= bound):
            yield NotVerified(f"{shown}: {name}", "is not what the policy accepts", wanted=wanted, got=str(found))


def _bases(judged: Judged) -> Iterator[NotVerified]:
    if ANY in judged.policy.bases:
        judged.case.findings.note("policy: any base is accepted")
        return
    for stage, run in judged.upstream():
        for material in run.materials:
            if material.role == "base" and stage != CHOOSER and material.digest not in judged.policy.bases:
                yield NotVerified(material.path, f"the base that stage {stage} read is not an allowed one",
                                  wanted=" or ".join(judged.policy.bases), got=material.digest)


def _licences(judged: Judged) -> Iterator[NotVerified]:
    if ANY in judged.policy.licences:
        judged.case.findings.note("policy: any licence is accepted")
        return
    stated = [(stage, licence) for stage, run in judged.upstream()
              for licence in _stated_licences([_resolved(judged.case, stage), run.params])]
    if not stated:
        yield NotVerified(judged.checkpoint, "no stage upstream states a licence",
                          wanted=" or ".join(judged.policy.licences))
    for stage, licence in stated:
        if licence not in judged.policy.licences:
            yield NotVerified(f"lineage/{stage}/statement.json", "a licence that the policy does not allow",
                              wanted=" or ".join(judged.policy.licences), got=licence)


def _age(judged: Judged) -> Iterator[NotVerified]:
    """Without a trusted time check 8 has failed already, and the claims count as made now."""
    most = judged.policy.maximum_age_days
    if most is None:
        return
    times = [datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC) for text in (judged.attested, judged.case.moment)]
    age = (times[1] - times[0]).days
    if age > most:
        yield NotVerified(judged.case.scene.shown(f"{judged.checkpoint}.attestation"), "is too old",
                          wanted=f"at most {most} days", got=f"{age} days (signed by {judged.attested})")


def _resolved(case: Case, stage: str) -> Any:
    statement: Any = parse_json(case.records[stage].statement, f"lineage/{stage}/statement.json")
    return statement["predicate"]["buildDefinition"]["internalParameters"]["resolved"]


def _stated_licences(value: Any) -> Iterator[str]:
    """Every licence in what a stage was given or resolved: of a base, a source of the lake, a general text."""
    if isinstance(value, dict):
        yield from (item for key, item in value.items() if key in LICENCE_FIELDS and isinstance(item, str))
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from _stated_licences(item)
