"""Stage `pii_model`: train the token tagger that finds personal data where patterns cannot.

Reads   --lists    given.txt, surnames.txt, templates.txt, fillers.txt: authored lists
        --general  table with DOCUMENTS columns: text in which nothing is to be found
        --hard     folder of JSONL, {"text": "... {{TYPE|value}} ..."} a line: hand-written, measured on,
                   never trained on; `*_unseen` was written before anything was measured on it, and rules
                   and templates are not made to its lines
Writes  --out      the tagger: tagger.safetensors, tagger.json, lexicon.json (no pickle); plants.jsonl,
                   made-up personal data with which curate_redact measures what it overlooks; models
                   that `pii_model.real` names, each in real/<name>/
        --metrics  JSON: span recall and precision on held-out generated examples, on held-out general
                   text, and on the hand-written set (of the tagger alone, without patterns)

No text of the lake is read. A model bootstrapped like this raises recall over patterns; it promises
no privacy. For real people measure it on your own documents, and add lists of your own.
"""

import json
import random
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pipeline.lm.determinism import configure
from pipeline.redact.generate import Labelled, Lists, example, read_lists, split_lists
from pipeline.redact.informal import NO_NAMES, informal
from pipeline.redact.lexicon import Lexicon, make_lexicon, partly_hidden
from pipeline.redact.measure import Truth, recall_by_kind, score, unmarked
from pipeline.redact.negatives import negatives, reshaped, vocabulary
from pipeline.redact.residual import make_plants, save_plants
from pipeline.redact.tagger import Tagger, load_tagger, save_tagger
from pipeline.redact.take import take_model
from pipeline.redact.technical import technical
from pipeline.redact.training import as_example, train
from pipeline.redact.wordlists import word_lists
from pipeline.schema.env import Env
from pipeline.schema.errors import BadInput
from pipeline.schema.pii_model import PiiModel
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.params import load_section
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table

HELDOUT_NEGATIVES = 500
"""Paragraphs of general text kept from training, to count false finds on."""


def main(lists: Path, general: Path, hard: Path, out: Path, metrics: Path, params: PiiModel) -> dict[str, object]:
    """Train, save, measure what was saved."""
    configure(params.seed, load_section(Env, "env").threads)
    hand_written = {path.stem: read_marked(path) for path in sorted(hard.glob("*.jsonl"))}
    if not hand_written:
        raise BadInput(str(hard), "holds no hand-written set", wanted="*.jsonl")
    wide, calm = read_lists(lists), read_table(general)["text"].to_list()
    paragraphs = negatives(calm, wide)
    if len(paragraphs) <= HELDOUT_NEGATIVES:
        raise BadInput(
            str(general),
            "too little general text to train on",
            wanted=f"over {HELDOUT_NEGATIVES} paragraphs",
            got=str(len(paragraphs)),
        )
    random.Random(params.seed).shuffle(paragraphs)  # noqa: S311  # reproducible draws
    quiet, learnt = paragraphs[:HELDOUT_NEGATIVES], paragraphs[HELDOUT_NEGATIVES:][: params.negatives]
    drawn = drawn_from(wide, learnt, params)
    ours, lexicon = drawn.ours, drawn.without_heldout
    knows = cache(partly_hidden(lexicon, params.hidden_names, params.hidden_words).knows)
    examples = [
        *_examples(ours, params, params.examples),
        *(reshaped(text, params.seed) for text in learnt),
        *(technical(ours, params.seed, number) for number in range(params.technical)),
        *_messages(ours, params, range(params.informal)),
    ]
    net = train(
        [as_example(one, knows) for one in examples],
        seed=params.seed,
        epochs=params.epochs,
        tape=params.tape,
        learning_rate=params.learning_rate,
        drop=params.dropout,
        buckets=params.buckets,
        embedding=params.embedding,
        width=params.width,
    )
    with output_dir(out) as folder:
        save_tagger(net.grid(), drawn.lexicon, folder)
        save_plants(make_plants(drawn.heldout, params.seed, params.plants), folder)
        for name, real in params.real.items():
            take_model(name, real, folder)
        tagger = load_tagger(folder)
    unknowing = Tagger(net.grid(), lexicon)
    write_json(
        metrics,
        {
            "examples": len(examples),
            "heldout_generated": measured(unknowing, _examples(drawn.heldout, params, params.heldout_examples)),
            "heldout_general": measured(tagger, [Labelled(text, []) for text in quiet]),
            "heldout_technical": measured(
                tagger, [technical(drawn.heldout, params.seed, -number) for number in range(1, HELDOUT_NEGATIVES + 1)]
            ),
            "heldout_informal": measured(unknowing, _messages(drawn.heldout, params, range(-HELDOUT_NEGATIVES, 0))),
            "hard": {name: measured(tagger, texts) for name, texts in hand_written.items()},
        },
    )
    return {}


