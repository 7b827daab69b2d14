"""Joining times worked by hand, against statsmodels, with customers still on their way, and from other engines."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from siyu_helpers.analysis.attribution import joining_times as jt
from siyu_helpers.analysis.estimates import Estimate, Refused

UNTIL = "2024-12-31"
DAY = pd.Timedelta(days=1)


def at(days, start="2024-01-01"):
    return pd.Timestamp(start) + pd.to_timedelta(np.asarray(days, dtype=float), "D")


def touched(customers, days):
    customers = np.asarray(customers)
    return pd.DataFrame({"visitor_id": customers, "touched_at": at(days), "channel": "feed", "customer_id": customers})


def ordered(customers, days):
    return pd.DataFrame({"customer_id": np.asarray(customers), "ordered_at": at(days), "amount": 10.0})


def joined(customers, days):
    return pd.DataFrame({"customer_id": np.asarray(customers), "joined_at": at(days)})


def shop(copies=40):
    """Four kinds of customers, `copies` of each, one starting every hour.

    0: touched day 0, joins day 2, orders day 7. 1: touched day 0, orders day 1, joins day 31.
    2: touched day 0, joins day 4, never orders. 3: touched day 0, orders day 3, never joins.
    """
    n = np.arange(copies)
    hours = n / 24 / copies  # all within the first hour, so that days are whole
    touches = touched(range(4 * copies), np.tile(hours, 4))
    orders = ordered([*n, *(n + copies), *(n + 3 * copies)], [*(hours + 7), *(hours + 1), *(hours + 3)])
    members = joined([*n, *(n + copies), *(n + 2 * copies)], [*(hours + 2), *(hours + 31), *(hours + 4)])
    # Somebody has to open the pool before: a member whom no touch was recorded of.
    return touches, orders, pd.concat([members, joined([-1], [-10])])


def rows(table):
    return table.set_index(["step", "group"])


def test_steps_by_hand():
    table = rows(jt.joining_times(*shop(), UNTIL))
    touch = table.loc["first_touch_to_joining", "all"]
    assert touch["customers"] == 120  # kinds 0, 1 and 2, after 2, 31 and 4 days
    assert touch[["days_25", "median_days", "days_75"]].tolist() == [2, 4, 31]
    first = table.loc["joining_to_first_order", "all"]
    assert (first["customers"], first["finished"]) == (81, 40)  # kind 2 and the opener are still on the way
    assert not first["conditional"]
    assert first["days_25"] == 5
    assert np.isnan(first["median_days"])  # 40 of 81 is not half
    after = table.loc["first_order_to_joining", "all"]
    assert (after["customers"], after["median_days"]) == (40, 30)
    order = table.loc["first_touch_to_first_order"]
    assert order["customers"].to_dict() == {"all": 120, "joined_first": 40, "others": 80}
    assert order["median_days"].to_dict() == {"all": 3, "joined_first": 7, "others": 1}


def test_who_joined_first():
    found = jt.joining_order(*shop()[1:], UNTIL)
    assert found["joined_first"].value == pytest.approx(81 / 121)
    assert found["ordered_first"].value == pytest.approx(40 / 121)
    assert found["not_yet"].value == pytest.approx(41 / 121)
    assert found["ordered_within"].value == pytest.approx(40 / 81)
    assert jt.joining_order(*shop()[1:], UNTIL, days=4)["ordered_within"].value == 0
    assert found["joined_first"].n == 121


def test_those_still_on_their_way_count_as_long_as_they_were_watched():
    """Median and its interval equal those of statsmodels' Kaplan-Meier on the same durations."""
    rng = np.random.default_rng(4)
    n = 400
    start, wait = rng.integers(0, 330, n), rng.geometric(1 / 110, n)
    last = (pd.Timestamp(UNTIL) - pd.Timestamp("2024-01-01")).days
    orders = ordered(np.arange(n), start + wait)
    table = jt.joining_times(touched([-1], [0]), orders, joined(np.arange(n), start - 0.5), UNTIL)
    row = rows(table).loc["joining_to_first_order", "all"]
    begun = start - 1  # half a day before midnight is the day before
    happened = start + wait <= last
    assert 40 < n - happened.sum() < 200
    km = SurvfuncRight(np.where(happened, start + wait, last) - begun, happened.astype(int))
    for share, name in jt.QUARTERS.items():
        assert row[name] == km.quantile(share)
    low, high = km.quantile_ci(0.5, alpha=0.10, method="cloglog")
    assert (row["median_days_low"], row["median_days_high"]) == (low, high)
    assert row["median_days"] > np.median(wait[happened])  # what leaving them out would have said


