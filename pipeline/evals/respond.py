"""Answers of a checkpoint, one seeded draw for each prompt, whatever the checkpoint can do.

A model that cannot be asked (no chat template, or a prompt longer than its context) says nothing:
its answer is "", and the tasks score that as what it is. The seed of a draw comes from the prompt, so
every checkpoint is asked the same prompt with the same luck; temperature 0 is greedy.
"""

from collections.abc import Sequence
from typing import NamedTuple

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from pipeline.sample.generate import generate
from pipeline.sample.pairs import item_seed
from pipeline.schema.evaluate import Evaluate
from pipeline.text.answers import Message

SILENCE = ""
"""The answer of a model that cannot be asked."""


class Respondent(NamedTuple):
    """A model with its tokenizer and how it is asked."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    params: Evaluate

    def answer(self, prompts: Sequence[list[Message]], max_new_tokens: int) -> list[str]:
        """One assistant turn for each conversation, in order."""
        askable = [index for index, prompt in enumerate(prompts) if self.fits(prompt, max_new_tokens)]
        said = generate(self.model, self.tokenizer, [prompts[index] for index in askable],
                        seeds=[self.seed_of(prompts[index]) for index in askable],
                        temperature=self.params.temperature, top_p=self.params.top_p,
                        max_new_tokens=max_new_tokens, batch_size=self.params.batch_size)
        answers = [SILENCE] * len(prompts)
        for index, text in zip(askable, said, strict=True):
            answers[index] = text
        return answers

    def seed_of(self, prompt: list[Message]) -> int:
        """The seed of this prompt's draw, from all that was said so far."""
        return item_seed(self.params.seed, *(turn["content"] for turn in prompt))

    def fits(self, prompt: list[Message], max_new_tokens: int) -> bool:
        """Whether the model knows conversations and has room for this one and an answer."""
        if not self.tokenizer.chat_template:
            return False
        text = self.tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
        tokens = self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return len(tokens) + max_new_tokens <= self.context

    @property
    def context(self) -> int:
        """Longest sequence the model was built for."""
        return int(self.model.config.get_text_config().max_position_embeddings)
