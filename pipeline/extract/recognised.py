"""What an OCR engine gives for one image."""

import hashlib
from typing import Any, NamedTuple

from pipeline.extract.page import Piece


class Recognised(NamedTuple):
    """Text with places, or the finished Markdown of an engine that sees the layout itself."""

    pieces: list[Piece]
    """In points, y downwards, on the image as turned."""
    markdown: str
    """"" where `pieces` hold the text."""
    width: float
    """Points, of the image as turned."""
    height: float
    turned: int
    """Degrees clockwise that the image was turned: 0, 90, 180, 270."""
    confidence: float | None
    """Mean over characters; None when the engine gives none."""


def image_sha256(image: Any) -> str:
    """Digest of the pixels: equal images in different files or formats have one."""
    head = f"{image.mode} {image.width}x{image.height}\n".encode()
    return hashlib.sha256(head + image.tobytes()).hexdigest()


def mean_confidence(found: list[tuple[str, float]]) -> float | None:
    """Of (text, confidence) pairs, weighted by length, to four digits."""
    length = sum(len(text) for text, _ in found)
    return round(sum(len(text) * score for text, score in found) / length, 4) if length else None
