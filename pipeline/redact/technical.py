"""Business and technical text that names nobody: headings, roles, products, acronyms, links, tables, code.

In such text every word may bear a capital. General prose teaches a tagger that capitals inside a sentence
are names; these shapes teach it otherwise. Words come of the general vocabulary, nothing of a lake.
"""

import random
from collections.abc import Callable, Sequence

from pipeline.redact.generate import Labelled, Lists

NOUNS = """
Policy Procedure Plan Program Programme Profile Standard Guideline Framework Model Method Requirement Control
Certificate Authority Agency Office Officer Department Administration Service Services System Systems Network
Security Assessment Review Report Section Appendix Annex Chapter Part Table Figure Step Phase Task Item Level Tier
Board Committee Council Team Group Unit Division Branch Bureau Commission Institute Center Centre Management Manager
Director Administrator Operator Analyst Engineer Owner User Users Role Roles Subscriber Applicant Customer Vendor
Provider Contractor Agreement Contract Act Regulation Rule Directive Order Notice Statement Schedule Form Template
Guide Manual Handbook Checklist Register Record Records Log Audit Incident Response Recovery Backup Access Identity
Account Credential Token Key Card Device Server Client Gateway Portal Platform Application Database Repository
Release Version Build Test Training Support Help Desk Quality Assurance Risk Compliance Privacy Data Information
Budget Finance Payment Invoice Order Purchase Request Change Approval Status Summary Overview Introduction Scope
Purpose Background Definitions References Responsibilities Glossary Contents Revision History Roadmap Interview
""".split()  # noqa: SIM905  # a list of 100 lines says no more
SMALL = ("of", "and", "for", "the", "in", "to", "with", "or", "on", "under", "by", "a")
STATES = (
    "Yes",
    "No",
    "N/A",
    "Open",
    "Closed",
    "Draft",
    "Final",
    "High",
    "Medium",
    "Low",
    "Pass",
    "Fail",
    "TBD",
    "None",
)
TOP_LEVEL = ("example", "org", "com", "gov", "net", "io", "edu", "co.uk", "de")
SYLLABLES = """
ac al an ar ba bel ble bri ca cle co cor da del di do dra el en er fi flo fu ga gen gi gra ha hex hy in io ju ka ki
la len li lo lu ma mi mo na neo net ni no nu o om on or pa pe pi pla pra pro qua ra re ri ro sa sel si so sta sy ta
te ti to tra tri ul un va ve vi vo wa we xa xi ya ze zi zo
""".split()  # noqa: SIM905


def technical(lists: Lists, seed: int, number: int) -> Labelled:
    """A text without spans; it depends on the lists, the seed and the number alone."""
    return Labelled(_Technical(lists, random.Random(f"technical/{seed}/{number}")).text(), [])  # noqa: S311


