"""Image files: text by OCR, one page a frame."""

from collections.abc import Iterator
from io import BytesIO

from PIL import Image

from pipeline.extract.headings import to_markdown
from pipeline.extract.ocr import recognise
from pipeline.extract.page import blocks
from pipeline.extract.records import Record, Source, limit


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
            width = image.width * 72 / params.ocr.dpi
            pages.append(blocks(recognise(image, params.ocr, params.ocr.dpi), width))
            source.alive()
    yield Record(to_markdown(pages, params.layout), None, None, "", None)
