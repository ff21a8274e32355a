"""Rank the candidate bases on held-out in-domain text, before any training; keep the best.

Candidates have different tokenizers, so they are ranked by bits per byte of text: perplexity per
token rewards a vocabulary of short tokens. Perplexity per byte (2 ** bits per byte) ranks the same.

Reads   bases       one full checkpoint a folder
        documents   DOCUMENTS + `split`, `origin`; held-out domain documents are measured
Writes  out         the winner, byte for byte
        metrics     the ranking, best first, with the number of documents, tokens and bytes
"""

import shutil
from pathlib import Path

from pipeline.lm.determinism import configure, numeric_platform
from pipeline.lm.heldout import held_out_scores, heldout_sample
from pipeline.lm.load import load_model, load_tokenizer, stored_dtype
from pipeline.schema.choose_base import ChooseBase
from pipeline.schema.env import Env
from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.params import load_section
from pipeline.stage.progress import say
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table


def main(bases: Path, documents: Path, out: Path, metrics: Path, params: ChooseBase) -> dict[str, object]:
    """Measure every folder of `bases`, copy the best to `out`."""
    configure(params.seed, load_section(Env, "env").threads)
    candidates = sorted(path for path in bases.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not candidates:
        raise BadInput(str(bases), "holds no candidate", do="`dvc repro base` makes them")
    texts = heldout_sample(read_table(documents).filter(origin="domain"), params)
    ranking = sorted((measure(path, texts, params) for path in candidates), key=by_bits)
    say("\n".join(f"{entry['candidate']}: {entry['bits_per_byte']:.4f} bits per byte" for entry in ranking))
    with output_dir(out) as scratch:
        shutil.copytree(bases / str(ranking[0]["candidate"]), scratch, dirs_exist_ok=True)
    write_json(metrics, {"ranked_by": "bits_per_byte", "documents": len(texts), "winner": ranking[0]["candidate"],
                         "ranking": ranking})
    return {"platform": numeric_platform(), "winner": ranking[0]["candidate"]}


def measure(folder: Path, texts: list[str], params: ChooseBase) -> dict[str, object]:
    """One candidate's entry of the ranking."""
    model, tokenizer = load_model(folder, stored_dtype(folder), spread=True), load_tokenizer(folder)
    scores = held_out_scores(model, tokenizer, {"in_domain": texts}, params, folder.name)["in_domain"]
    return {"candidate": folder.name, "digest": hash_artefact(folder).digest, **scores,
            "perplexity_per_byte": 2 ** scores["bits_per_byte"], "parameters": model.num_parameters(),
            "vocabulary": len(tokenizer)}


def by_bits(entry: dict[str, object]) -> tuple[float, str]:
    """Lower is better; equal scores are settled by name."""
    bits = entry["bits_per_byte"]
    assert isinstance(bits, float)
    return bits, str(entry["candidate"])


if __name__ == "__main__":
    run_stage(main, ChooseBase)
