"""The rights file (`data/lake.yaml`): who may use which part of the lake for what.

A person writes and reviews it. A file of the lake that no entry covers stops the pipeline.
"""

from typing import Literal

from pydantic import Field, field_validator

from pipeline.schema.section import Section

SPDX_SHAPE = r"^[A-Za-z0-9][A-Za-z0-9.+-]*( (AND|OR|WITH) [A-Za-z0-9][A-Za-z0-9.+-]*)*$"
"""Shape of an SPDX licence expression without brackets, `LicenseRef-...` included (SPDX 2.3, annex D)."""


class SourceRights(Section):
    """Rights in the files of one source."""

    paths: list[str] = Field(min_length=1)
    """Glob patterns below the lake's root: `*` stays in a folder, `**` crosses folders."""
    licence: str = Field(pattern=SPDX_SHAPE)
    """SPDX identifier or expression, or `LicenseRef-<name>` for terms without one."""
    rights_basis: Literal["own", "contract", "licence", "public-domain", "consent", "legitimate-interest", "none"]
    """Why the files may be used at all."""
    cleared_for_training: bool
    """Whether a person cleared the source for training a model."""
    reviewed_by: str = Field(min_length=1)
    """Role or name of the person who decided."""
    reviewed_on: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    """ISO date of the decision, quoted in the YAML."""
    published: str | None = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    """ISO date for files that do not name their own, or null; quoted in the YAML."""

    @field_validator("paths")
    @classmethod
    def _relative(cls, paths: list[str]) -> list[str]:
        if any(path.startswith("/") or ".." in path.split("/") for path in paths):
            raise ValueError("patterns are relative to the lake's root and stay below it")
        return paths


class LakeRights(Section):
    """The whole rights file."""

    sources: dict[str, SourceRights] = Field(min_length=1)
    """Source name -> rights. Entries are tried in the order of the file; the first match counts."""
