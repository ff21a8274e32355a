"""A pin: which bytes of which hub revision a reviewer accepted."""

from pydantic import Field

from pipeline.schema.section import Section

SHA256 = r"^[0-9a-f]{64}$"


class Pin(Section):
    """Section `pin` of params/pins/<name>.yaml; `python -m pipeline.lm.hub REPO REVISION` drafts one."""

    repo: str = Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")
    """owner/name on the hub."""
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    """A commit; a branch or tag can move."""
    licence: str = Field(min_length=1)
    """SPDX name, as reviewed; carried into the model card."""
    files: dict[str, str] = Field(min_length=1)
    """Path in the repository -> sha256 of its bytes. Only these files are fetched."""
