"""Response of new customers to spend: what the table holds, what is refused, and the lesson of hidden demand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spend_series import costs
from statsmodels.stats.rates import confint_poisson

from siyu_helpers.analysis.acquisition.responses import (
    RESPONSE_COLUMNS,
    average_cac,
    elasticity,
    marginal_cac,
    response,
)
from siyu_helpers.analysis.estimates import Estimate, Refused

COLUMNS = ["channel", "elasticity", "low", "high", "average_cac", "marginal_cac", "spend_min", "spend_max"]


@pytest.fixture(scope="module")
def table():
    """Three years of weeks of one channel with spend and one without; the elasticity is 0.6."""
    return costs(np.random.default_rng(5), customers=40, unpaid=30)


@pytest.fixture(scope="module")
def found(table):
    return response(table)


def no_infinities(responses):
    """No number of the table, nor of an Estimate or reason made of it, is infinite."""
    assert not np.isinf(responses.select_dtypes("number").to_numpy()).any()
    for channel in responses["channel"]:
        for one in (elasticity(responses, channel), average_cac(responses, channel), marginal_cac(responses, channel)):
            if isinstance(one, Estimate):
                assert math.isfinite(one.low)
                assert math.isfinite(one.high)
            else:
                text = one.reason_zh + one.reason_en
                assert "nan" not in text
                assert "inf" not in text
    return True


def test_columns_are_those_of_the_issue(found):
    assert list(found.columns) == RESPONSE_COLUMNS == COLUMNS
    assert found["channel"].tolist() == ["feed"]  # the channel without spend has no response
    assert no_infinities(found)


def test_the_elasticity_is_found(found):
    row = found.iloc[0]
    assert row["low"] < 0.6 < row["high"]
    assert row["high"] - row["low"] < 0.5


def test_average_is_a_sum_over_a_sum_of_the_last_complete_periods(table, found):
    """By hand: 52 weeks; then four weeks, of which the last is not complete."""
    feed = table[table["channel"] == "feed"]
    last = feed.tail(52)
    assert found["average_cac"][0] == pytest.approx(last["spend"].sum() / last["new_customers"].sum())
    cut = table.copy()
    cut.attrs = {"incomplete": [feed["week"].iloc[-1]]}
    four = feed.iloc[-5:-1]
    assert response(cut, last=4)["average_cac"][0] == pytest.approx(four["spend"].sum() / four["new_customers"].sum())


def test_marginal_is_average_over_elasticity(found):
    row = found.iloc[0]
    assert row["marginal_cac"] == pytest.approx(row["average_cac"] / row["elasticity"])


def test_estimates_hold_the_numbers_of_the_table(table, found):
    """Average: Garwood's interval of the count (statsmodels). Marginal: Zou and Donner, worked out by hand."""
    row = found.iloc[0]
    slope, average, marginal = (ask(found, "feed") for ask in (elasticity, average_cac, marginal_cac))
    assert (slope.value, slope.low, slope.high, slope.unit) == (
        row["elasticity"],
        row["low"],
        row["high"],
        "elasticity",
    )
    last = table[table["channel"] == "feed"].tail(52)
    few, many = confint_poisson(last["new_customers"].sum(), 1, method="exact-c", alpha=0.1)
    assert (average.low, average.high) == pytest.approx((last["spend"].sum() / many, last["spend"].sum() / few))
    assert average.unit == marginal.unit == "money per customer"
    low = np.sqrt(np.log(average.value / average.low) ** 2 + np.log(row["high"] / row["elasticity"]) ** 2)
    high = np.sqrt(np.log(average.high / average.value) ** 2 + np.log(row["elasticity"] / row["low"]) ** 2)
    assert (marginal.low, marginal.high) == pytest.approx((marginal.value / np.exp(low), marginal.value * np.exp(high)))


def test_range_of_spend_leaves_the_sales_out(table, found):
    """The lowest and highest week, but not 11.11's; a paused week is not the lowest one."""
    feed = table[table["channel"] == "feed"]
    assert found["spend_max"][0] < feed["spend"].max()
    paused = table.copy()
    paused.loc[20, "spend"] = 1.0
    again = response(paused)
    assert again["spend_min"][0] > 100
    assert again.attrs["evidence"]["feed"].periods == 155


def test_by_month_too():
    found = response(costs(np.random.default_rng(1), "month", 36, customers=200, shocks=0.6))
    assert found.attrs["period"] == "month"
    assert found["low"][0] < 0.6 < found["high"][0]
    assert found.attrs["evidence"]["feed"].recent_periods == 12


@settings(max_examples=4, deadline=None)
@given(money=st.sampled_from([0.01, 7.3, 1000.0]), seed=st.integers(0, 99))
def test_currency_and_row_order_change_nothing(table, found, money, seed):
    """Elasticity has no currency; costs are multiplied; rows may come in any order."""
    other = table.sample(frac=1, random_state=seed)
    other = response(other.assign(spend=other["spend"] * money))
    assert other[["elasticity", "low", "high"]].to_numpy() == pytest.approx(
        found[["elasticity", "low", "high"]].to_numpy(), abs=1e-6
    )
    assert other["marginal_cac"][0] == pytest.approx(found["marginal_cac"][0] * money, rel=1e-5)


def test_rows_in_another_order_give_the_same_bits(table, found):
    assert response(table.iloc[::-1]).equals(found)


