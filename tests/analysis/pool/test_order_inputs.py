"""Value, margin, own channels and referrals: by hand, and beside statsmodels."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from siyu_helpers.analysis.effect.histories import read_histories
from siyu_helpers.analysis.pool import order_inputs
from siyu_helpers.analysis.pool.pool_facts import read_pool


def log(*rows, columns=("customer_id", "ordered_at", "amount", "sold_through", "platform_fee")):
    table = pd.DataFrame(rows, columns=list(columns))
    return table.assign(ordered_at=pd.to_datetime(table["ordered_at"]))


def members(**joined):
    table = pd.DataFrame({"customer_id": list(joined), "joined_at": pd.to_datetime([j for j, _ in joined.values()])})
    return table.assign(left_at=pd.to_datetime([left for _, left in joined.values()]))


UNTIL = "2024-12-31"
ORDERS = log(
    ("a", "2024-02-01", 100.0, "tmall", 5.0),
    ("a", "2024-03-15", 200.0, "own", 2.0),
    ("a", "2024-09-01", 50.0, "own", 0.0),
    ("b", "2024-01-10", 100.0, "own", 1.0),
    ("b", "2024-02-20", 100.0, "tmall", 7.0),
    ("b", "2024-03-05", 100.0, "own", 1.0),
    ("b", "2024-04-20", 100.0, "tmall", 6.0),
    ("c", "2024-05-01", 100.0, "tmall", None),
    ("d", "2024-06-01", 80.0, None, 4.0),
)
MEMBERS = members(
    a=("2024-03-01", None), b=("2024-03-01", "2024-04-01"), c=("2024-06-01", None), e=("2024-06-01", None)
)


@pytest.fixture
def known():
    return read_histories(ORDERS, MEMBERS, UNTIL, gross_margin=0.4)


def test_ratio_is_that_of_weighted_least_squares_with_clusters():
    rng = np.random.default_rng(2)
    clusters, bottom = rng.integers(0, 40, 300), rng.gamma(2.0, 1.0, 300)
    top = bottom * (3 + rng.standard_normal(40)[clusters]) + rng.standard_normal(300)
    found = order_inputs.ratio_of_sums(top, bottom, clusters, 0.90)
    fit = sm.WLS(top / bottom, np.ones(300), weights=bottom)
    fit = fit.fit(cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": False})
    reach = stats.norm.ppf(0.95) * fit.bse[0] * np.sqrt(40 / 39)
    assert found.value == pytest.approx(fit.params[0])
    assert (found.low, found.high) == pytest.approx((found.value - reach, found.value + reach))
    assert order_inputs.ratio_of_sums(top[:1], bottom[:1], clusters[:1], 0.9) is None


def test_orders_in_the_pool_their_value_and_margin(known):
    placed = order_inputs.placed_orders(known, read_pool(MEMBERS, UNTIL))
    assert placed.inside.sum() == 3  # two of a, one of b; b had left before the last one, c joined after
    value, margin = order_inputs.value_and_margin(known, placed.inside, 0.9)
    assert (value.value, value.customers) == (pytest.approx(350 / 3), 2)
    assert margin.value == pytest.approx(0.4)
    assert not order_inputs.placed_orders(known, None).inside.any()


def test_orders_moved_to_own_channels_by_hand(known):
    shops = order_inputs.read_shops(ORDERS, known)
    found = order_inputs.moved_orders(shops, known, read_pool(MEMBERS, UNTIL), {"own"}, 0.9)
    # Before: a 0 of 1, b 1 of 2. After, in the pool and within 180 days: a 1 of 1, b 1 of 1. c and d: one side only.
    assert (found.before, found.after) == (pytest.approx(1 / 3), 1.0)
    assert found.share.value == pytest.approx(2 / 3)
    assert found.saved.value == pytest.approx(12 / 200 - 3 / 300)
    assert found.share.low < found.share.value < found.share.high
    assert (
        order_inputs.moved_orders(shops[shops["amount"] < 90], known, read_pool(MEMBERS, UNTIL), {"own"}, 0.9) is None
    )


def test_share_of_joiners_who_had_ordered(known):
    (value, low, high), n = order_inputs.share_with_orders(known, read_pool(MEMBERS, UNTIL), 0.9)
    # The pool opened on 1 March, a whole month: a, b and c had ordered, e never.
    assert (value, n) == (0.75, 4)
    assert low < 0.75 < high


def test_advertising_per_order_of_the_channels_paid_for():
    columns = ("customer_id", "ordered_at", "amount", "acquired_through")
    orders = log(("a", "2024-01-05", 1.0, "feed"), ("b", "2024-01-06", 1.0, "feed"), ("c", "2024-01-07", 1.0, "direct"),
                 ("d", "2025-01-07", 1.0, "feed"), columns=columns)  # fmt: skip
    spend = pd.DataFrame({"date": pd.to_datetime(["2024-01-01", "2024-01-02", "2023-01-01"]), "channel": "feed"})
    spend["spend"] = [10.0, 20.0, 500.0]
    begin, end = (int(pd.Timestamp(day).timestamp()) for day in ("2024-01-01", "2025-01-01"))
    assert order_inputs.paid_per_order(spend, orders, begin, end) == pytest.approx(15.0)
    assert order_inputs.paid_per_order(spend, orders.drop(columns="acquired_through"), begin, end) == pytest.approx(10)
    assert order_inputs.paid_per_order(None, orders, begin, end) is None
    assert order_inputs.paid_per_order(spend, orders, end, end) is None


def test_friends_by_hand():
    columns = ("customer_id", "ordered_at", "amount", "referrer_id")
    orders = log(
        ("a", "2023-05-01", 100.0, None), ("f", "2024-04-01", 30.0, "a"), ("f", "2024-05-01", 30.0, None),
        ("g", "2024-02-01", 10.0, "a"), ("h", "2024-04-10", 10.0, "z"), columns=columns,
    )  # fmt: skip
    stays = members(a=("2024-03-01", None), f=("2024-05-05", None), h=("2024-12-20", None))
    known, pool = read_histories(orders, stays, UNTIL, gross_margin=0.5), read_pool(stays, UNTIL)
    friends = order_inputs.read_friends(orders, known, pool)
    assert len(friends.place) == 3
    # f was brought by a after a had joined; g before a had joined; h by somebody who never joined.
    assert order_inputs.brought_by_pool(friends, known, pool) == 1
    (share, _, _), n = order_inputs.friends_joining(friends, known, pool, 0.9)
    assert (share, n) == (0.5, 2)  # g first ordered before the pool opened; h joined after more than ninety days
    assert order_inputs.friends_worth(friends, known, 0.9, 1) is None  # three friends are too few for a mean
    blank = orders.assign(referrer_id=None)
    assert order_inputs.read_friends(blank, known, pool) is None


def test_months_after_the_first_order_by_hand():
    orders = log(
        ("a", "2024-01-01", 1.0, "x", 0.0), ("a", "2024-01-20", 1.0, "x", 0.0), ("a", "2024-03-02", 1.0, "x", 0.0),
        ("b", "2024-01-10", 1.0, "x", 0.0), ("c", "2024-12-01", 1.0, "x", 0.0), ("b", "2024-01-15", 1.0, "x", 0.0),
    )  # fmt: skip
    months = order_inputs.months_after_first_order(read_histories(orders, None, UNTIL), 0.9)
    assert [month.value for month in months] == [1.0, 0.0, 0.5, 0.0, 0.0, 0.0]
    assert months[2].standard_error == pytest.approx(0.5)  # two customers, 0 and 1: s.d. 0.707 over root 2
