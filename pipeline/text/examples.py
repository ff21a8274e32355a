"""Question-answer examples from a document's own structure, each with the span it can be checked against.

What is read from a Markdown text, and what it becomes:

    `## Heading` + prose                                    section_qa    a question on the heading
    `**Scenario:**` `**Required action:**` `**Justification:**`  playbook  action and justification
    `**Question:**` `**Resolution:**`                       resolved_qa   the question as it was asked
    `## Template` + `## Worked example`                     template      a question on the worked example

Nothing is generated: an answer is sentences of the document, a passage is a slice of it
(`text[passage.start:passage.end]`), and only the wording of a question is ours.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from pipeline.text.answers import Answer, render_answer
from pipeline.text.outline import Section, Span, labelled, plain, sections, sentences, title_of, trimmed

Kind = Literal["section_qa", "playbook", "resolved_qa", "template"]

OBLIGATION = re.compile(r"\b(?:must|shall|may not|must not|never|only|required?|within|at least|at most|no later than"
                        r"|before|until|unless|except)\b", re.IGNORECASE)
"""Words by which a rule states itself; a sentence with one is more worth asking about."""

SECTION_WORDINGS = (
    'What does the {title} say under "{heading}"?',
    '{title}: what is the rule on "{heading}"?',
    'In the {title}, what should I know about "{heading}"?',
    'Which point matters most in "{heading}" of the {title}?',
    'I am reading the {title}. What does it state on "{heading}"?',
    'Tell me what "{heading}" means in the {title}.',
    '"{heading}": what does the {title} lay down?',
)
"""For a heading that is a phrase; which one is used is drawn from the seed and the example's key."""

UNTITLED_WORDINGS = ('What is said about "{heading}"?', 'What should I know about "{heading}"?',
                     '"{heading}": what is the rule?', 'Tell me what "{heading}" means.')
"""For a phrase in a document whose title nobody knows."""

QUESTION_WORDINGS = ("{heading}", "{title}: {heading}", "According to the {title}: {heading}",
                     "{heading} (as the {title} has it)")
"""For a heading that is itself a question."""

PLAYBOOK_WORDINGS = (
    "{scenario} What is the required action, and why?",
    "Situation: {scenario} What do I do, and on what grounds?",
    "{scenario} Which action does the playbook require? Give its justification.",
    "What must be done in this case, and why? {scenario}",
)

TICKET_WORDINGS = ("{question}", "A client asks: {question}", "{product}: {question}")

TEMPLATE_WORDINGS = (
    "How does a filled-in {title} begin?",
    "Give the opening of the worked example of the {title}.",
    "Show me how the {title} reads once it is filled in.",
)

NO_PROSE = re.compile(r"\{%|\{\{|```|https?://\S+$")
"""Tags of site generators, code, and sentences that end in an address."""

TEMPLATE_HEADING = re.compile(r"^(?:the )?template$", re.IGNORECASE)
WORKED_HEADING = re.compile(r"^(?:a )?(?:worked|filled-in|completed) example$|^example$", re.IGNORECASE)


class Limits(NamedTuple):
    """Character limits, so that prompt and answer fit the context of the model."""

    passage_chars: int
    question_chars: int
    answer_chars: int
    """Of one answer text: a playbook answer has two."""
    min_answer_chars: int


class Found(NamedTuple):
    """An example before it gets its distractor."""

    kind: Kind
    question: str
    answer: Answer
    """`source` is 1; it is set again when the passage gets its place."""
    passage: Span
    """Also the citation: characters of the document's text."""


def draw(seed: int, *key: object) -> int:
    """A 64-bit number that depends on the seed and the key alone, never on position or order."""
    named = "\x1f".join(str(part) for part in (seed, *key))
    return int.from_bytes(hashlib.sha256(named.encode()).digest()[:8], "big")


def find_examples(doc_id: str, text: str, title: str, limits: Limits, seed: int) -> list[Found]:
    """All examples one document offers, in document order; none when it has no usable structure."""
    name = title or title_of(text)
    parts = sections(text)
    worked = any(TEMPLATE_HEADING.match(part.heading) for part in parts)
    found: list[Found] = []
    for part in parts:
        choice = draw(seed, doc_id, part.body.start)
        if worked and WORKED_HEADING.match(part.heading):
            found += _template(text, part, name, limits, choice)
        elif worked and TEMPLATE_HEADING.match(part.heading):
            continue  # blanks to fill in are no answer
        elif rows := list(_labelled_examples(text, part, limits, choice)):
            found += rows
        elif part.heading and part.heading != name:
            found += _section(text, part, name, limits, choice)
    return found


def with_source(found: Found, source: int) -> str:
    """The target text of an example whose passage has number `source`."""
    return render_answer(found.answer._replace(source=source))


def _section(text: str, part: Section, title: str, limits: Limits, choice: int) -> Iterator[Found]:
    key = key_sentence(text, sentences(text, part.body), part.heading, limits)
    if key is None:
        return
    wordings = _section_wordings(part.heading, title)
    question = wordings[choice % len(wordings)].format(title=title, heading=part.heading)
    if len(question) <= limits.question_chars:
        yield Found("section_qa", question, Answer(said(text, key), "", 1),
                    passage_around(text, part.body, key, limits.passage_chars))


def _section_wordings(heading: str, title: str) -> tuple[str, ...]:
    if heading.endswith("?"):
        return QUESTION_WORDINGS if title else QUESTION_WORDINGS[:1]
    return SECTION_WORDINGS if title else UNTITLED_WORDINGS


