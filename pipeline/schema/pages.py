"""The `pages` table of `curate_extract`: how each PDF page and image got its text.

Key: `path`, `locator`, `page`. Order: by key. It holds no text. A file that was refused has no rows.
"""

from typing import Literal, get_args

import polars as pl

PageDecision = Literal["text", "ocr_layer", "poor_layer", "garbled", "scan", "image", "maths", "blank"]
DECISIONS: tuple[str, ...] = get_args(PageDecision)
RECOGNISED = ("poor_layer", "garbled", "scan", "image")
"""Decisions after which a page is read by OCR; `maths` too, where an engine for it is named."""

PAGES: dict[str, pl.DataType] = {
    "path": pl.String(),
    "locator": pl.String(),
    "page": pl.Int64(),
    "decision": pl.String(),
    "score": pl.Float64(),
    "engine": pl.String(),
    "image_sha256": pl.String(),
    "turned": pl.Int64(),
    "confidence": pl.Float64(),
}
"""
path          of the file in the lake
locator       place in a file that holds files; "" for the file itself
page          from 1; a frame of a TIFF counts as a page
decision      text: the text layer is good; ocr_layer: a scan's own layer, good enough; poor_layer: one that
              is not; garbled: letters without a meaning or in no order of a language; scan: an image alone;
              image: the file is an image; maths: full of formulas; blank: nothing to read
score         what the decision rests on. text, ocr_layer, poor_layer, garbled: share of characters in words
              that can be words; scan: share of the page under images; maths: share of characters in
              formulas; null for image and blank
engine        what gave the text: layer, rapidocr, tesseract, nougat, nougat-ocr; "" when there is none
image_sha256  of the pixels that were recognised; null when none were
turned        degrees clockwise the page was turned to be read: 0, 90, 180, 270
confidence    of the engine, mean over characters; null when it gives none
"""
