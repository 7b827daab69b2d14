"""On simulated brands whose best number of messages is known: is over-messaging found, and only where it is?

Brands of 6,000 customers, some 300 of whom were kept from promotions by lot. The value of staying is that of the truth
with an error as a trial would leave it. All are marked `full`: each brand is lived through fifteen times.
"""

import functools

import pandas as pd
import pytest

from siyu_helpers.analysis.effect.best_frequency import best_frequency, frequency_curve, frequency_verdict
from siyu_helpers.analysis.estimates import Estimate
from siyu_helpers.data.simulate import simulate
from siyu_helpers.data.simulation import truth

UNTIL, MONTHS, SEEDS = "2025-12-31", 180 / 30.4375, range(11, 21)
TABLES = ("messages", "orders", "members", "assignments")

pytestmark = pytest.mark.full


def value_of(life):
    """What joining is worth a month, with a standard error of 15% as from weekly trials."""
    value = truth.effect_of_joining(life)[180]["contribution"]["effect"] / MONTHS
    reach = 1.645 * 0.15 * value
    return Estimate(value, value - reach, value + reach, 0.9, 2000, "money per customer", "a month", "truth")


@functools.cache
def brand(seed, **how):
    made = simulate("sanli", customers=6000, seed=seed, **how)
    curve = frequency_curve(*(made.tables[name] for name in TABLES), UNTIL, value_of(made.life), seed=seed)
    return curve, truth.best_frequency(made.life.market)


def contains_the_best(curve, known):
    found = best_frequency(curve)["best_per_month"]
    least, most = known["as_good_per_month"]
    return found.low <= most and found.high >= least


def test_over_messaging_is_found_in_nine_of_ten_tea_shops():
    found = [brand(seed) for seed in SEEDS]
    too_many = sum(frequency_verdict(curve) == "too many" for curve, _ in found)
    right = sum(contains_the_best(*one) for one in found)
    gains = [best_frequency(curve)["gain_from_best"] for curve, _ in found]
    gained = sum(one.low <= known["gain_from_best"] <= one.high for one, (_, known) in zip(gains, found, strict=True))
    print(f"too many: {too_many}, best in its interval: {right}, gain in its interval: {gained} of 10")  # noqa: T201
    assert min(too_many, right, gained) >= 9


@pytest.mark.parametrize("how", [{"messages_per_month": 6.0}, {"opt_out": 0.0}])
def test_over_messaging_is_not_found_where_there_is_none(how):
    found = [brand(seed, **how) for seed in (21, 22, 23)]
    assert not any(frequency_verdict(curve) == "too many" for curve, _ in found)
    assert all(contains_the_best(*one) for one in found)


def test_messages_that_add_nothing_are_too_many_and_none_may_be_best():
    found = [brand(seed, message_lift=0.0) for seed in (21, 22, 23)]
    assert all(frequency_verdict(curve) == "too many" for curve, _ in found)
    assert all(best_frequency(curve)["best_per_month"].low == 0 for curve, _ in found)


def test_three_arms_are_used_together():
    """Half of a brand was sent six messages a month and half thirty: two brands with ids of their own, as one lot."""
    parts = {name: [] for name in TABLES}
    for place, number in enumerate((6.0, 30.0)):
        made = simulate("sanli", customers=6000, seed=31 + place, messages_per_month=number)
        for name in TABLES:
            table = made.tables[name].assign(customer_id=lambda t, place=place: t["customer_id"] * 2 + place)
            if name == "assignments":
                arm = table["arm"].astype(str)
                table["arm"] = arm.where(arm != "promotions", f"promotions_{number:g}")
            parts[name].append(table)
    curve = frequency_curve(
        *(pd.concat(part, ignore_index=True) for part in parts.values()), UNTIL, value_of(made.life)
    )
    found = best_frequency(curve)["best_per_month"]
    print(found, curve.attrs)  # noqa: T201
    assert len(curve.attrs["members_by_arm"]) == 3
    assert found.low <= 8 <= found.high < 30
