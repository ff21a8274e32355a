"""Image files: text by OCR, one page a frame."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps

from pipeline.extract.headings import to_markdown
from pipeline.extract.ocr import recognise
from pipeline.extract.page import Block, blocks
from pipeline.extract.records import PageRow, Record, Source, limit


def read_image(source: Source) -> Iterator[Record]:
    """The image, or every frame of a TIFF, as one record."""
    limits, params = source.params.limits, source.params
    Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before anything is unpacked
    pages = []
    with Image.open(BytesIO(source.data), formats=("PNG", "JPEG", "TIFF")) as image:
        frames = getattr(image, "n_frames", 1)
        limit("max_ocr_pages", frames, min(limits.max_ocr_pages, limits.max_pages))
        for frame in range(frames):
            image.seek(frame)
            limit("max_pixels", image.width * image.height, limits.max_pixels)
            pages.append(_blocks(image, frame + 1, source))
            source.alive()
    yield Record(to_markdown(pages, params.layout), None, None, "", None)


def _blocks(image: Any, number: int, source: Source) -> list[Block]:
    """One frame, as its Exif orientation says it is to be seen."""
    ocr = source.params.ocr
    engine = ocr.engine_of(source.origin)
    found, digest = recognise(ImageOps.exif_transpose(image), engine, ocr, source.cache)
    source.page(PageRow("", number, "image", None, engine, digest, found.turned, found.confidence))
    if found.markdown:
        return [Block("markdown", found.markdown, 0.0, bold=False)]
    return blocks(found.pieces, found.width)
