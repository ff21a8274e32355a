"""Stage `eval_items`: the authored evaluation items as one table.

Decontamination reads it as data, so no curation stage depends on the code of an evaluation task.

Reads   --items  folder with qa.jsonl, multi_turn.jsonl and general.jsonl, and no other *.jsonl
Writes  --out    table: the columns of pipeline/schema/eval_items.py, key item_id
"""

from pathlib import Path

from pipeline.evals.items import TASKS, items_table
from pipeline.schema.errors import BadInput
from pipeline.schema.eval_items import EVAL_ITEMS
from pipeline.stage.outputs import output_dir
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import write_table


def read_item_files(folder: Path) -> dict[str, tuple[str, str]]:
    """Task -> (path, text) of its file.

    Raises:
        BadInput: a task's file is missing, another *.jsonl is there, or a file is not UTF-8.
    """
    found = {path.stem: path for path in sorted(folder.glob("*.jsonl"))}
    if set(found) != set(TASKS):
        raise BadInput(str(folder), "does not hold the item files",
                       wanted=", ".join(f"{task}.jsonl" for task in sorted(TASKS)),
                       got=", ".join(path.name for path in found.values()) or "none")
    try:
        return {task: (path.as_posix(), path.read_text(encoding="utf-8")) for task, path in found.items()}
    except UnicodeDecodeError as err:
        raise BadInput(str(folder), f"a file is not UTF-8 ({err})", do="save it as UTF-8") from err


def main(items: Path, out: Path) -> None:
    """Write the items of folder `items` as the table `out`."""
    table = items_table(read_item_files(items))
    with output_dir(out) as folder:
        write_table(table, folder, ["item_id"], EVAL_ITEMS)


if __name__ == "__main__":
    run_stage(main, None)
