"""What tests of the first stages share."""

from pathlib import Path

RIGHTS = """sources:
  all: {paths: ["**"], licence: CC0-1.0, rights_basis: own, cleared_for_training: true, reviewed_by: me,
        reviewed_on: "2026-01-01", published: "2024-01-01"}
"""


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` by relative path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
