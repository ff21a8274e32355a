"""Section `attest` of params.yaml: what a checkpoint's layout demands."""

from pydantic import Field

from pipeline.schema.section import Section


class Attest(Section):
    """The demands that `root.layout` puts on every stage upstream of a checkpoint."""

    threshold: int = Field(ge=1)
    """How many keys of a stage's role must have signed the same run of it; above 1, an independent rebuild."""
    expires: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
    """When the layout stops being valid: RFC 3339, UTC."""
