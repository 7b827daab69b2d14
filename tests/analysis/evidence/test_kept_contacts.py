"""Contacts kept after joining: against lifelines, by simulation, and by hand."""

import lifelines
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from order_logs import LOGS, random_log
from pool_orders import log, stays

from siyu_helpers.analysis.estimates import QUICK_RUNS, Refused, coverage
from siyu_helpers.analysis.evidence import kept_contacts as kept
from siyu_helpers.analysis.pool.evidence import order_rows

UNTIL = "2024-12-31"
NOBODY = pd.DataFrame({"customer_id": [], "joined_at": pd.to_datetime([]), "left_at": pd.to_datetime([])})


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("days", [1, 30, 90])
def test_the_same_curve_and_interval_as_lifelines(seed, days):
    rng = np.random.default_rng(seed)
    leaves, seen = rng.geometric(0.02, 300), rng.integers(0, 200, 300)
    watched, left = np.minimum(leaves, seen), leaves <= seen
    fitter = lifelines.KaplanMeierFitter(alpha=0.10).fit(watched, left)
    ends = fitter.confidence_interval_survival_function_.loc[:days].iloc[-1]
    assert kept.kept_after(watched, left, days) == pytest.approx((fitter.predict(days), *ends))


def test_nobody_watched_so_long():
    assert np.isnan(kept.kept_after(np.array([5, 9]), np.array([True, False]), 10)).all()
    assert np.isnan(kept.kept_after(np.empty(0), np.empty(0), 10)).all()
    assert kept.kept_after(np.array([5, 9]), np.array([True, True]), 10)[0] == 0  # all have left: they stay away


def test_coverage():
    def simulate(rng):
        leaves, seen = rng.geometric(0.01, 150), rng.integers(20, 300, 150)
        return np.minimum(leaves, seen), leaves <= seen

    found = coverage(simulate, lambda told: kept.kept_after(*told, 60)[1:], 0.99**60, QUICK_RUNS, seed=3)
    assert found.meets_bar(), found


@settings(max_examples=30, deadline=None)
@given(LOGS, st.integers(0, 200), st.integers(0, 60))
def test_bought_between_by_brute_force(rows, begin, width):
    orders = random_log(rows)
    read = order_rows(orders, UNTIL)
    days = (orders["ordered_at"].dt.normalize() - pd.Timestamp(0)).dt.days
    first = int(days.min()) + begin - 20
    place = np.arange(-1, len(read.customers))
    found = kept.bought_between(read, place, np.full(len(place), first), np.full(len(place), first + width))
    assert not found[0]
    for at, who in enumerate(read.customers):
        assert found[at + 1] == days[orders["customer_id"] == who].between(first, first + width - 1).any()


def test_first_stays_by_hand():
    table = stays(
        ("a", "2024-01-01", "2024-01-11 12:00"), ("a", "2024-03-01", None), ("b", "2024-12-21", None),
        ("c", "2024-01-01", "2025-02-01"), ("d", "2025-01-01", None), (None, "2024-01-01", None),
    )  # fmt: skip
    found = kept.first_stays(table, None, UNTIL)
    told = dict(zip(found.customer, zip(found.watched.tolist(), found.left.tolist(), strict=True), strict=True))
    assert told == {"a": (10, True), "b": (11, False), "c": (366, False)}


def test_whom_a_ban_took_out_has_not_left():
    table = stays(("a", "2024-01-01", "2024-02-01 10:00"), ("b", "2024-01-01", "2024-01-20"))
    table["account_id"] = 7
    accounts = pd.DataFrame({"account_id": [7], "opened_at": pd.Timestamp("2023-01-01"),
                             "banned_at": pd.Timestamp("2024-02-01 10:00")})  # fmt: skip
    found = kept.first_stays(table, accounts, UNTIL)
    assert dict(zip(found.customer, found.left.tolist(), strict=True)) == {"a": False, "b": True}


def brand(kept_share, buying, n=300, seed=1):
    """Members who joined 400 days before the end by two entries; some left after 40 days, some bought late."""
    rng = np.random.default_rng(seed)
    stays_ = pd.DataFrame({"customer_id": range(n), "joined_at": pd.Timestamp("2023-11-27")})
    gone = rng.random(n) >= kept_share
    stays_["left_at"] = pd.to_datetime("2024-01-06").to_datetime64()
    stays_["left_at"] = stays_["left_at"].where(gone)
    stays_["entry"] = np.where(np.arange(n) % 3 < 2, "card", "chat")
    orders = log(*((i, "2024-10-01", 9.0) for i in np.flatnonzero(rng.random(n) < buying)), (0, "2022-01-01", 9.0))
    return stays_, orders


@pytest.mark.parametrize(("kept_share", "buying", "agrees"), [
    (0.9, 0.9, "disagrees"), (0.3, 0.9, "agrees"), (0.9, 0.3, "agrees"), (0.71, 0.71, "cannot be told")])  # fmt: skip
def test_the_rule_counts_those_who_are_there_and_buy(kept_share, buying, agrees):
    found = kept.kept_contacts(*brand(kept_share, buying), UNTIL)
    assert found.rule.agrees == agrees
    assert found.table["entry"].tolist() == ["all", "card", "chat"]
    assert found.figures["kept_contacts_365"].value == pytest.approx(kept_share, abs=0.08)
    assert "card" in found.figures["kept_contacts_gap"].definition.en


def test_who_came_back_to_the_pool_is_there():
    members, orders = brand(0.9, 1.0)
    again = members.assign(joined_at=pd.Timestamp("2024-06-01"), left_at=pd.NaT)
    members["left_at"] = pd.Timestamp("2024-01-06")
    found = kept.kept_contacts(pd.concat([members, again]), orders, UNTIL).figures
    assert found["kept_contacts_365"].value == 0
    assert found["kept_contacts_buying"].value == 1


@pytest.mark.parametrize("members", [None, NOBODY, stays(("a", "2024-01-01", None)),
                                     stays(("a", "2024-01-01", None))[["customer_id", "joined_at"]]])  # fmt: skip
def test_too_little_is_refused(members):
    found = kept.kept_contacts(members, log(("a", "2024-01-01", 9.0)), UNTIL)
    assert all(isinstance(one, Refused) for one in found.figures.values())
    assert found.rule.agrees == "cannot be told"
