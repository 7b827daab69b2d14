"""RFM segments against a table worked by hand, plain recounts, pandas' ranks, and what must never matter."""

import itertools
from collections import Counter
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.segments import (
    CUT_OFFS,
    METHODS,
    SEGMENTS,
    changed_segment,
    customer_values,
    method_change,
    movement,
    rfm,
    score,
    segment_facts,
    summary,
)

CDNOW = Path(__file__).resolve().parents[2] / "data/raw/cdnow/orders.csv"
UNTIL = "2024-04-09"  # the 100th day of the year
FIXED = {"recency_days": 40, "frequency": 3, "monetary": 100.0}


def log(*rows, more=()):
    """Orders from (customer, day of the year 2024, amount, ...) rows."""
    frame = pd.DataFrame(list(rows), columns=["customer_id", "day", "amount", *more])
    at = pd.Timestamp("2023-12-31") + pd.to_timedelta(frame.pop("day"), unit="D")
    return frame.assign(ordered_at=at, amount=frame["amount"].astype(float))


@pytest.fixture
def eight():
    """Eight customers whose values are those of a small spreadsheet; UNTIL is day 100.

    customer  last day  recency  purchases  spent
    ana             95        5          4     240
    ben             90       10          1     200
    cy              10       90          4     260
    dee             20       80          1     180
    eli             99        1          4      40
    fay            100        0          1      20
    gus             30       70          4      48
    hal              4       96          1      12
    sum                     352         20    1000
    mean                     44        2.5     125
    """
    often = {"ana": (60, 95, 240), "cy": (2, 10, 260), "eli": (70, 99, 40), "gus": (21, 30, 48)}
    rows = [
        (who, day, spent / 4)
        for who, (first, last, spent) in often.items()
        for day in (first, first + 1, first + 2, last)
    ]
    rows += [("ben", 90, 200), ("dee", 20, 180), ("fay", 100, 20), ("hal", 4, 12)]
    return log(*rows)


SHEET = {
    "ana": (5, 4, 240.0, "重要价值客户"),
    "ben": (10, 1, 200.0, "重要发展客户"),
    "cy": (90, 4, 260.0, "重要保持客户"),
    "dee": (80, 1, 180.0, "重要挽留客户"),
    "eli": (1, 4, 40.0, "一般价值客户"),
    "fay": (0, 1, 20.0, "一般发展客户"),
    "gus": (70, 4, 48.0, "一般保持客户"),
    "hal": (96, 1, 12.0, "一般挽留客户"),
}


def names(table):
    return dict(zip(table["customer_id"], (SEGMENTS[key].zh for key in table["segment"]), strict=True))


# --- the eight names ---


def test_the_mean_split_by_hand_gives_each_of_the_eight_names_once(eight):
    made = rfm(eight, UNTIL)
    assert [tuple(row) for row in made[list(CUT_OFFS)].to_numpy()] == [row[:3] for row in SHEET.values()]
    assert names(made) == {who: row[3] for who, row in SHEET.items()}
    assert made.attrs["cut_offs"] == {"recency_days": 44.0, "frequency": 2.5, "monetary": 125.0}
    assert list(made["segment"].cat.categories) == list(SEGMENTS)


def test_the_median_by_hand(eight):
    # Middle two: recency 10 and 70, so 40; frequency 1 and 4; spent 48 and 180, so 114.
    made = rfm(eight, UNTIL, method="median_split")
    assert made.attrs["cut_offs"] == {"recency_days": 40.0, "frequency": 2.5, "monetary": 114.0}
    assert names(made) == {who: row[3] for who, row in SHEET.items()}


def test_a_value_at_the_mean_is_recent_but_neither_often_nor_much():
    made = rfm(log(("ana", 90, 10), ("ben", 90, 10)), UNTIL)
    assert made[["r", "f", "m"]].to_numpy().tolist() == [[1, 0, 0]] * 2
    assert set(names(made).values()) == {"一般发展客户"}


