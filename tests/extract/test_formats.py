"""DOCX, HTML, XML, Markdown and records: what comes out, and what is refused."""

import io
import json
import zipfile

import polars as pl
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from pipeline.extract.legacy import legacy_encoding
from pipeline.extract.records import BadRecord, Refusal
from pipeline.extract.sniff import mime_of
from pipeline.sample_lake.hostile import EXPANSION, EXTERNAL_ENTITY, deep_html, docx_bomb
from tests.extract.world import docx_bytes, found, only


def test_docx_tables_lists_and_headings_stand_where_they_stood():
    def build(document):
        document.add_heading("Access", level=1)
        document.add_paragraph("Before the table.")
        table = document.add_table(rows=2, cols=2)
        cells = (cell for row in table.rows for cell in row.cells)
        for cell, text in zip(cells, ["a", "b", "c | d", "e"], strict=True):
            cell.text = text
        document.add_paragraph("one", style="List Bullet")
        document.add_paragraph("two", style="List Bullet")

    text = only("a.docx", docx_bytes(build)).text
    assert text == "# Access\n\nBefore the table.\n\n| a | b |\n|---|---|\n| c \\| d | e |\n\n- one\n- two"


def test_docx_deleted_and_struck_text_is_left_out_and_inserted_text_stays():
    def build(document):
        paragraph = document.add_paragraph("Keep this ")
        paragraph.add_run("not this ").font.strike = True
        paragraph.add_run("nor is this struck").font.strike = False
        for tag, text in (("del", "<w:delText>gone</w:delText>"), ("ins", "<w:t>, added</w:t>")):
            paragraph._p.append(parse_xml(f"<w:{tag} {nsdecls('w')}><w:r>{text}</w:r></w:{tag}>"))

    assert only("a.docx", docx_bytes(build)).text == "Keep this nor is this struck, added"


def test_docx_bold_labels_keep_their_mark_and_other_bold_does_not():
    def build(document):
        paragraph = document.add_paragraph()
        paragraph.add_run("Owner:").bold = True
        paragraph.add_run(" the desk is ")
        paragraph.add_run("always").bold = True

    assert only("a.docx", docx_bytes(build)).text == "**Owner:** the desk is always"


def test_a_docx_that_unfolds_too_far_is_refused_before_it_unfolds():
    with pytest.raises(Refusal, match="limit_exceeded: max_uncompressed_bytes"):
        only("a.docx", docx_bomb(5_000_000))


def test_a_docx_that_lies_about_its_size_is_refused_too():
    data = bytearray(docx_bomb(5_000_000))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        size = archive.infolist()[0].file_size
    start = data.rindex(size.to_bytes(4, "little"))
    data[start:start + 4] = (100).to_bytes(4, "little")
    with pytest.raises((Refusal, zipfile.BadZipFile)):
        only("a.docx", bytes(data))


def test_html_keeps_the_main_text_and_drops_scripts_furniture_and_hidden_text():
    page = b"""<!DOCTYPE html><html><head><title>T</title><script>alert(1)</script>
      <meta name="dcterms.date" content="2025-03-01"></head><body><nav>Home</nav><main><h2>Rules</h2>
      <p>One <b>two</b><script>x()</script> three<br>four</p><p style="display: none">ignore me</p>
      <ol><li>first</li><li>second <ul><li>inner</li></ul></li></ol>
      <table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table></main><footer>foot</footer></body></html>"""
    record = only("a.html", page)
    assert record.text == ("## Rules\n\nOne two three\nfour\n\n1. first\n2. second\n  - inner\n\n"
                           "| a | b |\n|---|---|\n| 1 | 2 |")
    assert record.published == "2025-03-01"


@pytest.mark.parametrize("style", [
    "font-size: 0.0px", "font-size:0", "opacity: .0", "opacity:0", "position:absolute; left:-999px",
    "text-indent:-999em", "clip-path: inset(50%)", "clip: rect(0 0 0 0)", "transform: scale(0)",
    "visibility:collapse", "DISPLAY : NONE"])
def test_what_its_style_takes_out_of_sight_is_no_content(style):
    assert only("a.html", f"<main><p>seen</p><p style='{style}'>unseen</p></main>".encode()).text == "seen"


