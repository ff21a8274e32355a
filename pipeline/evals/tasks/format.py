"""Task `format`: is the answer in the answer format, word for word?"""

from pipeline.evals.rows import Scored
from pipeline.text.answers import format_ok

VERSION = "1"


def score(answer: str) -> Scored:
    """1 when the whole answer parses, else 0."""
    return Scored(float(format_ok(answer)), {})
