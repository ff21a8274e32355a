"""Which part of a page is its content: what is hidden, what is furniture, what is the main element.

Rules on names and on the share of links, as Boilerpipe (Kohlschütter et al. 2010, doi:10.1145/1718487.1718542,
link density) and the main-content rules of Resiliparse use them; no model, no list of sites.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.extract.stylesheet import selected, style_rules

DROPPED = frozenset({
    "script", "style", "noscript", "template", "svg", "math", "nav", "aside", "button", "select", "iframe",
    "object", "embed", "canvas", "audio", "video", "head", "input", "textarea", "dialog", "datalist", "label",
    "footer"})
UNCLOSED = ("header", "nav", "aside", "footer", "noscript")
"""Of these the ones that pages forget to close."""
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "summary"})
STRUCK = frozenset({"del", "s", "strike"})
OUTSIDE_MAIN = frozenset({"header"})
"""Dropped unless inside an article, where it holds the title or the date."""
FAR = (r"(?:(?:[5-9]\d\d|\d{4,})(?:\.\d*)?(?:px|pt)?(?![\w.%])|(?:[4-9]\d|\d{3,})(?:\.\d*)?r?em"
       r"|\d{3,}(?:\.\d*)?(?:%|v[wh])|(?:[89]\d|\d{3,})(?:\.\d*)?(?:ch|ex)|(?:[6-9]|\d\d+)(?:\.\d*)?in"
       r"|(?:1[5-9]|[2-9]\d|\d{3,})(?:\.\d*)?cm|(?:1[5-9]\d|[2-9]\d\d|\d{4,})(?:\.\d*)?mm)")
"""Lengths that lead off the page from anywhere on it: 500 px, 40 em, the whole width, 6 inches and more."""
START = r"(?<![\w:'\"-])"
"""Where a property's name begins: not within another one, as `backface-visibility`, nor in a string."""
ZERO = r"(?:0(?:\.0*)?|\.0+)(?:px|pt|em|rem|%)?\s*(?:;|!|$)"
TOGGLES = tuple(
    (re.compile(START + hiding, re.IGNORECASE), re.compile(START + showing, re.IGNORECASE)) for hiding, showing in (
        (r"display\s*:\s*none", r"display\s*:\s*(?!none|\s)"),
        (r"visibility\s*:\s*(?:hidden|collapse)", r"visibility\s*:\s*visible"),
        (rf"opacity\s*:\s*{ZERO}", rf"opacity\s*:\s*(?!{ZERO}|\s)")))
"""Declarations that take an element out of sight, and those by which another rule shows it again."""
FOR_GOOD = re.compile(START + r"display\s*:\s*none\s*!\s*important", re.IGNORECASE)
ANIMATED = re.compile(START + r"(?:-webkit-)?animation(?:-name)?\s*:", re.IGNORECASE)
"""What such a rule makes transparent is so at its beginning."""
AWAY = re.compile(
    rf"{START}(?:text-indent\s*:\s*-(?:\d{{3,}}(?:\.\d*)?(?:px)?(?![\w.%])|{FAR})|(?:left|top)\s*:\s*-(?:{FAR})"
    r"|clip\s*:\s*rect\(\s*0|clip-path\s*:\s*inset\(\s*(?:50|100)%|mso-hide\s*:\s*all)|scale[xy]?\(\s*0\s*[,)]",
    re.IGNORECASE)
"""Further declarations that do. Not among them: colours, which need the background to be judged, and no height, which
the next click on a folded page undoes."""
NO_SIZE = re.compile(rf"{START}font-size\s*:\s*{ZERO}", re.IGNORECASE)
"""Hides what has no size of its own below: mails set it on the cells around their text."""
SIZE = re.compile(rf"{START}font-size\s*:\s*(?!{ZERO}|\s)", re.IGNORECASE)
STRUCK_STYLE = re.compile(r"text-decoration(?:-line)?\s*:[^;]*line-through", re.IGNORECASE)
UNSEEN_CLASSES = frozenset({
    "hidden", "hide", "d-none", "visually-hidden", "visuallyhidden", "sr-only", "screen-reader-text",
    "screenreader-text",
    "usa-sr-only", "noprint", "mw-editsection", "mw-empty-elt"})
SHOWN_WHEN_WIDE = re.compile(r"d-(?:sm|md|lg|xl|xxl)-(?!none)[\w-]+"
                             r"|(?!print:)[\w-]+:(?:block|flex|inline[\w-]*|grid|table[\w-]*|contents)")
