"""Which elements the style sheets of a page select with a declaration.

Read are the rules for screens: those of no `@media`, and of `@media screen` and `all`; one that depends on a width
holds for some readers only. Of selectors (Selectors Level 3) tags, classes, ids, attributes, descendants and children
count; what depends on state or on neighbours is left alone, and what holds where scripts do not run.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

SIMPLE_SELECTOR = re.compile(r"[a-zA-Z][a-zA-Z0-9]*|(?:[a-zA-Z][a-zA-Z0-9]*)?[.#][a-zA-Z_-][\w-]*")
"""`p`, `.note`, `p.note`, `#ad`: found by name."""
TAG = re.compile(r"\A[a-zA-Z][a-zA-Z0-9]*")
COMPOUND = re.compile(r"(\*|[a-zA-Z][\w-]*)?((?:[.#][a-zA-Z_-][\w-]*|\[[^\[\]]*\])*)")
"""`p.note[data-x]`: what one element has to be."""
MARK = re.compile(r"[.#][\w-]+|\[[^\]]*\]")
ATTRIBUTE = re.compile(r"""\[\s*([\w:-]+)\s*(?:([~|^$*]?=)\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*[iIsS]?\s*)?\]""")
COMBINATOR = re.compile(r"\s*>\s*|\s+")
SELECTORS = re.compile(
    r"""(?:[^,()\[\]"']|\((?:[^()]|\([^()]*+\))*+\)|\[(?:[^\]"']|"[^"]*+"|'[^']*+')*+\]|"[^"]*+"|'[^']*+')++""")
"""One of a list: a comma within brackets or quotes ends none."""
WITHOUT_SCRIPTS = re.compile(r"\.no-?js(?![\w-])", re.IGNORECASE)
"""Class that the page's first script takes away."""
LONGEST_SELECTOR = 500
"""Characters; a longer one is left alone."""
MOST_TESTS = 2_000_000
"""Compounds times elements of a page: a hostile sheet for a large page would take an hour. Of selectors that are not
simple the first are read, up to this; a page of 1,000 elements may have 2,000 compounds."""
FOR_SCREENS = re.compile(r"\s*(?:(?:only\s+)?(?:screen|all))?\s*", re.IGNORECASE)
MEDIA = re.compile(r"@media\b(.*)", re.IGNORECASE | re.DOTALL)
WHOLE_PAGE = frozenset({"html", "body"})
"""Hidden until a script shows them, they are the page all the same."""


class Compound(NamedTuple):
    """What one element of a selector has to be."""

    tag: str
    """"" for any."""
    names: tuple[str, ...]
    """`.class` and `#id`."""
    attributes: tuple[tuple[str, str, str], ...]
    """Name, operator ("" when it need only be there), value."""
    is_child: bool
    """Directly below the one before, not just somewhere below."""

    @property
    def handle(self) -> str:
        """One name that every such element has; "" when there is none."""
        return self.names[0] if self.names else self.tag

    def fits(self, element: Any, names: frozenset[str]) -> bool:
        """Whether an element with these names is one."""
        return ((not self.tag or self.tag == element.tag) and names.issuperset(self.names)
                and all(_has(element.get(name), sign, value) for name, sign, value in self.attributes))


Selector = tuple[Compound, ...]
Place = tuple[int, int]
NOWHERE: frozenset[Place] = frozenset()


def style_rules(root: Any) -> list[tuple[str, str]]:
    """(selectors, declarations) of the page's own style sheets for screens."""
    return [rule for sheet in root.iter("style")
            if _is_for_screens(sheet.get("media") or "") and next(sheet.iterancestors("noscript"), None) is None
            for rule in _rules(sheet.text or "")]


