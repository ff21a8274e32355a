"""The kernel under every stage: argv and params in, whole outputs and a lineage record out.

    if __name__ == "__main__":
        run_stage(main, CurateDedup)

1. read argv from `main`'s signature and the section of `params.yaml` named like the stage file;
2. check that the installed versions are those `params.yaml: env` names;
3. hash every declared material; 4. run `main`; 5. check that no material changed meanwhile;
6. hash every declared product; 7. write `lineage/<stage>/`.

Without DVC (no `DVC_STAGE` in the environment) steps 3 and 5 to 7 do not happen, and it says so.
"""

import argparse
import errno
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path

from pipeline.schema.errors import BrokenContract, PedigreeError
from pipeline.schema.section import Section
from pipeline.stage.declared import LINEAGE, Declared, declared_stage
from pipeline.stage.document_tree import document_roots
from pipeline.stage.env import check_environment
from pipeline.stage.hashing import Artefact, hash_artefact
from pipeline.stage.link import signer_of
from pipeline.stage.params import load_section
from pipeline.stage.progress import say
from pipeline.stage.record import write_record

Main = Callable[..., dict[str, object] | None]
"""`main(<paths and values>, params)` -> the resolved configuration (JSON values), or nothing."""


def run_stage(main: Main, schema: type[Section] | None, *, recorded: bool = True) -> None:
    """Run `main` as the stage of its file; exit 1 with one line on an error a user can mend.

    `recorded=False` is for views of the lineage itself (card, attest, report): they read `lineage/`,
    so they cannot also write into it; what they make is signed instead.
    """
    try:
        _run(main, schema, recorded)
    except PedigreeError as err:
        sys.exit(f"error: {err}")
    except Exception as err:  # a full disk reaches us as each library's own error
        if not is_disk_full(err):
            raise
        sys.exit(f"error: {getattr(err, 'filename', None) or 'outputs'}: the disk is full; "
                 "free space and run again, no unfinished output was kept")


def is_disk_full(err: BaseException) -> bool:
    """Whether an error, of whatever library, says that no space is left."""
    number = getattr(err, "errno", None)
    return number in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in str(err)


def _run(main: Main, schema: type[Section] | None, recorded: bool) -> None:
    section = Path(inspect.getfile(main)).stem
    arguments = _parser(main).parse_args()
    check_environment()
    values = vars(arguments)
    if schema is not None:
        values["params"] = load_section(schema, section)
    name = os.environ.get("DVC_STAGE")
    if recorded and name is not None:
        run_recorded(name, lambda: main(**values))
        return
    if recorded:
        say(f"{section}: not run by dvc, so no lineage record is written")
    main(**values)


def run_recorded(name: str, work: Callable[[], dict[str, object] | None]) -> None:
    """Steps 3 to 7 around `work` for stage `name` of `dvc.yaml`."""
    declared = declared_stage(name)
    signer_of(name)
    materials = _hash_all(declared.materials + declared.code)
    resolved = work()
    _check_unchanged(declared, materials)
    write_record(Path(LINEAGE) / name, declared, materials, _hash_all(declared.products), resolved or {},
                 merkle_roots=document_roots(declared.products))


def _hash_all(paths: tuple[str, ...]) -> dict[str, Artefact]:
    return {path: hash_artefact(Path(path)) for path in sorted(set(paths))}


def _check_unchanged(declared: Declared, before: dict[str, Artefact]) -> None:
    after = _hash_all(tuple(before))
    for path, artefact in before.items():
        if after[path].digest != artefact.digest:
            raise BrokenContract(f"stage {declared.name}", f"`{path}` changed while the stage ran",
                                 wanted=artefact.digest, got=after[path].digest,
                                 do="keep inputs still during a run, then run again")


def _parser(main: Main) -> argparse.ArgumentParser:
    """One required flag a parameter of `main`, typed by its annotation."""
    doc = inspect.getmodule(main).__doc__
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for parameter in inspect.signature(main).parameters.values():
        if parameter.name != "params":
            parser.add_argument(f"--{parameter.name.replace('_', '-')}", type=parameter.annotation, required=True)
    return parser
