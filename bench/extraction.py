"""Extraction on real files: formats of one text against each other, HTML against its peers, rates, faults.

    python bench/extraction.py CORPORA [TRAFILATURA]

CORPORA is a folder of sets of documents (A01-..., A03-...); TRAFILATURA is the folder `tests` of
github.com/adbar/trafilatura, whose 990 annotated pages are trafilatura's own benchmark. OCR is off: pages that
need it are refused as `limit_exceeded` and have a bench of their own. Times are CPU seconds of this process.
"""

import argparse
import html
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import polars as pl
import trafilatura
from lxml import html as lxml_html
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding

from pipeline.extract.reader_process import RECURSION
from pipeline.extract.readers import read_records
from pipeline.extract.records import BadRecord, Record, Refusal, Source
from pipeline.extract.sniff import mime_of
from pipeline.schema.curate_extract import CurateExtract
from pipeline.stage.params import load_section

GRAM = 5
"""Words of a shingle."""
PAIRS = (
    ("OSCAL rev 4, XML and JSON", "A01-nist-oscal/rev4/xml/*.xml", "A01-nist-oscal/rev4/json/*.json"),
    ("Federal PKI policy, DOCX and PDF", "A03-gsa-idmanagement/docs/fpki-x509-cert-policy-common.docx",
     "A03-gsa-idmanagement/docs/fpki-x509-cert-policy-common.pdf"),
    ("DFARS PGI, DOCX and PDF", "A11-acquisition-regs/DFARS-PGI/docx/*.docx",
     "A11-acquisition-regs/DFARS-PGI/pdf/*.pdf"),
    ("GDPR, HTML and JSON", "A07-gdpr/gdpr.html", "A07-gdpr/gdpr.json"),
)
MARKS = re.compile(r"^\s*(?:#+ |- |\d+\. |>)|\*\*|\[\^\d+\]:?|^\|[-|]+$|\|", re.MULTILINE)
"""Marks of Markdown: no words of the text."""
NUM_MADE = 200
"""Pages made of a known text and the furniture of a real page."""


class Likeness(NamedTuple):
    """How alike two texts are; all in [0, 1]."""

    precision: float
    """Share of the second text's words that are in the first."""
    recall: float
    f1: float
    order: float
    """Jaccard index of the sets of word 5-grams: it sees order."""


def words(text: str) -> list[str]:
    """Lower-case words without marks of Markdown."""
    return re.findall(r"\w+", MARKS.sub(" ", text).lower())


def likeness(truth: str, found: str) -> Likeness:
    """Of bags of words and of sets of word 5-grams."""
    one, two = words(truth), words(found)
    common = sum((Counter(one) & Counter(two)).values())
    precision, recall = common / max(len(two), 1), common / max(len(one), 1)
    grams = [{tuple(part[start:start + GRAM]) for start in range(len(part) - GRAM + 1)} for part in (one, two)]
    order = len(grams[0] & grams[1]) / max(len(grams[0] | grams[1]), 1)
    return Likeness(precision, recall, 2 * precision * recall / max(precision + recall, 1e-9), order)


def records(path: Path, params: CurateExtract) -> list[Record | BadRecord]:
    """Everything the file's reader gives."""
    data = path.read_bytes()
    return list(read_records(Source(path.name, data, mime_of(path.name, BytesIO(data)), params, lambda: None)))


def text_of(path: Path, params: CurateExtract) -> str:
    """The file's text."""
    return "\n\n".join(record.text for record in records(path, params) if isinstance(record, Record))


def formats(corpora: Path, params: CurateExtract) -> Iterator[str]:
    """One text in two formats: the first is taken for the truth."""
    yield "one text, two formats                  precision  recall     F1  5-grams"
    for name, *patterns in PAIRS:
        one, two = (text_of(next(iter(sorted(corpora.glob(pattern)))), params) for pattern in patterns)
        yield f"{name:40}" + "".join(f"{value:8.4f}" for value in likeness(one, two))
    folder = corpora / "A12-earnings-calls"
    rows = pl.read_parquet(folder / "earnings22.parquet")
    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    column = max(texts, key=lambda name: rows[name].str.len_bytes().sum())
    calls = records(folder / "earnings22.parquet", params)
    lost = [likeness(raw, call.text) for raw, call in zip(rows[column], calls, strict=True) if isinstance(call, Record)]
    yield f"{'earnings calls, Parquet to record':40}" + "".join(
        f"{sum(values) / len(lost):8.4f}" for values in zip(*lost, strict=True))
    plain = [likeness(path.read_text(), text_of(path, params)) for path in sorted(folder.glob("txt/*.txt"))]
    yield f"{'earnings calls, TXT to record':40}" + "".join(
        f"{sum(values) / len(plain):8.4f}" for values in zip(*plain, strict=True))


