"""Section `sft_data` of params.yaml."""

from pydantic import Field

from pipeline.schema.section import Section


class SftData(Section):
    """How examples are cut from documents. All limits are in characters."""

    passage_chars: int = Field(ge=80)
    """Longest cited passage."""
    distractor_chars: int = Field(ge=40)
    """Longest passage that does not hold the answer."""
    question_chars: int = Field(ge=40)
    """Longest question, before its wording is added for playbooks and tickets."""
    answer_chars: int = Field(ge=20)
    """Longest answer text; a playbook answer has two of them."""
    min_answer_chars: int = Field(ge=1)
    """Shortest answer text: below this a sentence is a fragment."""
    distractors: int = Field(ge=0, le=8)
    """Passages beside the cited one."""
    unanswerable_share: float = Field(ge=0, lt=1)
    """Share of all examples whose passages do not hold the answer, in [0, 1)."""
    max_per_document: int = Field(ge=1)
    """Most examples from one document, so that a long one does not drown the rest."""
    max_examples: int = Field(ge=1)
    """Most examples in all, drawn by seeded hash; bounds the time of `sft` on a large lake."""
    seed: int = Field(ge=0)
    """Of wordings, order of passages, distractors and draws."""
