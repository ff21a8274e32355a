"""Markdown as authors keep it: tags of site generators, raw HTML and struck-through text out, code untouched.

Raw HTML becomes the Markdown that says the same (headings, items, tables); other tags go and their text stays.
Only names that HTML knows are tags: `<your-name>` is a gap in a template and stays. (CommonMark 0.31, 4.6 and
6.6; GFM 6.5 strikethrough; Liquid, Jinja and Mustache tags; kramdown and pandoc attribute lists.)
"""

import html
import re
from collections.abc import Callable, Iterator

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
"""A fenced code block; one that nothing closes runs to the end of the text."""
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)", re.DOTALL)
TEMPLATE_COMMENT = re.compile(r"\{%-?\s*comment\s*-?%\}.*?\{%-?\s*endcomment\s*-?%\}", re.DOTALL)
TEMPLATE_TAGS = re.compile(
    r"\{%-?(?:(?!\{%).)*?-?%\}|\{#(?:(?!\{#).)*?#\}|\{\{[^{}\n]*[|\"'()][^{}\n]*\}\}"
    r"|\{:[^{}\n]*\}|\{[.#][\w-][^{}\n]*\}|<!--.*?-->"
    r"|\{\{[#/^!>&][^{}\n]*\}\}"
    r"|\{\{-?\s*(?:site|page|layout|include)\.[^{}\n]*\}\}", re.DOTALL)
"""Liquid and Jinja tags and comments, expressions with a filter or a literal or of the site, kramdown and
pandoc attributes, HTML comments, Mustache sections, comments and partials. A tag holds no beginning of another:
else a page of beginnings took the square of its length."""
CONTENTS = re.compile(r"^(?:[*-] TOC|\[TOC\]|\[\[_?toc_?\]\])[ \t]*$", re.MULTILINE | re.IGNORECASE)
"""Where a generator puts a table of contents."""
EMPTY_LINK = re.compile(r"(?<!!)\[([^\[\]\n]*)\]\(\s*\)")
"""What a link is once the tag that was its address is gone."""
STRUCK = re.compile(r"~~(?=\S)[^\n]*?(?<=\S)~~")
UNSEEN_ELEMENTS = re.compile(
    r"<(script|style|iframe|svg|noscript|template|button|select|form|nav|video|audio|object|canvas)\b[^>]*>.*?</\1\s*>",
    re.DOTALL | re.IGNORECASE)
