"""Complete what documents offer to examples: distractor passages, unanswerable ones, a bound on their number.

Every draw depends on (seed, key of the example), and distractors are looked up by consistent hashing:
adding a document changes no wording, no order of passages, and few distractors elsewhere.
"""

import bisect
import functools
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from pipeline.schema.sft_data import SftData
from pipeline.text.answers import NO_SOURCE, REFUSAL, Answer, render_answer
from pipeline.text.examples import Found, Limits, clip, content_words, draw, find_examples, with_source

TRIES = 32
"""Passages looked at for one distractor before the least similar of them is taken."""

MOST_SHARED = 0.25
"""Share of a question's content words a distractor may hold; above it, it may well hold the answer."""


class Cut(NamedTuple):
    """One example of one document, not yet completed."""

    doc_id: str
    split: str
    found: Found
    passage: str
    """The characters of `found.passage`."""
    distractor: str
    """The same passage cut to the length of a distractor, for other documents' examples."""

    @property
    def key(self) -> str:
        """Unique among all cuts: two examples of a document differ in kind or in passage start."""
        return f"{self.doc_id}/{self.found.kind}/{self.found.passage.start}/{self.found.question}"


class Example(NamedTuple):
    """One row of the examples table (`pipeline.schema.examples.EXAMPLES`)."""

    example_id: str
    kind: str
    split: str
    doc_id: str
    passages: list[str]
    question: str
    answer: str
    source: int
    citation_start: int
    citation_end: int
    review_state: str


def cut_document(doc_id: str, split: str, text: str, title: str, params: SftData) -> list[Cut]:
    """At most `max_per_document` examples of one document, drawn by seeded hash."""
    limits = Limits(params.passage_chars, params.question_chars, params.answer_chars, params.min_answer_chars)
    cuts = {}
    for found in find_examples(doc_id, text, title, limits, params.seed):
        short = clip(text, found.passage, params.distractor_chars)
        cut = Cut(doc_id, split, found, text[found.passage.start:found.passage.end], text[short.start:short.end])
        cuts[cut.key] = cut
    return _drawn(cuts.values(), params.max_per_document, params.seed)


def compose(cuts: list[Cut], params: SftData) -> list[Example]:
    """The examples of all cuts, at most `max_examples`; the share of unanswerable ones is drawn by hash.

    A split with fewer documents than an example needs passages gives examples with fewer distractors,
    and no unanswerable ones when there is no other document at all.
    """
    pools = {split: _Pool(cuts, split, params.seed) for split in {cut.split for cut in cuts}}
    return [_complete(cut, pools[cut.split], params) for cut in _drawn(cuts, params.max_examples, params.seed)]


def _drawn(cuts: Iterable[Cut], most: int, seed: int) -> list[Cut]:
    return sorted(cuts, key=lambda cut: (draw(seed, "keep", cut.key), cut.key))[:most]


def _complete(cut: Cut, pool: "_Pool", params: SftData) -> Example:
    share = draw(params.seed, "unanswerable", cut.key) / 2**64
    distractors = pool.others(cut, params.distractors + 1)
    if share < params.unanswerable_share and distractors:
        return _unanswerable(cut, distractors, params.seed)
    passages = distractors[:params.distractors]
    place = draw(params.seed, "place", cut.key) % (len(passages) + 1)
    passages.insert(place, cut.passage)
    start, end = cut.found.passage
    return Example(example_id(params.seed, cut.key), cut.found.kind, cut.split, cut.doc_id, passages,
                   cut.found.question, with_source(cut.found, place + 1), place + 1, start, end, "generated")


def _unanswerable(cut: Cut, passages: list[str], seed: int) -> Example:
    answer = render_answer(Answer(REFUSAL, "", NO_SOURCE))
    return Example(example_id(seed, f"unanswerable/{cut.key}"), "unanswerable", cut.split, cut.doc_id, passages,
                   cut.found.question, answer, NO_SOURCE, 0, 0, "generated")


def example_id(seed: int, key: str) -> str:
    """16 hex digits."""
    return f"{draw(seed, 'id', key):016x}"


class _Pool:
    """The distractor passages of one split on a hash ring."""

    def __init__(self, cuts: list[Cut], split: str, seed: int) -> None:
        self.seed = seed
        unique: dict[tuple[str, str], int] = defaultdict(int)
        for cut in cuts:
            if cut.split == split:
                unique[cut.doc_id, cut.distractor] = draw(seed, "ring", cut.doc_id, cut.distractor)
        self.ring = sorted((place, doc_id, passage) for (doc_id, passage), place in unique.items())

    def others(self, cut: Cut, count: int) -> list[str]:
        """`count` passages of other documents that share few words with the question, each of another document."""
        asked = _words(cut.found.question)
        chosen: list[str] = []
        used = {cut.doc_id}
        for number in range(count):
            near = self._near(draw(self.seed, "distract", number, cut.key), used)
            if not near:
                break
            doc_id, passage = next(((doc, text) for doc, text in near if _shared(asked, text) <= MOST_SHARED),
                                   min(near, key=lambda other: _shared(asked, other[1])))
            chosen.append(passage)
            used.add(doc_id)
        return chosen

    def _near(self, place: int, used: set[str]) -> list[tuple[str, str]]:
        """Up to TRIES passages that follow `place` on the ring, none of a used document."""
        start = bisect.bisect(self.ring, (place, "", ""))
        around = (self.ring[(start + step) % len(self.ring)] for step in range(min(len(self.ring), 4 * TRIES)))
        return [(doc_id, passage) for _, doc_id, passage in around if doc_id not in used][:TRIES]


def _shared(asked: frozenset[str], passage: str) -> float:
    return len(asked & _words(passage)) / max(len(asked), 1)


@functools.lru_cache(maxsize=65536)
def _words(text: str) -> frozenset[str]:
    """`content_words`, remembered: a passage is looked at for many questions."""
    return content_words(text)