@pytest.mark.parametrize("style", [
    "font-size: 0.9em", "opacity: 0.5", "margin-left:-20px; left:-20px", "transform: scale(0.5)", "height: 0",
    "color:#fff"])
def test_what_its_style_only_moves_or_colours_is_content(style):
    assert only("a.html", f"<main><p>seen</p><p style='{style}'>too</p></main>".encode()).text == "seen\n\ntoo"


def test_struck_and_hidden_text_goes_from_preformatted_text_and_its_blanks_stay():
    page = b"<main><pre>a  = 1\n<del>b = 2</del>c <b>= 3</b>\n<span hidden>d</span></pre></main>"
    assert only("a.html", page).text == "```\na  = 1\nc = 3\n```"


def test_a_list_goes_on_from_the_number_that_it_names():
    assert only("a.html", b"<main><ol start='3'><li>three</li><li>four</li></ol></main>").text == "3. three\n4. four"


def test_html_nested_too_deep_is_refused_and_not_cut_in_silence():
    with pytest.raises(Refusal, match="limit_exceeded: max_depth"):
        only("a.html", deep_html())


def test_an_external_entity_is_not_read():
    assert only("a.xml", EXTERNAL_ENTITY.encode()).text == "# Handover"


def test_an_entity_of_the_files_own_is_its_text():
    page = b'<!DOCTYPE r [<!ENTITY co "Acme Bank"><!ENTITY sum "5,000">]><r><p>&co; lends <b>&sum;</b>&sum;.</p></r>'
    assert only("a.xml", page).text == "Acme Bank lends 5,0005,000."


@pytest.mark.parametrize(("declared", "told"), [
    ('<!ENTITY a "x"><!ENTITY b "&a;&a;">', "entity of entities"), ('<!ENTITY b "<i>x</i>">', "entity of entities"),
    (f'<!ENTITY b "{"x" * 60_000}">', "entities unfold too far")])
def test_entities_that_unfold_to_more_than_text_are_refused(declared, told):
    with pytest.raises(Refusal, match=f"unreadable: {told}"):
        only("a.xml", f"<!DOCTYPE r [{declared}]><r><p>&b; and &b;</p></r>".encode())


def test_an_expanding_entity_never_unfolds():
    with pytest.raises(Exception, match=r"(?i)entity|loop|amplification"):
        only("a.xml", EXPANSION.encode())


def test_xml_titles_are_headings_by_depth():
    text = only("a.xml", b"<r><title>Top</title><s><title>Sub</title><p>Some <i>words</i> here.</p></s></r>").text
    assert text == "# Top\n\n## Sub\n\nSome words here."


def test_front_matter_is_read_and_removed():
    record = only("a.md", b"---\ntitle: Access\npublished: 2025-01-02\n---\n# Other\n\ntext\n")
    assert (record.title, record.published, record.text) == ("Access", "2025-01-02", "# Other\n\ntext")


def test_a_rule_at_the_top_that_is_no_front_matter_stays():
    assert only("a.md", b"---\n- a\n- b\n---\ntext\n").text.startswith("---")


def test_site_tags_go_from_markdown_and_placeholders_stay():
    page = (b"{% include x.html %}\n"
            b"{{site.baseurl}}Hello {{name}}, see [x]({{ '/a' | url }}){:target=\"_blank\"}\n")
    assert only("a.md", page).text == "Hello {{name}}, see x"


def test_a_date_in_the_text_stands_in_for_missing_metadata():
    assert only("a.txt", b"Policy. Published: 2024-05-06. More text.").published == "2024-05-06"


def test_text_that_is_not_utf_8_is_read_as_windows_1252():
    assert only("a.txt", "caf\u00e9".encode("cp1252")).text == "caf\u00e9"


POLICY = {
    "gb18030": "本政策规定了客户数据的访问程序。所有员工必须遵守本规定，并每年接受培训。",
    "big5": "本政策規定了客戶資料的存取程序。所有員工必須遵守本規定，並每年接受培訓。",
    "cp932": "この方針は顧客データへのアクセス手順を定めるものです。すべての従業員は遵守しなければなりません。",
    "euc_jp": "この方針は顧客データへのアクセス手順を定めるものです。すべての従業員は遵守しなければなりません。",
    "cp949": "이 정책은 고객 데이터에 대한 접근 절차를 정합니다. 모든 직원은 이를 준수해야 합니다.",
    "koi8_r": "Настоящая политика устанавливает порядок доступа к данным клиентов.",
    "koi8_u": "Ця політика встановлює порядок доступу до даних клієнтів.",
    "cp1251": "Привет мир, это текст"}