class _Technical:
    def __init__(self, lists: Lists, rng: random.Random) -> None:
        self.fillers, self.rng = lists.fillers, rng
        self.vocabulary = lists.words or [noun.lower() for noun in NOUNS]

    def text(self) -> str:
        makers = (
            self.sentence,
            self.sentence,
            self.sentence,
            self.roles,
            self.roles,
            self.headings,
            self.headings,
            self.table,
            self.listing,
            self.expansions,
            self.citations,
            self.links,
            self.code,
            self.form,
            self.log,
            self.products,
            self.title,
        )
        return "\n".join(self.rng.choice(makers)() for _ in range(self.rng.choice((1, 1, 2, 3))))

    def title(self) -> str:
        """A heading in capitals, of one to six words."""
        rng = self.rng
        words = [rng.choice((self.noun, self.noun, self.word))() for _ in range(rng.choice((1, 1, 2, 2, 2, 3, 3, 4)))]
        if len(words) > 2 and rng.random() < 0.5:
            words.insert(rng.randint(1, len(words) - 1), rng.choice(SMALL))
        text = " ".join(word if word in SMALL else word[:1].upper() + word[1:] for word in words)
        return rng.choice((text,) * 6 + (text.upper(), text.capitalize()))

    def noun(self) -> str:
        return self.rng.choice(NOUNS)

    def word(self) -> str:
        return self.rng.choice(self.vocabulary)

    def words(self, least: int, most: int) -> str:
        return " ".join(self.word() for _ in range(self.rng.randint(least, most)))

    def acronym(self) -> str:
        rng = self.rng
        letters = "".join(rng.choice("AABCCDEEFGHIIKLMMNOPPRSSTTUVW") for _ in range(rng.choice((2, 3, 3, 3, 4, 4, 5))))
        return rng.choice(
            (letters,) * 8 + (f"{letters}s", f"{letters}-{rng.randint(1, 99)}", f"{letters}/{letters[:2]}")
        )

    def product(self) -> str:
        """An invented name of a product, in the shapes such names have."""
        rng = self.rng
        stem = "".join(rng.choice(SYLLABLES) for _ in range(rng.choice((2, 2, 3, 3)))).capitalize()
        other = self.word()[:8].capitalize()
        return rng.choice(
            (
                stem,
                stem,
                stem,
                f"{stem}{other}",
                f"{other}{rng.choice(NOUNS)}",
                f"{stem} {rng.choice(NOUNS)}",
                f"{stem} {rng.randint(1, 20)}.{rng.randint(0, 9)}",
                f"{stem.lower()}-{other.lower()}",
                f"{stem} OS",
                f"{stem.upper()}",
                f"i{stem}",
                f"{stem} {rng.choice('XVSZ')}",
                rng.choice(self.fillers.get("system", [stem])),
            )
        )

    def sentence(self) -> str:
        rng = self.rng
        subject = rng.choice((self.title, self.product, self.acronym, self.role, self.organisation))
        thing = rng.choice((self.title, self.product, self.acronym, lambda: self.words(1, 3)))
        verb = rng.choice(
            (
                "uses",
                "requires",
                "replaces",
                "supports",
                "manages",
                "may request",
                "must approve",
                "is part of",
                "shall review",
                "issues",
                "includes",
                "runs on",
                "works with",
                "is described in",
                "reports to",
                "provides",
                "and",
            )
        )
        lead = rng.choice(
            ("", "", "The ", "The ", "Each ", "In addition, the ", "When a ", "See ", "For example, ", "If ")
        )
        return f"{lead}{subject()} {verb} {rng.choice(('', 'the ', 'a ', 'its '))}{thing()}" + rng.choice(
            (
                ".",
                ".",
                ":",
                f" for {self.words(1, 3)}.",
                f" ({self.acronym()}).",
                f" by {self.role()}.",
                f" in {self.title()}.",
                f", {self.title()} and {self.title()}.",
                f" from {self.organisation()}.",
            )
        )

    def role(self) -> str:
        rng = self.rng
        role = rng.choice(self.fillers.get("role", ["officer"]))
        return rng.choice(
            (
                role.title(),
                role,
                f"{self.title()} {rng.choice(('Officer', 'Manager', 'Lead', 'Administrator'))}",
                f"Chief {self.noun()} Officer",
                f"Trusted {self.noun()}",
                f"the {role.title()}",
            )
        )

    def organisation(self) -> str:
        rng = self.rng
        town = rng.choice(self.fillers.get("town", ["Leeds"]))
        return rng.choice(
            (
                f"{town} {self.noun()} {rng.choice(('Ltd', 'Inc.', 'LLC', 'plc', 'GmbH', 'Corp.'))}",
                f"{self.noun()} {rng.choice(('of', 'for'))} {self.title()}",
                f"the {self.title()} {rng.choice(NOUNS)}",
                f"University of {town}",
                f"{town} City Council",
                f"U.S. {self.title()} {rng.choice(NOUNS)}",
                f"{self.product()} {rng.choice(('Inc.', 'Technologies', 'Group', 'Labs', 'Bank', 'Systems'))}",
                rng.choice(self.fillers.get("org", [town])),
            )
        )

    def headings(self) -> str:
        rng, numbers = self.rng, ""
        lines = []
        for line in range(rng.randint(1, 5)):
            numbers = rng.choice(
                ("", f"{line + 1}. ", f"{rng.randint(1, 9)}.{line + 1} ", f"{'#' * rng.randint(1, 4)} ", "- ")
            )
            end = rng.choice(("", "", "", f" {'.' * rng.randint(3, 20)} {rng.randint(1, 90)}", ":"))
            lines.append(f"{numbers}{self.title()}{end}")
        return rng.choice(("\n", "\n", "\n\n")).join(lines)

    def table(self) -> str:
        rng = self.rng
        columns = rng.randint(2, 5)
        cell: tuple[Callable[[], str], ...] = (
            self.title,
            self.title,
            self.role,
            self.acronym,
            self.product,
            lambda: rng.choice(STATES),
            self.number,
            lambda: self.words(1, 4),
            self.organisation,
        )
        rows = [[rng.choice(cell)() for _ in range(columns)] for _ in range(rng.randint(1, 4))]
        head = [f"| {' | '.join(self.title() for _ in range(columns))} |", f"|{' --- |' * columns}"]
        return "\n".join([*(head if rng.random() < 0.5 else []), *(f"| {' | '.join(row)} |" for row in rows)])

    def roles(self) -> str:
        rng = self.rng
        label = (
            "Role",
            "Owner",
            "Approver",
            "Prepared by",
            "Contact",
            "Reviewed by",
            "Department",
            "Position",
            "Author",
            "To",
            "From",
            "Cc",
            "Organization",
            "Responsible",
            "Title",
            "Type",
            "Status",
            "Category",
            "Subject",
            "System",
        )
        value = (self.role, self.role, self.organisation, self.title, self.acronym, self.product)
        return rng.choice(("\n", ", ", "; ")).join(
            f"{rng.choice(('', '', '**', '- '))}{rng.choice(label)}: {rng.choice(value)()}"
            for _ in range(rng.randint(1, 4))
        )

    def listing(self) -> str:
        rng = self.rng
        value = rng.choice((self.title, self.product, self.acronym, self.role, self.organisation, self.number))
        mark = rng.choice(("- ", "* ", "1. ", "", "o "))
        joint = rng.choice(("\n", "\n", ", "))
        return joint.join(f"{mark if joint != ', ' else ''}{value()}" for _ in range(rng.randint(2, 7)))

    def expansions(self) -> str:
        words = [self.noun() for _ in range(self.rng.randint(2, 4))]
        short = "".join(word[0] for word in words)
        long = " ".join(words)
        return self.rng.choice(
            (
                f"{long} ({short})",
                f"{short}: {long}",
                f"{short} - {long}",
                f"{short} {self.words(2, 6)} {long}",
                f"**{short}** {long}",
            )
        )

    def citations(self) -> str:
        rng = self.rng
        year, month = rng.randint(1990, 2025), rng.choice(self.fillers.get("month", ["May"]))
        return rng.choice(
            (
                f"Section {self.number()} of the {self.title()} Act of {rng.randint(1934, 2025)}",
                f"{rng.randint(5, 50)} U.S.C. {rng.randint(100, 4000)}; {rng.randint(1, 50)} CFR Part {self.number()}",
                f"[{self.acronym()} {rng.randint(1, 9999)}] {self.title()}: {self.title()}, {month} {year}.",
                f"{self.acronym()} SP {rng.randint(100, 999)}-{rng.randint(1, 200)} Rev. 2, {self.title()}",
                f"Title {rng.choice(('II', 'IV', 'VII', 'IX', '21', '44'))}, Article {self.number()}, {self.title()}",
                f"See {self.title()}, {self.title()} ({year}).",
            )
        )

    def links(self) -> str:
        rng = self.rng
        host = f"{self.word()}.{rng.choice(TOP_LEVEL)}"
        page = "/".join(self.word() for _ in range(rng.randint(1, 4)))
        return rng.choice(
            (
                f"See [{self.title()}](https://www.{host}/{page}) for {self.words(1, 4)}.",
                f"{self.title()}: https://{host}/{page}",
                f"https://{host}/{page}.html#{self.title().replace(' ', '-')}",
                f"{self.words(1, 3)}@{host}",
                f"Visit {host}/{page} or {self.title()}.",
                f"![{self.title()}](/assets/{page}.png)",
                f"[{self.title()}]({{{{site.baseurl}}}}/{page}/)",
                f"{self.title()} ({host})",
            )
        )

    def code(self) -> str:
        rng = self.rng
        one, other, third, number = self.word(), self.word(), self.word(), self.number()
        kind, method = one.capitalize(), other.capitalize()
        return rng.choice(
            (
                f"{one}.{other}({third}={number})",
                f"export {one.upper()}_{other.upper()}={number}",
                f"class {kind}{method}({third.capitalize()}):",
                f"$ {one} --{other} {third}.{rng.choice(('py', 'md', 'yaml', 'sh'))}",
                f'"{one}": "{self.title()}",',
                f'<{one} {other}="{self.title()}">{self.title()}</{one}>',
                f"{{% {one} {other} %}}",
                f"{kind}{method} {one}{method} = new {kind}();",
                f"`{one}_{other}` {self.words(2, 6)} `{self.product()}`",
                f"/{one}/{other}/{third}",
                f"{number} {one.upper()} {self.title()}",
            )
        )

    def form(self) -> str:
        rng = self.rng
        label = (
            "Name",
            "Date",
            "Signature",
            "Address",
            "City",
            "State",
            "Phone",
            "Email",
            "Title",
            "Agency",
            "Printed Name",
            "Initials",
        )
        blank = rng.choice(("_" * rng.randint(4, 30), "", "[ ]", "...", "N/A"))
        return rng.choice(("\n", "  ")).join(f"{rng.choice(label)}: {blank}" for _ in range(rng.randint(1, 4)))

    def log(self) -> str:
        rng = self.rng
        level = rng.choice(("INFO", "WARN", "ERROR", "DEBUG"))
        day = f"{rng.randint(2015, 2026)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        clock = f"{day}T{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"
        return (
            f"{clock} {level} [{self.word()}-{rng.randint(1, 9)}] {self.product()}: {self.words(2, 6)} {self.number()}"
        )

    def products(self) -> str:
        names: Sequence[str] = [self.product() for _ in range(self.rng.randint(2, 5))]
        return (
            f"{self.rng.choice(('Install', 'Supported:', 'We use', 'Compare', 'such as', 'Runs on', 'like'))} "
            + ", ".join(names[:-1])
            + f" {self.rng.choice(('and', 'or', '&'))} {names[-1]}{self.rng.choice(('.', '', f' {self.number()}.'))}"
        )

    def number(self) -> str:
        rng = self.rng
        return rng.choice(
            (
                str(rng.randint(1, 99)),
                f"{rng.randint(1, 9)}.{rng.randint(1, 20)}",
                f"{rng.randint(1, 9)}.{rng.randint(1, 9)}.{rng.randint(1, 9)}",
                f"{rng.randint(1, 99)}%",
                f"${rng.randint(1, 999)},{rng.randint(0, 999):03}",
                f"{rng.randint(100, 99999)}",
            )
        )
