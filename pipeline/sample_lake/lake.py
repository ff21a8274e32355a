"""The sample lake as a list of planted files, before anything is written."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.extract.rows import canonical
from pipeline.sample_lake import edits, poor
from pipeline.sample_lake.authored import Authored, Pii, read_documents
from pipeline.sample_lake.hostile import hostile_files
from pipeline.sample_lake.logs import log_files
from pipeline.sample_lake.render_docx import to_docx
from pipeline.sample_lake.render_markup import to_html, to_markdown
from pipeline.sample_lake.render_pdf import to_pdf, to_scan
from pipeline.schema.errors import BadInput
from pipeline.schema.sample_lake import Format, SampleLake

RENDERERS = {"md": to_markdown, "html": to_html, "docx": to_docx, "pdf": to_pdf}
BOILERPLATE = {"boilerplate": ("boilerplate", "curate_dedup", "edit", "repeated_chunks"),
               "footer": ("footer", "curate_dedup", "edit", "boilerplate_lines"), "none": ("none", "", "keep", "")}
NOTICED = ("policies", "sops")
"""Sources whose documents may carry the legal notice."""
NEAR = 0.7
"""Jaccard of 5-grams from which a copy is a near-duplicate: the knee of the usual 14 bands of 8 rows."""
EXPECTED = {
    "offtopic": ("off_topic", "curate_filter", "drop", "quality"),
    "expired": ("expired", "curate_filter", "drop", "too_old"),
    "embargo": ("embargo", "curate_filter", "drop", "embargo_term"),
    "vendor": ("uncleared", "curate_filter", "drop", "rights_not_cleared"),
}
"""Source -> plant and what should become of its documents."""


class Truth(NamedTuple):
    """One row of the truth table; columns of `pipeline.schema.truth`."""

    path: str
    locator: str = ""
    origin: str = ""
    plant: str = "none"
    of_path: str = ""
    strength: str = ""
    jaccard: float | None = None
    pii: Pii = ()
    expected_stage: str = ""
    expected_decision: str = "keep"
    expected_reason: str = ""


class Planted(NamedTuple):
    """One file of the lake with what is true of it."""

    path: str
    data: bytes
    truth: tuple[Truth, ...]


def planted_files(text: Path, eval_items: Path, params: SampleLake) -> Iterator[Planted]:
    """Every file of the lake.

    Raises:
        BadInput: params name a document or an evaluation item that is not there.
    """
    documents = read_documents(text)
    _check_ids(documents, params)
    paths = {}
    for document, extension in _with_formats(documents, params):
        file = _ordinary(document, extension, params)
        paths[document.ident] = file.path
        yield file
        if document.ident in params.same_bytes:
            yield _same_bytes(file)
    for copy in params.near_duplicates:
        yield _near_duplicate(documents[copy.of], copy.strength, copy.format, paths[copy.of], params)
    yield from _poor_files(documents, eval_items, params)
    sound = to_pdf(next(iter(documents.values())))
    for hostile in hostile_files(sound, params.bomb_bytes, params.seed):
        truth = Truth(f"inbox/{hostile.name}", plant="hostile", strength=hostile.damage,
                      expected_stage="curate_extract", expected_decision=hostile.decision,
                      expected_reason=hostile.reason)
        yield Planted(truth.path, hostile.data, (truth,))
    for path, data, records in log_files(text):
        yield Planted(path, data, tuple(_record_truth(path, *record) for record in records))


def seed_of(params: SampleLake, key: str) -> int:
    """A seed for one item, from the stage's seed and the item's key: order does not matter."""
    return int.from_bytes(hashlib.sha256(canonical({"seed": params.seed, "key": key})).digest()[:8])


def _check_ids(documents: dict[str, Authored], params: SampleLake) -> None:
    named = {*params.scanned, *params.same_bytes, *params.uncleared, *params.garbled,
             *(copy.of for copy in params.near_duplicates)}
    strange = sorted(named - documents.keys())
    bare = sorted({document.source for document in documents.values()} - params.formats.keys())
    if strange or bare:
        raise BadInput("params.yaml", "`sample_lake` does not fit the authored text",
                       got=f"unknown ids {strange}, sources without formats {bare}", do="correct the section")


def _with_formats(documents: dict[str, Authored], params: SampleLake) -> Iterator[tuple[Authored, str]]:
    """Each document with its format: its source's formats in turn, by id."""
    turns: dict[str, int] = {}
    for document in documents.values():
        formats = params.formats[document.source]
        turn = turns.get(document.source, 0)
        turns[document.source] = turn + 1
        yield document, "scan" if document.ident in params.scanned else formats[turn % len(formats)]


