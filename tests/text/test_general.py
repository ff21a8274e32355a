"""General documents out of files."""

import pytest

from pipeline.schema.errors import BadInput
from pipeline.text.general import documents, own_file, within_budget


def test_markdown_loses_its_front_matter_and_keeps_its_fields():
    file = own_file("a.md", b"---\ntitle: Tides\npublished: 2024-01-02\n---\n# Tides\n\nThe sea rises.\n", "CC0-1.0")
    assert (file.title, file.published, file.paragraphs) == ("Tides", "2024-01-02", ["# Tides", "The sea rises."])


def test_xhtml_becomes_text_without_head():
    page = b"<html><head><title>Nav</title></head><body><p>The sea rises.</p><p>It falls.</p></body></html>"
    assert own_file("a.xhtml", page, "CC0-1.0").paragraphs == ["The sea rises.", "It falls."]


def test_bytes_that_are_not_utf8_are_refused_by_name():
    with pytest.raises(BadInput, match=r"a\.md"):
        own_file("a.md", b"\xff\xfe", "CC0-1.0")


def test_a_repeated_paragraph_stays_where_it_came_first():
    files = [own_file("a.txt", b"One.\n\nTwo.", "CC0-1.0"), own_file("b.txt", b"Two.\n\nThree.\n\nThree.", "CC0-1.0")]
    assert [row["text"] for row in documents(files, 1)] == ["One.\n\nTwo.", "Three."]


def test_a_file_with_too_little_of_its_own_gives_no_document():
    files = [own_file("a.txt", b"One.\n\nTwo.", "CC0-1.0"), own_file("b.txt", b"Two.", "CC0-1.0")]
    assert len(list(documents(files, 1))) == 1


def test_own_documents_come_before_those_of_packages_under_the_budget():
    rows = [{"doc_id": str(number), "source": source, "text": "x" * 10}
            for number, source in enumerate(["numpy", "own", "scipy", "own"])]
    assert [row["source"] for row in within_budget(rows, 25, seed=1)] == ["own", "own"]
    assert within_budget(rows, 40, seed=1) == within_budget(rows[::-1], 40, seed=1)
