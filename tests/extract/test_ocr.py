import hashlib
import json
import shutil
from io import BytesIO

import pypdfium2 as pdfium
import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader

from pipeline.extract import nougat, ocr, rapid, tesseract
from pipeline.extract.isolated import IsolatedReader
from pipeline.extract.layer import word_share
from pipeline.extract.nougat_model import with_model
from pipeline.extract.page import Piece
from pipeline.extract.readers import read_records
from pipeline.extract.recognised import Recognised, image_sha256, mean_confidence
from pipeline.extract.records import Source
from pipeline.schema.errors import BadInput
from tests.extract.world import PARAMS, found, lines, only, pdf_bytes

TEXT = ["The desk reconciles client assets", "before ten and signs the record."]


def image(*texts, degrees=0):
    """A page with these lines, turned clockwise, as grey pixels at 150 dpi."""
    page = pdfium.PdfDocument(pdf_bytes(lambda canvas: lines(canvas, *texts, y=790, leading=16)))[0]
    upright = page.render(scale=150 / 72, grayscale=True).to_pil().crop((80, 60, 560, 90 + 34 * len(texts)))
    return upright.rotate(-degrees, expand=True, fillcolor=255)


def scanned(*images):
    """A PDF of nothing but these images."""
    return pdf_bytes(*(lambda canvas, one=one: canvas.drawImage(ImageReader(one), 0, 0, 595, 842) for one in images))


def with_ocr(**changes):
    return PARAMS.model_copy(update={"ocr": PARAMS.ocr.model_copy(update=changes)})


class Counted:
    """An engine that always says the same and counts how often it was asked."""

    def __init__(self, markdown=""):
        self.asked, self.markdown = 0, markdown

    def recognise(self, image, params, dpi):
        self.asked += 1
        piece = Piece(60.0, 100.0, 200.0, 110.0, 10.0, False, "read from the image")
        return Recognised([piece], self.markdown, 595.0, 842.0, 90, 0.9)


@pytest.fixture
def engine(monkeypatch):
    made = Counted()
    monkeypatch.setitem(ocr.ENGINES, "rapidocr", ocr.Engine(made.recognise, lambda _: {}, lambda _: None))
    return made


def rows_of(data, params=PARAMS, origin="", cache=None, mime="application/pdf"):
    rows = []
    text = [record.text for record in read_records(
        Source("a.pdf", data, mime, params, lambda: None, origin, cache, rows.append))]
    return rows, text


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_an_image_is_read_however_it_is_turned(degrees):
    found = rapid.recognise(image(*TEXT, degrees=degrees), PARAMS.ocr, 150)
    assert [piece.text for piece in found.pieces] == TEXT
    assert found.turned == -degrees % 360
    assert found.confidence > 0.9


def test_a_blank_image_gives_no_text_and_no_confidence():
    found = rapid.recognise(Image.new("L", (300, 200), 255), PARAMS.ocr, 150)
    assert (found.pieces, found.confidence) == ([], None)


@pytest.fixture
def looks(monkeypatch):
    """Longest sides at which the detector looked."""
    asked, detected = [], rapid._detected

    def noted(engine, pixels):
        asked.append(engine.cfg.Det.limit_side_len)
        return detected(engine, pixels)

    monkeypatch.setattr(rapid, "_detected", noted)
    return asked


def test_where_lines_are_low_the_detector_looks_again_closer(looks):
    sheet = Image.new("L", (1100, 1700), 255)
    for row in range(16):
        sheet.paste(image(*TEXT), (300, 40 + 100 * row))
    found = rapid.recognise(sheet, PARAMS.ocr, 150)
    assert [piece.text for piece in found.pieces] == TEXT * 16
    assert looks == [960, 1280]
    rapid.recognise(image(*TEXT).resize((240, 50)), PARAMS.ocr, 150)
    assert looks == [960, 1280, 960]  # a small image has no more to show


def test_a_closer_look_that_finds_less_is_not_believed(looks):
    sheet = Image.new("L", (2400, 1800), 255)
    sheet.paste(image(*TEXT), (300, 200))
    assert [piece.text for piece in rapid.recognise(sheet, PARAMS.ocr, 150).pieces] == TEXT
    assert looks[0] == 960 < looks[-1]


