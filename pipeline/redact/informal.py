"""Messages as people type them to one another: chats, comments, tickets, replies.

Prose and business text hold few pronouns, stretched interjections, abbreviations and slips of the finger; a
tagger that never met them takes them for names that no list knows. Some messages name somebody, so that it does
not learn that nobody is named there. General words come of the general vocabulary, nothing of a lake.
"""

import random
import re
from collections.abc import Sequence

from pipeline.redact.generate import Labelled, Lists, Names

WORDS = {
    kind: words.split()
    for kind, words in {
        "interjection": (
            "ah aha argh aw bah boo bruh cheers cool damn dang duh eek eh ew fine goodness gosh great ha hah heh "
            "hey hi hello hm hmm huh hurray lol lmao meh mhm mm nah nice nope no oh oi ok okay omg oof ooh oops "
            "ouch perfect pff phew please sadly sheesh shh sorry sure thanks true ugh uh um well whoa woah wow "
            "woo ya yay yeah yep yes yikes yo yup yum"
        ),
        "abbreviation": (
            "af afaik aka asap atm brb btw dm eta fomo ftw fwiw fyi gg gtg idc idk iirc ikr imho imo irl jk lmk "
            "lol lmao ngl nm np nvm ofc omg omw pls plz ppl qq rn rofl smh tba tbd tbh tbt thx tl;dr tmi tmrw "
            "ttyl ty tysm u ur w/o wfh wip wrt wtf wth"
        ),
        "spelling": (
            "altho aight bc bout cause cos coz cuz da dat dem dis dunno em gimme gonna gotta hafta innit kinda "
            "lemme luv nite nuff outta prolly shoulda sorta sum tha tho thru til tnx wanna wassup wat whatcha wit "
            "woulda yall"
        ),
        "subject": (
            "I he she we they you it this that who everyone nobody someone anyone everything nothing im ive ill "
            "id youre hes shes its were theyre thats whats wheres theres I'm I've I'll he's she's it's we're "
            "they're that's what's there's u ya yall"
        ),
        "verb": (
            "is was are were be said says thinks thought knows knew wants wanted needs needed looks looked sounds "
            "sounded makes made feels felt got gets has had went goes came comes told asked called saw sees hates "
            "loves loved likes liked did does just should could would will might must isnt wasnt arent dont "
            "doesnt didnt cant couldnt wont wouldnt aint isn't wasn't don't doesn't didn't can't couldn't won't "
            "wouldn't ain't has been had been was like keeps kept started stopped tried"
        ),
        "particle": (
            "so very really just only too still even never always again already almost maybe actually literally "
            "totally way kinda in on at to of for with without about after before since like than as if because "
            "when while but and or a an the my your his her our their this that some any all no every one another"
        ),
        "quality": (
            "awesome awful bad beautiful best better big boring broken cheap clever crazy cute cool dead dumb "
            "easy fake fast fine free fun funny good gorgeous great happy hard hilarious hot huge insane late "
            "lazy little lovely lucky mad mean new nice old perfect pretty proud quick rude sad sick silly slow "
            "sorry stupid sweet terrible tired ugly weird worst wrong"
        ),
        "thing": (
            "album app baby bird boss boy brand bro buddy bus cake call car cat channel chicken coffee comment "
            "concert day deal dog door dress dude episode exam fan fans fight film flat flight food friend "
            "friends game gift girl goal gun guy guys hair haircut heart holiday house idea job joke kid kids "
            "laptop level lunch man mate meeting mess message mom mum dad money month morning mouse movie music "
            "neighbour news night office outfit page party phone picture player pizza plan pocket printer problem "
            "question rain restaurant ring room screen season series shirt show sister sofa song stuff style "
            "summer sun team test thing ticket time train trip tune update version video voice weather week "
            "weekend winter work year"
        ),
        "asking": "did does do is was who why what how can wheres whens who's anyone",
        "rank": "only first last next biggest smallest best worst youngest oldest same other",
        "address": ("bro dude man mate guys folks all team girl boss sis buddy fam people everyone everybody sir miss"),
    }.items()
}
"""What such messages are made of, by kind; `address`: what people call one another."""
SLOT = re.compile(r"\{(\w+)\}")
REMARKS = (
    "{quality} {thing}", "what a {quality} {thing}", "so {quality}", "{quality} {thing} {called}", "im so {quality}",
    "{quality} {thing} of the {thing}", "love the {thing}", "{thing} is {quality}", "best {thing} ever",
    "{word} {thing}", "{someone} is {quality}", "the {thing} was {quality} {short}", "thx for the {thing}",
    "{quality} {address}", "cant wait for the {thing}", "{word} fan", "{outburst}", "{outburst} {outburst}",
    "{outburst} {outburst} {outburst}", "{short}, {run}", "{short} {run}", "{asking} {someone} {run}?",
    "{asking} {someone} {run} {run} ??", "am i the only one who {verb} {run}?", "the {rank} {thing} {run}",
    "the {rank} one who {verb} {run}",
)  # fmt: skip
STATEMENTS = (
    "{someone} {verb} {run}", "{someone} {verb} {run} {run}", "{short} {someone} {verb} {run} {run}",
    "{outburst}, {someone} {verb} {run}", "{outburst} {someone} {verb} {run} {run}",
    "{someone} {verb} {run} {particle} {someone} {verb} {run}",
    "{someone} {verb} {particle} {someone} {verb} {run} {run}",
)  # fmt: skip
STOPS = (".", ".", "!", "!!", "!!!", "?", "??", "...", " . . .", "", "", ",", " -")
SIGNS = (":)", ":(", ":D", ";)", ":P", ":/", "<3", "xD", "^^", "-_-", "\U0001f602", "\U0001f60d", "\U0001f62d",
         "\u2764", "\U0001f44d", "\U0001f525", "\U0001f60e", "\U0001f64f")  # fmt: skip