def test_fixed_cut_offs_include_their_edge():
    edge = score(
        pd.DataFrame({"customer_id": [1], "recency_days": [40], "frequency": [3], "monetary": [100.0]}), "fixed", FIXED
    )
    assert names(edge) == {1: "重要价值客户"}
    past = pd.DataFrame({"customer_id": [1], "recency_days": [41], "frequency": [2], "monetary": [99.9999]})
    assert names(score(past, "fixed", FIXED)) == {1: "一般挽留客户"}


def test_equal_amounts_that_floats_cannot_hold_are_not_above_their_own_mean():
    many = log(*[(who, day, 0.1) for who in range(7) for day in (1, 2, 3)])
    assert rfm(many, UNTIL)["m"].tolist() == [0] * 7
    assert rfm(many, UNTIL, monetary="mean")["m"].tolist() == [0] * 7


# --- quintiles ---


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6), st.integers(0, 9)), min_size=1, max_size=60))
def test_quintiles_are_pandas_mid_ranks(rows):
    table = pd.DataFrame(rows, columns=list(CUT_OFFS)).assign(customer_id=range(len(rows)))
    made = score(table, "quintiles")
    for name, column in (("recency_days", "r"), ("frequency", "f"), ("monetary", "m")):
        share = table[name].rank(method="average", pct=True, ascending=name != "recency_days")
        assert made[column].tolist() == np.ceil((5 * share).round(9)).astype(int).tolist()


def test_quintiles_of_ten_without_ties_are_two_by_two():
    table = pd.DataFrame({"customer_id": range(10), "recency_days": range(10), "frequency": range(1, 11)})
    made = score(table.assign(monetary=np.arange(10.0)), "quintiles")
    assert made["f"].tolist() == made["m"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert made["r"].tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert made.attrs["cut_offs"] == {"recency_days": 3.0, "frequency": 7.0, "monetary": 6.0}


def test_many_one_time_buyers_share_their_points():
    table = pd.DataFrame(
        {"customer_id": range(10), "recency_days": 5, "frequency": [1] * 7 + [2, 3, 4], "monetary": 1.0}
    )
    made = score(table, "quintiles")
    assert made["f"].tolist() == [2] * 7 + [4, 5, 5]  # mid-rank of the seven: 4 of 10
    assert set(made["r"]) == set(made["m"]) == {3}
    assert np.isnan(made.attrs["cut_offs"]["monetary"])  # nobody is high


# --- what must never matter ---

CUSTOMERS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 110), st.sampled_from([0, 0.1, 9.99, 10, 10, 33.33, 250])),
    min_size=1,
    max_size=40,
)
HOW = st.tuples(st.sampled_from(METHODS), st.sampled_from(["total", "mean"]))


def scored(orders, how, scale=1):
    method, monetary = how
    limits = FIXED | {"monetary": 100.0 * scale} if method == "fixed" else None
    return rfm(orders, UNTIL, method=method, monetary=monetary, cut_offs=limits)


def test_equal_means_are_equal_to_the_last_bit():
    """0.1 once and 0.1 three times: floats would make 0.3 / 3 a little less than 0.1, and part the two."""
    table = rfm(log((0, 1, 0.1), (1, 1, 0.1), (1, 2, 0.1), (1, 3, 0.1)), UNTIL, method="quintiles", monetary="mean")
    assert table["monetary"].tolist() == [0.1, 0.1]
    assert table["m"].nunique() == 1


