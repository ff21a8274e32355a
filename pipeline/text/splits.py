"""Which documents are set apart: draws by document, the same in every stage that asks.

A document keeps its draw when others come and go, so it never wanders from held out to trained on.
"""

from collections.abc import Iterable

from pipeline.text.draws import unit_draw

HELDOUT = "heldout"
"""Purpose of the draw that keeps documents for measuring; the other purposes are independent of it."""


def draws(doc_ids: Iterable[str], seed: int, purpose: str) -> list[float]:
    """A number in [0, 1) for each document; another `purpose` draws independently."""
    return [unit_draw(seed, f"{purpose} {doc_id}") for doc_id in doc_ids]
