"""Which rights entry covers a file of the lake."""

import re
from pathlib import Path

from pydantic import ValidationError

from pipeline.schema.errors import BadInput
from pipeline.schema.rights import LakeRights
from pipeline.stage.params import read_yaml

SHOWN = 10
"""Paths listed in an error about many files."""


def load_rights(path: Path) -> LakeRights:
    """The rights file.

    Raises:
        BadInput: not YAML, or a field is missing, unknown or wrong; every failure is named.
    """
    try:
        return LakeRights.model_validate(read_yaml(path))
    except ValidationError as err:
        problems = "; ".join(f"`{'.'.join(map(str, problem['loc']))}`: {problem['msg']}" for problem in err.errors())
        raise BadInput(str(path), problems, do="see docs/own-lake.md for the form of the file") from err


def sources_of(paths: list[str], rights: LakeRights, where: str) -> list[str]:
    """Source name for each path, in the order of `paths`.

    Raises:
        BadInput: files that no entry covers: the first `SHOWN` by name, and how many there are.
    """
    patterns = [(name, [glob_regex(glob) for glob in entry.paths]) for name, entry in rights.sources.items()]
    found = [next((name for name, regexes in patterns if any(regex.fullmatch(path) for regex in regexes)), "")
             for path in paths]
    bare = [path for path, source in zip(paths, found, strict=True) if not source]
    if bare:
        more = f" and {len(bare) - SHOWN} more" if len(bare) > SHOWN else ""
        raise BadInput(where, f"{len(bare)} file(s) without a rights entry", got=", ".join(bare[:SHOWN]) + more,
                       do="add a source whose `paths` cover them, or take them out of the lake")
    return found


def glob_regex(glob: str) -> re.Pattern[str]:
    """`**/` any folders, `**` anything, `*` and `?` within one name; everything else is itself."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    meaning = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return re.compile("".join(meaning.get(part) or re.escape(part) for part in parts), re.DOTALL)
