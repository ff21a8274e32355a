"""What a worker keeps from one shard to the next."""

from pipeline.redact.shard import load_analyser
from pipeline.redact.tagger import save_tagger
from tests.redact.worlds import LEXICON, random_grid, redact_params, silent_grid

TEXT = "Ask Marta Oyelaran, 14 Ropewalk Lane, Leith, born 25 March 1981, about the window."


def recognisers(analyser):
    return {found.recogniser for found in analyser.found([TEXT])[0]}


def test_shards_of_one_process_share_an_analyser_until_its_model_or_its_params_change(tmp_path):
    save_tagger(silent_grid(), LEXICON, tmp_path)
    params = redact_params()
    first = load_analyser(tmp_path, params)
    assert load_analyser(tmp_path, redact_params()) is first
    assert recognisers(first) == {"birth date", "number and street"}
    assert recognisers(load_analyser(tmp_path, params.model_copy(update={"min_score": 0.8}))) == {"birth date"}
    save_tagger(random_grid(), LEXICON, tmp_path)
    assert "tagger" in recognisers(load_analyser(tmp_path, params))
