"""Repurchase cycle against curves worked by hand, lifelines, statsmodels, and other engines."""

import io
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from order_logs import ENGINES, LOGS, UNTIL, log, random_log
from pandas.testing import assert_frame_equal
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.repurchase_cycle import (
    CURVE_COLUMNS,
    log_rank,
    median_days,
    repurchase_cycle,
    repurchased_within,
    time_to_next_order,
)


def expected(columns, *rows):
    return pd.DataFrame(list(rows), columns=columns).astype({"group": "str"})


# --- time to the next order ---


def test_survival_by_hand(six):
    made = time_to_next_order(six, UNTIL)
    steps = [
        *(("all", 0, 6, 0, 1.0), ("all", 1, 6, 1, 5 / 6), ("all", 5, 5, 0, 5 / 6), ("all", 36, 4, 1, 5 / 8)),
        *(("all", 42, 3, 1, 5 / 12), ("all", 43, 2, 1, 5 / 24), ("all", 44, 1, 0, 5 / 24)),
    ]
    assert_frame_equal(made[CURVE_COLUMNS[:5]], expected(CURVE_COLUMNS[:5], *steps))
    assert list(made.columns) == CURVE_COLUMNS


def test_orders_of_one_day_kept_apart_by_hand(six):
    made = time_to_next_order(six, UNTIL, same_day="keep")
    assert made["days"].tolist() == [0, 1, 5, 43, 44]
    assert made["at_risk"].tolist() == [6, 4, 3, 2, 1]
    assert made["events"].tolist() == [2, 1, 0, 1, 0]
    assert made["not_yet_ordered"].tolist() == pytest.approx([4 / 6, 3 / 6, 3 / 6, 1 / 4, 1 / 4])


def test_later_orders_by_hand(six):
    # Second to third order: Ana from 10 February, Cy from 1 March, Dee from 15 March, Fay from 2 March; nobody yet.
    made = time_to_next_order(six, UNTIL, after_order=2)
    assert made[["days", "at_risk", "events"]].values.tolist() == [[0, 4, 0], [13, 3, 0], [14, 2, 0], [34, 1, 0]]
    assert made[["not_yet_ordered", "low", "high"]].to_numpy().tolist() == [[1.0, 1.0, 1.0]] * 4
    assert time_to_next_order(six, UNTIL, after_order=9).empty


def test_groups_are_those_of_the_first_order(six):
    made = time_to_next_order(six, UNTIL, by="sold_through")
    # Ana's earlier order of the day was in the shop; Fay's two of one moment go by the alphabet; Ben's is blank.
    assert made.groupby("group")["at_risk"].first().to_dict() == {"app": 2, "shop": 3, "unknown": 1}
    assert_frame_equal(
        made[made["group"] == "app"].reset_index(drop=True)[CURVE_COLUMNS[:5]],
        expected(CURVE_COLUMNS[:5], ("app", 0, 2, 0, 1.0), ("app", 42, 2, 1, 0.5), ("app", 43, 1, 1, 0.0)),
    )


def test_numbers_and_categories_group_like_texts(six):
    plain = time_to_next_order(six, UNTIL, by="sold_through")
    assert_frame_equal(time_to_next_order(six.astype({"sold_through": "category"}), UNTIL, by="sold_through"), plain)
    stores = six.assign(store_id=np.arange(len(six)) % 3)
    assert set(time_to_next_order(stores, UNTIL, by="store_id")["group"]) <= {"0", "1", "2"}


@pytest.mark.parametrize("level", [0.5, 0.9, 0.99])
def test_ends_of_the_curve_follow_lifelines(level):
    for orders in (
        log(
            ("a", "2024-01-01", 1), ("a", "2024-01-05", 1), ("b", "2024-01-01", 1), ("b", "2024-01-09", 1)
        ),  # all return
        log(("a", "2024-01-01", 1), ("b", "2024-01-03", 1)),  # nobody returns
        log(("a", "2024-01-01", 1), ("a", "2024-01-05", 1), ("b", "2024-01-02", 1), ("c", "2024-01-08", 1)),
    ):
        made = time_to_next_order(orders, "2024-01-10", level=level)
        assert_same_as_lifelines(made, orders, "2024-01-10", level)