def test_conditional_steps_leave_out_whoever_was_not_watched_long_enough():
    """Touched within the last 180 days: only the quick have joined yet, so they do not count."""
    n = np.arange(200)
    early = np.arange(200) % 2 == 0
    start = np.where(early, 10, 340)
    wait = np.where(early, 50, 3)
    table = jt.joining_times(touched(n, start), ordered([999], [0]), joined([*n, -1], [*(start + wait), 0]), UNTIL)
    row = rows(table).loc["first_touch_to_joining", "all"]
    assert (row["customers"], row["median_days"]) == (100, 50)
    shorter = jt.joining_times(
        touched(n, start), ordered([999], [0]), joined([*n, -1], [*(start + wait), 0]), UNTIL, 20
    )
    row = rows(shorter).loc["first_touch_to_joining", "all"]
    assert (row["customers"], row["median_days"]) == (100, 3)  # within 20 days the early ones did not


def test_nobody_could_join_before_the_pool_opened():
    n = np.arange(80)
    start = np.where(n < 40, 0, 100)
    table = jt.joining_times(touched(n, start), ordered([999], [0]), joined(n, np.full(80, 102.0)), UNTIL)
    assert rows(table).loc["first_touch_to_joining", "all"]["customers"] == 0  # opened on day 102, after all touches
    table = jt.joining_times(touched(n, start), ordered([999], [0]), joined([*n, -1], [*np.full(80, 102), 50]), UNTIL)
    row = rows(table).loc["first_touch_to_joining", "all"]
    assert (row["customers"], row["median_days"]) == (40, 2)
    assert table.attrs["pool_since"] == "2024-02-20"


def test_a_touch_after_the_step_starts_nothing_and_is_counted():
    n = np.arange(40)
    table = jt.joining_times(touched(n, n * 0 + 5), ordered(n, n * 0 + 2), joined([-1], [0]), UNTIL)
    assert table.attrs["touched_later"] == {"first_touch_to_joining": 0, "first_touch_to_first_order": 40}
    assert rows(table).loc["first_touch_to_first_order", "all"]["customers"] == 0


def test_joining_at_the_moment_of_the_first_order_is_not_before_it():
    n = np.arange(40)
    found = jt.joining_order(ordered(n, n * 0 + 2.5), joined(n, n * 0 + 2.5), UNTIL)
    assert found["joined_first"].value == 0
    by_day = jt.joining_order(ordered(n, n * 0 + 2.5), joined(n, n * 0 + 2), UNTIL)
    assert by_day["joined_first"].value == 0  # midnight is no time of day
    earlier = jt.joining_order(ordered(n, n * 0 + 2.5), joined(n, n * 0 + 2.25), UNTIL)
    assert earlier["joined_first"].value == 1


def test_truncated_history_leaves_out_the_old_and_those_perhaps_touched_before():
    """Burn-in 30 days: customers 0-39 order on day 10 and are old; 40-79 order on day 60, touched on day 20."""
    n = np.arange(80)
    touches = touched([*n, 900], [*np.where(n < 40, 5, 20), 0])
    orders, members = ordered(n, np.where(n < 40, 10, 60)), joined([*n, -1], [*np.where(n < 40, 8, 25), 0])
    options = {"observed_from": "2024-01-01", "history": "truncated", "burn_in_days": 30}
    short = rows(jt.joining_times(touches, orders, members, UNTIL, lookback_days=15, **options))
    assert short.loc["first_touch_to_first_order", "all"]["customers"] == 40
    assert short.loc["joining_to_first_order", "all"]["customers"] == 41
    long = rows(jt.joining_times(touches, orders, members, UNTIL, lookback_days=21, **options))
    assert long.loc["first_touch_to_first_order", "all"]["customers"] == 0
    assert long.loc["joining_to_first_order", "all"]["customers"] == 41  # joining is known without touches
    complete = rows(jt.joining_times(touches, orders, members, UNTIL))
    assert complete.loc["first_touch_to_first_order", "all"]["customers"] == 80
    assert jt.joining_order(orders, members, UNTIL, **options)["joined_first"].n == 41


def test_stated_first_orders_before_the_export_make_a_customer_old():
    n = np.arange(80)
    stated = pd.DataFrame({"customer_id": n[:30], "first_order_at": pd.Timestamp("2020-05-05")})
    options = {"observed_from": "2024-01-01", "history": "truncated", "first_order_at": stated}
    found = jt.joining_order(ordered(n, n * 0 + 9), joined(n, n * 0 + 3), UNTIL, **options)
    assert found["joined_first"].n == 50


def test_later_rows_and_second_stays_change_nothing():
    touches, orders, members = shop()
    late = jt.joining_times(
        pd.concat([touches, touched([5], [366.5])]),
        pd.concat([orders, ordered([100], [366.5])]),
        pd.concat([members, joined([130], [366.5]), joined([0, 1], [99, 120])]),
        UNTIL,
    )
    pd.testing.assert_frame_equal(late, jt.joining_times(touches, orders, members, UNTIL))


