"""Stage `preferences`: pairs of answers of the policy a DPO round starts from, judged.

Reads   --round     1, 2, ...
        --model     a full checkpoint
        --adapter   the current policy's adapter on --model
        --examples  table `pipeline.schema.examples.EXAMPLES`; prompts come from its train split
Writes  --out       table `pipeline.schema.examples.PAIRS`, key pair_id
        --metrics   prompts, pairs, mean and best score of the samples
"""

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import polars as pl

from pipeline.judges.interface import Judge, Prompt
from pipeline.judges.rubric import Rubric
from pipeline.lm.determinism import configure, numeric_platform
from pipeline.lm.load import load_tokenizer
from pipeline.sample.generate import generate
from pipeline.sample.pairs import Pair, Scored, best_and_worst, drawn_examples, item_seed
from pipeline.sample.policy import sampling_policy
from pipeline.schema.env import Env
from pipeline.schema.errors import BadInput
from pipeline.schema.examples import PAIRS, parts_rows
from pipeline.schema.preferences import Preferences
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.params import load_section
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table, write_table
from pipeline.text.answers import prompt_messages
from pipeline.text.compose import example_id

JUDGES: dict[str, Judge] = {"rubric": Rubric()}


def main(round: int, model: Path, adapter: Path, examples: Path, out: Path, metrics: Path,
         params: Preferences) -> dict[str, object]:
    """Sample, judge, pair."""
    judge = JUDGES[params.judge]
    configure(params.sampling.seed, load_section(Env, "env").threads)
    train = read_table(examples).filter(split="train")
    prompts = drawn_examples(train, params.prompts, params.sampling.seed, "round", round)
    answers = sample_answers(model, adapter, prompts, round, params, judge)
    pairs = {row: best_and_worst(scored, params.min_margin) for row, scored in enumerate(answers)}
    rows = [pair_row(round, example, pair, params.sampling.seed)
            for example, pair in zip(prompts.iter_rows(named=True), pairs.values(), strict=True) if pair]
    if len(rows) < params.min_pairs:
        raise BadInput(f"stage preferences, round {round}", f"{prompts.height} prompts gave too few pairs",
                       wanted=f"at least {params.min_pairs}", got=str(len(rows)),
                       do="raise `preferences.samples` or the temperature, or lower `min_margin`")
    with output_dir(out) as folder:
        write_table(pl.DataFrame(rows, schema=PAIRS), folder, ["pair_id"], PAIRS)
    write_json(metrics, summary(answers, len(rows)))
    return {"platform": numeric_platform(), "judge": {"name": judge.name, "version": judge.version}}


def sample_answers(model: Path, adapter: Path, prompts: pl.DataFrame, round_: int, params: Preferences,
                   judge: Judge) -> list[list[Scored]]:
    """`params.samples` judged answers for each prompt, in prompt and sample order."""
    asked = list(_asked(prompts))
    messages = [prompt_messages(prompt.passages, prompt.question) for _, prompt in asked]
    seeds = [item_seed(params.sampling.seed, "sample", round_, key, number)
             for key, _ in asked for number in range(params.samples)]
    policy, how = sampling_policy(adapter, model), params.sampling
    texts = generate(policy, load_tokenizer(model), [one for one in messages for _ in range(params.samples)],
                     seeds=seeds, max_new_tokens=how.max_new_tokens, temperature=how.temperature, top_p=how.top_p,
                     batch_size=how.batch_size)
    owners = [prompt for _, prompt in asked for _ in range(params.samples)]
    scored = [Scored(text, seed, judge.judge(prompt, text))
              for text, seed, prompt in zip(texts, seeds, owners, strict=True)]
    return [scored[start:start + params.samples] for start in range(0, len(scored), params.samples)]


def _asked(examples: pl.DataFrame) -> Iterator[tuple[str, Prompt]]:
    for key, passages, question, source in examples.select("example_id", "passages", "question", "source").iter_rows():
        yield key, Prompt(passages, question, source)


def pair_row(round_: int, example: dict[str, object], pair: Pair, seed: int) -> dict[str, object]:
    """One row of PAIRS."""
    passages, question = example["passages"], str(example["question"])
    assert isinstance(passages, list)  # a column of the examples table
    return {
        "pair_id": example_id(seed, f"pair/{round_}/{example['example_id']}"), "round": round_,
        "example_id": example["example_id"], "prompt": prompt_messages(passages, question),
        "chosen": pair.chosen.text, "rejected": pair.rejected.text,
        "chosen_score": pair.chosen.judgement.score, "rejected_score": pair.rejected.judgement.score,
        "chosen_parts": parts_rows(pair.chosen.judgement.parts),
        "rejected_parts": parts_rows(pair.rejected.judgement.parts),
        "chosen_seed": pair.chosen.seed, "rejected_seed": pair.rejected.seed,
    }


def summary(answers: list[list[Scored]], num_pairs: int) -> dict[str, object]:
    """Counts and the scores of all samples: what the policy does, and what choosing the best would give."""
    scores = [[answer.judgement.score for answer in answers_] for answers_ in answers]
    parts = [answer.judgement.parts for answers_ in answers for answer in answers_]
    return {"prompts": len(answers), "pairs": num_pairs, "samples": len(parts),
            "mean_score": fmean(fmean(row) for row in scores), "mean_best_score": fmean(max(row) for row in scores),
            "mean_parts": {name: fmean(part[name] for part in parts) for name in sorted(parts[0])}}


if __name__ == "__main__":
    run_stage(main, Preferences)
