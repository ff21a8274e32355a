"""Stage `merge`: one deployable checkpoint from the domain model and its last adapter.

Reads   --model    a full checkpoint
        --adapter  an adapter on it
Writes  --out      a full checkpoint
"""

from pathlib import Path

import torch
from peft import PeftModel
from transformers import PreTrainedModel

from pipeline.lm.determinism import configure, numeric_platform
from pipeline.lm.load import load_model, load_policy, load_tokenizer
from pipeline.lm.save import save_model
from pipeline.sample.policy import sampling_policy
from pipeline.schema.env import Env
from pipeline.schema.errors import BrokenContract
from pipeline.schema.merge import Merge
from pipeline.stage.outputs import output_dir
from pipeline.stage.params import load_section
from pipeline.stage.run import run_stage


def main(model: Path, adapter: Path, out: Path, params: Merge) -> dict[str, object]:
    """Fold, write, load what was written, compare.

    Raises:
        BrokenContract: the written model does not answer as the adapter does.
    """
    configure(params.seed, load_section(Env, "env").threads)
    adapted = load_policy(adapter, model)
    with output_dir(out) as scratch:
        save_model(sampling_policy(adapter, model), load_tokenizer(model), scratch)
        found = largest_difference(adapted, load_model(scratch), params)
        if found > params.max_difference:
            raise BrokenContract("stage merge", "the merged model is not the adapted one",
                                 wanted=f"logits within {params.max_difference}", got=f"{found:.3g}",
                                 do="check that peft merges every part of the adapter")
        moved = largest_difference(load_model(model), load_model(scratch), params)
        if not moved:  # an adapter whose keys match nothing loads in silence elsewhere (vllm-project/vllm#34186)
            raise BrokenContract("stage merge", f"the adapter `{adapter}` changes no logit of `{model}`",
                                 do="train it before merging")
    return {"platform": numeric_platform(), "probe": {"difference_from_adapter": found, "difference_from_model": moved}}


@torch.inference_mode()
def largest_difference(one: PreTrainedModel | PeftModel, other: PreTrainedModel | PeftModel, params: Merge) -> float:
    """The largest absolute difference of a logit over a probe of random tokens, special ones included."""
    generator = torch.Generator().manual_seed(params.seed)
    size = one.config.get_text_config().vocab_size
    probe_BT = torch.randint(0, size, (1, params.probe_tokens), generator=generator)
    probe_BT[0, :8] = torch.arange(8)  # special tokens come first in a vocabulary of ours
    return float((one(input_ids=probe_BT).logits - other(input_ids=probe_BT).logits).abs().max())


if __name__ == "__main__":
    run_stage(main, Merge)
