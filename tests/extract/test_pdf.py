from io import BytesIO

import pypdfium2 as pdfium
import pypdfium2.raw as raw
import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth

from pipeline.extract.page import Piece, blocks
from pipeline.extract.pdf_page import page_text
from pipeline.extract.pdf_sight import sight
from pipeline.extract.records import Refusal
from pipeline.sample_lake.hostile import encrypted_pdf
from tests.extract.world import PARAMS, lines, only, pdf_bytes

FONT = ("Helvetica", 10)
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


def test_text_that_a_reviewer_struck_out_in_an_annotation_is_left_out():
    def draw(canvas):
        canvas.drawString(60, 700, "The limit is five business days for a break of this kind.")

    document = pdfium.PdfDocument(pdf_bytes(draw))
    note = raw.FPDFPage_CreateAnnot(document[0], raw.FPDF_ANNOT_STRIKEOUT)
    start, end = 60 + stringWidth("The limit is ", *FONT), 60 + stringWidth("The limit is five", *FONT)
    raw.FPDFAnnot_AppendAttachmentPoints(note, raw.FS_QUADPOINTSF(start, 709, end, 709, start, 697, end, 697))
    raw.FPDFPage_CloseAnnot(note)
    out = BytesIO()
    document.save(out)
    assert only("a.pdf", out.getvalue()).text == "The limit is business days for a break of this kind."


def not_painted(canvas):
    text = canvas.beginText(60, 680)
    text.setTextRenderMode(3)
    text.textLine("unseen by its mode")
    canvas.drawText(text)


def clear(canvas):
    canvas.setFillAlpha(0)
    canvas.drawString(60, 680, "unseen by its alpha")


def off_the_page(canvas):
    canvas.drawString(-400, 680, "unseen by its place")


def clip(canvas, *box):
    path = canvas.beginPath()
    path.rect(*box)
    canvas.clipPath(path, stroke=0, fill=0)


def clipped_away(canvas):
    clip(canvas, 0, 0, 600, 400)
    canvas.drawString(60, 680, "unseen by its clip")


def clipped_by_two(canvas):
    clip(canvas, 0, 660, 70, 60)
    clip(canvas, 200, 660, 300, 60)
    canvas.drawString(60, 680, "unseen by clips that leave nothing")


def painted_over(canvas):
    canvas.drawString(60, 680, "unseen by a bar")
    canvas.rect(58, 676, 100, 14, fill=1, stroke=0)


@pytest.mark.parametrize("draw_unseen", [not_painted, clear, off_the_page, clipped_away, clipped_by_two, painted_over])
def test_text_that_nobody_sees_is_no_content(draw_unseen):
    def draw(canvas):
        lines(canvas, "The limit is five business days for a break of this kind, and longer ones are reported.")
        draw_unseen(canvas)

    text = only("a.pdf", pdf_bytes(draw)).text
    assert text == "The limit is five business days for a break of this kind, and longer ones are reported."


def inside_its_clip(canvas):
    clip(canvas, 50, 676, 300, 14)


def on_a_ground(canvas):
    canvas.setFillGray(0.9)
    canvas.rect(58, 676, 300, 14, fill=1, stroke=0)
    canvas.setFillGray(0)


def under_a_veil(canvas):
    canvas.drawString(60, 680, "seen by all")
    canvas.setFillAlpha(0.3)
    canvas.rect(58, 676, 300, 14, fill=1, stroke=0)


def in_a_frame(canvas):
    canvas.drawString(60, 680, "seen by all")
    canvas.rect(58, 676, 300, 14, fill=0, stroke=1)


def under_a_clipped_bar(canvas):
    canvas.drawString(60, 680, "seen by all")
    clip(canvas, 0, 0, 600, 400)
    canvas.rect(58, 676, 300, 14, fill=1, stroke=0)


