"""Make labelled training text from authored templates and name lists; nothing is read from a lake.

An example is a list of sentences with character spans. Each is drawn from a generator seeded by
(seed, its number), so examples do not depend on each other.
"""

import hashlib
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.redact.tagger import TYPES
from pipeline.schema.errors import BadInput

SLOT = re.compile(r"\{(\w+)\}")
PERSON_SLOTS = frozenset({"PERSON", "FIRST", "LAST", "FULL", "INITIALS", "WORDFULL", "wordname"})
LABEL_OF = {
    **dict.fromkeys(PERSON_SLOTS, "PERSON"),
    "ADDRESS": "ADDRESS",
    "DOB": "DATE_OF_BIRTH",
    "PARAPHRASE": "PARAPHRASE",
    "ID": "IDENTIFIER",
    "USER": "USERNAME",
}
PARTICLES = (
    "de",
    "van",
    "van der",
    "van den",
    "von",
    "zu",
    "de la",
    "del",
    "di",
    "da",
    "dos",
    "bin",
    "ibn",
    "al",
    "el",
    "ter",
    "ten",
    "le",
    "la",
    "Mac",
    "St.",
    "af",
)
ACCOUNTS = (
    "test",
    "admin",
    "ops",
    "dev",
    "svc",
    "app",
    "db",
    "sys",
    "qa",
    "mgr",
    "root",
    "web",
    "ci",
    "backup",
    "guest",
)
WORDY = frozenset({"thing", "team", "system", "org"})
"""Slots where any ordinary word may stand."""
SUFFIXES = ("Jr.", "Sr.", "II", "III", "PhD", "MD")


class Labelled(NamedTuple):
    """Text with the spans in it, in order, never overlapping."""

    text: str
    spans: list[tuple[int, int, str]]


class Lists(NamedTuple):
    """What examples are drawn from."""

    given: list[str]
    surnames: list[str]
    templates: list[str]
    fillers: dict[str, list[str]]
    words: list[str]
    """Ordinary words of general text (`negatives.vocabulary`), set in the places of things and teams."""


def read_lists(folder: Path) -> Lists:
    """The authored lists.

    Raises:
        BadInput: a file is missing, or a template names a slot that nothing fills.
    """
    try:
        given, surnames = _words(folder / "given.txt"), _words(folder / "surnames.txt")
        templates = [line.replace(r"\n", "\n") for line in _lines(folder / "templates.txt")]
        fillers = _fillers(_lines(folder / "fillers.txt"))
    except OSError as err:
        raise BadInput(str(err.filename), f"not readable ({err.strerror})", do="restore it from Git") from err
    lists = Lists(given, surnames, templates, fillers, [])
    unknown = {slot for line in templates for slot in SLOT.findall(line)} - _slots(lists)
    if unknown:
        raise BadInput(
            str(folder / "templates.txt"),
            "slots that nothing fills",
            got=", ".join(sorted(unknown)),
            do="add a list to fillers.txt",
        )
    return lists


def _slots(lists: Lists) -> set[str]:
    return set(_makers(lists, random.Random(0)))  # noqa: S311  # reproducible draws


def split_lists(lists: Lists, heldout_share: float, seed: int) -> tuple[Lists, Lists]:
    """(training, held-out): templates and names are cut apart, fillers are shared."""
    given, surnames, templates = (
        _split(values, heldout_share, seed) for values in (lists.given, lists.surnames, lists.templates)
    )
    shared = (lists.fillers, lists.words)
    return Lists(given[0], surnames[0], templates[0], *shared), Lists(given[1], surnames[1], templates[1], *shared)


def example(
    lists: Lists,
    seed: int,
    number: int,
    *,
    lower_share: float,
    invented_share: float,
    labels: Mapping[str, str] = LABEL_OF,
) -> Labelled:
    """One to three filled sentences; at times all in small letters, at times all in capitals.

    Args:
        labels: slot -> type of what fills it; other slots are not labelled.
    """
    rng = random.Random(f"{seed}/{number}")  # noqa: S311  # reproducible draws
    makers = _makers(lists, rng, invented_share)
    text = ""
    spans: list[tuple[int, int, str]] = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        if text:
            text += rng.choice((" ", " ", "\n"))
        text = _fill(rng.choice(lists.templates), makers, text, spans, labels)
    draw = rng.random()
    if draw < lower_share:
        text = _same_length(text, str.lower)
    elif draw < lower_share * 1.2:
        text = _same_length(text, str.upper)
    return Labelled(text, spans)


