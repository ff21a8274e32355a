"""Draws depend on an item's seed, not on who is in its batch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.lm.determinism import configure
from pipeline.lm.load import load_model, load_tokenizer
from pipeline.sample.generate import Sampling, end_tokens, generate, pick, tokens_of
from pipeline.schema.errors import BadInput
from tests import tiny_policy

TEXTS = ("Question: why?", "Question: what of the harbour at noon?", "Question: why?", "Go.", "A clerk?")
PROMPTS = [[{"role": "user", "content": text}] for text in TEXTS]
SEEDS = [11, 12, 13, 14, 15]


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    folder = tiny_policy.write_base(tmp_path_factory.mktemp("base") / "base")
    configure(0, 1)
    return load_model(folder), load_tokenizer(folder)


def draw(policy, prompts=PROMPTS, seeds=SEEDS, **changes):
    how = {"max_new_tokens": 16, "temperature": 1.0, "top_p": 0.9, "batch_size": 2, **changes}
    return generate(*policy, prompts, seeds=seeds, **how)


@pytest.mark.parametrize("batch_size", [1, 3, 5])
def test_the_same_seeds_draw_the_same_in_any_batch_size(policy, batch_size):
    assert draw(policy, batch_size=batch_size) == draw(policy)


def test_an_item_draws_the_same_in_any_company_and_any_order(policy):
    alone = draw(policy, PROMPTS[1:2], SEEDS[1:2])
    assert draw(policy)[1:2] == alone
    assert draw(policy, PROMPTS[::-1], SEEDS[::-1])[::-1] == draw(policy)


def test_another_seed_draws_something_else(policy):
    answers = draw(policy)
    assert answers[0] != answers[2]  # same prompt, other seed
    assert draw(policy, seeds=[seed + 1 for seed in SEEDS]) != answers


def test_cached_and_padded_steps_are_those_of_a_plain_forward_pass(policy):
    model, tokenizer = policy
    greedy = draw(policy, temperature=0)
    for prompt, answer in zip(PROMPTS, greedy, strict=True):
        ids, ends = list(tokens_of(tokenizer, prompt)), end_tokens(tokenizer)
        drawn = []
        for _ in range(16):
            with torch.inference_mode():
                token = int(model(input_ids=torch.tensor([ids + drawn])).logits[0, -1].argmax())
            if token in ends:
                break
            drawn.append(token)
        assert answer == tokenizer.decode(drawn, skip_special_tokens=True)


def test_a_prompt_without_room_for_an_answer_is_an_error_and_not_cut(policy):
    with pytest.raises(BadInput, match="no room for its answer"):
        draw(policy, [[{"role": "user", "content": "a clerk waits " * 80}]], [1])


def test_the_token_is_the_one_under_the_uniform_number():
    # shares 0.5, 0.25, 0.25: the number picks the first token below 0.5, and so on
    logits = torch.tensor([[0.5, 0.25, 0.25]]).log().repeat(4, 1)
    numbers = torch.tensor([0.0, 0.49, 0.51, 0.99], dtype=torch.float64)
    assert pick(logits, numbers, Sampling(1, 1.0, 1.0)).tolist() == [0, 0, 1, 2]


def test_the_nucleus_leaves_out_the_unlikely():
    # 0.5 + 0.3 reaches 0.8, so the last token is out and the rest share its place
    logits = torch.tensor([[0.2, 0.3, 0.5]]).log().repeat(3, 1)
    numbers = torch.tensor([0.0, 0.374, 0.376], dtype=torch.float64)
    assert pick(logits, numbers, Sampling(1, 1.0, 0.8)).tolist() == [1, 1, 2]


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=9), st.floats(0, 1, exclude_max=True), st.floats(0.05, 1),
       st.floats(0.1, 3))
def test_a_drawn_token_always_lies_in_the_nucleus(logits, number, top_p, temperature):
    rows = torch.tensor([logits])
    token = int(pick(rows, torch.tensor([number], dtype=torch.float64), Sampling(1, temperature, top_p)))
    shares = torch.softmax(rows[0].double() / temperature, 0)
    assert shares[shares > shares[token]].sum() < top_p + 1e-9
