"""`pedigree release`: the command around `pipeline.audit.release`."""

import argparse
import json
from pathlib import Path

from pipeline.audit.keyless_command import add_release_arguments, add_to_release
from pipeline.audit.release import Options, release


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `pedigree release`."""
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="its folder, e.g. models/rs_sft")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="a new folder")
    parser.add_argument("--with-base", action="store_true", help="also the full model that an adapter sits on")
    parser.add_argument("--with-manifests", action="store_true",
                        help="also the datasets' manifests (they name every file of the lake)")
    parser.add_argument("--links", action="append", default=[], type=Path, metavar="DIR",
                        help="`lineage` folder of somebody who rebuilt the same bytes; may be repeated")
    add_release_arguments(parser)


def run_release(arguments: argparse.Namespace) -> int:
    """Gather one checkpoint and everything signed of it in a folder for an auditor."""
    folder = arguments.checkpoint.resolve()
    checkpoint = f"models/{folder.name}"
    release(folder.parent.parent, checkpoint, arguments.out,
            Options(arguments.with_base, arguments.with_manifests, tuple(arguments.links)),
            lambda gathered: add_to_release(gathered, arguments))
    done = f"released {checkpoint} to {arguments.out}"
    print(json.dumps({"checkpoint": checkpoint, "release": str(arguments.out)}) if arguments.json else done)
    return 0
