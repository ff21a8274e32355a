"""Take a model trained by others into the model folder of stage pii_model, checked.

The folder's digest then names everything that finds personal data, and stage curate_redact needs no
other dep.
"""

import shutil
from pathlib import Path

from pipeline.lm.checkpoint import check_complete, missing_weights
from pipeline.lm.hub import fetch_files, read_pin
from pipeline.lm.load import PICKLES
from pipeline.redact.real import FOLDER, SETTINGS
from pipeline.schema.errors import BadInput
from pipeline.schema.pii_model import RealModel
from pipeline.stage.hashing import list_files

GLINER_CONFIG = "gliner_config.json"


def take_model(name: str, settings: RealModel, folder: Path) -> None:
    """Copy or fetch a model into `folder`/real/`name`, with its settings.

    Raises:
        BadInput: it is not complete, or holds pickles alone.
    """
    place = folder / FOLDER / name
    place.mkdir(parents=True)
    source = Path(settings.source)
    if source.suffix == ".yaml":
        fetch_files(read_pin(source), place)
    else:
        for path in list_files(source):
            if path.parent == source and path.suffix not in (*PICKLES, ".py"):
                shutil.copyfile(path, place / path.name)
    _check(place, settings)
    (place / SETTINGS).write_text(settings.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _check(folder: Path, settings: RealModel) -> None:
    if settings.kind == "transformers":
        check_complete(folder)
    elif not (folder / GLINER_CONFIG).is_file() or missing_weights(folder):
        raise BadInput(settings.source, "is no GLiNER model", wanted=f"{GLINER_CONFIG}, *.safetensors")
