"""`pedigree`: verify where a checkpoint comes from, trace a document, compare revisions, show the last run.

stdout is the answer, stderr the talk. Exit 0: holds; 1: does not hold; 2: usage, or not checkable.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from pipeline.audit import keyless_command, proof_command, release_command, trace_command
from pipeline.audit import keys as key_commands
from pipeline.audit.verify_command import add_arguments, verify
from pipeline.schema.errors import PedigreeError
from pipeline.stage.params import read_json

HOLDS, DOES_NOT_HOLD, NOT_CHECKABLE = 0, 1, 2


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand and return its exit code."""
    arguments = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except PedigreeError as err:
        print(f"error: {err}", file=sys.stderr)
        return NOT_CHECKABLE
    except ModuleNotFoundError as err:  # `verify` needs no group; what reads tables and models does
        print(f"error: {err.name}: is not installed, and this command needs it; "
              "install pedigree with its groups: pip install '.[lineage,curation]'", file=sys.stderr)
        return NOT_CHECKABLE


def diff(arguments: argparse.Namespace) -> int:
    """What changed between two revisions: params, documents, scores, bytes."""
    from pipeline.audit.diff import compare  # DVC and polars load slowly; verify does without them

    changes = compare(arguments.old, arguments.new)
    if arguments.json:
        print(json.dumps(changes.as_json(), indent=2))
    else:
        print("\n".join(changes.lines()))
    return DOES_NOT_HOLD if changes.any() and arguments.exit_code else HOLDS


def summary(arguments: argparse.Namespace) -> int:
    """The checkpoints of the last run as a table."""
    from pipeline.audit.summary import table

    report = Path(arguments.summary)
    values = read_json(report)
    print(json.dumps(values, indent=2) if arguments.json else table(values))
    return HOLDS


def keys(arguments: argparse.Namespace) -> int:
    """Make, show, rotate, revoke and add signing keys."""
    shown = key_commands.act(arguments)
    print(json.dumps(shown, indent=2) if arguments.json else "\n".join(key_commands.lines(shown)))
    return HOLDS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pedigree", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parsers = parser.add_subparsers(metavar="COMMAND", required=True)
    check = _command(parsers, "verify", verify)
    add_arguments(check)
    compare = _command(parsers, "diff", diff)
    compare.add_argument("old", metavar="REV", help="a Git revision")
    compare.add_argument("new", nargs="?", metavar="REV", help="another; default: the working tree")
    compare.add_argument("--exit-code", action="store_true", help="exit 1 when anything changed")
    shown = _command(parsers, "summary", summary)
    shown.add_argument("--summary", default="report/summary.json", help="default: report/summary.json")
    trace_command.add_arguments(_command(parsers, "trace", trace_command.run_trace))
    key_commands.add_arguments(_command(parsers, "keys", keys))
    proof_command.add_prove_arguments(_command(parsers, "prove", proof_command.run_prove))
    proof_command.add_check_arguments(_command(parsers, "check-proof", proof_command.run_check))
    keyless_command.add_check_arguments(_command(parsers, "check-keyless", keyless_command.run_check))
    release_command.add_arguments(_command(parsers, "release", release_command.run_release))
    return parser


def _command(parsers: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str,
             run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    doc = (run.__doc__ or "").strip()
    parser = parsers.add_parser(name, help=doc.rstrip("."), description=doc)
    parser.add_argument("--json", action="store_true", help="machine-readable answer on stdout")
    parser.set_defaults(command=run)
    return parser


def console() -> None:
    """Entry point of the `pedigree` script."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read stdout has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python flushes once more, and says so
        code = NOT_CHECKABLE
    sys.exit(code)


if __name__ == "__main__":
    console()