def test_lines_of_a_page_that_lies_askew_are_one_row_again():
    import numpy as np

    box = np.array([[0.0, 0.0], [100, 0], [100, 10], [0, 10]])
    turn = np.array([[np.cos(0.03), -np.sin(0.03)], [np.sin(0.03), np.cos(0.03)]])
    askew = np.stack([box, box + np.array([400, 0])]) @ turn.T
    left, right = rapid._level(askew)
    assert askew[1, 0, 1] - askew[0, 0, 1] > 10  # a line lower
    assert right[0, 1] == pytest.approx(left[0, 1])


def test_a_line_inside_a_paragraph_is_no_heading_and_a_line_apart_may_be():
    def line(top, height, size):
        return Piece(60.0, top, 400.0, top + height, size, False, "words")

    inside = [line(100.0, 14.0, 10.0), line(113.0, 17.0, 13.0), line(128.0, 14.0, 11.0)]
    assert [piece.size for piece in rapid.even_sizes(inside)] == [10.0, 11.0, 11.0]
    apart = [line(100.0, 14.0, 10.0), line(125.0, 17.0, 13.0), line(142.0, 14.0, 10.0)]
    assert [piece.size for piece in rapid.even_sizes(apart)] == [10.0, 13.0, 10.0]


def test_each_page_says_how_it_got_its_text(engine):
    text = "A page with a text layer that is long enough to be taken as it is."
    data = pdf_bytes(lambda canvas: lines(canvas, text), lambda canvas: None,
                     lambda canvas: canvas.drawImage(ImageReader(image(*TEXT)), 0, 0, 595, 842))
    rows, _ = rows_of(data)
    assert [(row.page, row.decision, row.engine) for row in rows] == [
        (1, "text", "layer"), (2, "blank", ""), (3, "scan", "rapidocr")]
    assert [row.score for row in rows] == [1.0, None, 1.0]
    assert (rows[2].turned, rows[2].confidence) == (90, 0.9)
    assert rows[0].image_sha256 is None
    assert len(rows[2].image_sha256) == 64


def test_a_layer_of_junk_over_a_scan_is_read_anew_and_a_good_one_is_kept(engine):
    junk = "Tbe d3sk r?concil~s cl1ent a5sets ,ev3ry m0rn!ng b~fore t#n 0f th3 cl0ck wi7h 7wo p~0ple"
    good = "The desk reconciles client assets every morning before ten of the clock with two people"

    def page(words):
        def draw(canvas):
            canvas.drawImage(ImageReader(image(*TEXT)), 0, 0, 595, 842)
            hidden = canvas.beginText(60, 700)
            hidden.setTextRenderMode(3)
            hidden.textLine(words)
            canvas.drawText(hidden)
        return draw

    rows, (text,) = rows_of(pdf_bytes(page(junk), page(good)))
    assert [(row.decision, row.engine) for row in rows] == [("poor_layer", "rapidocr"), ("ocr_layer", "layer")]
    assert "read from the image" in text
    assert good in text
    assert "Tbe" not in text


def test_painted_text_on_a_picture_is_no_layer_over_a_scan(engine):
    text = "KYC-2 v4.1: xls/csv, T+1, sha256 4af1; dvrp grtz 7b, brnch 0x1F in a brochure with a full-page picture"

    def draw(canvas):
        canvas.drawImage(ImageReader(image(*TEXT)), 0, 0, 595, 842)
        lines(canvas, text)

    rows, got = rows_of(pdf_bytes(draw))
    assert (rows[0].decision, got) == ("text", [text])


def test_addresses_leaders_and_names_can_be_words():
    text = "See https://example.org/a/b-c?x=1 or ann@example.org. Contents........12 NIST SP 800-53 JavaScript 5th"
    assert word_share(text) == word_share("\u4e2d\u6587 \u0434\u043b\u044f") == 1.0
    assert word_share("Tbe d3sk r?concil~s cl1ent a5sets") < 0.2


def test_a_source_has_its_own_engine(engine, monkeypatch):
    other = Counted("# From the other")
    monkeypatch.setitem(ocr.ENGINES, "tesseract", ocr.Engine(other.recognise, lambda _: {}, lambda _: None))
    params = with_ocr(engines={"letters": "tesseract"})
    data = scanned(image(*TEXT))
    assert rows_of(data, params, "letters")[1] == ["# From the other"]
    assert rows_of(data, params, "policies")[1] == ["read from the image"]
    assert [row.engine for row in rows_of(data, params, "letters")[0]] == ["tesseract"]


