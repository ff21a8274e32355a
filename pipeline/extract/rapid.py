"""Engine `rapidocr`: PP-OCR in ONNX; the models are in its wheel, no download.

One thread: sums that are split another way round another way, and work is spread over processes.
"""

import re
from functools import cache
from importlib.metadata import version
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

from pipeline.extract.page import Piece
from pipeline.extract.recognised import Recognised, mean_confidence
from pipeline.schema.curate_extract import Ocr, Rapidocr
from pipeline.stage.hashing import file_sha256

LINE_TO_SIZE = 0.75
"""Type size over the height of a detected line box, which has room above and below."""
HEADING_LIKE = re.compile(r"\d{1,2}(\.\d{1,2})* [A-Z][^.;:!?]{2,60}")
"""Recognition does not tell bold from light; a short numbered line without a stop is taken as bold."""
TALL = 1.5
"""Height over width from which a box is a line that runs up or down the image."""
PROBES = 9
"""Widest lines that are asked whether they stand upside down."""
UPSIDE_DOWN = "180"
SIDE_STEP = 320
"""Longest sides for a second, closer look are multiples of this: each has an engine of its own."""
LEAST_SKEW = 0.3
"""Degrees from which boxes are turned back: half an em over the width of a page."""
SEEN_AGAIN = 0.9
"""Share of the first look's length of lines that the closer one must find: on a nearly empty sheet it finds none."""
SAME_COLUMN = 0.5
"""Share of a line's width that lies above or under its neighbour's."""
SAME_PARAGRAPH = 1.2
"""Most heights of a line from the middle of one to the middle of the next; a heading stands farther off."""

Pixels = Any
"""(height, width, 3) uint8."""
Boxes = Any
"""(lines, 4, 2) float: corners from the top left, clockwise as the line is read."""


def recognise(image: Any, params: Ocr, dpi: int) -> Recognised:
    """Lines on `image` (PIL, at `dpi`) as pieces in points, the image turned so that they stand upright."""
    import numpy as np

    settings = params.rapidocr
    engine = _engine(settings.side, settings.batch)
    pixels = np.asarray(image.convert("RGB"))
    finder, boxes = _looked(pixels, settings)
    pixels, boxes, turned = _upright(engine, finder, pixels, boxes)
    unit = 72 / dpi
    height, width = pixels.shape[0] * unit, pixels.shape[1] * unit
    if boxes is None:
        return Recognised([], "", width, height, turned, None)
    read = engine.recognize_txt(engine.crop_text_regions(pixels, boxes))
    lines = [(box, text, float(score))
             for box, text, score in zip(_level(boxes) * unit, read.txts, read.scores, strict=True)
             if text.strip() and score >= settings.min_score]
    pieces = even_sizes([_piece(box, text) for box, text, _ in lines])
    return Recognised(pieces, "", width, height, turned, mean_confidence([line[1:] for line in lines]))


def identity(params: Ocr) -> dict[str, str]:
    """What decides the text beside the image and our code."""
    found = {name: version(name) for name in ("rapidocr", "onnxruntime", "numpy")}
    models = {path.name: file_sha256(path) for path in sorted(_models().glob("*.onnx"))}
    return {**found, **models, "params": params.rapidocr.model_dump_json()}


def _upright(engine: Any, finder: Any, pixels: Pixels, boxes: Boxes) -> tuple[Pixels, Boxes, int]:
    """The image turned by quarters until its lines, found by `finder`, run to the right and stand on their feet."""
    import numpy as np

    turned = 0
    if boxes is not None and _run_down(boxes):
        pixels, turned = np.ascontiguousarray(np.rot90(pixels, -1)), 90
        boxes = _detected(finder, pixels)
    if boxes is not None and _upside_down(engine, pixels, boxes):
        pixels, turned = np.ascontiguousarray(np.rot90(pixels, 2)), turned + 180
        boxes = _detected(finder, pixels)
    return pixels, boxes, turned


def _detected(engine: Any, pixels: Pixels) -> Boxes:
    """Boxes of lines, from the top; None when there is none."""
    return engine(pixels, use_det=True, use_cls=False, use_rec=False).boxes


def _looked(pixels: Pixels, settings: Rapidocr) -> tuple[Any, Boxes]:
    """The lines, and the engine that found them: the usual one, or one that looks closer at low lines."""
    usual = _engine(settings.side, settings.batch)
    boxes = _detected(usual, pixels)
    side = _closer_side(pixels, boxes, settings)
    if side == settings.side:
        return usual, boxes
    closer = _engine(side, settings.batch)
    again = _detected(closer, pixels)
    return (closer, again) if _length(again) >= SEEN_AGAIN * _length(boxes) else (usual, boxes)