@pytest.mark.parametrize(("encoding", "text"), POLICY.items())
def test_text_of_cyrillic_or_of_east_asia_is_read_in_its_own_encoding(encoding, text):
    assert only("a.txt", text.encode(encoding)).text == text
    assert only("a.md", f"# Policy\n\nRead it: {text}\n".encode(encoding)).text == f"# Policy\n\nRead it: {text}"


def test_a_text_longer_than_what_is_looked_at_is_read_whole():
    text = POLICY["gb18030"] * 1000
    assert only("a.txt", text.encode("gb18030")).text == text


@pytest.mark.parametrize("text", [
    "Prüfung", "naïve café £5", "“Quoted” – it’s fine…", "Größe über Maß, schön. Die Prüfung erfolgt jährlich.",
    "Élève très gêné à l’école, déjà là où… « été »", "ÄÖÜ äöüß ÀÉÈ", "Ä" * 40, "España añade más información",
    "ÀÉÈ ÊÇÀ ÂÎÔ ÛÙË ÏÜŸ", "«ÉTÉ» — “ÎLE”", "€ • ™ © ® ½ ° ± µ"])
def test_short_western_text_stays_western_whatever_its_letters(text):
    assert only("a.txt", text.encode("cp1252")).text == text


@pytest.mark.parametrize("text", [
    "Η παρούσα πολιτική καθορίζει τη διαδικασία πρόσβασης", "מדיניות זו קובעת את נוהל הגישה לנתוני הלקוחות"])
def test_an_encoding_that_is_not_known_is_taken_for_no_other(text):
    data = text.encode({"Η": "cp1253", "מ": "cp1255"}[text[0]])
    assert legacy_encoding(data) is None


@pytest.mark.parametrize(("encoding", "text"), [
    ("cp1251", "ДОГОВОР ПОСТАВКИ ОБОРУДОВАНИЯ И МАТЕРИАЛОВ"), ("koi8_r", "ДОГОВОР ПОСТАВКИ ОБОРУДОВАНИЯ И МАТЕРИАЛОВ"),
    ("cp1251", "Договір постачання набирає чинності з першого січня, її можна розірвати."),
    ("cp949", "契約書 서비스 계약 條件 甲乙 契約書 서비스 계약 條件 甲乙 契約書 서비스 계약")])
def test_capitals_ukrainian_and_korean_with_chinese_characters_are_told(encoding, text):
    assert only("a.txt", text.encode(encoding)).text == text


def test_what_programs_for_dos_drew_is_no_cyrillic():
    drawn = "╔══════════╦═════════╗\n║ Größe ║ Wert ║\n╠══════════╬═════════╣\n└──────────┴─────────┘\n┌─┬─┐├─┼─┤\n"
    assert legacy_encoding(drawn.encode("cp437")) is None


def test_stray_bytes_that_mean_nothing_do_not_cost_the_file():
    assert only("a.txt", b"The \x81fee f\xfcr it is \x9d5 EUR.").text == "The fee für it is 5 EUR."
    with pytest.raises(Refusal, match="unreadable"):
        only("a.txt", ("Die Prüfung der Gebühr für Straßen " * 5).encode("cp850"))


def test_damaged_utf_8_is_taken_for_no_other_encoding():
    assert legacy_encoding(POLICY["koi8_r"].encode()[:-1]) is None
    assert legacy_encoding(POLICY["gb18030"].encode()[:-1]) is None


@pytest.mark.parametrize(("data", "text"), [
    ("Über die Prüfung der Bücher ".encode() + b"f\xfcr \x80 5", "Über die Prüfung der Bücher für € 5"),
    ("数字与文字的审核报告".encode() + b"\xe6", "数字与文字的审核报告æ"),
    (b"Pr\xfcfung \x93so\x94 f\xfcr \x80 5", "Prüfung \u201cso\u201d für € 5")])
def test_stray_bytes_do_not_spoil_a_text_in_utf_8(data, text):
    assert [one.text for one in found("note.txt", data)] == [text]