@settings(max_examples=30, deadline=None)
@given(CUSTOMERS, HOW, st.randoms(use_true_random=False), st.sampled_from([7, 100]))
def test_row_order_ids_and_the_currency_unit_do_not_matter(rows, how, random, scale):
    orders = log(*rows)
    made = scored(orders, how).set_index("customer_id")
    order = list(range(len(orders)))
    random.shuffle(order)
    new = dict(zip(range(10), random.sample(range(1000), 10), strict=True))
    other = orders.iloc[order].assign(
        customer_id=lambda o: o["customer_id"].map(new), amount=lambda o: o["amount"] * scale
    )
    again = scored(other, how, scale).set_index("customer_id").reindex([new[who] for who in made.index])
    for column in ("recency_days", "frequency", "r", "f", "m"):
        assert again[column].tolist() == made[column].tolist()
    assert again["segment"].astype(str).tolist() == made["segment"].astype(str).tolist()
    assert np.allclose(again["monetary"], made["monetary"] * scale, rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(CUSTOMERS, HOW)
def test_equal_customers_are_equal_and_better_ones_never_score_lower(rows, how):
    made = scored(log(*rows), how)
    for (_, one), (_, other) in itertools.combinations(made.iterrows(), 2):
        for name, points in (("recency_days", "r"), ("frequency", "f"), ("monetary", "m")):
            sign = -1 if name == "recency_days" else 1
            if one[name] == other[name]:
                assert one[points] == other[points]
            elif sign * one[name] < sign * other[name]:
                assert one[points] <= other[points]


def test_nothing_after_the_last_day_is_used(eight):
    later = pd.concat([eight, log(("hal", 101, 999), ("new", 105, 1))])
    assert_frame_equal(rfm(later, UNTIL), rfm(eight, UNTIL))


def test_orders_of_one_day_are_one_purchase_and_refunds_come_off():
    orders = log(("ana", 50, 30, 0), ("ana", 50, 20, 20), ("ana", 60, 10, None), more=["refunded"])
    one = rfm(orders, UNTIL).iloc[0]
    assert (one["recency_days"], one["frequency"], one["monetary"]) == (40, 2, 40.0)
    assert rfm(orders, UNTIL, refunds="gross")["monetary"].tolist() == [60.0]
    assert rfm(orders, UNTIL, monetary="mean")["monetary"].tolist() == [20.0]


def test_a_window_leaves_out_older_orders_and_those_who_have_only_them(eight):
    made = rfm(eight, UNTIL, window_days=10).set_index("customer_id")  # days 91 to 100
    assert made["frequency"].to_dict() == {"ana": 1, "eli": 1, "fay": 1}
    assert "ben" in set(rfm(eight, UNTIL, window_days=11)["customer_id"])


def test_the_window_may_not_begin_before_the_orders(eight):
    rfm(eight, UNTIL, window_days=100, observed_from="2024-01-01")
    with pytest.raises(ValueError, match="cover 100 days"):
        rfm(eight, UNTIL, window_days=101, observed_from="2024-01-01")


def test_an_old_customer_of_a_truncated_history_is_a_customer(eight):
    how = {"observed_from": "2024-01-01", "history": "truncated", "burn_in_days": 90, "first_order_at": None}
    assert len(rfm(eight, UNTIL, **how)) == 8


# --- summaries ---


def test_the_summary_by_hand(eight):
    made = summary(rfm(eight, UNTIL))
    assert made["segment"].tolist() == list(SEGMENTS)
    assert made["customers"].tolist() == [1] * 8
    assert made["revenue"].tolist() == [240, 200, 260, 180, 40, 20, 48, 12]
    assert made["revenue_share"].tolist() == [0.24, 0.2, 0.26, 0.18, 0.04, 0.02, 0.048, 0.012]
    assert made["mean_recency_days"].tolist() == [5, 10, 90, 80, 1, 0, 70, 96]
    assert_frame_equal(
        summary(rfm(eight, UNTIL, monetary="mean"))[["customers"]].sum().to_frame(),
        made[["customers"]].sum().to_frame(),
    )


@settings(max_examples=25, deadline=None)
@given(CUSTOMERS, HOW)
def test_shares_sum_to_one_and_revenue_to_the_orders(rows, how):
    orders = log(*rows)
    made = summary(scored(orders, how))
    counted = orders[orders["ordered_at"] <= UNTIL]
    assert made["customers"].sum() == counted["customer_id"].nunique()
    assert made["revenue"].sum() == pytest.approx(counted["amount"].sum(), abs=1e-9)
    if len(counted):
        assert made["customer_share"].sum() == pytest.approx(1)
    if counted["amount"].sum():
        assert made["revenue_share"].sum() == pytest.approx(1)
    else:
        assert made["revenue_share"].isna().all()


def test_facts_of_segments_are_counted_and_say_how(eight):
    found = segment_facts(rfm(eight, UNTIL), ["重要保持", "重要挽留"])
    assert {key: one.value for key, one in found.items()} == {
        "customers": 2, "customer_share": 0.25, "revenue": 440.0, "revenue_share": 0.44,
    }  # fmt: skip
    assert all(one.is_exact and one.n == 8 for one in found.values())
    assert "重要保持客户、重要挽留客户" in found["revenue"].definition_in("zh")
    with pytest.raises(ValueError, match="did you mean '重要保持'"):
        segment_facts(rfm(eight, UNTIL), "重要保")


# --- movement and methods ---


def test_movement_by_hand(eight):
    # On day 90 fay has not ordered; hal buys much on day 98, and ana is taken for the mean it moves.
    after = rfm(pd.concat([eight, log(("hal", 98, 500))]), UNTIL, method="fixed", cut_offs=FIXED)
    before = rfm(eight, "2024-03-30", method="fixed", cut_offs=FIXED)
    moved = movement(before, after)
    assert moved.loc["一般挽留", "重要发展"] == 1  # hal: 2 purchases, 512 spent, 2 days ago
    assert moved.loc["not_yet_customer"].to_dict() == dict.fromkeys(SEGMENTS, 0) | {"一般发展": 1}
    assert list(moved.columns) == list(SEGMENTS)
    assert moved.to_numpy().sum() == 8
    # eli had 3 purchases of 30 by day 90, the last on day 72: recent and often then as now
    assert moved.loc["一般价值", "一般价值"] == 1


@settings(max_examples=30, deadline=None)
@given(CUSTOMERS, st.sampled_from(METHODS[:3]), st.sampled_from([None, 30]))
def test_movement_loses_and_invents_nobody(rows, method, window):
    orders = log(*rows)
    before, after = (rfm(orders, day, method=method, window_days=window) for day in ("2024-03-01", UNTIL))
    moved = movement(before, after)
    assert moved.to_numpy().sum() == len(set(before["customer_id"]) | set(after["customer_id"]))
    assert (
        moved.loc[list(SEGMENTS)].sum(axis=1).to_dict() == summary(before).set_index("segment")["customers"].to_dict()
    )
    assert moved[list(SEGMENTS)].sum().to_dict() == summary(after).set_index("segment")["customers"].to_dict()
    pairs = before.merge(after, on="customer_id", suffixes=("_was", "_is"))
    counted = Counter(zip(pairs["segment_was"], pairs["segment_is"], strict=True))
    for was, now in itertools.product(SEGMENTS, repeat=2):
        assert moved.loc[was, now] == counted[was, now]
    if window is None:
        assert "outside_window" not in moved.columns


def test_movement_between_tables_made_differently_is_refused(eight):
    one = rfm(eight, UNTIL)
    for other in (
        rfm(eight, UNTIL, method="quintiles"),
        rfm(eight, UNTIL, monetary="mean"),
        rfm(eight, UNTIL, window_days=50),
    ):
        with pytest.raises(ValueError, match="the tables differ in"):
            movement(one, other)
    with pytest.raises(ValueError, match="put the earlier table first"):
        movement(one, rfm(eight, "2024-03-30"))
    with pytest.raises(ValueError, match="occurs twice"):
        movement(pd.concat([one, one]), one)


@settings(max_examples=30, deadline=None)
@given(CUSTOMERS)
def test_method_change_against_a_plain_count(rows):
    table = rfm(log(*rows), "2024-12-31")
    made = method_change(table, FIXED)
    assert len(made) == 6
    for row in made.itertuples():
        one, other = (names(score(table, m, FIXED if m == "fixed" else None)) for m in (row.method, row.other_method))
        assert row.changed == sum(one[who] != other[who] for who in one)
        assert row.changed_share == row.changed / len(table)


def test_changed_segment_is_a_count_and_needs_the_same_customers(eight):
    table = rfm(eight, UNTIL)
    found = changed_segment(table, score(table, "quintiles"))
    assert isinstance(found, Estimate)
    assert found.is_exact
    assert (
        found.value
        == method_change(table).set_index(["method", "other_method"]).loc[("mean_split", "quintiles"), "changed_share"]
    )
    with pytest.raises(ValueError, match="different customers"):
        changed_segment(table, rfm(eight, "2024-03-30"))


# --- empty, wrong, other engines, real ---


def test_no_orders_give_empty_tables_and_refusals():
    none = rfm(log(("ana", 50, 10)), "2023-12-31")
    assert none.empty
    assert summary(none)["customers"].tolist() == [0] * 8
    assert summary(none)["customer_share"].isna().all()
    assert isinstance(segment_facts(none, "重要保持")["customers"], Refused)
    assert isinstance(changed_segment(none, none), Refused)
    assert movement(none, none).to_numpy().sum() == 0
    assert method_change(none)["changed_share"].isna().all()
    assert movement(none, rfm(log(("ana", 50, 10)), UNTIL)).loc["not_yet_customer"].sum() == 1


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"method": "mean_splt"}, "did you mean 'mean_split'"),
        ({"monetary": "average"}, "monetary must be one of"),
        ({"refunds": "no"}, "refunds must be one of"),
        ({"history": "half"}, "history must be one of"),
        ({"window_days": 0}, "window_days must be a whole number"),
        ({"method": "fixed"}, "needs cut_offs for recency_days, frequency, monetary"),
        ({"method": "fixed", "cut_offs": FIXED | {"spend": 1}}, "cut_offs must be one of"),
        ({"method": "fixed", "cut_offs": FIXED | {"monetary": float("nan")}}, "monetary must be a number"),
        ({"cut_offs": FIXED}, "belong to method 'fixed'"),
    ],
)
def test_wrong_parameters_are_refused_in_a_sentence(eight, how, message):
    with pytest.raises(ValueError, match=message):
        rfm(eight, UNTIL, **how)


