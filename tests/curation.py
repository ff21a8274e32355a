"""A small world for the tests of the curation stages: documents, tables on disk, bytes of a folder."""

import hashlib
from pathlib import Path

import polars as pl

from pipeline.schema.documents import DOCUMENTS, document_id
from pipeline.stage.params import load_section
from pipeline.tables.parquet import write_table

SUBJECTS = ("The duty reconciler", "A settlement clerk", "The desk supervisor", "An auditor", "The records manager",
            "Each custodian", "The client's agent", "A risk officer", "The ledger owner", "Every approver")
DEEDS = ("compares the balances with the agent bank file", "calls the counterparty and then the client",
         "may order a provision against the oldest breaks", "reviews the access rights that were not confirmed",
         "signs the weekly ageing list of open items", "keeps the approvals for seven years in the archive",
         "stops a payment that lacks a second signature", "reports the incident to the authority without delay")
LIMITS = ("before ten in the morning.", "within two business days.", "unless the head of operations agrees.",
          "and notes the reason in the ledger.", "when the difference is above five thousand euros.",
          "by the close of the following day.", "after the market has closed in Rotterdam.")


def text_of(number: int, sentences: int = 14) -> str:
    """A document of its own: sentences put together by hash of `number`, so that no two are alike."""
    def pick(words: tuple[str, ...], place: int) -> str:
        digest = hashlib.sha256(f"{number} {place} {words[0]}".encode()).digest()
        return words[digest[0] % len(words)]

    lines = [f"{pick(SUBJECTS, place)} {pick(DEEDS, place)} {pick(LIMITS, place)}" for place in range(sentences)]
    return f"# Procedure {number}\n\n" + "\n\n".join(" ".join(lines[at:at + 3]) for at in range(0, sentences, 3))


def documents(texts: list[str], **columns: object) -> pl.DataFrame:
    """DOCUMENTS rows, cleared for training, one a text; `columns` are the same in every row."""
    rows = [{**dict.fromkeys(DOCUMENTS, ""), "doc_id": document_id(text.encode()), "text": text, "source": "policies",
             "licence": "MIT", "rights_basis": "own", "published": "2025-01-01", "language": "en",
             "cleared_for_training": True, **columns} for text in texts]
    return pl.DataFrame(rows, schema_overrides=DOCUMENTS)


def written(folder: Path, table: pl.DataFrame, key: str = "doc_id") -> Path:
    """`table` in the folder that a stage reads."""
    folder.mkdir(parents=True)
    write_table(table, folder, [key], {})
    return folder


def params(schema, section: str, **changes: object):
    """The section as shipped, with some fields changed."""
    return schema.model_validate({**load_section(schema, section).model_dump(), **changes})


def tree_bytes(*folders: Path) -> list[tuple[str, bytes]]:
    """Names and bytes of every file of the folders."""
    return [(path.name, path.read_bytes()) for folder in folders for path in sorted(folder.rglob("*"))]


def reasons(ledger: pl.DataFrame) -> dict[str, str]:
    """input_id -> reason."""
    return dict(ledger.select("input_id", "reason").iter_rows())
