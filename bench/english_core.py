"""A spaCy pipeline of the shape of en_core_web_lg, Presidio's default, whose weights have learned nothing.

Public models cannot be had offline; what a pipeline costs does not depend on what it has learned, only on its shape:
the one that spaCy's models for English list in their `config.cfg` (3.8): a token-to-vector network shared by tagger
and parser, NER with one of its own. Left out, in this pipeline's favour: word vectors, the rules for attributes and
for lemmas.
"""

from typing import Any

import spacy
from spacy.language import Language
from spacy.training import Example

TAGS, RELATIONS, ENTITIES = 50, 45, 18
"""Labels of en_core_web_lg."""
UPDATES = 5


def english_core() -> Language:
    """The pipeline, ready to run."""
    language = spacy.blank("en")
    language.add_pipe("tok2vec", config={"model": _vectors()})
    shared = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96, "upstream": "tok2vec"}
    tagger = language.add_pipe("tagger", config={"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": shared}})
    parser = language.add_pipe("parser", config={"model": _transitions("parser", shared), "min_action_freq": 1})
    ner = language.add_pipe("ner", config={"model": _transitions("ner", _vectors())})
    for pipe, count in ((tagger, TAGS), (parser, RELATIONS), (ner, ENTITIES)):
        for number in range(count):
            pipe.add_label(f"L{number}")
    example = _example(language)
    language.initialize(lambda: [example])
    for _ in range(UPDATES):
        language.update([example])
    return language


def _vectors() -> dict[str, Any]:
    return {"@architectures": "spacy.Tok2Vec.v2",
            "embed": {"@architectures": "spacy.MultiHashEmbed.v2", "width": 96,
                      "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE", "SPACY", "IS_SPACE"],
                      "rows": [5000, 1000, 2500, 2500, 50, 50], "include_static_vectors": False},
            "encode": {"@architectures": "spacy.MaxoutWindowEncoder.v2", "width": 96, "depth": 4, "window_size": 1,
                       "maxout_pieces": 3}}


def _transitions(kind: str, vectors: dict[str, Any]) -> dict[str, Any]:
    return {"@architectures": "spacy.TransitionBasedParser.v2", "state_type": kind, "extra_state_tokens": False,
            "hidden_width": 64, "maxout_pieces": 2, "use_upper": True, "tok2vec": vectors}


def _example(language: Language) -> Example:
    """One sentence with every kind of label."""
    return Example.from_dict(language.make_doc("Ann Lee called us ."), {
        "tags": ["L1", "L1", "L2", "L3", "L4"], "heads": [1, 2, 2, 2, 2], "deps": ["L1", "L2", "ROOT", "L3", "L4"],
        "entities": [(0, 7, "L1")]})