HIDDEN_ELEMENTS = re.compile(
    r"<(\w+)\b[^<>]*(?:\shidden\b|display\s*:\s*none|visibility\s*:\s*hidden|class=\"[^\"<>]*\b(?:sr-only|usa-sr-only"
    r"|visually-hidden|d-none)\b)[^<>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
STRUCK_ELEMENTS = re.compile(r"<(del|s|strike)\b[^<>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
TABLE = re.compile(r"<table\b.*?</table\s*>", re.DOTALL | re.IGNORECASE)
PREFORMATTED = re.compile(r"<pre\b[^<>]*>(.*?)</pre\s*>", re.DOTALL | re.IGNORECASE)
HEADING_BUTTON = re.compile(r"(<h[1-6]\b[^<>]*>\s*)<button\b[^<>]*>(.*?)</button\s*>", re.DOTALL | re.IGNORECASE)
"""The head of an accordion is a button in a heading."""
LOOP_VARIABLE = re.compile(r"\{%-?\s*for\s+(\w+)\s+in\b")
HEADING = re.compile(r"[ \t]*<h([1-6])\b[^<>]*>(.*?)</h\1\s*>[ \t]*", re.DOTALL | re.IGNORECASE)
ITEM = re.compile(r"\n?[ \t]*<li\b[^<>]*>\s*", re.IGNORECASE)
BREAK = re.compile(r"<br\s*/?>[ \t]*\n?", re.IGNORECASE)
BLOCK_TAGS = re.compile(
    r"[ \t]*</?(?:p|div|section|article|main|aside|header|footer|ul|ol|dl|dt|dd|blockquote|figure|figcaption|details|"
    r"summary|center|fieldset|hr|address|tbody|thead|tr|td|th|table)\b[^<>]*>[ \t]*", re.IGNORECASE)
INLINE_TAGS = re.compile(
    r"</?(?:a|abbr|b|big|br|cite|code|em|font|i|img|input|kbd|label|legend|li|mark|q|samp|small|span|strong|sub|sup|time|tt|u|"
    r"var|wbr|col|colgroup|caption|del|ins|s|strike|link|meta)(?:\s[^<>]*)?/?>", re.IGNORECASE)
MARK = "\x00"
"""Stands for what was taken out, until a line that held nothing else has gone with it."""


def cleaned(text: str, *, drop_template_tags: bool, drop_struck: bool, table: Callable[[str], str]) -> str:
    """The text without tags; `table` makes Markdown of an HTML table."""
    if drop_template_tags:
        text = TEMPLATE_COMMENT.sub(MARK, text)
        for name in set(LOOP_VARIABLE.findall(text)):  # stands for data that is not in the file
            text = re.sub(rf"\{{\{{-?\s*{name}\b[^{{}}\n]*\}}\}}", MARK, text)
    parts = []
    for part, is_code in _parts(text, FENCE):
        if not is_code:
            part = "".join(piece if is_span else _prose(piece, drop_template_tags, drop_struck, table)
                           for piece, is_span in _parts(part, CODE_SPAN))
        parts.append(part)
    return _without_emptied_lines("".join(parts))


def _parts(text: str, code: re.Pattern[str]) -> Iterator[tuple[str, bool]]:
    """The text in pieces: (piece, is it code)."""
    position = 0
    for found in code.finditer(text):
        yield text[position:found.start()], False
        yield found[0], True
        position = found.end()
    yield text[position:], False


def _prose(text: str, drop_template_tags: bool, drop_struck: bool, table: Callable[[str], str]) -> str:
    if drop_template_tags:
        text = EMPTY_LINK.sub(r"\1", CONTENTS.sub(MARK, TEMPLATE_TAGS.sub(MARK, text).replace(f"({MARK})", "()")))
    if drop_struck:
        text = STRUCK_ELEMENTS.sub(MARK, STRUCK.sub(MARK, text))
    if "<" in text:
        text = _without_html(text, table)
    return html.unescape(text) if "&" in text else text


def _without_html(text: str, table: Callable[[str], str]) -> str:
    text = PREFORMATTED.sub(lambda found: _fenced(found[1]), text)
    text = HEADING_BUTTON.sub(r"\1\2", text)
    for gone in (UNSEEN_ELEMENTS, HIDDEN_ELEMENTS):
        text = gone.sub(MARK, text)
    text = TABLE.sub(lambda found: f"\n\n{table(found[0])}\n\n", text)
    text = HEADING.sub(lambda found: f"\n\n{'#' * int(found[1])} {' '.join(found[2].split())}\n\n", text)
    text = ITEM.sub("\n- ", text)
    text = BREAK.sub(_line_break, text)
    text = BLOCK_TAGS.sub(f"\n{MARK}\n" if "\n" not in text else MARK, text)
    return re.sub(r"</li\s*>", "", INLINE_TAGS.sub("", text), flags=re.IGNORECASE)


def _fenced(code: str) -> str:
    lines = INLINE_TAGS.sub("", code).strip("\n")
    return f"\n```\n{lines}\n```\n"


def _line_break(found: re.Match[str]) -> str:
    """A new line, but a blank inside a row of a table."""
    start = found.string.rfind("\n", 0, found.start()) + 1
    return " " if found.string[start:found.start()].lstrip().startswith("|") else "\n"


def _without_emptied_lines(text: str) -> str:
    kept = []
    for line in text.split("\n"):
        bare = line.replace(MARK, "")
        if bare.strip() or MARK not in line:
            kept.append(bare)
    return "\n".join(kept)