def selected(root: Any, rules: list[tuple[str, str]], declaration: re.Pattern[str], *,
             marked_only: bool = False) -> set[Any]:
    """The elements for which a rule has such a declaration, never the page as a whole.

    `marked_only` leaves out the selectors that name no class, id or attribute.
    """
    names = dict.fromkeys(TAG.sub(lambda tag: tag[0].lower(), name.strip()) for selectors, body in rules
                          if declaration.search(body) for name in _split(selectors)
                          if not marked_only or MARK.search(name))
    simple = {name for name in names if SIMPLE_SELECTOR.fullmatch(name)}
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    others = _first((_parsed(name) for name in names if name not in simple), MOST_TESTS // max(len(elements), 1))
    found = {element for element in elements if simple and not simple.isdisjoint(_simple_names(element))}
    return {element for element in found | _matched(elements, others) if element.tag not in WHOLE_PAGE}


def _split(selectors: str) -> list[str]:
    """The selectors of a list; none of one whose brackets or quotes are open."""
    found = SELECTORS.findall(selectors)
    whole = sum(map(len, found)) + selectors.count(",") - sum(name.count(",") for name in found)
    return [name for name in found if not WITHOUT_SCRIPTS.search(name)] if whole == len(selectors) else []


def _is_for_screens(media: str) -> bool:
    return any(FOR_SCREENS.fullmatch(one) for one in media.split(","))


def _rules(css: str) -> Iterator[tuple[str, str]]:
    """The rules of a sheet, in time linear in it."""
    plain = "".join(part.partition("*/")[2] if number else part for number, part in enumerate(css.split("/*")))
    within: list[tuple[str, bool, list[str]]] = []  # of each open block what it is for, does it hold here, what it says
    last = 0
    for brace in re.finditer(r"[{}]", plain):
        piece, last = plain[last:brace.start()], brace.end()
        if brace[0] == "{":
            said, _, prelude = piece.rpartition(";")
            if within:
                within[-1][2].append(said)
            holds = not within or (within[-1][1] and _is_media_for_screens(within[-1][0]))
            within.append((prelude.strip(), holds, []))
        elif within:
            prelude, holds, declarations = within.pop()
            if holds and prelude and not prelude.startswith("@"):
                yield prelude, ";".join([*declarations, piece])


def _is_media_for_screens(prelude: str) -> bool:
    media = MEDIA.fullmatch(prelude)
    return media is not None and _is_for_screens(media[1])


def _simple_names(element: Any) -> list[str]:
    tag, ident = element.tag, element.get("id")
    marks = [f".{name}" for name in (element.get("class") or "").split()] + ([f"#{ident}"] if ident else [])
    return [tag, *marks, *(f"{tag}{mark}" for mark in marks)]


def _parsed(selector: str) -> Selector | None:
    """The compounds from the outermost on; None for a selector that asks for more than is read here."""
    found: list[Compound] = []
    position, is_child = 0, False
    while position < len(selector) <= LONGEST_SELECTOR:
        compound = COMPOUND.match(selector, position)
        if not compound or not compound[0]:
            return None
        marks = MARK.findall(compound[2])
        attributes = [ATTRIBUTE.fullmatch(mark) for mark in marks if mark.startswith("[")]
        if not all(attributes):
            return None
        found.append(Compound((compound[1] or "").strip("*").lower(), tuple(mark for mark in marks if mark[0] != "["),
                              tuple((each[1].lower(), each[2] or "", each[3] or each[4] or each[5] or "")
                                    for each in attributes if each), is_child))
        position = compound.end()
        if combinator := COMBINATOR.match(selector, position):
            position, is_child = combinator.end(), ">" in combinator[0]
    return tuple(found) if position == len(selector) and found else None


def _first(selectors: Iterable[Selector | None], most: int) -> list[Selector]:
    """The first of them, up to this number of compounds."""
    found: list[Selector] = []
    for selector in filter(None, selectors):
        most -= len(selector)
        if most < 0:
            break
        found.append(selector)
    return found


def _matched(elements: list[Any], selectors: list[Selector]) -> set[Any]:
    """The elements, given in document order, that the last compound of a selector fits under those before it.

    A place is the number of a selector and that of a compound; it is open for an element when what comes before is
    above it.
    """
    by_handle: dict[str, list[Place]] = defaultdict(list)
    for number, selector in enumerate(selectors):
        for step, compound in enumerate(selector):
            by_handle[compound.handle].append((number, step))
    below: dict[Any, frozenset[Place]] = {}
    directly_below: dict[Any, frozenset[Place]] = {}
    found = set()
    for element in elements if selectors else []:
        above = element.getparent()
        inherited, direct = below.get(above, NOWHERE), directly_below.get(above, NOWHERE)
        names = frozenset([*_simple_names(element), ""])
        further = []
        for number, step in (place for name in names if name in by_handle for place in by_handle[name]):
            is_open = not step or (number, step) in inherited or (number, step) in direct
            if not is_open or not selectors[number][step].fits(element, names):
                continue
            if step + 1 == len(selectors[number]):
                found.add(element)
            else:
                further.append((number, step + 1))
        children = frozenset((number, step) for number, step in further if selectors[number][step].is_child)
        below[element] = inherited.union(set(further) - children) if further else inherited
        directly_below[element] = children
    return found


def _has(value: str | None, sign: str, wanted: str) -> bool:
    """Whether an attribute's value is as a selector asks (Selectors Level 3, 6.3)."""
    if value is None:
        return False
    if not sign or sign == "=":
        return not sign or value == wanted
    if sign == "~=":
        return wanted in value.split()
    if sign == "|=":
        return value == wanted or value.startswith(f"{wanted}-")
    return bool(wanted) and {"^=": value.startswith, "$=": value.endswith, "*=": value.__contains__}[sign](wanted)
