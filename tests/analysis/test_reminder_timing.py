"""Reminder timing against counts by hand, exact intervals of scipy, and worlds whose peak and pace are known."""

import numpy as np
import pandas as pd
import pytest
from order_logs import ENGINES, UNTIL, log
from scipy import stats

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.reminder_timing import (
    DORMANCY_COLUMNS,
    HAZARD_COLUMNS,
    RETURNS_AT_LEAST,
    dormancy_threshold,
    hazard,
    reminder_days,
)
from siyu_helpers.analysis.repurchase_cycle import time_to_next_order

START = pd.Timestamp("2024-01-01")


def two_orders(gaps, silent=0, first=0):
    """Customers who all begin on one day and return after the given gaps, and some who never do."""
    n = len(gaps) + silent
    day = np.append(np.full(n, first), first + np.asarray(gaps))
    at = START + pd.to_timedelta(day, "D")
    return pd.DataFrame({"customer_id": np.append(np.arange(n), np.arange(len(gaps))), "ordered_at": at, "amount": 1.0})


# --- the hazard ---


def test_hazard_by_hand(six):
    # At risk from day 1: six; Cy orders on day 1; Eli is last seen on day 5, Ana orders on 36, Fay on 42, Dee on 43,
    # Ben is last seen on 44.
    made = hazard(time_to_next_order(six, UNTIL), width_days=20)
    assert list(made.columns) == HAZARD_COLUMNS
    assert made[["from_day", "to_day", "at_risk", "events", "customer_days"]].values.tolist() == [
        [1, 20, 6, 1, 6 + 5 * 4 + 4 * 15],
        [21, 40, 4, 1, 4 * 16 + 3 * 4],
        [41, 60, 3, 2, 3 + 3 + 2 + 1],
    ]
    assert made["hazard"].tolist() == pytest.approx([1 / 86, 1 / 76, 2 / 9])
    # Garwood's limits, by the textbook: the Poisson means under which what was seen has a chance of 5% either way.
    assert stats.poisson.sf(1, made["hazard_low"].iloc[2] * 9) == pytest.approx(0.05)
    assert stats.poisson.cdf(2, made["hazard_high"].iloc[2] * 9) == pytest.approx(0.05)


def test_hazard_counts_every_event_and_day_once(cdnow):
    curve = time_to_next_order(cdnow, "1998-06-30", by="cds" if "cds" in cdnow else None)
    for width in (1, 7, 30):
        made = hazard(curve, width)
        assert made["events"].sum() == curve["events"].sum()
        for group, part in curve.groupby("group"):
            leaving = part["at_risk"] - part["at_risk"].shift(-1, fill_value=0)
            assert made.loc[made["group"] == group, "customer_days"].sum() == (leaving * part["days"]).sum()
        assert (made["hazard_low"] <= made["hazard"]).all()
        assert (made["hazard"] <= made["hazard_high"]).all()


def test_hazard_of_nobody_is_empty(six):
    made = hazard(time_to_next_order(six, "2023-01-01"))
    assert made.empty
    assert list(made.columns) == HAZARD_COLUMNS
    assert hazard(time_to_next_order(log((1, "2024-01-01", 1)), "2024-01-01")).empty
    with pytest.raises(ValueError, match="width_days"):
        hazard(made, 0)


# --- the day to remind ---


def test_the_peak_is_where_returns_are_dense_among_those_left():
    gaps = np.concatenate([np.full(40, 10), np.full(60, 60), np.arange(1, 101)])
    curve = time_to_next_order(two_orders(gaps, silent=100), "2024-12-31")
    days = reminder_days(curve, horizon_days=200, smooth_days=7)
    assert days.peak.value == 60
    assert days.peak.low <= 60 <= days.peak.high
    order = np.sort(gaps)
    assert days.half.value == order[99]  # nobody is censored before the horizon: plain quantiles of those who return
    assert days.late.value == order[159]
    assert (days.peak.n, days.peak.unit, days.late.level) == (300, "days", 0.9)
    assert "对照组" in days.peak.definition.zh
    assert "80%" in days.late.definition.en
    assert reminder_days(curve, 200, smooth_days=7, seed=1) == days


def test_a_chance_that_only_falls_has_no_peak():
    gaps = np.repeat(np.arange(1, 60), np.arange(59, 0, -1))
    days = reminder_days(time_to_next_order(two_orders(gaps, silent=4000), "2024-12-31"), horizon_days=180)
    assert isinstance(days.peak, Refused)
    assert "看不出特别适合提醒的一天" in days.peak.reason_zh
    assert days.half.value < days.late.value


def test_too_few_returns_or_too_short_a_watch_are_refused():
    few = time_to_next_order(two_orders([30] * (RETURNS_AT_LEAST - 1), silent=50), "2024-12-31")
    assert all(number.gate == "orders again" for number in reminder_days(few))
    short = time_to_next_order(two_orders(20 + np.arange(120) % 9, silent=50), "2024-04-30")
    days = reminder_days(short, horizon_days=180)
    assert 20 <= days.peak.value <= 28
    assert (days.half.seen, days.half.needed) == (120, 180)
    assert isinstance(days.late, Refused)
    with pytest.raises(ValueError, match="no group 'shop'; it has 'all'"):
        reminder_days(short, group="shop")
    with pytest.raises(ValueError, match="share must lie between"):
        reminder_days(short, share=80)


# --- dormancy ---