class Cost(NamedTuple):
    """What the files of one type took."""

    files: int
    num_bytes: int
    chars: int
    seconds: float


def everything(corpora: Path, params: CurateExtract) -> Iterator[str]:
    """Read every file of every set; a fault is an exception that is no verdict on the file."""
    costs: dict[str, Cost] = {}
    verdicts: Counter[str] = Counter()
    faults: list[str] = []
    for path in sorted(path for path in corpora.rglob("*") if path.is_file()):
        with path.open("rb") as stream:
            mime = mime_of(path.name, stream)
        before, chars = time.process_time(), 0
        try:
            for record in records(path, params):
                chars += len(record.text) if isinstance(record, Record) else 0
                verdicts["record" if isinstance(record, Record) else record.reason] += 1
        except Refusal as verdict:
            verdicts[f"file: {verdict.reason}"] += 1
        except Exception as err:  # what the reader process answers `unreadable` to
            verdicts["file: unreadable"] += 1
            faults.append(f"{type(err).__name__} {path.relative_to(corpora)}")
        old = costs.get(mime, Cost(0, 0, 0, 0.0))
        costs[mime] = Cost(old.files + 1, old.num_bytes + path.stat().st_size, old.chars + chars,
                           old.seconds + time.process_time() - before)
    yield "type                                               files       MB  MB text   MB/s  text MB/s"
    for mime, cost in sorted(costs.items(), key=lambda item: -item[1].num_bytes):
        seconds, size, text = max(cost.seconds, 1e-9), cost.num_bytes / 1e6, cost.chars / 1e6
        yield f"{mime[-48:]:48} {cost.files:7} {size:8.2f} {text:8.2f} {size / seconds:6.1f} {text / seconds:10.2f}"
    yield "outcomes: " + ", ".join(f"{name} {count}" for name, count in sorted(verdicts.items()))
    yield f"faults of parsers (rows `unreadable`): {len(faults)}"
    yield from faults


Extractor = Callable[[bytes], str]


def extractors(params: CurateExtract) -> dict[str, Extractor]:
    """Ours and the peers, main content only, comments out, tables in."""
    def ours(page: bytes) -> str:
        found = read_records(Source("page.html", page, "text/html", params, lambda: None))
        try:
            return "\n".join(record.text for record in found if isinstance(record, Record))
        except Refusal:
            return ""

    def resiliparse(page: bytes) -> str:
        return str(extract_plain_text(bytes_to_str(page, detect_encoding(page) or "utf-8"), main_content=True))

    def by_trafilatura(page: bytes) -> str:
        return trafilatura.extract(page, include_comments=False, include_tables=True) or ""

    return {"ours": ours, "resiliparse": resiliparse, "trafilatura": by_trafilatura}


def annotated(folder: Path) -> list[tuple[bytes, list[str], list[str]]]:
    """(page, pieces that are content, pieces that are not) of trafilatura's own benchmark."""
    listed = json.loads((folder / "evaldata.json").read_text())
    found = []
    for _, item in sorted(listed.items()):
        path = next(path for name in ("cache", "eval") if (path := folder / name / item["file"]).is_file())
        found.append((path.read_bytes(), item["with"], item["without"]))
    return found