def test_a_page_of_formulas_goes_to_the_maths_engine_when_one_is_named(engine, monkeypatch):
    from pipeline.extract.layer import verdict

    text = "\u2211 \u03b1\u1d62 \u2264 \u222b \u03b2 d\u03bb = \u221e and \u2200 \u03b5 > 0 \u2203 \u03b4 \u2208 \u211d"
    assert verdict(text * 3, 90, 0, 0, 0.0, PARAMS.ocr).decision == "maths"
    other = Counted(r"\(\sum \alpha_i\)")
    monkeypatch.setitem(ocr.ENGINES, "nougat", ocr.Engine(other.recognise, lambda _: {}, lambda _: None))
    monkeypatch.setattr("pipeline.extract.pdf.verdict", lambda *_: verdict(text * 3, 90, 0, 0, 0.0, PARAMS.ocr))
    data = pdf_bytes(lambda canvas: lines(canvas, "formulas"))
    assert rows_of(data)[1] == ["formulas"]
    assert rows_of(data, with_ocr(maths_engine="nougat"))[1] == [r"\(\sum \alpha_i\)"]


def test_an_image_is_recognised_once_and_a_damaged_entry_again(engine, tmp_path):
    data = scanned(image(*TEXT), image(*TEXT))
    first = rows_of(data, cache=tmp_path)
    assert engine.asked == 1
    assert rows_of(data, cache=tmp_path) == first
    assert engine.asked == 1
    (entry,) = tmp_path.rglob("*.json")
    for bad in (entry.read_bytes()[:-9], entry.read_bytes().replace(b"read from", b"made up by"), b""):
        entry.write_bytes(bad)
        engine.asked = 0
        assert rows_of(data, cache=tmp_path) == first
        assert engine.asked == 1


def test_an_entry_put_under_another_image_is_not_taken(engine, tmp_path):
    rows_of(scanned(image(*TEXT)), cache=tmp_path)
    (entry,) = tmp_path.rglob("*.json")
    stolen = entry.with_name("0" * 64 + entry.name[64:])
    entry.rename(stolen)
    assert ocr.kept(stolen) is None


def test_other_parameters_or_code_are_another_identity():
    one, other = (with_ocr(rapidocr=PARAMS.ocr.rapidocr.model_copy(update={"side": side})).ocr.model_dump_json()
                  for side in (640, 960))
    assert ocr.identity_digest("rapidocr", one) != ocr.identity_digest("rapidocr", other)


def test_the_digest_of_an_image_is_of_its_pixels_not_its_file():
    picture = image(*TEXT)
    packed = BytesIO()
    picture.save(packed, "PNG")
    assert image_sha256(Image.open(packed)) == image_sha256(picture)
    assert image_sha256(picture.resize((98, 98))) != image_sha256(picture)


def test_confidence_counts_characters():
    assert mean_confidence([("aaa", 1.0), ("b", 0.0)]) == 0.75


@pytest.mark.parametrize(("changes", "told"), [
    ({"engine": "tesseract"}, "asks for the engine tesseract, which is not installed"),
    ({"engines": {"letters": "nougat"}}, "is no Nougat model, wanted a folder with config.json"),
    ({"maths_engine": "nougat-ocr"}, "`command` is no program"),
])
def test_an_engine_that_is_asked_for_and_absent_stops_the_stage_with_its_name(changes, told, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match=told):
        ocr.check_engines(with_ocr(**changes).ocr)


def test_engines_that_no_page_can_need_are_not_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert set(ocr.check_engines(PARAMS.ocr)) == {"rapidocr"}


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
@pytest.mark.parametrize("degrees", [0, 180])
def test_tesseract_reads_the_same_page(degrees):
    told = [*TEXT, "The second person checks the sums and", "keeps a copy of the signed sheet for the",
            "auditor who comes in the spring."]
    found = tesseract.recognise(image(*told, degrees=degrees), PARAMS.ocr, 150)
    assert " ".join(piece.text for piece in found.pieces) == " ".join(told)


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_a_language_that_tesseract_has_no_data_for_stops_the_stage():
    params = with_ocr(engine="tesseract", tesseract=PARAMS.ocr.tesseract.model_copy(update={"language": "xyz"}))
    with pytest.raises(BadInput, match=r"no data for \['xyz'\]"):
        ocr.check_engines(params.ocr)


