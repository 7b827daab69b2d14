"""Which months and channels are compared: only those whose spend, customers and days observed are all known."""

import pandas as pd
import pytest

from siyu_helpers.analysis.acquisition import payback_groups as groups

HORIZONS = [30, 90]


def tables(until="2024-12-31", **attrs):
    """Three channels over 2024: feed every month, live from July on, direct without spend; 60 customers a cell."""
    rows = [
        (f"2024-{month:02d}", channel, spend, 60)
        for month in range(1, 13)
        for channel, spend in (("direct", 0.0), ("feed", 600.0), ("live", 900.0))
        if channel != "live" or month > 6
    ]
    costs = pd.DataFrame(rows, columns=["month", "channel", "spend", "new_customers"])
    costs.attrs = attrs
    values = pd.concat([costs.assign(within_days=days, customers=60) for days in HORIZONS])
    values.attrs = {"observed_until": until, "new_since": -719162, "lag_days": 0}
    return costs, values[["month", "channel", "within_days", "customers"]]


def made(costs, values, by=None, customers="all", domains=None):
    return groups.made(groups.known_costs(costs, values), values, by, customers, domains or {}, HORIZONS)


def test_one_group_has_the_months_observed_for_the_longest_horizon():
    (found,) = made(*tables())
    assert found.months == [f"2024-{month:02d}" for month in range(1, 10)]  # 30 September + 89 days = 28 December
    assert found.channels == ["direct", "feed", "live"]
    (paid,) = made(*tables(), customers="paid")
    assert paid.channels == ["feed", "live"]


def test_the_last_day_counts():
    (until_then,) = made(*tables(until="2024-12-28"))
    (a_day_less,) = made(*tables(until="2024-12-27"))
    assert until_then.months[-1] == "2024-09"
    assert a_day_less.months[-1] == "2024-08"


def test_a_shorter_horizon_is_taken_where_too_few_have_reached_the_longest():
    costs, values = tables()
    few = costs["new_customers"].mask(costs["month"] < "2024-10", 1)
    (found,) = made(costs.assign(new_customers=few), values)
    assert found.months[-1] == "2024-11"  # 27 customers by September: below 100, so by 30 days


def test_one_month_does_not_stand_for_the_brand_where_three_can():
    costs, values = tables(until="2024-04-30")
    early = costs["month"] <= "2024-03"
    (found,) = made(costs[early], values)
    assert found.months == ["2024-01", "2024-02", "2024-03"]  # January is observed for 90 days, by itself
    (alone,) = made(costs[costs["month"] == "2024-01"], values)
    assert alone.months == ["2024-01"]


def test_months_not_known_are_left_out():
    costs, values = tables(incomplete=["2024-03"])
    costs["new_customers"] = costs["new_customers"].astype("Int64").mask(costs["month"] == "2024-01")
    assert made(costs, values)[0].months == ["2024-02", *(f"2024-{month:02d}" for month in range(4, 10))]
    values.attrs["new_since"] = (pd.Timestamp("2024-04-02") - pd.Timestamp(0)).days
    assert made(costs, values)[0].months[0] == "2024-05"


def test_spend_without_customers_waits_too():
    """The spend of a month without new customers is not set against the customers of earlier months too soon."""
    costs, values = tables()
    late = pd.DataFrame({"month": ["2024-12"], "channel": "feed", "spend": 900.0, "new_customers": 0})
    costs = pd.concat([costs[costs["month"] < "2024-09"], late])
    values = values[values["month"] < "2024-09"]
    values.attrs = tables()[1].attrs
    assert "2024-12" not in made(costs, values)[0].months


def test_channels_domains_and_cohorts():
    costs, values = tables()
    assert [found.name for found in made(costs, values, "channel")] == ["direct", "feed", "live"]
    assert [found.name for found in made(costs, values, "channel", "paid")] == ["feed", "live"]
    by_domain = made(costs, values, "domain", domains={"feed": "public", "live": "public"})
    assert {found.name: found.channels for found in by_domain} == {"public": ["feed", "live"], "unknown": ["direct"]}
    names = {by: [found.name for found in made(costs, values, by)] for by in groups.COHORTS}
    assert names["year"] == ["2024"]
    assert names["half"] == ["2024-H1", "2024-H2"]
    assert names["quarter"] == ["2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4"]
    assert names["month"][-1] == "2024-11"  # December has not been observed for 30 days
    half = made(costs, values, "half", "paid")
    assert half[0].channels == ["feed"]  # live had no spend yet
    assert half[1].months == [f"2024-{month:02d}" for month in range(7, 12)]


def test_tables_that_do_not_belong_together():
    costs, values = tables()
    with pytest.raises(ValueError, match="twice"):
        groups.known_costs(pd.concat([costs, costs.iloc[:1]]), values)
    with pytest.raises(ValueError, match="lag_days"):
        groups.known_costs(tables(lag_days=7)[0], values)
    with pytest.raises(ValueError, match="different new customers"):
        groups.check_same_customers(costs.assign(new_customers=61), values)
    with pytest.raises(ValueError, match="different new customers"):
        groups.check_same_customers(costs[costs["channel"] != "live"], values)
    with pytest.raises(ValueError, match="no channels"):
        groups.without_channels(costs, values, "channel", "all")
