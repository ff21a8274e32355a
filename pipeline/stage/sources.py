"""Sources named in params.yaml: a name that no document has would do nothing, and say nothing."""

from collections.abc import Iterable, Mapping

from pipeline.schema.errors import BadInput
from pipeline.stage.progress import say

OWN_LAKE = "correct the name or take it out: a lake of your own has not the sample's sources (docs/own-lake.md, step 3)"


def check_sources(named: Mapping[str, Iterable[str]], known: Iterable[str]) -> None:
    """Every source that a parameter names is in the lake.

    Args:
        named: parameter -> the sources it names.
        known: the sources of the lake.

    Raises:
        BadInput: names each parameter with its unknown sources.
    """
    lake = set(known)
    unknown = {parameter: sorted(set(names) - lake) for parameter, names in named.items()}
    wrong = "; ".join(f"`{parameter}` names {', '.join(names)}" for parameter, names in unknown.items() if names)
    if wrong:
        raise BadInput("params.yaml", "unknown sources", wanted=f"some of {', '.join(sorted(lake))}", got=wrong,
                       do=OWN_LAKE)


def say_absent(parameter: str, named: Iterable[str], seen: Iterable[str]) -> None:
    """One line on stderr for sources of which nothing reached a later stage: a wrong name, or all were dropped."""
    here = set(seen)
    absent = sorted(set(named) - here)
    if absent:
        say(f"`{parameter}` names {', '.join(absent)}: no document of that source came this far; "
            f"those that came are of {', '.join(sorted(here))}")
