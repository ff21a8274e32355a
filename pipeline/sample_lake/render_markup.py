"""Markdown and HTML files."""

from html import escape

from pipeline.sample_lake.authored import Authored
from pipeline.sample_lake.blocks import Block, parse, spans

TAGS = {"bold": "strong", "italic": "em", "code": "code"}
LISTS = {"bullet": "ul", "number": "ol"}

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title} - Brackwater intranet</title>
<meta name="dcterms.date" content="{published}">
<style>body {{ font-family: serif }} .crumbs {{ color: #666 }}</style>
<script>window.seen = (window.seen || 0) + 1;</script>
</head>
<body>
<header><a href="/">Brackwater intranet</a> <form action="/find"><input name="q"><button>Find</button></form></header>
<nav class="crumbs"><a href="/">Home</a> / <a href="/{source}">{source}</a> / {title}</nav>
<main>
{content}
</main>
<footer>Owner: {owner}. Version {version}. Printed copies are not controlled.</footer>
</body>
</html>
"""


def to_markdown(document: Authored) -> bytes:
    """Front matter and text."""
    return (f"---\nid: {document.ident}\ntitle: \"{document.title}\"\nowner: {document.owner}\n"
            f"version: \"{document.version}\"\npublished: {document.published}\n---\n{document.body}").encode()


def to_html(document: Authored) -> bytes:
    """A page of the intranet: the text in `<main>`, the site's furniture around it."""
    fields = {name: escape(value) for name, value in document._asdict().items() if isinstance(value, str)}
    return PAGE.format(**fields, content="\n".join(_html_blocks(parse(document.body)))).encode()


def _html_blocks(blocks: list[Block]) -> list[str]:
    lines: list[str] = []
    open_list = ""
    for block in blocks:
        wanted = LISTS.get(block.kind, "")
        if wanted != open_list:
            lines += [f"</{open_list}>"] * bool(open_list) + [f"<{wanted}>"] * bool(wanted)
            open_list = wanted
        lines.append(_html_block(block))
    return lines + [f"</{open_list}>"] * bool(open_list)


def _html_block(block: Block) -> str:
    if block.kind == "heading":
        return f"<h{block.level}>{inline_html(block.text)}</h{block.level}>"
    if block.kind == "table":
        rows = (("th" if number == 0 else "td", row) for number, row in enumerate(block.cells))
        lines = ["".join(f"<{tag}>{inline_html(cell)}</{tag}>" for cell in row) for tag, row in rows]
        return "<table>\n" + "\n".join(f"<tr>{line}</tr>" for line in lines) + "\n</table>"
    tag = {"bullet": "li", "number": "li", "quote": "blockquote"}.get(block.kind, "p")
    return f"<{tag}>{inline_html(block.text)}</{tag}>"


def inline_html(text: str) -> str:
    """Inline Markdown as HTML; a line feed is a line break."""
    parts = ((escape(span.text, quote=False).replace("\n", "<br>\n"), TAGS.get(span.style)) for span in spans(text))
    return "".join(f"<{tag}>{words}</{tag}>" if tag else words for words, tag in parts)
