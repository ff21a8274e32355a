"""What a training run says of itself: a line on stderr now and then, `curve.csv` at the end."""

import csv
import io
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from pipeline.stage.outputs import output_file
from pipeline.stage.progress import say


class SayProgress(TrainerCallback):
    """One line a logged step: step, loss, learning rate."""

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl,  # noqa: ARG002
               logs: dict[str, float] | None = None, **_: Any) -> None:
        """Called by the trainer every `logging_steps`."""
        if state.is_world_process_zero and logs and "loss" in logs:
            say(f"step {state.global_step}/{state.max_steps}  loss {float(logs['loss']):.3f}  "
                f"lr {float(logs['learning_rate']):.2e}")


Point = dict[str, float]
FIRST_COLUMNS = ("step", "loss", "lr")


def loss_curve(history: list[dict[str, float]]) -> list[Point]:
    """`step`, `loss` (mean since the point before, nats per token) and `lr` of a trainer's log history."""
    return [{"step": entry["step"], "loss": entry["loss"], "lr": entry["learning_rate"]}
            for entry in history if "loss" in entry]


def write_curve(out: Path, points: list[Point]) -> None:
    """Write `points` as CSV for `dvc plots`: `FIRST_COLUMNS`, then what else a point has, by name."""
    text = io.StringIO()
    others = sorted({name for point in points for name in point} - set(FIRST_COLUMNS))
    table = csv.DictWriter(text, fieldnames=[*FIRST_COLUMNS, *others], lineterminator="\n")
    table.writeheader()
    table.writerows(points)
    with output_file(out) as scratch:
        scratch.write_text(text.getvalue(), encoding="utf-8")
