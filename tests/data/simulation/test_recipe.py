"""Recipes: when weeks begin, what an override changes, and what is left when only purchases are."""

import datetime

import pytest

from siyu_helpers.data.simulate import RECIPES

XIAOMAN = RECIPES["xiaoman"]


def test_weeks_begin_on_mondays_and_the_export_where_it_says():
    assert XIAOMAN.start == datetime.date(2022, 12, 26)
    assert XIAOMAN.start.weekday() == 0
    assert XIAOMAN.start + datetime.timedelta(days=XIAOMAN.first_day) == XIAOMAN.observed_from
    assert XIAOMAN.start + datetime.timedelta(days=XIAOMAN.days - 1) == XIAOMAN.observed_until


def test_a_truncated_brand_is_three_years_older_than_its_export():
    older = XIAOMAN.changed(history="truncated")
    assert older.start.weekday() == 0
    assert 3 * 365 <= older.first_day <= 3 * 365 + 8
    leap = XIAOMAN.changed(history="truncated", observed_from="2024-02-29")
    assert leap.start == datetime.date(2021, 3, 1)


def test_an_override_changes_one_thing_and_leaves_the_recipe_alone():
    changed = XIAOMAN.changed(refunds=0.2)
    assert (changed.refunds, XIAOMAN.refunds) == (0.2, 0.06)
    assert changed.changed(refunds=XIAOMAN.refunds) == XIAOMAN
    flat = XIAOMAN.with_channels(cost_inflation=0.0)
    assert {channel.cost_inflation for channel in flat.channels.values()} == {0.0}


@pytest.mark.parametrize(
    ("setting", "told"),
    [({"refund": 0.1}, "Did you mean refunds?"), ({"weather": 1}, "no 'weather'"), ({"process": "nbd"}, "bg_nbd")],
)
def test_a_wrong_setting_is_told_by_name(setting, told):
    with pytest.raises(ValueError, match=told):
        XIAOMAN.changed(**setting)


def test_purchases_only_leaves_the_process_and_nothing_that_moves_it():
    plain = XIAOMAN.purchases_only()
    for kept in ("order_shape", "order_scale", "dropout_a", "dropout_b", "spend_shape", "customers"):
        assert getattr(plain, kept) == getattr(XIAOMAN, kept)
    assert plain.peaks == {}
    assert plain.joining_base == plain.split_orders == plain.sms_after == plain.distance_slope == 0
    assert {channel.quality for channel in plain.channels.values()} == {1.0}
