"""`pedigree prove` and `check-proof`: was this document in what a checkpoint was made from?

Proving needs the tables and the secret of their trees. Checking needs the document, the proof, and
of the release only `claims.jsonl` and the statements; it looks at these in turn:
    1 an accepted root key signed the keyring, an attester's key in it the chain claim
    2 each statement it lists is there with the sha256 it names
    3 each table of documents among their products has a tree (`merkleRoot`), and every such table
      that one of their stages read is among them
    4 the proof holds for every one of them (`pipeline.lineage.document_proof` lists its checks)
It does not hash the checkpoint: `pedigree verify` does.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.lineage.chain import CHAIN_TYPE, read_run
from pipeline.lineage.document_proof import (
    MAX_PROOF_BYTES,
    Checkpoint,
    Planted,
    Standing,
    Table,
    check_proof,
    document_tables,
    head_of,
    is_document_table,
    make_proof,
)
from pipeline.lineage.keyring import open_keyring
from pipeline.lineage.manifest import is_inside, sha256
from pipeline.lineage.merkle import head_digest
from pipeline.lineage.roles import ATTESTER
from pipeline.lineage.sign import open_bundle, parse_json
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.document_tree import plant
from pipeline.stage.merkle_key import merkle_secret
from pipeline.stage.outputs import json_bytes

TRAINING_READERS = frozenset({"base", "pack", "sft_data"})
"""The stages that turn documents into what weights are fitted to; the others curate or measure."""

Keys = Sequence[ec.EllipticCurvePublicKey]


class SignedChain(NamedTuple):
    """What the signed chain of a checkpoint says of its documents."""

    root: Path
    """Where `lineage/` is."""
    checkpoint: Checkpoint
    tables: dict[str, Table]
    """By path, makers before users."""
    trained_on: frozenset[str]
    """The tables that a stage of TRAINING_READERS reads."""


class Answer(NamedTuple):
    """What a proof shows, table by table."""

    checkpoint: Checkpoint
    standings: list[Standing]
    trained_on: frozenset[str]

    def is_in(self) -> bool:
        """Whether the document is in a table that weights were fitted to."""
        return any(standing.present_as for standing in self.standings if standing.table in self.trained_on)

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return {"checkpoint": self.checkpoint._asdict(), "in_training_text": self.is_in(),
                "tables": [{"table": standing.table, "stage": standing.stage,
                            "training_text": standing.table in self.trained_on,
                            "present_as": list(standing.present_as)} for standing in self.standings]}

    def lines(self) -> list[str]:
        """For people: one line a table, then the verdict."""
        shown = [f"{'IN' if s.present_as else 'NOT IN':<7} {s.table}"
                 + (f" (as {', '.join(s.present_as)})" if s.present_as else "")
                 + ("  <- training text" if s.table in self.trained_on else "") for s in self.standings]
        verdict = "IS" if self.is_in() else "IS NOT"
        return [*shown, f"the document {verdict} in the training text of {self.checkpoint.name} "
                        f"(sha256 {self.checkpoint.digest[:16]}...)"]


def prove(file: Path, target: Path, roots: Keys) -> tuple[bytes, Answer]:
    """The proof about `file` for the checkpoint at `target`, already checked, and what it shows.

    Raises:
        BadInput: a table or the secret is missing, or is not the one of the recorded run.
        NotVerified: the chain does not hold.
    """
    chain = read_chain(target, roots)
    data, secret = _read(file), merkle_secret(make=False)
    proof = json_bytes(make_proof(data, chain.checkpoint, [_planted(chain.root, table, secret)
                                                           for table in chain.tables.values()]))
    return proof, _answer(proof, data, chain)


def check(proof: Path, file: Path, target: Path, roots: Keys) -> Answer:
    """What `proof` shows about `file` in the checkpoint or release folder `target`.

    Raises:
        BadInput: a file is missing.
        NotVerified: the chain or the proof does not hold.
    """
    chain = read_chain(target, roots)
    return _answer(_read(proof, at_most=MAX_PROOF_BYTES), _read(file), chain)


def _answer(proof: bytes, data: bytes, chain: SignedChain) -> Answer:
    return Answer(chain.checkpoint, check_proof(proof, data, chain.checkpoint, chain.tables), chain.trained_on)


def _planted(root: Path, table: Table, secret: bytes) -> Planted:
    if not (root / table.path).is_dir():
        raise BadInput(str(root / table.path), "not here, and a proof needs every table upstream",
                       do="`dvc pull` fetches it")
    function, tree = plant(root, table.path, secret)
    found = head_digest(head_of(function, tree))
    if found != table.merkle_root:
        raise BadInput(str(root / table.path), f"its tree is not the one that stage {table.stage} recorded",
                       wanted=table.merkle_root, got=found,
                       do="restore the rows and the merkle.key of the recorded run")
    return Planted(table, function, tree)


def read_chain(target: Path, roots: Keys) -> SignedChain:
    """The chain signed with a checkpoint (`models/rs_sft` in its tree) or in a release folder: checks 1 to 3.

    Raises:
        BadInput: nothing signed is there.
        NotVerified: a check fails.
    """
    root, folder = _locate(target)
    chain = _chain_claim(folder / "claims.jsonl", _attesters(folder / "keyring.json", roots))
    [subject] = chain["subject"]
    tables: dict[str, Table] = {}
    read: dict[str, set[str]] = {}
    for entry in chain["predicate"]["stages"]:
        statement = _statement(root, entry["stage"], entry["statement"]["sha256"])  # 2
        name = f"lineage/{entry['stage']}/statement.json"
        tables |= {table.path: table for table in document_tables(statement, name)}  # 3
        read[entry["stage"]] = {material.path for material in read_run(statement, name).materials
                                if is_document_table(material.path)}
    unrecorded = set().union(*read.values()) - set(tables)
    if unrecorded:
        raise NotVerified(str(target), "the chain leaves out who made a table that it reads",
                          wanted="the statement with it as a product", got=", ".join(sorted(unrecorded)))
    trained_on = set().union(*(paths for stage, paths in read.items() if stage.split("@")[0] in TRAINING_READERS))
    if not trained_on:
        raise NotVerified(str(target), "no training text in its chain",
                          wanted="a table of documents read by one of " + ", ".join(sorted(TRAINING_READERS)))
    return SignedChain(root, Checkpoint(subject["name"], subject["digest"]["sha256"]), tables, frozenset(trained_on))


def _locate(target: Path) -> tuple[Path, Path]:
    """(folder that holds `lineage/`, attestation folder) of a release folder or of a checkpoint in its tree."""
    beside = target.resolve().parent / f"{target.resolve().name}.attestation"
    for root, folder in ((target, target / "attestation"), (target.resolve().parent.parent, beside)):
        if (folder / "claims.jsonl").is_file():
            return root, folder
    raise BadInput(str(target), "neither a release folder nor a checkpoint with an attestation beside it",
                   do="name what `pedigree release` made, or a folder such as models/rs_sft")


def _attesters(keyring: Path, roots: Keys) -> Keys:
    """Check 1: retired keys count, revoked ones do not. When a key was retired is `pedigree verify`'s to judge."""
    return open_keyring(_read(keyring), list(roots), keyring.name).functionaries(ATTESTER)


