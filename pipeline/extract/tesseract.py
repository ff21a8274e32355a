"""Engine `tesseract`: the program of that name, where it is installed and asked for.

It is run once for the direction of the page and once for its words; the words' places go through the
same layout as any other page's.
"""

import csv
import io
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from pipeline.extract.page import Piece
from pipeline.extract.recognised import Recognised, mean_confidence
from pipeline.schema.curate_extract import Ocr
from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import file_sha256

PROGRAM = "tesseract"
DIRECTION_DATA = "osd"
"""The traineddata that tells a page's direction; Debian installs it with the program."""
SURE = 2.0
"""Confidence from which the told direction is believed: below it is about chance."""
WIDE_GAP = 1.6
"""Line heights between two words that end a piece: a gutter or a cell border."""
SIZE_OF_LINE = 0.8
"""Type size over the height of a line's box, which reaches from ascenders to descenders."""
WORD_LEVEL = "5"


def check(params: Ocr) -> None:
    """Raise `BadInput` when the program or a language of it is not there."""
    where = "params.yaml: `curate_extract.ocr`"
    if shutil.which(PROGRAM) is None:
        raise BadInput(where, "asks for the engine tesseract, which is not installed", wanted=f"`{PROGRAM}` on PATH",
                       do="install it (Debian: tesseract-ocr) or set the engine to rapidocr")
    missing = sorted(set(_languages(params)) - _installed())
    if missing:
        raise BadInput(where, f"tesseract has no data for {missing}", wanted=str(sorted(_installed())),
                       do=f"install {', '.join(f'tesseract-ocr-{name}' for name in missing)} or correct `language`")


def identity(params: Ocr) -> dict[str, str]:
    """What decides the text beside the image and our code."""
    program = _run(["--version"]).decode().splitlines()[0]
    data = {name: file_sha256(_data_folder() / f"{name}.traineddata")
            for name in {*_languages(params), *({DIRECTION_DATA} & _installed())}}
    return {"program": program, **data, "params": params.tesseract.model_dump_json()}


def recognise(image: Any, params: Ocr, dpi: int) -> Recognised:
    """Words on `image` (PIL, at `dpi`) as pieces in points, the image turned upright."""
    settings = params.tesseract
    turned = _direction(image, dpi) if DIRECTION_DATA in _installed() else 0
    upright = image.rotate(-turned, expand=True) if turned else image
    table = _run(["stdin", "stdout", "-l", settings.language, "--psm", str(settings.psm), "--dpi", str(dpi), "tsv"],
                 _png(upright)).decode()
    words = [word for word in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
             if word["level"] == WORD_LEVEL and word["text"].strip() and _score(word) >= settings.min_score]
    pieces = [piece for _, line in groupby(words, _line) for piece in _pieces(list(line), 72 / dpi)]
    confidence = mean_confidence([(word["text"], _score(word)) for word in words])
    return Recognised(pieces, "", upright.width * 72 / dpi, upright.height * 72 / dpi, turned, confidence)


Word = dict[str, str]


def _line(word: Word) -> tuple[str, str, str]:
    return word["block_num"], word["par_num"], word["line_num"]


def _score(word: Word) -> float:
    return float(word["conf"]) / 100


def _pieces(line: list[Word], unit: float) -> Iterator[Piece]:
    """The line's words, cut at wide gaps; size and height are those of the whole line."""
    boxes = [[int(word[side]) for side in ("left", "top", "width", "height")] for word in line]
    top, bottom = min(box[1] for box in boxes), max(box[1] + box[3] for box in boxes)
    start = 0
    for end in range(1, len(line) + 1):
        if end < len(line) and boxes[end][0] - boxes[end - 1][0] - boxes[end - 1][2] < WIDE_GAP * (bottom - top):
            continue
        text = " ".join(word["text"].strip() for word in line[start:end])
        right = boxes[end - 1][0] + boxes[end - 1][2]
        yield Piece(boxes[start][0] * unit, top * unit, right * unit, bottom * unit,
                    float(round((bottom - top) * unit * SIZE_OF_LINE)), False, text)
        start = end


def _direction(image: Any, dpi: int) -> int:
    """Degrees clockwise to turn the image; 0 when there is too little text to tell."""
    told = _run(["stdin", "stdout", "--psm", "0", "--dpi", str(dpi)], _png(image), may_fail=True).decode()
    degrees = re.search(r"^Rotate: (\d+)$", told, re.MULTILINE)
    sure = re.search(r"^Orientation confidence: ([\d.]+)$", told, re.MULTILINE)
    return int(degrees[1]) if degrees and sure and float(sure[1]) >= SURE else 0


def _png(image: Any) -> bytes:
    packed = io.BytesIO()
    image.convert("L").save(packed, "PNG", compress_level=1)
    return packed.getvalue()


def _languages(params: Ocr) -> list[str]:
    return params.tesseract.language.split("+")


def _installed() -> set[str]:
    return set(_run(["--list-langs"]).decode().splitlines()[1:])


def _data_folder() -> Path:
    """Where the program says its traineddata is."""
    told = re.search(r'"([^"]+)"', _run(["--list-langs"]).decode().splitlines()[0])
    assert told is not None  # 4.0 and later print the folder in quotes
    return Path(told[1])


def _run(arguments: list[str], stdin: bytes = b"", *, may_fail: bool = False) -> bytes:
    """What the program prints; one thread, so that sums are split one way."""
    done = subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, check=not may_fail,
                          env=os.environ | {"OMP_THREAD_LIMIT": "1"})
    return done.stdout
