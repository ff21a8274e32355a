"""Which part of a page is its content: what is hidden, what is furniture, what is the main element.

Rules on names and on the share of links, as Boilerpipe (Kohlschütter et al. 2010, doi:10.1145/1718487.1718542,
link density) and the main-content rules of Resiliparse use them; no model, no list of sites.
"""

import re
from typing import Any

DROPPED = frozenset({
    "script", "style", "noscript", "template", "svg", "math", "nav", "aside", "button", "select", "iframe",
    "object", "embed", "canvas", "audio", "video", "head", "input", "textarea", "dialog", "datalist", "label"})
STRUCK = frozenset({"del", "s", "strike"})
OUTSIDE_MAIN = frozenset({"header", "footer"})
"""Dropped unless inside an article, where they hold its title or its date."""
HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|font-size\s*:\s*0(?:px|pt|em|rem|%)?\s*(?:;|!|$)"
    r"|opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)|text-indent\s*:\s*-\d{3,}|(?:left|top)\s*:\s*-\d{4,}"
    r"|clip\s*:\s*rect\(\s*0|mso-hide\s*:\s*all", re.IGNORECASE)
"""Declarations that take an element out of sight."""
STRUCK_STYLE = re.compile(r"text-decoration(?:-line)?\s*:[^;]*line-through", re.IGNORECASE)
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
SIMPLE_SELECTOR = re.compile(r"[a-zA-Z][a-zA-Z0-9]*|(?:[a-zA-Z][a-zA-Z0-9]*)?[.#][a-zA-Z_-][\w-]*")
"""`p`, `.note`, `p.note`, `#ad`: what a rule may hide here. Others depend on state or place; they are left alone."""
UNSEEN_CLASSES = frozenset({
    "hidden", "hide", "d-none", "visually-hidden", "visuallyhidden", "sr-only", "screen-reader-text", "screenreader-text",
    "usa-sr-only", "noprint", "mw-editsection", "mw-empty-elt"})
UNSEEN = "data-pedigree-unseen"
"""Attribute that marks what was found hidden; a page's own attribute of this name is removed first."""
FURNITURE = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|breadcrumbs?|sidebar|side-bar|footer|site-header|masthead|topbar|"
    r"toolbar|cookies?|consent|gdpr-banner|newsletter|subscribe|subscription|share|sharing|social|addtoany|"
    r"related|related-links|recommend(?:ed|ations)?|read-more|more-stories|comments?|commentlist|respond|disqus|"
    r"pagination|pager|paging|post-nav|skip|skip-link|advert|advertisement|ads?|adsense|banner|promo|sponsor(?:ed)?|"
    r"popup|modal|overlay|widget|widgets|tagcloud|tag-list|tags|author-box|byline-social|signup|login|search|"
    r"searchform|copyright|legal-links|toc|printfooter|catlinks|outbrain|taboola)(?:$|[\s_-])", re.IGNORECASE)
"""Words in a class or an id that name furniture."""
CONTENT = re.compile(r"article|content|post-?body|entry|story|main|body", re.IGNORECASE)
"""Words that name content: an element with both keeps its place."""
ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar", "dialog",
                   "alertdialog", "toolbar"})
MAIN = (
    "//main", "//*[@role='main']", "//*[@itemprop='articleBody']", "//article",
    "//*[contains(concat(' ', normalize-space(@class), ' '), ' entry-content ')]",
    "//*[contains(concat(' ', normalize-space(@class), ' '), ' post-content ')]",
    "//*[contains(concat(' ', normalize-space(@class), ' '), ' article-body ')]",
    "//*[@id='content' or @id='main-content' or @id='main']")
"""Where pages put their content; the first of these that one element fits and that holds enough is taken."""
ENOUGH_CHARS = 250
"""Characters of text below which an element that claims to be the content is not believed alone."""
ENOUGH_SHARE = 0.25
"""... unless it has at least this share of the page's text."""
MOST_LINKED = 0.6
"""Share of characters inside links above which a list is navigation."""
FEW_LINKS = 3
"""Links below which a list is not judged."""
MOST_SHARE = 0.5
"""Share of the page's text that furniture, by name, cannot have: the name is wrong then."""


