"""The label file."""

import polars as pl
import pytest

from pipeline.schema.documents import document_id
from pipeline.schema.errors import BadInput
from pipeline.tables.quality_labels import labelled, read_labels
from tests.curation import documents


def lake():
    return documents(["one", "two", "three"]).with_columns(
        path=pl.Series(["a.md", "b.jsonl", "b.jsonl"]), locator=pl.Series(["", "line 1", "line 2"]))


def read(tmp_path, *lines):
    (tmp_path / "labels.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return read_labels(tmp_path / "labels.jsonl")


def test_an_empty_file_has_no_labels(tmp_path):
    assert read(tmp_path) == []


def test_a_label_names_a_file_a_record_a_document_or_brings_its_text(tmp_path):
    found = labelled(read(tmp_path, '{"label": "good", "path": "b.jsonl"}', '{"label": "bad", "text": "menu"}',
                          f'{{"label": "bad", "doc_id": "{document_id(b"one")}"}}'), lake())
    assert set(found.good["text"]) == {"two", "three"}
    assert dict(found.bad.iter_rows()) == {document_id(b"one"): "one", document_id(b"menu"): "menu"}
    one = labelled(read(tmp_path, '{"label": "good", "path": "b.jsonl", "locator": "line 2"}'), lake())
    assert one.good["text"].to_list() == ["three"]


@pytest.mark.parametrize("line", ['{"label": "fine", "text": "x"}', '{"label": "good"}', "[]", "x",
                                  '{"label": "good", "text": "x", "path": "a.md"}',
                                  '{"label": "good", "text": "x", "locator": "line 1"}',
                                  '{"label": "good", "text": "x", "why": "nice"}'])
def test_a_line_that_is_no_label_is_named(tmp_path, line):
    with pytest.raises(BadInput, match="line 2: is no label"):
        read(tmp_path, '{"label": "good", "text": "x"}', line)


def test_a_label_about_nothing_in_the_lake_is_refused(tmp_path):
    with pytest.raises(BadInput, match="about no document of the lake"):
        labelled(read(tmp_path, '{"label": "good", "path": "b.jsonl", "locator": "line 9"}'), lake())


def test_two_labels_that_contradict_each_other_are_refused(tmp_path):
    with pytest.raises(BadInput, match="labelled good and bad"):
        labelled(read(tmp_path, '{"label": "good", "path": "a.md"}', '{"label": "bad", "text": "one"}'), lake())