def _ordinary(document: Authored, extension: str, params: SampleLake) -> Planted:
    folder = "vendor" if document.ident in params.uncleared else document.source
    path = f"{folder}/{document.ident}.{'pdf' if extension == 'scan' else extension}"
    noticed = document.source in NOTICED and seed_of(params, f"notice {document.ident}") % 1000 < \
        1000 * params.boilerplate_share
    footed = document.source in params.footer_sources
    if noticed or footed:
        document = document._replace(body=document.body + (poor.NOTICE if noticed else poor.FOOTER))
    seed = seed_of(params, path)
    data = to_scan(document, params, seed) if extension == "scan" else RENDERERS[extension](document)
    ordinary = BOILERPLATE["boilerplate" if noticed else "footer" if footed else "none"]
    plant, stage, decision, reason = EXPECTED.get(folder, ordinary)
    truth = Truth(path, origin=document.ident, plant=plant, strength="scanned" if extension == "scan" else "",
                  pii=document.pii, expected_stage=stage, expected_decision=decision, expected_reason=reason)
    return Planted(path, data, (truth,))


def _same_bytes(file: Planted) -> Planted:
    """A copy that sorts after its original: the smallest path survives."""
    stem, extension = file.path.rsplit(".", 1)
    path = f"{stem}_copy.{extension}"
    truth = file.truth[0]._replace(path=path, plant="same_bytes", of_path=file.path, expected_stage="curate_extract",
                                   expected_decision="merge", expected_reason="same_bytes")
    return Planted(path, file.data, (truth,))


def _near_duplicate(document: Authored, strength: Any, extension: Format, of_path: str, params: SampleLake) -> Planted:
    path = f"{document.source}/{document.ident}-{strength}.{extension}"
    copy = edits.edited(document, strength, seed_of(params, path))
    likeness = edits.jaccard(document.body, copy.body)
    truth = Truth(path, origin=document.ident, plant="near_duplicate", of_path=of_path, strength=strength,
                  jaccard=likeness, pii=copy.pii)
    if likeness >= NEAR:
        truth = truth._replace(expected_stage="curate_dedup", expected_decision="merge",
                               expected_reason="near_duplicate")
    return Planted(path, RENDERERS[extension](copy), (truth,))


def _poor_files(documents: dict[str, Authored], eval_items: Path, params: SampleLake) -> Iterator[Planted]:
    for ident in params.garbled:
        path = f"inbox/{ident.lower()}-ocr.txt"
        text = edits.garbled(documents[ident].body, params.garble_share, seed_of(params, path))
        yield _dropped(path, text, "garbled", "curate_filter", "", ident)
    yield _dropped("inbox/landing-page.txt", poor.STUFFED, "stuffed", "curate_filter", "heuristic")
    yield _dropped("inbox/portal-menu.txt", poor.NAVIGATION, "navigation", "curate_filter", "heuristic")
    quotes = poor.quoted_items(eval_items)
    for number, items in enumerate(params.eval_quotes, start=1):
        strange = [item for item in items if item not in quotes]
        if strange:
            raise BadInput("params.yaml", "`sample_lake.eval_quotes` names unknown items", got=str(strange))
        note = poor.study_note([quotes[item] for item in items])
        yield _dropped(f"inbox/induction-notes-{number}.md", note, "eval_overlap", "curate_decontaminate",
                       "eval_overlap", items[0])


def _dropped(path: str, text: str, plant: str, stage: str, reason: str, origin: str = "") -> Planted:
    truth = Truth(path, origin=origin, plant=plant, expected_stage=stage, expected_decision="drop",
                  expected_reason=reason)
    return Planted(path, text.encode(), (truth,))


def _record_truth(path: str, locator: str, origin: str, pii: Pii) -> Truth:
    if origin:
        return Truth(path, locator, origin=origin, pii=pii)
    return Truth(path, locator, plant="hostile", strength="broken line", expected_stage="curate_extract",
                 expected_decision="drop", expected_reason="bad_record")
