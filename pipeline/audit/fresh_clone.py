"""In a fresh clone, give way to this machine's key where DVC would run nothing: `python -m pipeline.audit.fresh_clone`.

A clone brings the records and none of what DVC caches, so nearly every stage runs, and signs its record with the key
of this machine. A stage with all outputs in Git does not run when they come out the same: its record would stay
signed by whoever committed it, and `attest` refuses a chain with a link by a key that it does not know. Such records
are removed here, so that DVC runs their stages.

Nothing is touched as soon as DVC has any output of this repository: results of a colleague's that were pulled stay
theirs (`pedigree keys add` accepts a colleague's key).
"""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.lineage.metablock import keyid
from pipeline.schema.errors import BadInput
from pipeline.stage.declared import LINEAGE
from pipeline.stage.keyring import current_keyring
from pipeline.stage.progress import say

if TYPE_CHECKING:
    from dvc.repo import Repo


def main() -> None:
    """Remove what would keep a stage from running here, and say so."""
    from dvc.repo import Repo  # slow import

    repo = Repo(".")
    removed = [record for record in in_git_alone(repo) if signed_by_others(record)] if is_fresh(repo) else []
    for record in removed:
        shutil.rmtree(record)
    if removed:
        names = ", ".join(record.name for record in removed)
        say(f"a fresh clone: {names} run again, their records bear another's key")


def is_fresh(repo: "Repo") -> bool:
    """Whether DVC has none of the outputs that it caches, here or in its cache."""
    cached = [out for out in repo.index.outs if out.use_cache and out.hash_info]
    return not any(out.exists or not out.changed_cache() for out in cached)


def in_git_alone(repo: "Repo") -> list[Path]:
    """Folders of records whose stages have all outputs in Git, sorted."""
    stages = [stage for stage in repo.index.stages if not any(out.use_cache for out in stage.outs)]
    paths = [Path(str(out)) for stage in stages for out in stage.outs]
    return sorted(path for path in paths if path.parent == Path(LINEAGE) and path.is_dir())


def signed_by_others(record: Path) -> bool:
    """Whether the record has links, and none by a key of this machine's keyring."""
    try:
        accepted = set(map(keyid, current_keyring(make=False).keys()))
    except BadInput:  # there is no key yet
        accepted = set()
    signers = {one["keyid"] for link in record.glob("*.link")
               for one in json.loads(link.read_text(encoding="utf-8"))["signatures"]}
    return bool(signers) and not signers & accepted


if __name__ == "__main__":
    main()