def test_gaps_blanks_and_pauses(table):
    """Weeks without a row, without known customers, without spend and without customers: left out, or counted."""
    holes = table.drop(index=[30, 31, 80]).astype({"new_customers": "Int64"})
    holes.loc[[3, 4], "new_customers"] = pd.NA
    holes.loc[[50, 51], "spend"] = 0.0
    holes.loc[60, "new_customers"] = 0
    found = response(holes)
    assert found.attrs["evidence"]["feed"].periods == 156 - 3 - 2 - 2
    assert found["low"][0] < 0.6 < found["high"][0]
    assert no_infinities(found)


# --- refusals ----------------------------------------------------------------------------------------------------


def refused(table, gate):
    found = response(table)
    reason = found.attrs["refused"]["feed"]
    assert reason.gate == gate
    assert elasticity(found, "feed") == reason
    assert isinstance(marginal_cac(found, "feed"), Refused)
    assert found[["elasticity", "low", "high", "marginal_cac"]].isna().all(axis=None)
    assert no_infinities(found)
    return found


def test_eleven_months_are_too_few():
    found = refused(costs(np.random.default_rng(1), "month", 11, customers=200), "periods with spend")
    assert found["average_cac"][0] > 0
    refused(costs(np.random.default_rng(1), number=99), "periods with spend")


def test_a_channel_with_few_customers():
    refused(costs(np.random.default_rng(1), customers=1), "new customers")


def test_spend_that_only_follows_the_season_says_nothing():
    refused(costs(np.random.default_rng(1), follows=1.2, shocks=0.03, customers=300), "movement of spend")


def test_an_interval_from_none_to_all():
    refused(costs(np.random.default_rng(1), customers=4, shocks=0.11), "width of the interval")


def test_no_clear_effect_has_no_marginal_cost():
    found = response(costs(np.random.default_rng(4), elasticity=0.0, customers=40))
    assert found["low"][0] < 0 < found["high"][0] < 1
    assert math.isnan(found["marginal_cac"][0])
    assert marginal_cac(found, "feed").gate == "elasticity above 0"
    assert isinstance(elasticity(found, "feed"), Estimate)


def test_a_channel_that_stopped_has_no_present_cost(table):
    """Spend until the middle of the third year: its elasticity can be told, its present cost cannot."""
    stopped = table[(table["channel"] == "direct") | (table["week"] < "2024-W20")]
    found = response(stopped, last=12)
    assert not math.isnan(found["elasticity"][0])
    assert average_cac(found, "feed").gate == marginal_cac(found, "feed").gate == "spend"


def test_customers_that_ceased_to_come(table):
    silent = table.copy()
    silent.loc[(silent["channel"] == "feed") & (silent["week"] > "2024-W48"), "new_customers"] = 0
    found = response(silent, last=3)
    assert average_cac(found, "feed").gate == "new customers"
    assert no_infinities(found)


def test_tables_with_nothing_in_them(table):
    empty = response(table.iloc[:0])
    assert list(empty.columns) == COLUMNS
    assert empty.empty
    unpaid = response(table[table["channel"] == "direct"])
    assert unpaid.empty
    short = response(table.head(1))
    assert short.attrs["refused"]["feed"].seen == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: pd.concat([table, table.tail(1)]), "twice"),
        (lambda table: table.drop(columns="spend"), "lacks the column 'spend'"),
        (lambda table: table.assign(week="spring"), "no month or week"),
        (lambda table: table.assign(spend=-1.0), "negative or infinite"),
        (lambda table: table.assign(new_customers=np.inf), "negative or infinite"),
    ],
)
def test_errors_say_what_is_wrong(table, change, message):
    with pytest.raises(ValueError, match=message):
        response(change(table))


def test_other_errors(table, found):
    with pytest.raises(ValueError, match="level"):
        response(table, level=90)
    with pytest.raises(ValueError, match="last must be"):
        response(table, last=0)
    with pytest.raises(ValueError, match="'tv' is not in the table"):
        elasticity(found, "tv")
    bare = found.copy()
    bare.attrs = {}
    with pytest.raises(ValueError, match="attrs are missing"):
        marginal_cac(bare, "feed")


# --- the lesson --------------------------------------------------------------------------------------------------


def test_the_lesson_of_hidden_demand():
    """Spend that follows demand outside of the season looks as if it worked better than it does, and a warning says so.

    The true elasticity is 0.6. Demand moves by 20% a week for reasons of its own and spend follows it one to one.
    The bias is var(demand) / var(spend) = 0.04 / (0.04 + 0.09), about 0.3: more data would not cure it. What gives it
    away are the customers of the channel without spend, which spend cannot have bought.
    """
    seeds = [np.random.default_rng(seed) for seed in range(6)]
    found = [response(costs(rng, customers=40, unpaid=30, hidden=0.2)) for rng in seeds]
    assert np.mean([one["elasticity"][0] for one in found]) == pytest.approx(0.6 + 0.3, abs=0.08)
    assert all(one["low"][0] > 0.6 for one in found)
    assert sum("feed" in one.attrs["warnings"] for one in found) >= 5


def test_no_warning_where_spend_moves_by_itself(found):
    assert found.attrs["warnings"] == {}
    alone = response(costs(np.random.default_rng(2), customers=40, hidden=0.2))
    assert alone.attrs["warnings"] == {}  # nobody without spend to compare with: the docstring says it is no proof
