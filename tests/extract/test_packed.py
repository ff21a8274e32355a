"""Files in files: archives, messages, mailboxes; each packed file has its own row, and all share one budget."""

import hashlib
import io
import zipfile
from email.message import EmailMessage
from io import BytesIO

import pytest

from pipeline.extract.records import BadRecord, Record, Refusal
from pipeline.extract.shard import judged
from pipeline.extract.sniff import DOCX, mime_of
from pipeline.schema.documents import document_id
from pipeline.schema.ledger import REASONS
from tests.extract.world import PARAMS, docx_bytes, found, only


def zip_bytes(*entries: tuple[str, bytes], level: int = 9) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def message(subject: str = "Access review", text: str = "The review is due on Friday.\n") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ann Lee <ann@example.com>", "desk@example.com", subject
    mail["Date"] = "Tue, 04 Mar 2025 10:00:00 +0100"
    mail.set_content(text)
    return mail


def limits(**changed: int):
    return PARAMS.model_copy(update={"limits": PARAMS.limits.model_copy(update=changed)})


def test_every_file_of_an_archive_is_read_by_its_own_reader():
    data = zip_bytes(("a/one.md", b"# One\n\ntext"), ("two.jsonl", b'{"a": "x"}\n{"a": "y"}\n'),
                     ("__MACOSX/._one.md", b"x"))
    items = found("lake.zip", data)
    assert [(item.locator, item.text) for item in items] == [
        ("entry 1 a/one.md", "# One\n\ntext"), ("entry 2 two.jsonl, line 1", "**A:** x"),
        ("entry 2 two.jsonl, line 2", "**A:** y")]


def test_an_archive_with_a_part_of_a_document_in_it_is_an_archive():
    data = zip_bytes(("word/document.xml", b"<r><p>one</p></r>"), ("notes/a.txt", b"two"))
    assert [item.text for item in found("a.zip", data)] == ["one", "two"]


@pytest.mark.parametrize(("name", "other", "is_package"), [
    ("a.docx", "mimetype", True), ("a.docx", ".DS_Store", True), ("a", "_rels/.rels", True), ("a", ".DS_Store", True),
    ("a.zip", "[content_types].xml", True), ("a.zip", "readme.txt", False)])
def test_an_office_package_is_one_whatever_its_programs_left_in_it(name, other, is_package):
    data = zip_bytes(("word/document.xml", b"<w/>"), (other, b""))
    assert mime_of(name, BytesIO(data)) == (DOCX if is_package else "application/zip")


def test_a_file_is_the_same_document_inside_and_outside_of_an_archive():
    (record,) = found("lake.zip", zip_bytes(("one.md", b"# One")))
    assert document_id(record.raw) == document_id(b"# One")


def test_what_is_wrong_with_a_packed_file_spoils_no_other():
    data = zip_bytes(("a.bin", b"\x00\x01"), ("b.json", b"{"), ("c.txt", b""), ("d.docx", b"PK\x03\x04broken"),
                     ("e.md", b"fine"))
    items = found("lake.zip", data)
    assert [(item.reason, item.evidence) for item in items if isinstance(item, BadRecord)] == [
        ("unsupported_type", "application/octet-stream"), ("unreadable", "JSONDecodeError"),
        ("unreadable", "zero bytes"), ("unreadable", "BadZipFile")]
    assert [item.text for item in items if isinstance(item, Record)] == ["fine"]
    assert {item.reason for item in items if isinstance(item, BadRecord)} <= REASONS.keys()


def test_a_packed_files_reason_reaches_the_ledger():
    file = {"path": "lake.zip", "source": "s"}
    answer = type("Answer", (), {"reason": "", "records": [
        {"locator": "entry 1 a.bin", "bad": "application/octet-stream", "reason": "unsupported_type"}]})
    _, ledger = judged(file, answer)
    assert [(row["input_id"], row["reason"]) for row in ledger] == [
        ("lake.zip#entry 1 a.bin", "unsupported_type"), ("lake.zip", "records")]


def test_archives_in_archives_are_read_down_to_the_limit_and_no_further():
    inner = zip_bytes(("deep.md", b"deep"))
    once, twice = zip_bytes(("in.zip", inner)), zip_bytes(("mid.zip", zip_bytes(("in.zip", inner))))
    assert only("a.zip", once).text == "deep"
    (bad,) = found("a.zip", twice)
    assert (bad.reason, bad.evidence) == ("limit_exceeded", "max_nesting 2")
    assert only("a.zip", twice, limits(max_nesting=3)).locator == "entry 1 mid.zip, entry 1 in.zip, entry 1 deep.md"


def test_an_archive_that_says_it_is_too_large_is_refused_at_once():
    with pytest.raises(Refusal, match="limit_exceeded: max_uncompressed_bytes"):
        found("bomb.zip", zip_bytes(("a.txt", b"a" * 2_000_001)))


