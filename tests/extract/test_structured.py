"""XML and JSON documents: OSCAL in both, RegML, CNXML and its relatives, regulations and dialogues as JSON."""

import json
import os
from pathlib import Path

import pytest

from pipeline.extract.outline import label
from pipeline.extract.records import BadRecord, Record, Refusal
from pipeline.schema.curate_extract import CurateExtract
from pipeline.stage.params import load_section
from tests.extract.world import PARAMS, found, only

OSCAL_XML = b"""<catalog xmlns="http://csrc.nist.gov/ns/oscal/1.0"
 uuid="f9b40f60-7df3-4701-adab-007e1fe29167">
<metadata><title>Controls</title><last-modified>2024-02-13T17:43:57Z</last-modified><version>5</version>
<oscal-version>1.1.1</oscal-version><party uuid="x" type="organization"><name>Makers</name></party></metadata>
<group id="ac" class="family"><title>Access Control</title><control id="ac-1"><title>Policy</title>
<param id="p1"><label>frequency</label></param>
<param id="p2"><select how-many="one-or-more"><choice>daily</choice>
<choice><insert type="param" id-ref="p1"/></choice></select></param>
<prop name="label" value="AC-1"/><prop name="sort-id" value="ac-01"/><link href="#pm-9" rel="related"/>
<part id="s" name="statement"><p>The organization:</p>
<part id="s.a" name="item"><prop name="label" value="a."/><p>Reviews it <insert type="param" id-ref="p1"/>; and</p>
<part id="s.a.1" name="item"><prop name="label" value="1."/><p>tells <em>all</em>.</p></part></part></part>
<part id="g" name="guidance"><p>Runs <insert type="param" id-ref="p2"/>.</p></part></control></group></catalog>"""
OSCAL_JSON = {"catalog": {
    "uuid": "f9b40f60-7df3-4701-adab-007e1fe29167",
    "metadata": {"title": "Controls", "last-modified": "2024-02-13T17:43:57Z", "version": "5", "oscal-version": "1.1.1",
                 "parties": [{"uuid": "x", "type": "organization", "name": "Makers"}]},
    "groups": [{"id": "ac", "class": "family", "title": "Access Control", "controls": [{
        "id": "ac-1", "title": "Policy",
        "params": [{"id": "p1", "label": "frequency"},
                   {"id": "p2", "select": {"how-many": "one-or-more", "choice": ["daily", "{{ insert: param, p1 }}"]}}],
        "props": [{"name": "label", "value": "AC-1"}, {"name": "sort-id", "value": "ac-01"}],
        "links": [{"href": "#pm-9", "rel": "related"}],
        "parts": [
            {"id": "s", "name": "statement", "prose": "The organization:", "parts": [
                {"id": "s.a", "name": "item", "props": [{"name": "label", "value": "a."}],
                 "prose": "Reviews it {{ insert: param, p1 }}; and", "parts": [
                     {"id": "s.a.1", "name": "item", "props": [{"name": "label", "value": "1."}],
                      "prose": "tells all."}]}]},
            {"id": "g", "name": "guidance", "prose": "Runs {{ insert: param, p2 }}."}]}]}]}}
CATALOGUE = """# Controls

**Version:** 5

## Access Control

### AC-1 Policy

The organization:

a. Reviews it [Assignment: organization-defined frequency]; and
  1. tells all.

**Guidance:** Runs [Selection (one or more): daily; [Assignment: organization-defined frequency]].

**Related controls:** PM-9"""


def test_an_oscal_catalogue_is_the_same_text_in_xml_and_in_json():
    xml, from_json = only("c.xml", OSCAL_XML), only("c.json", json.dumps(OSCAL_JSON).encode())
    assert xml.text == CATALOGUE
    assert from_json.text == CATALOGUE
    assert (xml.title, xml.published) == (from_json.title, from_json.published) == ("Controls", "2024-02-13")


def test_parameters_that_insert_each_other_in_a_circle_end():
    circle = json.loads(json.dumps(OSCAL_JSON).replace('"daily"', '"{{ insert: param, p2 }}"'))
    assert "organization-defined value" in only("c.json", json.dumps(circle).encode()).text