def _fill(
    template: str,
    makers: dict[str, Callable[[], str]],
    text: str,
    spans: list[tuple[int, int, str]],
    labels: Mapping[str, str],
) -> str:
    """`text` with the filled template behind it; spans are added in place."""
    at = 0
    for slot in SLOT.finditer(template):
        text += template[at : slot.start()]
        value = makers[slot[1]]()
        if slot[1] in labels:
            spans.append((len(text), len(text) + len(value), labels[slot[1]]))
        text += value
        at = slot.end()
    return text + template[at:]


def _makers(lists: Lists, rng: random.Random, invented_share: float = 0.0) -> dict[str, Callable[[], str]]:
    """Slot -> how to fill it."""
    names = Names(lists, rng, invented_share)
    values = _Values(lists, names, rng)
    beside = _Beside(values, names, rng)
    makers: dict[str, Callable[[], str]] = {kind: values.picker(kind) for kind in lists.fillers}
    if "org" in makers:
        makers["org"] = beside.organisation
    return makers | {
        "PERSON": names.person,
        "FIRST": names.first,
        "LAST": names.last,
        "FULL": names.full,
        "INITIALS": names.initials,
        "WORDFULL": lambda: f"{values.pick('wordname')} {names.last()}",
        "ADDRESS": values.address,
        "DOB": values.birth_date,
        "PARAPHRASE": values.paraphrase,
        "ID": values.identifier,
        "USER": values.username,
        "Thing": lambda: values.picker("thing")().title(),
        "num": values.number,
        "date": values.date,
        "year": lambda: str(rng.randint(1998, 2030)),
        "time": lambda: f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}",
        "version": values.version,
        "refcode": values.reference,
        "hexcode": lambda: f"{rng.getrandbits(36):09x}",
        "Role": beside.role,
        "acronym": beside.acronym,
        "product": beside.product,
        "phone": beside.phone,
        "email": beside.email,
        "url": beside.url,
        "ip": lambda: ".".join(str(rng.randint(1, 254)) for _ in range(4)),
        "card": lambda: rng.choice((" ", "-", "")).join(values.digits(4) for _ in range(4)),
        "money": beside.money,
    }


