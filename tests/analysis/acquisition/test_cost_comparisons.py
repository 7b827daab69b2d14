"""Variants and domains side by side, against sums by hand, and against the cost table itself."""

import math

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition.cost_comparisons import (
    NUMBERS,
    compare_variants,
    finest_table,
    growth_rows,
    recent_months,
    side_by_side,
)
from siyu_helpers.analysis.acquisition.costs import compare_domains, cost_table
from siyu_helpers.analysis.acquisition.trends import trend

UNTIL = "2024-06-30"
DOMAINS = {"feed": "public", "search": "public", "notes": "semi", "wecom": "private"}


def made(months=6, start="2024-01"):
    """Each month feed brings 4, search 2, wecom 3 and nobody knows whence 1; feed costs 400 a month, search 300."""
    orders, spend, number = [], [], 0
    for at, month in enumerate(pd.period_range(start, periods=months, freq="M")):
        for channel, count in (("feed", 4), ("search", 2), ("wecom", 3), (None, 1)):
            for _ in range(count):
                number += 1
                day = month.start_time + pd.Timedelta(days=number % 28)
                orders.append((f"c{number}", day, 100.0, channel))
                if at == 0 and channel == "feed":  # all four come back a month later, through the pool
                    orders.append((f"c{number}", day + pd.Timedelta(days=31), 100.0, "wecom"))
        for day in range(month.days_in_month):
            for channel, amount in (("feed", 400), ("search", 300)):
                money = 5 if day else amount - 5 * (month.days_in_month - 1)
                spend.append((month.start_time + pd.Timedelta(days=day), channel, money))
    orders = pd.DataFrame(orders, columns=["customer_id", "ordered_at", "amount", "acquired_through"])
    return pd.DataFrame(spend, columns=["date", "channel", "spend"]), orders


def test_variants_by_hand():
    spend, orders = made()
    table = compare_variants(spend, orders, UNTIL)
    assert table.columns.tolist() == ["variant", *NUMBERS]
    assert table["variant"].tolist() == ["blended", "paid", "new_customer"]  # no pool costs: no fully loaded
    assert table["spend"].tolist() == pytest.approx([4200, 4200, 4200])
    assert table["new_customers"].tolist() == [60, 36, 36]
    assert table["cac"].tolist() == pytest.approx([70, 4200 / 36, 4200 / 36])
    assert (table["cac_low"] < table["cac"]).all()
    assert (table["cac"] < table["cac_high"]).all()


def test_fully_loaded_adds_the_pool_of_the_same_months():
    spend, orders = made()
    months = pd.period_range("2024-01", "2024-06", freq="M").astype(str)
    pool = pd.DataFrame({"month": months, "item": "staff", "amount": 50.0})
    table = compare_variants(spend, orders, UNTIL, pool_costs=pool, months=3).set_index("variant")
    assert table.loc["fully_loaded", "spend"] == pytest.approx(3 * 750)
    assert table.loc["fully_loaded", "cac"] == pytest.approx(75)
    assert table.loc["blended", "cac"] == pytest.approx(70)


def test_each_row_is_what_the_cost_table_gives():
    """Its numbers are sums over the last complete months of the table of that variant."""
    spend, orders = made(14, "2023-05")
    compared = compare_variants(spend, orders, "2024-06-20", lag_days=3)
    for row in compared.itertuples():
        costs = cost_table(spend, orders, "2024-06-20", "month", row.variant, lag_days=3)
        months = recent_months(costs)
        assert compared.attrs["months"][row.variant] == months
        kept = costs[costs["month"].isin(months)]
        assert row.spend == pytest.approx(kept["spend"].sum())
        assert row.new_customers == kept["new_customers"].sum()
    assert compared.attrs["months"]["paid"] == pd.period_range("2023-06", "2024-05", freq="M").astype(str).tolist()


def test_row_order_changes_nothing():
    spend, orders = made()
    mixed = compare_variants(spend.sample(frac=1, random_state=1), orders.sample(frac=1, random_state=2), UNTIL)
    pd.testing.assert_frame_equal(mixed, compare_variants(spend, orders, UNTIL), check_exact=True)


@pytest.mark.filterwarnings("error")
def test_nobody_and_nothing():
    spend, orders = made()
    none = compare_variants(spend, orders.assign(acquired_through=None), UNTIL).set_index("variant")
    assert math.isnan(none.loc["paid", "cac"])
    assert none.loc["blended", "cac"] == pytest.approx(70)
    short = compare_variants(spend, orders, "2024-01-10")  # no complete month
    assert short.columns.tolist() == ["variant", *NUMBERS]
    assert short["cac"].isna().all()