def test_archives_in_an_archive_share_one_budget():
    inner = zip_bytes(("a.txt", b"a" * 900_000))
    items = found("bomb.zip", zip_bytes(*((f"{number}.zip", inner) for number in range(4))))
    assert sum(isinstance(item, Record) for item in items) == 2
    assert {item.reason for item in items if isinstance(item, BadRecord)} == {"limit_exceeded"}


def test_equal_names_in_an_archive_have_rows_of_their_own():
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = zip_bytes(("a.md", b"one"), ("a.md", b"two"))
    items = found("a.zip", data)
    assert len({item.locator for item in items}) == 2
    assert [item.text for item in items] == ["one", "two"]


def test_a_hash_in_a_name_does_not_move_the_end_of_the_files_path():
    (record,) = found("a.zip", zip_bytes(("a#1\n.md", b"one")))
    assert record.locator == "entry 1 a_1_.md"


def test_an_archive_with_a_password_is_encrypted():
    data = bytearray(zip_bytes(("a.md", b"one")))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        start = archive.start_dir
    data[start + 8] |= 1
    with pytest.raises(Refusal, match="encrypted"):
        found("a.zip", bytes(data))


def test_a_message_is_its_subject_its_people_and_its_text():
    record = only("a.eml", message().as_bytes())
    assert record.text == ("# Access review\n\n**From:** Ann Lee <ann@example.com>\n**To:** desk@example.com\n"
                           "**Date:** Tue, 04 Mar 2025 10:00:00 +0100\n\nThe review is due on Friday.")
    assert (record.title, record.published, record.locator) == ("Access review", "2025-03-04", "")


def test_the_plain_part_of_a_message_goes_before_the_html_part_and_hidden_html_is_no_content():
    both, alone = message(), message()
    both.add_alternative("<p>Not this</p>", subtype="html")
    alone.set_content("<p>Seen</p><p style='display:none'>unseen</p><ul><li>one</li></ul>", subtype="html")
    assert only("a.eml", both.as_bytes()).text.endswith("The review is due on Friday.")
    assert only("a.eml", alone.as_bytes()).text.endswith("+0100\n\nSeen\n\n- one")


def alternatives(plain: str, html: str) -> str:
    mail = message(text=plain)
    mail.add_alternative(html, subtype="html")
    return only("a.eml", mail.as_bytes()).text.partition("+0100\n\n")[2]


def test_a_plain_part_that_only_stands_in_for_the_html_part_does_not_hide_it():
    long = "The review of the access rights of every desk is due on Friday, and the head of each desk signs it by then."
    assert alternatives("This message is in HTML.\n", f"<p>{long}</p>") == f"This message is in HTML.\n\n{long}"
    assert alternatives("Every owner\n", f"<p>{long}</p>") == long
    assert alternatives("Approved: 5,000 EUR.\n", f"<p>{long}</p>").startswith("Approved: 5,000 EUR.")
    assert alternatives(f"See https://mail.example/{'a' * 200}\n", f"<p>{long}</p>").endswith(f"\n\n{long}")
    assert alternatives("本邮件为网页格式", f"<p>{'每位负责人须在周五前签署访问权限审查。' * 2}</p>").endswith("审查。")


def test_a_plain_part_that_says_the_most_of_it_goes_before_the_html_part():
    assert alternatives("The review is due on Friday.\n", "<p>The <b>review</b> is due on Friday. Act now: read "
                        "our page</p><p style='display:none'>" + "unseen " * 99) == "The review is due on Friday."
    assert alternatives("Short.\n", "<div>" * 150 + "deep " * 40) == "Short."
    assert alternatives("Short.\n", "<!-- nothing -->") == "Short."


def test_a_signature_ends_its_own_part_only():
    data = (b"From: a@b.c\nDate: x\nContent-Type: multipart/mixed; boundary=B\n\n--B\n\nfirst\n-- \nAnn Lee\n"
            b"--B\n\nsecond\n--B--\n")
    assert only("a.eml", data).text.endswith("first\n\nsecond")


def test_a_signature_is_left_out_and_quoted_lines_stay():
    text = "Yes.\n\n> Is it due?\n\n-- \nAnn Lee\n+1 202 555 0100\n"
    assert only("a.eml", message(text=text).as_bytes()).text.endswith("Yes.\n\n> Is it due?")


