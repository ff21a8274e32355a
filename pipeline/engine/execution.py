"""Read `execution.yaml`: where sharded work runs."""

from pathlib import Path

from pipeline.schema.execution import Execution
from pipeline.stage.params import load_section

EXECUTION = Path("execution.yaml")


def load_execution(path: Path = EXECUTION) -> Execution:
    """The `shards` section of `execution.yaml`.

    Raises:
        BadInput: the file or the section is missing, or a field is wrong.
    """
    return load_section(Execution, "shards", path)
