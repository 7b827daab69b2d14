"""Numbers of a cost table: sums over sums, which periods are whole, and when no number is given."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from statsmodels.stats.rates import confint_poisson

from siyu_helpers.analysis.acquisition.cost_sums import (
    cac,
    checked,
    complete_periods,
    label,
    last_periods,
    paid_channels,
    totals,
    years_apart,
)
from siyu_helpers.analysis.estimates import Estimate, Refused


def table(rows, columns=("month", "channel", "spend", "new_customers")):
    return pd.DataFrame(rows, columns=list(columns)).astype({"spend": float, "new_customers": "Int64"})


@pytest.fixture
def costs():
    return table(
        [
            ("2024-02", "feed", 300, 3), ("2024-01", "feed", 100, 10), ("2024-01", "direct", 0, 5),
            ("2024-02", "direct", 0, 2), ("2024-03", "notes", 50, 0), ("2024-03", "feed", 0, 4),
        ]
    )  # fmt: skip


def months(first, n):
    return [str(month) for month in pd.period_range(first, periods=n, freq="M")]


def test_sums_are_divided_not_ratios_averaged(costs):
    found = cac(costs, ["2024-01", "2024-02"], "feed")
    assert found.value == 400 / 13  # the mean of 10 and 100 would be 55
    assert (found.n, found.unit, found.level) == (13, "money per customer", 0.90)
    low, high = confint_poisson(13, 1, method="exact-c", alpha=0.10)
    assert (found.low, found.high) == pytest.approx((400 / high, 400 / low))
    assert cac(costs).value == 450 / 24
    assert cac(costs, channel=paid_channels(costs)).value == 450 / 17
    assert cac(costs, channel="feed", level=0.5).low > cac(costs, channel="feed").low


def test_the_definition_names_variant_channel_periods_and_lag(costs):
    costs.attrs = {"variant": "paid", "level": 0.8}
    found = cac(costs, ["2024-01", "2024-02"], "feed")
    assert found.level == 0.8
    for words in ("投放获客成本", "渠道：feed", "2024-01 至 2024-02", "偶然"):
        assert words in found.definition.zh
    for words in ("paid: media spend", "channel: feed", "2024-01 to 2024-02", "chance"):
        assert words in found.definition.en
    assert "channels without spend included" in cac(costs).definition.en
    assert "(2 periods of them)" in cac(costs, ["2024-01", "2024-03"]).definition.en
    assert found.function.endswith(".cac")


def test_without_spend_or_customers_there_is_no_cost(costs):
    assert cac(costs, channel="direct").gate == "spend"
    assert cac(costs, channel="notes").gate == "new customers"
    assert cac(costs, ["2024-01"], "notes").gate == "spend"
    assert cac(costs.iloc[:0]).gate == "complete periods"
    unknown = costs.copy()
    unknown.loc[0, "new_customers"] = pd.NA
    assert cac(unknown).gate == "new customers"
    why = Refused("burn-in", "2024-02", "2024-03-01", "中途", "midway")
    unknown.attrs = {"blank": {"2024-02": why}}
    assert cac(unknown, ["2024-02"]) == why
    assert isinstance(cac(unknown), Estimate)  # the blank month is left out
    assert cac(costs, why) == why


def test_what_the_table_lacks_is_named(costs):
    with pytest.raises(ValueError, match="no month '2024-09'"):
        cac(costs, ["2024-09"])
    with pytest.raises(ValueError, match="no channel 'sms'"):
        cac(costs, channel=["feed", "sms"])
    with pytest.raises(ValueError, match="occurs twice"):
        cac(pd.concat([costs, costs]))
    with pytest.raises(ValueError, match="periods cannot be chosen"):
        cac(costs.drop(columns="month").iloc[:1], ["2024-01"])
    with pytest.raises(ValueError, match="make it with by"):
        last_periods(costs.drop(columns="month"))


def test_a_table_without_periods_is_added_up_as_it_is(costs):
    whole = totals(costs)
    assert whole["channel"].tolist() == ["direct", "feed", "notes"]
    assert whole["spend"].tolist() == [0, 400, 50]
    assert whole["new_customers"].tolist() == [7, 17, 0]
    assert whole["cac"].notna().tolist() == [False, True, False]
    assert whole.attrs["periods"] == ["2024-01", "2024-02", "2024-03"]
    assert cac(whole).value == cac(costs).value
    assert cac(whole, channel="feed").value == whole.loc[1, "cac"]
    assert totals(costs, ["2024-01"])["spend"].tolist() == [0, 100]
    assert totals(costs.iloc[:0]).empty
    assert len(totals(costs.drop(columns="channel").iloc[[1]])) == 1


def test_incomplete_and_blank_periods_do_not_count(costs):
    costs.attrs = {"incomplete": ["2024-03"], "blank": {"2024-01": Refused("burn-in", 0, 1, "中途", "midway")}}
    assert complete_periods(costs) == ["2024-02"]
    assert last_periods(costs, 1) == ["2024-02"]
    refused = last_periods(costs, 2)
    assert (refused.gate, refused.seen, refused.needed) == ("complete periods", 1, 2)
    assert cac(costs).n == 5


def test_two_years_are_the_last_twelve_months_and_the_twelve_before():
    rows = [(month, "feed", 10, 1) for month in months("2022-03", 27)]
    made = table(rows).sample(frac=1, random_state=3)
    made.attrs = {"incomplete": ["2024-05"]}
    before, after = years_apart(made)
    assert (before, after) == (months("2022-05", 12), months("2023-05", 12))
    assert years_apart(made[made["month"] > "2022-05"]).seen == 23
    gap = years_apart(made[made["month"] != "2023-06"])
    assert gap.gate == "periods in a row"
    eleven = table([(month, "feed", 10, 1) for month in months("2024-01", 11)])
    assert years_apart(eleven).seen == 11
    assert last_periods(eleven, 12).seen == 11
    with pytest.raises(ValueError, match="n must be a whole number"):
        last_periods(eleven, 0)


def test_weeks_and_quarters_are_put_in_the_order_of_time():
    weeks = table([(f"2020-W{k:02d}", "feed", 1, 1) for k in range(1, 54)] + [("2021-W01", "feed", 1, 1)])
    weeks = weeks.rename(columns={"month": "week"})
    assert last_periods(weeks, 3) == ["2020-W52", "2020-W53", "2021-W01"]
    quarters = table([(f"{year}-Q{k}", "feed", 1, 1) for year in (2023, 2024) for k in range(1, 5)])
    before, after = years_apart(quarters.rename(columns={"month": "quarter"}))
    assert (before[0], after[-1]) == ("2023-Q1", "2024-Q4")


@pytest.mark.parametrize(
    "months",
    [
        pd.to_datetime(["2024-01-01", "2024-02-01"]),
        pd.period_range("2024-01", periods=2, freq="M"),
        [datetime.date(2024, 1, 1), datetime.date(2024, 2, 1)],
        pd.Categorical(["2024-01", "2024-02"]),
    ],
)
def test_months_may_be_written_otherwise(months):
    """The same numbers, however a table made by hand writes its months."""
    made = pd.DataFrame({"month": months, "channel": "feed", "spend": [100.0, 300.0], "new_customers": [10, 3]})
    assert checked(made)["month"].tolist() == ["2024-01", "2024-02"]
    assert complete_periods(made) == ["2024-01", "2024-02"]
    assert cac(made, [label(months[0])]).value == 10.0
    assert cac(made, [months[0]]).value == 10.0


def test_numbers_may_be_decimals_or_text(costs):
    """Money from a database comes as Decimal, from a spreadsheet as text."""
    for kind in (lambda money: Decimal(str(money)), str):
        assert cac(costs.assign(spend=[kind(money) for money in costs["spend"]])) == cac(costs)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.assign(spend=-t["spend"]), "spend holds a negative"),
        (lambda t: t.assign(new_customers=-5), "new_customers holds a negative"),
        (lambda t: t.assign(spend=np.inf), "infinite"),
        (lambda t: t.assign(spend="much"), "spend of the cost table must hold numbers"),
        (lambda t: t.assign(channel=[None, *t["channel"][1:]]), "a row without channel"),
        (lambda t: t.assign(month=[None, *t["month"][1:]]), "a row without month"),
        (pl.from_pandas, "not a polars.DataFrame"),
    ],
)
@pytest.mark.parametrize("function", [cac, totals, complete_periods])
def test_tables_that_cannot_be_right(costs, change, words, function):
    with pytest.raises(ValueError, match=words):
        function(change(costs))


def test_checking_leaves_the_table_as_it_was(costs):
    costs.attrs = {"incomplete": ["2024-03"]}
    before = costs.copy()
    assert checked(costs).attrs == costs.attrs
    pd.testing.assert_frame_equal(costs, before)
