"""What a cost table is made of: names of periods, what spend covers, whole-number splits, messages about bad rows."""

import datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition import cost_inputs
from siyu_helpers.analysis.acquisition.cost_inputs import (
    first_and_last_day,
    message_costs_by_month,
    period_number,
    pool_costs_by_month,
    span_of_spend,
    spend_by_day,
    split_by_weight,
)

UNTIL = order_log.day_number("2024-12-31", "observed_until")


def spend(dates, channel="feed", money=10.0):
    return pd.DataFrame({"date": pd.to_datetime(dates), "channel": channel, "spend": money})


def span(*tables):
    made = span_of_spend(spend_by_day(pd.concat(tables), UNTIL))
    return [str(datetime.date.fromordinal(day + order_log.EPOCH)) for day in made]


@given(st.dates(datetime.date(1990, 1, 1), datetime.date(2060, 1, 1)), st.sampled_from(order_log.PERIODS))
def test_a_period_is_named_numbered_and_bounded_alike(date, period):
    day = date.toordinal() - order_log.EPOCH
    number = order_log.period_of_day(day, period)
    assert period_number(order_log.period_label(number, period)) == number
    first, last = first_and_last_day(number, period)
    assert first <= day <= last
    assert {order_log.period_of_day(edge, period) for edge in (first, last)} == {number}
    assert order_log.period_of_day(first - 1, period) == number - 1
    assert order_log.period_of_day(last + 1, period) == number + 1


@pytest.mark.parametrize("name", ["2024", "2024-13", "2024-Q5", "2024-W54", "June", None])
def test_other_names_are_errors(name):
    with pytest.raises(ValueError, match="is not the name of a month, week or quarter"):
        period_number(name)


@given(st.integers(0, 10**12), st.dictionaries(st.text(max_size=3), st.integers(0, 10**6), min_size=1))
def test_a_split_keeps_every_unit(amount, weights):
    if not sum(weights.values()):
        return
    parts = split_by_weight(amount, weights)
    assert sum(parts.values()) == amount
    total = sum(weights.values())
    for name, part in parts.items():
        assert amount * weights[name] // total <= part <= -(-amount * weights[name] // total)
    assert parts == split_by_weight(amount, dict(reversed(weights.items())))


def test_spend_covers_the_days_between_its_ends_and_monthly_spend_its_months():
    assert span(spend(pd.date_range("2024-03-04", "2024-05-20"))) == ["2024-03-04", "2024-05-20"]
    assert span(spend(["2024-03-01", "2024-05-01"])) == ["2024-03-01", "2024-05-31"]
    daily = spend(pd.date_range("2024-03-04", "2024-05-20"), "search")
    assert span(daily, spend(["2024-04-01", "2024-05-01"])) == ["2024-03-04", "2024-05-31"]
    assert span_of_spend(spend_by_day(daily.iloc[:0], UNTIL)) is None


def test_spend_on_weekdays_covers_the_weekend_at_its_ends():
    assert span(spend(pd.bdate_range("2024-04-01", "2024-06-28"))) == ["2024-03-30", "2024-06-30"]
    # A pause of a month in the middle does not stretch the ends by more than a week.
    with_pause = pd.date_range("2024-03-04", "2024-03-31").append(pd.date_range("2024-05-01", "2024-05-20"))
    assert span(spend(with_pause)) == ["2024-02-27", "2024-05-26"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (spend(["2024-01-01"], money=-5.0), "spend is negative in 1 rows"),
        (spend(["2024-01-01", "2024-01-02"], money=[1.0, None]), "spend has no amount in 1 rows"),
        (spend(["2024-01-01"], money=float("inf")), "spend has no amount in 1 rows"),
        (spend(["2024-01-01"], channel=None), "has no channel"),
        (spend([None]), "spend: date is blank in 1 rows"),
        (spend(["2024-01-01"]).assign(date="soon"), "spend: date must hold dates"),
        (spend(["2024-01-01"]).assign(spend="10"), "spend must hold numbers"),
        (spend(["2024-01-01"]).rename(columns={"channel": "chanel"}), "did you mean 'chanel'"),
    ],
)
def test_bad_spend_is_told_in_a_sentence(rows, message):
    with pytest.raises(ValueError, match=message):
        spend_by_day(rows, UNTIL)


def test_pool_costs_are_added_up_by_month_however_it_is_written():
    rows = pd.DataFrame({"month": ["2024-01", "2024-01", "2024-02", "2025-01"], "item": "staff", "amount": 0.1})
    made = pool_costs_by_month(rows, UNTIL)
    assert made["minor"].tolist() == [2000, 1000]
    assert made["month"].tolist() == [period_number("2024-01"), period_number("2024-02")]
    dated = rows.assign(month=[datetime.date(2024, 1, 1)] * 2 + [datetime.date(2024, 2, 1), datetime.date(2025, 1, 1)])
    pd.testing.assert_frame_equal(pool_costs_by_month(dated, UNTIL), made)
    with pytest.raises(ValueError, match="pool_costs is negative"):
        pool_costs_by_month(rows.assign(amount=-1.0), UNTIL)


def test_message_costs_are_added_up_by_month():
    rows = pd.DataFrame(
        {"sent_at": pd.to_datetime(["2024-01-31", "2024-02-01", "2025-01-01"]), "cost": [0.05, None, 9]}
    )
    made, blank = message_costs_by_month(rows, UNTIL)
    assert made.to_numpy().tolist() == [[period_number("2024-01"), 500], [period_number("2024-02"), 0]]
    assert blank == 1
    with pytest.raises(ValueError, match="negative"):
        message_costs_by_month(rows.assign(cost=-0.05), UNTIL)


def test_of_two_orders_at_one_moment_the_named_channel_and_the_first_name_count():
    at = pd.Timestamp("2024-01-05 10:00")
    orders = pd.DataFrame({"customer_id": [1, 1, 2, 2, 3], "ordered_at": at, "amount": 1.0})
    orders["acquired_through"] = ["search", "feed", None, "notes", None]
    facts = cost_inputs.known_orders(orders, UNTIL)
    found = cost_inputs.customers_by_day(cost_inputs.first_orders(facts, None, -(10**6)))
    assert found["channel"].tolist() == ["feed", "notes", "unknown"]
    assert cost_inputs.orders_by_day(facts).set_index("channel")["orders"].to_dict() == {
        "feed": 1, "notes": 1, "search": 1, "unknown": 2,
    }  # fmt: skip


def test_a_day_is_the_one_that_the_clock_of_the_brand_showed():
    """Midnight in Shanghai is the day before in Greenwich; orders with a time zone are read in the same way."""
    there = spend(["2024-06-01"]).assign(date=pd.to_datetime(["2024-06-01"]).tz_localize("Asia/Shanghai"))
    pd.testing.assert_frame_equal(spend_by_day(there, UNTIL), spend_by_day(spend(["2024-06-01"]), UNTIL))


def test_money_that_does_not_fit_is_refused_not_wrapped_around():
    """64 bits hold 9.2e18 units of a ten-thousandth; beyond, a sum would come out negative."""
    with pytest.raises(ValueError, match="write it in thousands"):
        spend_by_day(spend(["2024-06-01"] * 10, money=1e14), UNTIL)
    assert spend_by_day(spend(["2024-06-01"] * 8, money=1e14), UNTIL)["minor"].sum() == 8e18


def test_a_table_without_rows_needs_no_types():
    """pandas takes columns without rows for text."""
    assert spend_by_day(pd.DataFrame(columns=["date", "channel", "spend", "clicks"]), UNTIL).empty
