"""Stage `card`: the model card of one checkpoint, every number with its source.

Reads   --checkpoint  folder of the model;  --evaluation its metrics.json;  --gate its gate.json
        --lineage     every stage's record; files it names are read after a check of their digest
        --facts       data/card.yaml, the words that only people can add
Writes  --out         folder: card.json (the one source of truth) and README.md rendered from it

Not a recorded stage: it reads `lineage/`. Without the mandatory words the card is marked as a draft.
"""

from pathlib import Path

from pipeline.cards.card import make_card, problems
from pipeline.cards.chain import chain_of
from pipeline.cards.render import readme
from pipeline.schema.errors import BrokenContract
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.progress import say
from pipeline.stage.records import read_records
from pipeline.stage.run import run_stage


def main(checkpoint: Path, evaluation: Path, gate: Path, lineage: Path, facts: Path, out: Path) -> None:
    """Write the card of `checkpoint`, after reading every number back from its source.

    Raises:
        BrokenContract: a source changed while the card was written.
    """
    runs = {stage: record.run for stage, record in read_records(lineage).items()}
    card = make_card(chain_of(checkpoint, lineage, runs), evaluation, gate, facts)
    wrong = problems(card)
    if wrong:
        raise BrokenContract(str(out), "; ".join(wrong), do="keep inputs still during a run, then run again")
    with output_dir(out) as folder:
        write_json(folder / "card.json", card)
        (folder / "README.md").write_text(readme(card), encoding="utf-8")
    say(f"card of {checkpoint}: {card['status']}, {sum(card['counts'].values())} fields, "
        f"{card['counts'].get('not_provided', 0)} not provided")


if __name__ == "__main__":
    run_stage(main, None, recorded=False)
