"""What redaction uses of Presidio's analyzer and of spaCy, loaded without torch and transformers."""

from pipeline.stage.lean import without

with without("torch", "transformers"):
    from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
    from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
    from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

__all__ = [
    "AnalyzerEngine", "ContextAwareEnhancer", "Doc", "EntityRecognizer", "NlpArtifacts", "NlpEngine",
    "RecognizerRegistry", "RecognizerResult", "Vocab",
]  # fmt: skip
