"""Text on an image, by rapidocr (PP-OCR in ONNX; the models are in its wheel, no download).

One thread: sums that are split another way round another way, and work is spread over processes.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.extract.page import Piece
from pipeline.schema.curate_extract import Ocr

LINE_TO_SIZE = 0.75
"""Type size over the height of a detected line box, which has room above and below."""

HEADING_LIKE = re.compile(r"\d{1,2}(\.\d{1,2})* [A-Z][^.;:!?]{2,60}")
"""Recognition does not tell bold from light; a short numbered line without a stop is taken as bold."""


def recognise(image: Any, params: Ocr, dpi: int) -> list[Piece]:
    """Lines on `image` (PIL, at `dpi`) as pieces in points."""
    import numpy as np

    result = _engine(params.side, params.batch, params.min_score)(np.asarray(image.convert("RGB")))
    if result.boxes is None or result.txts is None:
        return []
    unit = 72 / dpi
    return [_piece(box * unit, text) for box, text in zip(result.boxes, result.txts, strict=True)]


def _piece(box: Any, text: str) -> Piece:
    """The upright box in the middle of a slightly turned line: its height is that of the line's ends."""
    left, right = float(box[:, 0].min()), float(box[:, 0].max())
    height = float((box[3, 1] - box[0, 1] + box[2, 1] - box[1, 1]) / 2)
    middle = float(box[:, 1].mean())
    stands_out = HEADING_LIKE.fullmatch(text) is not None
    return Piece(left, middle - height / 2, right, middle + height / 2, round(height * LINE_TO_SIZE), stands_out, text)


@cache
def _engine(side: int, batch: int, min_score: float) -> Any:
    import rapidocr

    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(params={
        "Global.use_cls": False, "Global.text_score": min_score, "Global.log_level": "error",
        "Global.model_root_dir": str(models), "Global.max_side_len": 10_000,
        "Det.limit_type": "max", "Det.limit_side_len": side, "Rec.rec_batch_num": batch,
        "EngineConfig.onnxruntime.intra_op_num_threads": 1, "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    })