REGML = b"""<regulation xmlns="eregs"><fdsys><date>2017-10-02</date><title>FAIR LENDING</title></fdsys>
<preamble><agency>The Bureau</agency><regLetter>B</regLetter><cfr><title>12</title><section>1002</section></cfr>
<documentNumber>2017-1</documentNumber><effectiveDate>2022-01-01</effectiveDate></preamble>
<part label="1002"><tableOfContents><tocSecEntry><sectionSubject>1002.1 Scope.</sectionSubject></tocSecEntry>
</tableOfContents>
<content><section label="1002-1"><subject>1002.1 Scope.</subject>
<paragraph label="1002-1-a" marker="(a)"><title type="keyterm">Purpose.</title>
<content>To help <ref target="x">applicants</ref>.</content>
<paragraph label="1002-1-a-1" marker="(1)"><content>First.</content></paragraph></paragraph>
<paragraph marker=""><content><table><header><columnHeaderRow><column colspan="2" rowspan="1">Rates</column>
</columnHeaderRow></header>
<row><cell>5</cell><cell>low</cell></row></table></content></paragraph></section></content></part></regulation>"""


def test_a_regulation_keeps_its_markers_and_tables_and_loses_its_contents():
    record = only("r.xml", REGML)
    assert record.text == (
        "# FAIR LENDING (Regulation B)\n\n12 CFR Part 1002. The Bureau. Document 2017-1. Effective 2022-01-01.\n\n"
        "## 1002.1 Scope.\n\n(a) Purpose. To help applicants.\n\n(1) First.\n\n| Rates |  |\n|---|---|\n| 5 | low |")
    assert record.published == "2017-10-02"


CNXML = b"""<document xmlns="http://cnx.rice.edu/cnxml"><title>Trust</title>
<metadata xmlns:md="m"><md:uuid>1677</md:uuid></metadata>
<content><section id="s"><title>Basics</title><para id="p">See <link target-id="f"/> and <term>trust</term>, an
<emphasis>unknown<oddity>ly</oddity></emphasis> word.<footnote id="n">A <emphasis>note</emphasis>.</footnote></para>
<list list-type="enumerated"><item>one<list><item>inner</item></list></item><item>two</item></list>
<figure id="f"><media alt="a picture"><image src="x.png"/></media><caption>People at work</caption></figure>
<para>Quoted<cite><note display="none">Hidden reference</note></cite>.</para></section></content>
<glossary><definition><term>trust</term><meaning>belief</meaning></definition></glossary></document>"""


def test_a_textbook_keeps_lists_captions_footnotes_and_definitions():
    assert only("m.cnxml", CNXML).text == (
        "# Trust\n\n## Basics\n\nSee figure and trust, an unknownly word.[^1]\n\n1. one\n  - inner\n2. two\n\n"
        "People at work\n\nQuoted.\n\n**trust:** belief\n\n[^1]: A note.")


def test_an_unknown_element_inside_a_sentence_does_not_break_it():
    assert only("a.xml", b"<doc><x>One <odd>two</odd> three.</x><y>four</y></doc>").text == "One two three.\n\nfour"


def test_a_cals_table_keeps_its_columns_in_line():
    table = (b"<article><table><title>Rates</title><tgroup cols='2'>"
             b"<thead><row><entry namest='c1' nameend='c2'>All</entry></row></thead>"
             b"<tbody><row><entry>a</entry><entry>b</entry></row></tbody></tgroup></table></article>")
    assert only("a.xml", table).text == "Rates\n\n| All |  |\n|---|---|\n| a | b |"


def test_xml_nested_too_deep_is_refused():
    with pytest.raises(Refusal, match="max_depth"):
        only("a.xml", b"<a>" * 101 + b"</a>" * 101)


def test_a_regulation_as_json_is_headed_text():
    law = {"title": "Data Rules", "identifier": "L 119/1", "about": "on data", "chapters": [
        {"number": "I", "title": "General", "type": "chapter", "contents": [
            {"number": "1", "title": "Scope", "type": "article", "contents": [
                {"number": "1", "type": "point", "text": "It applies.", "subpoints": []},
                {"number": "2", "type": "point", "text": "It does not apply:", "subpoints": [
                    {"number": "a", "type": "subpoint", "text": "to trees;"}]}]}]}],
        "recitals": [{"number": "1", "text": "Whereas."}], "citations": {"0": {"number": "1", "text": "OJ C 1."}}}
    assert only("law.json", json.dumps(law).encode()).text == (
        "# Data Rules\n\non data\n\n## Chapter I General\n\n### Article 1 Scope\n\n1. It applies.\n"
        "2. It does not apply:\n  (a) to trees;\n\n## Recitals\n\n1. Whereas.\n\n## Citations\n\n1. OJ C 1.")


