"""What a verification found: every failure, not the first, and what was not seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pipeline.schema.errors import BadInput, NotVerified, PedigreeError


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

    @contextmanager
    def looking(self, check: str, stage: str) -> Iterator[None]:
        """Count one look of `check`; an error inside becomes a failure, and the rest goes on."""
        try:
            yield
        except (NotVerified, BadInput) as err:
            self.add(check, stage, err)
        else:
            self.held[check] = self.held.get(check, 0) + 1

    def add(self, check: str, stage: str, err: PedigreeError) -> None:
        """Keep an error as a failure of `check`."""
        self.failures.append(Failure(check, stage, err.where, err.what, err.wanted, err.got))

    def absent(self, artefact: str, why: str) -> None:
        """Note an artefact that could not be looked at."""
        if (artefact, why) not in self.not_seen:
            self.not_seen.append((artefact, why))

    def as_json(self) -> dict[str, object]:
        """For `--json`: stable keys, failures in the order found."""
        return {
            "holds": not self.failures,
            "failures": [vars(failure) for failure in self.failures],
            "not_seen": [{"artefact": artefact, "why": why} for artefact, why in self.not_seen],
            "held": self.held,
        }

    def lines(self) -> list[str]:
        """For people: failures, then what was not seen, then what held."""
        shown = [f"FAIL  {f.where} (stage {f.stage}): {f.what}"
                 + (f", wanted {f.wanted}" if f.wanted else "") + (f", got {f.got}" if f.got else "")
                 + f"  [{f.check}]" for f in self.failures]
        shown += [f"NOT SEEN  {artefact}: {why}" for artefact, why in self.not_seen]
        shown += [f"held  {check}: {count}" for check, count in sorted(self.held.items(), key=_by_number)]
        return shown


def _by_number(item: tuple[str, int]) -> tuple[int, str]:
    number = item[0].split(" ", 1)[0]
    return (int(number) if number.isdigit() else 99, item[0])