def _labelled_examples(text: str, part: Section, limits: Limits, choice: int) -> Iterator[Found]:
    play = labelled(text, part.body, ("Scenario", "Required action", "Justification"))
    if len(play) == 3:
        yield from _playbook(text, play, limits, choice)
    ticket = labelled(text, part.body, ("Question", "Resolution"))
    if len(ticket) == 2:
        yield from _ticket(text, part, ticket, limits, choice)


def _playbook(text: str, play: dict[str, Span], limits: Limits, choice: int) -> Iterator[Found]:
    scenario = shorten(text, play["Scenario"], limits.question_chars)
    action = opening(text, play["Required action"], limits)
    why = opening(text, play["Justification"], limits)
    if scenario is None or action is None or why is None:
        return
    # the cited passage begins at the action and ends with the justification given: one slice holds both
    passage = Span(play["Required action"].start, why.end)
    if passage.end - passage.start > limits.passage_chars:
        return
    question = PLAYBOOK_WORDINGS[choice % len(PLAYBOOK_WORDINGS)].format(scenario=said(text, scenario))
    yield Found("playbook", question, Answer(said(text, action), said(text, why), 1), passage)


def _ticket(text: str, part: Section, ticket: dict[str, Span], limits: Limits, choice: int) -> Iterator[Found]:
    asked = shorten(text, ticket["Question"], limits.question_chars)
    key = key_sentence(text, sentences(text, ticket["Resolution"]), said(text, ticket["Question"]), limits)
    if asked is None or key is None:
        return
    wordings = TICKET_WORDINGS if part.heading else TICKET_WORDINGS[:2]
    question = wordings[choice % len(wordings)].format(question=said(text, asked), product=part.heading)
    yield Found("resolved_qa", question, Answer(said(text, key), "", 1),
                passage_around(text, ticket["Resolution"], key, limits.passage_chars))


def _template(text: str, part: Section, title: str, limits: Limits, choice: int) -> Iterator[Found]:
    key = next((span for span in sentences(text, part.body) if _fits(text, span, limits)), None)
    if key is None:
        return
    question = TEMPLATE_WORDINGS[choice % len(TEMPLATE_WORDINGS)].format(title=title or "template")
    if len(question) <= limits.question_chars:
        yield Found("template", question, Answer(said(text, key), "", 1),
                    passage_around(text, part.body, key, limits.passage_chars))


def key_sentence(text: str, spans: list[Span], asked: str, limits: Limits) -> Span | None:
    """The sentence most worth an answer: shares words with what is asked, states a rule, has a figure.

    None when no sentence is between the limits. Of equal ones the first.
    """
    wanted = content_words(asked)

    def worth(span: Span) -> int:
        sentence = text[span.start:span.end]
        shared = len(wanted & content_words(sentence))
        return 2 * shared + bool(OBLIGATION.search(sentence)) + any(mark.isdigit() for mark in sentence)

    fitting = [span for span in spans if _fits(text, span, limits)]
    return max(fitting, key=worth, default=None)


def passage_around(text: str, body: Span, key: Span, limit: int) -> Span:
    """The longest run of whole sentences of `body` that holds `key` and is at most `limit` characters.

    It grows forwards first, then backwards. A key longer than the limit is its own passage.
    """
    spans = sentences(text, body)
    first = last = spans.index(key)
    while last + 1 < len(spans) and spans[last + 1].end - spans[first].start <= limit:
        last += 1
    while first > 0 and spans[last].end - spans[first - 1].start <= limit:
        first -= 1
    return Span(spans[first].start, spans[last].end)


def opening(text: str, within: Span, limits: Limits) -> Span | None:
    """The first sentence, or None when it is longer than an answer may be."""
    first = sentences(text, within)[0]
    return first if first.end - first.start <= limits.answer_chars else None


def shorten(text: str, within: Span, limit: int) -> Span | None:
    """The leading whole sentences of at most `limit` characters, None when the first is longer."""
    fitting = [span for span in sentences(text, within) if span.end - within.start <= limit]
    return Span(within.start, fitting[-1].end) if fitting else None


def said(text: str, span: Span) -> str:
    """The characters of a span on one line, without list marks and markup."""
    return plain(re.sub(r"^(?:[-*>]\s+|\d+[.)]\s+)", "", text[span.start:span.end]))


def content_words(text: str) -> frozenset[str]:
    """Lower-case words of four letters or more, and every number: what a sentence is about."""
    return frozenset(word.lower() for word in re.findall(r"[A-Za-z][A-Za-z-]{3,}|\d[\d,.]*\d|\d", text))


def _fits(text: str, span: Span, limits: Limits) -> bool:
    sentence = text[span.start:span.end]
    ends = sentence.rstrip("\"')]*")[-1:] in (".", "!", "?", ";")
    if not ends or sentence.startswith(("|", "#", "```")) or NO_PROSE.search(sentence):
        return False
    return limits.min_answer_chars <= len(said(text, span)) <= limits.answer_chars


def clip(text: str, span: Span, limit: int) -> Span:
    """The leading whole sentences of a span up to `limit` characters; a longer first sentence is cut at a word."""
    kept = shorten(text, span, limit)
    if kept is not None:
        return kept
    cut = text.rfind(" ", span.start, span.start + limit + 1)
    return trimmed(text, Span(span.start, cut if cut > span.start else span.start + limit))
