"""README.md from card.json: nothing is added, so the same card gives the same bytes.

The front matter is YAML as the Hugging Face Hub reads it; its values are written as JSON, which YAML
includes, so that the language code `no` stays a string.
"""

import json
from typing import Any

from jinja2 import Environment, StrictUndefined

from pipeline.cards.card import all_fields
from pipeline.cards.card_template import README
from pipeline.cards.fields import Field

STATES = {"measured": "Measured", "computed": "Computed", "inherited": "From the model's files",
          "asserted": "Stated by provider", "not_provided": "NOT PROVIDED"}

REPORTED = {"in_domain_perplexity": "perplexity", "general_perplexity": "perplexity", "format_adherence": "accuracy",
            "citation_precision": "precision", "citation_recall": "recall", "refusal_balanced": "balanced_accuracy",
            "multi_turn": "accuracy"}
"""Metrics in the front matter's `model-index`, with the Hub's name for their kind."""


def readme(card: dict[str, Any]) -> str:
    """The whole README; an undefined variable in the template is an error."""
    # Markdown, not HTML: `md` escapes what would be markup in either
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=False, autoescape=False)  # noqa: S701
    environment.filters |= {"md": md, "cell": cell, "origin": origin, "sources": table_sources, "yaml": yaml_value}
    text = environment.from_string(README).render(card=card, states=STATES, front_matter=front_matter(card))
    return text.rstrip() + "\n"


def front_matter(card: dict[str, Any]) -> dict[str, Any]:
    """Metadata of the Hugging Face Hub (hub-docs, modelcard.md), and our own namespace `pedigree`."""
    fields = {field["key"]: field for field in all_fields(card)}
    adapter = "peft_type" in fields
    hub = [field["value"] for key, field in fields.items() if key.endswith(".hub.repo")]
    bases = hub or sorted(key.removeprefix("input.") for key in fields if key.startswith("input.models/"))
    return {
        **({"base_model": bases, "base_model_relation": "adapter" if adapter else "finetune"} if bases else {}),
        "license": card["facts"]["licence"],
        "language": card["facts"]["language"],
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
        "datasets": card["facts"]["datasets"],
        "tags": ["dvc", "oecd-aligned-card", "reproducible-build"],
        "model_name": card["checkpoint"],
        "model-index": [{"name": card["checkpoint"], "results": results(fields)}],
        "pedigree": {"schema": card["schema"], "digest": f"sha256:{fields['digest']['value']}",
                     "attestation": f"{card['checkpoint']}.attestation"},
    }


def results(fields: dict[str, Field]) -> list[dict[str, Any]]:
    """Entries of `model-index`; the revision of the evaluation set is the sha256 of its metrics file."""
    return [{"task": {"type": "text-generation"},
             "dataset": {"type": "private", "name": "held-out", "revision": fields[name]["sha256"][0]},
             "metrics": [{"type": kind, "name": name, "value": fields[name]["value"],
                          "args": {"interval": fields[f"{name}.interval"]["value"]}}]}
            for name, kind in REPORTED.items()]


def yaml_value(value: Any) -> str:
    """A value as JSON; YAML includes it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def md(text: object) -> str:
    """Plain text for one Markdown table cell or line: one line, no markup, no HTML."""
    flat = " ".join(str(text).split())
    for mark in "\\`*_[]|<>":
        flat = flat.replace(mark, f"&#{ord(mark)};" if mark in "<>|`" else f"\\{mark}")
    return flat


def cell(field: Field) -> str:
    """A field's value, or why there is none."""
    if field["state"] == "not_provided":
        return f"NOT PROVIDED: {md(field['reason'])} (owner: {md(field['owner'])})"
    unit = f" {field['unit']}" if field.get("unit") else ""
    return shown(field["value"]) + unit


def shown(value: Any) -> str:
    """A JSON value as one line of Markdown."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}" if abs(value) < 10**9 else f"{value:.4g}"
        case float():
            return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
        case dict():
            return "<br>".join(f"{md(key)} = {shown(inner)}" for key, inner in sorted(flat(value).items()))
        case list() if all(isinstance(item, str) and len(item) > 40 for item in value):
            return "<br>".join(f"{number}. {md(item)}" for number, item in enumerate(value, start=1))
        case list():
            return ", ".join(shown(item) for item in value)
        case _:
            return md(value)


def flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings with dotted keys."""
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= flat(inner, f"{prefix}{key}.") if isinstance(inner, dict) else {f"{prefix}{key}": inner}
    return found


def origin(field: Field) -> str:
    """Where the value is from, and the rule when there is one."""
    if field["state"] == "not_provided":
        return ""
    rule = f"{md(field['rule'])}: " if field["state"] == "computed" else ""
    return rule + "<br>".join(md(source) for source in field["sources"])


def table_sources(table: dict[str, Any]) -> str:
    """One line below a table: the files its cells are from (card.json has a pointer for each cell)."""
    fields = [cell for row in table["rows"] for cell in row if isinstance(cell, dict) and "sources" in cell]
    files = sorted({source.partition("#")[0] for field in fields for source in field["sources"]})
    return f"Sources: {', '.join(md(name) for name in files)}" if files else ""
