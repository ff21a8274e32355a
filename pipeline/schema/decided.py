"""What became of one input of a curation stage: the ledger's columns without its keys."""

from typing import NamedTuple

from pipeline.schema.ledger import Decision


class Decided(NamedTuple):
    """One decision; the fields are those of `pipeline.schema.ledger.LEDGER`."""

    decision: Decision
    reason: str
    score: float | None = None
    evidence: str = ""
    survivor_id: str = ""
