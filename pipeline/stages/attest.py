"""Stage `attest`: sign what is known of one checkpoint.

Reads   --checkpoint  folder of the model
        --evaluation  its metrics.json;  --gate its gate.json;  --card folder of its model card
        --lineage     every stage's record
Writes  --out         folder: model.sig      OpenSSF Model Signing bundle over the checkpoint's files
                              claims.jsonl   one Sigstore bundle a line: provenance, chain,
                                             test result, CycloneDX ML-BOM, card
                              root.layout    in-toto layout of every stage upstream
                              keyring.json   which key had which role, signed by the keyring's root key
                              key.pub        the public half of the key that signed (a hint, not a root of trust)

Not a recorded stage: it reads `lineage/`, and what it writes is signed. The same records and the
same key give the same bytes.
"""

import json
from pathlib import Path

from pipeline.lineage.bom import Parts, bom_statement, materials_of
from pipeline.lineage.chain import Run, chain_statement, close_chain, upstream
from pipeline.lineage.claims import (
    committed_thresholds,
    model_signing_statement,
    reference_statement,
    test_result_statement,
)
from pipeline.lineage.keyring import Keyring
from pipeline.lineage.layout import Step, build_layout, sign_layout
from pipeline.lineage.links import open_links
from pipeline.lineage.roles import ATTESTER, ROLES, role_of_stage
from pipeline.lineage.sign import key_hint, public_pem, sign_bundle
from pipeline.schema.attest import Attest
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.hashing import Artefact, file_sha256, hash_artefact
from pipeline.stage.keyring import current_key, current_keyring, signed_keyring
from pipeline.stage.outputs import json_bytes, output_dir
from pipeline.stage.params import read_json
from pipeline.stage.records import Record, read_records
from pipeline.stage.run import run_stage


def main(checkpoint: Path, evaluation: Path, gate: Path, card: Path, lineage: Path, out: Path, params: Attest) -> None:
    keyring = current_keyring()
    key = current_key(ATTESTER, keyring)
    model = hash_artefact(checkpoint)
    records = read_records(lineage)
    runs = {stage: record.run for stage, record in records.items()}
    maker = records[producer_of(model, runs)]
    signer = f"sha256:{key_hint(key.public_key())}"
    judged = [model.path, evaluation.as_posix(), gate.as_posix()]
    steps = [step_of(records[stage], keyring) for stage in upstream(judged, runs)]
    layout = build_layout(steps, {role: keyring.functionaries(role) for role in ROLES if role != ATTESTER},
                          params.threshold, params.expires)
    claims = [
        maker.statement,
        json_bytes(chain_statement(model.path, model.digest, close_chain(judged, runs))),
        json_bytes(verdict_statement(model, evaluation, gate, runs)),
        json_bytes(bom_statement(parts_of(model, maker, runs, evaluation, card))),
        json_bytes(reference_statement({model.path: model.digest}, file_digests(card), signer)),
    ]
    with output_dir(out) as folder:
        (folder / "claims.jsonl").write_bytes(b"".join(sign_bundle(claim, key) for claim in claims))
        oms = json_bytes(model_signing_statement(checkpoint.name, model.entries))
        (folder / "model.sig").write_bytes(sign_bundle(oms, key))
        (folder / "root.layout").write_bytes(sign_layout(layout, key))
        (folder / "keyring.json").write_bytes(signed_keyring())
        (folder / "key.pub").write_bytes(public_pem(key.public_key()))


def step_of(record: Record, keyring: Keyring) -> Step:
    """The stage's step of the layout; links of others, when it asks for more than one, come with the release.

    Raises:
        NotVerified: no link by a key of the stage's role, or one that disagrees with the record.
    """
    folder = f"lineage/{record.run.stage}"
    role = role_of_stage(record.run.stage)
    links = open_links(record.files, record.run, keyring.functionaries(role), folder)
    if not links:
        raise NotVerified(folder, f"no link by a key of role {role}", do="run the stage again to sign it")
    return Step(record.run, links[0])


def producer_of(model: Artefact, runs: dict[str, Run]) -> str:
    """The stage whose record has these very bytes as its product.

    Raises:
        NotVerified: nobody claims the artefact, or its bytes are not the recorded ones.
    """
    for stage, run in runs.items():
        if model.path in run.products:
            if run.products[model.path] != model.digest:
                raise NotVerified(model.path, f"is not what stage {stage} recorded", wanted=run.products[model.path],
                                  got=model.digest, do="`dvc repro` rebuilds it; nothing was signed")
            return stage
    raise NotVerified(model.path, "no lineage record has it as a product", do="`dvc repro` makes one")


def maker_of(path: Path, runs: dict[str, Run]) -> Run:
    """The run that has the file as a product.

    Raises:
        NotVerified: none has.
    """
    return runs[upstream([path.as_posix()], runs)[-1]]


def verdict_statement(model: Artefact, evaluation: Path, gate: Path, runs: dict[str, Run]) -> dict[str, object]:
    """The gate's verdict, bound to the checkpoint, the measurements it rests on and the thresholds before them."""
    verdict = read_json(gate)
    try:
        outcomes = {name: check["verdict"] for name, check in verdict["checks"].items()}
        overall = verdict["verdict"]
    except (KeyError, TypeError, AttributeError) as err:
        raise BadInput(str(gate), f"not a gate's verdict ({err})", do="run the stage `gate` again") from err
    thresholds = committed_thresholds(maker_of(evaluation, runs), maker_of(gate, runs))
    measurements = {path.as_posix(): file_sha256(path) for path in (evaluation, gate)}
    return test_result_statement({model.path: model.digest}, overall, thresholds, measurements, outcomes)


def parts_of(model: Artefact, maker: Record, runs: dict[str, Run], evaluation: Path, card: Path) -> Parts:
    """What the parts list names: licence as the card has it, packages as the record of its stage has them."""
    environment = json.loads(maker.statement)["predicate"]["buildDefinition"]["internalParameters"]["environment"]
    facts = read_json(card / "card.json")
    try:
        licence = facts["facts"]["licence"]
    except (KeyError, TypeError) as err:
        raise BadInput(f"{card}/card.json", "names no licence", do="run the stage `card` again") from err
    return Parts(model.path, model.digest, model.entries, materials_of(model.path, runs), environment["packages"],
                 licence, read_json(evaluation))


def file_digests(folder: Path) -> dict[str, str]:
    """Path from the repository root -> sha256, for every file of a folder."""
    return {f"{folder.as_posix()}/{name}": digest for name, digest in hash_artefact(folder).entries.items()}


if __name__ == "__main__":
    run_stage(main, Attest, recorded=False)
