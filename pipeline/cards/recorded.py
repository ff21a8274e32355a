"""Whether what a page shows is what the lineage record says that a stage made.

DVC compares a stage's inputs with `dvc.lock`, not with `lineage/`: after `dvc commit` of a changed table, or where a
page is drawn without DVC, only the record still tells.
"""

from collections.abc import Mapping
from pathlib import Path

from pipeline.lineage.chain import Run
from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import hash_artefact


def has_product(path: Path, runs: Mapping[str, Run]) -> bool:
    """Whether a recorded stage made `path`, and it is here as it was made.

    Raises:
        BadInput: it is here, and not as recorded.
    """
    recorded = [run.products[path.as_posix()] for run in runs.values() if path.as_posix() in run.products]
    if not recorded or not path.exists():
        return False
    found = hash_artefact(path).digest
    if found not in recorded:
        raise BadInput(str(path), "is not what its record says", wanted=f"sha256 {recorded[0]}", got=found,
                       do="`dvc checkout` restores it, or `dvc repro` makes both anew")
    return True
