"""Stage `data_card`: a card for every dataset, as Croissant for machines and Markdown for people.

Reads   the tables named in `data_card.datasets`, and the ledgers upstream of them
        --lineage  every stage's record; a table is read only if its bytes are those recorded there
        --facts    data/card.yaml, the words that only people can add
Writes  --out      folder: <name>/croissant.json and <name>/README.md

Not a recorded stage: it reads `lineage/`. No row of a table is in a card, only counts of kinds.
"""

from pathlib import Path

from pipeline.cards.card import read_facts
from pipeline.cards.croissant import croissant
from pipeline.cards.data_card import readme
from pipeline.cards.dataset import describe
from pipeline.schema.data_card import DataCard
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.progress import progress, say
from pipeline.stage.records import read_records
from pipeline.stage.run import run_stage


def main(lineage: Path, facts: Path, out: Path, params: DataCard) -> None:
    """Write the cards."""
    runs = {stage: record.run for stage, record in read_records(lineage).items()}
    known = read_facts(facts)
    with output_dir(out) as folder:
        for name, table in progress(sorted(params.datasets.items()), "data cards"):
            dataset = describe(name, table, lineage, runs)
            (folder / name).mkdir()
            write_json(folder / name / "croissant.json", croissant(dataset, known))
            back = "../" * len(Path(table).parts)
            text = readme(dataset, known, f"{back}{lineage}/{dataset.maker}/{runs[dataset.maker].manifests[table]}")
            (folder / name / "README.md").write_text(text, encoding="utf-8")
    say(f"data cards: {out}")


if __name__ == "__main__":
    run_stage(main, DataCard, recorded=False)
