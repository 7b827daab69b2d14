"""The platform's toll: by hand on three customers, and the rule on either side of its threshold."""

import pandas as pd
import pytest
from pool_orders import log

from siyu_helpers.analysis.pool import tolls as toll
from siyu_helpers.data.simulate import simulate

NAMES = ("customer_id", "ordered_at", "amount", "refunded", "platform_fee")
ORDERS = log(
    ("a", "2024-01-01 09:00", 60.0, 0.0, 3.0), ("a", "2024-01-01 20:00", 40.0, 20.0, 2.0),  # one purchase
    ("a", "2024-02-01", 50.0, 0.0, 1.0), ("a", "2024-03-01", 50.0, None, 0.0), ("a", "2024-04-01", 50.0, 0.0, None),
    ("a", "2024-05-01", 50.0, 0.0, 1.0),  # the fifth purchase
    ("b", "2022-01-01", 100.0, 0.0, 10.0), ("b", "2022-02-01", 100.0, 0.0, 10.0),  # more than a year ago
    names=NAMES,
)  # fmt: skip


def test_purchases_by_hand():
    found = toll.tolls(ORDERS, "2024-12-31")
    table = found.table.set_index("purchase")
    assert table["orders"].to_dict() == {1: 3, 2: 2, 3: 1, 4: 1}
    assert table["sales"].to_dict() == {1: 180.0, 2: 150.0, 3: 50.0, 4: 50.0}
    assert table["fees"].to_dict() == {1: 15.0, 2: 11.0, 3: 0.0, 4: 1.0}
    assert found.figures["toll_known_share"].value == pytest.approx(7 / 8)
    assert found.figures["toll_ceiling"].value == 2.0
    assert found.figures["toll_repeat_rate"].gate == "customers"


def copies(fee, n=120):
    rows = [(who, day, 100.0, 0.0, 5.0 if day < "2024-02" else fee) for who in range(n) for day in DAYS]
    return log(*rows, names=NAMES)


DAYS = ("2024-01-01", "2024-02-01", "2024-03-01")


@pytest.mark.parametrize(("fee", "wanted"), [(4.0, "agrees"), (0.5, "disagrees"), (1.0, "cannot be told")])
def test_the_rule_flips_at_the_rate_it_states(fee, wanted):
    found = toll.tolls(copies(fee), "2024-12-31")
    assert found.rule.agrees == wanted
    assert found.figures["toll_first_rate"].value == pytest.approx(0.05)
    assert found.figures["toll_repeat_part"].value == pytest.approx(2 * fee / (5 + 2 * fee))


def test_odd_brands():
    for orders in (ORDERS.drop(columns="platform_fee"), ORDERS.assign(platform_fee=float("nan")), ORDERS.iloc[:0]):
        found = toll.tolls(orders, "2024-12-31")
        assert found.table.empty
        assert {fact.gate for fact in found.figures.values()} == {"data"}
    short = toll.tolls(ORDERS.iloc[:1], "2024-01-31")
    assert short.figures["toll_ceiling"].gate == "days covered"
    back = toll.tolls(copies(4.0).assign(refunded=100.0), "2024-12-31")
    assert back.figures["toll_repeat_rate"].gate == "sum"
    assert back.rule.agrees == "cannot be told"


def test_an_invented_brand_and_the_order_of_its_rows():
    orders = simulate("xiaoman", customers=300, seed=2).tables["orders"]
    found = toll.tolls(orders, "2025-12-31")
    mixed = toll.tolls(orders.sample(frac=1, random_state=1), "2025-12-31")
    pd.testing.assert_frame_equal(found.table, mixed.table, check_exact=True)
    assert found.figures == mixed.figures
    assert found.table["fees"].sum() == pytest.approx(orders["platform_fee"].sum())
