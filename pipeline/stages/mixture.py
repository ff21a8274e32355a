"""Stage `mixture`: search for source weights on held-out loss, with small proxies.

The proxies see the lake to scale: of each source the same share of the characters, documents in hash
order. Some training documents are measured on; `curate_mix` trains on them all the same. What
`curate_mix` holds out is measured once, at the end, and decides nothing.

Reads   --documents    table DOCUMENTS: the domain
        --general      table DOCUMENTS + split: what a proxy learns first, as the base has
Writes  --out          `pipeline.schema.mixture.Weights`, for `curate_mix.source_weights: tuned`
        --candidates   CSV: candidate, its perplexities and their change against the unweighted mix
        --sources      CSV: mixture (every proxy of the search too), source, weight, share, loss
        --metrics      what was chosen and on what grounds
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from pipeline.evals.mixtures import Row, candidate_rows, source_rows, verdict
from pipeline.lm.determinism import configure, numeric_platform
from pipeline.schema.curate_mix import CurateMix
from pipeline.schema.env import Env
from pipeline.schema.errors import BadInput
from pipeline.schema.mixture import Mixture, Weights
from pipeline.stage.outputs import output_file, write_json
from pipeline.stage.params import load_section
from pipeline.stage.progress import say
from pipeline.stage.run import run_stage
from pipeline.tables.mixture import cut, marked, scale_model, train_shares, within_chars
from pipeline.tables.parquet import read_some
from pipeline.text.splits import HELDOUT, draws
from pipeline.train.mixture_scene import build_scene
from pipeline.train.mixture_search import Scene, search


def main(documents: Path, general: Path, out: Path, candidates: Path, sources: Path, metrics: Path,
         params: Mixture) -> dict[str, object]:
    """Search, then write what was found; a lake of one source, or of few documents, keeps weight 1."""
    configure(params.seed, load_section(Env, "env").threads)
    scene = prepared(documents, general, load_section(CurateMix, "curate_mix"), params)
    tried, probes = search(scene, params)
    found = verdict(scene, tried, params.confidence, params.min_gain)
    weights = dict(zip(scene.sources, (round(float(weight), 6) for weight in found.chosen.weights), strict=True))
    table = candidate_rows(scene, tried, params.confidence)
    write_json(out, Weights(chosen=found.chosen.name, weights=weights).model_dump())
    write_csv(candidates, table)
    write_csv(sources, source_rows(scene, [*tried, *probes]))
    write_json(metrics, {"chosen": found.chosen.name, "best": found.best.name, "proxies": len(probes),
                         "not_tuned": [name for name, tuned in zip(scene.sources, scene.tuned, strict=True)
                                       if not tuned],
                         "validation_documents": len(scene.validation.source),
                         "heldout_documents": len(scene.heldout.source),
                         "candidates": {str(row.pop("candidate")): row for row in [dict(row) for row in table]}})
    say(f"mixture: {found.best.name} is best, {found.chosen.name} chosen, {weights}")
    return {"platform": numeric_platform(), "chosen": found.chosen.name, "weights": weights}


def prepared(documents: Path, general: Path, mix: CurateMix, params: Mixture) -> Scene:
    """The scale model of the lake; only the texts it takes are held in memory.

    Raises:
        BadInput: no document may be trained on, or the target names a source the lake does not have.
    """
    sizes = read_some(documents, ["doc_id", "source", pl.col("text").str.len_chars().alias("chars")])
    rows = marked(sizes, draws(sizes["doc_id"], mix.seed, HELDOUT), draws(sizes["doc_id"], params.seed, "mixture"),
                  mix.heldout_share)
    shares = train_shares(rows)
    if not shares:
        raise BadInput(str(documents), "holds no document to train on", do="change `curate_mix.heldout_share`")
    unknown = sorted(set(params.target) - set(shares)) if isinstance(params.target, dict) else []
    if unknown:
        raise BadInput("params.yaml", "`mixture.target` names sources that have no document to train on",
                       wanted=", ".join(sorted(shares)), got=", ".join(unknown))
    model = scale_model(rows, params.max_chars, params.validation_share, params.validation_chars,
                        params.min_documents)
    texts = read_some(documents, ["doc_id", "text"], pl.col("doc_id").is_in(model["doc_id"].to_list()))
    return build_scene(cut(model, texts), shares, general_texts(general, params), params)


def general_texts(general: Path, params: Mixture) -> list[str]:
    """General English of the train split, documents in hash order, at most `general_chars` characters."""
    table = read_some(general, ["doc_id", "text", pl.col("text").str.len_chars().alias("chars")],
                      pl.col("split") == "train")
    drawn = table.with_columns(pl.Series("draw", draws(table["doc_id"], params.seed, "general"), dtype=pl.Float64))
    return within_chars(drawn, params.general_chars)["text"].to_list()


def write_csv(out: Path, rows: Sequence[Row]) -> None:
    """Write `rows` for `dvc plots`; an interval without end is an empty cell."""
    text = io.StringIO()
    table = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    with output_file(out) as scratch:
        scratch.write_text(text.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    run_stage(main, Mixture)