def mark_hidden(root: Any, *, drop_struck: bool) -> None:
    """Mark every element that a reader does not see, by attribute, by style and by class."""
    styles = "\n".join(element.text or "" for element in root.iter("style"))
    hidden, struck = _hiding(styles, HIDDEN), _hiding(styles, STRUCK_STYLE) if drop_struck else frozenset()
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        element.attrib.pop(UNSEEN, None)
        style = element.get("style") or ""
        if (element.get("hidden") is not None or element.get("aria-hidden") == "true"
                or (style and HIDDEN.search(style)) or _selected(element, hidden | UNSEEN_SELECTORS)):
            element.set(UNSEEN, "")
        elif drop_struck and (element.tag in STRUCK or (style and STRUCK_STYLE.search(style))
                              or _selected(element, struck)):
            element.set(UNSEEN, "")


UNSEEN_SELECTORS = frozenset(f".{name}" for name in UNSEEN_CLASSES)


def _hiding(css: str, declaration: re.Pattern[str]) -> frozenset[str]:
    """The simple selectors whose rule has such a declaration; rules inside @media count for other media."""
    found: set[str] = set()
    plain = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    plain = re.sub(r"@[\w-]+[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", plain)
    for selectors, body in RULE.findall(plain):
        if declaration.search(body):
            found |= {name.strip() for name in selectors.split(",") if SIMPLE_SELECTOR.fullmatch(name.strip())}
    return frozenset(found - {"body", "html"})


def _selected(element: Any, selectors: frozenset[str]) -> bool:
    tag, classes, ident = element.tag, (element.get("class") or "").split(), element.get("id")
    names = [tag, *(f".{name}" for name in classes), *(f"{tag}.{name}" for name in classes)]
    if ident:
        names += [f"#{ident}", f"{tag}#{ident}"]
    return any(name in selectors for name in names)


def is_dropped(element: Any) -> bool:
    """Not content, wherever it stands."""
    if not isinstance(element.tag, str) or element.tag in DROPPED or element.get(UNSEEN) is not None:
        return True
    return element.tag in OUTSIDE_MAIN and next(element.iterancestors("article", "main"), None) is None


def main_content(root: Any) -> Any:
    """The element that holds the content, its furniture taken out."""
    body = root.find("body")
    body = root if body is None else body
    found = _main(body)
    _without_furniture(found)
    return found


def _main(body: Any) -> Any:
    whole = _num_chars(body)
    for path in MAIN:
        found = [element for element in body.xpath(f".{path}") if element.get(UNSEEN) is None]
        outer = [element for element in found if not any(above in found for above in element.iterancestors())]
        if len(outer) == 1:
            chars = _num_chars(outer[0])
            if chars >= ENOUGH_CHARS or chars >= ENOUGH_SHARE * whole:
                return outer[0]
    return body


def _without_furniture(content: Any) -> None:
    """Take out forms, what its names call furniture, and lists of links."""
    whole = max(_num_chars(content), 1)
    for element in list(content.iter("div", "section", "ul", "ol", "form", "table", "p", "span", "header", "footer", "li")):
        if element is content or element.getparent() is None:
            continue
        if element.tag == "form":
            gone = not _holds_text(element)
        else:
            gone = _is_furniture(element) or (element.tag in ("ul", "ol", "div") and _is_links(element))
        if gone and _num_chars(element) <= MOST_SHARE * whole:
            element.drop_tree()


def _is_furniture(element: Any) -> bool:
    if element.get("role") in ROLES:
        return True
    names = f"{element.get('class') or ''} {element.get('id') or ''}"
    return len(names) > 1 and FURNITURE.search(names) is not None and not CONTENT.search(names)


def _holds_text(form: Any) -> bool:
    """A form around a whole page, as some servers write them, holds its text."""
    return next(form.iter("h1", "h2", "article", "main"), None) is not None or len(list(form.iter("p"))) > FEW_LINKS


def _is_links(element: Any) -> bool:
    """Mostly links, without a sentence between them."""
    links = list(element.iter("a"))
    if len(links) < FEW_LINKS or next(element.iter("p", "table", "pre"), None) is not None:
        return False
    linked = sum(_num_chars(link) for link in links)
    return linked > MOST_LINKED * _num_chars(element)


def _num_chars(element: Any) -> int:
    """Characters of text, blanks at the ends of pieces aside, scripts and styles not counted."""
    return sum(len(text.strip()) for text in element.xpath(".//text()[not(parent::script or parent::style)]"))
