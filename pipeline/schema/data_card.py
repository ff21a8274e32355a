"""Section `data_card` of params.yaml."""

from pipeline.schema.section import Section


class DataCard(Section):
    """Which tables get a card."""

    datasets: dict[str, str]
    """Name of the card -> folder of the table, as a stage's product."""
