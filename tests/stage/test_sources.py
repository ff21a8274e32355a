"""Names of sources in parameters."""

import pytest

from pipeline.schema.errors import BadInput
from pipeline.stage.sources import check_sources, say_absent


def test_sources_of_the_lake_may_be_named():
    check_sources({"a.max_loss": ["tickets"], "a.profiles": []}, ["tickets", "tickets", "policies"])


def test_an_unknown_source_is_refused_with_its_parameter_and_the_known_ones():
    with pytest.raises(BadInput) as caught:
        check_sources({"a.max_loss": ["tikets", "policies"], "a.profiles": ["policies"]}, ["tickets", "policies"])
    assert str(caught.value).startswith(
        "params.yaml: unknown sources, wanted some of policies, tickets, got `a.max_loss` names tikets; correct")


def test_a_source_that_came_no_further_is_said_with_those_that_did(capsys):
    say_absent("b.weights", ["tickets", "policies"], ["policies"])
    assert capsys.readouterr().err == ("`b.weights` names tickets: no document of that source came this far; those "
                                       "that came are of policies\n")


def test_nothing_is_said_of_sources_that_are_there(capsys):
    say_absent("b.weights", ["policies"], ["policies", "tickets"])
    assert capsys.readouterr().err == ""
