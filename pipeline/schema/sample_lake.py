"""Section `sample_lake` of params.yaml: how the authored text is rendered, and what is planted."""

from typing import Literal

from pydantic import Field

from pipeline.schema.section import Section

Format = Literal["md", "html", "docx", "pdf"]
Strength = Literal["light", "medium", "heavy", "truncated", "reformatted"]


class Copy(Section):
    """One near-duplicate."""

    of: str
    """Id of the authored document."""
    strength: Strength
    """How far it is edited."""
    format: Format
    """What it is rendered to."""


class SampleLake(Section):
    """Everything that decides the bytes of the sample lake, besides the authored text."""

    seed: int
    """Of every edit and of the noise on scans; joined with the path for each file."""
    formats: dict[str, list[Format]]
    """Source -> formats its documents take in turn, in the order of their ids."""
    scanned: list[str]
    """Ids rendered as images only, whatever their source's formats."""
    scan_dpi: int = Field(ge=72)
    """Resolution of scans."""
    scan_degrees: float = Field(ge=0)
    """Most a scanned page is turned, either way."""
    scan_noise: float = Field(ge=0)
    """Standard deviation of the grain, of 255 grey levels."""
    scan_jpeg_quality: int = Field(ge=1, le=95)
    """As PIL counts it."""
    near_duplicates: list[Copy]
    """Edited copies beside their originals."""
    same_bytes: list[str]
    """Ids whose file is copied as it is."""
    boilerplate_share: float = Field(ge=0, le=1)
    """Share of policies and SOPs that end with the same legal notice."""
    footer_sources: list[str]
    """Sources other than policies and SOPs whose documents end with the same line."""
    uncleared: list[str]
    """Ids that lie in `vendor/`, a source not cleared for training."""
    garbled: list[str]
    """Ids of which a badly damaged copy lies in `inbox/`."""
    garble_share: float = Field(ge=0, le=1)
    """Share of characters a damaged copy has wrong."""
    eval_quotes: list[list[str]]
    """Evaluation item ids quoted by each planted study note."""
    bomb_bytes: int = Field(ge=1)
    """Bytes the planted DOCX unfolds to."""