def durations(orders, until):
    """Plain recount: days from the first to the second day with an order, or to the end; and whether it came."""
    orders = orders[orders["ordered_at"] < pd.Timestamp(until) + pd.Timedelta(days=1)]
    days = orders.assign(day=orders["ordered_at"].dt.normalize())[["customer_id", "day"]].drop_duplicates()
    days = days.sort_values(["customer_id", "day"])
    nth = days.groupby("customer_id").cumcount()
    first = days[nth == 0].set_index("customer_id")["day"]
    second = days[nth == 1].set_index("customer_id")["day"].reindex(first.index)
    return (second.fillna(pd.Timestamp(until)) - first).dt.days, second.notna()


def assert_same_as_lifelines(curve, orders, until, level):
    days, came = durations(orders, until)
    fitted = KaplanMeierFitter(alpha=1 - level).fit(days, came)
    np.testing.assert_array_equal(curve["days"], fitted.survival_function_.index)
    np.testing.assert_allclose(curve["not_yet_ordered"], fitted.survival_function_.iloc[:, 0], atol=1e-12)
    np.testing.assert_allclose(curve[["low", "high"]], fitted.confidence_interval_survival_function_, atol=1e-10)
    np.testing.assert_array_equal(curve["at_risk"], fitted.event_table["at_risk"])
    np.testing.assert_array_equal(curve["events"], fitted.event_table["observed"])


# --- numbers read off the curve ---


def test_share_within_days_by_hand(six):
    curve = time_to_next_order(six, UNTIL)
    made = repurchased_within(curve, 41)
    row = curve[curve["days"] == 36].iloc[0]
    assert (made.value, made.low, made.high) == pytest.approx((3 / 8, 1 - row["high"], 1 - row["low"]))
    assert (made.n, made.unit, made.level) == (6, "share", 0.9)
    assert made.function == "siyu_helpers.analysis.repurchase_cycle.repurchased_within"
    assert "41 天" in made.definition.zh
    assert "41 days" in made.definition.en
    assert repurchased_within(curve, 42).value == pytest.approx(7 / 12)
    assert repurchased_within(curve, 44).value == pytest.approx(19 / 24)
    refused = repurchased_within(curve, 45)
    assert (refused.gate, refused.seen, refused.needed) == ("days watched", 44, 45)


def test_a_curve_that_has_not_moved_still_has_an_interval(six):
    curve = time_to_next_order(six, UNTIL)
    before = repurchased_within(curve, 0)
    assert (before.value, before.low) == (0.0, 0.0)
    assert 0 < before.high < 0.5
    all_back = time_to_next_order(log(("a", "2024-01-01", 1), ("a", "2024-01-05", 1)), "2024-01-31")
    after = repurchased_within(all_back, 365)  # nobody is left to come back: the share cannot change
    assert (after.value, after.high) == (1.0, 1.0)
    assert 0 < after.low < 1


def test_median_by_hand(six):
    curve = time_to_next_order(six, UNTIL)
    made = median_days(curve)
    assert made.value == 42
    assert made.low == curve.loc[curve["low"] <= 0.5, "days"].iloc[0]
    assert made.high == math.inf  # six customers: the upper limit of the curve stays above one half
    assert made.unit == "days"
    assert median_days(curve, share=0.1).value == 1
    refused = median_days(curve, share=0.9)
    assert isinstance(refused, Refused)
    assert refused.seen == pytest.approx(19 / 24)
    assert "90%" in refused.reason_zh
    assert "90%" in refused.reason_en


def test_an_upper_limit_that_was_not_reached_is_infinite():
    orders = log(*[(c, "2024-01-01", 1) for c in range(4)], (0, "2024-01-05", 1), (1, "2024-01-09", 1))
    made = median_days(time_to_next_order(orders, "2024-01-31"))
    assert (made.value, made.high) == (8, math.inf)
    many = log(*[(c, "2024-01-01", 1) for c in range(60)], *[(c, f"2024-01-{c // 3 + 2:02d}", 1) for c in range(59)])
    made = median_days(time_to_next_order(many, "2024-01-31"))
    assert made.value == 10
    assert 1 < made.low < 10 < made.high < 20
    all_back = time_to_next_order(log(("a", "2024-01-01", 1), ("a", "2024-01-05", 1)), "2024-01-31")
    assert (median_days(all_back).value, median_days(all_back).high) == (4, math.inf)


