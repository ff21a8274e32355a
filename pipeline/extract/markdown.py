"""Markdown as authors keep it: tags of site generators, raw HTML and struck-through text out, code untouched.

Raw HTML becomes the Markdown that says the same (headings, items, tables); other tags go and their text stays.
Only names that HTML knows are tags: `<your-name>` is a gap in a template and stays. (CommonMark 0.31, 4.6 and
6.6; GFM 6.5 strikethrough; Liquid, Jinja and Mustache tags; kramdown and pandoc attribute lists.)
"""

import html
import re
from collections import defaultdict
from collections.abc import Callable, Iterator

from pipeline.extract.html_main import NO_SIZE, SIZE, is_ornament, says_hidden

FENCE = re.compile(r"^ {0,3}(`{3,}+|~{3,}+)[^\n]*+\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
"""A fenced code block; one that nothing closes runs to the end of the text."""
CODE_SPAN = re.compile(r"(?<!`)(`++)(?:(?!\n\n).){1,5000}?(?<!`)\1(?!`)", re.DOTALL)
TEMPLATE_COMMENT = (re.compile(r"\{%-?\s*comment\s*-?%\}"), re.compile(r"\{%-?\s*endcomment\s*-?%\}"))
PAIRS = ((re.compile(r"\{%"), re.compile(r"%\}")), (re.compile(r"\{#"), re.compile(r"#\}")),
         (re.compile(r"<!--"), re.compile(r"-->")))
"""Tags and comments of Liquid and Jinja, comments of HTML: opening and closing."""
TEMPLATE_TAGS = re.compile(
    r"\{\{[^{}\n]*[|\"'()][^{}\n]*\}\}|\{:[^{}\n]*\}|\{[.#][\w-][^{}\n]*\}|\{\{[#/^!>&][^{}\n]*\}\}"
    r"|\{\{-?\s*(?:site|page|layout|include)\.[^{}\n]*\}\}")
"""Expressions with a filter or a literal or of the site, kramdown and pandoc attributes, Mustache sections,
comments and partials."""
CONTENTS = re.compile(r"^(?:[*-] TOC|\[TOC\]|\[\[_?toc_?\]\])[ \t]*$", re.MULTILINE | re.IGNORECASE)
"""Where a generator puts a table of contents."""
EMPTY_LINK = re.compile(r"(?<!!)\[([^\[\]\n]*)\]\(\s*\)")
"""What a link is once the tag that was its address is gone."""
STRUCK = re.compile(r"~~(?=\S)(?:[^\n]|\n(?![ \t]*\n)){0,500}?(?<=\S)~~")
"""In one paragraph, of any number of lines."""
UNSEEN_ELEMENTS = re.compile(
    r"<(script|style|iframe|svg|noscript|template|button|select|form|nav|video|audio|object|canvas)\b[^<>]*>",
    re.IGNORECASE)
ATTRIBUTE = re.compile(r"""([a-zA-Z][\w:-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
CLOSING = re.compile(r"</([a-z][a-z0-9]*)\s*>", re.IGNORECASE)
ANY_TAG = re.compile(r"<(/?)([a-z][a-z0-9]{0,11})\b([^<>]*)>", re.IGNORECASE)
END_OF_PARAGRAPH = re.compile(r"</p\s*>|(?=<p\b)|(?=\n[ \t]*+\n)|\Z", re.IGNORECASE)
MOST_INNER = 2_000
"""Characters of an element's content that are looked at: elements may stand in each other, very many deep."""
STRUCK_ELEMENTS = re.compile(r"<(del|s|strike)\b[^<>]*>", re.IGNORECASE)
TABLE = re.compile(r"<(table)\b[^<>]*>", re.IGNORECASE)
PREFORMATTED = re.compile(r"<(pre)\b[^<>]*>", re.IGNORECASE)
BLANKS = r"(?:(?<![ \t])[ \t]++)?+"
"""All of them, or none: begun at each blank of a long line, a pattern takes the square of its length."""
HEADING = re.compile(BLANKS + r"<(h[1-6])\b[^<>]*>", re.IGNORECASE)
BUTTON_TAGS = re.compile(r"</?button\b[^<>]*>", re.IGNORECASE)
EXPRESSION = re.compile(r"\{\{-?\s*(\w+)\b[^{}\n]*\}\}")
LOOP_VARIABLE = re.compile(r"\{%-?\s*for\s+(\w+)\s+in\b")
ITEM = re.compile(r"(?:\n[ \t]*+|" + BLANKS + r")<li\b[^<>]*>\s*", re.IGNORECASE)
BREAK = re.compile(r"<br\s*/?>[ \t]*\n?", re.IGNORECASE)
BLOCK_TAGS = re.compile(
    BLANKS + r"</?(?:p|div|section|article|main|aside|header|footer|ul|ol|dl|dt|dd|blockquote|figure|figcaption|"
    r"details|summary|center|fieldset|hr|address|tbody|thead|tr|td|th|table)\b[^<>]*>[ \t]*", re.IGNORECASE)
INLINE_TAGS = re.compile(
    r"</?(?:a|abbr|b|big|br|cite|code|em|font|i|img|input|kbd|label|legend|li|mark|q|samp|small|span|strong|sub|sup|time|tt|u|"
    r"var|wbr|col|colgroup|caption|del|ins|s|strike|link|meta)(?:\s[^<>]*)?/?>", re.IGNORECASE)
MARK = "\x00"
"""Stands for what was taken out, until a line that held nothing else has gone with it."""


def cleaned(text: str, *, drop_template_tags: bool, drop_struck: bool, table: Callable[[str], str]) -> str:
    """The text without tags; `table` makes Markdown of an HTML table."""
    if drop_template_tags:
        text = _without(text, *TEMPLATE_COMMENT)
        looped = set(LOOP_VARIABLE.findall(text))  # they stand for data that is not in the file
        text = EXPRESSION.sub(lambda found: MARK if found[1] in looped else found[0], text)
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
        for opening, closing in PAIRS:
            text = _without(text, opening, closing)
        text = EMPTY_LINK.sub(r"\1", CONTENTS.sub(MARK, TEMPLATE_TAGS.sub(MARK, text).replace(f"({MARK})", "()")))
    if drop_struck:
        text = _replaced(STRUCK.sub(MARK, text), STRUCK_ELEMENTS, lambda *_: MARK)
    if "<" in text:
        text = _without_html(text, table)
    return html.unescape(text) if "&" in text else text


def _without_html(text: str, table: Callable[[str], str]) -> str:
    text = _replaced(text, PREFORMATTED, lambda _, inner: _fenced(inner))
    text = _replaced(text, HEADING, lambda found, inner: f"{found[0]}{BUTTON_TAGS.sub('', inner)}</{found[1]}>")
    text = _replaced(text, UNSEEN_ELEMENTS, lambda *_: MARK)
    text = _without_hidden(text)
    text = _replaced(text, TABLE, lambda found, inner: f"\n\n{table(f'{found[0]}{inner}</table>')}\n\n")
    text = _replaced(text, HEADING, lambda found, inner: f"\n\n{'#' * int(found[1][1])} {' '.join(inner.split())}\n\n")
    text = ITEM.sub("\n- ", text)
    text = BREAK.sub(_line_break, text)
    text = BLOCK_TAGS.sub(f"\n{MARK}\n" if "\n" not in text else MARK, text)
    return re.sub(r"</li\s*>", "", INLINE_TAGS.sub("", text), flags=re.IGNORECASE)


def _without(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    """The text without what stands between the two; an opening that nothing closes stays. Linear in the text."""
    parts, position = [], 0
    while (start := opening.search(text, position)) and (end := closing.search(text, start.end())):
        parts += [text[position:start.start()], MARK]
        position = end.end()
    return "".join([*parts, text[position:]])


def _without_hidden(text: str) -> str:
    """The text without the elements that nobody sees, by the rule for pages (`html_main`); linear in it."""
    parts, position = [], 0
    for tag, end, after in _elements(text):
        if tag.start() >= position and _is_hidden(tag, text[tag.end():min(end, tag.end() + MOST_INNER)]):
            parts += [text[position:tag.start()], MARK]
            position = after
    return "".join([*parts, text[position:]])


def _elements(text: str) -> Iterator[tuple[re.Match[str], int, int]]:
    """The elements that have attributes: opening tag, where the content ends, where the element does.

    Those of one name may stand in each other. What nothing closes is none, but a paragraph, which ends at the latest
    with its block.
    """
    open_tags: dict[str, list[re.Match[str]]] = defaultdict(list)
    found = []
    for tag in ANY_TAG.finditer(text):
        name = tag[2].lower()
        if tag[1]:
            start = open_tags[name].pop() if open_tags[name] else None
            if start and start[3].strip():
                found.append((start, tag.start(), tag.end()))
        elif name == "p" and tag[3].strip():
            end = END_OF_PARAGRAPH.search(text, tag.end())
            found.append((tag, end.start(), end.end()) if end else (tag, len(text), len(text)))
        elif name != "p" and not tag[3].endswith("/"):
            open_tags[name].append(tag)
    yield from sorted(found, key=lambda element: element[0].start())


def _is_hidden(tag: re.Match[str], inner: str) -> bool:
    """Not when a template decides on its attributes."""
    if MARK in tag[3] or "{" in tag[3]:
        return False
    attributes = {found[1].lower(): found[2] or found[3] or found[4] or "" for found in ATTRIBUTE.finditer(tag[3])}
    if NO_SIZE.search(attributes.get("style", "")) and not SIZE.search(inner.replace('"', ";").replace("'", ";")):
        return len(inner) < MOST_INNER
    return says_hidden(attributes) or ("aria-hidden" in attributes
                                       and is_ornament(tag[2].lower(), attributes, [ANY_TAG.sub("", inner)]))


def _replaced(text: str, opening: re.Pattern[str], made: Callable[[re.Match[str], str], str]) -> str:
    """Each element whose opening tag this is (group 1: its name), by what `made(tag, inside)` gives.

    An element that nothing closes stays; what is in it is looked at. Linear in the text.
    """
    closings = _closings(text)
    parts, position, searched = [], 0, 0
    while start := opening.search(text, searched):
        later = closings.get(start[1].lower(), [])
        while later and later[-1].start() < start.end():
            later.pop()
        if not later:
            searched = start.end()
            continue
        end = later.pop()
        parts += [text[position:start.start()], made(start, text[start.end():end.start()])]
        position = searched = end.end()
    return "".join([*parts, text[position:]])


def _closings(text: str) -> dict[str, list[re.Match[str]]]:
    """The closing tags by name, the first one last."""
    found: dict[str, list[re.Match[str]]] = defaultdict(list)
    for tag in CLOSING.finditer(text):
        found[tag[1].lower()].append(tag)
    for tags in found.values():
        tags.reverse()
    return found


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
