"""Section `env` of params.yaml: what the machine must have for equal bytes."""

from pydantic import Field

from pipeline.schema.section import Section


class Env(Section):
    """Part of every stage's identity, because numbers depend on it."""

    python: str
    """Minor version, e.g. "3.11"."""
    threads: int = Field(ge=1)
    """Intra-op threads of torch: a sum split another way rounds another way."""
    packages: dict[str, str]
    """Package -> exact version, for the packages that move numbers."""
