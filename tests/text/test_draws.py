"""Seeded draws."""

from pipeline.text.draws import unit_draw


def test_draws_look_uniform_and_depend_on_seed_and_key_only():
    draws = [unit_draw(7, f"{key}") for key in range(2000)]
    assert min(draws) >= 0
    assert max(draws) < 1
    # the mean of 2000 uniform draws has standard error 0.0065
    assert abs(sum(draws) / 2000 - 0.5) < 5 * 0.0065
    assert draws[3] == unit_draw(7, "3") != unit_draw(8, "3")


def test_a_draw_never_changes():
    assert unit_draw(1, "custody") == 0.3711668895226985