def _closer_side(pixels: Pixels, boxes: Boxes, settings: Rapidocr) -> int:
    """Longest side at which the detector sees the usual line large enough; `settings.side` when it has."""
    import numpy as np

    longest = max(pixels.shape[:2])
    if boxes is None or longest <= settings.side:  # no image is made larger than it is
        return settings.side
    seen = float(np.median(np.hypot(*(boxes[:, 3] - boxes[:, 0]).T))) * settings.side / longest
    if seen >= settings.min_line_px:
        return settings.side
    wanted = settings.side * settings.line_px / max(seen, 1.0)
    return max(min(ceil(wanted / SIDE_STEP) * SIDE_STEP, settings.max_side), settings.side)


def _length(boxes: Boxes) -> float:
    """Of all lines, in pixels."""
    return 0.0 if boxes is None else float(abs(boxes[:, 1] - boxes[:, 0]).max(axis=1).sum())


def _run_down(boxes: Boxes) -> bool:
    """Whether most of the length of all lines lies across the reading direction."""
    sides = [(abs(box[1] - box[0]).max(), abs(box[3] - box[0]).max()) for box in boxes]
    tall = sum(height for width, height in sides if height > TALL * width)
    wide = sum(width for width, height in sides if width > TALL * height)
    return bool(tall > wide)


def _upside_down(engine: Any, pixels: Pixels, boxes: Boxes) -> bool:
    """The verdict of the wheel's direction classifier on the widest lines, when reading agrees with it."""
    import numpy as np

    widest = sorted(boxes, key=lambda box: float(abs(box[1] - box[0]).max()), reverse=True)[:PROBES]
    crops = engine.crop_text_regions(pixels, widest)
    verdicts = engine.cls_and_rotate(crops)[1].cls_res
    against = [crop for crop, (label, _) in zip(crops, verdicts, strict=True) if UPSIDE_DOWN in label]
    if 2 * len(against) <= len(crops):
        return False
    as_is = engine.recognize_txt(against).scores
    over = engine.recognize_txt([np.ascontiguousarray(crop[::-1, ::-1]) for crop in against]).scores
    return bool(sum(over) > sum(as_is))


def _level(boxes: Boxes) -> Boxes:
    """The boxes of a page that lies askew, turned back about its middle."""
    import numpy as np

    edges = boxes[:, 1] - boxes[:, 0]
    widths, angles = np.hypot(edges[:, 0], edges[:, 1]), np.arctan2(edges[:, 1], edges[:, 0])
    order = np.argsort(angles, kind="stable")
    passed = np.cumsum(widths[order])
    angle = float(angles[order][np.searchsorted(passed, passed[-1] / 2)])  # the median by length of line
    if abs(np.degrees(angle)) < LEAST_SKEW:
        return boxes
    middle = boxes.reshape(-1, 2).mean(axis=0)
    back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (boxes - middle) @ back.T + middle


def _piece(box: Any, text: str) -> Piece:
    """The upright box in the middle of a slightly turned line: its height is that of the line's ends."""
    left, right = float(box[:, 0].min()), float(box[:, 0].max())
    height = float((box[3, 1] - box[0, 1] + box[2, 1] - box[1, 1]) / 2)
    middle = float(box[:, 1].mean())
    stands_out = HEADING_LIKE.fullmatch(text) is not None
    return Piece(left, middle - height / 2, right, middle + height / 2, round(height * LINE_TO_SIZE), stands_out, text)


def even_sizes(pieces: list[Piece]) -> list[Piece]:
    """Lines in the middle of a paragraph get its size: the height of a box varies with the letters in it."""
    return [piece._replace(size=median((above.size, piece.size, below.size)))
            if above is not None and below is not None and abs(above.size - below.size) <= 1 else piece
            for piece in pieces for above, below in [(_next(piece, pieces, -1), _next(piece, pieces, 1))]]


def _next(piece: Piece, pieces: list[Piece], way: int) -> Piece | None:
    """The line of the same paragraph above (-1) or below (1); None when the nearest stands apart."""
    def distance(other: Piece) -> float:
        return way * (other.top + other.bottom - piece.top - piece.bottom) / 2

    near = [other for other in pieces if distance(other) > 0.5 * (other.bottom - other.top)
            and min(other.x1, piece.x1) - max(other.x0, piece.x0) > SAME_COLUMN * (piece.x1 - piece.x0)]
    found = min(near, key=distance, default=None)
    if found is None or distance(found) > SAME_PARAGRAPH * min(found.bottom - found.top, piece.bottom - piece.top):
        return None
    return found


def _models() -> Path:
    import rapidocr

    return Path(rapidocr.__file__).parent / "models"


@cache
def _engine(side: int, batch: int) -> Any:
    import rapidocr

    return rapidocr.RapidOCR(params={
        "Global.log_level": "error", "Global.model_root_dir": str(_models()), "Global.max_side_len": 10_000,
        "Det.limit_type": "max", "Det.limit_side_len": side, "Rec.rec_batch_num": batch,
        "EngineConfig.onnxruntime.intra_op_num_threads": 1, "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    })