def _chain_claim(claims: Path, keys: Keys) -> Any:
    """Check 1: the one chain among the claims; lines of other kinds may be signed by whom they like."""
    found, refused = [], []
    for number, line in enumerate(_read(claims).splitlines(), start=1):
        name = f"{claims.name}:{number}"
        try:
            statement = parse_json(open_bundle(line, list(keys), name), name)
        except NotVerified as err:
            refused.append(err)
            continue
        if isinstance(statement, dict) and statement.get("predicateType") == CHAIN_TYPE:
            found.append(statement)
    if len(found) != 1:
        raise refused[0] if refused and not found else NotVerified(
            str(claims), "not exactly one chain signed by an accepted key", got=str(len(found)))
    return found[0]


def _statement(root: Path, stage: str, digest: str) -> bytes:
    """Check 2."""
    path = root / "lineage" / stage / "statement.json"
    if not is_inside(stage) or not path.is_file():
        raise NotVerified(f"lineage/{stage}/statement.json", "statement missing", wanted=f"sha256 {digest}")
    content = _read(path)
    if sha256(content) != digest:
        raise NotVerified(f"lineage/{stage}/statement.json", "is not the statement that was signed",
                          wanted=digest, got=sha256(content))
    return content


def _read(path: Path, *, at_most: int | None = None) -> bytes:
    """A file's bytes; of a longer file, one byte more than `at_most`, for the check to refuse."""
    try:
        with path.open("rb") as stream:
            return stream.read() if at_most is None else stream.read(at_most + 1)
    except OSError as err:
        raise BadInput(str(path), f"not readable ({err.strerror})") from err