def test_a_ticket_becomes_question_and_resolution():
    line = json.dumps({"product": "Quayside", "question": "Why?", "resolution": "Because.", "opened": "2024-01-02"})
    (record,) = found("t.jsonl", line.encode() + b"\n")
    assert record.text == "# Quayside\n\n**Question:** Why?\n\n**Resolution:** Because."
    assert (record.published, record.locator, record.raw) == ("2024-01-02", "line 1", line.encode())


def test_broken_lines_are_named_and_the_others_are_read():
    items = found("t.jsonl", b'{"a": "x"}\n{"a": \n[1]\n{"a": "y"}')
    kinds = [f"{type(item).__name__} {item.locator}" for item in items]
    assert kinds == ["Record line 1", "BadRecord line 2", "BadRecord line 3", "Record line 4"]


def test_csv_rows_with_a_wrong_number_of_fields_are_bad_records():
    first, second = found("t.csv", b"text,label\nhello there,x\nlonely\n")
    assert first.text == "**Text:** hello there\n\n**Label:** x"
    assert isinstance(second, BadRecord)


def test_parquet_rows_and_csv_rows_with_equal_fields_are_one_record():
    out = io.BytesIO()
    pl.DataFrame({"text": ["hello"], "label": ["x"]}).write_parquet(out)
    assert found("t.parquet", out.getvalue())[0].raw == found("t.csv", b"text,label\nhello,x\n")[0].raw


def test_more_records_than_allowed_are_refused():
    with pytest.raises(Refusal, match="max_records"):
        found("t.jsonl", b'{"a": "x"}\n' * 101)


@pytest.mark.parametrize(("name", "data", "reason"), [
    ("a.pdf", b"", "unreadable: zero bytes"),
    ("a.bin", b"\x00\x01", "unsupported_type: application/octet-stream"),
    ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "unsupported_type: application/x-ole-storage"),
])
def test_files_without_a_reader_say_why(name, data, reason):
    with pytest.raises(Refusal, match=reason):
        found(name, data)


def test_content_counts_before_the_name():
    from tests.extract.world import lines, pdf_bytes

    assert "inside is a" in only("notes.md", pdf_bytes(lambda c: lines(c, "inside is a pdf"))).text


@pytest.mark.parametrize(("name", "data", "mime"), [
    ("a.txt", b"A file is a PDF when it begins with %PDF-1.4 or so.\n", "text/plain"),
    ("a.md", b"# Formats\n\n```\n%PDF-1.4\n1 0 obj\n```\n", "text/markdown"),
    ("a.eml", b"From: a@b.c\nDate: x\n\n> %PDF-1.4\n", "message/rfc822"),
    ("a.txt", b"\x1b$B...\x1b(B is no %PDF-1.4", "text/plain"),
    ("a.txt", b"%PDF-1.4\n", "application/pdf"), ("a.txt", b"\xef\xbb\xbf\r\n %PDF-1.4\n", "application/pdf"),
    ("a.pdf", b"Warning: x\n%PDF-1.4\n", "application/pdf"),
    ("a.txt", b"A bo\x08old line that quotes %PDF-1.4 and 1 0 obj", "text/plain"),
    ("a.bin", b"\x1b%-12345X@PJL\n%PDF-1.4\n1 0 obj", "application/pdf")])
def test_a_text_that_quotes_the_header_of_a_pdf_is_none(name, data, mime):
    assert mime_of(name, io.BytesIO(data)) == mime


def compound(*names: str) -> bytes:
    """The header of a compound file, and a directory with these entries."""
    entries = [name.encode("utf-16-le").ljust(64, b"\x00") + bytes([2 * len(name) + 2, 0, 2]) for name in names]
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\x00") + b"".join(entry.ljust(128, b"\x00")
                                                                              for entry in entries)


def test_an_office_document_with_a_password_is_encrypted_and_an_old_one_is_not():
    with pytest.raises(Refusal, match="encrypted"):
        found("a.docx", compound("EncryptionInfo", "EncryptedPackage"))
    for other in (compound("WordDocument"), compound("WordDocument") + b"x" + compound("EncryptedPackage")):
        with pytest.raises(Refusal, match="unsupported_type: application/x-ole-storage"):
            found("a.doc", other)
