"""`pedigree verify`: the command around `pipeline.audit.verify`."""

import argparse
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.audit.checks.case import Depth
from pipeline.audit.checks.policy import accepted_by, pem_key, read_policy
from pipeline.audit.checks.scene import Scene, is_release, open_release, open_tree
from pipeline.audit.findings import Findings
from pipeline.audit.verify import Demands, all_checkpoints, verify_scene
from pipeline.schema.errors import BadInput
from pipeline.stage.keys import key_folder

HOLDS, DOES_NOT_HOLD = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `pedigree verify`."""
    parser.add_argument("targets", nargs="*", metavar="FOLDER",
                        help="a release folder, or checkpoints such as models/rs_sft; none: the whole tree")
    parser.add_argument("--key", action="append", default=[], type=Path, metavar="PEM",
                        help="root public key of the producer: may sign the keyring, which names all other keys; "
                             "may be repeated; default: the local one")
    parser.add_argument("--policy", type=Path, metavar="YAML", help="what to demand beyond a whole and signed lineage")
    depth = parser.add_mutually_exclusive_group()
    depth.add_argument("--deep", action="store_const", dest="depth", const=Depth.DEEP, default=Depth.CHAIN,
                       help="hash again every artefact that is present, not only the checkpoint")
    depth.add_argument("--replay", action="store_const", dest="depth", const=Depth.REPLAY,
                       help="--deep, and run again the stages that need seconds (filter, deduplication, mix, joins, "
                            "gate), comparing bytes; this runs the code of the tree")


def verify(arguments: argparse.Namespace) -> int:
    """Follow dataset -> base -> checkpoint over signed records, and hash what is there."""
    scene = locate(arguments.targets)
    policy = read_policy(arguments.policy) if arguments.policy else None
    roots = [pem_key(path)[1] for path in arguments.key]
    if policy is None and not roots:
        roots = [_own_root()]
    folder = arguments.policy.parent if arguments.policy else Path()
    findings = verify_scene(scene, Demands(accepted_by(policy, roots, folder), policy), whole=not arguments.targets,
                            depth=arguments.depth)
    print(json.dumps(findings.as_json(), indent=2) if arguments.json else _shown(findings, scene))
    return DOES_NOT_HOLD if findings.failures else HOLDS


def _shown(findings: Findings, scene: Scene) -> str:
    verdict = f"DOES NOT HOLD: {len(findings.failures)} failures" if findings.failures else "HOLDS"
    names = ", ".join(scene.checkpoints)
    return "\n".join([*findings.lines(), f"{verdict}: {names} ({len(findings.not_seen)} things attested but not seen)"])


def locate(targets: list[str]) -> Scene:
    """The release folder named, or the tree's root and the checkpoints in it (none named: all of this tree)."""
    if not targets:
        return open_release(Path()) if is_release(Path()) else open_tree(Path(), all_checkpoints(Path()))
    if len(targets) == 1 and is_release(Path(targets[0])):
        return open_release(Path(targets[0]))
    places = [Path.cwd() / target for target in targets]  # not resolved: a link is for check 1 to refuse
    roots = {place.parent.parent for place in places}
    if len(roots) > 1:
        raise BadInput("verify", "the targets belong to several trees", got=", ".join(sorted(map(str, roots))))
    root = roots.pop()
    if not (root / "lineage").is_dir():
        raise BadInput(targets[0], "no lineage beside it", wanted=f"{root / 'lineage'}",
                       do="name a release folder, or a checkpoint folder such as models/rs_sft")
    return open_tree(root, [f"models/{place.name}" for place in places])


def _own_root() -> ec.EllipticCurvePublicKey:
    """The local root key, when nobody else's is named. Verifying never makes one."""
    for name in ("root.pub", "key.pub"):
        if (key_folder() / name).is_file():
            return pem_key(key_folder() / name)[1]
    raise BadInput("verify", "no accepted signer", wanted="--key ROOT.pem, a policy, or a local key",
                   do="ask the producer for the root public key by another way than this folder")