def test_numbers_are_refused_on_an_empty_curve(six):
    empty = time_to_next_order(six, "2023-01-01")
    assert isinstance(repurchased_within(empty, 30), Refused)
    assert isinstance(median_days(empty), Refused)


def test_a_curve_is_read_by_group(six):
    curve = time_to_next_order(six, UNTIL, by="sold_through", same_day="keep", after_order=1)
    assert repurchased_within(curve, 43, group="app").n == 2
    assert "分别计算" in median_days(curve, 0.2, group="app").definition.zh
    with pytest.raises(ValueError, match="no group 'all'; it has 'app', 'shop', 'unknown'"):
        repurchased_within(curve, 10)


def test_a_curve_that_was_a_file_gives_the_same_numbers_and_a_general_definition(six):
    curve = time_to_next_order(six, UNTIL)
    read = pd.read_csv(io.StringIO(curve.to_csv(index=False)))
    for made, plain in (
        (repurchased_within(read, 41), repurchased_within(curve, 41)),
        (median_days(read), median_days(curve)),
    ):
        assert (made.value, made.low, made.high, made.level, made.n) == (
            plain.value, plain.low, plain.high, plain.level, plain.n,
        )  # fmt: skip
        for words in (made.definition.zh, made.definition.en):
            assert "None" not in words


# --- every engine, every kind of key ---


def same_curves(orders, others, until):
    """Assert that every function gives identical tables on the orders and on the other form of them."""
    for options in ({}, {"by": "sold_through"}, {"after_order": 2, "same_day": "keep"}):
        assert_frame_equal(time_to_next_order(others, until, **options), time_to_next_order(orders, until, **options))


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_same_curves(six, engine):
    same_curves(six, ENGINES[engine](six), UNTIL)


def test_keys_may_be_text_or_integers_and_rows_in_any_order(six):
    known = six.dropna(subset="customer_id")
    codes = {"ana": 60, "ben": 50, "cy": 40, "dee": 30, "eli": 20, "fay": 10}
    same_curves(known, known.assign(customer_id=known["customer_id"].map(codes)), UNTIL)
    same_curves(six, six.sample(frac=1, random_state=1), UNTIL)


# --- hardly any data ---


def test_before_all_orders_the_curve_is_empty_with_the_right_columns(six):
    full = time_to_next_order(six, UNTIL)
    for made in (time_to_next_order(six, "2023-12-31"), time_to_next_order(six.head(0), UNTIL)):
        assert made.empty
        assert_frame_equal(made, full.head(0), check_index_type=False)


def test_one_customer_one_order_one_day():
    orders = log((1, "2024-02-29", 0))
    assert time_to_next_order(orders, "2024-02-29")[CURVE_COLUMNS[1:5]].values.tolist() == [[0, 1, 0, 1.0]]


def test_ten_customers_who_order_twice_on_their_day():
    orders = log(*[(c, f"2024-01-{c + 1:02d} 08:00", 0) for c in range(10) for _ in range(2)])
    assert time_to_next_order(orders, "2024-01-31")["events"].sum() == 0
    assert time_to_next_order(orders, "2024-01-31", same_day="keep")["events"].tolist()[0] == 10


# --- wrong use ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"same_day": "collaps"}, "did you mean 'collapse'"),
        ({"after_order": 0}, "after_order"),
        ({"by": "sold_thru"}, "did you mean 'sold_through'"),
        ({"level": 0}, "level"),
    ],
)
def test_wrong_parameters_are_named(six, options, message):
    with pytest.raises(ValueError, match=message):
        time_to_next_order(six, UNTIL, **options)


def test_a_share_of_fifty_is_refused(six):
    with pytest.raises(ValueError, match="share must lie between"):
        median_days(time_to_next_order(six, UNTIL), share=50)


