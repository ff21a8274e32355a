"""A Nougat model that params name by a pin: fetched once, every file checked, kept in the stage's cache."""

import os
import shutil
import tempfile
from pathlib import Path

from pipeline.schema.curate_extract import CurateExtract
from pipeline.stage.hashing import file_sha256

PIN_SUFFIX = ".yaml"


def with_model(params: CurateExtract, cache: Path) -> CurateExtract:
    """`params` with the folder of the fetched model in place of its pin; other params as they are.

    The kept folder is checked against the pin again each time it is used.

    Raises:
        BadInput: no pin, or the hub does not serve it.
        NotVerified: other bytes than the pinned ones.
    """
    if not params.ocr.nougat.model.endswith(PIN_SUFFIX) or "nougat" not in params.ocr.asked():
        return params
    from pipeline.lm.hub import fetch_pinned, read_pin  # torch: four seconds that no other lake should pay

    pin = read_pin(Path(params.ocr.nougat.model))
    folder = cache / "models" / pin.repo.replace("/", "--") / pin.revision
    if not all((folder / name).is_file() and file_sha256(folder / name) == digest
               for name, digest in pin.files.items()):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as fetched:
            fetch_pinned(pin, Path(fetched))
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(fetched, folder.with_name(f"{folder.name}.new"), dirs_exist_ok=True)
        os.replace(folder.with_name(f"{folder.name}.new"), folder)
    nougat = params.ocr.nougat.model_copy(update={"model": str(folder.resolve())})
    return params.model_copy(update={"ocr": params.ocr.model_copy(update={"nougat": nougat})})
