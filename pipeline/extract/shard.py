"""The work of one shard of `curate_extract`: files in, documents and ledger rows out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.extract.isolated import Answer, IsolatedReader
from pipeline.extract.language import language_of
from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.ledger import LEDGER
from pipeline.schema.pages import PAGES

EXTRACTED: dict[str, pl.DataType] = {**DOCUMENTS, "cleared_for_training": pl.Boolean()}
"""DOCUMENTS and, from the rights file, whether the source is cleared for training."""


@dataclass(frozen=True)
class ExtractShard:
    """Callable on rows of the files table; picklable, so that it runs on any engine."""

    lake: str
    params: CurateExtract
    cache: str
    """Folder for results of OCR; "" to keep none."""

    def __call__(self, files: pl.DataFrame, tick: Callable[[], None]) -> dict[str, pl.DataFrame]:
        """Tables `documents` (columns `EXTRACTED`, ids may repeat), `ledger` and `pages`, not yet merged."""
        documents: list[dict[str, Any]] = []
        ledger: list[dict[str, Any]] = []
        pages: list[dict[str, Any]] = []
        with IsolatedReader(Path(self.lake), self.params, Path(self.cache) if self.cache else None) as reader:
            for file in files.iter_rows(named=True):
                answer = reader.read(file["path"], file["mime"], file["source"])
                found, decided = judged(file, answer, self.params)
                documents += found
                ledger += decided
                pages += [{"path": file["path"], **row} for row in answer.pages]
                tick()
        return {"documents": pl.DataFrame(documents, schema=EXTRACTED), "ledger": pl.DataFrame(ledger, schema=LEDGER),
                "pages": pl.DataFrame(pages, schema=PAGES)}


Rows = list[dict[str, Any]]


def judged(file: dict[str, Any], answer: Answer, params: CurateExtract) -> tuple[Rows, Rows]:
    """Documents and ledger rows for one file.

    A whole file has one row. A file of records has a `split` row, whose score is the number of its
    records, and a row "path#locator" for each.
    """
    if answer.reason:
        return [], [_row(file, "", "drop", answer.reason, answer.evidence)]
    if not answer.records:
        return [], [_row(file, "", "drop", "no_text", "")]
    documents, ledger = [], []
    for record in answer.records:
        if "bad" in record:
            ledger.append(_row(file, record["locator"], "drop", "bad_record", f"{record['locator']}: {record['bad']}"))
        elif not record["text"].strip():
            ledger.append(_row(file, record["locator"], "drop", "no_text", ""))
        else:
            documents.append(_document(file, record, params))
            ledger.append(_row(file, record["locator"], "keep", "ok", ""))
    if any(record["locator"] for record in answer.records):
        ledger.append(_row(file, "", "split", "records", "", float(len(answer.records))))
    return documents, ledger


def input_id(path: str, locator: str) -> str:
    """The ledger's key: a file, or a record in it."""
    return f"{path}#{locator}" if locator else path


def _row(file: dict[str, Any], locator: str, decision: str, reason: str, evidence: str,
         score: float | None = None) -> dict[str, Any]:
    return {"input_id": input_id(file["path"], locator), "source": file["source"], "decision": decision,
            "reason": reason, "score": score, "evidence": evidence, "survivor_id": ""}


def _document(file: dict[str, Any], record: dict[str, Any], params: CurateExtract) -> dict[str, Any]:
    return {
        "doc_id": record["doc_id"], "text": record["text"], "source": file["source"], "path": file["path"],
        "locator": record["locator"], "raw_sha256": file["sha256"], "mime": file["mime"], "title": record["title"],
        "licence": file["licence"], "rights_basis": file["rights_basis"],
        "published": record["published"] or file["published"],
        "language": language_of(record["text"], params.language_chars, params.language_min_chars),
        "cleared_for_training": file["cleared_for_training"],
    }
