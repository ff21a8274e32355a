"""Gopher, C4 and FineWeb rules, with the decisions and the reasons of datatrove's filters.

The numbers are datatrove's, and so are its lists and spaCy's tokens; what is ours is to tokenise once,
each distinct word once, and to count n-grams by their hashes. `ngram_window_words` adds one thing to
datatrove's rules: see `pipeline.text.repetition`.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial

from datatrove.pipeline.filters.c4_filters import CITATION_REGEX, ELLIPSIS, END_PUNCTUATION, POLICY_SUBSTRINGS
from datatrove.pipeline.filters.gopher_quality_filter import STOP_WORDS
from datatrove.utils.text import PUNCTUATION_SET, TERMINAL_PUNCTUATION

from pipeline.schema.curate_filter import (
    C4Quality,
    CurateFilter,
    FineWebQuality,
    GopherQuality,
    GopherRepetition,
    RuleProfile,
)
from pipeline.text.english_tokens import Counts, EnglishTokens, Tokenised
from pipeline.text.repetition import TokenGrams

MAX_WORD_CHARS = 1000
"""C4: a longer string without blanks makes its line no text (datatrove's `max_word_length`)."""
BULLETS = ("•", "-")
LOREM_IPSUM, JAVASCRIPT = "lorem ipsum", "javascript"


Rule = Callable[[Tokenised], str | None]


class Heuristics:
    """The filters of every profile of params.yaml; a source is judged by its own."""

    def __init__(self, params: CurateFilter) -> None:
        self._tokens = english_tokens()
        self._chosen = params.source_profiles
        self._rules = {name: rules_of(profile) for name, profile in params.profiles.items()}

    def failed_rule(self, text: str, source: str) -> str | None:
        """The first rule of the source's profile that `text` breaks, as `<filter>: <datatrove's reason>`, or None."""
        return self._failed(self._tokens.read(text), source)

    def failed_rules(self, texts: Sequence[str], sources: Sequence[str]) -> list[str | None]:
        """`failed_rule` of each text and its source; quicker than one by one."""
        return [self._failed(read, source)
                for read, source in zip(self._tokens.read_all(texts), sources, strict=True)]

    def _failed(self, read: Tokenised, source: str) -> str | None:
        for name, rule in self._rules[self._chosen.sources.get(source, self._chosen.default)]:
            reason = rule(read)
            if reason:
                return f"{name}: {reason}"
        return None


def rules_of(profile: RuleProfile) -> list[tuple[str, Rule]]:
    """The filters that `profile` uses, in the order of datatrove's FineWeb example."""
    rules: list[tuple[str, Rule]] = []
    if profile.gopher_repetition:
        rules.append(("GopherRepetition", partial(gopher_repetition, most=profile.gopher_repetition)))
    if profile.gopher_quality:
        rules.append(("GopherQuality", partial(gopher_quality, limits=profile.gopher_quality)))
    if profile.c4_quality:
        rules.append(("C4Quality", partial(c4_quality, rule=profile.c4_quality)))
    if profile.fineweb_quality:
        rules.append(("FineWebQuality", partial(fineweb_quality, limits=profile.fineweb_quality)))
    return rules


@cache
def english_tokens() -> EnglishTokens:
    """One for all shards that a process works on: they share most words."""
    return EnglishTokens(PUNCTUATION_SET, STOP_WORDS)


def gopher_repetition(text: Tokenised, most: GopherRepetition) -> str | None:
    """Repeated paragraphs, lines and n-grams."""
    whole = text.text
    if not whole:
        return "empty"
    if "\n" not in whole:
        return _repeated_grams(text, most)
    paragraphs, lines = paragraphs_of(whole), lines_of(whole)
    repeats, chars = repeated(paragraphs)
    if repeats / len(paragraphs) > most.dup_para_frac:
        return "dup_para_frac"
    if chars / len(whole) > most.dup_para_char_frac:
        return "dup_para_char_frac"
    repeats, chars = repeated(lines)
    if repeats / len(lines) > most.dup_line_frac:
        return "dup_line_frac"
    if chars / len(whole) > most.dup_line_char_frac:
        return "dup_line_char_frac"
    return _repeated_grams(text, most)


def paragraphs_of(text: str) -> list[str]:
    r"""`re.split(r"\n{2,}", text.strip())`, as datatrove splits, without the cost of a pattern."""
    parts = (part.lstrip("\n") for part in text.strip().split("\n\n"))
    return [part for part in parts if part] or [""]


def lines_of(text: str) -> list[str]:
    r"""`re.split(r"\n+", text)`, likewise: empty only before the first and after the last line break."""
    first, *inner = text.split("\n")
    return [first, *filter(None, inner[:-1]), *inner[-1:]]


def _repeated_grams(text: Tokenised, most: GopherRepetition) -> str | None:
    grams = TokenGrams(text.points, text.lengths, most.ngram_window_words)
    sizes = [size for size, _ in most.top_n_grams]
    for (size, share), chars in zip(most.top_n_grams, grams.top_chars(sizes), strict=True):
        if chars / len(text.text) > share:
            return f"top_{size}_gram"
    sizes = [size for size, _ in most.dup_n_grams]
    for (size, share), chars in zip(most.dup_n_grams, grams.repeated_chars(sizes), strict=True):
        if chars / len(text.text) > share:
            return f"duplicated_{size}_n_grams"
    return None


def repeated(parts: Sequence[str]) -> tuple[int, int]:
    """(number, characters) of the parts that are equal to an earlier one."""
    if len(set(parts)) == len(parts):
        return 0, 0
    seen: set[str] = set()
    again = [part for part in parts if part in seen or seen.add(part)]  # type: ignore[func-returns-value]
    return len(again), sum(map(len, again))


def gopher_quality(text: Tokenised, limits: GopherQuality) -> str | None:
    """Length, symbols, bullets, letters, stop words."""
    counts = text.counts
    if counts.spelled < limits.min_doc_words:
        return "gopher_short_doc"
    if counts.spelled > limits.max_doc_words:
        return "gopher_long_doc"
    mean = counts.spelled_chars / counts.spelled
    if mean < limits.min_avg_word_length:
        return "gopher_below_avg_threshold"
    if mean > limits.max_avg_word_length:
        return "gopher_above_avg_threshold"
    return _symbols(text, limits) or _words(counts, limits)


def _symbols(text: Tokenised, limits: GopherQuality) -> str | None:
    whole, tokens = text.text, text.counts.tokens
    if whole.count("#") / tokens > limits.max_symbol_word_ratio:
        return "gopher_too_many_hashes"
    ellipses = whole.count(ELLIPSIS) + whole.count("…")
    if ellipses / tokens > limits.max_symbol_word_ratio:
        return "gopher_too_many_ellipsis"
    lines = whole.splitlines()
    bullets = sum(line.startswith(BULLETS) for line in map(str.lstrip, lines))
    if bullets / len(lines) > limits.max_bullet_lines_ratio:
        return "gopher_too_many_bullets"
    ends = sum(line.rstrip().endswith((ELLIPSIS, "…")) for line in lines) if ellipses else 0
    if ends / len(lines) > limits.max_ellipsis_lines_ratio:
        return "gopher_too_many_end_ellipsis"
    return None


def _words(counts: Counts, limits: GopherQuality) -> str | None:
    """The second reason is named as datatrove names it: there are not enough."""
    if counts.alphabetic / counts.tokens < limits.max_non_alpha_words_ratio:
        return "gopher_below_alpha_threshold"
    return "gopher_enough_stop_words" if counts.stop_words < limits.min_stop_words else None


def c4_quality(text: Tokenised, rule: C4Quality) -> str | None:
    """Sentences in lines that read as text.

    Counting stops when there are enough, unless a later line can still refuse the whole text.
    """
    lorem = LOREM_IPSUM.encode() in text.text.encode("utf-8", "surrogatepass").lower()  # quicker than str.lower
    bracket = rule.filter_curly_bracket and "{" in text.text
    sentences = 0
    for line in text.text.splitlines():
        if sentences >= rule.min_num_sentences and not (lorem or bracket):
            return None
        prose = _prose(line, rule)
        if prose is None:
            continue
        if lorem and LOREM_IPSUM in prose.lower():
            return "lorem_ipsum"
        if rule.filter_javascript and JAVASCRIPT in prose.lower():
            continue
        if bracket and "{" in prose:
            return "curly_bracket"
        if rule.filter_policy and any(phrase in prose.lower() for phrase in POLICY_SUBSTRINGS):
            continue
        sentences += text.sentences(prose)
    return "too_few_sentences" if sentences < rule.min_num_sentences else None


def _prose(line: str, rule: C4Quality) -> str | None:
    """`line` without citation marks, or None for one that is too short, does not end a sentence or holds no words."""
    words = line.split()
    if any(len(word) > MAX_WORD_CHARS for word in words):
        return None
    prose = CITATION_REGEX.sub("", line.strip())
    if rule.filter_no_terminal_punct and (not prose.endswith(END_PUNCTUATION) or prose.endswith(ELLIPSIS)):
        return None
    return None if len(words) < rule.min_words_per_line else prose


def fineweb_quality(text: Tokenised, limits: FineWebQuality) -> str | None:
    """Lines: how they end, how short they are, how often they recur, how many there are."""
    lines = [line for line in text.text.split("\n") if line.strip()]
    if not lines:
        return "empty"
    if sum(line[-1] in TERMINAL_PUNCTUATION for line in lines) / len(lines) < limits.line_punct_thr:
        return "line_punct_ratio"
    if sum(len(line) <= limits.short_line_length for line in lines) / len(lines) > limits.short_line_thr:
        return "short_line_ratio"
    breaks = text.text.count("\n")
    if repeated(lines)[1] / (len(text.text) - breaks) > limits.char_duplicates_ratio:
        return "char_dup_ratio"
    return "list_ratio" if breaks / text.counts.tokens > limits.new_line_ratio else None
