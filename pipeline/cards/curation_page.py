"""The curation page: two Sankey diagrams, what is left of each source, the quality model, what each rule took."""

from collections.abc import Mapping
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from pipeline.cards import report_template, svg
from pipeline.cards.curation_template import PAGE, STYLE
from pipeline.cards.flows import EDITED, Flow
from pipeline.cards.quality import Quality
from pipeline.cards.quotes import Taken
from pipeline.cards.run_facts import explain
from pipeline.cards.sankey import sankey
from pipeline.schema.curation_report import CurationReport


class Survival(NamedTuple):
    """One source, step by step."""

    source: str
    arrived: int
    after: list[int]
    """Documents left after each step."""
    rate: float
    """Tokens a character; 0 when none of its text was read."""


def page(flows: list[Flow], rules: list[tuple[str, list[Taken]]], rates: Mapping[str, float],
         quality: Quality | None, params: CurationReport) -> str:
    """The whole HTML page."""
    environment = Environment(undefined=StrictUndefined, autoescape=True, keep_trailing_newline=True)
    environment.filters["explain"] = explain
    style = Markup(report_template.STYLE + STYLE)  # noqa: S704  # constants of ours
    return environment.from_string(PAGE).render(
        style=style, flows=flows, survival=survival(flows, rates), params=params, edited=EDITED,
        documents=sankey("documents", "Documents through curation", flows, "documents"),
        tokens=sankey("tokens", "Tokens through curation", flows, "tokens"),
        quality=quality, reliability=svg.reliability("reliability", "Reliability of the quality model", [
            (one.predicted, one.observed, one.weight) for one in quality.tenths]) if quality else "",
        rules=[(stage, rule) for stage, found in rules for rule in found])


def survival(flows: list[Flow], rates: Mapping[str, float]) -> list[Survival]:
    """Every source, by name."""
    sources = sorted({row.source for flow in flows for row in flow.amounts})
    return [Survival(source, _documents(flows[0], source), [_documents(flow, source, "") for flow in flows],
                     rates.get(source, 0.0)) for source in sources]


def _documents(flow: Flow, source: str, outcome: str | None = None) -> int:
    return sum(row.documents for row in flow.amounts
               if row.source == source and outcome in (None, row.outcome))