def polygon(canvas, *points):
    path = canvas.beginPath()
    for place, point in enumerate(points):
        (path.lineTo if place else path.moveTo)(*point)
    path.close()
    canvas.drawPath(path, fill=1, stroke=0)


def under_a_slanted_bar(canvas):
    canvas.drawString(60, 680, "seen by all")
    polygon(canvas, (40, 699), (300, 699), (40, 660))


def under_a_bow_tie(canvas):
    canvas.drawString(60, 680, "seen by all")
    polygon(canvas, (40, 699), (300, 660), (300, 699), (40, 660))


@pytest.mark.parametrize("draw_around", [inside_its_clip, on_a_ground, under_a_veil, in_a_frame, under_a_clipped_bar,
                                         under_a_slanted_bar, under_a_bow_tie])
def test_text_that_a_clip_or_a_bar_leaves_in_sight_is_content(draw_around):
    def draw(canvas):
        draw_around(canvas)
        if draw_around in (inside_its_clip, on_a_ground):
            canvas.drawString(60, 680, "seen by all")

    assert only("a.pdf", pdf_bytes(draw)).text == "seen by all"


def test_a_bar_over_one_word_hides_one_word():
    def draw(canvas):
        canvas.drawString(60, 680, "The account of Smith is closed.")
        start, end = 60 + stringWidth("The account of ", *FONT), 60 + stringWidth("The account of Smith", *FONT)
        canvas.rect(start, 676, end - start, 14, fill=1, stroke=0)

    assert only("a.pdf", pdf_bytes(draw)).text == "The account of is closed."


PATTERNS = (b"/Pattern<</hatch 6 0 R/shading<</PatternType 2/Shading<</ShadingType 2/ColorSpace/DeviceRGB"
            b"/Coords[0 0 9 0]/Function<</FunctionType 2/Domain[0 1]/C0[1 0 0]/C1[0 0 1]/N 1>>>>>>>>"
            b"/ColorSpace<</none[/Separation/None/DeviceGray<</FunctionType 2/Domain[0 1]/C0[1]/C1[0]/N 1>>]>>")
HATCH = (b"<</PatternType 1/PaintType 1/TilingType 1/BBox[0 0 90 90]/XStep 90/YStep 90/Resources<<>>/Length 19>>"
         b"stream\n0.9 g 0 0 1 90 re f\nendstream")


def painted(contents: bytes, pages: bytes = b"<</Type/Pages/Kids[3 0 R]/Count 1>>") -> bytes:
    """A page with these contents, where `/F` is a font and `/hatch` and `/shading` are patterns."""
    return pdf_of(
        b"<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[7 0 R]/D<<>>>>>>", pages,
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/MediaBox[0 0 595 842]"
        b"/Resources<</Font<</F 5 0 R>>/Properties<</on 7 0 R>>" + PATTERNS + b">>>>",
        b"<</Length %d>>stream\n" % len(contents) + contents + b"\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>", HATCH, b"<</Type/OCG/Name(on)>>")


def at(x: int, text: bytes) -> bytes:
    return b"BT /F 12 Tf %d 700 Td (%s) Tj ET\n" % (x, text)


@pytest.mark.parametrize("paint", [
    b"/Pattern cs /hatch scn 0 0 595 842 re f", b"/Pattern cs /missing scn 0 0 595 842 re f",
    b"/none cs 1 scn 0 0 595 842 re f",
    b"q BT /F 30 Tf 7 Tr 60 500 Td (A title) Tj ET 0 0 1 rg 0 0 595 842 re f Q",
    b"q BT /F 30 Tf 7 Tr 60 500 Td (A title) Tj ET /Pattern cs /shading scn 0 0 595 842 re f Q",
    b"1 g 59 690 m 59 690 70 690 70 720 c 59 720 l f",
    b"1 g 60 695 m 170 695 l 170 715 m 60 715 l f"])
def test_what_covers_nothing_hides_nothing(paint):
    assert only("a.pdf", painted(at(60, b"The fee is 5 EUR.") + paint)).text == "The fee is 5 EUR."


