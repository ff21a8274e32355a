"""What every section of `params.yaml` has in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One section of `params.yaml`: frozen, strict types, unknown keys refused.

    A field without a default must be in the file; defaults in code are not allowed, because the
    file is what an auditor reads and what DVC compares.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
