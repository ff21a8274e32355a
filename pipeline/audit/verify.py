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
from datetime import UTC, date, datetime
from pathlib import Path

from pipeline.audit.checks.artefacts import check_bytes, check_code, check_params, check_remotes
from pipeline.audit.checks.case import Case, Depth, PublicKeys, judged
from pipeline.audit.checks.claims import check_checkpoint
from pipeline.audit.checks.folder import check_folder
from pipeline.audit.checks.policy import WITHOUT, check_policy
from pipeline.audit.checks.records import check_record, read_all
from pipeline.audit.checks.replay import check_replay
from pipeline.audit.checks.scene import Scene, open_tree
from pipeline.audit.findings import Check, Findings
from pipeline.lineage.chain import upstream
from pipeline.schema.errors import BadInput
from pipeline.schema.policy import Policy
from pipeline.stage.params import read_yaml


def verify_tree(root: Path, checkpoints: Sequence[str], keys: PublicKeys, *, whole: bool,
                depth: Depth = Depth.DEEP, policy: Policy | None = None, today: date | None = None) -> Findings:
    """Verify `checkpoints` (paths such as `models/sft`) of the tree at `root`.

    `whole` adds every other record of `lineage/`, so that nothing in the tree goes unlooked at.
    """
    return verify_scene(open_tree(root, list(checkpoints)), keys, whole=whole, depth=depth,
                        policy=policy, today=today)


def verify_scene(scene: Scene, keys: PublicKeys, *, whole: bool, depth: Depth, policy: Policy | None = None,
                 today: date | None = None) -> Findings:
    """Verify what `scene` holds; `whole` looks at every record, not only those upstream of a checkpoint."""
    case = Case(scene, Findings(), depth, today or datetime.now(UTC).date())
    check_folder(case)
    read_all(case)
    case.reach = set(case.records) if whole or scene.released else _reach(case)
    for stage in sorted(case.reach):
        check_record(case, stage)
    for checkpoint in scene.checkpoints:
        claims = check_checkpoint(case, checkpoint, keys)
        if policy is not None:
            check_policy(case, policy, checkpoint, claims)
    if policy is None:
        case.findings.note(WITHOUT)
    check_bytes(case)
    check_code(case)
    check_params(case)
    check_remotes(case)
    if depth is Depth.REPLAY:
        check_replay(case)
    return case.findings


def _reach(case: Case) -> set[str]:
    reach: set[str] = set()
    for checkpoint in case.scene.checkpoints:
        for artefact in judged(checkpoint):
            with case.findings.looking(Check.CHAIN, checkpoint):
                reach |= set(upstream([artefact], case.runs))
    return reach


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