def test_neither_order_of_rows_nor_ids_nor_engines_matter():
    touches, orders, members = shop()
    plain = jt.joining_times(touches, orders, members, UNTIL)
    mixed = jt.joining_times(*(frame.sample(frac=1, random_state=2) for frame in (touches, orders, members)), UNTIL)
    pd.testing.assert_frame_equal(plain, mixed)
    texts = [frame.assign(customer_id="c" + frame["customer_id"].astype(str)) for frame in (touches, orders, members)]
    pd.testing.assert_frame_equal(plain, jt.joining_times(*texts, UNTIL))
    lazy = [pl.from_pandas(frame).lazy() for frame in (touches, orders, members)]
    pd.testing.assert_frame_equal(plain, jt.joining_times(*lazy, UNTIL))
    nullable = [frame.astype({"customer_id": "Int64"}) for frame in (touches, orders, members)]
    pd.testing.assert_frame_equal(plain, jt.joining_times(*nullable, UNTIL))


def test_numbers_for_sentences():
    table = jt.joining_times(*shop(), UNTIL)
    days = jt.joining_days(table, "first_touch_to_joining")
    assert isinstance(days, Estimate)
    assert (days.value, days.n, days.unit) == (4, 120, "days")
    assert "180" in days.definition_in("en")
    assert "一半客户" in days.definition_in("zh")
    assert jt.joining_days(table, "first_touch_to_first_order", "joined_first").value == 7
    assert jt.joining_days(table, "first_touch_to_joining", share=0.75).value == 31
    refused = jt.joining_days(table, "joining_to_first_order")
    assert isinstance(refused, Refused)
    assert "40 / 81" in refused.reason_zh
    few = jt.joining_times(*shop(8), UNTIL)
    assert few["median_days"].isna().all()
    assert jt.joining_days(few, "joining_to_first_order").seen == 17
    assert jt.joining_order(*shop(8)[1:], UNTIL)["joined_first"].seen == 25
    late = jt.joining_order(ordered([999], [0]), joined(range(40), [360.0] * 40), UNTIL)["ordered_within"]
    assert (late.seen, late.needed) == (5, 30)


def test_empty_tables_give_rows_without_numbers():
    touches, orders, members = shop()
    table = jt.joining_times(touches.iloc[:0], orders.iloc[:0], members.iloc[:0], UNTIL)
    assert len(table) == 6
    assert (table["customers"] == 0).all()
    assert table.attrs["pool_since"] is None
    found = jt.joining_order(orders.iloc[:0], members.iloc[:0], UNTIL)
    assert {type(number) for number in found.values()} == {Refused}


def test_mistakes_are_named():
    touches, orders, members = shop()
    with pytest.raises(ValueError, match="no column 'joined_at'; did you mean 'joined'"):
        jt.joining_times(touches, orders, members.rename(columns={"joined_at": "joined"}), UNTIL)
    with pytest.raises(ValueError, match="1 customers have a stay without joined_at"):
        jt.joining_order(
            orders, members.assign(joined_at=members["joined_at"].mask(members["customer_id"] == 3)), UNTIL
        )
    with pytest.raises(ValueError, match="within_days"):
        jt.joining_times(touches, orders, members, UNTIL, within_days=0)
    table = jt.joining_times(touches, orders, members, UNTIL)
    with pytest.raises(ValueError, match="step must be"):
        jt.joining_days(table, "joining")
    with pytest.raises(ValueError, match="no group"):
        jt.joining_days(table, "joining_to_first_order", "others")
    with pytest.raises(ValueError, match="share must be"):
        jt.joining_days(table, "joining_to_first_order", share=0.6)


# --- tables as an outsider makes them ---


def test_ids_that_cannot_meet_and_clocks_that_differ_are_refused():
    seen, orders, members = touched([1, 2], [0, 1]), ordered([1], [5]), joined([1, 2], [2, 3])
    with pytest.raises(ValueError, match="customer_id is text in one table and a number in another"):
        jt.joining_times(seen.assign(customer_id=["a", "b"]), orders, members, UNTIL)
    with pytest.raises(ValueError, match="customer_id is text in one table and a number in another"):
        jt.joining_order(orders, members.assign(customer_id=["a", "b"]), UNTIL)
    with pytest.raises(ValueError, match="ordered_at in no time zone, joined_at in UTC"):
        jt.joining_order(orders, members.assign(joined_at=members["joined_at"].dt.tz_localize("UTC")), UNTIL)


def test_an_order_without_customer_makes_no_other_customer_unknown():
    tables = shop()
    table = jt.joining_times(*tables, UNTIL)
    seen, orders, members = tables
    nobody = pd.DataFrame({"customer_id": [np.nan], "ordered_at": at([3]), "amount": 10.0})
    with_blank = pd.concat([orders, nobody])
    assert with_blank["customer_id"].dtype == float
    pd.testing.assert_frame_equal(jt.joining_times(seen, with_blank, members, UNTIL), table)


def test_tables_without_rows_need_no_types():
    seen, orders, members = shop()
    none = [pd.DataFrame(columns=frame.columns) for frame in (seen, orders, members)]
    assert jt.joining_times(none[0], orders, members, UNTIL).loc[0, "customers"] == 0
    assert jt.joining_times(seen, none[1], members, UNTIL).loc[1, "finished"] == 0
    assert jt.joining_times(seen, orders, none[2], UNTIL).loc[1, "customers"] == 0
    assert jt.joining_times(*none, UNTIL)["customers"].sum() == 0
