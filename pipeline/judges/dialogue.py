"""Judge a dialogue: every turn by a judge, and over all turns whether the constraint of turn 1 is kept."""

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from pipeline.judges.interface import Judge, Judgement, Prompt
from pipeline.text.constraints import keeps

CONSTRAINT_WEIGHT = 0.5
"""Half for the constraint, half for the turns: neither an obedient stutter nor a good answer that ignores
the user wins. The constraint counts once per dialogue, the turns by their mean."""


class Constraint(NamedTuple):
    """What the user asked for in the first turn (`pipeline.text.constraints`)."""

    kind: str
    value: str


def judge_dialogue(judge: Judge, prompts: Sequence[Prompt], answers: Sequence[str],
                   constraint: Constraint) -> Judgement:
    """The judgement of all turns together.

    Parts: the mean of each of the judge's parts over the turns; `constraint_turns`, the share of turns
    that keep the constraint; `constraint`, 1 when all do.
    """
    turns = [judge.judge(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
    kept = [keeps(constraint.kind, constraint.value, answer) for answer in answers]
    parts = {name: fmean(turn.parts[name] for turn in turns) for name in turns[0].parts}
    parts |= {"constraint_turns": fmean(kept), "constraint": float(all(kept))}
    obeyed = (parts["constraint_turns"] + parts["constraint"]) / 2
    score = CONSTRAINT_WEIGHT * obeyed + (1 - CONSTRAINT_WEIGHT) * fmean(turn.score for turn in turns)
    return Judgement(score, parts)