LAUGHS = ("ha", "he", "hah", "heh", "a", "h", "ja")
VOWELS = "aeiou"
OPEN, CLOSE = "\ue000", "\ue001"
"""Around a name until the text is whole; private use, so that no change of case touches them."""
NAMED_SHARE = 0.4
"""Of the places in a message where somebody may be named."""
NO_NAMES = frozenset(
    word for kind in ("interjection", "abbreviation", "spelling", "subject", "verb", "particle") for word in WORDS[kind]
)
"""Words that bear a sentence: "He", "No" and "Said" are names too, but only their company can tell."""


def informal(lists: Lists, seed: int, number: int, *, invented_share: float) -> Labelled:
    """One to four remarks; it depends on the lists, the seed, the number and the share alone."""
    rng = random.Random(f"informal/{seed}/{number}")  # noqa: S311  # reproducible draws
    message = _Message(lists, rng, invented_share)
    joint = rng.choice((" ", " ", " ", "\n"))
    return _labelled(joint.join(message.remark() for _ in range(rng.choice((1, 1, 2, 2, 3, 4)))))


def _labelled(marked: str) -> Labelled:
    """Spans are what the marks enclose."""
    text, spans = "", []
    for place, piece in enumerate(re.split(f"[{OPEN}{CLOSE}]", marked)):
        if place % 2:
            spans.append((len(text), len(text) + len(piece), "PERSON"))
        text += piece
    return Labelled(text, spans)


class _Message:
    def __init__(self, lists: Lists, rng: random.Random, invented_share: float) -> None:
        self.rng = rng
        self.vocabulary: Sequence[str] = lists.words or WORDS["thing"]
        self.names = Names(lists, rng, invented_share)
        self.makers = {"word": self.word, "short": self.short, "run": self.run, "outburst": self.outburst,
                       "someone": self.someone, "called": self.called}  # fmt: skip

    def remark(self) -> str:
        """A template filled, in the letters of a hurry: small ones, a capital first, capitals, one on every word."""
        rng = self.rng
        text = SLOT.sub(lambda slot: self.fill(slot[1]), rng.choice(rng.choice((REMARKS, STATEMENTS))))
        cased = rng.choice((str, str, str.lower, _first, _first, _first, str.upper, str.title))(text)
        signs = [rng.choice(SIGNS)] * rng.choice((0, 0, 0, 0, 0, 0, 0, 1, 1, 3))
        return " ".join((cased + rng.choice(STOPS), *signs))

    def fill(self, slot: str) -> str:
        return self.makers[slot]() if slot in self.makers else self.rng.choice(WORDS[slot])

    def word(self) -> str:
        return self.rng.choice(self.vocabulary)

    def short(self) -> str:
        return self.fill(self.rng.choice(("abbreviation", "spelling")))

    def someone(self) -> str:
        return self.name() if self.rng.random() < NAMED_SHARE else self.fill("subject")

    def called(self) -> str:
        return self.name() if self.rng.random() < NAMED_SHARE else self.fill("address")

    def name(self) -> str:
        return f"{OPEN}{self.rng.choice((self.names.first, self.names.full))()}{CLOSE}"

    def run(self) -> str:
        """One to three words as they come to the fingers."""
        kinds = ("word", "word", "particle", "particle", "thing", "quality", "short", "slip")
        drawn = self.rng.choices(kinds, k=self.rng.randint(1, 3))
        return " ".join(self.slip(self.word()) if kind == "slip" else self.fill(kind) for kind in drawn)

    def slip(self, word: str) -> str:
        """`word` with a letter lost, doubled or out of order."""
        at = self.rng.randrange(len(word) - 1)
        before, letter, other, behind = word[:at], word[at], word[at + 1], word[at + 2 :]
        return before + self.rng.choice((other, letter + letter + other, other + letter)) + behind

    def outburst(self) -> str:
        """An interjection, stretched at times, or a laugh."""
        draw = self.rng.random()
        if draw < 0.2:
            return "".join(self.rng.choices(LAUGHS, k=self.rng.randint(2, 8)))
        word = self.fill("interjection")
        return self.stretched(word) if draw < 0.6 else word

    def stretched(self, word: str) -> str:
        """One letter of `word` again and again, the last one or a vowel rather than another."""
        place = self.rng.choice([*(at for at, letter in enumerate(word) if letter in VOWELS), len(word) - 1])
        return word[:place] + word[place] * self.rng.randint(2, 8) + word[place + 1 :]


def _first(text: str) -> str:
    return text[:1].upper() + text[1:]
