"""Text made worse on purpose: the low class of the quality model has examples of each kind.

Every function is seeded by its caller's generator and returns text of about the same length.
"""

import random
from collections.abc import Callable

from pipeline.text.prose import BLANK_LINE

LOOKALIKES = {"e": "c", "l": "1", "o": "0", "i": "l", "m": "rn", "h": "b", "s": "5", "a": "u", "t": "f", "n": "ri"}
"""Confusions that OCR makes on worn print."""
NOISE_SHARE = 0.15
"""Characters that OCR noise changes: about what a bad scan shows."""
BOILERPLATE = (
    "Click here to continue", "All rights reserved", "Back to top", "Share this page", "Sign up for our newsletter",
    "Accept all cookies", "Read more", "Subscribe now", "Log in to view this content", "Terms apply", "Next page",
    "You may also like", "Follow us", "Skip to main content", "Add to basket", "Limited time offer", "Menu",
    "This message was sent automatically", "Do not reply to this address", "Page intentionally left blank",
)


def shuffled(text: str, draw: random.Random) -> str:
    """The same words in a random order."""
    words = text.split()
    draw.shuffle(words)
    return " ".join(words)


def misread(text: str, draw: random.Random) -> str:
    """Letters taken for others, blanks lost and found, as bad OCR does."""
    return "".join(_misread(char, draw) if draw.random() < NOISE_SHARE else char for char in text)


def keywords(text: str, draw: random.Random) -> str:
    """A list of the long words, without the sentences that held them."""
    words = [word.strip(".,;:()").lower() for word in text.split() if len(word) > 5] or text.split()
    return ", ".join(draw.choice(words) for _ in range(len(text.split())))


def boilerplate(text: str, draw: random.Random) -> str:
    """Stock phrases of web pages and automatic mail."""
    found: list[str] = []
    while sum(map(len, found)) < len(text):
        found.append(draw.choice(BOILERPLATE))
    return draw.choice((" | ", ". ", " ")).join(found)


DEGRADATIONS: tuple[Callable[[str, random.Random], str], ...] = (shuffled, misread, keywords, boilerplate)


def degraded(text: str, seed: str) -> str:
    """`text` after one of the DEGRADATIONS, both drawn from `seed`.

    `random.Random` of a string seeds from its SHA-512, and its draws are the same on every platform.
    """
    draw = random.Random(seed)  # noqa: S311  # nothing secret is drawn
    return draw.choice(DEGRADATIONS)(text, draw)


def degraded_document(text: str, kind: Callable[[str, random.Random], str], seed: str) -> str:
    """`text` with each of its paragraphs made worse in the same way."""
    draw = random.Random(seed)  # noqa: S311  # nothing secret is drawn
    return "\n\n".join(kind(block, draw) for block in BLANK_LINE.split(text) if block.strip())


def _misread(char: str, draw: random.Random) -> str:
    if char == " ":
        return draw.choice(("", "  ", " .", " "))
    return LOOKALIKES.get(char.lower(), draw.choice("~^|_*;:'"))
