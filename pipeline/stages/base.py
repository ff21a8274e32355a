"""One candidate base model: from scratch, from the hub at a pinned revision, or from a folder.

Reads   source      scratch: DOCUMENTS + `split` (only `train` is used); hub: a pin
                    (`pipeline.schema.pin`); local: a folder with config, tokenizer, safetensors
Writes  out         a full checkpoint, safetensors only
        metrics     kind, licence, parameters; for a scratch base its training and loss curve
"""

import json
import shutil
from pathlib import Path

from pipeline.lm.chatml import adopt_chatml
from pipeline.lm.checkpoint import check_complete, copy_checkpoint
from pipeline.lm.determinism import configure, numeric_platform
from pipeline.lm.hub import fetch_pinned, read_pin
from pipeline.schema.base import Base, HubBase, LocalBase, ScratchBase
from pipeline.schema.env import Env
from pipeline.schema.errors import BadInput
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.params import load_section
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table
from pipeline.train.causal import RESULT
from pipeline.train.resume import resume_folder, training_identity
from pipeline.train.scratch import prepare_scratch
from pipeline.train.worker import run_job

SCRATCH_LICENCE = "the licences of the general text, see its `licence` column"


def main(candidate: str, source: Path, out: Path, metrics: Path, params: Base) -> dict[str, object]:
    """Make candidate `candidate` as its section of params says."""
    if candidate not in params.candidates:
        raise BadInput("params.yaml", f"`base.candidates` has no `{candidate}`", wanted=str(sorted(params.candidates)))
    wanted = params.candidates[candidate]
    if isinstance(wanted, ScratchBase):
        facts = train_scratch(source, out, wanted)
    else:
        facts = take_hub(source, out, wanted) if isinstance(wanted, HubBase) else take_local(source, out, wanted)
    write_json(metrics, {"candidate": candidate, "kind": wanted.kind, **facts})
    return {"platform": numeric_platform(), **{key: facts[key] for key in ("licence", "hub") if key in facts}}


def train_scratch(source: Path, out: Path, params: ScratchBase) -> dict[str, object]:
    """Train tokenizer and model on the train split of `source`; facts about it for the metrics."""
    documents = read_table(source).filter(split="train")
    if not documents.height:
        raise BadInput(str(source), "no document is in the train split", do="see general_text in params.yaml")
    with resume_folder(out, training_identity("base", params, {"source": source})) as state:
        job = prepare_scratch(documents, params, state, load_section(Env, "env").threads)
        run_job(job)
        result = json.loads((Path(job.out) / RESULT).read_text(encoding="utf-8"))
        with output_dir(out) as scratch:
            shutil.copytree(Path(job.out) / "model", scratch, dirs_exist_ok=True)
    num_bytes = int(documents["text"].str.len_bytes().sum())
    return {"licence": SCRATCH_LICENCE, "documents": documents.height, "bytes": num_bytes, "training": result}


def take_hub(source: Path, out: Path, params: HubBase) -> dict[str, object]:
    """Fetch what the pin at `source` names."""
    pin = read_pin(source)
    with output_dir(out.with_name(f".{out.name}.fetched")) as fetched:
        fetch_pinned(pin, fetched)
        write_base(fetched, out, params.chat)
    shutil.rmtree(out.with_name(f".{out.name}.fetched"))
    return {"licence": pin.licence, "hub": {"repo": pin.repo, "revision": pin.revision, "files": pin.files}}


def take_local(source: Path, out: Path, params: LocalBase) -> dict[str, object]:
    """Copy the model in the folder `source`."""
    check_complete(source)
    write_base(source, out, params.chat)
    return {"licence": params.licence}


def write_base(source: Path, out: Path, chat: str) -> None:
    """Write a checked model folder to `out`, as it is or with the pipeline's chat template."""
    with output_dir(out) as scratch:
        if chat == "keep":
            copy_checkpoint(source, scratch)
        else:
            configure(0, load_section(Env, "env").threads)
            adopt_chatml(source, scratch, seed=0)


if __name__ == "__main__":
    run_stage(main, Base)