def test_what_is_typed_over_a_white_bar_is_read_and_what_is_under_it_is_not():
    limit = (at(72, b"The limit is") + at(140, b"30") + at(160, b"days.") + b"1 g 139 697 16 14 re f 0 g\n"
             + at(140, b"60"))
    total = (at(72, b"Total:") + at(108, b"5,000") + b"1 g 107 695 40 16 re f 0 g\n" + at(108, b"7,500")
             + at(150, b"EUR"))
    assert only("a.pdf", painted(limit)).text == "The limit is 60 days."
    assert only("a.pdf", painted(total)).text == "Total: 7,500 EUR"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_layer_in_a_file_with_a_wrong_count_of_pages_costs_no_page(count):
    layer = at(60, b"The fee is") + b"/OC /on BDC " + at(120, b"5 EUR.") + b"EMC"
    data = painted(layer, b"<</Type/Pages/Kids[3 0 R 3 0 R]/Count %d>>" % count)
    document = pdfium.PdfDocument(data)
    num_pages = len(document)
    sight(document[0])
    assert len(document) == num_pages
    assert page_text(document[0], True, 0.5).pieces[0].text == "The fee is 5 EUR."


def layered(contents: bytes, form: bytes) -> bytes:
    """A page with these contents, where `/on` and `/off` are layers and `/both` is shown when one of them is."""
    font = (b"/Resources<</Font<</F 5 0 R>>/XObject<</Fm 10 0 R>>"
            b"/Properties<</on 6 0 R/off 7 0 R/both 8 0 R/none 9 0 R>>>>")
    box = b"[0 0 595 842]"
    return pdf_of(
        b"<</Type/Catalog/Pages 2 0 R/OCProperties<</OCGs[6 0 R 7 0 R]/D<</ON[6 0 R]/OFF[7 0 R]>>>>>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/MediaBox" + box + font + b">>",
        b"<</Length %d>>stream\n" % len(contents) + contents + b"\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>", b"<</Type/OCG/Name(on)>>", b"<</Type/OCG/Name(off)>>",
        b"<</Type/OCMD/OCGs[6 0 R 7 0 R]/P/AnyOn>>", b"<</Type/OCMD/OCGs[7 0 R]/P/AnyOn>>",
        b"<</Type/XObject/Subtype/Form/Length %d/BBox" % len(form) + box + font + b">>stream\n" + form + b"\nendstream")


def pdf_of(*objects: bytes) -> bytes:
    """A PDF of these objects, the catalogue first."""
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1) + table
            + b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF" % (len(places) + 1, len(out)))


def test_text_of_a_layer_that_is_off_is_no_content():
    def said(*lines):
        return b"\n".join(b"%s BT /F 12 Tf 60 %d Td (%s) Tj ET %s" % (start, height, text, end)
                          for start, height, text, end in lines)

    emc = b"EMC"
    contents = said((b"", 700, b"no layer", b""), (b"/OC /on BDC", 680, b"layer on", emc),
                    (b"/OC /off BDC", 660, b"unseen", emc), (b"/OC /both BDC", 640, b"one of two on", emc),
                    (b"/OC /none BDC", 620, b"unseen", emc), (b"/P <</MCID 0>> BDC", 600, b"a paragraph", emc),
                    (b"/OC /on BDC /OC /off BDC", 580, b"unseen", b"EMC EMC"))
    form = said((b"", 560, b"a form", b""))
    assert only("a.pdf", layered(contents + b" /OC /on BDC /Fm Do EMC", form)).text.split("\n\n") == [
        "no layer layer on", "one of two on", "a paragraph", "a form"]
    assert "a form" not in only("a.pdf", layered(contents + b" /OC /off BDC /Fm Do EMC", form)).text
    assert "a form" not in only("a.pdf", layered(contents + b" /Fm Do", b"/OC /off BDC " + form + b" EMC")).text


