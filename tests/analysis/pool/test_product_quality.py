"""Product quality: by hand on four customers, and the rule on brands that differ by construction."""

import numpy as np
import pandas as pd
import pytest
from pool_orders import log

from siyu_helpers.analysis.pool import product_quality as quality
from siyu_helpers.data.simulate import simulate

NAMES = ("customer_id", "ordered_at", "amount", "refunded")
ORDERS = log(
    ("a", "2024-01-01", 60.0, 10.0), ("a", "2024-03-31", 40.0, None),  # day 90
    ("b", "2024-01-01", 50.0, 50.0), ("b", "2024-04-02", 50.0, 50.0),  # day 92
    ("c", "2024-01-01", 50.0, 0.0), ("d", "2024-12-01", 150.0, 0.0),
    names=NAMES,
)  # fmt: skip


def test_by_hand():
    found = quality.product_quality(ORDERS, "2024-12-31")
    table = found.table.set_index("first_refunded")
    assert table["customers"].to_dict() == {False: 2, True: 2}
    assert table["watched"].to_dict() == {False: 1, True: 2}
    assert table["repurchase"].to_dict() == {False: 0.0, True: 0.5}
    assert found.figures["quality_refunded_orders"].value == pytest.approx(0.5)
    assert found.figures["quality_first_refunded"].value == 0.5
    assert found.figures["quality_known_share"].value == pytest.approx(5 / 6)


def shop(back_refunded, back_kept, refunded=20.0, n=600, seed=3):
    """Half of the first purchases are refunded in part; so many of each half come back."""
    rng = np.random.default_rng(seed)
    sent_back = np.arange(2 * n) < n
    first = pd.DataFrame({"customer_id": np.arange(2 * n), "ordered_at": pd.Timestamp("2024-01-01"), "amount": 100.0})
    first["refunded"] = np.where(sent_back, refunded, 0.0)
    again = rng.random(2 * n) < np.where(sent_back, back_refunded, back_kept)
    return pd.concat([first, first[again].assign(ordered_at=pd.Timestamp("2024-02-01"), refunded=0.0)])


@pytest.mark.parametrize(
    ("refunded", "kept", "wanted"), [(0.2, 0.5, "agrees"), (0.5, 0.4, "disagrees"), (0.40, 0.42, "cannot be told")]
)
def test_the_rule(refunded, kept, wanted):
    found = quality.product_quality(shop(refunded, kept), "2024-12-31")
    assert found.rule.agrees == wanted
    gap = found.figures["quality_repurchase_gap"]
    assert gap.low < 100 * (refunded - kept) < gap.high
    assert "mend the product" not in found.rule.reading.en


def test_many_refunds_are_told():
    found = quality.product_quality(shop(0.2, 0.5, refunded=80.0), "2024-12-31")
    assert found.figures["quality_refund_share"].low > 0.10
    assert "mend the product first" in found.rule.reading.en


def test_odd_brands():
    for orders in (ORDERS.drop(columns="refunded"), ORDERS.assign(refunded=np.nan), ORDERS.iloc[:0]):
        found = quality.product_quality(orders, "2024-12-31")
        assert found.table.empty
        assert {fact.gate for fact in found.figures.values()} == {"data"}
    one = quality.product_quality(ORDERS.iloc[:1], "2024-01-31")
    assert one.table["repurchase"].isna().all()
    assert one.rule.agrees == "cannot be told"
    free = quality.product_quality(pd.concat([ORDERS] * 2).assign(amount=0.0, refunded=0.0), "2024-12-31")
    assert free.figures["quality_repurchase_gap"].gate == "customers"


def test_an_invented_brand_and_the_order_of_its_rows():
    orders = simulate("xiaoman", customers=300, seed=2).tables["orders"]
    found = quality.product_quality(orders, "2025-12-31")
    mixed = quality.product_quality(orders.sample(frac=1, random_state=1), "2025-12-31")
    pd.testing.assert_frame_equal(found.table, mixed.table, check_exact=True)
    assert found.figures == mixed.figures
    assert found.figures["quality_refund_share"].value == pytest.approx(
        orders["refunded"].sum() / orders["amount"].sum()
    )
