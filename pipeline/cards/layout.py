"""What every section of a model card is made from, and its shape."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pipeline.cards.chain import Chain
from pipeline.cards.fields import Field, not_provided, sourced
from pipeline.schema.card_facts import CardFacts
from pipeline.schema.errors import BadInput

Section = dict[str, Any]
Cell = Field | str


class Inputs(NamedTuple):
    """All that a card is made of."""

    chain: Chain
    evaluation: str
    gate: str
    facts: CardFacts
    facts_path: str

    def stated(self, key: str, label: str, pointer: str) -> Field:
        """A person's words at `pointer` of data/card.yaml, or the lack of them."""
        try:
            return sourced("asserted", key, label, f"{self.facts_path}#{pointer}")
        except BadInput:
            return not_provided(key, label, f"`{pointer[1:].replace('/', '.')}` is not in {self.facts_path}")


def section(key: str, title: str, dimension: str, anchors: str, fields: Sequence[Field] = (),
            tables: Sequence[dict[str, Any]] = ()) -> Section:
    """One section; `anchors` names what the OECD Principles and the EU AI Act ask about here."""
    return {"key": key, "title": title, "dimension": dimension, "anchors": anchors, "fields": list(fields),
            "tables": list(tables)}


def table(title: str, columns: list[str], rows: list[list[Cell]]) -> dict[str, Any]:
    """A table of fields and plain words."""
    return {"title": title, "columns": columns, "rows": rows}
