"""Section `sft` of params.yaml."""

from pipeline.schema.adapter_training import AdapterShape, AdapterTraining
from pipeline.schema.section import Section


class Sft(Section):
    """Supervised fine-tuning: a new LoRA adapter, loss on the assistant's turns alone."""

    lora: AdapterShape
    training: AdapterTraining