def test_what_only_machines_read_is_left_out_of_a_json_document():
    page = {"id": 7, "uuid": "f9b40f60-7df3-4701-adab-007e1fe29167", "title": "Rules", "url": "https://x.example",
            "sha256": "0" * 64, "owner": "the desk", "tags": ["a", "b"], "body": "Text."}
    assert only("p.json", json.dumps(page).encode()).text == "# Rules\n\n**Owner:** the desk\n\n**Tags:** a, b\n\nText."


def test_a_dialogue_in_a_record_is_turns_and_not_fields():
    line = {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]}
    (record,) = found("chat.jsonl", json.dumps(line).encode())
    assert record.text == "**User:** Why?\n\n**Assistant:** Because."


def test_json_nested_too_deep_is_refused():
    with pytest.raises(Refusal, match="max_depth"):
        only("a.json", b'{"a": {"a": 1, "b": ' * 60 + b"[1]" + b"}}" * 60)


@pytest.mark.parametrize("data", [b"{}", b"[]", b"null", b'"text"', b"[1, null, [2]]", b'{"a": {"": []}}',
                                  b'{"props": [{"value": 1}]}',
                                  b'{"params": 3, "x": {"metadata": {"oscal-version": 1}, "params": [1]}}'])
def test_odd_json_is_read_without_a_fault(data):
    assert isinstance(only("a.json", data).text, str)


@pytest.mark.parametrize(("name", "shown"), [
    ("first_reply", "First reply"), ("firstReply", "First reply"), ("related controls", "Related controls"),
    ("GDPR", "GDPR"), ("assessment-objective", "Assessment objective")])
def test_labels_read_as_words(name, shown):
    assert label(name) == shown


@pytest.mark.skipif("PEDIGREE_CORPORA" not in os.environ, reason="needs PEDIGREE_CORPORA, a folder of real documents")
def test_a_real_oscal_catalogue_is_the_same_text_in_both_formats():
    folder = Path(os.environ["PEDIGREE_CORPORA"]) / "A01-nist-oscal" / "rev4"
    params = PARAMS.model_copy(update={"limits": PARAMS.limits.model_copy(update={"max_chars": 10_000_000})})
    (xml,), (from_json,) = sorted(folder.glob("xml/*.xml")), sorted(folder.glob("json/*.json"))
    assert only(xml.name, xml.read_bytes(), params).text == only(from_json.name, from_json.read_bytes(), params).text


def test_a_row_of_bad_quotes_spoils_no_other():
    data = b'name,note\nAnn,fine\n"Bob" x,broken\nCid,good\n'
    first, bad, last = found("a.csv", data)
    assert (first.locator, last.locator) == ("row 1", "row 3")
    assert bad == BadRecord("row 2", "csv.Error")


def test_a_header_of_bad_quotes_is_unreadable():
    with pytest.raises(Refusal, match=r"unreadable: csv\.Error"):
        found("a.csv", b'"name" x,note\nAnn,fine\n')


@pytest.mark.parametrize(("line", "told"), [
    ("Published: 2031-13-45", None), ("Published: 2031-13-45, effective 2024-01-10", "2024-01-10"),
    ("| Date | 2024-01-10 |", "2024-01-10"), ("Next review date: 2027-05-01", None),
    ("Expiry date: 2030-12-31. Effective date: 2024-01-10.", "2024-01-10")])
def test_the_date_of_a_review_or_no_date_at_all_is_not_when_it_was_published(line, told):
    params = load_section(CurateExtract, "curate_extract")
    assert only("a.txt", f"A policy\n{line}\n".encode(), params).published == told


def texts(name, data):
    return [getattr(item, "text", item) for item in found(name, data)]


@pytest.mark.parametrize("sign", [";", "|", "\t"])
def test_a_csv_files_separator_is_told_by_its_rows(sign):
    data = 'name;amount\nAnn;"1,5; net"\nBob;2,5\n'.replace(";", sign).encode()
    assert texts("a.csv", data) == [f"**Name:** Ann\n\n**Amount:** 1,5{sign} net", "**Name:** Bob\n\n**Amount:** 2,5"]


