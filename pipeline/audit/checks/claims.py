"""Checks 8 to 11, 14 and 15: what is signed of a checkpoint, and that it is about these bytes and records."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pipeline.audit.checks.case import Case, PublicKeys, judged
from pipeline.audit.checks.verdict import Claim, Claims, check_card, check_parts, check_verdict, claim_of
from pipeline.audit.findings import Check
from pipeline.lineage.bom import CYCLONEDX
from pipeline.lineage.chain import CHAIN_TYPE, close_chain, upstream
from pipeline.lineage.claims import MODEL_SIGNING, REFERENCE, TEST_RESULT, model_signing_statement
from pipeline.lineage.manifest import sha256
from pipeline.lineage.sign import open_bundle, parse_json, public_pem
from pipeline.lineage.statement import PREDICATE_TYPE, STATEMENT_TYPE
from pipeline.schema.errors import NotVerified
from pipeline.stage.records import manifest_of, read_bounded

CLAIMS = (PREDICATE_TYPE, CHAIN_TYPE, TEST_RESULT, CYCLONEDX, REFERENCE)
"""Required of every checkpoint, whatever the policy."""
FILES = {"claims.jsonl", "model.sig", "root.layout", "keyring.json", "key.pub"}
STATEMENT_KEYS = {"_type", "subject", "predicateType", "predicate"}


def check_checkpoint(case: Case, checkpoint: str, keys: PublicKeys) -> Claims:
    """All checks of one checkpoint's attestation; returns the claims whose signatures hold."""
    folder = case.scene.place(f"{checkpoint}.attestation")
    shown = case.scene.shown(f"{checkpoint}.attestation")
    if folder.is_symlink() or not folder.is_dir():
        case.findings.add(Check.SIGNATURES, "attest",
                          NotVerified(shown, "no attestation", wanted=", ".join(sorted(FILES))))
        return {}
    _check_files(case, folder, shown)
    claims = _open_all(case, folder, shown, keys)
    checks: list[tuple[Check, Callable[[], None]]] = [
        (Check.SIGNATURES, lambda: _check_own_key(folder, shown, keys)),
        (Check.CLAIMS, lambda: _check_kinds(claims, shown)),
        (Check.CLAIMS, lambda: _check_subjects(case, claims, checkpoint)),
        (Check.CLAIMS, lambda: _check_provenance(case, claims, checkpoint)),
        (Check.CLAIMS, lambda: _check_model_sig(case, claims, checkpoint)),
        (Check.CHAIN, lambda: _check_chain(case, claims, checkpoint)),
        (Check.ANCESTRY, lambda: _check_ancestry(case, checkpoint)),
        (Check.VERDICT, lambda: check_verdict(case, claims, checkpoint)),
        (Check.VERDICT, lambda: check_parts(case, claims, checkpoint)),
        (Check.CARD, lambda: check_card(case, claims, checkpoint)),
    ]
    for check, look in checks:
        with case.findings.looking(check, "attest"):
            look()
    return claims


def _check_files(case: Case, folder: Path, shown: str) -> None:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    for name in sorted(found ^ FILES):
        case.findings.add(Check.CLAIMS, "attest", NotVerified(
            f"{shown}/{name}", "missing" if name in FILES else "a file that no record accounts for"))


def _open_all(case: Case, folder: Path, shown: str, keys: PublicKeys) -> Claims:
    """Check 8 for every bundle."""
    opened: Claims = {}
    for name, line in _bundles(case, folder, shown):
        with case.findings.looking(Check.SIGNATURES, "attest"):
            where = f"{shown}/{name}"
            payload = open_bundle(line, list(keys), where)
            statement = parse_json(payload, where)
            if not isinstance(statement, dict) or set(statement) != STATEMENT_KEYS \
                    or statement["_type"] != STATEMENT_TYPE:
                raise NotVerified(where, "not an in-toto statement", wanted=", ".join(sorted(STATEMENT_KEYS)))
            kind = str(statement["predicateType"])
            if kind in opened:
                raise NotVerified(where, "the same kind of claim twice", got=kind)
            if (kind == MODEL_SIGNING) != (name == "model.sig"):
                raise NotVerified(where, "a claim of this kind does not belong in this file", got=kind)
            opened[kind] = Claim(where, payload, statement)
    return opened


def _bundles(case: Case, folder: Path, shown: str) -> Iterable[tuple[str, bytes]]:
    for name in ("claims.jsonl", "model.sig"):
        with case.findings.looking(Check.SIGNATURES, "attest"):
            text = read_bounded(folder / name, f"{shown}/{name}")
            if name == "model.sig":
                yield name, text
            else:
                yield from ((f"{name}:{number}", line) for number, line in enumerate(text.splitlines(), start=1))


