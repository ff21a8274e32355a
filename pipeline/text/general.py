"""General English as documents: own text files, and the prose in packages' documentation."""

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import PurePosixPath
from typing import NamedTuple

from resiliparse.extract.html2text import extract_plain_text

from pipeline.schema.documents import document_id
from pipeline.schema.errors import BadInput
from pipeline.text.docstrings import docstrings
from pipeline.text.draws import unit_draw
from pipeline.text.front_matter import split_front_matter
from pipeline.text.packages import PackageFile, package_files
from pipeline.text.prose import BLANK_LINE, ProseRules, prose

HTML = (".html", ".htm", ".xhtml")
TEXT = (".md", ".txt", ".rst")
MIME = {".html": "text/html", ".htm": "text/html", ".xhtml": "application/xhtml+xml", ".md": "text/markdown",
        ".txt": "text/plain", ".rst": "text/x-rst", ".py": "text/x-python"}
HEAD = re.compile(r"<head\b.*?</head>", re.DOTALL | re.IGNORECASE)


class GeneralFile(NamedTuple):
    """One file that became paragraphs."""

    path: str
    doc_id: str
    raw_sha256: str
    source: str
    """"own" for the given folder, else the package."""
    licence: str
    title: str | None
    published: str | None
    paragraphs: list[str]


def own_file(path: str, data: bytes, licence: str) -> GeneralFile:
    """A text file of the given folder, all of it: who gives the folder vouches for its prose.

    Raises:
        BadInput: it is not UTF-8.
    """
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as err:
        raise BadInput(path, "is not UTF-8", do="convert it or take it out of the folder") from err
    if PurePosixPath(path).suffix in HTML:
        text = extract_plain_text(HEAD.sub("", text), main_content=True, list_bullets=True)
    fields, body = split_front_matter(text)
    blocks = [block.strip() for block in BLANK_LINE.split(body)]
    return GeneralFile(path, document_id(data), sha256(data).hexdigest(), "own", licence, fields.get("title"),
                       fields.get("published"), [block for block in blocks if block])


def package_prose(name: str, version: str, licence: str, rules: ProseRules) -> list[GeneralFile]:
    """The files of package `name` that have documentation in prose, sorted by path."""
    found = []
    for file in package_files(name, version, licence):
        paragraphs = [paragraph for text in _documentation(file) for paragraph in prose(text, rules)]
        if paragraphs:
            found.append(GeneralFile(file.path, document_id(file.data), sha256(file.data).hexdigest(), name, licence,
                                     None, None, paragraphs))
    return found


def documents(files: Iterable[GeneralFile], min_chars: int) -> Iterator[dict[str, str | None]]:
    """One row of DOCUMENTS (without `rights_basis`) a file; a paragraph stays where it occurs first.

    Files with fewer than `min_chars` characters of their own give no row. The given order decides
    which file keeps a repeated paragraph.
    """
    seen: set[str] = set()
    for file in files:
        fresh = [paragraph for paragraph in dict.fromkeys(file.paragraphs) if paragraph not in seen]
        seen.update(fresh)
        text = "\n\n".join(fresh)
        if len(text) >= min_chars:
            yield _row(file, text)


def within_budget(rows: list[dict[str, str | None]], max_chars: int, seed: int) -> list[dict[str, str | None]]:
    """Own documents, then packages', each in hash order, as long as they fit into `max_chars`."""
    ordered = sorted(rows, key=lambda row: (row["source"] != "own", unit_draw(seed, str(row["doc_id"]))))
    kept, left = [], max_chars
    for row in ordered:
        if len(str(row["text"])) <= left:
            left -= len(str(row["text"]))
            kept.append(row)
    return kept


def _documentation(file: PackageFile) -> list[str]:
    if not file.path.endswith(".py"):
        return [file.data.decode("utf-8", errors="replace")]
    try:
        return docstrings(file.data)
    except (SyntaxError, ValueError):  # templates and syntax of other versions: documentation of nothing
        return []


def _row(file: GeneralFile, text: str) -> dict[str, str | None]:
    return {
        "doc_id": file.doc_id, "text": text, "source": file.source, "path": file.path, "locator": "",
        "raw_sha256": file.raw_sha256, "mime": MIME[PurePosixPath(file.path).suffix],
        "title": file.title, "licence": file.licence, "published": file.published, "language": "en",
    }
