"""Hostile files made of sound ones: the same bytes for the same seed.

A mutant is a sound file with one thing done to it that files in the wild, or those who send them, do:
flipped bytes, a cut, a splice, a wrong name, numbers that are too large, parts of an archive replaced
from inside; or a bomb that unfolds, nests or repeats without end.
"""

import io
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

Draw = random.Random
HUGE = (b"4294967295", b"2147483648", b"-1", b"99999999999999999999", b"1e999", b"0")
WORDS = (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\x00\x00\x00\x00")
SUFFIXES = (".pdf", ".docx", ".pptx", ".xlsx", ".zip", ".html", ".xhtml", ".xml", ".md", ".txt", ".json", ".jsonl",
            ".csv", ".tsv", ".parquet", ".png", ".jpg", ".tif", ".eml", ".mbox", ".doc", "")
MOST = 2_000_000
"""Bytes of a mutant."""


class Sound(NamedTuple):
    """A file to be harmed."""

    suffix: str
    data: bytes


def flipped(draw: Draw, sound: Sound, _: list[Sound]) -> Sound:
    """Some bits are another."""
    data = bytearray(sound.data)
    for _bit in range(draw.choice((1, 4, 16, 64, 256))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return Sound(sound.suffix, bytes(data))


def truncated(draw: Draw, sound: Sound, _: list[Sound]) -> Sound:
    """The end is missing."""
    return Sound(sound.suffix, sound.data[:draw.randrange(len(sound.data))])


def beheaded(draw: Draw, sound: Sound, _: list[Sound]) -> Sound:
    """All but the first bytes, which say the type, begins later."""
    head = min(16, len(sound.data) - 1)
    return Sound(sound.suffix, sound.data[:head] + sound.data[draw.randrange(head, len(sound.data)):])


def spliced(draw: Draw, sound: Sound, others: list[Sound]) -> Sound:
    """The beginning of one and the end of another."""
    other = draw.choice(others).data
    return Sound(sound.suffix, sound.data[:draw.randrange(len(sound.data))] + other[draw.randrange(len(other)):])


def repeated(draw: Draw, sound: Sound, _: list[Sound]) -> Sound:
    """A piece stands there many times."""
    start = draw.randrange(len(sound.data))
    piece = sound.data[start:start + draw.choice((1, 2, 8, 64, 1024))]
    times = min(draw.choice((10, 1000, 100_000)), MOST // len(piece))
    return Sound(sound.suffix, sound.data[:start] + piece * times + sound.data[start:])


def blanked(draw: Draw, sound: Sound, _: list[Sound]) -> Sound:
    """A stretch is all one byte, as after a failed copy."""
    start = draw.randrange(len(sound.data))
    end = min(len(sound.data), start + draw.choice((4, 64, 4096)))
    return Sound(sound.suffix, sound.data[:start] + draw.choice((b"\x00", b"\xff", b" ")) * (end - start)
                 + sound.data[end:])


def misnamed(draw: Draw, sound: Sound, _: list[Sound]) -> Sound:
    """The name says another type."""
    return Sound(draw.choice(SUFFIXES), sound.data)


def overnumbered(draw: Draw, sound: Sound, _: list[Sound]) -> Sound:
    """Numbers written in digits are too large, negative or none."""
    found = list(re.finditer(rb"\d+", sound.data))
    data = sound.data
    for number in sorted(draw.sample(found, min(len(found), draw.choice((1, 3, 10)))), key=lambda each: -each.start()):
        data = data[:number.start()] + draw.choice(HUGE) + data[number.end():]
    return Sound(sound.suffix, data)


def overcounted(draw: Draw, sound: Sound, _: list[Sound]) -> Sound:
    """Numbers written in four bytes, as in headers and directories, are too large."""
    data = bytearray(sound.data)
    ends = (min(512, len(data)), len(data))
    for _word in range(draw.choice((1, 2, 8))):
        at = draw.randrange(draw.choice(ends))
        data[at:at + 4] = draw.choice(WORDS)
    return Sound(sound.suffix, bytes(data))


def harmed_inside(draw: Draw, sound: Sound, others: list[Sound]) -> Sound:
    """A part of an archive, or a stream of a PDF, is harmed and packed soundly again."""
    harm = draw.choice((flipped, truncated, repeated, overnumbered, spliced))
    if sound.data.startswith(b"PK"):
        return Sound(sound.suffix, _repacked(draw, sound.data, harm, others))
    streams = list(re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", sound.data, re.DOTALL))
    if not streams:
        return harm(draw, sound, others)
    chosen = draw.choice(streams)
    try:
        inside = zlib.decompress(chosen[1])
    except zlib.error:
        return harm(draw, sound, others)
    packed = zlib.compress(harm(draw, Sound("", inside or b" "), others).data)
    return Sound(sound.suffix, sound.data[:chosen.start(1)] + packed + sound.data[chosen.end(1):])


def _repacked(draw: Draw, data: bytes, harm: "Harm", others: list[Sound]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as again:
        parts = archive.infolist()
        chosen = draw.choice(parts).filename
        for part in parts:
            content = archive.read(part)
            if part.filename == chosen and content:
                content = harm(draw, Sound("", content), others).data
            again.writestr(zipfile.ZipInfo(part.filename), content)
    return out.getvalue()


Harm = Callable[[Draw, Sound, list[Sound]], Sound]
HARMS: tuple[Harm, ...] = (flipped, truncated, beheaded, spliced, repeated, blanked, misnamed, overnumbered,
                           overcounted, harmed_inside, harmed_inside)


def mutants(sound: list[Sound], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """`count` mutants as (name, content), every type in turn."""
    draw = random.Random(seed)
    types = sorted({each.suffix for each in sound})
    of_type = {suffix: [each for each in sound if each.suffix == suffix] for suffix in types}
    for number in range(count):
        suffix = types[number % len(types)]
        harm = draw.choice(HARMS)
        made = harm(draw, draw.choice(of_type[suffix]), sound)
        yield f"{suffix.strip('.') or 'none'}/{number:05d}-{harm.__name__}{made.suffix}", made.data[:MOST]


def bombs() -> Iterator[tuple[str, bytes]]:
    """Small files that unfold, nest, repeat or claim without end."""
    deep, wide = 200_000, 1_000_000
    yield "bombs/deep.json", b"[" * deep + b"]" * deep
    yield "bombs/deep-objects.json", b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    yield "bombs/deep-line.jsonl", b'{"text": "sound"}\n{"text": ' + b"[" * 3_000 + b"]" * 3_000 + b"}\n"
    yield "bombs/digits.json", b'{"a": ' + b"9" * wide + b"}"
    yield "bombs/key.json", b'{"' + b"k" * wide + b'": "v"}'
    yield "bombs/keys.json", b"{" + b",".join(b'"%d":%d' % (n, n) for n in range(100_000)) + b"}"
    yield "bombs/deep.xml", b"<a>" * deep + b"</a>" * deep
    yield "bombs/deep.html", b"<html>" + b"<div>" * deep
    yield "bombs/deep-lists.html", b"<html>" + b"<ul><li>" * 30_000
    yield "bombs/deep-tables.html", b"<html>" + b"<table><tr><td>" * 30_000
    yield "bombs/inline.html", b"<html><p>" + b"<b>" * 390 + b"x"
    yield "bombs/attributes.html", b"<html><p " + b" ".join(b'a%d="%d"' % (n, n) for n in range(100_000)) + b">x"
    yield "bombs/span.html", (b'<html><table><tr><td colspan="999999999" rowspan="999999999">x</td><td>y</td></tr>'
                              b"</table>")
    yield "bombs/comments.html", b"<!---->" * 580 + b"<p>x"
    yield "bombs/comments-open.html", b"<html>" + b"<!--" * 100_000
    yield "bombs/entities.xml", _entities()
    yield "bombs/quadratic.xml", (b'<!DOCTYPE r [<!ENTITY a "' + b"a" * 50_000 + b'">]><r>' + b"&a;" * 50_000 + b"</r>")
    yield "bombs/outside.xml", b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><r><p>&a;</p></r>'
    yield "bombs/namespaces.xml", b"<r " + b" ".join(b'xmlns:n%d="u"' % n for n in range(50_000)) + b"/>"
    yield "bombs/titles.xml", b"<r>" + b"<s><title>t</title>" * 200 + b"</s>" * 200 + b"</r>"
    yield "bombs/aliases.md", aliases()
    yield "bombs/front-matter.md", b"---\n" + b"a: [" * 5_000 + b"\n---\nwords"
    yield "bombs/blanks.txt", b"x" + b" " * wide + b"x"
    yield "bombs/blanks.md", b"# x" + b" \t" * wide + b"x"
    yield "bombs/hashes.md", b"# x" + b"#" * wide + b"y"
    yield "bombs/tags.md", b"{%" * 300_000
    yield "bombs/tags-comments.md", b"{#" * 300_000
    yield "bombs/html-comments.md", b"<!--" * 200_000
    yield "bombs/expressions.md", b"{{" + b"'" * 300_000
    yield "bombs/attributes.md", b"{:" * 300_000
    yield "bombs/angles.md", b"<a " * 300_000
    yield "bombs/lines.txt", b"\n" * wide
    yield "bombs/one-line.txt", b"word " * 400_000
    yield "bombs/combining.txt", "e\u0301\u0302".encode() * 300_000
    yield "bombs/bidi.txt", "\u202e\u2066".encode() * 300_000
    yield "bombs/utf16-cut.txt", b"\xff\xfe" + b"\x00\xd8" * 100_000 + b"\x00"
    yield "bombs/quote.csv", b'a,b\n"' + b"x" * wide
    yield "bombs/columns.csv", b"," * wide + b"\n" + b"," * wide
    yield "bombs/rows.csv", b"a\n" + b"1\n" * 500_000
    yield "bombs/headers.eml", b"From: a@b.c\nDate: x\n" + b"X: " + b"y\n " * 300_000
    yield "bombs/references.eml", b"From: a@b.c\nDate: x\nSubject: " + b"=?utf-8?q?" * 50_000 + b"\n\nx"
    yield "bombs/parts.eml", _nested_mail(300)
    yield "bombs/messages.mbox", b"From a@b.c Mon Jan  1 00:00:00 2024\nFrom: a@b.c\nDate: x\n\nx\n\n" * 20_000
    yield "bombs/boundary.eml", (b"From: a@b.c\nDate: x\nContent-Type: multipart/mixed; boundary=b\n\n"
                                 + b"--b\n\nx\n" * 50_000)
    yield "bombs/zip.zip", zipped({f"{n}.txt": b" " * 20_000_000 for n in range(8)})
    yield "bombs/nested.zip", _nested_zip(12)
    yield "bombs/quine-like.zip", _overlapping_zip()
    yield "bombs/entries.zip", zipped({f"{n}": b"" for n in range(30_000)})
    yield "bombs/climbs.zip", zipped({"../../../../tmp/climbed.txt": b"climbed", "/etc/passwd": b"x",
                                      "a\x00b.txt": b"x", "#line 1": b"x", "con.txt": b"x", "a" * 30_000: b"x"})
    for suffix, part in ((".docx", "word/document.xml"), (".xlsx", "xl/workbook.xml"),
                         (".pptx", "ppt/presentation.xml")):
        yield f"bombs/bomb{suffix}", zipped({"[Content_Types].xml": b"<Types/>", part: b" " * 50_000_000})
        yield f"bombs/entities{suffix}", zipped({part: _entities()})
        yield f"bombs/deep{suffix}", zipped({part: b"<a>" * deep})
        yield f"bombs/empty{suffix}", zipped({part: b""})
    yield "bombs/cells.xlsx", sheet(b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>')
    yield "bombs/cells-negative.xlsx", sheet(b'<row r="-5"><c r="ZZZZZZZ99999999999"><v>1</v></c></row>')
    yield "bombs/merged.xlsx", sheet(b'<row r="1"><c r="A1"><v>1</v></c></row></sheetData><mergeCells><mergeCell '
                                      b'ref="A1:XFD1048576"/></mergeCells><sheetData>')
    yield "bombs/huge.png", _png(0x7FFFFFFF, 0x7FFFFFFF)
    yield "bombs/large.png", _png(60_000, 60_000)
    yield "bombs/huge.tif", _tiff(60_000, 60_000)
    yield "bombs/endless.tif", _endless_tiff()
    yield "bombs/pages.pdf", _pdf(b"<</Type/Pages/Count 999999999/Kids[3 0 R]>>")
    yield "bombs/loop.pdf", _pdf(b"<</Type/Pages/Count 2/Kids[2 0 R 2 0 R]>>")
    yield "bombs/box.pdf", _pdf(page=b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 1e9 1e9]/Contents 4 0 R>>")
    yield "bombs/flate.pdf", _pdf(stream=zlib.compress(b"BT /F1 9 Tf (x) Tj ET\n" * 1_000_000))
    yield "bombs/forms.pdf", _pdf(stream=zlib.compress(b"q 1 0 0 1 0 0 cm " * 300_000))
    yield "bombs/paths.pdf", _pdf(stream=zlib.compress(b"0 0 m 9 0 l S\n" * 300_000))
    yield "bombs/rows.parquet", b"PAR1" + b"\x15\xfe\xff\xff\xff\x0f" * 20 + struct.pack("<I", 120) + b"PAR1"
    yield "bombs/footer.parquet", b"PAR1" + struct.pack("<I", 0xFFFFFFFF) + b"PAR1"
    yield "bombs/dictionary.parquet", _dictionary_parquet()
    yield "bombs/year=2024/region=%2F..%2F/rows.parquet", _dictionary_parquet(rows=50)


def _entities() -> bytes:
    names = "abcdefghij"
    lines = [f'<!ENTITY {name} "{("&" + names[at - 1] + ";") * 10 if at else "lol"}">' for at, name in enumerate(names)]
    return ("<!DOCTYPE r [" + "".join(lines) + "]><r><p>&j;</p></r>").encode()


def aliases() -> bytes:
    """YAML whose aliases say a billion words when they are written out."""
    lines = ["---", "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join([*lines, "title: *a9", "date: *a9", "published: *a9", "---", "words"]).encode()


def _nested_mail(levels: int) -> bytes:
    head = b"From: a@b.c\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
    body = head + b"\nthe innermost"
    for level in range(levels):
        boundary = b"b%d" % level
        body = (head + b"Content-Type: multipart/mixed; boundary=" + boundary + b"\n\n--" + boundary
                + b"\nContent-Type: message/rfc822\n\n" + body + b"\n--" + boundary + b"--\n")
    return body


def zipped(parts: dict[str, bytes]) -> bytes:
    """A ZIP of these parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _nested_zip(levels: int) -> bytes:
    data = b"the innermost"
    for level in range(levels):
        data = zipped({f"{level}-{copy}.zip" if level else f"{copy}.txt": data for copy in range(6)})
    return data


def _overlapping_zip() -> bytes:
    """Many names in the directory for one packed megabyte (Fifield 2019, "A better zip bomb")."""
    one = zipped({"0000.txt": b" " * 10_000_000})
    directory = one.rindex(b"PK\x01\x02")
    end = one.rindex(b"PK\x05\x06")
    entry = one[directory:end]
    entries = b"".join(entry.replace(b"0000.txt", b"%04d.txt" % number) for number in range(1000))
    tail = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1000, 1000, len(entries), directory, 0)
    return one[:directory] + entries + tail


def sheet(rows: bytes) -> bytes:
    """An XLSX of one sheet with these rows."""
    main = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    links = b'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    kind = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    return zipped({
        "xl/workbook.xml": b"<workbook " + main + b" " + links + b'><sheets><sheet name="s" sheetId="1" r:id="r1"/>'
                           b"</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
                                      b'relationships"><Relationship Id="r1" Type="' + kind
                                      + b'" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": b"<worksheet " + main + b"><sheetData>" + rows + b"</sheetData></worksheet>"})


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 500_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


def _tiff(width: int, height: int, following: int = 0) -> bytes:
    tags = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, height), (279, 9)]
    body = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8) + body + struct.pack("<I", following)


def _endless_tiff() -> bytes:
    """A directory of frames that leads to itself."""
    return _tiff(9, 9, following=8)


def _pdf(pages: bytes = b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
         page: bytes = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R>>",
         stream: bytes = b"") -> bytes:
    packed = stream or zlib.compress(b"BT ET")
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", pages, page,
               b"<</Filter/FlateDecode/Length %d>>stream\n" % len(packed) + packed + b"\nendstream"]
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj" % number + body + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (out + b"xref\n0 5\n0000000000 65535 f \n" + table + b"trailer<</Root 1 0 R/Size 5>>\nstartxref\n%d\n%%%%EOF"
            % len(out))


def _dictionary_parquet(rows: int = 100_000) -> bytes:
    """One long value in a dictionary and a column that names it in every row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    names = pa.array([0] * rows, pa.int32())
    pq.write_table(pa.table({"text": pa.DictionaryArray.from_arrays(names, pa.array(["long " * 20_000]))}), out)
    return out.getvalue()
