"""Measure OCR: character error rate and pages/s of every engine on the same page images, in one run.

    python bench/ocr.py --scans D08_FOLDER --pages D03_FOLDER --out RESULT.json [--engines NAME ...]

Data sets: image-only PDFs with exact text truth (`--scans`: pdf/*.pdf, truth/*.txt); SROIE receipts (image,
lines in boxes), tesseract's test pages and OCRmyPDF's `linn`, each apart (`--pages`).

Engines: `ours` is the pipeline's default with its layout; `ours+tesseract` the program tesseract through
our layout; `tesseract` the program's own text output (psm 3); `rapidocr` the package as it comes, lines as
it gives them; `rapidocr-onnxruntime`, the older package, when it can be imported. One thread each.

Character error rate: Levenshtein distance over the truth's length, blanks folded, Markdown marks of ours
taken off. `bag` is the share of the truth's words that were not found, whatever the order: it does not
blame an engine for another, equally good order of columns or of a receipt's cells. Time is CPU time of
the process and its children; rendering is not in it.
"""

import argparse
import csv
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pypdfium2 as pdfium
from PIL import Image

from pipeline.extract import rapid, tesseract
from pipeline.extract.headings import to_markdown
from pipeline.extract.page import blocks
from pipeline.extract.recognised import Recognised
from pipeline.schema.curate_extract import CurateExtract
from pipeline.stage.outputs import write_json
from pipeline.stage.params import load_section

RECEIPTS = "SROIE receipts"
"""Their truth is in capitals whatever stands on the receipt, so capitals are compared."""
TESSERACT_TRUTHS = {
    "phototest.tif": "phototest.gold.txt",
    "phototest-rotated-180.png": "phototest.gold.txt",
    "phototest-rotated-L.png": "phototest.gold.txt",
    "phototest-rotated-R.png": "phototest.gold.txt",
    "eurotext.tif": "eurotext.txt",
    "8071_093.3B.tif": "8071_093.3B.txt",
}


class Example(NamedTuple):
    """One page image and what stands on it."""

    data_set: str
    name: str
    image: Image.Image
    truth: str


