"""Limits: what no brand can be made from is refused by the name of the setting."""

import dataclasses

import pandas as pd
import pytest

from siyu_helpers.data.simulate import RECIPES, simulate
from siyu_helpers.data.simulation.recipe import LiftTest

NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("order_scale", NAN, "order_scale: nan is not a number"),
        ("order_scale", INFINITE, "order_scale: inf is not a number"),
        ("order_scale", "fast", "order_scale: 'fast' is not a number"),
        ("effect_on_frequency", NAN, "effect_on_frequency: nan is not a number"),
        ("effect_on_frequency", -1.0, "effect_on_frequency: -1.0 is not above -1"),
        ("refunds", None, "refunds: None is not a number"),
        ("refunds", True, "refunds: True is not a number"),
        ("account_size", 1.5, "account_size: 1.5 is not a whole number"),
        ("messages_per_month", -1.0, "messages_per_month: -1.0 is not 0 or more"),
        ("referral_delay", -50.0, "referral_delay: -50.0 is not 0 or more"),
        ("pool_opens", -5, "pool_opens: -5 is not 0 or more"),
        ("message_cost", 0.005, "message_cost: 0.005 is not a whole number of cents"),
        ("gross_margin", 0.0, "gross_margin: 0.0 is not above 0"),
        ("discount", 1.0, "discount and peak_discount: together"),
        ("distance_slope", 1.0, "distance_slope: 1.0 is not below 1"),
        ("stores", 200, "stores: 200 is more than 127"),
        ("peaks", ["618"], "peaks: .* is not a list of names"),
        ("peaks", {"618": NAN}, "peaks, 618: nan is not above 0"),
        ("shops", {}, "shops: {} is not a list of names"),
        ("shops", {"tmall_shop": 2.0}, "shops, tmall_shop: 2.0 is not a share"),
        ("city_tiers", {"a": 0.0}, "city_tiers: no tier has a share above 0"),
        ("channels", {}, "channels: there must be at least one"),
        ("channels", {"ads": {"visits_per_day": 1}}, "channels, ads: .* is not a Channel"),
        ("observed_from", "2024-13-01", "observed_from: '2024-13-01' is not a date such as"),
        ("observed_from", 20240101, "observed_from: 20240101 is not a date"),
        ("observed_until", "2040-12-31", "spring_festival: its days are known from"),
        ("seed", "a", "seed: 'a' is not a whole number"),
        ("seed", None, "seed: None is not a whole number"),
        ("customers", INFINITE, "customers: inf is not above 0"),
        ("customers", "5", "customers: '5' is not above 0"),
    ],
)
def test_a_setting_that_cannot_be_is_named(setting, value, told):
    with pytest.raises(ValueError, match=told):
        simulate("xiaoman", **{"customers": 20} | {setting: value})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"next": {"nowhere": 0.5}}, "channels, direct, next: there is no channel 'nowhere'"),
        ({"next": {"direct": 0.7, "wecom": 0.6}}, "channels, direct, next: the chances add up to more than 1"),
        ({"next": {"direct": -0.7}}, "channels, direct, next, direct: -0.7 is not a share"),
        ({"shop": "corner"}, "channels, direct, shop: 'corner' is not one of"),
        ({"domain": "secret"}, "channels, direct, domain: 'secret' is not one of public, semi, private"),
        ({"name": {}}, "channels, direct, name: {} is not a name"),
        ({"visits_per_day": NAN}, "channels, direct, visits_per_day: nan is not a number"),
        ({"order_chance": 2.0}, "channels, direct, order_chance: 2.0 is not a share"),
        ({"cost_inflation": -1.0}, "channels, direct, cost_inflation: -1.0 is not above -1"),
        ({"quality": 0.0}, "channels, direct, quality: 0.0 is not above 0"),
    ],
)
def test_a_channel_that_cannot_be_is_named(change, told):
    channels = RECIPES["xiaoman"].channels
    with pytest.raises(ValueError, match=told):
        simulate("xiaoman", channels=channels | {"direct": dataclasses.replace(channels["direct"], **change)})


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("douyin_feed", "lift_tests: 'douyin_feed' is not a LiftTest"),
        (LiftTest("douyin_feed", -1, 30), "lift_tests, douyin_feed: from_day must be 0 or more"),
        (LiftTest("douyin_feed", 0, 0), "lift_tests, douyin_feed: .* days 1 or more"),
        (LiftTest("douyin_feed", 0, 30, 1.0), "lift_tests, douyin_feed, held_out: 1.0 is not a share"),
    ],
)
def test_a_lift_test_that_cannot_be_is_named(test, told):
    with pytest.raises(ValueError, match=told):
        simulate("xiaoman", customers=20, lift_tests=(test,))


@pytest.mark.parametrize("missing", ["wecom", "sms", "referral", "direct"])
def test_a_channel_that_is_needed_is_named(missing):
    channels = {
        name: dataclasses.replace(channel, next={to: share for to, share in channel.next.items() if to != missing})
        for name, channel in RECIPES["xiaoman"].channels.items()
        if name != missing
    }
    if missing == "direct":
        # Nobody comes by itself then; that is a brand too.
        assert len(simulate("xiaoman", customers=50, channels=channels).tables["orders"])
        return
    told = "door into the pool" if missing == "wecom" else f"needs a channel called '{missing}'"
    with pytest.raises(ValueError, match=told):
        simulate("xiaoman", channels=channels)


def test_something_else_than_a_recipe_is_refused():
    for recipe in (None, 3):
        with pytest.raises(ValueError, match="neither a name nor a Recipe"):
            simulate(recipe)


def test_dates_are_taken_as_text_as_days_and_as_moments():
    made = [simulate("sanli", customers=5, observed_from=day).recipe.observed_from
            for day in ("2024-02-29", pd.Timestamp("2024-02-29 12:00"), pd.Timestamp("2024-02-29").date())]  # fmt: skip
    assert len(set(made)) == 1
    # A leap day has a day three years earlier too.
    assert simulate("sanli", customers=5, observed_from="2024-02-29", history="truncated").recipe.first_day > 1_000