class Names:
    """Names in the forms in which people write them."""

    def __init__(self, lists: Lists, rng: random.Random, invented_share: float) -> None:
        self.lists, self.rng, self.invented_share = lists, rng, invented_share

    def first(self) -> str:
        return self._typed(self._one(self.lists.given))

    def last(self) -> str:
        name = self._one(self.lists.surnames)
        if self.rng.random() < 0.06:
            name = f"{self.rng.choice(PARTICLES)} {name}"
        if self.rng.random() < 0.04:
            name = f"{name}-{self._one(self.lists.surnames)}"
        return self._typed(name)

    def full(self) -> str:
        rng, first, last = self.rng, self._one(self.lists.given), self.last()
        forms = (f"{first} {last}",) * 12 + (
            f"{last}, {first}",
            f"{last} {first}",
            f"{first[0]}. {last}",
            f"{first[0]}.{rng.choice('ABCDEJKLMPRST')}. {last}",
            f"{first} {rng.choice('ABCDEFGHJKLMNPRSTW')}. {last}",
            f"{first} {self._one(self.lists.given)} {last}",
            f"{first} {last} {self._one(self.lists.surnames)}",
            f"{first} {last[0]}.",
            f"{first} {last} {rng.choice(SUFFIXES)}",
            f"{last} {first[0]}.",
            f"{first}-{self._one(self.lists.given)} {last}",
        )
        return self._typed(rng.choice(forms))

    def initials(self) -> str:
        letters = [self.rng.choice("ABCDEFGHIJKLMNOPRSTVWYZ") for _ in range(self.rng.choice((2, 2, 3)))]
        return self.rng.choice((".".join(letters) + ".", "".join(letters), ". ".join(letters) + "."))

    def person(self) -> str:
        return self.rng.choice((self.full, self.full, self.full, self.first, self.first, self.last))()

    def _one(self, names: list[str]) -> str:
        """A listed name, or one grown from the head of one and the tail of another."""
        name = self.rng.choice(names)
        if self.rng.random() >= self.invented_share:
            return name
        other = self.rng.choice(names)
        return name[: max(2, len(name) // 2)] + other[len(other) // 2 :].lower()

    def _typed(self, name: str) -> str:
        """As it is, or as typed in haste: small letters, accents left out."""
        draw = self.rng.random()
        return name.lower() if draw < 0.05 else name.upper() if draw < 0.08 else name


class _Values:
    """Everything that is not a name."""

    def __init__(self, lists: Lists, names: Names, rng: random.Random) -> None:
        self.fillers, self.words, self.names, self.rng = lists.fillers, lists.words, names, rng

    def pick(self, kind: str) -> str:
        """One value of a list, the slots in it filled from other lists."""
        value = self.rng.choice(self.fillers[kind])
        return SLOT.sub(lambda slot: self._small(slot[1]), value)

    def picker(self, kind: str) -> Callable[[], str]:
        return lambda: self._small(kind)

    def _small(self, kind: str) -> str:
        if kind == "year":
            return str(self.rng.randint(1998, 2030))
        if kind == "date":
            return self.date()
        if self.words and kind in WORDY and self.rng.random() < 0.4:
            word = self.rng.choice(self.words)
            return word if kind == "thing" else word.title()
        value = self.pick(kind)
        if kind == "wordname" and self.rng.random() < 0.35:
            return value.lower()
        return value

    def digits(self, count: int) -> str:
        return "".join(self.rng.choice("0123456789") for _ in range(count))

    def number(self) -> str:
        rng = self.rng
        return rng.choice(
            (
                str(rng.randint(1, 31)),
                str(rng.randint(2, 99)),
                f"{rng.randint(100, 9999)}",
                f"{rng.randint(1, 999)}.{rng.randint(1, 99)}",
                f"{rng.randint(1, 99)},{self.digits(3)}",
            )
        )

    def version(self) -> str:
        rng = self.rng
        return rng.choice(("", "v")) + ".".join(str(rng.randint(0, 20)) for _ in range(rng.choice((2, 2, 3))))

    def reference(self) -> str:
        rng = self.rng
        head = "".join(rng.choice("ABCDEFGHIKLMNPRSTWX") for _ in range(rng.choice((2, 3))))
        return rng.choice(
            (
                f"{head}-{self.digits(5)}",
                f"{head}-{rng.randint(2019, 2027)}-{self.digits(3)}",
                f"{head}{self.digits(4)}",
            )
        )

    def date(self, low: int = 2005, high: int = 2030) -> str:
        rng = self.rng
        day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(low, high)
        name = self.fillers["month"][month - 1]
        return rng.choice(
            (
                f"{day} {name} {year}",
                f"{name} {day}, {year}",
                f"{day} {name[:3]} {year}",
                f"{year}-{month:02}-{day:02}",
                f"{day:02}/{month:02}/{year}",
                f"{month}/{day}/{year % 100:02}",
                f"{day:02}.{month:02}.{year}",
            )
        )

    def birth_date(self) -> str:
        return self.date(1935, 2008)

    def identifier(self) -> str:
        rng = self.rng
        letters = "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(rng.randint(1, 4)))
        return rng.choice(
            (
                self.digits(rng.randint(6, 12)),
                f"{letters}{self.digits(rng.randint(5, 9))}",
                f"{letters}-{self.digits(rng.randint(4, 8))}",
                f"{self.digits(3)}-{self.digits(2)}-{self.digits(4)}",
                f"{letters}-{self.digits(3)}-{self.digits(3)}",
                f"{self.digits(2)}-{self.digits(2)}-{self.digits(2)}",
                f"{letters}/{self.digits(4)}/{self.digits(2)}",
                f"{self.digits(4)} {self.digits(4)} {self.digits(4)}",
                f"{letters[:1]}{self.digits(2)} {self.digits(3)} {self.digits(3)}",
                f"#{self.digits(5)}-{letters[:2]}",
            )
        )

    def username(self) -> str:
        rng, names = self.rng, self.names
        first, last = rng.choice(names.lists.given).lower(), rng.choice(names.lists.surnames).lower()
        return rng.choice(
            (
                f"{first[0]}{last}",
                f"{first}.{last}",
                f"{first}_{last}",
                f"{first}{rng.randint(1, 99)}",
                f"user_{self.digits(4)}",
                f"svc_{last}",
                f"{last}{first[0]}",
                f"{first[:3]}{last[:3]}{rng.randint(1, 9)}",
                f"@{first}{rng.randint(1, 999)}",
                f"{first[0]}{last[:5]}{self.digits(2)}",
                f"dev_{first}",
                f"adm-{last}",
                f"{rng.choice(ACCOUNTS)}_{self.digits(rng.randint(1, 4))}",
                f"{rng.choice(ACCOUNTS)}_{first}",
                f"{rng.choice(ACCOUNTS)}{self.digits(2)}",
                f"{first}{last}",
                f"{first.title()}{last.title()}{self.digits(2)}",
            )
        )

    def paraphrase(self) -> str:
        rng = self.rng
        role = rng.choice((self.pick("role"), f"{self.pick('group')} {self.pick('role')}", self.pick("role")))
        return rng.choice(
            (
                f"the {self.pick('unique')} {role} in {self.pick('site')}",
                f"the {self.pick('unique')} {self.pick('group')} {self.pick('role')} on {self.pick('site')}",
                f"the {role} {self.pick('story')}",
                f"{self.pick('reltitle')} {self.pick('story')}",
                f"the {self.pick('group')} {self.pick('role')} from {self.pick('site')}",
                f"our {self.pick('unique')} {role}",
                f"the {self.pick('role')} of {self.pick('site')} {self.pick('story')}",
            )
        )

    def address(self) -> str:
        rng = self.rng
        number = rng.choice(
            (str(rng.randint(1, 299)), str(rng.randint(300, 99999)), f"{rng.randint(1, 80)}{rng.choice('abcABC')}")
        )
        english = f"{number} {self._street()}"
        return rng.choice(
            (
                self._british,
                self._british,
                self._american,
                self._american,
                self._continental,
                self._continental,
                self._mixed,
                self._mixed,
                self._mixed,
                lambda _: english,
                lambda _: f"{self._street()} {number}",
                lambda _: self._street(),
            )
        )(number)

    def _street(self) -> str:
        name = self.rng.choice(
            (
                lambda: self.pick("street"),
                lambda: self.pick("street"),
                lambda: self.rng.choice(self.fillers["town"]),
                lambda: self.rng.choice(self.names.lists.surnames),
                lambda: f"{self.rng.choice(self.names.lists.given)} {self.rng.choice(self.names.lists.surnames)}",
                lambda: (self.rng.choice(self.words) if self.words else "mill").title(),
                lambda: f"{self.rng.randint(1, 99)}th",
            )
        )()
        return f"{name} {self.pick('streettype')}"

    def _mixed(self, number: str) -> str:
        """Lines as exports have them: street and number in either order, unit, town in capitals, country, code."""
        rng = self.rng
        street = rng.choice((self._street, self._street, lambda: self.pick("foreignstreet")))()
        lines = [rng.choice((f"{street} {number}", f"{number} {street}", f"{number} {street} {rng.randint(1, 9)}"))]
        if rng.random() < 0.5:
            lines.append(f"{self.pick('unit')} {rng.randint(1, 999)}")
        surname = rng.choice(self.names.lists.surnames)
        town = rng.choice((self.pick("town"), f"{surname}{rng.choice(('ville', 'ton', 'burg', ' City', 'stad'))}"))
        post = rng.choice((self.digits(4), self.digits(5), f"{self.digits(3)} {self.digits(2)}"))
        lines.append(rng.choice((town, town.upper(), f"{post} {town}", f"{town}, {self.pick('region')} {post}")))
        if rng.random() < 0.6:
            lines.append(
                rng.choice((self.pick("country"), f"{self.pick('country')} {post}", self.pick("country").upper()))
            )
        return rng.choice(("\n", "\n", "\n ", ", ", ", ", " ")).join(lines)

    def _british(self, number: str) -> str:
        rng = self.rng
        ends = [rng.choice("ABDEFGHJ") for _ in "12"]
        area = f"{rng.choice('ABDEGHKLMNSTW')}{rng.choice('ABEHLNSTW')}{rng.randint(1, 29)}"
        code = f"{area} {rng.randint(1, 9)}{''.join(ends)}"
        lead = rng.choice(
            ("", "", f"{rng.choice(('Flat', 'Unit', 'Floor'))} {rng.randint(1, 40)}, ", f"{self.pick('house')}, ")
        )
        return f"{lead}{number} {self._street()}, {self.pick('town')}" + rng.choice(("", f" {code}", f", {code}"))

    def _american(self, number: str) -> str:
        rng = self.rng
        unit = rng.choice(
            ("", "", f" {self.pick('unit')} {rng.randint(1, 999)}", f", {self.pick('unit')} {rng.randint(1, 99)}")
        )
        cut = rng.choice((", ", "\n", "\n", " "))
        post = self.digits(5)
        end = rng.choice(
            (
                f"{self.pick('region')} {post}",
                f"{self.pick('region')}",
                f"{post}",
                f"{self.pick('country')} {post}",
                f"{self.pick('region')}\n {self.pick('country')} {post}",
            )
        )
        return f"{number} {self._street()}{unit}{cut}{self.pick('town')}{rng.choice((', ', ' ', cut))}{end}"

    def _continental(self, number: str) -> str:
        rng = self.rng
        street = self.pick("foreignstreet")
        line = rng.choice(
            (
                f"{street} {number}",
                f"{number} {street}",
                f"{street} {number}, {rng.randint(1, 9)}º",
                f"{street}, {number}",
            )
        )
        post = rng.choice(
            (
                self.digits(4),
                self.digits(5),
                f"{self.digits(4)} {rng.choice('ABDKXZ')}{rng.choice('ABDKXZ')}",
                f"{self.digits(2)}-{self.digits(3)}",
            )
        )
        town = rng.choice((self.pick("town"), f"{post} {self.pick('town')}", f"{self.pick('town')} {post}"))
        return f"{line}{rng.choice((', ', ', ', chr(10)))}{town}{rng.choice(('', '', ', ' + self.pick('country')))}"


class _Beside:
    """What stands near names and is none of the tagger's: patterns find it, or nobody should."""

    def __init__(self, values: _Values, names: Names, rng: random.Random) -> None:
        self.values, self.names, self.rng = values, names, rng

    def word(self) -> str:
        return self.rng.choice(self.values.words or ["ledger", "harbour", "report", "market"])

    def organisation(self) -> str:
        """A listed company, or one named after its founders, its town or nothing at all."""
        rng, surnames = self.rng, self.names.lists.surnames
        suffix = rng.choice(
            ("Ltd", "Limited", "Inc", "Inc.", "LLC", "plc", "GmbH", "& Co.", "Group", "and Sons", "Corp", "LLP")
        )
        return rng.choice(
            (
                lambda: self.values.pick("org"),
                lambda: self.values.pick("org"),
                lambda: f"{rng.choice(surnames)} {suffix}",
                lambda: f"{rng.choice(surnames)} {rng.choice(('&', 'and'))} {rng.choice(surnames)} {suffix}",
                lambda: f"{rng.choice(surnames)}, {rng.choice(surnames)} and {rng.choice(surnames)}",
                lambda: f"{self.word().title()} {suffix}",
                lambda: f"{self.word().title()} {self.word().title()} {suffix}",
            )
        )()

    def role(self) -> str:
        rng = self.rng
        role = self.values.pick("role").title() if "role" in self.values.fillers else "Clerk"
        field = self.word().title()
        return rng.choice(
            (
                role,
                role,
                role,
                f"Chief {field} Officer",
                f"Head of {field}",
                f"VP, {field}",
                f"{field} Manager",
                f"Senior {role}",
            )
        )

    def acronym(self) -> str:
        return "".join(self.rng.choice("ABCDEFGHIKLMNOPRSTUVW") for _ in range(self.rng.choice((2, 3, 3, 3, 4, 5))))

    def product(self) -> str:
        rng = self.rng
        one, other = self.word(), self.word()
        return rng.choice(
            (
                lambda: self.values.pick("system") if "system" in self.values.fillers else one.title(),
                lambda: one.title(),
                lambda: f"{one[:5].title()}{other[-4:]}",
                lambda: f"{one.title()}{other.title()}",
                lambda: f"{one.title()} {rng.randint(2, 12)}",
            )
        )()

    def phone(self) -> str:
        rng, digits = self.rng, self.values.digits
        return rng.choice(
            (
                f"+{rng.randint(1, 99)} {digits(3)} {digits(3)} {digits(4)}",
                f"({digits(3)}) {digits(3)}-{digits(4)}",
                f"{digits(3)}-{digits(3)}-{digits(4)}",
                f"0{digits(4)} {digits(6)}",
                f"{digits(3)}.{digits(3)}.{digits(4)} x{digits(3)}",
                f"0{digits(10)}",
            )
        )

    def email(self) -> str:
        rng, lists = self.rng, self.names.lists
        first, last = rng.choice(lists.given).lower(), rng.choice(lists.surnames).lower()
        host = f"{self.word()}.{rng.choice(('example', 'com', 'org', 'net', 'co.uk'))}"
        return rng.choice(
            (
                f"{first}.{last}@{host}",
                f"{first[0]}{last}@{host}",
                f"{self.word()}@{host}",
                f"{first}{rng.randint(1, 99)}@{host}",
            )
        )

    def url(self) -> str:
        host = f"{self.word()}.{self.rng.choice(('example', 'com', 'org', 'gov'))}"
        return self.rng.choice(
            (f"https://www.{host}/{self.word()}", f"http://{host}/", f"www.{host}", host, f"{host}/{self.word()}")
        )

    def money(self) -> str:
        rng = self.rng
        amount = f"{rng.randint(1, 999)},{self.values.digits(3)}"
        return rng.choice(
            (
                f"${amount}",
                f"£{rng.randint(5, 900)}",
                f"EUR {amount}",
                f"{rng.randint(5, 900)} dollars",
                f"€{amount}.00",
            )
        )


def _same_length(text: str, change: Callable[[str], str]) -> str:
    """`change` letter by letter, leaving alone letters that would become two (ß in capitals)."""
    return "".join(new if len(new := change(letter)) == 1 else letter for letter in text)


def _split(values: list[str], heldout_share: float, seed: int) -> tuple[list[str], list[str]]:
    """Both parts in their old order; which value is held out depends on the value, not on its place."""
    drawn = sorted(values, key=lambda value: hashlib.sha256(f"{seed}/{value}".encode()).digest())
    heldout = set(drawn[: max(1, round(heldout_share * len(values)))])
    return [value for value in values if value not in heldout], [value for value in values if value in heldout]


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and (not line.startswith("# ") or "{" in line)]


def _words(path: Path) -> list[str]:
    """Every listed name once; hyphens between two listed names stay."""
    return sorted({word for line in _lines(path) for word in line.split()})


def _fillers(lines: list[str]) -> dict[str, list[str]]:
    fillers: dict[str, list[str]] = {}
    kind = ""
    for line in lines:
        if line.startswith("[") and line.endswith("]"):
            kind = line[1:-1]
            fillers[kind] = []
        else:
            fillers[kind] += [value.strip() for value in line.split(" | ")]
    return fillers


assert set(LABEL_OF.values()) <= set(TYPES)
