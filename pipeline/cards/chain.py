"""What a card needs of the lineage: a checkpoint's stages, where their statements say what, which files to trust.

A file named by the lineage is read only after its digest was found to be the recorded one: the card
then rests on `lineage/` alone, even for files that are not its declared inputs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.cards.sources import token
from pipeline.lineage.chain import Run, upstream
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.params import read_json

TRAINED = ("base", "dacpt", "sft", "dpo", "rs_sft")
"""Stages that train weights, without their `@` part."""


class Chain(NamedTuple):
    """The lineage of one checkpoint."""

    folder: Path
    runs: Mapping[str, Run]
    checkpoint: str
    stages: list[str]
    """Every stage upstream, makers before users."""
    maker: str
    """The stage that wrote the checkpoint."""

    def statement(self, stage: str) -> str:
        """Path of a stage's statement."""
        return (self.folder / stage / "statement.json").as_posix()

    def digest_pointer(self, stage: str, product: str) -> str:
        """Source of a product's digest in its maker's statement."""
        subjects = read_json(Path(self.statement(stage)))["subject"]
        index = next(number for number, subject in enumerate(subjects) if subject["name"] == product)
        return f"{self.statement(stage)}#/subject/{index}/digest/sha256"

    def material_pointer(self, stage: str, material: str) -> str:
        """Source of a material's digest in the statement of the stage that read it."""
        names = [item["name"] for item in self._definition(stage)["resolvedDependencies"]]
        return f"{self.statement(stage)}#{DEFINITION}/resolvedDependencies/{names.index(material)}/digest/sha256"

    def params_pointer(self, stage: str, section: str) -> str:
        """Source of a section of params.yaml, or of the part the stage declares, as it ran with it."""
        declared = self._definition(stage)["externalParameters"]["params"]
        key = next((key for key in sorted(declared) if key.startswith(f"{section}.")), section)
        return f"{self.statement(stage)}#{DEFINITION}/externalParameters/params/{token(key)}"

    def resolved(self, stage: str) -> dict[str, Any]:
        """The resolved configuration that a stage recorded."""
        found = self._definition(stage)["internalParameters"]["resolved"]
        assert isinstance(found, dict)
        return found

    def resolved_pointer(self, stage: str, *keys: str) -> str:
        """Source of an entry of the resolved configuration."""
        return f"{self.statement(stage)}#{DEFINITION}/internalParameters/resolved/{'/'.join(map(token, keys))}"

    def trained(self) -> list[str]:
        """The training stages upstream, in order."""
        return [stage for stage in self.stages if stage.partition("@")[0] in TRAINED]

    def trusted(self, path: str) -> str:
        """`path`, after checking that its bytes are those the lineage records for it.

        Raises:
            BadInput: no stage makes it.
            NotVerified: other bytes are there.
        """
        for run in self.runs.values():
            if path in run.products:
                found = hash_artefact(Path(path)).digest
                if found != run.products[path]:
                    raise NotVerified(path, f"is not what stage {run.stage} recorded", wanted=run.products[path],
                                      got=found, do="`dvc repro` or `dvc checkout` restores it")
                return path
        raise BadInput(path, "no lineage record has it as a product", do="`dvc repro` makes one")

    def product(self, stage: str, ending: str) -> str | None:
        """The stage's only product with this ending, or None."""
        found = [path for path in self.runs[stage].products if path.endswith(ending)]
        return found[0] if len(found) == 1 else None

    def _definition(self, stage: str) -> dict[str, Any]:
        definition = read_json(Path(self.statement(stage)))["predicate"]["buildDefinition"]
        assert isinstance(definition, dict)
        return definition


DEFINITION = "/predicate/buildDefinition"


def chain_of(checkpoint: Path, folder: Path, runs: Mapping[str, Run]) -> Chain:
    """The chain behind `checkpoint`, whose bytes are checked against it.

    Raises:
        NotVerified: nobody recorded the checkpoint, or it has other bytes.
    """
    stages = upstream([checkpoint.as_posix()], runs)
    chain = Chain(folder, runs, checkpoint.as_posix(), stages, stages[-1])
    chain.trusted(checkpoint.as_posix())
    return chain


def is_adapter(folder: str) -> bool:
    """Whether the folder holds a LoRA adapter."""
    return Path(folder, "adapter_config.json").is_file()


def weights_of(folder: str) -> list[str]:
    """Weight files of a checkpoint, sorted.

    Raises:
        BadInput: there is none.
    """
    found = sorted(path.as_posix() for path in Path(folder).glob("*.safetensors"))
    if not found:
        raise BadInput(folder, "holds no weights", wanted="*.safetensors", do="`dvc repro` makes them")
    return found
