"""Price bands: by hand on five customers, and on bands that differ by construction."""

import numpy as np
import pandas as pd
import pytest
from pool_orders import log

from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool import price_bands as bands
from siyu_helpers.data.simulate import simulate


def touched(*rows):
    table = pd.DataFrame(list(rows), columns=["customer_id", "touched_at"])
    return table.assign(
        touched_at=pd.to_datetime(table["touched_at"], format="mixed"), visitor_id=table["customer_id"], channel="feed"
    )


ORDERS = log(
    ("a", "2024-06-01 09:00", 60.0, None), ("a", "2024-06-01 20:00", 40.0, None),  # 100 in all: the lowest band
    ("a", "2024-08-30", 5.0, None),  # day 90: still within
    ("b", "2024-06-02", 100.01, "a"), ("b", "2024-09-01", 9.0, None),  # day 91: too late
    ("c", "2024-06-03", 300.0, None), ("d", "2024-06-04", 1000.01, "b"),
    ("e", "2024-12-01", 20.0, None),  # watched 30 days only
    names=("customer_id", "ordered_at", "amount", "referrer_id"),
)  # fmt: skip
TOUCHES = touched(
    ("a", "2024-05-30 09:00"), ("a", "2024-06-01 09:00"), ("a", "2024-06-01 10:00"),  # the last is after the order
    ("b", "2024-02-01"), ("b", "2024-05-23"),  # the first is more than 90 days before
    ("z", "2024-01-01"),
)  # fmt: skip


def test_bands_by_hand():
    table = bands.price_bands(ORDERS, "2024-12-31", TOUCHES).table.set_index("band")
    assert table["customers"].to_dict() == {0: 2, 1: 2, 3: 1}
    assert table["share"].tolist() == pytest.approx([0.4, 0.4, 0.2])
    assert table["followed"].to_dict() == {0: 1, 1: 1, 3: 0}
    assert table["days_median"].dropna().to_dict() == {0: 2.0, 1: 10.0}
    assert table["referral"].to_dict() == {0: 0.0, 1: 0.5, 3: 1.0}
    assert table["watched"].to_dict() == {0: 1, 1: 2, 3: 1}
    assert table["repurchase"].to_dict() == {0: 1.0, 1: 0.0, 3: 0.0}
    assert table["to_amount"].tolist() == [100.0, 300.0, np.inf]
    assert table["days"].isna().all()  # no mean of one customer
    assert table["band_zh"].tolist() == ["100元及以下", "100–300元", "1,000元以上"]


def test_customers_whose_look_back_is_not_recorded_are_not_followed():
    from_may = TOUCHES[TOUCHES["touched_at"] >= "2024-05-01"]
    assert bands.price_bands(ORDERS, "2024-12-31", from_may).table["followed"].sum() == 0
    # Recorded from 23 May on: ten days before b's order are, those before a's are not; nine days leave out b's touch.
    assert bands.price_bands(ORDERS, "2024-12-31", from_may, look_back_days=10).table["followed"].tolist() == [0, 1, 0]
    assert bands.price_bands(ORDERS, "2024-12-31", from_may, look_back_days=9).table["followed"].tolist() == [1, 0, 0]


def invented(days_of_dear, referred_of_dear, n=400, seed=3):
    """Cheap customers decide within a day; dear ones take so many days, and so many of them are referred."""
    rng = np.random.default_rng(seed)
    dear = np.repeat([False, True], n)
    at = pd.Timestamp("2024-06-01") + pd.to_timedelta(rng.integers(0, 100, 2 * n), "D")
    waited = np.where(dear, rng.exponential(days_of_dear, 2 * n), rng.exponential(1.0, 2 * n)).clip(0, 60)
    orders = pd.DataFrame({"customer_id": np.arange(2 * n), "ordered_at": at, "amount": np.where(dear, 800.0, 50.0)})
    orders["acquired_through"] = np.where(rng.random(2 * n) < np.where(dear, referred_of_dear, 0.05), "referral", "ad")
    first = pd.DataFrame({"customer_id": np.arange(2 * n), "touched_at": at - pd.to_timedelta(waited, "D")})
    early = pd.DataFrame({"customer_id": [-1], "touched_at": [pd.Timestamp("2024-01-01")]})
    touches = pd.concat([first, first[dear].assign(touched_at=at[dear]), early], ignore_index=True)
    return orders, touches.assign(visitor_id=touches["customer_id"], channel="feed")


def test_the_rule_agrees_where_dear_goods_take_longer_and_disagrees_where_they_do_not():
    found = bands.price_bands(*_with_until(invented(12.0, 0.30)))
    assert found.rule.agrees == "agrees"
    rise = found.figures["price_band_days_rise"]
    assert rise.low < 11.0 < rise.high  # 12 days against 1, by construction
    assert found.figures["price_band_touches_rise"].value == pytest.approx(1.0)
    orders, touches = invented(1.0, 0.05)
    same = touches.drop_duplicates("customer_id")
    assert bands.price_bands(*_with_until((orders, same))).rule.agrees == "disagrees"


def _with_until(tables):
    orders, touches = tables
    return orders, "2024-12-31", touches


def test_without_both_sides_of_the_threshold_nothing_is_told():
    orders, touches = invented(12.0, 0.30)
    dear = orders[orders["amount"] > 100]
    found = bands.price_bands(dear, "2024-12-31", touches, limits=(100.0, 300.0, 500.0, 1000.0))
    assert found.rule.agrees == "cannot be told"
    assert found.figures["price_band_days_rise"].gate == "price bands"


@pytest.mark.parametrize("rows", [0, 1])
def test_odd_brands(rows):
    orders = ORDERS.iloc[:rows][["customer_id", "ordered_at", "amount"]]
    found = bands.price_bands(orders, "2024-12-31", TOUCHES.iloc[:0])
    assert len(found.table) == rows
    assert found.rule.agrees == "cannot be told"
    assert isinstance(found.figures["price_band_referral_rise"], Refused)
    free = bands.price_bands(ORDERS.assign(amount=0.0), "2024-12-31")
    assert free.table["band"].tolist() == [0]
    with pytest.raises(ValueError, match="limits must be amounts above 0 that rise"):
        bands.price_bands(ORDERS, "2024-12-31", limits=(300.0, 100.0))
    with pytest.raises(ValueError, match="least_rises must be one of"):
        bands.price_bands(ORDERS, "2024-12-31", least_rises={"day": 2.0})


def test_an_invented_brand_and_the_order_of_its_rows():
    made = simulate("xiaoman", customers=300, seed=2).tables
    orders, touches = made["orders"], made["touchpoints"]
    found = bands.price_bands(orders, "2025-12-31", touches)
    mixed = bands.price_bands(
        orders.sample(frac=1, random_state=1), "2025-12-31", touches.sample(frac=1, random_state=2)
    )
    pd.testing.assert_frame_equal(found.table, mixed.table, check_exact=True)
    assert found.figures == mixed.figures
    assert found.table["customers"].sum() == orders["customer_id"].nunique()
    assert isinstance(found.figures["price_band_impulse_share"], Estimate)
