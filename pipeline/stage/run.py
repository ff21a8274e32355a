"""The kernel under every stage: argv and params in, whole outputs and a lineage record out.

    if __name__ == "__main__":
        run_stage(main, CurateDedup)

1. read argv from `main`'s signature and the section of `params.yaml` named like the stage file;
2. check that the installed versions are those `params.yaml: env` names, and that the code runs from here;
3. hash every declared material; 4. run `main` where it can touch only what it declared
(`pipeline.stage.confined`); 5. check that it tried nothing else, that Python loaded no other code, and
that no material changed meanwhile; 6. put the outs in place and hash them; 7. write `lineage/<stage>/`.

Without DVC (no `DVC_STAGE` in the environment) only steps 1, 2 and `main` happen, and it says so.
"""

import argparse
import errno
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pipeline
from pipeline.schema.errors import BadInput, BrokenContract, PedigreeError
from pipeline.schema.section import Section
from pipeline.stage.closure import PACKAGE
from pipeline.stage.confined import Outcome, Work, loaded_code, run_work, scratch_folder
from pipeline.stage.declared import LINEAGE, Declared, declared_stage
from pipeline.stage.document_tree import document_roots
from pipeline.stage.env import check_environment
from pipeline.stage.hashes import KnownHashes, settle
from pipeline.stage.hashing import Artefact, hash_artefact
from pipeline.stage.landlock import Right
from pipeline.stage.link import signer_of
from pipeline.stage.outputs import clear_room, make_room, place
from pipeline.stage.params import load_section
from pipeline.stage.policy import Policy, make_places, policy_of
from pipeline.stage.progress import say
from pipeline.stage.record import write_record
from pipeline.stage.watch import Touch, undeclared

Main = Callable[..., dict[str, object] | None]
"""`main(<paths and values>, params)` -> the resolved configuration (JSON values), or nothing."""


def run_stage(main: Main, schema: type[Section] | None, *, recorded: bool = True) -> None:
    """Run `main` as the stage of its file; exit 1 with one line on an error a user can mend.

    `recorded=False` is for views of the lineage itself (card, attest, report): they read `lineage/`,
    so they cannot also write into it; what they make is signed instead. They are confined all the same.
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
    if name is not None:
        check_code_is_here()
        run_recorded(name, lambda: main(**values), recorded=recorded)
        return
    if recorded:
        say(f"{section}: not run by dvc, so no lineage record is written")
    main(**values)


def check_code_is_here() -> None:
    """Raise `BadInput` when Python imported the pipeline from another folder than this repository."""
    found = Path(pipeline.__path__[0]).resolve()
    if found != Path(PACKAGE).resolve():
        raise BadInput("pipeline", "the code that runs is not this repository's", wanted=str(Path(PACKAGE).resolve()),
                       got=str(found), do="run from the repository root, in an environment installed from it")


def run_recorded(name: str, work: Work, *, recorded: bool = True) -> None:
    """Steps 3 to 7 around `work` for stage `name` of `dvc.yaml`; a view is not hashed nor recorded."""
    declared = declared_stage(name, recorded=recorded)
    if recorded:
        signer_of(name)  # no work in vain for want of a key
    outs = [Path(out) for out in declared.products]
    with KnownHashes() as known:
        materials = _hash_all(declared.materials + declared.code, known) if recorded else {}
        outcome = _confined(declared, work, outs)
        if recorded:
            _check_unchanged(declared, materials, known)
            settle(outs)
            products = _hash_all(declared.products, known)
            write_record(Path(LINEAGE) / name, declared, materials, products, outcome.resolved, outcome.observation,
                         document_roots(declared.products))


def _confined(declared: Declared, work: Work, outs: list[Path]) -> Outcome:
    """Run the work, judge what it did, put its outs in place."""
    with scratch_folder() as scratch:
        make_places(declared, Path())
        policy = policy_of(declared, scratch, Path())
        _check_code(policy, loaded_code(policy.root))
        make_room(outs)
        try:
            outcome = run_work(work, policy, outs, scratch)
            if outcome.touched:
                raise undeclared(policy, outcome.touched)
            _check_code(policy, outcome.modules)
            for out in outs:
                place(out)
        finally:
            clear_room(outs)
    return outcome


def _check_code(policy: Policy, loaded: list[str]) -> None:
    """Raise `BrokenContract` when Python loaded project code that is not declared."""
    stray = [path for path in loaded if not policy.allows(f"{policy.root}/{path}", Right.READ_FILE)]
    if stray:
        raise undeclared(policy, [Touch("read", path) for path in stray])


def _hash_all(paths: tuple[str, ...], known: KnownHashes) -> dict[str, Artefact]:
    return {path: hash_artefact(Path(path), known.sha256) for path in sorted(set(paths))}


def _check_unchanged(declared: Declared, before: dict[str, Artefact], known: KnownHashes) -> None:
    after = _hash_all(tuple(before), known)
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
