"""General text in which the tagger learns to find nothing, in the shapes that business text has."""

import random
import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from pipeline.redact.generate import Labelled, Lists

NAMED = re.compile(
    r"@|copyright|author|maintainer|contributor|thanks to|licen[cs]ed to|written by|et al", re.IGNORECASE
)
SHORTEST, LONGEST = 40, 1200
"""Characters: shorter paragraphs teach nothing, longer ones would outweigh the sentences with names."""
PLAIN_WORD = re.compile(r"\b[a-z]{4,}\b")


def negatives(texts: Iterable[str], lists: Lists) -> list[str]:
    """Paragraphs that are unlikely to name a person, each once, in order of text.

    A paragraph is left out if it holds a credit line, or two capitalised words in a row of which the
    first is a listed given name: wrong negatives teach the tagger to overlook names.
    """
    given = set(lists.given)
    paragraphs = dict.fromkeys(paragraph.strip() for text in texts for paragraph in text.split("\n\n"))
    return [
        paragraph
        for paragraph in paragraphs
        if SHORTEST <= len(paragraph) <= LONGEST and not NAMED.search(paragraph) and not _names(paragraph, given)
    ]


def reshaped(paragraph: str, seed: int) -> Labelled:
    """The paragraph as it is, or a cut of it as heading, table row, list or in other letters.

    Headings and table cells put capitals on ordinary words; without them the tagger would take every
    capital that does not begin a sentence for a name.
    """
    rng = random.Random(f"{seed}/{paragraph}")  # noqa: S311  # reproducible draws
    words = paragraph.split()
    cuts = [" ".join(words[at : at + rng.randint(1, 5)]) for at in range(0, len(words), rng.randint(5, 9))]
    text = rng.choice(
        (
            lambda: paragraph,
            lambda: paragraph,
            lambda: paragraph,
            lambda: paragraph.lower(),
            lambda: "\n\n".join(f"{'#' * rng.randint(1, 3)} {rng.randint(1, 12)} {_title(cut, rng)}" for cut in cuts),
            lambda: "\n".join(
                f"| {' | '.join(_title(cut, rng) for cut in cuts[at : at + 3])} |" for at in range(0, len(cuts), 3)
            ),
            lambda: "\n".join(f"- {_title(cut, rng)}" for cut in cuts),
            lambda: "\n".join(f"{_title(cut, rng)}: {rng.choice(cuts)}" for cut in cuts),
            lambda: ". ".join(cut[:1].upper() + cut[1:] for cut in cuts),
        )
    )()
    return Labelled(text, [])


def vocabulary(paragraphs: Iterable[str], common: Iterable[str], lists: Lists) -> list[str]:
    """Common words, and those seen at least twice in small letters, listed names left out, sorted."""
    counts = Counter(word for paragraph in paragraphs for word in PLAIN_WORD.findall(paragraph))
    names = {name.lower() for name in (*lists.given, *lists.surnames)}
    seen = {word for word, count in counts.items() if count > 1}
    return sorted((seen | set(filter(PLAIN_WORD.fullmatch, common))) - names)


def _title(cut: str, rng: random.Random) -> str:
    return rng.choice((cut, cut.title(), cut.title(), cut[:1].upper() + cut[1:]))


def _names(paragraph: str, given: set[str]) -> bool:
    words = paragraph.split()
    return any(first in given and second[:1].isupper() for first, second in pairwise(words))
