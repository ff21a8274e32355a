"""One verification under way: what is verified, whom it believes, how deep it looks, what it found."""

import os
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.audit.checks.scene import Scene, walk
from pipeline.audit.findings import Check, Findings
from pipeline.lineage.chain import Run
from pipeline.lineage.links import Link
from pipeline.lineage.manifest import tree_digest
from pipeline.schema.errors import NotVerified
from pipeline.stage.hashing import file_sha256
from pipeline.stage.records import Record

PublicKeys = Sequence[ec.EllipticCurvePublicKey]


TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
"""RFC 3339, UTC, whole seconds: comparable as text."""


class Depth(Enum):
    """How much is looked at. Each depth does all that the one before it does."""

    CHAIN = "chain"
    """Records, signatures, policy; the bytes of the checkpoint and of what its claims speak of."""
    DEEP = "deep"
    """Every artefact that is present is hashed again."""
    REPLAY = "replay"
    """Cheap deterministic stages are run again, and what they make is compared."""


@dataclass
class Case:
    """Handed from check to check."""

    scene: Scene
    findings: Findings
    depth: Depth
    moment: str
    """RFC 3339, UTC: when keys, layouts and ages are judged."""
    records: dict[str, Record] = field(default_factory=dict)
    reach: set[str] = field(default_factory=set)
    """The stages upstream of what is verified."""
    links: dict[str, list[Link]] = field(default_factory=dict)
    """Stage -> its believed links."""
    bases: dict[str, str] = field(default_factory=dict)
    """Adapter -> the full model it sits on, both as recorded."""
    hashed: dict[str, dict[str, str] | None] = field(default_factory=dict)
    """Recorded path -> entries found there, None for nothing there: nothing is hashed twice."""

    @property
    def runs(self) -> dict[str, Run]:
        """Stage -> what its statement says."""
        return {stage: record.run for stage, record in self.records.items()}

    def entries(self, recorded: str) -> dict[str, str] | None:
        """Path -> sha256 of everything below an artefact, for a file `{its name: sha256}`; None when absent.

        Nothing is skipped, hidden files and bytecode included: what is not recorded shows up as a file too many.
        """
        if recorded not in self.hashed:
            self.hashed[recorded] = self._hash(recorded)
        return self.hashed[recorded]

    def _hash(self, recorded: str) -> dict[str, str] | None:
        place = self.scene.place(recorded)
        if place.is_symlink() or not place.exists():
            self._refuse_link(place)
            return None
        if place.is_file():
            return {place.name: file_sha256(place)}
        files = [Path(entry.path) for entry in walk(place) if self.is_plain(Path(entry.path))]
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # hashlib releases the GIL
            return {path.relative_to(place).as_posix(): digest
                    for path, digest in zip(files, pool.map(file_sha256, files), strict=True)}

    def is_plain(self, path: Path) -> bool:
        """Whether a path is a regular file; a link, pipe or device is a failure of check 1, and is never opened."""
        if stat.S_ISREG(path.lstat().st_mode):
            return True
        self._refuse_link(path)
        if not path.is_symlink():
            self.findings.add(Check.FOLDER, "-", NotVerified(self.name_of(path), "is neither a file nor a folder"))
        return False

    def _refuse_link(self, path: Path) -> None:
        if path.is_symlink():
            self.findings.add(Check.FOLDER, "-", NotVerified(
                self.name_of(path), "is a symbolic link", wanted="the file itself", got=f"-> {path.readlink()}"))

    def name_of(self, path: Path) -> str:
        """A path under the root, as shown in findings."""
        return path.relative_to(self.scene.root).as_posix()

    def led_to(self, checkpoint: str) -> list[str]:
        """The stages upstream of a checkpoint and of its verdict, makers first, as far as records go.

        A missing record hides no other: checks 4 and 10 name it, and the walk goes on beside it.
        """
        maker = {path: run.stage for run in self.runs.values() for path in run.products}
        ordered: dict[str, None] = {}
        for artefact in judged(checkpoint):
            _climb(maker.get(artefact, ""), self.records, ordered, set())
        return list(ordered)

    def maker(self, artefact: str) -> Record:
        """The record that has `artefact` as a product.

        Raises:
            NotVerified: none has.
        """
        for record in self.records.values():
            if artefact in record.run.products:
                return record
        raise NotVerified(artefact, "no lineage record has it as a product")


def _climb(stage: str, records: dict[str, Record], ordered: dict[str, None], seen: set[str]) -> None:
    if stage in seen or stage not in records:
        return
    seen.add(stage)
    for producer in sorted({material.producer for material in records[stage].run.materials}):
        _climb(producer, records, ordered, seen)
    ordered[stage] = None


def judged(checkpoint: str) -> list[str]:
    """The recorded artefacts a checkpoint's attestation speaks of."""
    return [checkpoint, f"{checkpoint}.eval/metrics.json", f"{checkpoint}.gate/gate.json"]


def found_digest(entries: dict[str, str], is_folder: bool) -> str:
    """The digest of what was found: a folder's by its manifest, a file's own."""
    return tree_digest(entries) if is_folder else next(iter(entries.values()))
