"""The tokenizer: equal bytes whatever the order and the threads, a chat template with a mask."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.lm.tokenise import SPECIAL_TOKENS, document_tokens, train_tokenizer
from tests.tiny import TEXTS

TOKENIZER = train_tokenizer(TEXTS, 320, 64)


@pytest.mark.parametrize("parallel", ["true", "false"])
def test_neither_order_nor_threads_change_a_byte(parallel, monkeypatch):
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", parallel)
    mixed = list(TEXTS)
    random.Random(5).shuffle(mixed)
    assert train_tokenizer(mixed, 320, 64).backend_tokenizer.to_str() == TOKENIZER.backend_tokenizer.to_str()


def test_the_special_tokens_come_first():
    assert TOKENIZER.convert_ids_to_tokens([0, 1, 2]) == list(SPECIAL_TOKENS)


@settings(max_examples=50)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"])))
def test_decoding_gives_the_normalised_text_back(text):
    import unicodedata

    ids = TOKENIZER(text, add_special_tokens=False)["input_ids"]
    assert TOKENIZER.decode(ids) == unicodedata.normalize("NFC", text)


def test_every_document_ends_with_the_end_of_text():
    assert [ids[-1] for ids in document_tokens(TOKENIZER, ["one", ""])] == [0, 0]


def test_the_generation_mask_covers_the_answer_and_its_end_of_turn():
    messages = [{"role": "user", "content": "Is it open?"}, {"role": "assistant", "content": "No."}]
    encoded = TOKENIZER.apply_chat_template(messages, return_assistant_tokens_mask=True, return_dict=True)
    answered = [token for token, inside in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True) if inside]
    assert TOKENIZER.decode(answered) == "No.<|im_end|>"


def test_the_generation_prompt_opens_the_assistants_turn():
    prompt = TOKENIZER.apply_chat_template([{"role": "user", "content": "x"}], tokenize=False,
                                           add_generation_prompt=True)
    assert prompt == "<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n"
