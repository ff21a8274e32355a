"""`pedigree release`: one self-contained folder for an auditor who has nothing else.

    model/  card/  attestation/          the checkpoint, its card, what is signed of it
    evaluation/{metrics,gate}.json       what the signed verdict rests on
    lineage/<stage>/                     the record of every stage upstream; dataset manifests stay here
    products/<path>                      the other outs of the checkpoint's own stage
    base/  keyless/                      only on request: the model that an adapter sits on; Sigstore bundles
    policy.yaml  VERIFY.md               a policy to start from; exact commands, for our tool and four others

Order: the parts are gathered beside the target, the gathered folder is verified with the suggested
policy, then renamed. So a release is whole or does not exist, and what does not verify is not released.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.audit.checks.case import Depth, judged
from pipeline.audit.checks.folder import KEYLESS
from pipeline.audit.checks.policy import accepted_by, read_policy
from pipeline.audit.checks.scene import open_release
from pipeline.audit.release_guide import Guide, guide_text
from pipeline.audit.release_links import check_in_step, links_of
from pipeline.audit.release_policy import Facts, policy_text, read_claims
from pipeline.audit.verify import Demands, verify_scene
from pipeline.lineage.chain import Run, upstream
from pipeline.lineage.keyring import Keyring, open_keyring
from pipeline.lineage.layout import open_layout
from pipeline.lineage.sign import load_public_key
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.keyring import current_keyring, root_key
from pipeline.stage.outputs import output_dir
from pipeline.stage.params import read_json
from pipeline.stage.record import manifest_name
from pipeline.stage.records import STATEMENT, Record, read_records

ADAPTER = "adapter_config.json"


class Options(NamedTuple):
    """What a release holds beyond the least."""

    with_base: bool = False
    """Also the model that an adapter sits on."""
    with_manifests: bool = False
    """Also the datasets' manifests: they name every file of the lake."""
    links: tuple[Path, ...] = ()
    """`lineage/` folders of others who rebuilt the same bytes and signed them."""


def release(root: Path, checkpoint: str, out: Path, options: Options,
            add: Callable[[Path], None] | None = None) -> None:
    """Write the release of `checkpoint` (e.g. `models/rs_sft`) of the tree at `root` to `out`.

    Args:
        add: adds to the gathered folder what a rebuild cannot reproduce: identity and time.

    Raises:
        BadInput: `out` exists, there is no local root key, or a part of the release is not there.
        NotVerified: the release would not verify.
    """
    if out.exists():
        raise BadInput(str(out), "exists", do="a release is never overwritten; name a new folder")
    own_root = root_key(make=False).public_key()
    records = read_records(root / "lineage")
    runs = {name: record.run for name, record in records.items()}
    stages = [records[stage] for stage in upstream(judged(checkpoint), runs)]
    maker = next(record.run for record in stages if checkpoint in record.run.products)
    base = base_of(root / checkpoint, maker)
    with output_dir(out) as folder:
        _gather_parts(root, checkpoint, maker, folder)
        facts = _facts(folder / "attestation", own_root, [record.run for record in stages])
        check_in_step(facts.keyring, current_keyring(make=False), f"{checkpoint}.attestation/keyring.json", checkpoint)
        for record in stages:
            _gather_record(record, folder / "lineage" / record.run.stage, options, facts.keyring)
        if base and options.with_base:
            shutil.copytree(root / base, folder / "base")
        if add is not None:
            add(folder)
        guide = Guide(checkpoint, maker, base, facts.runs, keyless=(folder / KEYLESS).is_dir())
        (folder / "VERIFY.md").write_text(guide_text(guide), encoding="utf-8")
        (folder / "policy.yaml").write_text(policy_text(facts), encoding="utf-8")
        _refuse_unverified(folder, checkpoint, own_root)


def _facts(attestation: Path, root: ec.EllipticCurvePublicKey, runs: list[Run]) -> Facts:
    attester = load_public_key((attestation / "key.pub").read_bytes(), "attestation/key.pub")
    layout: Any = open_layout((attestation / "root.layout").read_bytes(), [attester], "attestation/root.layout")
    keyring = open_keyring((attestation / "keyring.json").read_bytes(), [root], "attestation/keyring.json")
    return Facts(root, keyring, max(step["threshold"] for step in layout["steps"]),
                 read_claims((attestation / "claims.jsonl").read_bytes()), runs)


def _refuse_unverified(folder: Path, checkpoint: str, root: ec.EllipticCurvePublicKey) -> None:
    policy = read_policy(folder / "policy.yaml")
    findings = verify_scene(open_release(folder), Demands(accepted_by(policy, [root], folder), policy), whole=False,
                            depth=Depth.DEEP)
    if findings.failures:
        first = findings.failures[0]
        raise NotVerified(checkpoint, f"would not verify: {first.where} (stage {first.stage}) {first.what}",
                          wanted=first.wanted, got=first.got,
                          do=f"mend all {len(findings.failures)} failures; `pedigree verify {checkpoint}` lists them")


def _gather_parts(root: Path, checkpoint: str, maker: Run, folder: Path) -> None:
    places = {checkpoint: "model", f"{checkpoint}.card": "card", f"{checkpoint}.attestation": "attestation",
              f"{checkpoint}.eval/metrics.json": "evaluation/metrics.json",
              f"{checkpoint}.gate/gate.json": "evaluation/gate.json"}
    places |= {path: f"products/{path}" for path in maker.products if path != checkpoint}
    for path, place in places.items():
        _copy(root / path, folder / place)


def _copy(source: Path, target: Path) -> None:
    if not source.exists():
        raise BadInput(str(source), "is not here, so it cannot be released", do="`dvc pull` or `dvc repro` brings it")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _gather_record(record: Record, folder: Path, options: Options, keyring: Keyring) -> None:
    """One stage: its record without manifests of data folders unless asked for, and its links."""
    kept_back = set() if options.with_manifests else {
        manifest_name(path) for path in record.run.folders if path.startswith("data/")}
    files = {name: text for name, text in record.files.items() if name not in kept_back and not name.endswith(".link")}
    folder.mkdir(parents=True)
    for name, text in (files | {STATEMENT: record.statement} | links_of(record, options.links, keyring)).items():
        (folder / name).write_bytes(text)


def base_of(model: Path, maker: Run) -> str:
    """The recorded path of the full model that an adapter names by digest; "" for a full model.

    Raises:
        NotVerified: the stage that made the adapter read no such model.
    """
    if not (model / ADAPTER).is_file():
        return ""
    named = str(read_json(model / ADAPTER).get("base_model_name_or_path", "")).removeprefix("sha256:")
    for material in maker.materials:
        if material.digest == named:
            return material.path
    raise NotVerified(f"{model}/{ADAPTER}", f"names a base that stage {maker.stage} did not read", got=named,
                      wanted=" or ".join(item.digest for item in maker.materials if item.role != "dataset"))
