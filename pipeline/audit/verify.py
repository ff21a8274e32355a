"""Verify the lineage of a checkpoint, offline: no torch, no DVC, no data needed.

The checks, by number; each is repeated at the code that performs it (`pipeline/audit/checks/`).
    1 folder       nothing points out of the folder or hides in it; a checkpoint holds no code
    2 records      every statement is strictly well formed and is that of its own folder's stage
    3 manifests    each product's manifest has the digest its statement says; no stray file in a record
    4 materials    each material that a stage made is, byte for byte, that stage's product
    5 keyring      the keyring is signed by its owner; each key has roles, dates, no second meaning
    6 links        every stage is signed by a key of its role, in its time; the link says what the statement says
    7 layout       the layout is in force and asks for every stage, material and product, no fewer
    8 signatures   every claim and model.sig is signed by an accepted key
    9 claims       every kind of claim is there, about this checkpoint's bytes
   10 chain        the signed chain names exactly these statements, by their sha256
   11 ancestry     a dataset and a base both lead to the checkpoint
   12 bytes        what is hashed has the bytes the records say (`chain`: the checkpoint; `deep`: all that is present)
   13 code         what is present of the code and of params.yaml is what ran
   14 verdict      the signed test result rests on these measurements, this verdict and these thresholds
   15 card         the card's files are the signed ones
   16 remotes      no DVC remote is pulled from unhashed
   17 policy       what the auditor demands: signers, claims, hermetic runs, gates, bases, licences, age
   18 replay       cheap stages, run again, make the same bytes (`replay` only)
What is recorded but not looked at is listed as not seen, never as held.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pipeline.audit.checks.artefacts import check_bytes, check_code, check_params, check_remotes, find_bases
from pipeline.audit.checks.case import TIME_FORMAT, Case, Depth, PublicKeys
from pipeline.audit.checks.claims import check_checkpoint
from pipeline.audit.checks.folder import check_accounted, check_folder
from pipeline.audit.checks.links import check_layout, check_links
from pipeline.audit.checks.policy import WITHOUT, Judged, check_policy
from pipeline.audit.checks.records import check_record, read_all
from pipeline.audit.checks.replay import check_replay
from pipeline.audit.checks.scene import Scene, open_tree
from pipeline.audit.checks.trust import Accepted, read_trust
from pipeline.audit.findings import Check, Findings
from pipeline.lineage.roles import ATTESTER
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.schema.policy import Policy
from pipeline.stage.params import read_yaml


def verify_tree(root: Path, checkpoints: Sequence[str], keys: PublicKeys, *, whole: bool, depth: Depth = Depth.DEEP,
                moment: datetime | None = None) -> Findings:
    """Verify `checkpoints` (paths such as `models/sft`) of the tree at `root`, without a policy.

    `keys` are the root keys: they may sign the keyring, and it says whose every other signature may be.
    """
    return verify_scene(open_tree(root, list(checkpoints)), Demands(Accepted(keys), None), whole=whole, depth=depth,
                        moment=moment)


class Demands(NamedTuple):
    """What the auditor brings."""

    accepted: Accepted
    policy: Policy | None


def verify_scene(scene: Scene, demands: Demands, *, whole: bool, depth: Depth,
                 moment: datetime | None = None) -> Findings:
    """Verify what `scene` holds.

    Args:
        whole: look at every record of the tree, not only at those upstream of a checkpoint.
        moment: when keys, layouts and ages are judged; default now.
    """
    case = Case(scene, Findings(), depth, (moment or datetime.now(UTC)).strftime(TIME_FORMAT))
    check_folder(case)
    read_all(case)
    case.reach = set(case.records) if whole or scene.released else {
        stage for checkpoint in scene.checkpoints for stage in case.led_to(checkpoint)}
    find_bases(case)
    check_accounted(case)
    for stage in sorted(case.reach):
        check_record(case, stage)
    for checkpoint in scene.checkpoints:
        _verify_checkpoint(case, checkpoint, demands)
    _verify_rest(case, demands)
    for look in (check_bytes, check_code, check_params, check_remotes):
        look(case)
    if depth is Depth.REPLAY:
        check_replay(case)
    return case.findings


def _verify_checkpoint(case: Case, checkpoint: str, demands: Demands) -> None:
    """Checks 5 to 11, 14, 15 and 17."""
    stages = case.led_to(checkpoint)
    for stage in sorted(set(case.records) - set(stages)) if case.scene.released else []:
        case.findings.add(Check.RECORDS, stage, NotVerified(
            f"lineage/{stage}", f"the record of a stage that did not lead to {checkpoint}"))
    trust = read_trust(case, checkpoint, demands.accepted)
    if trust is not None:
        check_links(case, trust, stages)  # again for each checkpoint: each attestation has a keyring of its own
        check_layout(case, trust, checkpoint, stages)
    claims = check_checkpoint(case, checkpoint, trust.signers(ATTESTER) if trust else [])
    if demands.policy is None:
        case.findings.note(WITHOUT)
    else:
        check_policy(Judged(case, demands.policy, checkpoint, claims, trust.moment if trust else case.moment))


def _verify_rest(case: Case, demands: Demands) -> None:
    """Check 6 for records that led to no checkpoint, by the keyring of the last one."""
    upstream = {stage for checkpoint in case.scene.checkpoints for stage in case.led_to(checkpoint)}
    rest = sorted(case.reach - upstream)
    trust = read_trust(case, case.scene.checkpoints[-1], demands.accepted) if rest else None
    if trust is not None:
        check_links(case, trust, rest)


def all_checkpoints(root: Path) -> list[str]:
    """Every checkpoint of the tree that has, or should have, an attestation.

    Raises:
        BadInput: the tree has none.
    """
    params = read_yaml(root / "params.yaml") if (root / "params.yaml").is_file() else {}
    declared = params.get("checkpoints")
    names = {str(name) for name in declared} if isinstance(declared, dict) else set()
    names |= {path.name.removesuffix(".attestation") for path in (root / "models").glob("*.attestation")}
    if not names:
        raise BadInput(str(root), "no checkpoint found", wanted="models/<checkpoint>.attestation",
                       do="`make repro` makes them")
    return [f"models/{name}" for name in sorted(names)]
