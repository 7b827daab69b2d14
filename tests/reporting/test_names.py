"""Names of groups: every key that an analysis can put into a table has one in both languages."""

import re

import pandas as pd
import pytest

from siyu_helpers.analysis import (
    acquisition_cost,
    audit_movement,
    customer_lifetime,
    order_log,
    revenue_identity,
    segments,
)
from siyu_helpers.analysis.estimates import Words
from siyu_helpers.reporting import names


@pytest.mark.parametrize(
    ("called", "keys"),
    [
        (names.DOMAINS, (*order_log.DOMAINS, "unknown", "other")),
        (names.METHODS, segments.METHODS),
        (names.STATUSES, audit_movement.STATUSES),
        (names.MODELS, (*customer_lifetime.MODELS, "gamma_gamma")),
        (names.VARIANTS, acquisition_cost.VARIANTS),
        (names.VARIANT_TERMS, acquisition_cost.VARIANTS),
        (names.CHARGES, ("media", *acquisition_cost.CHARGES)),
        (names.FUNNEL, (*acquisition_cost.COMPONENTS, *acquisition_cost.FUNNEL_COMPONENTS)),
        (names.PLAN, ("all", *acquisition_cost.PLAN_STATUS)),
        (
            names.BEST_SPEND,
            {*acquisition_cost.BEST_SPEND_STATUS, "beyond_more", "beyond_less"} - {"beyond_seen"},
        ),
    ],
)
def test_every_key_is_named(called, keys):
    assert set(called) == set(keys)


def test_the_names_are_in_their_language():
    groups = [group for name, group in vars(names).items() if name.isupper() and name != "PAYBACK_LIKE"]
    assert len(groups) > 15
    for group in groups:
        for zh, en in group.values():
            assert re.search(r"[\u4e00-\u9fff]", zh)
            assert not re.search(r"[\u4e00-\u9fff]", en)


def test_the_bars_of_a_split_are_named():
    orders = pd.DataFrame({"customer_id": [1, 2, 1, 2], "amount": 10.0})
    orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-15", "2024-02-15", "2024-02-20"])
    windows = {"before": ("2024-01-01", "2024-01-30"), "after": ("2024-02-01", "2024-03-01")}
    split = revenue_identity.revenue_identity(orders, "2024-03-01", observed_from="2024-01-01", **windows)
    assert set(split["step"]) <= set(names.factors(split))
    assert names.factors(split)["before"] == ("2024-01-01 至 2024-01-30", "2024-01-01 to 2024-01-30")


def test_directions_are_those_that_a_trend_can_have():
    """A cost that rises, one that falls, one that does neither, and one that nobody knows."""
    months = pd.period_range("2023-01", periods=24, freq="M").astype(str)
    found = set()
    for yearly, customers in ((2.0, 400), (0.5, 400), (1.0, 400), (1.0, 1)):
        spend = [1000 * yearly ** (at / 12) * (1 + 0.2 * (-1) ** (at // 3)) for at in range(24)]
        costs = pd.DataFrame({"month": months, "channel": "feed", "spend": spend, "new_customers": customers})
        found.add(acquisition_cost.direction(acquisition_cost.trend(costs)))
    assert found == set(names.DIRECTIONS)


def test_the_factors_of_the_profit_formulas_are_named():
    source = acquisition_cost.source_identity(10_000, 0.05, 260, 250)
    assert set(source["factor"]) <= set(names.PROFIT_FACTORS)
    assert {"contribution_rate", "orders_per_customer", "fixed_cost"} <= set(names.PROFIT_FACTORS)


def test_the_lines_that_share_a_colour_are_lines():
    assert set(names.PAYBACK_LIKE) | set(names.PAYBACK_LIKE.values()) <= set(names.PAYBACK_LINES)


def test_periods_of_a_change_are_named_by_their_ends():
    called = names.between((["2023-01", "2023-02", "2023-12"], ["2024-01"]))
    assert called["before"] == ("2023-01 至 2023-12", "2023-01 to 2023-12")
    assert called["after"] == ("2024-01 至 2024-01", "2024-01 to 2024-01")
    assert names.words(called["before"]) == Words("2023-01 至 2023-12", "2023-01 to 2023-12")
