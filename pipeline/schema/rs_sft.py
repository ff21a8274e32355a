"""Section `rs_sft` of params.yaml."""

from pipeline.schema.adapter_training import AdapterTraining
from pipeline.schema.section import Section


class RsSft(Section):
    """Fine-tuning on the dialogues that survived; the adapter goes on from the last DPO round."""

    training: AdapterTraining
