"""The loss covers the assistant's turns and nothing else; a killed run ends in the same bytes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
import torch

from pipeline.lm.load import load_model, load_policy, load_tokenizer
from pipeline.schema.errors import BadInput
from pipeline.schema.examples import MESSAGES
from pipeline.stage.hashing import hash_artefact
from pipeline.tables.parquet import write_table
from pipeline.train.adapter import new_adapter, run_order, show_head_bias
from pipeline.train.resume import newest_state
from pipeline.train.sft import IGNORE, SftJob, answer_loss, check_trained_tokens, encode, end_of_turn, run_sft
from tests import tiny_policy

ROOT = Path(__file__).parents[2]
TALK = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."},
        {"role": "user", "content": "And then?"}, {"role": "assistant", "content": "Then noon."}]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_policy.write_base(tmp_path_factory.mktemp("base") / "base")


@pytest.fixture
def tokenizer(base):
    return load_tokenizer(base)


@pytest.fixture(scope="module")
def conversations(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conversations")
    rows = [{"key": f"{number:02d}", "messages": [*TALK[:3], {"role": "assistant", "content": f"Then {number}."}]}
            for number in range(10)]
    write_table(pl.DataFrame(rows, schema={"key": pl.String(), "messages": MESSAGES}), folder, ["key"], {})
    return folder


def job(base, conversations, folder, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    values = {"stage": "sft", "on": str(base), "adapter": "", "conversations": str(conversations),
              "state": str(folder), "out": str(folder / "trained"), "threads": 1, "shape": tiny_policy.LORA,
              "training": tiny_policy.training(**changes)}
    return SftJob(**values)


def test_labels_are_every_assistant_turn_with_its_end_and_nothing_else(tokenizer):
    row = encode(tokenizer, TALK)
    trained = tokenizer.decode([label for label in row.labels if label != IGNORE])
    assert trained == "Because.<|im_end|>Then noon.<|im_end|>"
    assert all(label in (IGNORE, token) for token, label in zip(row.input_ids, row.labels, strict=True))
    check_trained_tokens(tokenizer, TALK, row)


@pytest.mark.parametrize(("old", "new"), [
    ("message['content'] + '<|im_end|>' -}}{%- endgeneration", "message['content'] -}}{%- endgeneration"),
    ("{%- generation -%}{{- message", "{%- generation -%}{{- 'x' + message")])
def test_a_template_that_trains_more_or_less_is_refused(tokenizer, old, new):
    assert old in tokenizer.chat_template
    broken = tokenizer.chat_template.replace(old, new)
    if "endgeneration" in new:  # the end token moves behind the block
        broken = broken.replace("{%- endgeneration -%}", "{%- endgeneration -%}{{- '<|im_end|>' -}}")
    tokenizer.chat_template = broken
    with pytest.raises(BadInput, match="does not cover exactly"):
        check_trained_tokens(tokenizer, TALK, encode(tokenizer, TALK))


def test_a_template_without_generation_blocks_is_refused(tokenizer):
    tokenizer.chat_template = tokenizer.chat_template.replace("{%- generation -%}", "").replace(
        "{%- endgeneration -%}", "")
    with pytest.raises(BadInput, match="marks no assistant turn"):
        encode(tokenizer, TALK)


def test_a_template_whose_turns_do_not_end_is_refused(tokenizer):
    tokenizer.chat_template = "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"
    with pytest.raises(BadInput, match="no special token ends"):
        end_of_turn(tokenizer)


def test_every_batch_holds_examples_of_like_length_and_every_epoch_all_of_them():
    lengths = [(number * 37) % 50 for number in range(64)]
    order = run_order(lengths, tiny_policy.training(batch_examples=4, epochs=2.0))
    assert sorted(order[:64] + order[64:]) == sorted(list(range(64)) * 2)
    spread = [max(near) - min(near) for near in ([lengths[item] for item in order[start:start + 4]]
                                                 for start in range(0, len(order), 4))]
    assert sum(spread) / len(spread) < 15  # shuffled alone it would be about 30
    assert order == run_order(lengths, tiny_policy.training(batch_examples=4, epochs=2.0))


def test_a_new_adapter_changes_nothing_and_trains_the_turn_markers_at_both_ends(base, tokenizer):
    plain = load_model(base)
    adapted = new_adapter(load_model(base), tiny_policy.LORA, tokenizer)
    show_head_bias(adapted)
    ids = torch.arange(5, 17)[None]
    assert torch.equal(plain(input_ids=ids).logits, adapted(input_ids=ids).logits)
    markers = [weight for name, weight in adapted.named_parameters() if "trainable_tokens_delta" in name]
    assert [weight.shape for weight in markers] == [(2, 32)]
    with torch.no_grad():
        markers[0] += 1
    moved = (adapted(input_ids=ids).logits - plain(input_ids=ids).logits)[0].abs().amax(dim=0)
    vocabulary = tokenizer.get_vocab()
    # no marker was read, so what moved are the head's rows, and these are tied to the markers alone
    assert moved.nonzero().flatten().tolist() == sorted(vocabulary[token] for token in tiny_policy.LORA.trained_tokens)


def test_a_token_the_tokenizer_lacks_is_refused(base, tokenizer):
    with pytest.raises(BadInput, match="has no tokens"):
        new_adapter(load_model(base), tiny_policy.LORA.model_copy(update={"trained_tokens": ["<|other|>"]}), tokenizer)


def test_training_lowers_the_loss_and_a_saved_adapter_is_the_trained_one(base, conversations, tmp_path, tokenizer):
    wanted = job(base, conversations, tmp_path / "run", epochs=8.0)
    run_sft(wanted)
    rows = [encode(tokenizer, TALK[:2])]
    trained = load_policy(tmp_path / "run/trained/adapter", base)
    assert answer_loss(trained, rows) < answer_loss(load_model(base), rows) - 1
    names = {path.name for path in (tmp_path / "run/trained/adapter").iterdir()}
    assert names == {"adapter_model.safetensors", "adapter_config.json"}


def test_examples_that_are_too_long_stop_the_stage(base, conversations, tmp_path):
    with pytest.raises(BadInput, match="longer than 16 tokens"):
        run_sft(job(base, conversations, tmp_path / "run", max_tokens=16))


def start(wanted):
    path = Path(wanted.state) / "job.json"
    path.write_text(wanted.model_dump_json(), encoding="utf-8")
    return subprocess.Popen([sys.executable, "-m", "pipeline.train.sft", "--job", str(path)], cwd=ROOT,
                            stderr=subprocess.PIPE)


def test_a_killed_and_resumed_run_ends_in_the_bytes_of_an_uninterrupted_one(base, conversations, tmp_path):
    one, killed = (job(base, conversations, tmp_path / name, epochs=6.0) for name in ("one", "killed"))
    run_sft(one)
    victim = start(killed)
    deadline = time.monotonic() + 300
    while newest_state(Path(killed.state)) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(victim.pid, signal.SIGKILL)
    victim.communicate()
    assert not Path(killed.out).exists()
    again = start(killed)
    _, errors = again.communicate(timeout=300)
    assert again.returncode == 0, errors.decode()
    assert b"resuming from checkpoint-" in errors
    assert hash_artefact(Path(one.out)).digest == hash_artefact(Path(killed.out)).digest
