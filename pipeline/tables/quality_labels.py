"""The label file of the quality model: lines of JSON, each about a document of the lake or a text of its own."""

from pathlib import Path
from typing import NamedTuple

import polars as pl
from pydantic import ValidationError

from pipeline.schema.documents import document_id
from pipeline.schema.errors import BadInput
from pipeline.schema.quality_model import QualityLabel


class Labelled(NamedTuple):
    """`doc_id`, `text` of what people labelled, unique and in order of `doc_id`."""

    good: pl.DataFrame
    bad: pl.DataFrame


def read_labels(path: Path) -> list[QualityLabel]:
    """Every line of the file; an empty file has none.

    Raises:
        BadInput: a line is not a label.
    """
    labels = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            labels.append(QualityLabel.model_validate_json(line))
        except ValidationError as err:
            first = err.errors()[0]
            raise BadInput(f"{path}, line {number}", f"is no label ({first['msg']})",
                           wanted='{"label": "good" or "bad", "path" or "doc_id" or "text": ...}') from err
    return labels


def labelled(labels: list[QualityLabel], documents: pl.DataFrame) -> Labelled:
    """What the labels are about.

    Args:
        documents: `doc_id`, `path`, `locator`, `text`.

    Raises:
        BadInput: a label is about nothing in the lake, or two contradict each other.
    """
    found = {"good": _about(labels, documents, "good"), "bad": _about(labels, documents, "bad")}
    both = sorted(set(found["good"]) & set(found["bad"]))
    if both:
        raise BadInput("quality labels", "a document is labelled good and bad", got=", ".join(both[:3]),
                       do="take one of the labels out")
    return Labelled(*(pl.DataFrame(sorted(rows.items()), orient="row", schema={"doc_id": pl.String, "text": pl.String})
                      for rows in (found["good"], found["bad"])))


def _about(labels: list[QualityLabel], documents: pl.DataFrame, kind: str) -> dict[str, str]:
    ids: dict[str, str] = dict(documents.select("doc_id", "text").iter_rows())
    places: dict[tuple[str, str], list[str]] = {}
    for doc_id, path, locator in documents.select("doc_id", "path", "locator").iter_rows():
        places.setdefault((path, ""), []).append(doc_id)
        if locator:
            places.setdefault((path, locator), []).append(doc_id)
    found = {}
    for label in (one for one in labels if one.label == kind):
        if label.text:
            found[document_id(label.text.encode())] = label.text
            continue
        named = [label.doc_id] if label.doc_id in ids else places.get((label.path, label.locator), [])
        if not named:
            raise BadInput("quality labels", "a label is about no document of the lake",
                           got=label.doc_id or f"{label.path} {label.locator}".strip(),
                           do="take it out, or label the text itself")
        found |= {doc_id: ids[doc_id] for doc_id in named}
    return found
