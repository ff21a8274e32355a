"""card.json: one checkpoint's model card, the single source of its README.

    {"schema", "checkpoint", "status", "missing", "counts", "facts", "sections": [{"key", "title",
     "dimension", "anchors", "fields": [...], "tables": [{"title", "columns", "rows": [[field | text]]}]}]}

The sections follow the five dimensions of the OECD Framework for the Classification of AI Systems
(2022). It holds names, numbers, digests and the words of data/card.yaml; never text of the lake or
text that a model generated, and no clock.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.cards.about import copyright_posture, crosswalk, details, limitations, people, uses
from pipeline.cards.chain import Chain
from pipeline.cards.compute import environment, eu_status
from pipeline.cards.evidence import evaluation, provenance, training, training_data
from pipeline.cards.fields import Field, problems_of
from pipeline.cards.layout import Inputs
from pipeline.schema.card_facts import CardFacts
from pipeline.schema.errors import BadInput
from pipeline.stage.params import read_yaml

SCHEMA = "pedigree-card/1"

SECTIONS = (details, uses, people, training_data, copyright_posture, training, evaluation, limitations, environment,
            eu_status, provenance, crosswalk)
"""In the order in which they are printed."""

MANDATORY = ("provider", "contact", "use.direct", "use.out_of_scope", "limitations", "oecd.users", "oecd.stakeholders",
             "eu_ai_act.provider_determination", "review.author", "review.reviewer", "review.date")
"""Fields of data/card.yaml without which a card is a draft."""


def read_facts(path: Path) -> CardFacts:
    """data/card.yaml, validated.

    Raises:
        BadInput: names every wrong field.
    """
    try:
        return CardFacts.model_validate(read_yaml(path))
    except ValidationError as err:
        problems = "; ".join(f"`{'.'.join(map(str, item['loc']))}`: {item['msg']}" for item in err.errors())
        raise BadInput(str(path), problems, do="correct the file") from err


def make_card(chain: Chain, evaluation_path: Path, gate_path: Path, facts_path: Path) -> dict[str, Any]:
    """The content of card.json.

    Raises:
        BadInput: a source lacks what a card must show.
        NotVerified: a file is not the one that the lineage records.
    """
    facts = read_facts(facts_path)
    for path in (evaluation_path, gate_path):
        chain.trusted(path.as_posix())
    inputs = Inputs(chain, evaluation_path.as_posix(), gate_path.as_posix(), facts, facts_path.as_posix())
    sections = [make(inputs) for make in SECTIONS]
    missing = [name for name in MANDATORY if not _given(facts, name)]
    states = [field["state"] for field in all_fields({"sections": sections})]
    return {
        "schema": SCHEMA,
        "checkpoint": chain.checkpoint,
        "status": "draft" if missing else "release",
        "missing": missing,
        "counts": {state: states.count(state) for state in sorted(set(states))},
        "facts": {"name": facts.name, "version": facts.version, "summary": facts.summary, "licence": facts.licence,
                  "language": facts.language, "datasets": [entry.name for entry in facts.datasets]},
        "sections": sections,
    }


def all_fields(card: dict[str, Any]) -> Iterator[Field]:
    """Every field of a card, in order."""
    for section in card["sections"]:
        yield from section["fields"]
        for table in section["tables"]:
            yield from (cell for row in table["rows"] for cell in row if isinstance(cell, dict))


def problems(card: dict[str, Any]) -> list[str]:
    """Every field that its sources contradict; the working directory is the repository root."""
    return [problem for field in all_fields(card) for problem in problems_of(field)]


def _given(facts: CardFacts, name: str) -> bool:
    value: object = facts
    for part in name.split("."):
        value = getattr(value, part)
    return value is not None
