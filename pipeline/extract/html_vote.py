"""A second opinion on what is the content of a page from the web: Trafilatura's.

Pages of a wiki or a register have little around their text, and the rules of `pipeline.extract.html_main` leave it
whole. A page made to be shared stands among teasers, appeals and notices that no name tells apart; there a block
of our text stays when Trafilatura (Barbaresi 2021, doi:10.18653/v1/2021.acl-demo.15) takes it for content as well.
"""

import re
from copy import deepcopy
from typing import Any

from pipeline.extract.html_main import UNSEEN

MANY_LINKS = 30
"""Links and ..."""
SCRIPTS = 3
"""... scripts of a page that stands in a web site."""
MOST_ELEMENTS = 50_000
"""Elements up to which a page is judged: the longest articles have a tenth, and the judge's time is not linear."""
GRAM = 3
"""Words that are compared at once."""
AGREED = 0.5
"""Share of a block's word 3-grams that the other text has when the block is in it."""
LOST = 0.5
"""Share of the other text's words that is too little: our rules have dropped the content then."""
WORD = re.compile(r"\w+")
STRUCTURE = re.compile(r"\||```")
"""Begins a table or code: the other reader drops some of them out of the middle of a text."""


def is_shared(root: Any) -> bool:
    """Whether a page dresses for other sites (Open Graph), or has the scripts and links of a page among many."""
    if any((meta.get("property") or "").startswith("og:") for meta in root.iter("meta")):
        return True
    return sum(1 for _ in root.iter("script")) >= SCRIPTS and sum(1 for _ in root.iter("a")) >= MANY_LINKS


def second_opinion(root: Any) -> str:
    """Trafilatura's text of a page whose unseen elements are marked; "" when it finds none or the page is too large."""
    from trafilatura import bare_extraction

    if sum(1 for _ in root.iter()) > MOST_ELEMENTS:
        return ""
    seen = deepcopy(root)
    for element in seen.xpath(f"//*[@{UNSEEN}]"):
        if element.getparent() is not None:
            element.drop_tree()
    found = bare_extraction(seen, include_comments=False, include_tables=True)
    return found["text"] if found else ""


def agreed(blocks: list[str], other: str) -> list[str]:
    """The blocks that are in the other text, with the tables and the code between them."""
    grams, plain = _grams(_words(other)), f" {' '.join(_words(other))} "
    kept = [_is_in(_words(block), grams, plain) for block in blocks]
    if not any(kept):
        return []
    first, last = kept.index(True), len(kept) - 1 - kept[::-1].index(True)
    kept = [keep or (first < place < last and STRUCTURE.match(block) is not None)
            for place, (keep, block) in enumerate(zip(kept, blocks, strict=True))]
    return [block for block, keep in zip(blocks, kept, strict=True) if keep]


def has_lost(blocks: list[str], other: str) -> bool:
    """Whether the blocks hold far less than the other text."""
    return sum(len(_words(block)) for block in blocks) < LOST * len(_words(other))


def _words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def _grams(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[start:start + GRAM]) for start in range(len(words) - GRAM + 1)}


def _is_in(words: list[str], grams: set[tuple[str, ...]], plain: str) -> bool:
    if len(words) < GRAM:
        return bool(words) and f" {' '.join(words)} " in plain
    own = _grams(words)
    return len(own & grams) >= AGREED * len(own)