# --- CDNOW, all 69,659 purchases ---


def test_cdnow_curve_equals_lifelines_and_statsmodels(cdnow):
    made = time_to_next_order(cdnow, "1998-06-30")
    assert_same_as_lifelines(made, cdnow, "1998-06-30", 0.90)
    days, came = durations(cdnow, "1998-06-30")
    fitted = SurvfuncRight(days, came)
    falling = made[made["events"] > 0]
    np.testing.assert_array_equal(falling["days"], fitted.surv_times)
    np.testing.assert_allclose(falling["not_yet_ordered"], fitted.surv_prob, atol=1e-12)
    within = repurchased_within(made, 90)
    lifelines_90 = KaplanMeierFitter().fit(days, came).predict(90)
    assert within.value == pytest.approx(1 - lifelines_90, abs=1e-12)
    assert within.n == 23_570


def test_cdnow_median_is_refused_where_half_never_return(cdnow):
    refused = median_days(time_to_next_order(cdnow, "1998-06-30"))
    assert isinstance(refused, Refused)
    assert 0.49 < refused.seen < 0.50


# --- random logs ---


@given(LOGS, st.integers(0, 220), st.integers(1, 3), st.sampled_from(["collapse", "keep"]))
@settings(max_examples=60, deadline=None)
def test_survival_never_rises_and_counts_everyone_once(rows, last, after_order, same_day):
    until = pd.Timestamp("2023-11-15") + pd.Timedelta(days=last)
    curve = time_to_next_order(random_log(rows), until, after_order, same_day=same_day)
    assert (curve["not_yet_ordered"].diff().dropna() <= 1e-12).all()
    assert (curve["low"] <= curve["not_yet_ordered"] + 1e-12).all()
    assert (curve["not_yet_ordered"] <= curve["high"] + 1e-12).all()
    assert curve["days"].is_monotonic_increasing
    assert (curve["events"] <= curve["at_risk"]).all()
    orders = random_log(rows)
    orders = orders[orders["ordered_at"] < until + pd.Timedelta(days=1)]
    days = orders.assign(day=orders["ordered_at"].dt.normalize())
    placed = (days.drop_duplicates(["customer_id", "day"]) if same_day == "collapse" else days)["customer_id"]
    reached = (placed.value_counts() >= after_order).sum()
    assert curve["at_risk"].max() == reached if reached else curve.empty
    assert curve["events"].sum() == (placed.value_counts() > after_order).sum()


@given(LOGS)
@settings(max_examples=10, deadline=None)
def test_pandas_and_polars_agree(rows):
    orders = random_log(rows)
    same_curves(orders, pl.from_pandas(orders).lazy(), "2024-04-30")


@given(LOGS, st.integers(100, 220))
@settings(max_examples=30, deadline=None)
def test_random_curves_equal_lifelines(rows, last):
    orders, until = random_log(rows), pd.Timestamp("2023-11-15") + pd.Timedelta(days=last)
    if (orders["ordered_at"] < until).any():
        assert_same_as_lifelines(time_to_next_order(orders, until), orders, until, 0.90)


# --- the cycle, order by order ---


def test_the_cycle_by_hand(six):
    made = repurchase_cycle(six, UNTIL, orders_up_to=4)
    assert made[["after_order", "customers", "ordered"]].values.tolist() == [[1, 6, 4], [2, 4, 0]]
    curve = time_to_next_order(six, UNTIL)
    for name, share in (("days_25", 0.25), ("days_50", 0.5), ("days_75", 0.75)):
        plain = median_days(curve, share)
        assert (made[name][0], made[f"{name}_low"][0], made[f"{name}_high"][0]) == (plain.value, plain.low, plain.high)
    assert made["reached"].tolist() == pytest.approx([19 / 24, 0])
    assert made["within_90"].isna().all()  # nobody was watched for 90 days
    assert made["note_zh"].tolist() == ["", "25%、50%、75% 尚未达到"]
    assert repurchase_cycle(six, "2023-01-01").empty
    assert list(repurchase_cycle(six, "2023-01-01").columns) == list(made.columns)
    with pytest.raises(ValueError, match="orders_up_to"):
        repurchase_cycle(six, UNTIL, orders_up_to=1)


