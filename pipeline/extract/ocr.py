"""Text on an image: by the engine that params name for its source, each image once.

Results are kept under the pixels' digest and the engine's identity, so a page that is in the lake twice,
or again after a killed run, is recognised once. An entry carries a digest of itself: one that was cut or
changed is recognised anew, never trusted.
"""

import hashlib
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.extract import nougat, nougat_command, rapid, tesseract
from pipeline.extract.page import Piece
from pipeline.extract.recognised import Recognised, image_sha256
from pipeline.schema.curate_extract import Ocr
from pipeline.stage.closure import import_closure
from pipeline.stage.hashing import file_sha256

ROOT = Path(__file__).resolve().parents[2]
CODE = Path("pipeline/extract/ocr.py")


class Engine(NamedTuple):
    """One way to read an image."""

    recognise: Callable[[Any, Ocr, int], Recognised]
    identity: Callable[[Ocr], dict[str, str]]
    check: Callable[[Ocr], None]


def _always_there(_: Ocr) -> None:
    """The default engine is a pinned dependency."""


ENGINES: dict[str, Engine] = {
    "rapidocr": Engine(rapid.recognise, rapid.identity, _always_there),
    "tesseract": Engine(tesseract.recognise, tesseract.identity, tesseract.check),
    "nougat": Engine(nougat.recognise, nougat.identity, nougat.check),
    "nougat-ocr": Engine(nougat_command.recognise, nougat_command.identity, nougat_command.check),
}


def check_engines(params: Ocr) -> dict[str, dict[str, str]]:
    """The identity of every engine that some page may need.

    Raises:
        BadInput: one of them is not there; nothing is read then, and no other takes its place.
    """
    for name in sorted(params.asked()):
        ENGINES[name].check(params)
    return {name: ENGINES[name].identity(params) for name in sorted(params.asked())}


def recognise(image: Any, engine: str, params: Ocr, kept_in: Path | None) -> tuple[Recognised, str]:
    """What `engine` reads on `image` (PIL, at `params.dpi`), and the image's digest.

    Args:
        kept_in: folder of results; None to keep none.
    """
    digest = image_sha256(image)
    if kept_in is None:
        return ENGINES[engine].recognise(image, params, params.dpi), digest
    path = kept_in / digest[:2] / f"{digest}-{identity_digest(engine, params.model_dump_json())}.json"
    found = kept(path)
    if found is None:
        found = ENGINES[engine].recognise(image, params, params.dpi)
        keep(path, found)
    return found, digest


@cache
def identity_digest(engine: str, params: str) -> str:
    """Of everything but the image that decides a result; `params` as JSON. Equal within a run."""
    ocr = Ocr.model_validate_json(params)
    code = {path: file_sha256(ROOT / path) for path in import_closure(CODE, ROOT)}
    decides = {"engine": engine, "dpi": ocr.dpi, "code": code, **ENGINES[engine].identity(ocr)}
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:32]


def kept(path: Path) -> Recognised | None:
    """The result in an entry; None when there is none, or none that is whole."""
    try:
        head, _, body = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    if head.decode("ascii", "replace") != _seal(path, body):
        return None
    pieces, *rest = json.loads(body)
    return Recognised([Piece(*piece) for piece in pieces], *rest)


def keep(path: Path, found: Recognised) -> None:
    """Write an entry, whole or not at all."""
    body = json.dumps(found, ensure_ascii=False).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_bytes(_seal(path, body).encode() + b"\n" + body)
    os.replace(scratch, path)


def forget_images(kept_in: Path, images: set[str]) -> None:
    """Leave the results for images of these digests alone: what left the lake leaves the cache too."""
    for path in kept_in.glob("??/*"):
        if path.name.partition("-")[0] not in images:
            path.unlink()


def _seal(path: Path, body: bytes) -> str:
    """Digest of an entry's name and content: neither can be exchanged alone."""
    return hashlib.sha256(path.name.encode() + b"\n" + body).hexdigest()
