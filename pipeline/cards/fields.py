"""The leaves of a card: no bare value, no null; each says where it is from or why it is missing.

    measured    a number that a stage measured          value, sources, sha256
    computed    a rule over sources (`RULES`)           value, rule, sources, sha256
    inherited   a property of the files of the model    value, sources, sha256
    asserted    a person's words, in data/card.yaml     value, sources, sha256
    not_provided                                        reason, owner
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

from pipeline.cards.sources import digest, resolve

State = Literal["measured", "computed", "inherited", "asserted", "not_provided"]
Field = dict[str, Any]

PROVIDER = "the provider, in data/card.yaml"

Values = Sequence[tuple[str, Any]]
"""The sources of a computed field, in order, each with its value."""


def flop(values: Values) -> int:
    """6 x parameters x tokens, summed: a source with a pointer is a stage's tokens, the weight files follow it."""
    total = tokens = 0
    for source, value in values:
        if "#" in source:
            tokens = value
        else:
            total += 6 * tokens * value
    return total


RULES: dict[str, Callable[[Values], Any]] = {
    "sum": lambda values: sum(value for _, value in values),
    "first - second": lambda values: round(values[0][1] - values[1][1], 6),
    "6 * parameters * tokens, summed": flop,
    "FLOP / 1e23": lambda values: flop(values) / 1e23,
    "FLOP / (1e23 / 3)": lambda values: flop(values) / (1e23 / 3),
    "FLOP / (first / 3)": lambda values: flop(values[1:]) / (values[0][1] / 3),
}
"""What a computed field may be: a function of its sources. A checker recomputes every one with it."""


def sourced(state: State, key: str, label: str, source: str, unit: str = "") -> Field:
    """A field that is exactly the value at `source`."""
    return _leaf(state, key, label, resolve(source), [source], unit)


def computed(key: str, label: str, rule: str, sources: Sequence[str], unit: str = "") -> Field:
    """A field that `RULES[rule]` makes of the values at `sources`."""
    value = RULES[rule]([(source, resolve(source)) for source in sources])
    return {**_leaf("computed", key, label, value, list(sources), unit), "rule": rule}


def not_provided(key: str, label: str, reason: str, owner: str = PROVIDER) -> Field:
    """A field nobody filled."""
    return {"key": key, "label": label, "state": "not_provided", "reason": reason, "owner": owner}


def problems_of(field: Field) -> list[str]:
    """What is wrong with a field, by its sources alone: a changed file, another value."""
    if field["state"] == "not_provided":
        return []
    found = [f"{field['key']}: {source} changed since the card was written"
             for source, sha256 in zip(field["sources"], field["sha256"], strict=True) if digest(source) != sha256]
    values = [(source, resolve(source)) for source in field["sources"]]
    wanted = RULES[field["rule"]](values) if field["state"] == "computed" else values[0][1]
    if not same(wanted, field["value"]):
        found.append(f"{field['key']}: the card says {field['value']!r}, its source {wanted!r}")
    return found


def same(left: Any, right: Any) -> bool:
    """Equality that tells 1 from True and knows no tolerance."""
    return type(left) is type(right) and bool(left == right)


def _leaf(state: State, key: str, label: str, value: Any, sources: list[str], unit: str) -> Field:
    if isinstance(value, float) and not math.isfinite(value):
        return not_provided(key, label, f"the value at {sources[0]} is not a finite number", "the stage that wrote it")
    field = {"key": key, "label": label, "state": state, "value": value, "sources": sources,
             "sha256": [digest(source) for source in sources]}
    return {**field, "unit": unit} if unit else field
