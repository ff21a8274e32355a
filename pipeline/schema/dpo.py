"""Section `dpo` of params.yaml."""

from pydantic import Field

from pipeline.schema.adapter_training import AdapterTraining
from pipeline.schema.section import Section


class Dpo(Section):
    """Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290), one round."""

    beta: float = Field(gt=0)
    """Strength of the pull to the reference, which is the policy the round starts from."""
    label_smoothing: float = Field(ge=0, lt=0.5)
    """Share of pairs taken to be judged the wrong way round (Mitchell 2023)."""
    chosen_nll: float = Field(ge=0)
    """Weight of the chosen answers' negative log-likelihood per token beside the preference loss; it keeps
    later rounds from lowering the chosen answers too (iterative RPO, Pang et al. 2024, arXiv:2404.19733,
    equation 1)."""
    training: AdapterTraining
