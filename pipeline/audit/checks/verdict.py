"""Checks 14 and 15: the signed words about a checkpoint are those that its files and records imply."""

from typing import Any, NamedTuple

from pipeline.audit.checks.case import Case
from pipeline.audit.findings import Check
from pipeline.lineage.bom import CYCLONEDX, Parts, bom_statement, materials_of
from pipeline.lineage.claims import REFERENCE, TEST_RESULT, committed_thresholds, test_result_statement
from pipeline.lineage.sign import parse_json
from pipeline.schema.errors import NotVerified
from pipeline.stage.records import STATEMENT, manifest_of, read_bounded


class Claim(NamedTuple):
    """One signed statement."""

    where: str
    payload: bytes
    """Exactly as signed."""
    statement: dict[str, Any]


Claims = dict[str, Claim]
"""Predicate type -> claim; only those whose signature holds."""


def claim_of(claims: Claims, kind: str, checkpoint: str) -> Claim:
    """The claim of a kind.

    Raises:
        NotVerified: there is none whose signature holds.
    """
    if kind not in claims:
        raise NotVerified(f"{checkpoint}.attestation", "no acceptable claim of this kind", wanted=kind)
    return claims[kind]


def check_verdict(case: Case, claims: Claims, checkpoint: str) -> None:
    """Check 14: the test result is what gate.json says, on these measurements, by the thresholds recorded before."""
    claim = claim_of(claims, TEST_RESULT, checkpoint)
    measured, judged = f"{checkpoint}.eval/metrics.json", f"{checkpoint}.gate/gate.json"
    evaluation, gate = case.maker(measured).run, case.maker(judged).run
    thresholds = committed_thresholds(evaluation, gate)
    measurements = {measured: evaluation.products[measured], judged: gate.products[judged]}
    _compare(claim, "configuration", [*_descriptors(measurements), thresholds])
    verdict = _present_json(case, judged)
    if verdict is None:
        return
    try:
        outcomes = {name: check["verdict"] for name, check in verdict["checks"].items()}
        wanted: Any = test_result_statement({}, verdict["verdict"], thresholds, measurements, outcomes)["predicate"]
    except (KeyError, TypeError, AttributeError) as err:
        raise NotVerified(case.scene.shown(judged), f"not a gate's verdict ({err})") from err
    for part in wanted:
        _compare(claim, part, wanted[part])


def _descriptors(digests: dict[str, str]) -> list[dict[str, object]]:
    return [{"name": path, "digest": {"sha256": digest}} for path, digest in sorted(digests.items())]


def _compare(claim: Claim, part: str, wanted: Any) -> None:
    found = claim.statement["predicate"].get(part) if isinstance(claim.statement["predicate"], dict) else None
    if found != wanted:
        raise NotVerified(claim.where, f"its {part} is not what the records and files say", wanted=str(wanted)[:200],
                          got=str(found)[:200])


def _present_json(case: Case, recorded: str) -> Any:
    """A JSON file of the checkpoint; None when it is not here, or (check 12) not as recorded."""
    place, shown = case.scene.place(recorded), case.scene.shown(recorded)
    entries = case.entries(recorded)
    if entries is None:
        case.findings.absent(recorded, "the signed claims rest on it, not present here")
        return None
    if case.maker(recorded).run.products[recorded] not in entries.values():
        return None
    return parse_json(read_bounded(place, shown), shown)


def check_parts(case: Case, claims: Claims, checkpoint: str) -> None:
    """Check 14: the signed parts list (ML-BOM) is the one that records, measurements and card imply."""
    claim, maker = claim_of(claims, CYCLONEDX, checkpoint), case.maker(checkpoint)
    metrics, card = _present_json(case, f"{checkpoint}.eval/metrics.json"), case.scene.place(f"{checkpoint}.card")
    if metrics is None or not (card / "card.json").is_file():
        return
    name = f"{case.scene.shown(checkpoint + '.card')}/card.json"
    facts: Any = parse_json(read_bounded(card / "card.json", name), name)
    statement: Any = parse_json(maker.statement, STATEMENT)
    environment = statement["predicate"]["buildDefinition"]["internalParameters"]["environment"]
    try:
        parts = Parts(checkpoint, maker.run.products[checkpoint], manifest_of(maker, checkpoint, maker.run.stage),
                      materials_of(checkpoint, case.runs), environment["packages"], facts["facts"]["licence"], metrics)
    except (KeyError, TypeError) as err:
        raise NotVerified(name, f"names no licence ({err})", wanted="facts.licence") from err
    wanted: Any = bom_statement(parts)["predicate"]
    for part in sorted({*wanted, *claim.statement["predicate"]}):
        _compare(claim, part, wanted.get(part))


def check_card(case: Case, claims: Claims, checkpoint: str) -> None:
    """Check 15: the card's files are the signed ones, none more and none less."""
    claim, card = claim_of(claims, REFERENCE, checkpoint), f"{checkpoint}.card"
    try:
        signed = {str(item["downloadLocation"]): str(item["digest"]["sha256"])
                  for item in claim.statement["predicate"]["references"]}
    except (KeyError, TypeError) as err:
        raise NotVerified(claim.where, "not a reference to a card", wanted=REFERENCE) from err
    entries = case.entries(card)
    if entries is None:
        case.findings.absent(card, "signed, not present here")
        return
    present = {f"{card}/{name}": digest for name, digest in entries.items()}
    for path in sorted({*signed, *present}):
        if signed.get(path) != present.get(path):
            case.findings.add(Check.CARD, "card", NotVerified(
                case.scene.shown(path), "is not the card that was signed", wanted=signed.get(path, "no such file"),
                got=present.get(path, "nothing")))
