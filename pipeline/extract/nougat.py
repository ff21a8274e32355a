"""Engine `nougat`: a page image to Markdown by a Nougat model, in transformers' own classes.

Blecher et al., "Nougat: Neural Optical Understanding for Academic Documents" (arXiv:2308.13418). The
PyPI package `nougat-ocr` cannot be imported beside a current transformers; `pipeline.extract.nougat_command`
runs it in an environment of its own. No code of the model's folder is run and no pickle is read.
"""

from functools import cache
from pathlib import Path
from typing import Any

from pipeline.extract.recognised import Recognised
from pipeline.schema.curate_extract import Ocr
from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import hash_artefact

NEEDED = ("config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json")
LEAST_LOOPS = 4
"""Times in a row that a text's end returns for it to be a loop (the model's known failure, section 5.4)."""
LONGEST_LOOP = 400
"""Characters of the part that returns."""


def check(params: Ocr) -> None:
    """Raise `BadInput` when the model is not a folder with all it needs."""
    folder = Path(params.nougat.model)
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if not params.nougat.model or missing:
        raise BadInput("params.yaml: `curate_extract.ocr.nougat.model`", "is no Nougat model",
                       wanted=f"a folder with {', '.join(NEEDED)}", got=repr(params.nougat.model),
                       do="name a folder, see docs/own-lake.md, or set the engine to rapidocr")


def identity(params: Ocr) -> dict[str, str]:
    """What decides the text beside the image and our code."""
    from importlib.metadata import version

    found = {name: version(name) for name in ("torch", "transformers", "tokenizers")}
    return {**found, "model": hash_artefact(Path(params.nougat.model)).digest,
            "max_tokens": str(params.nougat.max_tokens)}


def recognise(image: Any, params: Ocr, dpi: int) -> Recognised:
    """The page as Markdown; greedy, so that equal images give equal text."""
    import torch

    processor, model = _loaded(params.nougat.model)
    pixels = processor(image.convert("RGB"), return_tensors="pt").pixel_values
    with torch.inference_mode():
        tokens = model.generate(pixels, max_new_tokens=params.nougat.max_tokens, do_sample=False, num_beams=1,
                                bad_words_ids=[[processor.tokenizer.unk_token_id]])
    text = processor.tokenizer.decode(tokens[0], skip_special_tokens=True)
    return Recognised([], without_loop(text).strip(), image.width * 72 / dpi, image.height * 72 / dpi, 0, None)


def without_loop(text: str) -> str:
    """`text` up to the first turn of a part that returns until its end."""
    bare = text.rstrip()
    for length in range(1, min(LONGEST_LOOP, len(bare) // LEAST_LOOPS) + 1):
        part = bare[-length:]
        turns = 1
        while bare.endswith(part, 0, len(bare) - turns * length):
            turns += 1
        if turns >= LEAST_LOOPS and any(letter.isalpha() for letter in part):
            return bare[:len(bare) - (turns - 1) * length]
    return text


@cache
def _loaded(folder: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoTokenizer, NougatProcessor, VisionEncoderDecoderModel
    from transformers.models.nougat.image_processing_pil_nougat import NougatImageProcessorPil

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    images = NougatImageProcessorPil.from_pretrained(folder, local_files_only=True)
    model = VisionEncoderDecoderModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    return NougatProcessor(images, tokenizer), model.eval()
