"""Give a foreign base the pipeline's chat template, and the tokens it needs."""

from pathlib import Path

import torch

from pipeline.lm.load import load_model, load_tokenizer
from pipeline.lm.save import save_model
from pipeline.lm.tokenise import CHAT_TEMPLATE, END_OF_TEXT, END_OF_TURN, START_OF_TURN


def adopt_chatml(source: Path, folder: Path, seed: int) -> None:
    """Write the model at `source` to `folder` with ChatML; missing tokens get embeddings drawn by seed.

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
        torch.manual_seed(seed)
        # drawn around the mean of the embeddings (Hewitt 2021, nlp.stanford.edu/~johnhew/vocab-expansion.html)
        model.resize_token_embeddings(len(tokenizer), mean_resizing=True)
    assert model.generation_config is not None
    model.generation_config.eos_token_id = sorted({tokenizer.eos_token_id,
                                                   tokenizer.convert_tokens_to_ids(END_OF_TURN)})
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    save_model(model, tokenizer, folder)


def stored_dtype(folder: Path) -> torch.dtype:
    """The type of the first weight in the first file, read from its header alone."""
    from safetensors import safe_open  # a header, not a model

    first = sorted(folder.glob("*.safetensors"))[0]
    with safe_open(first, framework="pt") as weights:
        return weights.get_tensor(min(weights.keys())).dtype
