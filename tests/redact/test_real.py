import json
import sys

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

from pipeline.redact.analyse import Analyser
from pipeline.redact.real import SETTINGS, Piece, joined, load_models, windows
from pipeline.redact.recognisers import RecogniserFailed
from pipeline.redact.take import take_model
from pipeline.schema.errors import BadInput
from pipeline.schema.pii_model import RealModel
from tests.redact.worlds import redact_params, silent_tagger

WORDS = ["[PAD]", "[UNK]", "ask", "Ann", "Lee", "Bo", "about", "it"]
LABELS = ["O", "B-PER", "I-PER", "B-ORG"]
TEXT = "ask Ann Lee about it " * 40


def settings(source, **changes):
    fields = {
        "kind": "transformers",
        "source": str(source),
        "licence": "MIT",
        "labels": {"PER": "PERSON", "ORG": ""},
        "min_score": 0.5,
        "window": 16,
        "overlap": 4,
    }
    return RealModel.model_validate(fields | changes)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """A random BERT of one layer, its last layer set so that listed names are persons."""
    folder = tmp_path_factory.mktemp("bert")
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        max_position_embeddings=32, id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )  # fmt: skip
    model = BertForTokenClassification(config)
    with torch.no_grad():  # the word alone decides: no position, no neighbour
        for name, weight in model.named_parameters():
            if "position" in name or "token_type" in name or "attention.output.dense" in name or "output.dense" in name:
                weight.zero_()
        words = model.bert.embeddings.word_embeddings.weight
        words.copy_(torch.eye(8))
        scores = torch.zeros(len(LABELS), 8)
        scores[0], scores[1, 3], scores[2, 4], scores[1, 5], scores[3, 6] = 2.0, 9.0, 9.0, 9.0, 9.0
        model.classifier.weight.copy_(scores)
        model.classifier.bias.zero_()
    model.save_pretrained(folder)
    return folder


def test_a_real_model_is_taken_loaded_and_finds_in_every_window(classifier, tmp_path):
    take_model("bert", settings(classifier), tmp_path)
    analyser = Analyser(silent_tagger(), redact_params(), load_models(tmp_path))
    finds = analyser.found([TEXT])[0]
    assert [TEXT[find.start : find.end] for find in finds] == ["Ann Lee"] * 40
    assert {(find.kind, find.recogniser) for find in finds} == {("PERSON", "model bert")}


def test_scores_that_are_no_numbers_stop_the_stage_and_are_not_nothing_found(classifier, tmp_path):
    take_model("bert", settings(classifier), tmp_path)
    models = load_models(tmp_path)
    with torch.no_grad():
        models[0].model.classifier.bias.fill_(float("nan"))
    with pytest.raises(Exception, match="its scores are no numbers"):
        Analyser(silent_tagger(), redact_params(), models).found([TEXT])


def test_a_label_that_params_do_not_name_is_refused(classifier, tmp_path):
    take_model("bert", settings(classifier, labels={"PER": "PERSON"}), tmp_path)
    with pytest.raises(BadInput, match="ORG"):
        load_models(tmp_path)


def test_a_model_that_breaks_stops_the_analysis_where_presidios_own_would_find_nothing(classifier, tmp_path):
    take_model("bert", settings(classifier), tmp_path)
    (model,) = load_models(tmp_path)
    model.model.classifier.weight.data = torch.zeros(4, 3)
    with pytest.raises(RecogniserFailed, match="model bert"):
        Analyser(silent_tagger(), redact_params(), [model]).found([TEXT])


def test_pickles_and_code_are_left_behind_and_a_folder_without_weights_is_refused(classifier, tmp_path):
    (tmp_path / "source").mkdir()
    for path in classifier.iterdir():
        if path.suffix != ".safetensors":
            (tmp_path / "source" / path.name).write_bytes(path.read_bytes())
    for name in ("pytorch_model.bin", "modeling.py"):
        (tmp_path / "source" / name).write_bytes(b"evil")
    with pytest.raises(BadInput, match=r"no \*\.safetensors"):
        take_model("bert", settings(tmp_path / "source"), tmp_path)
    assert not {"pytorch_model.bin", "modeling.py"} & {path.name for path in (tmp_path / "real" / "bert").iterdir()}


GLINER = '''
class GLiNER:
    @classmethod
    def from_pretrained(cls, folder, local_files_only):
        assert local_files_only
        return cls()

    def predict_entities(self, text, labels, threshold):
        """The shape of gliner 0.2's answer; like it, blind behind the twelfth word."""
        seen = " ".join(text.split()[:12])
        return [{"start": at, "end": at + 3, "text": "Ann", "label": "person", "score": 0.9}
                for at in range(len(seen)) if seen.startswith("Ann", at) and "person" in labels]
'''


def gliner_folder(folder):
    folder.mkdir()
    (folder / "gliner_config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return settings(folder, kind="gliner", labels={"person": "PERSON"}, window=12, overlap=3)


def test_gliner_sees_a_long_text_in_windows_since_it_cuts_off_what_is_behind(tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "gliner.py").write_text(GLINER)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "gliner", raising=False)
    take_model("zero-shot", gliner_folder(tmp_path / "source"), tmp_path)
    finds = Analyser(silent_tagger(), redact_params(), load_models(tmp_path)).found([TEXT])[0]
    assert [TEXT[find.start : find.end] for find in finds] == ["Ann"] * 40


def test_gliner_that_is_not_installed_is_an_error_and_not_silence(tmp_path, monkeypatch):
    take_model("zero-shot", gliner_folder(tmp_path / "source"), tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BadInput, match="not installed"):
        load_models(tmp_path)


def test_settings_travel_with_the_model_so_that_its_digest_names_them(classifier, tmp_path):
    take_model("bert", settings(classifier), tmp_path)
    assert json.loads((tmp_path / "real" / "bert" / SETTINGS).read_text())["labels"] == {"PER": "PERSON", "ORG": ""}


def test_windows_cover_every_word_and_share_some():
    text = "a b c d e f g h i j"
    assert [text[start:end] for start, end in windows(text, 4, 1)] == ["a b c d", "d e f g", "g h i j"]
    assert list(windows("", 4, 1)) == []
    assert [text[start:end] for start, end in windows(text, 99, 1)] == [text]


def test_pieces_of_one_word_join_whatever_their_marks_and_a_new_b_parts_two_names():
    pieces = [Piece(0, 2, "B-PER", 0.8), Piece(2, 4, "B-PER", 0.6), Piece(5, 7, "B-PER", 0.9), Piece(8, 9, "O", 1.0)]
    assert joined(pieces, "AnnaLee? x") == [Piece(0, 4, "PER", pytest.approx(0.7)), Piece(5, 7, "PER", 0.9)]
