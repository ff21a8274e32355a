"""The README of a data card: the same facts as its croissant.json, for people."""

from jinja2 import Environment, StrictUndefined

from pipeline.cards.croissant import description, licences, redaction, spoken_of
from pipeline.cards.dataset import Dataset
from pipeline.cards.render import md
from pipeline.schema.card_facts import CardFacts
from pipeline.schema.ledger import REASONS

TEMPLATE = """\
# Data card: {{ dataset.name | md }}

{{ description | md }} `{{ dataset.folder }}`, sha256 `{{ dataset.artefact.digest }}`.
It is made by rules and by hand from what the lineage records; counts are of the bytes with this digest.

## What is in it

| | |
|---|---|
| Rows | {{ "{:,}".format(dataset.rows) }} |
| Characters of text | {{ "{:,}".format(dataset.characters) }} |
| Dates of the documents | {% if dataset.published %}{{ dataset.published[0] | md }} to {{ dataset.published[1] | md }}
{%- else %}none recorded{% endif %} |
| Licences | {{ licences | join(", ") | md }} |
| Columns | {% for name, dtype in dataset.columns.items() %}`{{ name }}` {{ dtype | string | md }}
{{- ", " if not loop.last }}{% endfor %} |
{% for column, values in dataset.counts.items() %}
**{{ column | replace("_", " ") | capitalize | md }}**

| {{ column | replace("_", " ") | md }} | rows | share |
|---|---:|---:|
{% for value, count in values.items() -%}
| {{ value | md }} | {{ "{:,}".format(count) }} | {{ "{:.1%}".format(count / dataset.rows) }} |
{% endfor -%}
{% endfor %}
## Where it is from

{{ dataset.stages | length }} recorded stages lie behind it, the last is `{{ dataset.maker }}`
(`{{ dataset.statement }}`). It begins with:

| Input | sha256 |
|---|---|
{% for path, digest in dataset.roots -%}
| `{{ path | code }}` | `{{ digest }}` |
{% endfor %}
{% if dataset.steps -%}
## What was left out, and why

Every input of a step is in its ledger exactly once: in = kept + merged + dropped.

| Step | In | Kept | Decision | Reason | Rows |
|---|---:|---:|---|---|---:|
{% for step in dataset.steps -%}
{% for decision, reason, count in step.reasons -%}
| {{ ("`" ~ step.stage ~ "`") if loop.first else "" }} | {{ "{:,}".format(step.records_in) if loop.first else "" }}
{{- " | " }}{{ "{:,}".format(step.kept) if loop.first else "" }} | {{ decision }} |
{{- " " }}{{ reason }}: {{ meaning[reason] | md }} | {{ "{:,}".format(count) }} |
{% endfor -%}
{% endfor %}
{% endif -%}
{% if personal -%}
## Personal data

{% for sentence in personal -%}
- {{ sentence | md }}
{% endfor %}
{% endif -%}
## In the provider's words

{% for entry in spoken -%}
**{{ entry.name | md }}** ({{ entry.licence | md }})

- Rights: {{ entry.rights_basis | md }}
- Personal data: {{ entry.personal_data | md }}
- Why this text: {{ entry.rationale | md }}
- Known biases: {{ entry.biases | md }}

{% else -%}
NOT PROVIDED: no entry of `datasets` in data/card.yaml names `{{ dataset.name }}` in its `cards`.

{% endfor -%}
## How to check it

    cd {{ dataset.folder }} && sha256sum -c {{ manifest }}
    pedigree verify --deep

`croissant.json` beside this page says the same to machines (Croissant 1.0 with RAI 1.0).
"""


def readme(dataset: Dataset, facts: CardFacts, manifest: str) -> str:
    """The whole page.

    Args:
        manifest: path of the table's sha256sum list, seen from the table's folder.
    """
    # Markdown, not HTML: `md` escapes what would be markup in either
    environment = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701
    environment.filters |= {"md": md, "code": code}
    return environment.from_string(TEMPLATE).render(
        dataset=dataset, description=description(dataset), spoken=spoken_of(dataset.name, facts),
        licences=licences(dataset, spoken_of(dataset.name, facts)) or ["not stated"], personal=redaction(dataset),
        meaning={reason: text.partition(";")[0] for reason, text in REASONS.items()}, manifest=manifest).rstrip() + "\n"


def code(text: str) -> str:
    """Plain text for a code span in a table cell."""
    return " ".join(text.replace("`", "'").replace("|", "&#124;").split())
