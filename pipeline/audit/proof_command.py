"""`pedigree prove` and `pedigree check-proof`: the commands around `pipeline.audit.prove`."""

import argparse
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.audit.prove import check, prove
from pipeline.lineage.sign import load_public_key
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.keys import key_folder
from pipeline.stage.outputs import output_file

HOLDS, DOES_NOT_HOLD = 0, 1


def add_prove_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `pedigree prove`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the document")
    parser.add_argument("--out", type=Path, metavar="JSON", help="write the proof there; default: stdout")
    _add_shared(parser)


def add_check_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `pedigree check-proof`."""
    parser.add_argument("proof", type=Path, metavar="PROOF", help="what `pedigree prove` wrote")
    parser.add_argument("file", type=Path, metavar="FILE", help="the document")
    parser.add_argument("--expect", choices=["in", "out"], help="exit 1 also when the proof shows the opposite")
    _add_shared(parser)


def _add_shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--in", dest="checkpoint", type=Path, required=True, metavar="CHECKPOINT",
                        help="a checkpoint in its tree, e.g. models/rs_sft, or a release folder")
    parser.add_argument("--key", action="append", default=[], type=Path, metavar="PEM",
                        help="root public key of the producer: may sign the keyring, which names all other keys; "
                             "may be repeated; default: the local one")


def run_prove(arguments: argparse.Namespace) -> int:
    """Prove that a document is, or is not, in what a checkpoint was made from."""
    proof, answer = prove(arguments.file, arguments.checkpoint, _roots(arguments.key))
    if arguments.out is None:
        sys.stdout.write(proof.decode())
        return HOLDS
    with output_file(arguments.out) as scratch:
        scratch.write_bytes(proof)
    print(json.dumps(answer.as_json(), indent=2) if arguments.json else "\n".join(answer.lines()))
    return HOLDS


def run_check(arguments: argparse.Namespace) -> int:
    """Check such a proof, with the document in hand and none of the data."""
    try:
        answer = check(arguments.proof, arguments.file, arguments.checkpoint, _roots(arguments.key))
    except NotVerified as err:
        print(json.dumps({"holds": False, "failure": str(err)}) if arguments.json else f"DOES NOT HOLD: {err}")
        return DOES_NOT_HOLD
    if arguments.json:
        print(json.dumps({"holds": True, **answer.as_json()}, indent=2))
    else:
        print("\n".join(["HOLDS", *answer.lines()]))
    return HOLDS if arguments.expect in (None, "in" if answer.is_in() else "out") else DOES_NOT_HOLD


def _roots(named: list[Path]) -> list[ec.EllipticCurvePublicKey]:
    """The keys named, else the local root key. Checking never makes one."""
    local = [key_folder() / name for name in ("root.pub", "key.pub")]
    paths = named or [path for path in local if path.is_file()][:1]
    if not paths:
        raise BadInput("--key", "no accepted signer", wanted="--key ROOT.pem (or a local key)",
                       do="ask the producer for the root public key by another way than this folder")
    try:
        return [load_public_key(path.read_bytes(), str(path)) for path in paths]
    except OSError as err:
        raise BadInput(str(err.filename), f"not readable ({err.strerror})", wanted="a public key in PEM") from err
