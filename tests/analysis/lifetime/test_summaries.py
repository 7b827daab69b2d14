"""Summaries against tables worked by hand, a plain recount, the published CDNOW sample, and other engines."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from lifetime_simulations import ROOT, cdnow_sample
from order_logs import ENGINES, LOGS, log, random_log
from pandas.testing import assert_frame_equal

from siyu_helpers.analysis.lifetime.summaries import SUMMARY_COLUMNS, data_gate, summarise

PACKAGE = find_spec("lifetimes")  # not a dependency: PYTHONPATH=<where it is> runs the test that needs it
LIFETIMES = Path(PACKAGE.origin).parent / "datasets" if PACKAGE else None
CALIBRATION, UNTIL = "2024-01-29", "2024-02-12"


@pytest.fixture
def four():
    """Ana: two orders a day, one free, one late; Ben: on the last day of calibration and after; Cy: once; Dee: late."""
    return log(
        ("ana", "2024-01-01 09:00", 10.0, 0),
        ("ana", "2024-01-08 09:00", 20.0, 5.0),
        ("ana", "2024-01-08 23:59:59", 10.0, None),
        ("ana", "2024-01-15", 0.0, 0),
        ("ana", "2024-02-12 23:00", 7.0, 0),
        ("ben", "2024-01-22", 5.0, 0),
        ("ben", "2024-01-29 23:59:59", 6.0, 0),
        ("ben", "2024-01-30", 8.0, 0),
        ("ben", "2024-02-13", 99.0, 0),
        ("cy", "2024-01-25", 3.0, 0),
        ("dee", "2024-01-30", 4.0, 0),
        ("dee", "2024-02-05", 4.0, 0),
        (None, "2024-01-02", 50.0, 0),
        more=["refunded"],
    )


def test_weeks_by_hand(four):
    made = summarise(four, UNTIL, calibration_end=CALIBRATION)
    expected = pd.DataFrame(
        {
            "customer_id": ["ana", "ben", "cy"],
            "frequency": [2, 1, 0],
            "recency": [2.0, 1.0, 0.0],
            "T": [4.0, 1.0, 4 / 7],
            "monetary_value": [12.5, 6.0, 0.0],  # 25 net on the 8th and nothing on the 15th, over two purchases
            "frequency_holdout": [1, 1, 0],
            "duration_holdout": [2.0, 2.0, 2.0],
            "monetary_value_holdout": [7.0, 8.0, 0.0],
        }
    )
    assert_frame_equal(made, expected, check_dtype=False)
    assert made.attrs == {
        "grain": "week",
        "observed_until": UNTIL,
        "calibration_end": CALIBRATION,
        "refunds": "net",
        "left_out": 0,
        "later": 1,
    }


def test_days_without_holdout_and_gross(four):
    made = summarise(four, UNTIL, grain="day", refunds="gross").set_index("customer_id")
    assert list(made.reset_index().columns) == SUMMARY_COLUMNS
    assert made.loc["ana"].tolist() == [3, 42, 42, 37 / 3]
    assert made.loc["dee"].tolist() == [1, 6, 13, 4]
    assert (made.attrs["calibration_end"], made.attrs["refunds"]) == (None, "gross")


def test_truncated_history_keeps_only_customers_who_are_new(four):
    options = {"observed_from": "2024-01-01", "history": "truncated", "burn_in_days": 20}
    made = summarise(four, UNTIL, **options)
    assert made["customer_id"].tolist() == ["ben", "cy", "dee"]
    assert made.attrs["left_out"] == 1
    known = pd.DataFrame({"customer_id": ["ben"], "first_order_at": pd.to_datetime(["2020-05-01"])})
    made = summarise(four, UNTIL, observed_from="2024-01-01", history="truncated", first_order_at=known)
    assert made["customer_id"].tolist() == ["ana", "cy", "dee"]
    assert made.attrs["left_out"] == 1


def test_the_published_sample_of_cdnow():
    """Frequencies as in Fader, Hardie and Lee (2005), figure 2; all columns as in a separate recount."""
    orders = pd.read_csv(ROOT / "data/raw/cdnow/orders.csv", parse_dates=["ordered_at"])
    recount = cdnow_sample()
    orders = orders[orders["customer_id"].isin(recount["customer_id"])]
    made = summarise(orders, "1998-06-30", calibration_end="1997-09-30")
    counts = made["frequency"].clip(upper=7).value_counts().sort_index()
    assert counts.tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    shared = [*SUMMARY_COLUMNS, "frequency_holdout"]
    assert_frame_equal(made[shared], recount[shared], check_dtype=False)
    assert (made["duration_holdout"] == 39).all()


@pytest.mark.skipif(LIFETIMES is None, reason="the package lifetimes, 0.11.3, is not at hand")
def test_the_sample_as_lifetimes_ships_it():
    orders = pd.read_csv(ROOT / "data/raw/cdnow/orders.csv", parse_dates=["ordered_at"])
    orders = orders[orders["customer_id"].isin(cdnow_sample()["customer_id"])]
    made = summarise(orders, "1998-06-30", calibration_end="1997-09-30")
    theirs = pd.read_csv(LIFETIMES / "cdnow_customers_summary.csv")
    # Their customers have other numbers, and times have two decimals.
    columns = ["frequency", "recency", "T"]
    ours, theirs = (part[columns].round(2).sort_values(columns).to_numpy() for part in (made, theirs))
    assert np.abs(ours - theirs).max() < 0.0101


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_same_summary(four, engine):
    options = {"calibration_end": CALIBRATION, "observed_from": "2024-01-01", "history": "truncated", "burn_in_days": 5}
    made = summarise(ENGINES[engine](four.dropna(subset="customer_id")), UNTIL, **options)
    assert_frame_equal(made, summarise(four, UNTIL, **options), check_dtype=False, check_column_type=False)
    assert made.attrs == summarise(four, UNTIL, **options).attrs


@settings(max_examples=40, deadline=None)
@given(LOGS)
def test_a_plain_recount_agrees_and_the_order_of_rows_does_not_matter(rows):
    orders = random_log(rows)
    made = summarise(orders, "2024-05-01", "day", calibration_end="2024-02-15")
    assert_frame_equal(made, summarise(orders[::-1], "2024-05-01", "day", calibration_end="2024-02-15"))
    end, until, kept = pd.Timestamp("2024-02-15"), pd.Timestamp("2024-05-01"), []
    orders = orders.assign(day=orders["ordered_at"].dt.normalize(), net=orders["amount"] - orders["refunded"])
    for customer, mine in orders[orders["day"] <= until].groupby("customer_id"):
        spent = mine.groupby("day")["net"].sum().sort_index()
        first = spent.index[0]
        if first > end:
            continue
        again, later = spent[(spent.index > first) & (spent.index <= end)], spent[spent.index > end]
        last = again.index[-1] if len(again) else first
        means = [part.mean() if len(part) else 0.0 for part in (again, later)]
        kept.append([customer, len(again), (last - first).days, (end - first).days, means[0], len(later), 76, means[1]])
    assert len(made) == len(kept)
    if kept:
        assert np.allclose(made.to_numpy(float), np.array(kept, dtype=float), atol=1e-9)


def test_no_order_before_the_end_gives_no_row(four):
    made = summarise(four, "2023-12-31")
    assert made.empty
    assert list(made.columns) == SUMMARY_COLUMNS


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"grain": "month"}, "grain must be one of 'week', 'day'"),
        ({"calibration_end": UNTIL}, "calibration_end must come before"),
        ({"calibration_end": "soon"}, "calibration_end must be a date"),
        ({"history": "truncated"}, "observed_from"),
        ({"refunds": "all"}, "refunds must be"),
    ],
)
def test_what_cannot_be_is_said(four, options, words):
    with pytest.raises(ValueError, match=words):
        summarise(four, UNTIL, **options)


def test_an_order_without_amount_is_refused(four):
    with pytest.raises(ValueError, match="1 orders have no amount"):
        summarise(four.assign(amount=four["amount"].where(four.index != 2)), UNTIL)


def base(customers=500, days=180, quiet=0, orders=3):
    """A summary by days that passes every gate, or just fails one."""
    made = pd.DataFrame({"frequency": orders - 1, "recency": float(days - quiet), "T": float(days)}, range(customers))
    made.attrs["grain"] = "day"
    return made


def test_the_gate_of_the_data():
    assert data_gate(base()) is None
    failed = [data_gate(part) for part in (base(499), base(days=179), base(quiet=31), base(orders=2))]
    assert [one.gate for one in failed] == ["buyers", "history", "recent order", "three orders"]
    assert [(one.seen, one.needed) for one in failed] == [(499, 500), (179, 180), (31, 30), (0, 1)]
    assert data_gate(base(quiet=30)) is None
    with pytest.raises(ValueError, match="does not say its grain"):
        data_gate(pd.DataFrame(base().to_dict()))