def test_an_order_without_amount_is_refused(eight):
    eight.loc[0, "amount"] = np.nan
    with pytest.raises(ValueError, match="1 orders have no amount"):
        rfm(eight, UNTIL)


@pytest.mark.parametrize("engine", [pl.DataFrame, lambda f: pl.DataFrame(f).lazy(), duckdb.from_df])
def test_engines_agree(eight, engine):
    orders = eight.assign(customer_id=eight["customer_id"].map({who: place for place, who in enumerate(SHEET)}))
    assert_frame_equal(rfm(engine(orders), UNTIL), rfm(orders, UNTIL))


def test_cdnow_against_a_plain_recount():
    """All 23,570 customers of CDNOW (Fader and Hardie), counted again in Python."""
    orders = pd.read_csv(CDNOW, parse_dates=["ordered_at"])
    made = rfm(orders, "1998-06-30").set_index("customer_id")
    spent, days = {}, {}
    for row in orders.itertuples():
        spent[row.customer_id] = spent.get(row.customer_id, 0) + round(row.amount * 100)
        days.setdefault(row.customer_id, set()).add(row.ordered_at.date())
    n = len(spent)
    last = pd.Timestamp("1998-06-30").date()
    away = {who: (last - max(found)).days for who, found in days.items()}
    often = {who: len(found) for who, found in days.items()}
    means = [sum(of.values()) / n for of in (away, often, spent)]
    codes = {who: (spent[who] > means[2], away[who] <= means[0], often[who] > means[1]) for who in spent}
    expected = dict(zip(itertools.product([True, False], repeat=3), SEGMENTS, strict=True))
    assert n == 23_570
    assert made["segment"].astype(str).to_dict() == {who: expected[code] for who, code in codes.items()}
    assert (made["monetary"] * 100).round().astype(int).to_dict() == spent


def test_customer_values_counts_from_the_first_day_given(eight):
    made = customer_values(eight, 19_822, since=19_813)  # 31 March to 9 April 2024: days 91 to 100
    assert made["customer_id"].tolist() == ["ana", "eli", "fay"]
