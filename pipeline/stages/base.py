"""One candidate base model: from scratch, from the hub at a pinned revision, or from a folder.

Reads   source      scratch: DOCUMENTS + `split` (only `train` is used); hub: a pin
                    (`pipeline.schema.pin`); local: a folder with config, tokenizer, safetensors
Writes  out         a full checkpoint, safetensors only
        metrics     kind, licence, parameters; for a scratch base its text and training
"""

import shutil
from pathlib import Path
from typing import NamedTuple

from pipeline.lm.chatml import adopt_chatml
from pipeline.lm.checkpoint import check_complete, copy_checkpoint
from pipeline.lm.determinism import numeric_platform
from pipeline.lm.hub import fetch_pinned, read_pin
from pipeline.lm.load import load_tokenizer
from pipeline.lm.save import read_json
from pipeline.schema.base import Base, HubBase, LocalBase, ScratchBase
from pipeline.schema.env import Env
from pipeline.schema.errors import BadInput
from pipeline.stage.outputs import output_dir, work_folder, write_json
from pipeline.stage.params import load_section
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table
from pipeline.train.causal import RESULT
from pipeline.train.resume import resume_folder, training_identity
from pipeline.train.scratch import prepare_scratch
from pipeline.train.worker import run_job

SCRATCH_LICENCE = "the licences of the general text, see its `licence` column"


class Facts(NamedTuple):
    """What a stage's record says about a base, as JSON values."""

    shown: dict[str, object]
    """For the metrics."""
    resolved: dict[str, object]
    """For the lineage record."""


def main(candidate: str, source: Path, out: Path, metrics: Path, params: Base) -> dict[str, object]:
    """Make candidate `candidate` as its section of params says."""
    if candidate not in params.candidates:
        raise BadInput("params.yaml", f"`base.candidates` has no `{candidate}`", wanted=str(sorted(params.candidates)))
    wanted = params.candidates[candidate]
    if isinstance(wanted, ScratchBase):
        facts = train_scratch(source, out, wanted)
    else:
        facts = take_hub(source, out, wanted) if isinstance(wanted, HubBase) else take_local(source, out, wanted)
    write_json(metrics, {"candidate": candidate, "kind": wanted.kind, **facts.shown})
    return {"platform": numeric_platform(), **facts.resolved}


def train_scratch(source: Path, out: Path, params: ScratchBase) -> Facts:
    """Train tokenizer and model on the train split of `source`."""
    documents = read_table(source).filter(split="train")
    if not documents.height:
        raise BadInput(str(source), "no document is in the train split", do="see general_text in params.yaml")
    with resume_folder(out, training_identity("base", params, {"source": source})) as state:
        job = prepare_scratch(documents, params, state, load_section(Env, "env").threads)
        run_job(job)
        result = read_json(Path(job.out) / RESULT)
        with output_dir(out) as scratch:
            shutil.copytree(Path(job.out) / "model", scratch, dirs_exist_ok=True)
    num_bytes = int(documents["text"].str.len_bytes().sum())
    settings, curve = result.pop("settings"), result.pop("curve")
    training = {**result, "first_loss": curve[0]["loss"], "last_loss": curve[-1]["loss"]}
    return Facts({"licence": SCRATCH_LICENCE, "documents": documents.height, "bytes": num_bytes,
                  "training": training}, {"trainer": settings})


def take_hub(source: Path, out: Path, params: HubBase) -> Facts:
    """Fetch what the pin at `source` names."""
    pin = read_pin(source)
    with work_folder(out) as fetched:
        fetch_pinned(pin, fetched)
        write_base(fetched, out, params.chat)
    origin = {"licence": pin.licence, "repo": pin.repo, "revision": pin.revision}
    return Facts({**origin}, {**origin, "files": pin.files})


def take_local(source: Path, out: Path, params: LocalBase) -> Facts:
    """Copy the model in the folder `source`."""
    check_complete(source)
    write_base(source, out, params.chat)
    return Facts({"licence": params.licence}, {"licence": params.licence})


def write_base(source: Path, out: Path, chat: str) -> None:
    """Write a checked model folder to `out`, as it is or with the pipeline's chat template."""
    with output_dir(out) as scratch:
        if chat == "keep":
            copy_checkpoint(source, scratch)
        else:
            adopt_chatml(source, scratch)
        if load_tokenizer(scratch).eos_token_id is None:
            raise BadInput(str(source), "its tokenizer has no end-of-text token, so documents cannot be ended",
                           do="set `chat: chatml`, which adds one")


if __name__ == "__main__":
    run_stage(main, Base)
