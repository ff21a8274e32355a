"""What a verification found: every failure, not the first, and what was not seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

from pipeline.schema.errors import BadInput, NotVerified, PedigreeError


class Check(Enum):
    """The numbered checks; `pipeline.audit.verify` says what each one asks."""

    FOLDER = "1 folder"
    RECORDS = "2 records"
    MANIFESTS = "3 manifests"
    MATERIALS = "4 materials"
    KEYRING = "5 keyring"
    LINKS = "6 links"
    LAYOUT = "7 layout"
    SIGNATURES = "8 signatures"
    CLAIMS = "9 claims"
    CHAIN = "10 chain"
    ANCESTRY = "11 ancestry"
    BYTES = "12 bytes"
    CODE = "13 code"
    VERDICT = "14 verdict"
    CARD = "15 card"
    REMOTES = "16 remotes"
    POLICY = "17 policy"
    REPLAY = "18 replay"


@dataclass(frozen=True)
class Failure:
    """One thing that does not hold."""

    check: str
    stage: str
    where: str
    what: str
    wanted: str
    got: str


@dataclass
class Findings:
    """Collected over all checks of one verification."""

    failures: list[Failure] = field(default_factory=list)
    not_seen: list[tuple[str, str]] = field(default_factory=list)
    """(artefact, why it was not looked at): attested, but this run says nothing about its bytes."""
    held: dict[str, int] = field(default_factory=dict)
    """Check -> how many things it looked at and found in order."""
    notes: list[str] = field(default_factory=list)
    """What this run took for granted: no policy, keys without roles."""

    @contextmanager
    def looking(self, check: Check, stage: str) -> Iterator[None]:
        """Count one look of `check`; an error inside becomes a failure, and the rest goes on."""
        before = len(self.failures)
        try:
            yield
        except (NotVerified, BadInput) as err:
            self.add(check, stage, err)
        if len(self.failures) == before:
            self.held[check.value] = self.held.get(check.value, 0) + 1

    def add(self, check: Check, stage: str, err: PedigreeError) -> None:
        """Keep an error as a failure of `check`, once."""
        failure = Failure(check.value, stage, err.where, err.what, err.wanted, err.got)
        if failure not in self.failures:
            self.failures.append(failure)

    def absent(self, artefact: str, why: str) -> None:
        """Note an artefact that was not looked at."""
        if (artefact, why) not in self.not_seen:
            self.not_seen.append((artefact, why))

    def note(self, sentence: str) -> None:
        """Say once what was taken for granted."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def as_json(self) -> dict[str, object]:
        """For `--json`: stable keys, failures in the order found."""
        return {
            "holds": not self.failures,
            "failures": [vars(failure) for failure in self.failures],
            "not_seen": [{"artefact": artefact, "why": why} for artefact, why in self.not_seen],
            "held": self.held,
            "notes": self.notes,
        }

    def _unseen(self, reason: str) -> list[str]:
        return [artefact for artefact, why in self.not_seen if why == reason]

    def lines(self) -> list[str]:
        """For people: failures, then what was not seen (a line a reason), then what held and what was assumed."""
        shown = [f"FAIL  {f.where} (stage {f.stage}): {f.what}"
                 + (f", wanted {f.wanted}" if f.wanted else "") + (f", got {f.got}" if f.got else "")
                 + f"  [{f.check}]" for f in self.failures]
        reasons = dict.fromkeys(why for _, why in self.not_seen)
        shown += [f"NOT SEEN  {why}: {', '.join(self._unseen(why))}" for why in reasons]
        shown += [f"held  {check}: {count}" for check, count in sorted(self.held.items(), key=_by_number)]
        return [*shown, *(f"note  {sentence}" for sentence in self.notes)]


def _by_number(item: tuple[str, int]) -> int:
    return int(item[0].split(" ", 1)[0])
