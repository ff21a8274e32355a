"""`pedigree trace`: the command around `pipeline.audit.trace`."""

import argparse
import json
import sys
from pathlib import Path

from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.params import read_yaml

FOUND, NOT_AS_RECORDED = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `pedigree trace`."""
    parser.add_argument("subject", metavar="WHAT",
                        help="a file of the lake, FILE#record, a folder of it, a document's id or a file's sha256")
    parser.add_argument("--lineage", type=Path, default=Path("lineage"), metavar="FOLDER",
                        help="folder of the signed records that are followed; default: lineage")
    parser.add_argument("--lake", type=Path, metavar="FOLDER",
                        help="folder of the lake; default: `lake.path` of params.yaml")
    parser.add_argument("--limit", type=int, default=20, help="files and records shown at most; default: 20")


def run_trace(arguments: argparse.Namespace) -> int:
    """Tell what became of a file of the lake, step by step, and why."""
    from pipeline.audit.trace import trace  # DuckDB loads slowly; verify does without it

    lake = arguments.lake or lake_path()
    try:
        found, total = trace(arguments.subject, arguments.lineage, lake, arguments.limit)
    except NotVerified as err:
        print(f"error: {err}", file=sys.stderr)
        return NOT_AS_RECORDED
    if arguments.json:
        print(json.dumps({"total": total, "traces": [way.as_json() for way in found]}, indent=2))
    else:
        print("\n\n".join("\n".join(way.lines()) for way in found))
    if total > len(found):
        print(f"{total - len(found):,} more; --limit shows them", file=sys.stderr)
    return FOUND


def lake_path() -> Path:
    """`lake.path` of params.yaml.

    Raises:
        BadInput: it is not there.
    """
    lake = read_yaml(Path("params.yaml")).get("lake")
    if not isinstance(lake, dict) or not isinstance(lake.get("path"), str):
        raise BadInput("params.yaml", "names no lake", wanted="lake.path", do="give --lake")
    return Path(lake["path"])