def test_each_step_of_cdnow_equals_lifelines(cdnow):
    made = repurchase_cycle(cdnow, "1998-06-30", orders_up_to=5).set_index("after_order")
    days = cdnow[["customer_id", "ordered_at"]].drop_duplicates().sort_values(["customer_id", "ordered_at"])
    number = days.groupby("customer_id").cumcount() + 1
    gap = (days.groupby("customer_id")["ordered_at"].shift(-1) - days["ordered_at"]).dt.days
    running = (pd.Timestamp("1998-06-30") - days["ordered_at"]).dt.days
    for step in (1, 2, 3, 4):
        mine = number == step
        fitted = KaplanMeierFitter().fit(gap.fillna(running)[mine], gap.notna()[mine])
        row = made.loc[step]
        assert row["customers"] == mine.sum()
        assert row["within_180"] == pytest.approx(1 - fitted.predict(180), abs=1e-12)
        if step > 1:
            assert row["days_50"] == fitted.median_survival_time_
    assert made["note_en"].tolist() == ["50%, 75% not reached", "75% not reached", "", ""]
    assert (made["days_25"].diff().dropna() <= 0).all()  # the more orders, the sooner the next


def test_small_groups_are_taken_together(six):
    made = time_to_next_order(six, UNTIL, by="sold_through", min_customers=3)
    assert made.groupby("group")["at_risk"].first().to_dict() == {"other": 3, "shop": 3}
    cycle = repurchase_cycle(six, UNTIL, orders_up_to=2, by="sold_through", min_customers=3)
    assert cycle[["group", "customers"]].values.tolist() == [["other", 3], ["shop", 3]]


# --- the log-rank test ---


@pytest.mark.parametrize("groups", [2, 5])
def test_log_rank_equals_statsmodels_and_lifelines(groups):
    rng = np.random.default_rng(groups)
    ids = np.arange(400)
    group = rng.integers(0, groups, 400)
    first = rng.integers(0, 200, 400)
    second = first + rng.geometric(0.01 + 0.004 * group)
    came = second <= 300
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.append(first, second[came]), "D")
    orders = pd.DataFrame({"customer_id": np.append(ids, ids[came]), "ordered_at": at, "amount": 1.0})
    orders["channel"] = np.append(group, group[came]).astype(str)
    made = log_rank(time_to_next_order(orders, pd.Timestamp("2024-01-01") + pd.Timedelta(days=300), by="channel"))
    days = np.where(came, second, 300) - first
    statistic, p_value = survdiff(days, came.astype(int), group)
    assert (made.statistic, made.p_value) == pytest.approx((statistic, p_value), rel=1e-9)
    other = multivariate_logrank_test(days, group, came)
    assert (made.statistic, made.p_value) == pytest.approx((other.test_statistic, other.p_value), rel=1e-9)
    assert (made.degrees_of_freedom, made.customers) == (groups - 1, 400)


def test_log_rank_says_what_it_found(six):
    rows = [(c, "2024-01-01", 1, "shop" if c < 40 else "app") for c in range(80)]
    alike = log(*rows, *[(c, "2024-01-11", 1, "app") for c in range(0, 80, 2)], more=["sold_through"])
    made = log_rank(time_to_next_order(alike, UNTIL, by="sold_through"))
    assert made.p_value == pytest.approx(1)
    assert "看不出" in made.verdict.zh
    apart = log(*rows, *[(c, "2024-01-11", 1, "app") for c in range(40)], more=["sold_through"])
    assert "differ" in log_rank(time_to_next_order(apart, UNTIL, by="sold_through")).verdict.en
    assert log_rank(time_to_next_order(six, UNTIL)).gate == "groups"
    never = time_to_next_order(log(*rows, more=["sold_through"]), UNTIL, by="sold_through")
    assert log_rank(never).gate == "orders again"
    assert isinstance(log_rank(time_to_next_order(six, "2023-01-01")), Refused)
