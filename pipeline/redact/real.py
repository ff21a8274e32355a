"""Models trained by others, run beside the tagger: token classifiers of transformers, and GLiNER.

`pipeline.redact.take` has put them into the model folder with what params say of them. Loading runs no
code of the model's and opens no pickle. Texts go through one at a time: a neighbour in a batch would
change the last bits of a score.
"""

import importlib.util
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.redact.presidio import NlpArtifacts
from pipeline.redact.recognisers import LANGUAGE, FailClosed, Hit
from pipeline.redact.words import cut
from pipeline.schema.errors import BadInput
from pipeline.schema.pii_model import RealModel

FOLDER = "real"
SETTINGS = "recogniser.json"


class Piece(NamedTuple):
    """A token with the label a model gives it."""

    start: int
    end: int
    label: str
    score: float


class RealRecogniser(FailClosed):
    """A model under its name in params; its labels are translated, and none may be unknown."""

    def __init__(self, name: str, folder: Path, settings: RealModel) -> None:
        self.settings = settings
        self.types = {label: kind for label, kind in settings.labels.items() if kind}
        self.open(folder)
        super().__init__(sorted(set(self.types.values())), name=f"model {name}", supported_language=LANGUAGE)

    @abstractmethod
    def open(self, folder: Path) -> None:
        """Load the model; raises if it cannot be used."""

    @abstractmethod
    def labelled(self, text: str) -> Iterable[Piece]:
        """Labelled parts of `text`, in the model's own labels."""

    def find(self, text: str, artifacts: NlpArtifacts | None) -> list[Hit]:  # noqa: ARG002  # Presidio's signature
        """Parts whose label is personal and whose score suffices."""
        return [
            Hit(piece.start, piece.end, self.types[piece.label], round(piece.score, 3), self.name)
            for piece in self.labelled(text)
            if piece.label in self.types and piece.score >= self.settings.min_score
        ]


class TransformersRecogniser(RealRecogniser):
    """A token classifier: windows of tokens, runs of one label joined."""

    def open(self, folder: Path) -> None:
        """Raises BadInput when a label of the model is not in params."""
        # transformers takes seconds to import; only who names a model waits for it
        from transformers import AutoModelForTokenClassification, AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        self.model: Any = AutoModelForTokenClassification.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
        ).eval()
        theirs = {bare(label) for label in self.model.config.id2label.values()} - {"O"}
        if unknown := theirs - set(self.settings.labels):
            raise BadInput(
                "params.yaml",
                f"`pii_model.real`: labels of {folder.name} that params do not name",
                wanted='a type, or "" for what is not personal',
                got=", ".join(sorted(unknown)),
            )

    def labelled(self, text: str) -> Iterator[Piece]:
        """Joined pieces of every window; what two windows both find is united later."""
        import torch

        settings = self.settings
        encoded = self.tokenizer(
            text,
            truncation=True,
            max_length=settings.window,
            stride=settings.overlap,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        for ids, offsets in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
            with torch.inference_mode():
                shares = self.model(input_ids=torch.tensor([ids])).logits[0].double().softmax(dim=-1)
            if not shares.isfinite().all():
                raise ValueError("its scores are no numbers")
            scores, best = shares.max(dim=-1)
            labels = [self.model.config.id2label[number] for number in best.tolist()]
            tokens = [
                Piece(start, end, label, score)
                for (start, end), label, score in zip(offsets, labels, scores.tolist(), strict=True)
                if start < end
            ]
            yield from joined(tokens, text)


class GlinerRecogniser(RealRecogniser):
    """GLiNER: labels are asked for in words, so params decide them all."""

    def open(self, folder: Path) -> None:
        """Raises BadInput without the package."""
        if importlib.util.find_spec("gliner") is None:
            raise BadInput("gliner", "is not installed", do="pip install gliner, or take the model out of params.yaml")
        from gliner import GLiNER

        self.model: Any = GLiNER.from_pretrained(str(folder), local_files_only=True)

    def labelled(self, text: str) -> Iterator[Piece]:
        """Entities of every window: GLiNER itself cuts a long text off without an error."""
        settings = self.settings
        for start, end in windows(text, settings.window, settings.overlap):
            found = self.model.predict_entities(text[start:end], sorted(self.types), threshold=settings.min_score)
            for one in found:
                yield Piece(start + one["start"], start + one["end"], one["label"], float(one["score"]))


def joined(tokens: Sequence[Piece], text: str) -> list[Piece]:
    """Runs of tokens of one label as one piece, its score their mean; "O" is left out.

    A B- label begins a run, unless it goes on inside a word: classifiers are trained on first pieces only.
    """
    runs: list[list[Piece]] = []
    for token in tokens:
        before = runs[-1][-1] if runs else None
        inside_word = before is not None and before.end == token.start and text[token.start].isalnum()
        same = before is not None and bare(before.label) == bare(token.label)
        if same and (inside_word or not token.label.startswith(("B-", "S-", "U-"))):
            runs[-1].append(token)
        else:
            runs.append([token])
    return [
        Piece(run[0].start, run[-1].end, bare(run[0].label), sum(token.score for token in run) / len(run))
        for run in runs
        if run[0].label != "O"
    ]


def bare(label: str) -> str:
    """A label without its BIO or BILOU mark."""
    return label[2:] if label[:2] in ("B-", "I-", "E-", "L-", "S-", "U-") else label


def windows(text: str, size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Stretches of at most `size` words, neighbours sharing `overlap`; together they cover every word."""
    words = cut(text)
    for first in range(0, max(1, len(words.texts) - overlap), size - overlap):
        last = min(first + size, len(words.texts)) - 1
        if last >= first:
            yield int(words.starts[first]), int(words.ends[last])


def load_models(folder: Path) -> list[RealRecogniser]:
    """The models beside the tagger in `folder`, in order of name.

    Raises:
        BadInput: one cannot be used.
    """
    makers = {"transformers": TransformersRecogniser, "gliner": GlinerRecogniser}
    models = []
    for path in sorted((folder / FOLDER).glob(f"*/{SETTINGS}")):
        settings = RealModel.model_validate_json(path.read_bytes())
        try:
            models.append(makers[settings.kind](path.parent.name, path.parent, settings))
        except (OSError, ValueError, KeyError) as err:
            raise BadInput(str(path.parent), f"cannot be loaded ({err})", do="run the stage pii_model again") from err
    return models
