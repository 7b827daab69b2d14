"""The gate: by hand, and its three answers."""

import numpy as np
import pandas as pd
import pytest
from pool_orders import log, stays

from siyu_helpers.analysis.estimates import Refused
from siyu_helpers.analysis.evidence import membership_gate as gate

NAMES = ("customer_id", "ordered_at", "amount", "refunded")
UNTIL = "2024-12-31"


def brand(active, repeat, refunded, n=1_000):
    """Customers with an order in February, some with one in June, some with one in December; a share paid back."""
    who = np.arange(n)
    rows = [(i, "2024-02-01", 10.0, 10.0 * refunded) for i in who]
    rows += [(int(i), "2024-06-01", 10.0, 10.0 * refunded) for i in who[who < n * repeat]]
    rows += [(int(i), "2024-06-01", 10.0, 10.0 * refunded) for i in who[who < n * active]]
    orders = log(*rows, names=NAMES)
    late = (orders.groupby("customer_id").cumcount() >= 1) & (orders["customer_id"] < n * active)
    orders.loc[late, "ordered_at"] = pd.Timestamp("2024-12-01")
    return orders


@pytest.mark.parametrize(("numbers", "agrees", "passes"), [
    ((0.6, 0.6, 0.02), "disagrees", [True, True, True]),
    ((0.1, 0.6, 0.02), "agrees", [False, True, True]),
    ((0.6, 0.6, 0.30), "agrees", [True, True, False]),
    ((0.30, 0.6, 0.02), "cannot be told", [None, True, True]),
])  # fmt: skip
def test_all_three_must_pass(numbers, agrees, passes):
    found = gate.membership_gate(brand(*numbers), None, UNTIL)
    assert found.rule.agrees == agrees
    assert found.table["passes"].tolist() == passes
    assert found.table["seen"].tolist() == pytest.approx([numbers[0], max(numbers[:2]), numbers[2]])


def test_members_count_where_there_are_any():
    orders = log(*((i, "2024-12-01" if i < 50 else "2024-02-01", 10.0) for i in range(200)))
    members = stays(
        *((i, "2024-01-01", None) for i in range(100)), *((i, "2024-01-01", "2024-02-01") for i in range(100, 200))
    )
    found = gate.membership_gate(orders, members, UNTIL).figures
    assert found["gate_active"].value == 0.5
    assert found["gate_repeat"].value == 0
    assert isinstance(found["gate_refunded"], Refused)
    strangers = members.assign(customer_id=members["customer_id"] + 1_000)
    assert gate.membership_gate(orders, strangers, UNTIL).figures["gate_active"].value == 0


@pytest.mark.parametrize(
    "orders", [log(("a", "2024-05-01", 0.0)), log(), log(*((i, "2022-05-01", 0.0) for i in range(150)))]
)
def test_odd_brands(orders):
    found = gate.membership_gate(orders, None, UNTIL)
    assert all(isinstance(one, Refused) for one in found.figures.values())
    assert found.rule.agrees == "cannot be told"
