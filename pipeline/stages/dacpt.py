"""Domain-adaptive continued pre-training: causal language modelling on packed rows, with replay.

Reads   base        a full checkpoint
        rows        `pipeline.schema.pack.ROWS`
        documents   DOCUMENTS + `split`, `origin`; its held-out domain documents are measured
        general     DOCUMENTS + `split`; its held-out documents are measured
Writes  out         a full checkpoint
        metrics     held-out perplexity before and after, in-domain and general, with counts
        curve       CSV: step, loss (nats per token), lr
"""

import shutil
from pathlib import Path

from pipeline.lm.average import share_weights
from pipeline.lm.determinism import configure, numeric_platform
from pipeline.lm.heldout import held_out_scores, heldout_sample
from pipeline.lm.load import load_model, load_tokenizer, stored_dtype
from pipeline.lm.save import read_json, save_model
from pipeline.schema.dacpt import Dacpt
from pipeline.schema.env import Env
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.params import load_section
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table
from pipeline.train.causal import DTYPES, RESULT, CausalJob
from pipeline.train.curve import write_curve
from pipeline.train.resume import resume_folder, training_identity
from pipeline.train.worker import run_causal


def main(base: Path, rows: Path, documents: Path, general: Path, out: Path, metrics: Path, curve: Path,
         params: Dacpt) -> dict[str, object]:
    """Train `base` on `rows`; measure both on the held-out documents."""
    threads, dtype = load_section(Env, "env").threads, DTYPES[params.training.weights]
    sets = {"in_domain": heldout_sample(read_table(documents).filter(origin="domain"), params.measure),
            "general": heldout_sample(read_table(general), params.measure)}
    identity = training_identity("dacpt", params, {"base": base, "rows": rows})
    with resume_folder(out, identity) as state:
        result = Path(state) / "trained"
        run_causal(CausalJob(base=str(base), rows=str(rows), state=str(state), out=str(result), threads=threads,
                          training=params.training))
        configure(params.training.seed, threads)
        tokenizer = load_tokenizer(base)
        with output_dir(out) as scratch:
            write_final(base, result / "model", params.base_share, scratch)
            scores = {}
            for when, folder in (("before", base), ("after", scratch)):
                model = load_model(folder, dtype, spread=True)
                scores[when] = held_out_scores(model, tokenizer, sets, params.measure, when)
        training = read_json(result / RESULT)
        settings = training.pop("settings")
        write_curve(curve, training.pop("curve"))
        write_json(metrics, {**scores, "change": change(scores), "training": training})
    return {"platform": numeric_platform(), "trainer": settings}


def write_final(base: Path, trained: Path, base_share: float, folder: Path) -> None:
    """Write the trained model to `folder`, or the weights between it and the base."""
    if base_share == 0:
        shutil.copytree(trained, folder, dirs_exist_ok=True)
        return
    dtype = stored_dtype(trained)
    model = load_model(trained, dtype)
    share_weights(model, load_model(base, dtype), base_share)
    save_model(model, load_tokenizer(trained), folder)


def change(scores: dict[str, dict[str, dict[str, float]]]) -> dict[str, float]:
    """Relative change of perplexity, -0.3 for a fall by 30%."""
    return {name: after["perplexity"] / scores["before"][name]["perplexity"] - 1
            for name, after in scores["after"].items()}


if __name__ == "__main__":
    run_stage(main, Dacpt)
