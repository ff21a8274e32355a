"""EPUB: chapters in the order of the spine."""

import pytest

from pipeline.extract.records import Refusal
from tests.extract.samples import book
from tests.extract.world import only

CHAPTERS = {"z.xhtml": "<html><body><h1>One</h1><p>First.</p></body></html>",
            "a b.xhtml": "<html><body><h1>Two</h1><p>Second.</p><p hidden='hidden'>ghost</p></body></html>"}


def test_a_book_is_its_chapters_in_the_order_of_its_spine():
    found = only("a.epub", book(CHAPTERS))
    assert found.text == "# One\n\nFirst.\n\n# Two\n\nSecond."
    assert (found.title, found.published) == ("The desk", "2024-02-05")


def test_a_book_whose_chapters_are_encrypted_is_refused_and_encrypted_fonts_harm_none():
    def listed(name):
        return (f'<encryption xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:CipherReference URI="text/{name}"/>'
                "</encryption>").encode()

    with pytest.raises(Refusal, match="encrypted"):
        only("a.epub", book(CHAPTERS, encryption=listed("a%20b.xhtml")))
    assert only("a.epub", book(CHAPTERS, encryption=listed("font.otf"))).text.startswith("# One")


def test_a_book_without_its_list_of_parts_is_refused():
    with pytest.raises(Refusal, match="unreadable"):
        only("a.epub", book(CHAPTERS).replace(b"text/book.opf", b"text/book.xxx"))
