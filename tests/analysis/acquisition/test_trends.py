"""Yearly growth of acquisition cost, against statsmodels, hand arithmetic, and tables that are not right."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.statespace.sarimax import SARIMAX

from siyu_helpers.analysis.acquisition import trends
from siyu_helpers.analysis.acquisition.festivals import spring_festival_share
from siyu_helpers.analysis.acquisition.trends import chance_rising, direction, growth, monthly_costs, trend
from siyu_helpers.analysis.estimates import Estimate, Refused


def months(number, start="2022-01"):
    return pd.period_range(start, periods=number, freq="M").astype(str).tolist()


def costs(number=36, yearly=0.1, customers=500, start="2022-01", noise=0.0, channel=None, seed=1):
    """Cost of 50 that grows, with a cheap November, and spend that keeps the number of customers level."""
    at = np.arange(number)
    scatter = np.random.default_rng(seed).normal(0, noise, number)
    names = months(number, start)
    cheap = np.array([0.8 if name.endswith("-11") else 1.0 for name in names])
    cac = 50 * (1 + yearly) ** (at / 12) * cheap * np.exp(scatter)
    table = pd.DataFrame({"month": names, "spend": cac * customers, "new_customers": customers})
    table["new_customers"] = table["new_customers"].astype("Int64")
    if channel is not None:
        table.insert(1, "channel", channel)
    return table


def test_columns_and_growth_of_a_series_without_noise():
    found = trend(costs(yearly=0.083))
    assert found.columns.tolist() == [
        "group", "growth_per_year", "growth_per_year_low", "growth_per_year_high", "probability_rising", "n_months"
    ]  # fmt: skip
    row = found.iloc[0]
    assert row["growth_per_year"] == pytest.approx(0.083, abs=1e-3)
    assert row["growth_per_year_low"] < 0.083 < row["growth_per_year_high"]
    assert row["n_months"] == 36


def test_against_statsmodels_on_a_long_series():
    """Ten years with autocorrelated scatter and so many customers that chance is nothing: SARIMAX(1,0,0) agrees."""
    rng = np.random.default_rng(4)
    names, at = months(120, "2014-01"), np.arange(120)
    scatter = rng.normal(0, 0.08, 120)
    for month in range(1, 120):
        scatter[month] += 0.5 * scatter[month - 1]
    festival = spring_festival_share(names)
    log_cac = 4 + 0.06 * at / 12 + 0.15 * np.cos(2 * np.pi * at / 12) + 0.3 * festival + scatter
    table = pd.DataFrame({"month": names, "spend": np.exp(log_cac) * 1e7, "new_customers": 10**7})
    row = trend(table).iloc[0]

    exog = np.column_stack([at[:, None] % 12 == np.arange(12), festival, at / 12]).astype(float)
    fit = SARIMAX(log_cac, exog=exog, order=(1, 0, 0)).fit(disp=False)
    slope, error = fit.params[13], fit.bse[13]
    assert np.log1p(row["growth_per_year"]) == pytest.approx(slope, abs=0.15 * error)
    width = np.log1p(row["growth_per_year_high"]) - np.log1p(row["growth_per_year_low"])
    assert 0.95 < width / (2 * 1.645 * error) < 1.35  # SARIMAX takes its autocorrelation for known


def test_moving_festival_does_not_pass_for_growth():
    """Cost doubles in the festival's days, which fall in January in 2023 and in February in 2024."""
    table = costs(24, yearly=0.0, start="2023-01")
    table["spend"] *= np.exp(0.7 * spring_festival_share(table["month"]))
    row = trend(table).iloc[0]
    assert row["growth_per_year"] == pytest.approx(0, abs=0.005)
    blind = table[~table["month"].str.endswith(("-01", "-02"))]
    assert trend(blind).iloc[0]["growth_per_year"] == pytest.approx(0, abs=0.005)