def test_a_page_of_nothing_but_unseen_text_is_blank():
    assert only("a.pdf", pdf_bytes(not_painted)).text == ""


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


def rows_of_pieces(*rows):
    """Blocks of rows of (x0, text) in 10 point type, 12 points from line to line unless a row begins with another."""
    pieces, top = [], 100.0
    for row in rows:
        step, cells = (row[0], row[1:]) if isinstance(row[0], float) else (12.0, row)
        top += step
        pieces += [Piece(x0, top, x0 + 5.0 * len(text), top + 11, 10.0, False, text) for x0, text in cells]
    return [block.cells for block in blocks(pieces, 400.0)]


def test_lines_of_a_receipt_that_leave_a_cell_empty_are_rows_of_their_own():
    assert rows_of_pieces([(60, "Mode"), (200, "Amount"), (260, "Tax")], [(60, "Cash"), (200, "6.90")],
                          [(60, "Change"), (200, "0.10")], [(60, "Sum"), (200, "7.00"), (260, "0.40")]) == [
        [["Mode", "Amount", "Tax"], ["Cash", "6.90", ""], ["Change", "0.10", ""], ["Sum", "7.00", "0.40"]]]


def test_a_value_under_a_value_is_another_row_and_a_word_under_a_word_may_be_its_rest():
    assert rows_of_pieces([(60, "Rule"), (200, "Note"), (260, "Fee")],
                          [20.0, (60, "12"), (200, "for desks"), (260, "5")],
                          [(200, "and halls")], [(260, "7")], [20.0, (60, "13"), (200, "none"), (260, "9")]) == [
        [["Rule", "Note", "Fee"], ["12", "for desks and halls", "5"], ["", "", "7"], ["13", "none", "9"]]]


def test_a_cell_wraps_in_the_first_column_where_rows_stand_farther_apart():
    assert rows_of_pieces([(60, "Rule"), (200, "Fee")],
                          [18.0, (60, "A desk with"), (200, "five")], [(60, "two chairs")],
                          [18.0, (60, "A hall"), (200, "nine")]) == [
        [["Rule", "Fee"], ["A desk with two chairs", "five"], ["A hall", "nine"]]]


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


TURNED = ["The desk reconciles client assets each morning before ten",
          "and signs the record that it keeps for six years."]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_text_that_is_set_sideways_is_read(degrees):
    def draw(canvas):
        canvas.translate(297, 421)
        canvas.rotate(degrees)
        canvas.translate(-200, 0)
        lines(canvas, *TURNED, x=0, y=0)

    assert only("a.pdf", pdf_bytes(draw)).text == " ".join(TURNED)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_page_that_is_shown_turned_is_read_in_the_direction_of_its_text(degrees):
    document = pdfium.PdfDocument(pdf_bytes(lambda canvas: lines(canvas, *TURNED)))
    document[0].set_rotation(degrees)
    out = BytesIO()
    document.save(out)
    assert only("a.pdf", out.getvalue()).text == " ".join(TURNED)


def test_a_note_in_the_margin_that_runs_upwards_comes_after_the_page():
    def draw(canvas):
        lines(canvas, *TURNED)
        canvas.translate(30, 300)
        canvas.rotate(90)
        canvas.drawString(0, 0, "Downloaded copy, not controlled")

    assert only("a.pdf", pdf_bytes(draw)).text == " ".join(TURNED) + "\n\nDownloaded copy, not controlled"


def test_three_columns_are_read_one_after_the_other():
    texts = [[f"Column {name} speaks of its own", f"matter on line {name} number two", "in words that fill the line",
              "up to the gutter and no more", f"and ends here with {name}."] for name in ("one", "two", "three")]

    def draw(canvas):
        for number, row in enumerate(zip(*texts, strict=True)):  # as printed: row by row
            for column, text in enumerate(row):
                canvas.drawString(40 + 180 * column, 700 - 12 * number, text)

    assert only("a.pdf", pdf_bytes(draw)).text.replace("\n\n", " ") == " ".join(" ".join(text) for text in texts)


