"""PPTX, XLSX and the parts of DOCX that are hidden, struck, numbered or noted: packages written by hand."""

import io
import zipfile

import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from pipeline.extract.docx_styles import _written
from pipeline.extract.records import Refusal
from tests.extract.world import PARAMS, docx_bytes, only

RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
R = f'xmlns:r="{OFFICE}"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def package(**parts: str) -> bytes:
    """A ZIP of XML parts; `__` stands for a slash, `_rels` files are given by their part's name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/") + (".rels" if "_rels" in name else ".xml"), text)
    return out.getvalue()


def rels(**targets: str) -> str:
    marks = "".join(f'<Relationship Id="{name}" Target="{target}"/>' for name, target in targets.items())
    return f'<Relationships xmlns="{RELS}">{marks}</Relationships>'


def shape(kind: str, *paragraphs: str, extra: str = "") -> str:
    mark = f'<p:ph type="{kind}"/>' if kind else ""
    return (f'<p:sp><p:nvSpPr><p:cNvPr id="1" name="x" {extra}/><p:cNvSpPr/><p:nvPr>{mark}</p:nvPr></p:nvSpPr>'
            f"<p:txBody>{''.join(paragraphs)}</p:txBody></p:sp>")


def line(text: str, how: str = "", run: str = "") -> str:
    return f"<a:p>{how}<a:r>{run}<a:t>{text}</a:t></a:r></a:p>"


def slide(*shapes: str, show: str = "1") -> str:
    return f'<p:sld {A} {P} {R} show="{show}"><p:cSld><p:spTree>{"".join(shapes)}</p:spTree></p:cSld></p:sld>'


def deck(*slides: str, **more: str) -> bytes:
    ids = "".join(f'<p:sldId id="{256 + number}" r:id="r{number}"/>' for number in range(len(slides)))
    parts = {f"ppt__slides__s{number}": text for number, text in enumerate(slides)}
    return package(ppt__presentation=f"<p:presentation {P} {R}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
                   **{"ppt___rels__presentation.xml": rels(
                       **{f"r{n}": f"slides/s{n}.xml" for n, _ in enumerate(slides)})},
                   **parts, **more)


def test_slides_stand_in_their_order_with_titles_lists_and_tables():
    table = ("<p:graphicFrame><a:tbl>"
             "<a:tr><a:tc><a:txBody>{}</a:txBody></a:tc><a:tc><a:txBody>{}</a:txBody></a:tc></a:tr>"
             "<a:tr><a:tc><a:txBody>{}</a:txBody></a:tc><a:tc hMerge='1'><a:txBody>{}</a:txBody></a:tc></a:tr></a:tbl>"
             "</p:graphicFrame>").format(*map(line, ("Role", "Owner", "Desk", "unseen")))
    first = slide(shape("body", line("one"), line("two", '<a:pPr lvl="1"/>')), shape("title", line("Rules")))
    second = slide(shape("", line("Free text")), table)
    record = only("a.pptx", deck(first, second))
    assert record.text == ("## Rules\n\n- one\n  - two\f"
                           "Free text\n\n| Role | Owner |\n|---|---|\n| Desk |  |")
    assert record.title == "Rules"


def test_hidden_slides_hidden_shapes_struck_runs_and_furniture_are_left_out():
    hidden = slide(shape("title", line("Secret")), show="0")
    shown = slide(shape("title", line("Shown")), shape("", line("ghost"), extra='hidden="1"'),
                  shape("", line("gone", run='<a:rPr strike="sngStrike"/>')), shape("sldNum", line("7")))
    record = only("a.pptx", deck(hidden, shown))
    assert record.text == "\f## Shown"  # the hidden slide is a page: slide 2 is cited as page 2
    assert record.title == "Shown"


def test_speaker_notes_stand_below_their_slide():
    shapes = shape("body", line("Say this.")) + shape("sldNum", line("1"))
    notes = f"<p:notes {A} {P}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:notes>"
    data = deck(slide(shape("title", line("Shown"))), ppt__notesSlides__n1=notes,
                **{"ppt__slides___rels__s0.xml": rels(n="../notesSlides/n1.xml")})
    assert only("a.pptx", data).text == "## Shown\n\n**Notes:** Say this."


def test_more_slides_than_allowed_are_refused():
    params = PARAMS.model_copy(update={"limits": PARAMS.limits.model_copy(update={"max_pages": 1})})
    with pytest.raises(Refusal, match="max_pages"):
        only("a.pptx", deck(slide(), slide()), params)


COSTS = '<sheet name="Costs" sheetId="1" r:id="r1"/>'


def book(*rows: str, sheets: str = COSTS, before: str = "", **more: str) -> bytes:
    return package(
        xl__workbook=f"<workbook {S} {R}><sheets>{sheets}</sheets></workbook>",
        **{"xl___rels__workbook.xml": rels(r1="worksheets/s1.xml", r2="/xl/worksheets/s2.xml")},
        xl__worksheets__s1=f"<worksheet {S}>{before}<sheetData>{''.join(rows)}</sheetData></worksheet>", **more)


def row(number: int, *cells: str, how: str = "") -> str:
    return f'<row r="{number}" {how}>{"".join(cells)}</row>'


def text(place: str, value: str, style: int = 0) -> str:
    return f'<c r="{place}" t="inlineStr" s="{style}"><is><t>{value}</t></is></c>'


STYLES = (f"<styleSheet {S}><numFmts><numFmt numFmtId='170' formatCode='&quot;day&quot; yyyy\\-mm'/>"
          "<numFmt numFmtId='171' formatCode='[Red]0.0 &quot;h&quot;'/></numFmts>"
          "<fonts><font/><font><strike/></font></fonts><cellXfs><xf numFmtId='0' fontId='0'/>"
          "<xf numFmtId='14' fontId='0'/><xf numFmtId='0' fontId='1'/>"
          "<xf numFmtId='170'/><xf numFmtId='171'/></cellXfs></styleSheet>")


def test_a_sheet_is_a_table_under_its_name_and_blank_rows_end_a_table():
    strings = f"<sst {S}><si><t>Item</t></si><si><r><t>Pr</t></r><r><t>ice</t></r></si></sst>"
    data = book(row(1, '<c r="A1" t="s"><v>0</v></c>', '<c r="C1" t="s"><v>1</v></c>'),
                row(2, text("A2", "Bolt"), '<c r="C2"><f>1+1</f><v>2.50</v></c>'),
                row(4, text("B4", "A note.")), xl__sharedStrings=strings)
    assert only("a.xlsx", data).text == "## Costs\n\n| Item | Price |\n|---|---|\n| Bolt | 2.5 |\n\nA note."


def test_hidden_sheets_rows_and_columns_and_struck_cells_are_left_out():
    sheets = COSTS + '<sheet name="Secret" sheetId="2" state="veryHidden" r:id="r2"/>'
    data = book(row(1, text("A1", "a"), text("B1", "unseen"), text("C1", "gone", 2), text("D1", "b")),
                row(2, text("A2", "hidden row"), how='hidden="1"'), sheets=sheets, xl__styles=STYLES,
                before='<cols><col min="2" max="2" hidden="1"/></cols>',
                xl__worksheets__s2=f"<worksheet {S}><sheetData>{row(1, text('A1', 'x'))}</sheetData></worksheet>")
    assert only("a.xlsx", data).text == "## Costs\n\n| a | b |\n|---|---|"


def test_rows_and_columns_drawn_to_nothing_and_cells_whose_format_shows_nothing_are_left_out():
    styles = STYLES.replace("<numFmts>", "<numFmts><numFmt numFmtId='172' formatCode=';;;'/>").replace(
        "<xf numFmtId='171'/>", "<xf numFmtId='171'/><xf numFmtId='172'/>")
    data = book(row(1, text("A1", "a"), text("B1", "no width"), text("C1", "unseen", 5), text("D1", "b")),
                row(2, text("A2", "no height"), how='ht="0" customHeight="1"'), xl__styles=styles,
                before='<cols><col min="2" max="2" width="0"/><col min="4" max="4" width="0.5"/></cols>')
    assert only("a.xlsx", data).text == "## Costs\n\n| a | b |\n|---|---|"


@pytest.mark.parametrize(("style", "value", "shown"), [
    (1, "45658", "2025-01-01"), (1, "45658.5", "2025-01-01 12:00"), (1, "0.25", "06:00"), (3, "45658", "2025-01-01"),
    (4, "45658", "45658"), (0, "3.0", "3"), (0, "0.1", "0.1"), (0, "1E400", "inf"), (0, "n/a", "n/a"), (1, "-5", "-5")])
def test_numbers_read_as_they_are_shown(style, value, shown):
    data = book(row(1, f'<c r="A1" s="{style}"><v>{value}</v></c>'), xl__styles=STYLES)
    assert only("a.xlsx", data).text == f"## Costs\n\n{shown}"


def test_a_cell_in_a_far_corner_is_not_a_million_rows():
    data = book(row(1, text("A1", "near")), row(1048576, text("XFD1048576", "far")))
    assert only("a.xlsx", data).text == "## Costs\n\nnear\n\nfar"


def test_a_diagonal_of_cells_is_refused_and_not_filled_up():
    columns = ("".join(chr(65 + n // 26**k % 26) for k in (2, 1, 0)) for n in range(1, 1500))
    cells = (row(n, f'<c r="{column}{n}"><v>1</v></c>') for n, column in enumerate(columns, start=1))
    with pytest.raises(Refusal, match="limit_exceeded: max_chars"):
        only("a.xlsx", book(*cells))


def test_an_index_beyond_the_strings_is_an_empty_cell():
    data = book(row(1, '<c r="A1" t="s"><v>9</v></c>', text("B1", "b")))
    assert only("a.xlsx", data).text == "## Costs\n\nb"


def styled(document, name: str, mark: str) -> None:
    from docx.enum.style import WD_STYLE_TYPE

    style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    style.element.get_or_add_rPr().append(parse_xml(f"<w:{mark} {nsdecls('w')}/>"))


def test_hidden_text_is_left_out_by_run_and_by_style_and_a_run_may_undo_its_style():
    def build(document):
        styled(document, "Quiet", "vanish")
        paragraph = document.add_paragraph("Seen")
        paragraph.add_run(" unseen").font.hidden = True
        document.add_paragraph("All unseen", style="Quiet")
        document.add_paragraph(style="Quiet").add_run("undone").font.hidden = False

    assert only("a.docx", docx_bytes(build)).text == "Seen\n\nundone"


def test_text_that_its_style_strikes_through_is_left_out_unless_it_is_asked_for():
    def build(document):
        styled(document, "Old", "strike")
        document.add_paragraph("was", style="Old")
        document.add_paragraph("is")

    kept = PARAMS.model_copy(update={"layout": PARAMS.layout.model_copy(update={"drop_struck": False})})
    assert only("a.docx", docx_bytes(build)).text == "is"
    assert only("a.docx", docx_bytes(build), kept).text == "was\n\nis"


HEADING = '<w:style w:type="paragraph" w:styleId="H"><w:name w:val="heading 1"/></w:style>'
HEADED = '<w:p><w:pPr><w:pStyle w:val="H"/></w:pPr><w:r><w:t>Scope</w:t></w:r></w:p>'
STRICT_W = 'xmlns:w="http://purl.oclc.org/ooxml/wordprocessingml/main"'


def test_a_document_in_strict_namespaces_is_read_with_its_styles():
    body = HEADED + "<w:p><w:r><w:rPr><w:strike/></w:rPr><w:t>was</w:t></w:r><w:r><w:t>is</w:t></w:r></w:p>"
    parts = {"word__document": f"<w:document {STRICT_W}><w:body>{body}</w:body></w:document>",
             "word__styles": f"<w:styles {STRICT_W}>{HEADING}</w:styles>"}
    assert only("a.docx", package(**parts)).text == "# Scope\n\nis"


def test_a_document_whose_parts_are_counted_is_a_document_and_no_archive():
    parts = {"word__document2": f"<w:document {nsdecls('w')}><w:body>{HEADED}</w:body></w:document>",
             "word__styles2": f"<w:styles {nsdecls('w')}>{HEADING}</w:styles>"}
    assert only("a.docx", package(**parts)).text == "# Scope"


def test_deleted_and_hidden_rows_of_a_table_are_left_out():
    def build(document):
        table = document.add_table(rows=3, cols=2)
        for number, row_ in enumerate(table.rows):
            row_.cells[0].text, row_.cells[1].text = f"a{number}", f"b{number}"
        for index, mark in ((1, "del"), (2, "hidden")):
            table.rows[index]._tr.get_or_add_trPr().append(parse_xml(f"<w:{mark} {nsdecls('w')}/>"))

    assert only("a.docx", docx_bytes(build)).text == "| a0 | b0 |\n|---|---|"


def test_merged_cells_keep_the_columns_of_a_table_in_line():
    def build(document):
        table = document.add_table(rows=2, cols=3)
        table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
        table.cell(0, 2).text = "c"
        for column, letter in enumerate("xyz"):
            table.cell(1, column).text = letter

    assert only("a.docx", docx_bytes(build)).text == "| wide |  | c |\n|---|---|---|\n| x | y | z |"


NUMBERING = """<w:abstractNum {ns} w:abstractNumId="90">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1"/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2"/></w:lvl>
<w:lvl w:ilvl="2"><w:start w:val="3"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%3)"/></w:lvl>
<w:lvl w:ilvl="3"><w:numFmt w:val="bullet"/><w:lvlText w:val="x"/></w:lvl></w:abstractNum>"""


def test_numbers_of_headings_and_items_are_those_a_word_processor_shows():
    def build(document):
        numbering = document.part.numbering_part.element
        numbering.insert(0, parse_xml(NUMBERING.format(ns=nsdecls("w"))))
        numbering.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="90"><w:abstractNumId w:val="90"/></w:num>'))
        for heading, level, words in ((1, 0, "Scope"), (2, 1, "People"), (2, 1, "Systems"), (0, 2, "first"),
                                      (0, 2, "next"), (0, 3, "dot"), (1, 0, "Rules"), (2, 1, "Again"),
                                      (0, 2, "afresh")):
            paragraph = document.add_heading(words, heading) if heading else document.add_paragraph(words)
            paragraph._p.get_or_add_pPr().append(parse_xml(
                f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="90"/></w:numPr>'))

    assert only("a.docx", docx_bytes(build)).text == (
        "# 1 Scope\n\n## 1.1 People\n\n## 1.2 Systems\n\n    (c) first\n    (d) next\n      - dot\n\n"
        "# 2 Rules\n\n## 2.1 Again\n\n    (c) afresh")


@pytest.mark.parametrize(("number", "kind", "shown"), [
    (4, "lowerRoman", "iv"), (1999, "upperRoman", "MCMXCIX"), (27, "lowerLetter", "aa"), (3, "upperLetter", "C"),
    (7, "decimalZero", "07"), (7, "decimal", "7")])
def test_numbers_are_written_in_the_kind_of_their_level(number, kind, shown):
    assert _written(number, kind) == shown


def test_footnotes_stand_below_the_text_in_the_order_they_are_referred_to():
    def build(document):
        for ident, words in ((2, "Two"), (1, "One")):
            document.add_paragraph(words)._p.append(parse_xml(
                f'<w:r {nsdecls("w")}><w:footnoteReference w:id="{ident}"/></w:r>'))

    notes = "".join(f'<w:footnote w:id="{ident}"><w:p><w:r><w:t>note {ident}</w:t></w:r></w:p></w:footnote>'
                    for ident in (1, 2))
    out = io.BytesIO(docx_bytes(build))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("word/footnotes.xml", f"<w:footnotes {nsdecls('w')}>{notes}</w:footnotes>")
    assert only("a.docx", out.getvalue()).text == "Two[^1]\n\nOne[^2]\n\n[^1]: note 2\n\n[^2]: note 1"


def test_a_generated_table_of_contents_is_left_out():
    def build(document):
        document.add_paragraph("Text")
        document.element.body.insert(0, parse_xml(
            f'<w:sdt {nsdecls("w")}><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj>'
            "</w:sdtPr><w:sdtContent><w:p><w:r><w:t>Scope 3</w:t></w:r></w:p></w:sdtContent></w:sdt>"))

    assert only("a.docx", docx_bytes(build)).text == "Text"
