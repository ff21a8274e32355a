"""Write `lineage/<stage>/`: manifests and one in-toto statement, the same bytes on every rebuild.

    <artefact>.sha256sums   sorted manifest of one product; its sha256 is the product's digest
    code.sha256sums         the stage's own code closure
    statement.json          in-toto Statement v1, SLSA provenance v1 (see `pipeline.lineage.statement`)
    <stage>.<keyid8>.link   in-toto link over all of these, signed by the key of the stage's role

No clock, host, process id or absolute path goes in. The statement names its materials by digest
and by the stage that made them; the sha256 of these stages' statements is added by `attest`, which
closes the hash chain. Were it in here, a comment edited in a curation stage would retrain every
model below it although not one byte of their inputs had changed.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pipeline.lineage.manifest import manifest_text, tree_digest
from pipeline.lineage.statement import Material, Product, provenance_statement
from pipeline.stage.declared import Declared
from pipeline.stage.env import environment_record
from pipeline.stage.hashing import Artefact
from pipeline.stage.link import write_link
from pipeline.stage.outputs import output_dir, write_json

UNOBSERVED = {"hermetic": False, "method": "none", "network": "open", "elsewhere": []}


def write_record(folder: Path, declared: Declared, materials: dict[str, Artefact],
                 products: dict[str, Artefact], resolved: dict[str, object],
                 observation: Mapping[str, object] = UNOBSERVED,
                 merkle_roots: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write the record of one run of `declared` into `folder`.

    Args:
        observation: how the run was watched (`pipeline.stage.confined`); the same on every machine that
            can enforce the same.
        merkle_roots: of its document tables.
    """
    code = {path: materials[path].digest for path in declared.code}
    statement = provenance_statement(
        stage=declared.name, cmd=declared.cmd, params=declared.params, resolved=resolved,
        environment=environment_record(), observation=observation, code_digest=tree_digest(code),
        materials=[Material(path, materials[path].digest, declared.producers.get(path, ""))
                   for path in declared.materials],
        products=[Product(artefact.path, manifest_name(artefact.path), artefact.digest, artefact.entries,
                          artefact.num_bytes, artefact.is_dir, merkle_roots.get(artefact.path, ""))
                  for artefact in products.values()],
    )
    with output_dir(folder) as scratch:
        for artefact in products.values():
            (scratch / manifest_name(artefact.path)).write_bytes(manifest_text(artefact.entries))
        (scratch / "code.sha256sums").write_bytes(manifest_text(code))
        write_json(scratch / "statement.json", statement)
        write_link(scratch, declared, materials, products)


def manifest_name(artefact: str) -> str:
    """The manifest file of a product: `models/sft.eval/answers` -> `models.sft.eval.answers.sha256sums`."""
    return artefact.replace("/", ".") + ".sha256sums"