def test_constant_spend_takes_the_effect_of_spending_more_out():
    """Cost grows by 5% at constant spend and with spend ** 0.4; spend grows by 30% a year: 5% + 0.4 x 30% as seen."""
    rng = np.random.default_rng(2)
    at = np.arange(36)
    log_spend = np.log(1.3) * at / 12 + rng.normal(0, 0.3, 36)
    log_cac = np.log(1.05) * at / 12 + 0.4 * log_spend
    table = pd.DataFrame({"month": months(36), "spend": 1e8 * np.exp(log_spend)})
    table["new_customers"] = np.round(table["spend"] / (50 * np.exp(log_cac)))
    assert growth(trend(table, at_constant_spend=True)).value == pytest.approx(0.05, abs=0.002)
    seen = growth(trend(table))
    assert seen.low < 1.05 * 1.3**0.4 - 1 < seen.high
    assert "at the same spend" in growth(trend(table, at_constant_spend=True)).definition_in("en")
    assert "加大投放" in seen.definition_in("zh")


def test_constant_spend_is_refused_where_spend_moved_with_season_and_trend_only():
    found = trend(costs(36), at_constant_spend=True)
    assert found.attrs["refused"]["all"].gate == "spend moved"
    assert np.isnan(found["growth_per_year"]).all()


def test_channels_and_the_sum_over_them():
    """All rows: total spend / total customers, where a channel without spend adds customers only."""
    both = pd.concat([costs(yearly=0.3, channel="b"), costs(yearly=0.0, channel="a")], ignore_index=True)
    free = costs(channel="organic").assign(spend=0.0)
    found = trend(pd.concat([both, free]))
    assert found["group"].tolist() == ["all", "a", "b"]
    by = found.set_index("group")["growth_per_year"]
    assert by["a"] == pytest.approx(0, abs=2e-3)
    assert by["b"] == pytest.approx(0.3, abs=2e-3)
    total = monthly_costs(pd.concat([both, free]))
    assert total["new_customers"].tolist() == [1500.0] * 36
    assert total["spend"].tolist() == pytest.approx(both.groupby("month")["spend"].sum().tolist())


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100))
def test_order_of_rows_and_unit_of_money_do_not_matter(seed, money):
    table = pd.concat([costs(24, channel="a", noise=0.1), costs(24, channel="b", noise=0.1, seed=2)])
    before = trend(table)
    pd.testing.assert_frame_equal(before, trend(table.sample(frac=1, random_state=seed)))
    pd.testing.assert_frame_equal(before, trend(table.assign(spend=table["spend"] * money)), rtol=1e-6)


def test_probability_goes_with_the_interval_and_the_direction():
    table = costs(noise=0.05, yearly=0.3)
    up, down, flat = trend(table), trend(costs(noise=0.05, yearly=-0.3)), trend(costs(noise=0.05, yearly=0.0))
    assert [direction(found) for found in (up, down, flat)] == ["rising", "falling", "no clear trend"]
    assert chance_rising(up).value > 0.99
    assert chance_rising(up).unit == "probability"
    assert chance_rising(up).is_exact
    # At the end of a one-sided interval the probability is its own: P(growth > low of a 90% interval) = 0.95.
    half = trend(table, level=0.5)
    assert half["growth_per_year_low"].item() > up["growth_per_year_low"].item()


@pytest.mark.parametrize("number", [0, 1, 11, 12, 21])
def test_too_few_months_are_refused_with_their_number(number):
    found = trend(costs(number))
    refused = growth(found)
    assert isinstance(refused, Refused)
    assert refused.seen == number
    assert refused.needed == 22
    assert str(number) in refused.reason_en
    assert found["n_months"].tolist() == [number]
    assert found[list(trends.TREND_COLUMNS[1:5])].isna().all(axis=None)
    assert direction(found) == "not known"
    assert isinstance(chance_rising(found), Refused)


def test_two_years_are_enough():
    assert isinstance(growth(trend(costs(22))), Estimate)


def test_long_history_in_which_no_month_comes_twice_often_is_refused():
    """24 months of which only 6 repeat the calendar: the same half year twice, and others once."""
    table = costs(48)
    kept = table[table["month"].str[:4].isin(["2022"]) | table["month"].str.endswith(("-01", "-02"))]
    assert growth(trend(kept)).seen == 18


