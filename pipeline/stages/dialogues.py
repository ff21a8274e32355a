"""Stage `dialogues`: dialogues of a scripted user with the current policy, judged, the best kept.

Reads   --model     a full checkpoint
        --adapter   the policy's adapter on --model
        --examples  table `pipeline.schema.examples.EXAMPLES`; its train split gives the seed prompts
Writes  --out       table `pipeline.schema.examples.DIALOGUES`, key dialogue_id: all of them, `kept` marked
        --metrics   counts, mean score of all and of the kept, constraint keeping by kind
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import polars as pl
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from pipeline.judges.dialogue import Constraint, judge_dialogue
from pipeline.judges.interface import Judge, Judgement
from pipeline.judges.rubric import Rubric
from pipeline.lm.determinism import configure, numeric_platform
from pipeline.lm.load import load_tokenizer
from pipeline.sample.dialogues import Dialogue, Script, hold, scripts, survivors
from pipeline.sample.generate import generate, tokens_of
from pipeline.sample.pairs import item_seed
from pipeline.sample.policy import sampling_policy
from pipeline.schema.dialogues import Dialogues
from pipeline.schema.env import Env
from pipeline.schema.errors import BadInput
from pipeline.schema.examples import DIALOGUES, parts_rows
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.params import load_section
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table, write_table
from pipeline.text.compose import example_id
from pipeline.text.constraints import check_constraint

JUDGES: dict[str, Judge] = {"rubric": Rubric()}


def main(model: Path, adapter: Path, examples: Path, out: Path, metrics: Path, params: Dialogues) -> dict[str, object]:
    """Script, sample, judge, keep."""
    judge, seed = JUDGES[params.judge], params.sampling.seed
    configure(seed, load_section(Env, "env").threads)
    constraints = [Constraint(choice.kind, choice.value) for choice in params.constraints]
    for constraint in constraints:
        check_constraint(*constraint)
    train = read_table(examples).filter(split="train")
    policy, tokenizer = sampling_policy(adapter, model), load_tokenizer(model)
    offered = scripts(train, constraints, params.turns, params.passage_chars, seed)
    asked = drawn_scripts(fitting(offered, tokenizer, policy, params), params)
    held = hold(asked, params.samples, seed, lambda messages, seeds: generate(
        policy, tokenizer, messages, seeds=seeds, max_new_tokens=params.sampling.max_new_tokens,
        temperature=params.sampling.temperature, top_p=params.sampling.top_p,
        batch_size=params.sampling.batch_size))
    judged = [judge_dialogue(judge, one.script.prompts, one.answers, one.script.constraint) for one in held]
    kept = survivors(held, [one.score for one in judged], params.keep_share, params.min_score)
    if sum(kept) < params.min_kept:
        raise BadInput("stage dialogues", f"{len(held)} dialogues on {len(asked)} seed prompts left too few survivors",
                       wanted=f"at least {params.min_kept}", got=str(sum(kept)),
                       do="raise `dialogues.samples` or `prompts`, or lower `min_score`")
    rows = [row(*one, seed=seed) for one in zip(held, judged, kept, strict=True)]
    with output_dir(out) as folder:
        write_table(pl.DataFrame(rows, schema=DIALOGUES), folder, ["dialogue_id"], DIALOGUES)
    write_json(metrics, summary(held, judged, kept))
    return {"platform": numeric_platform(), "judge": {"name": judge.name, "version": judge.version}}


def fitting(offered: Sequence[Script], tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel,
            params: Dialogues) -> list[Script]:
    """Scripts that fit the model's context even when every answer is as long as it may be."""
    context = int(model.config.get_text_config().max_position_embeddings)
    answers = params.turns * params.sampling.max_new_tokens
    empty = [Dialogue(one, 0, 0, [""] * (params.turns - 1)).messages for one in offered]
    return [one for one, messages in zip(offered, empty, strict=True)
            if len(tokens_of(tokenizer, messages)) + answers <= context]


def drawn_scripts(offered: Sequence[Script], params: Dialogues) -> list[Script]:
    """At most `prompts` scripts by seeded hash, in the order of their names."""
    if not offered:
        raise BadInput("stage dialogues", "no two examples of a document fit a dialogue",
                       do="raise `dialogues.passage_chars`, or lower `max_new_tokens` or `turns`")
    order = sorted(offered, key=lambda one: item_seed(params.sampling.seed, "prompt", one.example_id))
    return sorted(order[:params.prompts], key=lambda one: one.example_id)


def row(dialogue: Dialogue, judgement: Judgement, kept: bool, *, seed: int) -> dict[str, object]:
    """One row of DIALOGUES."""
    script = dialogue.script
    return {
        "dialogue_id": example_id(seed, f"dialogue/{script.example_id}/{dialogue.sample}"),
        "example_id": script.example_id, "sample": dialogue.sample, "messages": dialogue.messages,
        "constraint_kind": script.constraint.kind, "constraint_value": script.constraint.value,
        "score": judgement.score, "parts": parts_rows(judgement.parts), "kept": kept, "seed": dialogue.seed,
    }


def summary(dialogues: Sequence[Dialogue], judged: Sequence[Judgement], kept: Sequence[bool]) -> dict[str, object]:
    """Counts and means; `constraint` is the share of dialogues that keep theirs in every turn."""
    kinds = sorted({one.script.constraint.kind for one in dialogues})
    by_kind = {kind: fmean(judgement.parts["constraint"] for one, judgement in zip(dialogues, judged, strict=True)
                           if one.script.constraint.kind == kind) for kind in kinds}
    return {"seed_prompts": len({one.script.example_id for one in dialogues}), "dialogues": len(dialogues),
            "kept": sum(kept), "mean_score": fmean(one.score for one in judged),
            "mean_kept_score": fmean(one.score for one, keep in zip(judged, kept, strict=True) if keep),
            "constraint": by_kind}


if __name__ == "__main__":
    run_stage(main, Dialogues)