"""Classes of Bootstrap and Tailwind that show an element again from some width of the window on."""
LETTER = re.compile(r"[^\W_]")
ICON = re.compile(r"icon", re.IGNORECASE)
"""In the class of an element whose text a font draws as a picture."""
UNSEEN = "data-pedigree-unseen"
"""Attribute that marks what was found hidden; a page's own attribute of this name is removed first."""
FURNITURE = re.compile(
    r"nav(?:bar|igation|i)?|(?:main|sub)?menus?|breadcrumbs?|sidebars?|footer|masthead|topbar|toolbar|cookies?|consent|"
    r"newsletters?|subscri(?:be|ption)|shar(?:e\w*|ing)|socials?|addtoany|sharedaddy|related|yarpp|upsell|recommend\w*|"
    r"trending|most(?:read|viewed|popular)|comments?\w*|kommentar\w*|respond|disqus|replies|pagination|pager|paging|skip|"
    r"advert\w*|ads?|adsense|promos?|sponsor\w*|popup|modal|overlay|textwidget|tagcloud|tags|taglist|byline|vcard|"
    r"ratings?|vote|votes|signup|login|register|search\w*|copyright|imprint|impressum|toc|printfooter|catlinks|outbrain|"
    r"affiliate\w*|topics|categories|keywords|relacionad\w*|"
    r"taboola|buybox|syndication|tooltip|noprint|crosslinks?|seealso", re.IGNORECASE)
"""Words that name furniture, as whole parts of a class or an id."""
PERHAPS = re.compile(
    r"teasers?|mehr|more|popular|latest|recent\w*|widgets?|author|authors|biography|banners?|feedback|survey|partners|"
    r"donat(?:e|ion)|legal|box|promo|support|footer|next|previous|prev", re.IGNORECASE)
"""Words that name furniture where there is little prose under them."""
FEW_CHARS = 400
"""Characters up to which such an element is furniture; ..."""
SOME_LINKED = 0.3
"""... a longer one is when this share of it is links."""
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
"""Parts of a name: `post-relatedTopics` -> post, related, Topics."""
CONTENT = frozenset({
    "content", "main", "article", "post", "entry", "entry-content", "post-content", "article-content", "article-body",
    "articlebody", "post-body", "hentry", "story", "text", "body", "maincontent", "main-content", "page-content"})
"""Whole names of content: an element that has one keeps its place."""
MODIFIER = re.compile(r"(?:has|with|no|without|is|js|u|col|hide|single|page|postid|format|elementor|category|tag)[-_]",
                      re.IGNORECASE)
"""Beginnings of names that say how an element looks, not what it is: `has-sidebar`."""
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
JUDGED = ("div", "section", "ul", "ol", "form", "table", "p", "span", "header", "li")
"""Elements that furniture is made of."""
MOST_SHARE = 0.4
"""Share of the page's text that furniture, by name, cannot have: the name is wrong then."""


def mark_hidden(root: Any, *, drop_struck: bool) -> None:
    """Mark every element that a reader does not see, by attribute, by style and by class."""
    rules = style_rules(root)
    hidden = _hidden_by_rules(root, rules) | _without_size(root, rules)
    struck = selected(root, rules, STRUCK_STYLE) if drop_struck else set()
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        element.attrib.pop(UNSEEN, None)
        is_struck = drop_struck and (element.tag in STRUCK or STRUCK_STYLE.search(element.get("style") or "")
                                     or element in struck)
        if (is_struck or element in hidden or says_hidden(element.attrib)
                or is_ornament(element.tag, element.attrib, element.itertext())):
            element.set(UNSEEN, "")


def _hidden_by_rules(root: Any, rules: list[tuple[str, str]]) -> set[Any]:
    """What a rule hides and no other shows again; one that names but tags is a default, and shows nothing."""
    found = selected(root, rules, AWAY) | selected(root, rules, FOR_GOOD)
    for hiding, showing in TOGGLES:
        hidden = selected(root, [(names, body) for names, body in rules if not _is_faded_in(body)], hiding)
        found |= hidden - selected(root, rules, showing, marked_only=True) if hidden else hidden
    return found


def _is_faded_in(body: str) -> bool:
    return ANIMATED.search(body) is not None