def test_few_customers_are_refused():
    refused = growth(trend(costs(customers=4)))
    assert refused.gate == "new customers a month"
    assert refused.seen == 4


def test_months_without_spend_customers_or_knowledge():
    """No spend: left out. Spend without a customer: stays. Blank: left out. All finite."""
    table = costs(36)
    table.loc[3, "spend"] = 0.0
    table.loc[7, "new_customers"] = 0
    table.loc[9, "new_customers"] = pd.NA
    table.loc[11, "spend"] = np.nan
    row = trend(table).iloc[0]
    assert row["n_months"] == 33
    assert np.isfinite(row[1:].to_numpy(dtype=float)).all()
    assert monthly_costs(table).set_index("month").loc["2022-08", "new_customers"] == 0


def test_one_blank_channel_leaves_the_month_without_a_total():
    table = pd.concat([costs(channel="a"), costs(channel="b")], ignore_index=True)
    table.loc[0, "new_customers"] = pd.NA
    found = trend(table).set_index("group")["n_months"]
    assert found.to_dict() == {"all": 35, "a": 35, "b": 36}


def test_incomplete_and_blank_months_are_left_out():
    table = costs(36)
    whole = trend(table.iloc[1:-1])
    table.loc[[0, 35], "spend"] *= 9
    table.attrs = {"incomplete": ["2024-12"], "blank": {"2022-01": "too early"}}
    found = trend(table)
    pd.testing.assert_frame_equal(found, whole)
    assert "too high" in growth(found).definition_in("en")
    assert "too high" not in growth(whole).definition_in("en")


def test_missing_months_in_the_middle_are_gaps_in_time():
    table = costs(36, yearly=0.1).drop(index=[10, 11, 20])
    assert trend(table)["growth_per_year"].item() == pytest.approx(0.1, abs=2e-3)


def test_a_channel_that_starts_late_or_stops_is_refused_and_the_rest_stays():
    late = costs(36, channel="late").iloc[30:]
    found = trend(pd.concat([costs(36, channel="a"), late]))
    assert set(found.attrs["refused"]) == {"late"}
    assert growth(found, "a").n == 36


def test_empty_table():
    found = trend(costs(0, channel="a"))
    assert found["group"].tolist() == ["all"]
    assert growth(found).seen == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: pd.concat([t, t.iloc[[0]]]), "2022-01 and a occurs twice"),
        (lambda t: t.assign(month=t["month"].str.replace("-", "-W")), "is no month"),
        (lambda t: t.assign(channel=["all", *t["channel"][1:]]), "named 'all'"),
        (lambda t: t.assign(spend=-1.0), "negative or infinite"),
        (lambda t: t.assign(new_customers=-1), "negative or infinite"),
        (lambda t: t.assign(spend=np.inf), "negative or infinite"),
        (lambda t: t.drop(columns="spend"), "spend"),
        (lambda t: t.assign(channel=[None, *t["channel"][1:]]), "row without channel"),
    ],
)
def test_tables_that_cannot_be_right(change, words):
    with pytest.raises(ValueError, match=words):
        trend(change(costs(24, channel="a")))


def test_unknown_group_and_level():
    with pytest.raises(ValueError, match="no channel 'x'"):
        monthly_costs(costs(24, channel="a"), "x")
    with pytest.raises(ValueError, match="no group 'x'"):
        growth(trend(costs(24)), "x")
    with pytest.raises(ValueError, match="level"):
        trend(costs(24), level=90)


def test_estimate_says_what_it_is():
    found = growth(trend(costs(36, channel="feed")), "feed")
    assert found.unit == "growth a year"
    assert found.n == 36
    assert found.function.endswith("trends.growth")
    for language in ("zh", "en"):
        text = found.definition_in(language)
        assert "feed" in text
        assert "2022-01" in text
        assert "2024-12" in text
    assert "获客成本" in found.definition_in("zh")