def renewals(rng, customers, shape, leave, last=900):
    """Gamma gaps at each customer's own pace; after each order some leave. -> orders, and the next gap of each."""
    pace = rng.gamma(1.5, 1 / 60, customers) + 1e-3
    rows, following = [], []
    for customer in range(customers):
        day = int(rng.integers(0, 400))
        while day <= last:
            rows.append((customer, day))
            if rng.random() < leave:
                following.append(np.inf)
                break
            gap = max(1, int(np.ceil(rng.gamma(shape, 1 / pace[customer] / shape))))
            day += gap
        else:
            following.append(gap)
    orders = pd.DataFrame(rows, columns=["customer_id", "day"]).assign(amount=1.0)
    return orders.assign(ordered_at=START + pd.to_timedelta(orders["day"], "D")), np.array(following)


@pytest.mark.parametrize("shape", [0.6, 1.0, 4.0])
def test_about_the_stated_share_of_active_customers_order_before_the_threshold(shape):
    """Clumpy, random and regular customers. Of those who ordered in the last days, so that their gap is not chosen."""
    inside = []
    for seed in range(3):
        orders, following = renewals(np.random.default_rng(seed), 3000, shape, leave=0.1)
        table = dormancy_threshold(orders, START + pd.Timedelta(days=900), share=0.9)
        gap = following[table["customer_id"]]
        active = (table["days_since"] <= 10) & np.isfinite(gap)
        inside.append((gap <= table["threshold_days"])[active])
    inside = np.concatenate(inside)
    assert len(inside) > 150
    assert 0.83 < inside.mean() < 0.95


def test_thresholds_follow_the_customers_own_pace():
    orders, _ = renewals(np.random.default_rng(5), 2000, 4.0, leave=0.05)
    until = START + pd.Timedelta(days=900)
    table = dormancy_threshold(orders, until)
    assert list(table.columns) == DORMANCY_COLUMNS
    days = orders.groupby("customer_id")["day"].agg(["size", "min", "max"])
    assert table["orders"].tolist() == days["size"].tolist()
    assert table["days_since"].tolist() == (900 - days["max"]).tolist()
    assert (table["last_order"] == START + pd.to_timedelta(days["max"].to_numpy(), "D")).all()
    assert (table["dormant"] == (table["days_since"] > table["threshold_days"])).all()
    spent, n = (days["max"] - days["min"]).to_numpy(), (days["size"] - 1).to_numpy()
    pull, typical = table.attrs["weight"], table.attrs["typical_gap_days"]
    np.testing.assert_allclose(table["typical_gap_days"], (spent + pull * typical) / (n + pull))
    second = orders[orders.groupby("customer_id").cumcount() == 1]
    first = days["min"].reindex(second["customer_id"]).to_numpy()
    assert typical == pytest.approx((second["day"].to_numpy() - first).mean())
    strict = dormancy_threshold(orders, until, share=0.5)
    assert (strict["threshold_days"] < table["threshold_days"]).all()
    assert "90%" in table.attrs["definition"].zh


@pytest.mark.parametrize("engine", ["polars lazy", "duckdb", "ibis"])
def test_every_engine_gives_the_same_thresholds(engine):
    orders, _ = renewals(np.random.default_rng(6), 200, 1.0, leave=0.1)
    orders = orders.drop(columns="day")
    made = dormancy_threshold(ENGINES[engine](orders.sample(frac=1, random_state=1)), "2026-06-30")
    plain = dormancy_threshold(orders, "2026-06-30")
    pd.testing.assert_frame_equal(made, plain)
    assert made.attrs == plain.attrs


def test_a_brands_own_threshold_holds_for_everybody(six):
    table = dormancy_threshold(six, UNTIL, dormant_after_days=40).set_index("customer_id")
    assert table["days_since"].to_dict() == {"ana": 34, "ben": 44, "cy": 14, "dee": 0, "eli": 5, "fay": 13}
    assert table.index[table["dormant"]].tolist() == ["ben"]
    assert table["orders"].to_dict() == {"ana": 2, "ben": 1, "cy": 2, "dee": 2, "eli": 1, "fay": 2}
    assert (table["threshold_days"] == 40).all()
    assert table["typical_gap_days"].isna().all()


def test_too_few_returns_give_no_threshold(six):
    refused = dormancy_threshold(six, UNTIL)
    assert (refused.gate, refused.seen, refused.needed) == ("orders again", 4, 100)
    with pytest.raises(ValueError, match="share must lie between"):
        dormancy_threshold(six, UNTIL, share=90)
    with pytest.raises(ValueError, match="dormant_after_days"):
        dormancy_threshold(six, UNTIL, dormant_after_days=0)


@pytest.mark.parametrize(("days", "refused"), [(200, True), (300, True), (600, False)])
def test_a_file_too_short_for_its_gaps_gives_no_threshold(days, refused):
    """Half of 2,000 customers return after gaps that are exponential with mean 100: 90% of them by day 230.

    In 200 days the threshold comes out at 150, set by the end of the file; in 600 it is right.
    """
    rng = np.random.default_rng(1)
    first = rng.integers(0, 60, 2_000)
    again = first + np.ceil(rng.exponential(100, 2_000)).astype(int)
    back = rng.random(2_000) < 0.5
    day = np.concatenate([first, again[back]])
    orders = pd.DataFrame({"customer_id": np.concatenate([np.arange(2_000), np.flatnonzero(back)]), "amount": 1.0})
    orders["ordered_at"] = START + pd.to_timedelta(day, "D")
    until = START + pd.Timedelta(days=days - 1)
    found = dormancy_threshold(orders, until)
    assert isinstance(found, Refused) == refused
    if refused:
        assert found.gate == "days observed"
        assert found.seen > found.needed == (days - first.min()) / 2
    else:
        once = found.loc[found["orders"] == 1, "threshold_days"]
        assert once.median() == pytest.approx(100 * np.log(10), rel=0.1)
    assert len(dormancy_threshold(orders, until, dormant_after_days=90)) == 2_000
