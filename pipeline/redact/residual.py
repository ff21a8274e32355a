"""Measure what stays: plant made-up personal data among real paragraphs and count what is not found.

Nobody knows what the recognisers overlook in a lake; what they overlook of values that we put there
ourselves can be counted. The plants are made of names and templates that training never saw, half of the
names on no list at all, so the share is no flattery for names; it says nothing about kinds not planted.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipeline.redact.analyse import Found
from pipeline.redact.generate import LABEL_OF, Labelled, Lists, example
from pipeline.redact.measure import Truth, recall_by_kind, score
from pipeline.schema.errors import BadInput

FILE = "plants.jsonl"
INVENTED = 0.5
"""Share of the planted names that no list holds."""
PLANTED = {**LABEL_OF, "phone": "PHONE", "email": "EMAIL", "ip": "IP_ADDRESS"}


def make_plants(heldout: Lists, seed: int, count: int) -> list[Labelled]:
    """Sentences with personal data of held-out names and templates."""
    made = (
        example(heldout, seed, -number, lower_share=0.05, invented_share=INVENTED, labels=PLANTED)
        for number in range(1, 100 * count)
    )
    plants = [one for _, one in zip(range(count), (one for one in made if one.spans), strict=False)]
    if len(plants) < count:
        raise BadInput("pii_model", "held-out templates hold too little personal data", wanted=str(count))
    return plants


def save_plants(plants: Sequence[Labelled], folder: Path) -> None:
    """`plants.jsonl` into an existing folder; every value in it is made up."""
    lines = (json.dumps(one._asdict(), ensure_ascii=False) + "\n" for one in plants)
    (folder / FILE).write_text("".join(lines), encoding="utf-8")


def load_plants(folder: Path) -> list[Labelled]:
    """The plants in `folder`.

    Raises:
        BadInput: there are none, or they are not readable.
    """
    try:
        rows = [json.loads(line) for line in (folder / FILE).read_text(encoding="utf-8").splitlines()]
        return [Labelled(row["text"], [(start, end, kind) for start, end, kind in row["spans"]]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise BadInput(str(folder / FILE), f"not readable ({err})", do="run the stage pii_model") from err


def planted(plants: Sequence[Labelled], paragraphs: Sequence[str]) -> list[Labelled]:
    """Each plant behind a paragraph of its own; which one depends on the contents alone, not on their order."""
    drawn = sorted(set(paragraphs), key=lambda text: hashlib.sha256(text.encode()).digest())
    together = []
    for number, plant in enumerate(plants):
        before = f"{drawn[number % len(drawn)]} " if drawn else ""
        spans = [(start + len(before), end + len(before), kind) for start, end, kind in plant.spans]
        together.append(Labelled(before + plant.text, spans))
    return together


def residual(texts: Sequence[Labelled], find: Callable[[Sequence[str]], list[list[Found]]]) -> dict[str, Any]:
    """Planted values, those that stay, and their share by type; half of a value covered counts as found."""
    pairs = [
        ([Truth(*span) for span in one.spans], [(hit.start, hit.end) for hit in found])
        for one, found in zip(texts, find([one.text for one in texts]), strict=True)
    ]
    counts = score(pairs)
    kinds = recall_by_kind(pairs)
    return {
        "planted": counts.wanted,
        "stay": counts.wanted - counts.found,
        "share": round(1 - counts.recall, 4),
        "share_by_type": {kind: round(1 - hit / wanted, 4) for kind, (hit, wanted) in kinds.items()},
    }