def main() -> None:
    """Every engine on every page; a table on stdout, JSON with each page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ("--scans", "--pages", "--out"):
        parser.add_argument(flag, type=Path, required=True)
    parser.add_argument("--engines", nargs="*", default=[])
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    arguments = parser.parse_args()
    params = load_section(CurateExtract, "curate_extract", arguments.params)
    engines = {name: read for name, read in _engines(params).items() if name in (arguments.engines or [name])}
    rows = []
    for example in _examples(arguments.scans, arguments.pages, params.ocr.dpi):
        for name, read in engines.items():
            rows.append(_measured(example, name, read))
            print(rows[-1], file=sys.stderr, flush=True)
    write_json(arguments.out, rows)
    for line in _table(rows):
        print(line)


def _engines(params: CurateExtract) -> dict[str, Callable[[Image.Image], str]]:
    def laid_out(recognise: Callable[..., Recognised]) -> Callable[[Image.Image], str]:
        def read(image: Image.Image) -> str:
            found = recognise(image, params.ocr, params.ocr.dpi)
            return _bare(to_markdown([blocks(found.pieces, found.width)], params.layout))
        return read

    found = {"ours": laid_out(rapid.recognise), "rapidocr": _rapidocr}
    if _has(["tesseract", "--version"]):
        found |= {"ours+tesseract": laid_out(tesseract.recognise), "tesseract": _tesseract}
    if _old_rapidocr() is not None:
        found["rapidocr-onnxruntime"] = lambda image: _lines(_old_rapidocr()(_rgb(image))[0])
    return found


def _has(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _rgb(image: Image.Image) -> Any:
    return np.asarray(image.convert("RGB"))


def _rapidocr(image: Image.Image) -> str:
    found = _stock()(_rgb(image))
    return "\n".join(found.txts or ())


@cache
def _stock() -> Any:
    import rapidocr

    return rapidocr.RapidOCR(params={"Global.log_level": "error",
                                     "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                                     "EngineConfig.onnxruntime.inter_op_num_threads": 1})


@cache
def _old_rapidocr() -> Any:
    try:
        from rapidocr_onnxruntime import RapidOCR
    except ImportError:
        return None
    return RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)


def _lines(found: Any) -> str:
    return "\n".join(text for _, text, _ in found or [])


def _tesseract(image: Image.Image) -> str:
    packed = BytesIO()
    image.convert("L").save(packed, "PNG", compress_level=1)
    done = subprocess.run(["tesseract", "stdin", "stdout", "-l", "eng", "--psm", "3", "--dpi", "200"],
                          input=packed.getvalue(), capture_output=True, check=True,
                          env=os.environ | {"OMP_THREAD_LIMIT": "1"})
    return done.stdout.decode()


def _bare(markdown: str) -> str:
    """Our text without the marks that an image does not show."""
    text = re.sub(r"^\|(?:-+\|)+$", "", markdown, flags=re.MULTILINE)
    return re.sub(r"^(?:#+|-) |\*\*|(?<!\\)\|", " ", text, flags=re.MULTILINE).replace("\\|", "|")


def _examples(scans: Path, pages: Path, dpi: int) -> Iterator[Example]:
    for path in sorted((scans / "pdf").glob("*.pdf")):
        yield Example("scanned policies", path.stem, _rendered(path, dpi), _read(scans / "truth" / f"{path.stem}.txt"))
    for path in sorted((pages / "sroie" / "img").glob("*.jpg")):
        with (pages / "sroie" / "box" / f"{path.stem}.csv").open(encoding="utf-8", errors="replace") as stream:
            lines = [",".join(row[8:]) for row in csv.reader(stream, quoting=csv.QUOTE_NONE) if len(row) > 8]
        yield Example(RECEIPTS, path.stem, Image.open(path), "\n".join(lines))
    for name, truth in TESSERACT_TRUTHS.items():
        yield Example("tesseract pages", name, Image.open(pages / "tesseract" / name),
                      _read(pages / "tesseract" / truth))
    yield Example("OCRmyPDF linn", "linn", Image.open(pages / "ocrmypdf" / "linn.png"),
                  _read(pages / "ocrmypdf" / "linn.txt"))


def _rendered(path: Path, dpi: int) -> Image.Image:
    document = pdfium.PdfDocument(path)
    return document[0].render(scale=dpi / 72, grayscale=True).to_pil()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _measured(example: Example, engine: str, read: Callable[[Image.Image], str]) -> dict[str, Any]:
    before = os.times()
    started = time.perf_counter()
    text = read(example.image)
    wall, after = time.perf_counter() - started, os.times()
    cpu = sum(getattr(after, name) - getattr(before, name)
              for name in ("user", "system", "children_user", "children_system"))
    wanted, got = " ".join(example.truth.split()), " ".join(text.split())
    if example.data_set == RECEIPTS:
        wanted, got = wanted.upper(), got.upper()
    return {"data_set": example.data_set, "name": example.name, "engine": engine, "chars": len(wanted),
            "edits": distance(wanted, got), "words": len(wanted.split()), "missed": _missed(wanted, got),
            "cpu_s": round(cpu, 3), "wall_s": round(wall, 3)}


def _missed(wanted: str, got: str) -> int:
    return (Counter(wanted.split()) - Counter(got.split())).total()


def distance(one: str, other: str) -> int:
    """Levenshtein's, a row of the table at a time: insertions by a running minimum."""
    target = np.array([ord(letter) for letter in other], dtype=np.int64)
    steps = np.arange(len(other) + 1)
    row = steps.copy()
    for number, letter in enumerate(one, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (target != ord(letter)))
        best = np.concatenate([[number], best])
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"{'data set':18} {'engine':22} pages   CER     bag    CPU s/page  pages/s"
    for data_set in dict.fromkeys(row["data_set"] for row in rows):
        for engine in dict.fromkeys(row["engine"] for row in rows):
            part = [row for row in rows if (row["data_set"], row["engine"]) == (data_set, engine)]
            total = {key: sum(row[key] for row in part) for key in ("chars", "edits", "words", "missed", "cpu_s")}
            yield (f"{data_set:18} {engine:22} {len(part):5}  {total['edits'] / total['chars']:.4f}  "
                   f"{total['missed'] / total['words']:.4f}  {total['cpu_s'] / len(part):9.2f}  "
                   f"{len(part) / total['cpu_s']:7.2f}")


if __name__ == "__main__":
    main()