def test_wide_gaps_cut_a_line_of_tesseracts_words():
    def word(left, width, text):
        return {"left": str(left), "top": "10", "width": str(width), "height": "20", "text": text}

    pieces = tesseract._pieces([word(0, 40, "Wait"), word(50, 40, "time"), word(300, 30, "15"), word(336, 9, "s")], 0.5)
    assert [(piece.x0, piece.x1, piece.text) for piece in pieces] == [(0, 45, "Wait time"), (150, 172.5, "15 s")]


def test_a_text_that_ends_in_a_loop_is_cut_at_its_first_turn():
    assert nougat.without_loop("A sum of one. and so on and so on and so on and so on ") == "A sum of one. and so on"
    assert nougat.without_loop("no no no") == "no no no"
    assert nougat.without_loop("|---|---|---|---|---|") == "|---|---|---|---|---|"


def test_the_program_nougat_ocr_is_run_and_its_file_read(tmp_path):
    (tmp_path / "model").mkdir()
    program = tmp_path / "nougat"
    program.write_text('#!/bin/sh\ntest -s "$1" && printf "# Read from %s\\n" "$(basename "$1")" > "$3/page.mmd"\n')
    program.chmod(0o755)
    params = with_ocr(engine="nougat-ocr", nougat_command=PARAMS.ocr.nougat_command.model_copy(
        update={"command": str(program), "checkpoint": str(tmp_path / "model")}))
    assert set(ocr.check_engines(params.ocr)["nougat-ocr"]) == {"command", "checkpoint"}
    rows, text = rows_of(scanned(image(*TEXT)), params)
    assert text == ["# Read from page.pdf"]
    assert rows[0].engine == "nougat-ocr"


def test_a_model_without_a_pin_is_left_as_it_is(tmp_path):
    assert with_model(with_ocr(engine="nougat"), tmp_path).ocr.nougat.model == ""


def test_a_reader_process_hands_over_its_pages_and_keeps_results(tmp_path):
    lake, cache = tmp_path / "lake", tmp_path / "cache"
    lake.mkdir()
    cache.mkdir()
    picture = image(*TEXT)
    packed = BytesIO()
    picture.save(packed, "PNG")
    (lake / "a.png").write_bytes(packed.getvalue())
    params = PARAMS.model_copy(update={"ocr": PARAMS.ocr.model_copy(update={"engines": {"letters": "rapidocr"}})})
    with IsolatedReader(lake, params, cache) as reader:
        data = packed.getvalue()
        answer = reader.read(lake / "a.png", {
            "path": "a.png", "mime": "image/png", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data),
            "source": "letters", "licence": "CC0-1.0", "rights_basis": "own", "cleared_for_training": True,
            "published": None, "version": ""})
    assert answer.reason == "", answer.evidence
    assert all(line in answer.records[0]["text"] for line in TEXT)
    (row,) = answer.pages
    assert (row["page"], row["decision"], row["engine"]) == (1, "image", "rapidocr")
    (entry,) = cache.rglob("*.json")
    assert row["image_sha256"] in entry.name
    assert TEXT[0] in json.dumps(ocr.kept(entry).pieces)


def test_every_frame_of_a_tiff_is_a_page(engine):
    packed = BytesIO()
    image(*TEXT).save(packed, "TIFF", save_all=True, append_images=[image(TEXT[0])])
    rows, (text,) = rows_of(packed.getvalue(), mime="image/tiff")
    assert [row.page for row in rows] == [1, 2]
    assert text.count("\f") == 1
    assert found("a.tif", packed.getvalue())[0].text == text


def test_a_text_layer_that_cannot_be_a_language_is_garbled_and_read_anew(engine):
    shifted = "Wkh ghvn uhfrqflohv folhqw dvvhwv hyhub pruqlqj ehiruh whq dqg vljqv wkh uhfrug lq wkh errn"
    params = with_ocr(min_text_score=0.75)
    rows, (text,) = rows_of(pdf_bytes(lambda canvas: lines(canvas, shifted)), params)
    assert rows[0].decision == "garbled"
    assert text == "read from the image"


def test_image_bytes_give_the_text_that_only_reads(engine):
    assert only("a.pdf", scanned(image(*TEXT))).text == "read from the image"
