"""Spend periods: days of journeys and spend that do not agree are refused, months are not cut."""

import pandas as pd
import pytest

from siyu_helpers.analysis.attribution import spend_periods
from siyu_helpers.analysis.estimates import Refused


def journeys(**attrs):
    table = pd.DataFrame({"path": [("feed",)], "conversions": [1]})
    table.attrs = attrs
    return table


def daily(begin="2024-01-01", end="2024-03-31", amount=2.0):
    return pd.DataFrame({"date": pd.date_range(begin, end), "channel": "feed", "spend": amount})


def monthly(months, channel="search", amount=30.0):
    return pd.DataFrame({"date": pd.to_datetime(months), "channel": channel, "spend": amount})


@pytest.mark.parametrize(
    ("attrs", "given", "found"),
    [
        ({}, (None, None), (None, None)),
        ({}, ("2024-01-01", pd.Timestamp("2024-01-31")), ("2024-01-01", "2024-01-31")),
        ({"first_day": "2024-01-03", "last_day": "2024-01-30"}, (None, None), ("2024-01-03", "2024-01-30")),
        ({"first_day": "2024-01-03", "last_day": "2024-01-30"}, ("2024-01-01", "2024-01-31"),
         ("2024-01-01", "2024-01-31")),
        ({"ended_from": "2024-01-01", "observed_until": "2024-01-31", "first_day": "2024-01-03",
          "last_day": "2024-01-30"}, (None, None), ("2024-01-01", "2024-01-31")),
    ],
)  # fmt: skip
def test_days_given_come_before_days_stated(attrs, given, found):
    assert spend_periods.period_of(journeys(**attrs), *given) == found


@pytest.mark.parametrize(
    ("attrs", "given", "told"),
    [
        ({"ended_from": "2024-01-01"}, ("2023-12-01", None), "first_day is 2023-12-01, .* 2024-01-01"),
        ({"observed_until": "2024-06-30"}, (None, "2024-12-31"), "last_day is 2024-12-31"),
        ({"first_day": "2024-01-03"}, ("2024-02-01", None), "ended_from"),  # a journey ended before
        ({"last_day": "2024-06-30"}, (None, "2024-05-31"), "observed_until"),
    ],
)
def test_days_that_contradict_the_journeys_are_refused(attrs, given, told):
    with pytest.raises(ValueError, match=told):
        spend_periods.period_of(journeys(**attrs), *given)


def test_spend_is_that_of_the_days_to_the_cent():
    spend = pd.concat([daily(amount=0.1), monthly(["2024-01-01", "2024-02-01", "2024-03-01"])])
    found = spend_periods.spend_by_channel(spend, "2024-02-01", "2024-02-29")
    assert found.to_dict("list") == {"channel": ["feed", "search"], "spend": [2.9, 30.0]}  # 29 days, one month
    assert spend_periods.spend_by_channel(spend)["spend"].tolist() == [9.1, 90.0]
    free = spend.assign(spend=spend["spend"].where(spend["channel"] == "feed", 0.0))
    assert spend_periods.spend_by_channel(free)["channel"].tolist() == ["feed"]  # costs nothing: no cost of anything


def test_days_that_spend_does_not_cover_are_refused():
    with pytest.raises(ValueError, match="spend covers 2024-01-01 to 2024-03-31, the journeys end from 2023-12-01"):
        spend_periods.spend_by_channel(daily(), "2023-12-01", "2024-03-31")
    with pytest.raises(ValueError, match="days_with_spend"):
        spend_periods.spend_by_channel(daily(), "2024-01-01", "2024-04-30")
    with pytest.raises(ValueError, match="spend covers no day"):
        spend_periods.spend_by_channel(daily()[:0], "2024-01-01", "2024-04-30")
    assert spend_periods.spend_by_channel(daily()[:0]).empty


def test_a_month_is_not_cut():
    spend = monthly(["2024-01-01", "2024-02-01"])
    with pytest.raises(ValueError, match="spend of search is by month"):
        spend_periods.spend_by_channel(spend, "2024-01-15", "2024-02-29")
    with pytest.raises(ValueError, match="first day of a month"):
        spend_periods.spend_by_channel(spend, "2024-01-01", "2024-02-28")
    assert spend_periods.spend_by_channel(spend, "2024-02-01", "2024-02-29")["spend"].tolist() == [30.0]


def test_days_with_spend_are_those_that_both_tables_cover():
    assert spend_periods.days_with_spend(daily(), "2023-01-01", "2024-02-15") == ("2024-01-01", "2024-02-15")
    assert spend_periods.days_with_spend(daily(), "2024-02-01", "2025-01-01") == ("2024-02-01", "2024-03-31")
    assert isinstance(spend_periods.days_with_spend(daily(), "2025-01-01", "2025-02-01"), Refused)
    assert isinstance(spend_periods.days_with_spend(daily()[:0], "2024-01-01", "2025-02-01"), Refused)


def test_what_is_counted_is_read_from_the_table():
    assert spend_periods.conversions_of(journeys()) == "orders"
    assert spend_periods.conversions_of(journeys(conversions_of="all_orders")) == "orders"
    assert spend_periods.conversions_of(journeys(conversions_of="new_customers")) == "new_customers"


def test_channels_that_ever_cost_something():
    spend = pd.concat([daily(), daily(amount=0.0).assign(channel="direct")])
    assert spend_periods.channels_with_spend(spend) == ["feed"]
    assert spend_periods.channels_with_spend(spend[:0]) == []


@pytest.mark.parametrize(
    ("until", "months", "more", "found"),
    [
        ("2024-03-31", 12, {}, ("2024-01-01", "2024-03-31")),
        ("2024-03-30", 12, {}, ("2024-01-01", "2024-02-29")),  # March is not whole
        ("2024-12-31", 2, {}, ("2024-02-01", "2024-03-31")),
        ("2024-03-31", 12, {"observed_from": "2024-01-02"}, ("2024-02-01", "2024-03-31")),
        # Of a truncated history customers are known to be new only after the burn-in.
        ("2024-03-31", 12, {"observed_from": "2023-12-01", "history": "truncated", "burn_in_days": 62},
         ("2024-02-01", "2024-03-31")),
    ],
)  # fmt: skip
def test_last_whole_months_with_spend_and_new_customers(until, months, more, found):
    assert spend_periods.last_months(daily(), until, months, **more) == found


@pytest.mark.parametrize("until", ["2024-01-30", "2023-12-31"])
def test_without_a_whole_month_there_is_none(until):
    assert isinstance(spend_periods.last_months(daily(), until), Refused)


def test_days_of_months():
    assert spend_periods.days_of_months(["2024-02", "2023-12", "2024-01"]) == ("2023-12-01", "2024-02-29")