def pieces(pages: list[tuple[bytes, list[str], list[str]]], tools: dict[str, Extractor]) -> Iterator[str]:
    """Trafilatura's measure: which annotated pieces are in the text, blanks aside."""
    def flat(text: str) -> str:
        return " ".join(MARKS.sub("", text).split())

    yield f"{len(pages)} annotated pages         precision  recall     F1   MB/s"
    for name, tool in tools.items():
        hit = missed = wrong = 0
        start = time.process_time()
        texts = [flat(tool(page)) for page, _, _ in pages]
        seconds = time.process_time() - start
        for text, (_, wanted, unwanted) in zip(texts, pages, strict=True):
            inside = sum(flat(piece) in text for piece in wanted)
            hit, missed = hit + inside, missed + len(wanted) - inside
            wrong += sum(flat(piece) in text for piece in unwanted)
        precision, recall = hit / max(hit + wrong, 1), hit / max(hit + missed, 1)
        yield (f"{name:28}{precision:10.3f}{recall:8.3f}{2 * precision * recall / max(precision + recall, 1e-9):7.3f}"
               f"{sum(len(page) for page, _, _ in pages) / 1e6 / seconds:7.1f}")


def known_pages(corpora: Path) -> list[tuple[bytes, str]]:
    """(page, its text) of regulations whose pages say where their text is: the article without its links."""
    found = []
    for path in sorted((corpora / "A11-acquisition-regs").rglob("*.html")):
        page = path.read_bytes()
        (article,) = lxml_html.document_fromstring(page).xpath("//main")[:1] or [None]
        if article is not None:
            for link in article.xpath(".//nav"):
                link.drop_tree()
            found.append((page, article.text_content()))
    return found


def made_pages(corpora: Path, pages: list[tuple[bytes, list[str], list[str]]]) -> list[tuple[bytes, str]]:
    """(page, its text): paragraphs of books in the place where a real page had its own text."""
    chapters = [text for path in sorted((corpora / "C01-books").rglob("*.xhtml")) if (text := _paragraphs(path))]
    found: list[tuple[bytes, str]] = []
    for page, wanted, _ in pages:
        if len(found) == NUM_MADE:
            break
        parser = lxml_html.HTMLParser(encoding="utf-8")
        root = lxml_html.document_fromstring(page.decode("utf-8", "replace").encode(), parser=parser)
        holders = [element for element in root.xpath("//body//*[p]")
                   if len(element.findall("p")) > 2 and all(piece in element.text_content() for piece in wanted)]
        if not holders:
            continue
        text = chapters[len(found) % len(chapters)][:12]
        holder = holders[-1]
        for child in list(holder):
            holder.remove(child)
        holder.text = None
        for paragraph in text:
            holder.append(lxml_html.fragment_fromstring(f"<p>{html.escape(paragraph)}</p>"))
        found.append((lxml_html.tostring(root, encoding="utf-8", doctype="<!DOCTYPE html>"), "\n".join(text)))
    return found


def _paragraphs(path: Path) -> list[str]:
    root = lxml_html.document_fromstring(path.read_bytes())
    return [text for element in root.iter("p") if len(text := " ".join(element.text_content().split())) > 80]


def against_truth(name: str, pages: list[tuple[bytes, str]], tools: dict[str, Extractor]) -> Iterator[str]:
    """Words of each tool's text against the known text, averaged over pages."""
    yield f"{name}, {len(pages)} pages".ljust(40) + "precision  recall     F1  5-grams"
    for tool_name, tool in tools.items():
        scores = [likeness(truth, tool(page)) for page, truth in pages]
        yield f"{tool_name:40}" + "".join(f"{sum(values) / len(scores):8.4f}" for values in zip(*scores, strict=True))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("trafilatura", type=Path, nargs="?")
    given = parser.parse_args()
    sys.setrecursionlimit(RECURSION)
    params = load_section(CurateExtract, "curate_extract")
    params = params.model_copy(update={"limits": params.limits.model_copy(update={"max_ocr_pages": 0})})
    tools = extractors(params)
    for line in formats(given.corpora, params):
        print(line, flush=True)
    for line in against_truth("regulations (HHSAR, PGI)", known_pages(given.corpora), tools):
        print(line, flush=True)
    if given.trafilatura:
        pages = annotated(given.trafilatura)
        for line in pieces(pages, tools):
            print(line, flush=True)
        for line in against_truth("known text in real pages", made_pages(given.corpora, pages), tools):
            print(line, flush=True)
    for line in everything(given.corpora, params):
        print(line, flush=True)


if __name__ == "__main__":
    main()
