"""Seeded edits that turn a document into a near-duplicate or into rubbish."""

import random
import re

from pipeline.sample_lake.authored import Authored
from pipeline.schema.sample_lake import Strength

WORDS = {
    "must": "shall", "before": "ahead of", "after": "following", "within": "inside", "each": "every",
    "any": "whichever", "about": "around", "because": "since", "only": "solely", "also": "in addition",
    "may": "can", "day": "working day", "days": "working days", "send": "forward", "sends": "forwards",
    "staff": "employees", "client": "customer", "clients": "customers", "report": "notify", "review": "check",
    "reviewed": "checked", "keep": "retain", "kept": "retained", "written": "documented", "but": "although",
    "not": "never", "who": "that", "when": "whenever", "where": "wherever",
}
"""Swaps an editor would make; the meaning is roughly kept."""
SWAP_SHARE: dict[Strength, float] = {"light": 0.10, "medium": 0.45, "heavy": 1.0}
"""Share of the words above that are swapped."""
CUT_SHARE: dict[Strength, float] = {"light": 0.0, "medium": 0.05, "heavy": 0.25}
"""Share of sentences that are cut."""
KEPT_OF_TRUNCATED = 0.8
"""Share of the blocks that a truncated copy keeps."""
NEXT_DRAFT = {"light": "1", "medium": "2", "heavy": "5", "truncated": "1", "reformatted": "1"}
SHINGLE = 5
"""Words of an n-gram, as in near-duplicate removal."""
NOISE = "abcdefghijklmnopqrstuvwxyz~^|_{}<>#@0123456789"


def edited(document: Authored, strength: Strength, seed: int) -> Authored:
    """A later draft of `document`, with the personal data that is still in it."""
    draw = random.Random(seed)  # noqa: S311  # seeded, no secret
    body = {"truncated": truncated, "reformatted": reformatted}.get(strength, lambda text: text)(document.body)
    if strength in SWAP_SHARE:
        body = _redrafted(body, SWAP_SHARE[strength], CUT_SHARE[strength], draw)
    left = tuple(item for item in document.pii if item["value"] in body)
    return document._replace(body=body, version=f"{document.version}.{NEXT_DRAFT[strength]}", pii=left)


def _redrafted(body: str, swap: float, cut: float, draw: random.Random) -> str:
    """Words swapped and sentences cut in running text; headings and tables stay."""
    return "\n".join(line if line.startswith(("#", "|")) or not line else _redrafted_line(line, swap, cut, draw)
                     for line in body.split("\n"))


def _redrafted_line(line: str, swap: float, cut: float, draw: random.Random) -> str:
    sentences = re.split(r"(?<=[.!?]) ", line)
    kept = [sentence for sentence in sentences if draw.random() >= cut] or sentences[:1]
    return re.sub(r"\b[a-z]+\b", lambda word: WORDS[word[0]] if word[0] in WORDS and draw.random() < swap else word[0],
                  " ".join(kept))


def truncated(body: str) -> str:
    """The first blocks only, as when a file was cut short."""
    blocks = body.split("\n\n")
    return "\n\n".join(blocks[:max(1, int(len(blocks) * KEPT_OF_TRUNCATED))]) + "\n"


def reformatted(body: str) -> str:
    """The same words in another dress: headings in capitals without numbers, other bullets, straight lines."""
    lines = []
    for line in body.split("\n"):
        heading = re.fullmatch(r"(#+) (?:\d+ )?(.*)", line)
        lines.append(f"{heading[1]} {heading[2].upper()}" if heading else re.sub(r"^- ", "* ", line))
    return "\n".join(lines)


def garbled(text: str, share: float, seed: int) -> str:
    """`text` as bad recognition gives it: characters wrong, words broken."""
    draw = random.Random(seed)  # noqa: S311  # seeded, no secret
    return "".join(draw.choice(NOISE) if letter.isalnum() and draw.random() < share
                   else letter + " " * (draw.random() < share / 6) for letter in text)


def jaccard(one: str, other: str) -> float:
    """Of the sets of 5-grams of lower-case words; digits count as one symbol."""
    first, second = _shingles(one), _shingles(other)
    return round(len(first & second) / max(len(first | second), 1), 4)


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", re.sub(r"\d", "0", text.lower()))
    return {tuple(words[start:start + SHINGLE]) for start in range(len(words) - SHINGLE + 1)}