def test_attachments_are_files_with_rows_of_their_own():
    mail = message()
    mail.add_attachment(b"# Rules", maintype="text", subtype="markdown", filename="rules.md")
    mail.add_attachment(b"\x00\x01", maintype="application", subtype="octet-stream", filename="tool.exe")
    mail.add_attachment(docx_bytes(lambda document: document.add_paragraph("in Word")), maintype="application",
                        subtype="octet-stream", filename="note.docx")
    body, rules, tool, note = found("a.eml", mail.as_bytes())
    assert body.locator == "body"
    assert (rules.locator, rules.text) == ("attachment 1 rules.md", "# Rules")
    assert (tool.locator, tool.reason) == ("attachment 2 tool.exe", "unsupported_type")
    assert note.text == "in Word"


MIXED = b"""From: a@example.org
Date: Mon, 1 Jan 2024 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=B

--B
Content-Type: multipart/alternative; boundary=C

--C
Content-Type: text/plain

First.
--C
Content-Type: multipart/mixed; boundary=D

--D
Content-Type: text/html

<p>First, rich.</p>
--D
Content-Type: text/csv
Content-ID: <list>
Content-Disposition: inline; filename=list.csv

a,b
1,2
--D--
--C--
--B
Content-Type: text/html

<p>Second.</p>
--B
Content-Type: text/plain; name=log.txt

Third.
--B
Content-Type: image/png
Content-ID: <logo>

no picture
--B--
"""


def test_every_part_of_a_message_is_text_of_it_or_a_file_and_an_alternative_is_taken_once():
    body, *files = found("a.eml", MIXED)
    assert body.text.endswith("\n\nFirst.\n\nSecond.")
    assert "rich" not in body.text
    assert [(each.locator, each.text) for each in files] == [
        ("attachment 1 list.csv, row 1", "**A:** 1\n\n**B:** 2"), ("attachment 2 log.txt", "Third.")]


def test_a_forwarded_message_is_read_as_a_message():
    mail = message()
    mail.add_attachment(message("Inner", "inside\n"))
    _, inner = found("a.eml", mail.as_bytes())
    assert (inner.title, inner.text.rsplit("\n", 1)[-1]) == ("Inner", "inside")


def test_an_encrypted_message_is_refused_as_encrypted():
    sealed = b"From: a@b.c\nDate: Tue, 04 Mar 2025 10:00:00 +0100\nContent-Type: application/pkcs7-mime\n\nAAAA"
    with pytest.raises(Refusal, match="encrypted"):
        found("a.eml", sealed)


@pytest.mark.parametrize(("charset", "text", "shown"), [
    ("iso-8859-1", b"\x93caf\xe9\x94", "“café”"), ("us-ascii", b"\x93caf\xe9\x94", "“café”"),
    ("iso-8859-1", b"caf\xe9\x81", "caf\xe9\x81"), ("iso-2022-jp", "日本語".encode("iso2022_jp"), "日本語")])
def test_a_charset_stands_for_what_messages_are_written_in(charset, text, shown):
    raw = f"From: a@b.c\nDate: x\nContent-Type: text/plain; charset={charset}\n\n".encode() + text
    assert only("a.eml", raw).text.endswith(shown)


@pytest.mark.parametrize("charset", ["us-ascii", "iso-8859-1", "undefined", "idna", "no-such"])
def test_text_in_utf8_is_read_as_such_whatever_its_charset(charset):
    raw = f"From: a@b.c\nDate: x\nContent-Type: text/plain; charset={charset}\n\nGebühr für 5 €..\n".encode()
    assert only("a.eml", raw).text.endswith("Gebühr für 5 €..")


def test_a_wrong_charset_does_not_lose_the_message():
    raw = b"From: a@b.c\nDate: x\nContent-Type: text/plain; charset=no-such\n\ncaf\xc3\xa9\n"
    record = only("a.eml", raw)
    assert record.text.endswith("caf\u00e9")
    assert record.published is None


def test_a_mailbox_gives_a_record_for_each_message():
    one, two = message("One", "first\nFrom here on\n"), message("Two", "second\n")
    kept = (mail.as_bytes().replace(b"\nFrom h", b"\n>From h") for mail in (one, two))
    box = b"".join(b"From ann@example.com Tue Mar  4 10:00:00 2025\n" + mail + b"\n" for mail in kept)
    records = found("all.mbox", box)
    assert [(record.locator, record.title) for record in records] == [("message 1", "One"), ("message 2", "Two")]
    assert records[0].text.endswith("first\nFrom here on")


@pytest.mark.parametrize("name", ["saved", "12.txt"])
def test_mail_under_another_name_is_known_by_its_header(name):
    assert only(name, message().as_bytes()).title == "Access review"


def test_a_text_that_begins_with_a_colon_line_is_not_mail():
    assert only("a.txt", b"Subject: the review\nDate: none\n\nNo author.").title is None


def test_equal_archives_give_equal_records():
    data = zip_bytes(("a.md", b"one"), ("b.eml", message().as_bytes()))
    once, again = (hashlib.sha256(repr(found("a.zip", data)).encode()).hexdigest() for _ in range(2))
    assert once == again
