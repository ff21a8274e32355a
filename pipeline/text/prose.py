"""Clean English paragraphs out of documentation: reStructuredText, Markdown and docstrings.

Documentation mixes prose with code, parameter lists, tables and formulas. Only paragraphs that read
as sentences are wanted, so a doubtful paragraph is left out rather than repaired.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

BLANK_LINE = re.compile(r"\n[ \t\f]*\n")
ROLE = re.compile(r":[a-z][a-z:+-]*:`(?:([^`<]+?) *<[^`>]*>|[~!.]?([^`]*))`")
"""A reStructuredText role; group 1 is its title, group 2 a target without one: :ref:`guide <x>`, :func:`~numpy.sum`."""
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|`([^`<]+) <[^`>]+>`_{1,2}|\[\[?[0-9]+\]_?\]?|\[[0-9]+\]_")
"""Links and citation marks of Markdown and reStructuredText; groups 1 and 2 are the words shown."""
MARKUP = re.compile(r"`{1,2}|\*{1,2}")
CODE_MARKS = (">>>", "```", "::", ".. ", ":param", ":return", ":math", "http", *"$={}|\\<>")
_WORDS_BY_LETTER = """
a an and are as at be because been but by can do does each for from had has have if in into is it its may more
most must no not of on only or other over should so some such than that the their then there these they this
to under was we were when where which while who will with would you your
"""
FUNCTION_WORDS = frozenset(_WORDS_BY_LETTER.split())
"""Closed-class English words: sentences are rich in them, lists of names are not."""
WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")


class ProseRules(NamedTuple):
    """What makes a paragraph prose; shares in [0, 1]."""

    min_words: int
    min_letter_share: float
    """Letters and spaces among all characters."""
    min_function_word_share: float
    max_code_word_share: float
    """Words that hold a digit, an underscore, a dot or a capital inside."""


def paragraphs(text: str) -> list[str]:
    """Blank-line separated paragraphs of `text`, in order, blanks within each made single spaces.

    A block with an indented or listed line is no paragraph and is left out.
    """
    blocks = BLANK_LINE.split(text.replace("\r\n", "\n"))
    return [" ".join(block.split()) for block in blocks if block.strip() and not _is_layout(block)]


def plain(paragraph: str) -> str:
    """`paragraph` without inline markup: roles, links, emphasis and code quotes keep their words."""
    without_roles = ROLE.sub(lambda role: role[1] or role[2].rsplit(".", 1)[-1], paragraph)
    without_links = LINK.sub(lambda link: link[1] or link[2] or "", without_roles)
    return " ".join(MARKUP.sub("", without_links).split())


def prose(text: str, rules: ProseRules) -> list[str]:
    """The paragraphs of `text` that are prose, as plain text, in order."""
    plains = (plain(paragraph) for paragraph in paragraphs(text))
    return [paragraph for paragraph in plains if is_prose(paragraph, rules)]


def is_prose(paragraph: str, rules: ProseRules) -> bool:
    """Whether `paragraph` (plain, on one line) is sentences of English and nothing else."""
    if not paragraph[:1].isupper() or not paragraph.endswith((".", "!", "?")) or not paragraph.isascii():
        return False
    if any(mark in paragraph for mark in CODE_MARKS):
        return False
    words = paragraph.split()
    letters = sum(char.isalpha() or char == " " for char in paragraph)
    return (len(words) >= rules.min_words
            and letters >= rules.min_letter_share * len(paragraph)
            and _share(words, _is_function_word) >= rules.min_function_word_share
            and _share(words, _is_code_word) <= rules.max_code_word_share)


def _share(words: list[str], claim: Callable[[str], bool]) -> float:
    return sum(map(claim, words)) / len(words)


def _is_function_word(word: str) -> bool:
    return word.strip(".,;:!?()\"'").lower() in FUNCTION_WORDS


def _is_code_word(word: str) -> bool:
    core = word.strip(".,;:!?()\"'")
    return not WORD.fullmatch(core) or not (core.islower() or core.istitle() or core.isupper())


def _is_layout(block: str) -> bool:
    """Code, lists, tables, headings: blocks that the eye sees as something other than running text."""
    lines = block.strip("\n").splitlines()
    return any(line[:1].isspace() for line in lines) or any(
        re.match(r"([-*+#|=~^_]|\d+[.)]\s|[.]{2}\s|:)", line) for line in lines)
