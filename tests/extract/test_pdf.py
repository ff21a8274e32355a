import pytest

from pipeline.extract.records import Refusal
from pipeline.sample_lake.hostile import encrypted_pdf
from tests.extract.world import PARAMS, lines, only, pdf_bytes

LEFT = ["The left column speaks of the", "reconciliation that is done each", "morning by the client asset desk",
        "in Leith before ten o'clock with", "two people who sign it."]
RIGHT = ["The right column goes on with a", "story about settlement in which", "nothing of the left one is found",
         "and whose lines stand at the same", "height on the page."]


def test_a_page_of_two_columns_is_read_column_by_column():
    def draw(canvas):
        for number, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):  # as printed: row by row
            canvas.drawString(60, 700 - 12 * number, left)
            canvas.drawString(320, 700 - 12 * number, right)

    text = only("a.pdf", pdf_bytes(draw)).text
    assert text.index(" ".join(LEFT)) < text.index(" ".join(RIGHT))


def test_struck_text_is_left_out_and_underlined_text_stays():
    def draw(canvas):
        canvas.drawString(60, 700, "The limit is five business days for a break of this kind.")
        start, end = 60 + canvas.stringWidth("The limit is "), 60 + canvas.stringWidth("The limit is five")
        canvas.line(start, 703, end, 703)       # through the word
        canvas.line(60, 698.5, 100, 698.5)      # under "The limit"

    assert only("a.pdf", pdf_bytes(draw)).text == "The limit is business days for a break of this kind."


def test_struck_text_stays_when_params_say_so():
    def draw(canvas):
        canvas.drawString(60, 700, "Some words are struck here and others are not.")
        canvas.line(60, 703, 500, 703)

    params = PARAMS.model_copy(update={"layout": PARAMS.layout.model_copy(update={"drop_struck": False})})
    assert "struck here" in only("a.pdf", pdf_bytes(draw), params).text


def test_running_heads_and_page_numbers_are_dropped_and_pages_kept_apart():
    def page(number):
        def draw(canvas):
            canvas.drawString(60, 820, "Brackwater Custody plc")
            canvas.drawString(500, 20, f"Page {number}")
            lines(canvas, f"Text of page number {['one', 'two', 'three'][number - 1]}, long enough to be text.")
        return draw

    text = only("a.pdf", pdf_bytes(page(1), page(2), page(3))).text
    assert "Brackwater" not in text
    assert "Page" not in text
    assert [part.split(",")[0] for part in text.split("\f")] == [f"Text of page number {n}" for n in
                                                                ("one", "two", "three")]


def test_larger_type_is_a_heading_and_aligned_pieces_are_a_table():
    def draw(canvas):
        canvas.setFont("Helvetica-Bold", 16)
        canvas.drawString(60, 760, "Retry rules")
        canvas.setFont("Helvetica", 10)
        lines(canvas, "Each class of message waits for its own time before it is sent again, as the table says.", y=730)
        for number, row in enumerate([("Class", "Wait", "Attempts"), ("Payment", "15 s", "3"), ("Other", "20 s", "6")]):
            for column, cell in enumerate(row):
                canvas.drawString(60 + 120 * column, 700 - 16 * number, cell)

    text = only("a.pdf", pdf_bytes(draw)).text
    assert text.startswith("# Retry rules\n\n")
    assert text.endswith("| Class | Wait | Attempts |\n|---|---|---|\n| Payment | 15 s | 3 |\n| Other | 20 s | 6 |")


def test_a_number_at_the_start_of_a_line_does_not_cut_a_sentence():
    def draw(canvas):
        lines(canvas, "We propose a final dividend of eight pence a share, which makes for the whole year a sum of",
              "12.3 pence against 11.6 in the year before, and the board agreed to it without a vote.")

    assert "a sum of 12.3 pence against" in only("a.pdf", pdf_bytes(draw)).text


def test_bullets_become_list_items():
    def draw(canvas):
        for number, text in enumerate(["first thing to do in the morning", "second thing to do"]):
            canvas.drawString(60, 700 - 14 * number, "\u2022")
            canvas.drawString(80, 700 - 14 * number, text)

    assert only("a.pdf", pdf_bytes(draw)).text == "- first thing to do in the morning\n- second thing to do"


def test_an_encrypted_pdf_is_refused_as_encrypted():
    with pytest.raises(Refusal, match="encrypted"):
        only("a.pdf", encrypted_pdf())


def test_a_pdf_with_too_many_pages_is_refused_with_the_name_of_the_limit():
    params = PARAMS.model_copy(update={"limits": PARAMS.limits.model_copy(update={"max_pages": 1})})
    with pytest.raises(Refusal, match="limit_exceeded: max_pages 1"):
        only("a.pdf", pdf_bytes(lambda c: lines(c, "a"), lambda c: lines(c, "b")), params)
