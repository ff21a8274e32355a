"""The work of one shard of `curate_extract`: files in, documents and ledger rows out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.extract.answers import Answers
from pipeline.extract.isolated import Answer, IsolatedReader
from pipeline.extract.lake import Lake, Listed, open_lake
from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.ledger import LEDGER
from pipeline.schema.pages import PAGES

EXTRACTED: dict[str, pl.DataType] = {**DOCUMENTS, "cleared_for_training": pl.Boolean()}
"""DOCUMENTS and, from the rights file, whether the source is cleared for training."""
ORIGINS: dict[str, pl.DataType] = {"path": pl.String(), "found": pl.String()}
"""Where the answer for a file came from: "kept", "none" (so it was read), "damaged" (read again)."""


@dataclass(frozen=True)
class ExtractShard:
    """Callable on rows of the files table; picklable, so that it runs on any engine."""

    lake: str
    params: CurateExtract
    answers: Answers
    ocr_cache: str
    """Folder for results of OCR; "" to keep none."""

    def __call__(self, files: pl.DataFrame, tick: Callable[[], None]) -> dict[str, pl.DataFrame]:
        """Tables `documents` (columns `EXTRACTED`, ids may repeat), `ledger`, `pages` and `origins`, not yet merged."""
        documents: list[dict[str, Any]] = []
        ledger: list[dict[str, Any]] = []
        pages: list[dict[str, Any]] = []
        origins = []
        lake = open_lake(Path(self.lake))
        with IsolatedReader(Path(self.lake), self.params, Path(self.ocr_cache) if self.ocr_cache else None) as reader:
            for file in files.iter_rows(named=True):
                answer, found = self.answers.find(file)
                if answer is None:
                    answer = answer_to(file, lake, reader, self.params)
                    self.answers.keep(file, answer)
                kept, decided = judged(file, answer)
                documents += kept
                ledger += decided
                pages += [{"path": file["path"], **row} for row in answer.pages]
                origins.append((file["path"], found))
                tick()
        return {"documents": pl.DataFrame(documents, schema=EXTRACTED), "ledger": pl.DataFrame(ledger, schema=LEDGER),
                "pages": pl.DataFrame(pages, schema=PAGES),
                "origins": pl.DataFrame(origins, schema=ORIGINS, orient="row")}


Rows = list[dict[str, Any]]


def answer_to(file: dict[str, Any], lake: Lake, reader: IsolatedReader, params: CurateExtract) -> Answer:
    """What `reader` says of a row of FILES; a file that is too large is not even fetched."""
    if file["bytes"] > params.limits.max_file_bytes:
        return Answer([], "limit_exceeded", f"max_file_bytes {params.limits.max_file_bytes}")
    with lake.placed(Listed(file["path"], file["version"]), reader.folder) as place:
        return reader.read(place, file)


def judged(file: dict[str, Any], answer: Answer) -> tuple[Rows, Rows]:
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
            evidence = f"{record['locator']}: {record['bad']}"
            ledger.append(_row(file, record["locator"], "drop", record["reason"], evidence))
        elif not record["text"].strip():
            ledger.append(_row(file, record["locator"], "drop", "no_text", ""))
        else:
            documents.append(_document(file, record))
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


def _document(file: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    return {
        "doc_id": record["doc_id"], "text": record["text"], "source": file["source"], "path": file["path"],
        "locator": record["locator"], "raw_sha256": file["sha256"], "mime": file["mime"], "title": record["title"],
        "licence": file["licence"], "rights_basis": file["rights_basis"],
        "published": record["published"] or file["published"], "language": record["language"],
        "cleared_for_training": file["cleared_for_training"],
    }
