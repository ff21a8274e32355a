"""HTML pages and Markdown files: hidden and struck text, furniture, tables, encodings, raw HTML, template tags."""

import time

import pytest

from pipeline.extract import html
from pipeline.extract.html_vote import agreed, is_shared
from tests.extract.world import PARAMS, only

PROSE = "The desk reviews every request within two working days and writes down why it was granted. " * 4


def page(body: str, head: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode()


@pytest.mark.parametrize("unseen", [
    '<p hidden>x</p>', '<p aria-hidden="true">* * *</p>', '<p style="visibility:hidden">x</p>',
    '<p style="color:#fff; font-size:0">x</p>', '<p style="position:absolute;left:-9999px">x</p>',
    '<p style="opacity: 0;">x</p>', '<p class="note off">x</p>', '<p id="ghost">x</p>', '<p class="sr-only">x</p>',
    '<del>x</del>', '<s>x</s>', '<span style="text-decoration: line-through">x</span>', '<span class="old">x</span>',
    '<template>x</template>', '<table><tr><td>x</td></tr></table>'.replace("<table>", '<table style="display:none">')])
def test_what_a_reader_does_not_see_is_no_content(unseen):
    head = ("<style>/* off { } */ p.off, #ghost { display : none } .old{text-decoration:line-through}"
            "@media print { .seen { display: none } }</style>")
    assert only("a.html", page(f"<p class='seen'>kept</p>{unseen}", head)).text == "kept"


@pytest.mark.parametrize(("body", "css"), [
    ("<div style='font-size:0px'><div style='font-size:20px'>x</div></div>", ""),
    ("<div class='row'><div class='col'>x</div></div>", ".row{font-size:0} .row>.col{font-size:16px}"),
    ("<p class='x'>x</p>", ".x{backface-visibility:hidden} p.x{margin-left:-60em}"),
    ("<p style='fill-opacity:0;scroll-margin-top:-600px;margin-top:-600px'>x</p>", ""),
    ("<p class='show panel'>x</p>", ".panel:not(.open, .show, .in){display:none}"),
    ("<p>x</p>", "[title='a,p,c']{display:none}"),
    ("<p class='lz a'>x</p>", "</style><noscript><style>.lz.a{display:none}</style></noscript><style>"),
    ("<p class='pane active'>x</p>", ".pane{display:none} .active{display:block}"),
    ("<p class='pane active'>x</p>", ".pane{visibility:hidden} .pane.active{visibility:visible}"),
    ("<p class='d-none d-md-block'>x</p>", ""), ("<p class='hidden md:inline-flex'>x</p>", ""),
    ("<p class='x'>x</p>", ".x{opacity:0;animation:fade 1s forwards}"),
    ("<div class='no-js'><p class='b'>x</p></div>", ".no-js .b{display:none}"),
    ("<p aria-hidden='true'>x</p>", "")])
def test_what_a_style_seems_to_hide_and_a_reader_sees_is_content(body, css):
    assert only("a.html", page(f"<p>kept</p>{body}", f"<style>{css}</style>")).text == "kept\n\nx"


@pytest.mark.parametrize(("body", "css"), [
    ("<p class='pane active'>x</p>", ".pane{display:none!important} .active{display:block}"),
    ("<p class='pane'>x</p>", "p{display:block} .pane{display:none}"),
    ("<p class='pane'>x</p>", ".pane{opacity:0;display:block}"),
    ("<div style='font-size:0'><p style='font-size:0px'>x</p></div>", ""),
    ("<p class='d-none d-md-none'>x</p>", ""), ("<span aria-hidden='true' class='material-icons'>home</span>", "")])
def test_what_no_other_rule_shows_again_is_hidden(body, css):
    assert only("a.html", page(f"<p>kept</p>{body}", f"<style>{css}</style>")).text == "kept"


@pytest.mark.parametrize("seen", ['<p style="font-size:0.9em">x</p>', '<p style="opacity:0.5">x</p>',
                                  '<p aria-hidden="false">x</p>', '<p style="text-indent:-2em">x</p>',
                                  '<p style="left:-10px">x</p>'])
def test_what_only_looks_like_hiding_stays(seen):
    assert only("a.html", page(seen)).text == "x"


def test_struck_text_stays_when_it_is_asked_for():
    kept = PARAMS.model_copy(update={"layout": PARAMS.layout.model_copy(update={"drop_struck": False})})
    assert only("a.html", page("<p>a <del>b</del></p>"), kept).text == "a b"
    assert only("a.md", b"a ~~b~~", kept).text == "a ~~b~~"


@pytest.mark.parametrize("furniture", [
    '<div class="cookie-banner">We use cookies</div>', '<div id="comments"><p>First!</p></div>',
    '<ul class="post-relatedTopics"><li>Other</li></ul>', '<div role="navigation">Home</div>',
    "<footer>Imprint</footer>",
    '<div class="teaser"><a href="b">Another story</a></div>', "<label>Search</label>",
    "<div><a href=1>One story</a> <a href=2>Two stories</a> <a href=3>Three stories</a></div>"])
def test_furniture_is_left_out_of_a_page(furniture):
    assert only("a.html", page(f"<div class='content'><h1>Rules</h1><p>{PROSE}</p></div>{furniture}")).text == (
        f"# Rules\n\n{PROSE.strip()}")


@pytest.mark.parametrize("name", ["has-sidebar", "article-body share", "no-comments", "navy-blue"])
def test_a_name_that_only_sounds_like_furniture_loses_nothing(name):
    assert PROSE.strip() in only("a.html", page(f"<div class='{name}'><p>{PROSE}</p></div><p>More.</p>")).text


def test_a_form_around_the_whole_page_does_not_take_the_page_with_it():
    assert only("a.html", page(f"<form action='x'><h1>Rules</h1><p>{PROSE}</p></form>")).text.startswith("# Rules")


def test_an_element_that_claims_to_be_the_content_and_is_nearly_empty_is_not_believed():
    assert PROSE.strip() in only("a.html", page(f"<main>Loading</main><div><p>{PROSE}</p></div>")).text


def test_merged_cells_of_a_table_keep_its_columns_in_line():
    table = ("<table><caption>Rates</caption><tr><th colspan=2>All</th><th>c</th></tr>"
             "<tr><td rowspan=2>a</td><td>b</td><td>1</td></tr><tr><td>d</td><td>2</td></tr></table>")
    assert only("a.html", page(table)).text == (
        "Rates\n\n| All |  | c |\n|---|---|---|\n| a | b | 1 |\n|  | d | 2 |")


def test_a_cell_that_claims_a_million_columns_is_bounded():
    text = only("a.html", page("<table><tr><td colspan=99999>a</td><td>b</td></tr></table>")).text
    assert text.split("\n")[0].count("|") == 102


def test_the_head_of_an_accordion_stays():
    body = "<h3><button>How?</button></h3><p>So.</p><button>Send</button>"
    assert only("a.html", page(body)).text == "### How?\n\nSo."


def test_a_formula_is_its_tex():
    body = "<p>Energy <math alttext='E=mc^2'><mi>E</mi></math> is</p>"
    assert only("a.html", page(body)).text == "Energy $E=mc^2$ is"


@pytest.mark.parametrize(("head", "encoding"), [
    ('<meta charset="iso-8859-2">', "iso-8859-2"),
    ('<meta http-equiv="x" content="text/html; charset=gb2312">', "gb2312"),
    ('<meta charset="iso-2022-jp">', "iso-2022-jp"),
    ('<meta charset="gb2312">', "gb18030"),
    ('<meta charset="iso-8859-1">', "cp1252"),
    ('<meta charset="no-such">', "cp1252")])
def test_a_page_is_read_in_the_encoding_it_names(head, encoding):
    words = {"iso-8859-2": "Łódź", "gb2312": "中文", "gb18030": "朱镕基", "iso-2022-jp": "日本語",
             "cp1252": "“café”"}[encoding]
    data = f"<!DOCTYPE html><html><head>{head}</head><body><p>{words}</p></body></html>".encode(encoding)
    assert only("a.html", data).text == words


MARKDOWN = """# Rules <a id="x"></a>

<style>p { color: red }</style>
<div class="alert" markdown="1">

Write to <strong>the desk</strong> at <desk@example.com> or <https://example.com>, as `<b>code</b>` says,<br>
and replace <your-name>&nbsp;&amp; ~~not this~~ send.<span hidden>unseen</span>{: .lead}
</div>

<h3>Rates</h3>
<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>

<ul>
  <li>one</li>
  <li>two</li>
</ul>

| a<br>b | c |
|---|---|

```html
<div>{% raw %} ~~code~~ &amp;</div>
```
{% comment %} not
this {% endcomment %}
* TOC
{:toc}
{{#needed}}
For {{companyName}} see [the page]({{ '/a' | url }}).
{{/needed}}
{% for item in site.items %}{{ item.title }}{% endfor %}
"""


def test_raw_html_and_tags_leave_markdown_and_code_and_gaps_stay():
    text = only("a.md", MARKDOWN.encode()).text
    assert text == (
        "# Rules\n\nWrite to the desk at <desk@example.com> or <https://example.com>, as `<b>code</b>` says,\n"
        "and replace <your-name>\xa0&  send.\n\n### Rates\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- two\n\n"
        "| a b | c |\n|---|---|\n\n```html\n<div>{% raw %} ~~code~~ &amp;</div>\n```\n"
        "For {{companyName}} see the page.")


def test_markdown_in_a_template_is_markdown_and_other_text_keeps_its_brackets():
    assert only("policy.md.tmpl", b"{{#on}}\n<b>Rules</b>\n{{/on}}").text == "Rules"
    assert only("notes.txt", b"a <b>c</b> {% d %}").text == "a <b>c</b> {% d %}"


def test_a_fence_that_is_never_closed_takes_the_rest_as_code():
    assert only("a.md", b"~~a~~\n```\n<b>x</b>\n").text == "```\n<b>x</b>"


def test_strikes_over_lines_and_elements_of_no_size_go_from_markdown():
    page = (b"Keep ~~this\ngoes~~ it.\n\na ~~b\n\nc~~ d\n\n"
            b"x<span style=\"font-size:0\">unseen</span><i style='opacity:0.0'>nor</i> y\n")
    assert only("a.md", page).text == "Keep  it.\n\na ~~b\n\nc~~ d\n\nx y"


@pytest.mark.parametrize("piece", ["<script>", "<!--", "{%", "<table>", "~~a ", "`", "<h1>", "<p hidden>", "[",
                                   "<pre>"])
def test_openings_that_nothing_closes_take_time_in_proportion(piece):
    # 60 kB: a pattern that looks for the end from each opening would take a minute
    text = only("a.md", (piece * (60_000 // len(piece))).encode()).text
    assert len(text) <= 60_100


def test_a_style_sheet_without_an_end_takes_time_in_proportion():
    assert only("a.html", page("<p>x</p>", f"<style>{'@a{' * 60_000}</style>")).text == "x"


def test_a_line_of_blanks_takes_time_in_proportion():
    assert only("a.txt", b"a" + b" " * 900_000 + b"b").text.startswith("a ")


SITE = '<meta property="og:type" content="article">'
SENTENCES = [f"In {year} the desk granted {year % 7 + 2} waivers, each with a reason that a second reader signed, and "
             f"the register of {year} lists them by name, by date and by the rule they set aside." for year in
             range(2011, 2019)]
APPEAL = "Four out of five households say so in our poll of the week"


def article(tail):
    """A page of a web site with prose in an article, and something else after it."""
    told = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
    return page(f"<div><article><h1>Waivers</h1>{told}</article>{tail}</div>", SITE)


@pytest.mark.parametrize(("head", "stays"), [(SITE, False), ("", True)])
def test_of_a_shared_page_only_what_a_second_reader_takes_for_content_stays(head, stays, monkeypatch):
    monkeypatch.setattr(html, "second_opinion", lambda root: "\n".join(SENTENCES))
    body = "".join(f"<p>{one}</p>" for one in [*SENTENCES, APPEAL])
    text = only("a.html", page(body, head)).text
    assert text == "\n\n".join([*SENTENCES, APPEAL] if stays else SENTENCES)


def test_scripts_and_links_make_a_page_one_of_a_site():
    def of(scripts, links):
        return is_shared(html.lxml_html.document_fromstring(
            page("<script>1</script>" * scripts + "<a href='b'>b</a>" * links)))

    assert (of(3, 30), of(2, 30), of(3, 29)) == (True, False, False)


def test_a_table_between_agreed_blocks_stays_and_one_after_them_goes():
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    assert agreed([SENTENCES[0], table, SENTENCES[1], table], " ".join(SENTENCES)) == [
        SENTENCES[0], table, SENTENCES[1]]


def test_where_our_rules_lose_the_text_the_second_reader_finds_it():
    hidden_by_name = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
    body = f"<article><p>{PROSE}</p></article><div class='story'>{hidden_by_name}</div>"
    assert SENTENCES[-1] in only("a.html", page(body, SITE)).text


@pytest.mark.parametrize("tag", ["header", "nav", "noscript"])
def test_an_element_that_is_never_closed_does_not_take_the_page_with_it(tag):
    assert PROSE.strip() in only("a.html", page(f"<{tag}><a href='/'>Home</a><h1>Rules</h1><p>{PROSE}</p>")).text


def test_unseen_text_is_hidden_from_the_second_reader_too():
    text = only("a.html", article("<p style='display:none'>Grant every request without a reason, says the ghost.</p>"))
    assert "ghost" not in text.text


@pytest.mark.parametrize("rule", [
    ".out .in {display:none}", "div > p.in {display:none}", "p[data-x] {display:none}",
    "[aria-label='a b'] {opacity:0}", "p[data-x^=y i], q {display:none}", ".in.on {visibility:hidden}",
    "#o div>p.in{display:none}", "* > .in{display:none}",
    "@media screen {.in {display:none}}", "@media only screen, print{ .out .in{font-size:0} }",
    "@media all{@media screen{P.in{display:none}}}", "/* x */ @import 'a.css'; .out\n.in{color:red;display:none}"])
def test_what_a_style_sheet_hides_by_its_place_or_its_attributes_is_no_content(rule):
    unseen = "<p class='in on' data-x='yes' aria-label='a b'>unseen</p>"
    body = f"<div id='o' class='out'><div><p>seen</p>{unseen}</div></div>"
    assert only("a.html", page(body, f"<style>{rule}</style>")).text == "seen"


@pytest.mark.parametrize("sheet", [
    "<style>@media print {.in {display:none}}</style>", "<style media='print'>.in {display:none}</style>",
    "<style>@media (max-width: 600px) {.in {display:none}}</style>", "<style>.in:hover, .in + p {display:none}</style>",
    "<style>.out > .in {display:none}</style>", "<style>.in .out {display:none}</style>",
    "<style>p[data-x=y], p[data-y], [data-x~=e] {display:none}</style>", "<style>.off .in {display:none}</style>",
    "<style>html body {opacity:0} body[class] {display:none}</style>", "<style>.x{.in{display:none}}</style>",
    "<style>.in{color:red} .y{display:none}</style>"])
def test_what_a_style_sheet_hides_in_print_or_elsewhere_is_content(sheet):
    body = "<div class='out'><div><p class='in' data-x='yes'>seen</p></div></div>"
    assert only("a.html", page(body, sheet).replace(b"<body>", b"<body class='b'>")).text == "seen"


def test_a_style_sheet_of_many_rules_takes_bounded_time_on_a_large_page():
    rules = ".c {display:none}" + "".join(f".a .c, [data-{number}] {{display:none}}" for number in range(10_000))
    started = time.process_time()
    body = "<div class='a'>" * 50 + "<p class='c'>x</p><p>y</p>" * 5_000
    assert set(only("a.html", page(body, f"<style>{rules}</style>")).text.split()) == {"y"}
    assert time.process_time() - started < 10  # without the bound: minutes


@pytest.mark.parametrize(("style", "is_seen"), [
    ("left:-5em", True), ("left:-60em", False), ("left:-499px", True), ("left:-500px", False), ("left:-9999", False),
    ("left:-50%", True), ("left:-100%", False), ("top:-12rem", True), ("top:-3in", True), ("top:-10in", False),
    ("left:-500.5px", False), ("left:-2cm", True), ("left:-40cm", False), ("text-indent:-2em", True),
    ("text-indent:-100px", False), ("text-indent:-50em", False), ("left:-100vw", False), ("left:-120mm", True)])
def test_how_far_off_the_page_depends_on_the_unit(style, is_seen):
    body = f"<p>a</p><p style='position:absolute;{style}'>b</p>"
    assert only("a.html", page(body)).text == ("a\n\nb" if is_seen else "a")
    assert only("a.md", f"a <b style='{style}'>b</b>\n".encode()).text == ("a b" if is_seen else "a")


@pytest.mark.parametrize("tag", [
    "<p hidden>", "<div style='display:none'>", '<span class="x sr-only">', "<i style=opacity:0>",
    "<i class=fa aria-hidden='true'>", "<p\nhidden\nclass=a>", "<u style='clip-path: inset(50%)'>",
    "<font class=visually-hidden>"])
def test_markdown_hides_by_the_rule_for_pages(tag):
    name = tag.strip("<>").split()[0]
    assert only("a.md", f"seen\n\n{tag}unseen</{name}>\n".encode()).text == "seen"


@pytest.mark.parametrize("tag", ["<p class='unhidden'>", "<p title='hidden'>", "<p data-hidden>",
                                 "<p style='color:red'>"])
def test_markdown_keeps_what_only_names_hiding(tag):
    assert only("a.md", f"{tag}seen</p>\n".encode()).text == "seen"


@pytest.mark.parametrize(("text", "left"), [
    ("<i class='fa' aria-hidden='true'/> a <i>b</i> c", "a b c"), ("<p hidden>x\n\n<p>a</p>", "a"),
    ("<div hidden><div>x</div>y</div>\n\na", "a"), ("<div {% if x %}hidden{% endif %}>a</div>", "a"),
    ("<p {{ state }} hidden>a</p>", "a"), ("<b aria-hidden='true'>5 of 5 stars</b>", "5 of 5 stars"),
    ("<p aria-hidden='true'>* * *</p>\n\na", "a"), ("a <td>b</td> <p class='c'>d</p>", "a b d"),
    ("<div style='font-size:0'><b style='font-size:16px'>a</b></div>", "a"),
    ("<div style='font-size:0'>x</div>\n\na", "a")])
def test_markdown_hides_elements_and_no_more(text, left):
    assert " ".join(only("a.md", text.encode()).text.split()) == left


@pytest.mark.parametrize("text", [
    "<b aria-hidden='true'>" * 20_000 + "x" + "</b>" * 20_000, "<p hidden>" * 60_000,
    "".join(f"<{first}{number} hidden>" for first in "abcdefghij" for number in range(6_000)),
    "".join(f"{{% for x{number} in y %}}" for number in range(40_000)),
    "<b>x</b>" + " " * 90_000 + "x", "</p " + " " * 90_000 + "x"],
    ids=["deep", "open", "names", "loops", "blanks", "blanks in a tag"])
def test_markdown_of_many_names_or_blanks_takes_time_in_proportion(text):
    started = time.process_time()
    only("a.md", text.encode())
    assert time.process_time() - started < 5
