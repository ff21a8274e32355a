"""Whether a page's text layer can be used: the decision for one page, and the number it rests on.

No dictionary is asked, so that product names and any language in an alphabet pass. What gives a bad
layer away is the shape of its words: symbols inside, capitals in the middle, letters and digits mixed,
no vowel, single letters in a row. (On 60 files of poor OCR and 84 of edited prose see bench/ocr.py.)
"""

import re
from typing import NamedTuple

from pipeline.schema.curate_extract import Ocr
from pipeline.schema.pages import PageDecision

FULL_PAGE = 0.8
"""Share of the page under an image from which hidden text is a layer that OCR software has put over a scan."""
PUNCTUATION = "\"'`“”‘’«»()[]{}<>.,;:!?…*•·–—-_/|§&%$€£#@+="
WORD = re.compile(
    r"[^\W\d_]?[a-zß-öø-ÿ]+(?:['’][a-z]{1,3})?"      # word, Word, don't, owner's
    r"|[A-Z]{2,}s?|[AIaO]|[A-Z]\.?"                  # ABC, PDFs, I, initials
    r"|(?:[A-Z][a-z]+){2,3}|Mc[A-Z][a-z]+"           # JavaScript, McKay
    r"|[§#$€£+-]?\d[\d.,:]*(?:%|st|nd|rd|th|[A-Za-z])?"  # numbers, 5th, 12b
    r"|[^\W\d_A-Za-zÀ-ÿ]+")                          # words of other alphabets
JOINTS = re.compile(r"[-–—/]")
ADDRESS = re.compile(r"://|www\.|\w@\w")
ADDRESS_JOINTS = re.compile(r"[-–—/._:@?=&#~%+,;()]+")
"""What parts the words of a web or e-mail address."""
LEADERS = re.compile(r"[._]{3,}|(?:[._] ){3,}")
"""Dots of a table of contents, lines to fill in."""
VOWEL = re.compile(r"[aeiouyà-öø-ÿ]", re.IGNORECASE)
SHORT = 3
"""Letters from which a lower-case word has a vowel."""
FORMULA = re.compile(r"[\u0370-\u03ff\u2190-\u22ff\u2308-\u230b\u27e8\u27e9\u2a00-\u2aff\U0001d400-\U0001d7ff±×÷√∂]")
"""Greek, arrows, operators, mathematical alphabets."""


class Verdict(NamedTuple):
    """Of one page."""

    decision: PageDecision
    score: float | None
    """See `pipeline.schema.pages`."""


def verdict(text: str, num_chars: int, num_unmapped: int, num_hidden: int, image_share: float,
            params: Ocr) -> Verdict:
    """Where the text of a page is to come from.

    Args:
        text: of its layer, in any order.
        num_chars: visible characters of the layer.
        num_unmapped: of these, the ones without a meaning.
        num_hidden: of these, the ones that are set but not painted, as OCR software puts them over a scan.
        image_share: of the page, under images.
    """
    if num_chars < params.max_text_chars:
        if image_share >= params.min_image_share:
            return Verdict("scan", round(image_share, 4))
        if not num_chars:
            return Verdict("blank", None)
    score = round(word_share(text), 4)
    is_scan = image_share >= FULL_PAGE and num_hidden > num_chars / 2
    if num_unmapped > params.max_unmapped * num_chars:
        return Verdict("garbled", score)
    if num_chars >= params.max_text_chars:
        if is_scan and score < params.min_layer_score:
            return Verdict("poor_layer", score)
        if not is_scan and score < params.min_text_score and not formula_share(text) >= params.min_maths:
            return Verdict("garbled", score)
    maths = round(formula_share(text), 4)
    if maths >= params.min_maths:
        return Verdict("maths", maths)
    return Verdict("ocr_layer" if is_scan else "text", score)


def word_share(text: str) -> float:
    """Share of the visible characters that are in words that can be words, or in numbers; 1 for no text."""
    total = sound = 0
    for token in LEADERS.sub(" ", text).split():
        total += len(token)
        if ADDRESS.search(token):
            is_sound = all(not part or WORD.fullmatch(part) for part in ADDRESS_JOINTS.split(token.strip(PUNCTUATION)))
        else:
            is_sound = all(map(_is_sound, JOINTS.split(token.strip(PUNCTUATION))))
        sound += len(token) if is_sound else 0
    return sound / total if total else 1.0


def _is_sound(part: str) -> bool:
    bare = part.strip(PUNCTUATION)
    if not WORD.fullmatch(bare):
        return not bare
    return bare.isupper() or len(bare) < SHORT or not bare.isalpha() or VOWEL.search(bare) is not None \
        or not bare.isascii()


def formula_share(text: str) -> float:
    """Share of the visible characters that are signs of formulas."""
    visible = sum(not letter.isspace() for letter in text)
    return len(FORMULA.findall(text)) / visible if visible else 0.0
