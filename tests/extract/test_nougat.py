"""The code path of Nougat on a tiny model with random weights: what it reads means nothing, that it is equal does."""

import pytest
from PIL import Image

from pipeline.extract import nougat, ocr
from pipeline.extract.nougat_model import with_model
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.hashing import file_sha256, list_files
from tests.extract.test_ocr import rows_of, scanned, with_ocr

REVISION = "ab" * 20


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        DonutSwinConfig,
        MBartConfig,
        PreTrainedTokenizerFast,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
    )
    from transformers.models.nougat.image_processing_pil_nougat import NougatImageProcessorPil

    folder = tmp_path_factory.mktemp("nougat")
    words = {word: number for number, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", *"abcdefghijkl"])}
    bare = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    bare.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=bare, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
                            unk_token="<unk>").save_pretrained(folder)
    NougatImageProcessorPil(size={"height": 64, "width": 64}, do_crop_margin=False).save_pretrained(folder)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        DonutSwinConfig(image_size=[64, 64], embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=4),
        MBartConfig(vocab_size=len(words), d_model=16, decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=16,
                    encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=16, max_position_embeddings=80,
                    is_decoder=True, add_cross_attention=True))
    config.decoder_start_token_id, config.pad_token_id, config.eos_token_id = 0, 1, 2
    torch.manual_seed(3)
    made = VisionEncoderDecoderModel(config)
    made.generation_config.decoder_start_token_id, made.generation_config.eos_token_id = 0, 2
    made.generation_config.pad_token_id = 1
    made.save_pretrained(folder)
    return folder


def named(model):
    return with_ocr(engine="nougat", nougat=with_ocr().ocr.nougat.model_copy(update={"model": str(model),
                                                                                       "max_tokens": 12}))


def test_a_page_becomes_the_models_text_and_the_same_twice(model):
    params = named(model)
    ocr.check_engines(params.ocr)
    data = scanned(Image.linear_gradient("L"))
    rows, (text,) = rows_of(data, params)
    assert [(row.decision, row.engine, row.confidence) for row in rows] == [("scan", "nougat", None)]
    assert set(text.split()) <= set("abcdefghijkl")
    assert text
    assert rows_of(data, params) == (rows, [text])


def test_the_model_is_part_of_the_identity(model, tmp_path):
    one = nougat.identity(named(model).ocr)
    for path in list_files(model):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert nougat.identity(named(tmp_path).ocr) == one  # wherever it lies
    weights = tmp_path / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert nougat.identity(named(tmp_path).ocr) != one


def test_a_folder_that_lacks_a_file_of_the_model_stops_the_stage(model, tmp_path):
    (tmp_path / "config.json").write_bytes((model / "config.json").read_bytes())
    with pytest.raises(BadInput, match="is no Nougat model"):
        ocr.check_engines(named(tmp_path).ocr)


def pin(model, folder, **changed):
    files = {path.name: file_sha256(path) for path in list_files(model)} | changed
    lines = [f"    {name}: {digest}" for name, digest in files.items()]
    path = folder / "nougat.yaml"
    path.write_text("\n".join(["pin:", "  repo: maker/nougat-tiny", f"  revision: {REVISION}", "  licence: CC-BY-4.0",
                               "  files:", *lines]) + "\n")
    return path


@pytest.fixture
def hub(model, monkeypatch):
    """A hub that serves the model's files and counts how often it is asked."""
    asked = []

    def download(repo, revision, patterns, folder):
        asked.append((repo, revision))
        for path in list_files(model):
            (folder / path.name).write_bytes(path.read_bytes())

    monkeypatch.setattr("pipeline.lm.hub.download", download)
    return asked


def test_a_pinned_model_is_fetched_once_checked_and_fetched_again_when_it_was_changed(model, hub, tmp_path):
    params = named(pin(model, tmp_path))
    ready = with_model(params, tmp_path / "cache")
    ocr.check_engines(ready.ocr)
    assert with_model(params, tmp_path / "cache") == ready
    assert hub == [("maker/nougat-tiny", REVISION)]
    (tmp_path / "cache" / "models" / "maker--nougat-tiny" / REVISION / "config.json").write_text("{}")
    assert with_model(params, tmp_path / "cache") == ready
    assert len(hub) == 2
    assert nougat.identity(ready.ocr) == nougat.identity(named(model).ocr)


def test_other_bytes_than_the_pinned_ones_stop_the_stage_and_are_not_kept(model, hub, tmp_path):
    with pytest.raises(NotVerified, match=r"config\.json: pinned ff"):
        with_model(named(pin(model, tmp_path, **{"config.json": "f" * 64})), tmp_path / "cache")
    assert list_files(tmp_path / "cache") == []
