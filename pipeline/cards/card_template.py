"""The README of a model card, as a Jinja2 template over card.json.

Text and not a file, so that the stage's code dependencies are exactly its imports.
"""

README = """\
---
{% for key, value in front_matter.items() -%}
{{ key }}: {{ value | yaml }}
{% endfor -%}
---

# {{ card.facts.name | md }}: {{ card.checkpoint | md }}

{% if card.status == "draft" -%}
> **DRAFT, NOT FOR RELEASE.** Missing in data/card.yaml: {{ card.missing | join(", ") | md }}.

{% endif -%}
{{ card.facts.summary | md }}

{{ card.counts.values() | sum }} fields: {% for state, count in card.counts.items() -%}
{{ count }} {{ states[state] }}{{ ", " if not loop.last else "." }}
{%- endfor %}
Sections follow the five dimensions of the OECD Framework for the Classification of AI Systems (2022). This card is
not issued or endorsed by the OECD, and it is not a declaration of conformity with any law.
{% for section in card.sections %}
## {{ section.title }}

*OECD dimension: {{ section.dimension | md }}. Speaks to: {{ section.anchors | md }}.*
{% if section.fields %}
| Field | Value | State | Source |
|---|---|---|---|
{% for field in section.fields -%}
| {{ field.label | md }} | {{ field | cell }} | {{ states[field.state] }} | {{ field | origin }} |
{% endfor -%}
{% endif -%}
{% for table in section.tables %}
**{{ table.title | md }}**

| {{ table.columns | map("md") | join(" | ") }} |
|{% for _ in table.columns %}---|{% endfor %}
{% for row in table.rows -%}
| {% for item in row %}{{ item | cell if item is mapping else item }}{{ " | " if not loop.last else " |" }}{% endfor %}
{% endfor %}
{{ table | sources }}
{% endfor -%}
{% endfor %}
"""