def ruled(canvas, rows, y=700, widths=(100, 160, 100), height=30, skip=frozenset()):
    """A table with lines; `skip` names cells (row, column) that have no line on their right."""
    canvas.setFont("Helvetica", 9)
    xs = [60]
    for width in widths:
        xs.append(xs[-1] + width)
    for number, row in enumerate(rows):
        top = y - number * height
        canvas.line(xs[0], top, xs[-1], top)
        canvas.line(xs[0], top, xs[0], top - height)
        for column, cell in enumerate(row):
            if (number, column) not in skip:
                canvas.line(xs[column + 1], top, xs[column + 1], top - height)
            lines(canvas, *cell.split("/"), x=xs[column] + 3, y=top - 10, leading=10)
    canvas.line(xs[0], y - len(rows) * height, xs[-1], y - len(rows) * height)


def test_a_cell_of_a_ruled_table_keeps_its_lines_together_and_apart_from_its_neighbours():
    def draw(canvas):
        ruled(canvas, [("Class", "Wait before the next/attempt", "Owner"),
                       ("Payment", "Fifteen seconds, then/thirty", "Client/assets"),
                       ("Other", "", "Support")])

    assert only("a.pdf", pdf_bytes(draw)).text == (
        "| Class | Wait before the next attempt | Owner |\n|---|---|---|\n"
        "| Payment | Fifteen seconds, then thirty | Client assets |\n| Other |  | Support |")


def test_the_text_of_a_merged_cell_stands_in_its_first_column():
    def draw(canvas):
        ruled(canvas, [("Class", "Wait", "Owner"), ("All classes below are under review", "", ""),
                       ("Other", "20 s", "Support")], skip={(1, 0), (1, 1)})

    assert only("a.pdf", pdf_bytes(draw)).text == (
        "| Class | Wait | Owner |\n|---|---|---|\n| All classes below are under review |  |  |\n"
        "| Other | 20 s | Support |")


def test_words_on_both_sides_of_a_line_are_two_cells_however_near():
    def draw(canvas):
        ruled(canvas, [("A wait", "of two", "x"), ("B", "C", "D")], widths=(32, 60, 60))

    assert only("a.pdf", pdf_bytes(draw)).text.startswith("| A wait | of two | x |")


@pytest.mark.parametrize("again", [True, False])
def test_a_table_that_goes_on_after_a_page_break_stays_one_table(again):
    header = ("Class", "Wait", "Owner")

    def first(canvas):
        lines(canvas, "The table says how long each class of message waits before it is sent again.", y=760)
        ruled(canvas, [header, ("Payment", "15 s", "Assets")])

    def second(canvas):
        ruled(canvas, [*([header] if again else []), ("Other", "20 s", "Support")], y=780)
        lines(canvas, "A later paragraph of the second page.", y=400)

    text = only("a.pdf", pdf_bytes(first, second)).text
    assert text.endswith("| Class | Wait | Owner |\n|---|---|---|\n| Payment | 15 s | Assets |\f\n"
                         "| Other | 20 s | Support |\n\nA later paragraph of the second page.")


def test_a_row_of_boxes_that_stands_alone_is_no_table():
    def draw(canvas):
        ruled(canvas, [("Left box", "Right box of the page", "")], skip={(0, 1)})

    assert only("a.pdf", pdf_bytes(draw)).text == "Left box\n\nRight box of the page"


def test_the_lines_of_a_table_strike_no_text():
    def draw(canvas):
        ruled(canvas, [("Class", "Wait", "Owner"), ("Payment", "15 s", "Assets")], height=14)

    assert "| Payment | 15 s | Assets |" in only("a.pdf", pdf_bytes(draw)).text
