"""Stage `curate_mix`: held-out split, source weights, and the replay share of general English.

Reads   --documents    table DOCUMENTS: the domain
        --general      table DOCUMENTS + split: general English; only its train split is replayed
        --tuned        what the stage `mixture` found; used when `source_weights` is `tuned`
Writes  --out          table DOCUMENTS + split str (train | heldout) + origin str (domain | replay)
                       + weight Float64 (how often a document is drawn against an even mix; 0: held out)
        --ledger       table LEDGER over the domain documents: keep train (score: weight), keep
                       heldout, drop over_budget
"""

import math
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.schema.curate_mix import CurateMix
from pipeline.schema.decided import Decided
from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.errors import BadInput
from pipeline.schema.ledger import LEDGER
from pipeline.schema.mixture import Weights
from pipeline.stage.ledger import check_conservation
from pipeline.stage.outputs import output_dir
from pipeline.stage.progress import say
from pipeline.stage.run import run_stage
from pipeline.stage.sources import say_absent
from pipeline.tables.curated import document_sizes
from pipeline.tables.ledger import ledger_table
from pipeline.tables.mixture import source_weights, within_chars
from pipeline.tables.parquet import TableWriter, read_parts, write_table
from pipeline.tables.runs import merged
from pipeline.text.splits import HELDOUT, draws

LABELS = {"split": pl.String(), "origin": pl.String(), "weight": pl.Float64()}
MIXED = {**DOCUMENTS, **LABELS}


def main(documents: Path, general: Path, tuned: Path, out: Path, ledger: Path,
         params: CurateMix) -> dict[str, object]:
    """Split the domain, weigh what is left, then add general documents up to their share."""
    domain = _with_draws(document_sizes(documents), params.seed, HELDOUT)
    kept_out = domain.filter(pl.col("draw") < params.heldout_share)
    rest = _with_draws(domain.join(kept_out, on="doc_id", how="anti"), params.seed, "budget")
    heldout, train = kept_out, rest
    if params.max_train_chars is not None:
        heldout = within_chars(kept_out, params.max_train_chars * params.heldout_share / (1 - params.heldout_share))
        train = within_chars(rest, params.max_train_chars)
    if not train.height or not heldout.height:
        raise BadInput(str(documents), "too few documents to split", wanted="some to train on and some held out",
                       got=f"{train.height} and {heldout.height}", do="change `curate_mix.heldout_share` or its budget")
    weights = _weights(train, tuned, params)
    replay = _replay(document_sizes(general, "split"), train, domain, params)
    mixed = pl.concat([
        _labelled(train, "train", "domain", pl.col("source").replace_strict(weights, return_dtype=pl.Float64)),
        _labelled(heldout, "heldout", "domain", pl.lit(0.0)),
        _labelled(replay, "train", "replay", pl.lit(1.0)),
    ])
    rows = _ledger(domain, train, heldout, weights)
    _write(domain, mixed, rows, (documents, general), out, ledger)
    summary = {"weights": weights, **_characters(mixed)}
    say(f"{summary}")
    return summary


def _weights(train: pl.DataFrame, tuned: Path, params: CurateMix) -> dict[str, float]:
    """Source -> weight: as given and raised to the least share, or as the search found them."""
    if params.source_weights != "tuned":
        say_absent("curate_mix.source_weights", params.source_weights, train["source"])
        return source_weights(train, params.source_weights, params.min_source_share, params.max_weight)
    found = Weights.model_validate_json(tuned.read_bytes())
    strange = sorted(set(train["source"]) ^ set(found.weights))
    if strange:
        raise BadInput(str(tuned), "its sources are not those of the documents", got=", ".join(strange),
                       do="`dvc repro mixture`")
    say(f"tuned weights: {found.chosen}")
    return source_weights(train, found.weights, 0.0, math.inf)  # the search has bounds of its own


def _with_draws(documents: pl.DataFrame, seed: int, purpose: str) -> pl.DataFrame:
    """`documents` with column `draw`, in [0, 1); another `purpose` draws independently."""
    drawn = draws(documents["doc_id"], seed, purpose)
    return documents.with_columns(pl.Series("draw", drawn, dtype=pl.Float64))


def _replay(general: pl.DataFrame, train: pl.DataFrame, domain: pl.DataFrame, params: CurateMix) -> pl.DataFrame:
    """General documents in hash order, up to `replay_share` of all characters trained on.

    Raises:
        BadInput: there is not enough general text.
    """
    wanted = _chars(train) * params.replay_share / (1 - params.replay_share)
    offered = general.filter(pl.col("split") == "train").join(domain, on="doc_id", how="anti")
    if _chars(offered) < wanted:
        raise BadInput("general text", "not enough for the replay share", wanted=f"{wanted:.0f} characters",
                       got=str(_chars(offered)),
                       do="raise `general_text.max_chars`, add texts, or lower `curate_mix.replay_share`")
    return within_chars(_with_draws(offered, params.seed, "replay"), wanted)


def _chars(documents: pl.DataFrame) -> int:
    return int(documents["chars"].sum())


def _labelled(documents: pl.DataFrame, split: str, origin: str, weight: pl.Expr) -> pl.DataFrame:
    """Everything of the mixture but its texts: `doc_id`, `chars` and the columns of LABELS."""
    labels = documents.with_columns(pl.lit(split).alias("split"), pl.lit(origin).alias("origin"),
                                    weight.alias("weight"))
    return labels.select("doc_id", "chars", *LABELS)


def _ledger(domain: pl.DataFrame, train: pl.DataFrame, heldout: pl.DataFrame,
            weights: dict[str, float]) -> pl.DataFrame:
    trained, kept_out = set(train["doc_id"]), set(heldout["doc_id"])

    def decide(doc_id: str, source: str) -> Decided:
        if doc_id in kept_out:
            return Decided("keep", "heldout")
        return Decided("keep", "train", weights[source]) if doc_id in trained else Decided("drop", "over_budget")

    return ledger_table(domain, [decide(*row) for row in domain.select("doc_id", "source").iter_rows()])


def _write(domain: pl.DataFrame, mixed: pl.DataFrame, rows: pl.DataFrame, tables: tuple[Path, Path], out: Path,
           ledger: Path) -> None:
    """Both tables' texts pass by, those with a label into `out`.

    Args:
        tables: of the domain and of general text.
    """
    keys = domain.select(pl.col("doc_id").alias("input_id"), "source")
    check_conservation("curate_mix", keys, rows, mixed.filter(pl.col("origin") == "domain")["doc_id"])
    labels = mixed.select("doc_id", *LABELS)
    streams = [_labelled_texts(table, labels.filter(pl.col("origin") == origin))
               for table, origin in zip(tables, ("domain", "replay"), strict=True)]
    with output_dir(ledger) as ledger_folder, output_dir(out) as folder:
        with TableWriter(folder, ["doc_id"], MIXED) as writer:
            for piece in merged(streams, "doc_id"):
                writer.write(piece)
        write_table(rows, ledger_folder, ["input_id"], LEDGER)


def _labelled_texts(table: Path, labels: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for part in read_parts(table, list(DOCUMENTS)):
        yield part.join(labels, on="doc_id", how="inner").sort("doc_id").select(*MIXED)


def _characters(mixed: pl.DataFrame) -> dict[str, int]:
    """Characters per origin and split."""
    sums = mixed.group_by("origin", "split").agg(pl.col("chars").sum()).sort("origin", "split")
    return {f"{origin} {split}": chars for origin, split, chars in sums.iter_rows()}


if __name__ == "__main__":
    run_stage(main, CurateMix)
