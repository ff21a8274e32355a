"""Give a foreign base the pipeline's chat template, and the tokens it needs."""

from pathlib import Path

import torch

from pipeline.lm.load import load_model, load_tokenizer, stored_dtype
from pipeline.lm.save import save_model
from pipeline.lm.tokenise import CHAT_TEMPLATE, END_OF_TEXT, END_OF_TURN, START_OF_TURN

NEW_TOKENS_SEED = 0
"""For the embeddings of added tokens. A constant: `chat: chatml` is one operation, not an experiment."""


def adopt_chatml(source: Path, folder: Path) -> None:
    """Write the model at `source` to `folder` with ChatML; missing tokens get embeddings of their own.

    Weights keep the type they are stored in.
    """
    tokenizer, model = load_tokenizer(source), load_model(source, dtype=stored_dtype(source))
    if tokenizer.eos_token is None:
        tokenizer.add_special_tokens({"eos_token": END_OF_TEXT})
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.add_special_tokens({"additional_special_tokens": [START_OF_TURN, END_OF_TURN]},
                                 replace_extra_special_tokens=False)
    tokenizer.chat_template = CHAT_TEMPLATE
    table = model.get_input_embeddings()
    assert isinstance(table, torch.nn.Embedding)
    if len(tokenizer) > table.num_embeddings:
        torch.manual_seed(NEW_TOKENS_SEED)
        # drawn around the mean of the embeddings (Hewitt 2021, nlp.stanford.edu/~johnhew/vocab-expansion.html)
        model.resize_token_embeddings(len(tokenizer), mean_resizing=True)
    assert model.generation_config is not None
    model.generation_config.eos_token_id = sorted({tokenizer.eos_token_id,
                                                   tokenizer.convert_tokens_to_ids(END_OF_TURN)})
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    save_model(model, tokenizer, folder)