def _check_own_key(folder: Path, shown: str, keys: PublicKeys) -> None:
    """Check 8: key.pub is a hint for strangers' tools; it may not name another key than an accepted one."""
    if read_bounded(folder / "key.pub", f"{shown}/key.pub") not in [public_pem(key) for key in keys]:
        raise NotVerified(f"{shown}/key.pub", "is not an accepted key")


def _check_kinds(claims: Claims, shown: str) -> None:
    wanted = {*CLAIMS, MODEL_SIGNING}
    if set(claims) != wanted:
        missing, extra = sorted(wanted - set(claims)), sorted(set(claims) - wanted)
        raise NotVerified(f"{shown}/claims.jsonl", "claims missing or not expected",
                          wanted=", ".join(missing) or "no other", got=", ".join(extra) or "none of these")


def _check_subjects(case: Case, claims: Claims, checkpoint: str) -> None:
    """Check 9: every claim but the provenance (compared whole) and model.sig (named by folder) names the checkpoint."""
    digest = case.maker(checkpoint).run.products[checkpoint]
    wanted = [{"name": checkpoint, "digest": {"sha256": digest}}]
    for kind, claim in claims.items():
        if kind not in (PREDICATE_TYPE, MODEL_SIGNING) and claim.statement["subject"] != wanted:
            case.findings.add(Check.CLAIMS, "attest", NotVerified(
                claim.where, "is about another checkpoint, or other bytes of it", wanted=f"{checkpoint} {digest}",
                got=_subject(claim)))


def _subject(claim: Claim) -> str:
    return _subject_of(claim.statement)


def _subject_of(statement: Any) -> str:
    try:
        return ", ".join(f"{each['name']} {each['digest']['sha256']}" for each in statement["subject"])
    except (KeyError, TypeError):
        return "no readable subject"


def _check_provenance(case: Case, claims: Claims, checkpoint: str) -> None:
    """Check 9: the provenance is the statement of the stage that made the checkpoint."""
    claim, maker = claim_of(claims, PREDICATE_TYPE, checkpoint), case.maker(checkpoint)
    if claim.payload != maker.statement:
        raise NotVerified(claim.where, f"the provenance is not lineage/{maker.run.stage}/statement.json",
                          wanted=sha256(maker.statement), got=sha256(claim.payload))


def _check_model_sig(case: Case, claims: Claims, checkpoint: str) -> None:
    """Check 9: model.sig is the model signature of the very files the record lists, under the checkpoint's name."""
    claim, maker = claim_of(claims, MODEL_SIGNING, checkpoint), case.maker(checkpoint)
    entries = manifest_of(maker, checkpoint, f"lineage/{maker.run.stage}")
    wanted = model_signing_statement(checkpoint.rsplit("/", 1)[-1], entries)
    if claim.statement != wanted:
        raise NotVerified(claim.where, "lists other files than the record of the checkpoint",
                          wanted=_subject_of(wanted), got=_subject(claim))


def _check_chain(case: Case, claims: Claims, checkpoint: str) -> None:
    """Check 10: recompute the chain from the records and compare it with the signed one, stage by stage."""
    claim, runs = claim_of(claims, CHAIN_TYPE, checkpoint), case.runs
    try:
        stages = claim.statement["predicate"]["stages"]
        signed = {str(entry["stage"]): str(entry["statement"]["sha256"]) for entry in stages}
    except (KeyError, TypeError) as err:
        raise NotVerified(claim.where, "not a chain", wanted=CHAIN_TYPE) from err
    found = {stage: runs[stage].sha256 for stage in case.led_to(checkpoint)}
    for stage in sorted({*signed, *found}):
        if signed.get(stage) != found.get(stage):
            case.findings.add(Check.CHAIN, "attest", NotVerified(
                f"lineage/{stage}/statement.json", f"is not the statement signed with {checkpoint}",
                wanted=signed.get(stage, "no such stage"), got=found.get(stage, "nothing")))
    if signed == found and stages != close_chain(judged(checkpoint), runs):
        raise NotVerified(claim.where, "the signed chain links its statements differently")


def _check_ancestry(case: Case, checkpoint: str) -> None:
    """Check 11: the claim dataset -> base -> checkpoint has all three."""
    runs = case.runs
    roles = {material.role for stage in upstream([checkpoint], runs) for material in runs[stage].materials}
    missing = {"dataset", "base"} - roles
    if missing:
        raise NotVerified(checkpoint, "its chain has no " + " and no ".join(sorted(missing)))
