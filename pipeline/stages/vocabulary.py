"""Stage `vocabulary`: how well the base's tokenizer fits each source, and what it should learn next.

Nothing is changed: the base keeps its tokenizer, so that its weights stay good. The report says what
an extension would save; pieces are found in training documents and measured on held-out ones. Sources
share what is looked at evenly, so that a large one does not decide alone. Words that hold a pseudonym
are left out of all counts and of the proposal: nobody wrote them, and each is a random string.

Reads   --documents    DOCUMENTS + split, origin
        --base         a full checkpoint; its tokenizer is looked at
Writes  --out          Markdown
        --pieces       JSON: the proposed pieces with the tokens they join
        --metrics      JSON: the numbers of each source

Report and pieces quote words of the lake, so DVC keeps them; the metrics hold none and are in Git.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypedDict

import polars as pl
from transformers import PreTrainedTokenizerBase

from pipeline.lm.load import load_tokenizer
from pipeline.lm.vocabulary import Fit, Piece, Units, fit, new_pieces, parts_of_pieces, with_pieces, word_units
from pipeline.schema.errors import BadInput
from pipeline.schema.vocabulary import Vocabulary
from pipeline.stage.outputs import output_file, write_json
from pipeline.stage.progress import say
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_some
from pipeline.text.pseudonyms import without_pseudonyms
from pipeline.text.splits import draws

REPLAY = "general English (replay)"


class Sample(NamedTuple):
    """The texts of one source and split without pseudonyms, and their words as the tokenizer cuts them."""

    source: str
    split: str
    texts: list[str]
    counts: Counter[Units]
    left_out: int
    """Words that held a pseudonym."""


def main(documents: Path, base: Path, out: Path, pieces: Path, metrics: Path,
         params: Vocabulary) -> dict[str, object]:
    """Measure the tokenizer by source, then go on with its merges."""
    tokenizer = load_tokenizer(base)
    samples = [sample_of(tokenizer, *taken) for taken in sampled(documents, params)]
    first_id = len(tokenizer)
    domain = sum((sample.counts for sample in samples if sample.split == "train" and sample.source != REPLAY),
                 Counter())
    found = new_pieces(domain, first_id, params.pieces, params.min_saved,
                       set(range(first_id)) - set(tokenizer.all_special_ids))
    sources, proposed = source_facts(samples, found, first_id), piece_facts(tokenizer, found, first_id)
    write_json(metrics, {"vocabulary": first_id, "sources": sources, "pieces": len(found)})
    write_json(pieces, proposed)
    with output_file(out) as scratch:
        scratch.write_text(markdown(first_id, sources, proposed), encoding="utf-8")
    say(f"vocabulary: {len(found)} pieces proposed")
    return {"pieces": len(found)}


def sample_of(tokenizer: PreTrainedTokenizerBase, source: str, split: str, texts: list[str]) -> Sample:
    """The words of `texts` but for those that hold a pseudonym."""
    cleaned = [without_pseudonyms(text) for text in texts]
    kept = [text for text, _ in cleaned]
    return Sample(source, split, kept, word_units(tokenizer, kept), sum(count for _, count in cleaned))


def sampled(documents: Path, params: Vocabulary) -> list[tuple[str, str, list[str]]]:
    """(source, split, texts), about `max_chars` of each split, shared by its sources, documents in hash order.

    Raises:
        BadInput: there is no training document.
    """
    rows = read_some(documents, ["doc_id", "source", "split", "origin",
                                 pl.col("text").str.len_chars().alias("chars")])
    rows = rows.with_columns(pl.Series("draw", draws(rows["doc_id"], params.seed, "vocabulary"), dtype=pl.Float64))
    taken = [shared(group, params.max_chars) for _, group in rows.group_by("origin", "split")]
    if not taken:
        raise BadInput(str(documents), "holds no document", do="look at curate_mix's ledger")
    chosen = pl.concat(taken)
    texts = read_some(documents, ["doc_id", "text"], pl.col("doc_id").is_in(chosen["doc_id"].to_list()))
    named = chosen.join(texts, on="doc_id").with_columns(
        pl.when(pl.col("origin") == "replay").then(pl.lit(REPLAY)).otherwise("source").alias("source"))
    return [(str(source), str(split), group.sort("doc_id")["text"].to_list())
            for (source, split), group in sorted(named.group_by("source", "split"), key=lambda item: item[0])]


def shared(rows: pl.DataFrame, max_chars: int) -> pl.DataFrame:
    """Rows of every source, as many as its share of `max_chars` holds."""
    sizes = dict(rows.group_by("source").agg(pl.col("chars").sum()).iter_rows())
    shares = even_shares(sizes, max_chars)
    return pl.concat([first_chars(group, max(1, shares[str(source)])) for (source,), group in rows.group_by("source")])


def even_shares(sizes: Mapping[str, int], budget: int) -> dict[str, int]:
    """What each may take of `budget`: the same, but none more than its size; what small ones leave goes to the others.

    The shares add up to the budget, or to all sizes where these are less.
    """
    found: dict[str, int] = {}
    for number, (size, name) in enumerate(sorted((size, name) for name, size in sizes.items())):
        # the smallest first: what it does not need is then shared by those that come after
        found[name] = min(size, (budget - sum(found.values())) // (len(sizes) - number))
    return found


def first_chars(rows: pl.DataFrame, max_chars: int) -> pl.DataFrame:
    """Rows in order of `draw` until they hold `max_chars`, at least one."""
    ordered = rows.sort("draw", "doc_id")
    return ordered.filter(pl.col("chars").cum_sum() - pl.col("chars") < max_chars)


def source_facts(samples: list[Sample], pieces: list[Piece], first_id: int) -> dict[str, dict[str, float | None]]:
    """Per source: fertility and bytes per token of all its text, and what the pieces save of the held-out part."""
    facts: dict[str, dict[str, float | None]] = {}
    for source in sorted({sample.source for sample in samples}):
        own = [sample for sample in samples if sample.source == source]
        whole = total([fit(sample.counts, sample.texts) for sample in own])
        held = [sample for sample in own if sample.split == "heldout"]
        now = total([fit(sample.counts, sample.texts) for sample in held])
        later = total([fit(with_pieces(sample.counts, pieces, first_id), sample.texts) for sample in held])
        facts[source] = {"words": whole.words, "tokens_per_word": round(whole.fertility, 4),
                         "bytes_per_token": round(whole.bytes_per_token, 4),
                         "left_out": sum(sample.left_out for sample in own),
                         "heldout_tokens": now.tokens,
                         "heldout_saved": round(1 - later.tokens / now.tokens, 4) if now.tokens else None}
    return facts


def total(fits: list[Fit]) -> Fit:
    """The counts of all texts together."""
    return Fit(sum(each.tokens for each in fits), sum(each.words for each in fits),
               sum(each.num_bytes for each in fits))


class Proposed(TypedDict):
    """A piece, the tokens it joins, and the tokens it saves of the training text given the pieces before it."""

    piece: str
    joins: list[str]
    saved: int


def piece_facts(tokenizer: PreTrainedTokenizerBase, pieces: list[Piece], first_id: int) -> list[Proposed]:
    """The proposal in order: a piece may be made of pieces before it, so the list is to be taken from the top."""
    return [Proposed(piece=str(tokenizer.decode(parts)), joins=list(tokenizer.convert_ids_to_tokens(parts)),
                     saved=piece.saved)
            for piece, parts in zip(pieces, parts_of_pieces(pieces, first_id), strict=True)]


def markdown(known: int, sources: dict[str, dict[str, float | None]], pieces: list[Proposed]) -> str:
    """The report for people; a piece is shown as a JSON string, so that blanks are seen."""
    lines = ["# The vocabulary", "", f"The base's tokenizer knows {known} tokens. Saved: share of the "
             f"held-out tokens that {len(pieces)} more pieces would save. Left out: words that hold a pseudonym, which "
             "stands for personal data; they are in no other number and in no piece.", "",
             "| source | words | left out | tokens per word | bytes per token | saved |", "|---|--:|--:|--:|--:|--:|"]
    lines += [f"| {name} | {row['words']} | {row['left_out']} | {row['tokens_per_word']:.2f} | "
              f"{row['bytes_per_token']:.2f} | "
              f"{'' if row['heldout_saved'] is None else format(row['heldout_saved'], '.1%')} |"
              for name, row in sources.items()]
    lines += ["", "## Pieces to add, best first", "",
              "Saved: tokens of the training text, given the pieces above it.", "",
              "| piece | tokens now | saved |", "|---|--:|--:|"]
    lines += [f"| {shown(row['piece'])} | {len(row['joins'])} | {row['saved']} |" for row in pieces]
    return "\n".join(lines) + "\n"


def shown(piece: str) -> str:
    """A piece as code in a table cell, whatever it holds."""
    quoted = json.dumps(piece, ensure_ascii=False).replace("|", "\\|")
    fence = "``" if "`" in quoted else "`"
    return f"{fence}{quoted}{fence}"


if __name__ == "__main__":
    run_stage(main, Vocabulary)