def _without_size(root: Any, rules: list[tuple[str, str]]) -> set[Any]:
    """What has a font size of 0, and nothing below it that has another one."""
    by_rule, sized = selected(root, rules, NO_SIZE), selected(root, rules, SIZE)
    styled = [(element, element.get("style")) for element in root.iter("*") if element.get("style")]
    own = {element for element, style in styled if NO_SIZE.search(style)}
    sized = (sized - own) | {element for element, style in styled if SIZE.search(style)}
    around: set[Any] = set()
    for element in sized if own or by_rule else ():
        while element is not None and element not in around:
            around.add(element)
            element = element.getparent()
    return (own | by_rule) - around


def says_hidden(attributes: Mapping[str, str]) -> bool:
    """Whether an element's own attributes take it out of sight."""
    style, classes = attributes.get("style", ""), attributes.get("class", "").split()
    if "hidden" in attributes or AWAY.search(style):
        return True
    if not _is_faded_in(style) and any(hiding.search(style) for hiding, _ in TOGGLES):
        return True
    return not UNSEEN_CLASSES.isdisjoint(classes) and not any(map(SHOWN_WHEN_WIDE.fullmatch, classes))


def is_ornament(name: str, attributes: Mapping[str, str], texts: Iterable[str]) -> bool:
    """Whether an element is kept from screen readers (`aria-hidden`) as it says nothing: an icon, or no letter."""
    if attributes.get("aria-hidden") != "true":
        return False
    return name == "i" or ICON.search(attributes.get("class", "")) is not None or not any(map(LETTER.search, texts))


def free_misnamed(root: Any) -> None:
    """Make plain what holds most of the page's text and is by its tag no content: an end tag is missing there."""
    elements = list(root.iter())
    chars, linked = _text_below(elements)
    for element in elements:
        if element.tag in UNCLOSED and chars[element] > MOST_SHARE * chars[root] \
                and linked[element] < MOST_LINKED * chars[element]:
            element.tag = "div"


def _text_below(elements: list[Any]) -> tuple[dict[Any, int], dict[Any, int]]:
    """Characters of text in each of a tree's elements, in document order, and those in links; in one pass."""
    chars: dict[Any, int] = {}
    linked: dict[Any, int] = {}
    for element in reversed(elements):
        own = 0 if element.tag in ("script", "style") else len((element.text or "").strip())
        chars[element] = own + sum(chars[child] + len((child.tail or "").strip()) for child in element)
        linked[element] = chars[element] if element.tag == "a" else sum(linked[child] for child in element)
    return chars, linked


def is_dropped(element: Any) -> bool:
    """Not content, wherever it stands."""
    if not isinstance(element.tag, str) or element.get(UNSEEN) is not None:
        return True
    if element.tag in DROPPED:  # the head of an accordion is a button in a heading
        return element.tag != "button" or element.getparent().tag not in HEADINGS
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
        inside = set(found)
        outer = [element for element in found if inside.isdisjoint(element.iterancestors())]
        if len(outer) == 1:
            chars = _num_chars(outer[0])
            if chars >= ENOUGH_CHARS or chars >= ENOUGH_SHARE * whole:
                return outer[0]
    return body


def _without_furniture(content: Any) -> None:
    """Take out forms, what its names call furniture, and lists of links."""
    whole = max(_num_chars(content), 1)
    for element in list(content.iter(*JUDGED)):
        if element is content or element.getparent() is None:
            continue
        if element.tag == "form":
            gone = not _holds_text(element)
        else:
            gone = _is_furniture(element) or (element.tag in ("ul", "ol", "div") and _is_links(element))
        if gone and next(element.iter("h1"), None) is None and _num_chars(element) <= MOST_SHARE * whole:
            element.drop_tree()


def _is_furniture(element: Any) -> bool:
    if element.get("role") in ROLES:
        return True
    names = [*(element.get("class") or "").split(), *(element.get("id") or "").split()]
    if not names or any(name.lower() in CONTENT for name in names):
        return False
    words = [word for name in names if not MODIFIER.match(name) for word in WORDS.findall(name)]
    if any(FURNITURE.fullmatch(word) for word in words):
        return True
    if not any(PERHAPS.fullmatch(word) for word in words):
        return False
    chars = _num_chars(element)
    linked = sum(_num_chars(link) for link in element.iter("a"))
    return linked > SOME_LINKED * chars or (chars <= FEW_CHARS and linked > 0)


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
