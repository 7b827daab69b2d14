"""One-time buyers: the complement of what the repurchase page computes, by domain, and the rule."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from order_logs import LOGS, random_log
from pool_orders import log

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.evidence import one_time_buyers as once
from siyu_helpers.analysis.repurchase_cycle import repurchased_within, time_to_next_order

NAMES = ("customer_id", "ordered_at", "amount", "acquired_through")
CHANNELS = {"feed": {"domain": "public"}, "wecom": "private"}


@settings(max_examples=8, deadline=None)
@given(LOGS)
def test_the_complement_of_the_repurchase_curve(rows):
    orders = random_log(rows)
    many = pd.concat([orders.assign(customer_id=orders["customer_id"] + 10 * i) for i in range(100)])
    found = once.one_time_buyers(many, "2024-12-31", days=30).figures["one_time_share"]
    other = repurchased_within(time_to_next_order(many, "2024-12-31"), 30)
    assert found.value == pytest.approx(1 - other.value)
    assert (found.low, found.high) == pytest.approx((1 - other.high, 1 - other.low))


def brand(back, n=400):
    first = [(i, "2023-01-01", 10.0, "feed" if i % 2 else "wecom") for i in range(n)]
    return log(
        *first,
        *((int(i), "2023-03-01", 10.0, "wecom") for i in np.flatnonzero(np.arange(n) // 2 < n / 2 * back)),
        names=NAMES,
    )


@pytest.mark.parametrize(("back", "agrees"), [(0.1, "agrees"), (0.9, "disagrees"), (0.5, "cannot be told")])
def test_the_rule(back, agrees):
    assert once.one_time_buyers(brand(back), "2024-12-31").rule.agrees == agrees


def test_domains_are_those_of_the_first_order():
    orders = brand(0.3)
    found = once.one_time_buyers(orders, "2024-12-31", CHANNELS)
    assert found.table["domain"].tolist() == ["all", "public", "private"]
    assert found.table["customers"].tolist() == [400, 200, 200]
    returned = orders["customer_id"].value_counts() > 1
    assert found.figures["one_time_public"].value == pytest.approx(1 - returned[returned.index % 2 == 1].mean())
    spent_once = (~returned).sum() * 10 / orders["amount"].sum()
    assert found.figures["one_time_revenue"].value == pytest.approx(spent_once)


def test_a_truncated_history_counts_only_those_known_to_be_new():
    found = once.one_time_buyers(brand(0.3), "2024-12-31", history="truncated", observed_from="2023-01-01")
    assert found.table["customers"].tolist() == [0]
    assert isinstance(found.figures["one_time_share"], Refused)


@pytest.mark.parametrize(
    "orders", [log(("a", "2024-05-01", 0.0)), log(*((i, "2024-12-31", 0.0) for i in range(150))), log()]
)
def test_odd_brands(orders):
    found = once.one_time_buyers(orders, "2024-12-31")
    assert isinstance(found.figures["one_time_share"], Refused)
    assert not any(isinstance(one, Estimate) for one in found.figures.values())
    assert found.rule.agrees == "cannot be told"