def test_a_separator_is_told_where_names_and_quoted_fields_hold_commas():
    assert texts("a.csv", b'name;amount, EUR\nAnn;15\n') == ["**Name:** Ann\n\n**Amount, EUR:** 15"]
    assert texts("a.csv", b'name;"street, city"\nAnn;"1 Main St, Paris"\n') == [
        "**Name:** Ann\n\n**Street, city:** 1 Main St, Paris"]
    assert texts("a.csv", b"SEP=;\nname;note\nAnn;fine\n") == ["**Name:** Ann\n\n**Note:** fine"]


@pytest.mark.parametrize(("text", "columns"), [
    ("Name;Preis (EUR, netto)\nA;1,50\nB;2,30\n", ["Name", "Preis (EUR, netto)"]),
    ("Betrag, EUR;Datum\n1,50;x\n2,30;y\n", ["Betrag, EUR", "Datum"]),
    ("a\tb, c\n1\t2, 3\n4\t5\n6\t7\n", ["a", "b, c"])])
def test_a_comma_in_numbers_or_prose_separates_nothing(text, columns):
    assert list(json.loads(found("a.csv", text.encode())[0].raw)) == columns


def test_a_semicolon_in_prose_makes_no_column():
    rows = found("a.csv", ("id,text; note\n" + "".join(f"{n},a, b; c\n" for n in range(9))).encode())
    assert [row.evidence for row in rows] == ["3 fields instead of 2"] * 9


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_json_lines_in_windows_1252_are_records(name):
    data = '{"a": "Gebühr"}\n{"a": "für"}\n'.encode("cp1252")
    assert [record.text for record in found(name, data)] == ["**A:** Gebühr", "**A:** für"]


@pytest.mark.parametrize("data", [b"\n\n\n", b",,\n,,\n"])
def test_a_csv_file_of_blanks_has_no_text(data):
    assert not any(record.text for record in found("a.csv", data))


@pytest.mark.parametrize("data", [
    b"text,label\none; two; three,x\nfour; five,y\n", b"a;b,c;d\n1;2,3;4\n5;6,7;8\n", b"text\none; two\nthree\n",
    b"question | answer\nprose\nmore prose\n", b'size,part\n5",pipe\n3,rod\n'])
def test_a_csv_file_of_commas_is_one_whatever_else_it_holds(data):
    items = found("a.csv", data)
    assert all(isinstance(item, Record) for item in items)
    assert [list(json.loads(item.raw)) for item in items] == [data.split(b"\n")[0].decode().split(",")] * 2


def test_a_text_file_of_semicolons_is_no_table():
    assert only("a.txt", b"name;note\nAnn;fine\n").text == "name;note\nAnn;fine"


def test_columns_of_equal_names_keep_all_their_values():
    (item,) = found("a.csv", b"name,name,name (2),name,,\na,b,c,d,e,f\n")
    assert list(json.loads(item.raw).items()) == [
        ("name", "a"), ("name (3)", "b"), ("name (2)", "c"), ("name (4)", "d"), ("", "e"), ("(2)", "f")]


def test_lines_of_json_under_the_name_of_json_are_records():
    data = b'{"a": "x"}\n\n{"a": "y"}\n{"a": \n'
    assert found("a.json", data) == found("a.jsonl", data)
    assert [item.locator for item in found("a.json", data)] == ["line 1", "line 3", "line 4"]


@pytest.mark.parametrize("data", [b'{"a": 1}\nno json', b'{"a": 1}\n[2]\n', b'{\n"a": 1\n}\n{\n"a": 2\n}\n', b"1\n2\n"])
def test_broken_json_that_is_no_lines_of_objects_stays_unreadable(data):
    with pytest.raises(ValueError, match="Extra data"):
        found("a.json", data)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_json_and_its_lines_are_read_in_the_encoding_that_their_mark_names(encoding):
    lines = '{"a": "\u4e2d"}\n{"a": "\u0131"}\n'
    assert found("a.jsonl", lines.encode(encoding)) == found("a.jsonl", lines.encode())
    assert found("a.json", lines.encode(encoding)) == found("a.jsonl", lines.encode())
    assert only("b.json", '{"a": {"b": "\u4e2d"}}'.encode(encoding)).text == "**B:** \u4e2d"
