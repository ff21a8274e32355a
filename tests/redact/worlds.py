"""A tagger with weights drawn from a seed, and parameters, small enough for tests."""

from typing import Any

import numpy as np

from pipeline.redact.layers import DILATIONS, SUM_BITS
from pipeline.redact.lexicon import NUM_KNOWN, make_lexicon
from pipeline.redact.tagger import LABELS, Tagger, grid_of, on_grid
from pipeline.redact.words import NUM_SHAPES
from pipeline.schema.curate_redact import CurateRedact


def random_grid(seed: int = 1, buckets: int = 512, embedding: int = 16, width: int = 32) -> dict[str, Any]:
    """Weights on the grid; "nothing" is favoured so that finds are few."""
    rng = np.random.default_rng(seed)
    shapes = {
        "grams": (buckets, embedding),
        "entry": (embedding, width),
        "shapes": (NUM_SHAPES, width),
        "lists": (NUM_KNOWN, width),
        "exit": (width, len(LABELS)),
        "exit_bias": (len(LABELS),),
    }
    for layer in range(len(DILATIONS)):
        shapes |= {f"near.{layer}": (3 * width, width), f"bias.{layer}": (width,)}
    weights = {name: rng.normal(0, 0.2, shape) for name, shape in shapes.items()}
    weights["exit_bias"][0] += 2.0
    return {name: on_grid(values, *grid_of(name)) for name, values in weights.items()}


LEXICON = make_lexicon(["Marta"], ["Oyelaran"], ["the words and the words"], ["window"], ["the"])


def random_tagger(seed: int = 1) -> Tagger:
    """Finds nonsense, but always the same nonsense."""
    return Tagger(random_grid(seed), LEXICON)


def silent_grid() -> dict[str, Any]:
    """Weights that find nothing, so that only patterns speak."""
    grid = random_grid()
    grid["exit"][:] = 0
    grid["exit_bias"][:] = 0
    grid["exit_bias"][0] = 2**SUM_BITS
    return grid


def silent_tagger() -> Tagger:
    """A tagger that finds nothing."""
    return Tagger(silent_grid(), LEXICON)


def redact_params(**changes: object) -> CurateRedact:
    """Parameters like those of params.yaml."""
    scores = dict.fromkeys(("PERSON", "ADDRESS", "DATE_OF_BIRTH", "PARAPHRASE", "IDENTIFIER", "USERNAME"), 0.5)
    codes = [
        {"kind": "EMPLOYEE_CODE", "syntax": "regex", "pattern": r"\bBW-\d{5}\b", "score": 1.0, "context": []},
        {"kind": "CASE_CODE", "syntax": "regex", "pattern": r"\bFC-\d{4}\b", "score": 0.3, "context": ["suspect"]},
    ]
    fields: dict[str, object] = {
        "min_score": 0.5,
        "nothing_bias": 0.0,
        "tagger_scores": scores,
        "codes": codes,
        "not_personal": ["Tidemark"],
        "pseudonym": "keyed",
        "pseudonym_key": "public",
        "pseudonym_digits": 10,
        "spread_names": True,
        "max_density": 0.4,
        "min_density_spans": 3,
    }
    return CurateRedact.model_validate(fields | changes)
