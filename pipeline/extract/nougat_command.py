"""Engine `nougat-ocr`: the program of the PyPI package of that name, in an environment of its own.

Its 0.1.17 wants an old transformers, timm and albumentations and is never imported here. What is known of
it is its command line: `nougat page.pdf --out FOLDER --checkpoint MODEL` writes `FOLDER/page.mmd`.
"""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from pipeline.extract.recognised import Recognised
from pipeline.schema.curate_extract import Ocr
from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import file_sha256, hash_artefact

WHERE = "params.yaml: `curate_extract.ocr.nougat_command`"


def check(params: Ocr) -> None:
    """Raise `BadInput` when the program or its model is not there."""
    settings = params.nougat_command
    if not Path(settings.command).is_file():
        raise BadInput(WHERE, "`command` is no program", wanted="the `nougat` of an environment with nougat-ocr 0.1.17",
                       got=repr(settings.command), do="see docs/own-lake.md, or use the engine nougat")
    if not Path(settings.checkpoint).is_dir() or not settings.checkpoint:
        raise BadInput(WHERE, "`checkpoint` is no folder", wanted="the model's folder", got=repr(settings.checkpoint),
                       do="name it; without one the program would fetch a model")


def identity(params: Ocr) -> dict[str, str]:
    """What decides the text beside the image and our code, as far as it can be seen from here."""
    settings = params.nougat_command
    return {"command": file_sha256(Path(settings.command)),
            "checkpoint": hash_artefact(Path(settings.checkpoint)).digest}


def recognise(image: Any, params: Ocr, dpi: int) -> Recognised:
    """The page as Markdown."""
    settings = params.nougat_command
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.pdf"
        image.convert("RGB").save(page, "PDF", resolution=dpi)
        subprocess.run([settings.command, str(page), "--out", folder, "--checkpoint", settings.checkpoint,
                        "--no-skipping", "--recompute"], check=True, capture_output=True, stdin=subprocess.DEVNULL)
        text = (Path(folder) / "page.mmd").read_text(encoding="utf-8")
    return Recognised([], text.strip(), image.width * 72 / dpi, image.height * 72 / dpi, 0, None)