def test_recent_months_leaves_out_what_is_not_complete():
    spend, orders = made()
    costs = cost_table(spend, orders, "2024-06-20")
    assert recent_months(costs, 3) == ["2024-03", "2024-04", "2024-05"]
    assert recent_months(costs) == ["2024-01", "2024-02", "2024-03", "2024-04", "2024-05"]
    assert recent_months(costs[:0]) == []


def test_domains_side_by_side_keep_every_number():
    """One row a domain, in the house order; each cell is the one of the long table."""
    spend, orders = made()
    months = pd.period_range("2024-01", "2024-06", freq="M").astype(str)
    pool = pd.DataFrame({"month": months, "item": "staff", "amount": 50.0})
    members = orders[orders["acquired_through"] == "wecom"][["customer_id"]].assign(
        joined_at=pd.Timestamp("2024-01-02")
    )
    long = compare_domains(spend, orders, UNTIL, DOMAINS, pool_costs=pool, members=members)
    wide = side_by_side(long.sample(frac=1, random_state=3))
    expected = [name for name in [*order_log.DOMAINS, "unknown"] if name in set(long["domain"])]
    assert wide["domain"].tolist() == expected
    assert set(long["charge"]) == {"media", "new_members", "private"}
    for row in long.itertuples():
        cell = wide[wide["domain"] == row.domain].iloc[0]
        assert cell["new_customers"] == row.new_customers
        for end in ("", "_low", "_high"):
            assert cell[f"cac_{row.charge}{end}"] == pytest.approx(getattr(row, f"cac{end}"), nan_ok=True)
    by_hand = wide.set_index("domain")
    assert by_hand.loc["public", "cac_media"] == pytest.approx(4200 / 36)
    assert math.isnan(by_hand.loc["private", "cac_media"])
    assert by_hand.loc["private", "cac_private"] == pytest.approx(300 / 18)


def test_side_by_side_of_nothing():
    spend, orders = made(1)
    long = compare_domains(spend, orders, "2024-01-10", DOMAINS)
    assert side_by_side(long[:0])["domain"].tolist() == []


def monthly(spend):
    whole = spend.assign(date=spend["date"].dt.to_period("M").dt.to_timestamp())
    return whole.groupby(["date", "channel"], as_index=False).sum()


def test_the_finest_table_is_weekly_where_spend_is_daily():
    spend, orders = made()
    for kind, grain in ((spend, "week"), (monthly(spend), "month")):
        table = finest_table(kind, orders, UNTIL, level=0.8)
        assert table.columns[:2].tolist() == [grain, "channel"]
        pd.testing.assert_frame_equal(table, cost_table(kind, orders, UNTIL, (grain, "channel"), level=0.8))


def test_one_monthly_channel_among_daily_ones_makes_it_monthly():
    spend, orders = made()
    feed, search = (spend[spend["channel"] == name] for name in ("feed", "search"))
    mixed = pd.concat([feed, monthly(search)])
    assert finest_table(mixed, orders, UNTIL).columns[0] == "month"


def test_growth_rows_put_each_number_beside_its_own_channel():
    """Blended, paid, then the channels; `steady` matched by name and not by place."""
    draw = np.random.default_rng(3)
    months = pd.period_range("2022-01", periods=36, freq="M").astype(str)
    parts = []
    for channel in ("b", "a", "c"):
        mean = 60 * np.exp(draw.normal(0, 0.3, 36))
        parts.append(pd.DataFrame({"month": months, "channel": channel, "spend": (20 * mean**1.4).round(2),
                                   "new_customers": draw.poisson(mean)}))  # fmt: skip
    costs = pd.concat(parts, ignore_index=True)
    seen, steady = trend(costs), trend(costs, at_constant_spend=True)
    paid = trend(costs.groupby("month", as_index=False)[["spend", "new_customers"]].sum())
    table = growth_rows(seen, paid, steady.sample(frac=1, random_state=5))
    assert table["group"].tolist() == ["all", "paid", *seen["group"][1:]]
    assert table.columns.tolist() == [*seen.columns, "steady", "steady_low", "steady_high"]
    for row in table.itertuples():
        if row.group == "paid":
            assert row.growth_per_year == paid["growth_per_year"][0]
            assert math.isnan(row.steady)
        elif row.group == "all":  # a total has no growth at constant spend: it moves with the mix of channels, too
            assert math.isnan(row.steady)
            assert row.growth_per_year == seen["growth_per_year"][0]
        else:
            own = steady.set_index("group").loc[row.group]
            assert row.steady == pytest.approx(own["growth_per_year"], nan_ok=True)
            assert row.growth_per_year == seen.set_index("group").loc[row.group, "growth_per_year"]
    assert table["steady"].notna().any()
