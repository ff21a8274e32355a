"""Section `date_model` of params.yaml."""

from pydantic import Field, model_validator

from pipeline.schema.section import Section


class DateModel(Section):
    """The classifier that tells from a text in which year it was written."""

    first_year: int = Field(ge=1500, le=2999)
    """Oldest year that can be told; older texts are taken for this one."""
    last_year: int = Field(ge=1500, le=2999)
    """Newest year that can be told."""
    max_documents: int = Field(ge=1)
    """Dated documents learnt from; of more, these many are drawn by hash."""
    min_word_documents: int = Field(ge=1)
    """A word must be in this many dated documents to say anything of time."""
    max_words: int = Field(ge=1)
    """Most words kept: those in most documents."""
    year_reach: float = Field(gt=0)
    """Years over which what is known of one year speaks for its neighbours (e-fold)."""
    word_strength: float = Field(gt=0)
    """Documents' worth of the word's overall share that a year's own share is pulled to."""
    prior_share: float = Field(gt=0, lt=1)
    """Share of the prior that is spread evenly over all years: no year of the range is impossible."""
    ridge: float = Field(gt=0)
    """Pull of the weights to 0, in documents."""
    folds: int = Field(ge=2)
    """For word statistics and measurements a document is held out of its own fold."""
    min_dated: int = Field(ge=1)
    """Fewer dated documents than this: no model, and nothing is told."""
    seed: int = Field(ge=0)
    """Of folds and of the draw of documents."""

    @model_validator(mode="after")
    def _in_order(self) -> "DateModel":
        if self.first_year >= self.last_year:
            raise ValueError("`first_year` must be before `last_year`")
        return self
