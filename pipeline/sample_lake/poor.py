"""Texts of no use to a model: stuffed with keywords, navigation only, and study notes that quote an evaluation."""

import json
from pathlib import Path

from pipeline.schema.errors import BadInput

NOTICE = (
    "\n"
    "This document is the property of Brackwater Custody plc and is issued for internal use. It may not "
    "be copied, quoted or passed to a third party without the written consent of the document owner. The "
    "version on the intranet is the only one in force; a printed copy is for convenience and is out of "
    "date from the moment it leaves the printer. Questions about its meaning go to the document owner, "
    "and questions about its use to the Legal unit. A breach of this document may lead to action under "
    "the conduct rules of the firm."
    "\n"
)
"""The legal notice at the end of many documents, word for word: a repeated chunk."""

FOOTER = "\n\nBrackwater Custody plc, group internal audit, for the use of the addressees only\n"
"""The line at the end of every document of one source, shorter than a chunk that counts: a boilerplate line."""

STUFFED = " ".join(["best custody services", "cheap settlement", "custody bank online", "top custody provider",
                    "fast settlement agent", "custody custody custody", "compare custody fees now"] * 60) + "\n"
NAVIGATION = "\n".join([
    "Home", "About us", "Sign in", "Cookie settings", "Accept all", "Contact", "Careers", "Sitemap", "Terms of use",
    "Privacy notice", "Back to top", "Share", "Print", "Next >", "< Previous"] * 12) + "\n"
NOTE_DATE = "2025-09-12"


def quoted_items(folder: Path) -> dict[str, str]:
    """Item id -> the item's passages, question and answer as running text.

    Raises:
        BadInput: `qa.jsonl` is missing.
    """
    path = folder / "qa.jsonl"
    if not path.is_file():
        raise BadInput(str(path), "no such file", do="the evaluation items are authored beside the lake")
    items = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {item["item_id"]: "\n\n".join([*item["passages"], f"{item['question']} {item['answer']}"]) for item in items}


def study_note(quotes: list[str]) -> str:
    """Revision notes that would leak the evaluation into training."""
    numbered = (f"## Extract {number}\n\n{quote}" for number, quote in enumerate(quotes, start=1))
    return (f"---\ntitle: Induction notes\npublished: {NOTE_DATE}\n---\n# Notes from the induction course\n\n"
            "We were told to learn these extracts before the test at the end of the second week. I copied them out as "
            "they stood on the slides.\n\n" + "\n\n".join(numbered) + "\n")