class Drawn(NamedTuple):
    """What examples are drawn from, and what is known of words."""

    ours: Lists
    heldout: Lists
    lexicon: Lexicon
    """What is saved: it knows all listed names."""
    without_heldout: Lexicon
    """What the measure on held-out names is made with."""


def drawn_from(wide: Lists, paragraphs: Sequence[str], params: PiiModel) -> Drawn:
    """The authored lists and those of `wordlists`, cut into training and held-out."""
    listed = word_lists()
    given, surnames = wide.given, wide.surnames
    wide = wide._replace(
        given=_to_write_with([*wide.given, *listed.frequent_given]),
        surnames=_to_write_with([*wide.surnames, *listed.frequent_surnames]),
        words=vocabulary(paragraphs, listed.common, wide),
    )
    ours, heldout = split_lists(wide, params.heldout_share, params.seed)
    names = ({*given, *listed.given}, {*surnames, *listed.surnames})
    without = (names[0] - set(heldout.given), names[1] - set(heldout.surnames))
    whole, part = (make_lexicon(*each, paragraphs, listed.words, listed.common) for each in (names, without))
    return Drawn(ours, heldout, whole, part)


def _to_write_with(names: Sequence[str]) -> list[str]:
    """Names that sentences are made with, each once."""
    return [name for name in dict.fromkeys(names) if name.lower() not in NO_NAMES]


def measured(tagger: Tagger, examples: Sequence[Labelled]) -> dict[str, object]:
    """Recall, precision and recall by type of the tagger alone, every find counted."""
    found = tagger.spans([one.text for one in examples], 0.0)
    pairs = [
        ([Truth(*span) for span in one.spans], [(span.start, span.end) for span in spans])
        for one, spans in zip(examples, found, strict=True)
    ]
    counts = score(pairs)
    return {
        "texts": len(examples),
        "characters": sum(len(one.text) for one in examples),
        "spans": counts.wanted,
        "finds": counts.given,
        "recall": round(counts.recall, 4),
        "precision": round(counts.precision, 4),
        "recall_by_type": {kind: round(hit / wanted, 4) for kind, (hit, wanted) in recall_by_kind(pairs).items()},
    }


def read_marked(path: Path) -> list[Labelled]:
    """Texts with `{{TYPE|value}}` markup, one JSON object a line.

    Raises:
        BadInput: a line is not such an object.
    """
    try:
        marked = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise BadInput(str(path), f"not readable ({err})", wanted='{"text": "... {{TYPE|value}} ..."} a line') from err
    return [
        Labelled(text, [(truth.start, truth.end, truth.kind) for truth in truths])
        for text, truths in map(unmarked, marked)
    ]


def _examples(lists: Lists, params: PiiModel, count: int) -> list[Labelled]:
    return [
        example(lists, params.seed, number, lower_share=params.lower_share, invented_share=params.invented_share)
        for number in range(count)
    ]


def _messages(lists: Lists, params: PiiModel, numbers: Iterable[int]) -> list[Labelled]:
    return [informal(lists, params.seed, number, invented_share=params.invented_share) for number in numbers]


if __name__ == "__main__":
    run_stage(main, PiiModel)
