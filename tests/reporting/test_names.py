"""Names of groups: every key that an analysis can put into a table has one in both languages."""

import re

import pandas as pd
import pytest

from siyu_helpers.analysis import audit_movement, customer_lifetime, order_log, revenue_identity, segments
from siyu_helpers.reporting import names


@pytest.mark.parametrize(
    ("called", "keys"),
    [
        (names.DOMAINS, (*order_log.DOMAINS, "unknown", "other")),
        (names.METHODS, segments.METHODS),
        (names.STATUSES, audit_movement.STATUSES),
        (names.MODELS, (*customer_lifetime.MODELS, "gamma_gamma")),
    ],
)
def test_every_key_is_named(called, keys):
    assert set(called) == set(keys)


def test_the_names_are_in_their_language():
    for group in (names.DOMAINS, names.METHODS, names.STATUSES, names.FACTORS, names.MODELS):
        for zh, en in group.values():
            assert re.search(r"[\u4e00-\u9fff]", zh)
            assert not re.search(r"[\u4e00-\u9fff]", en)


def test_the_bars_of_a_split_are_named():
    orders = pd.DataFrame({"customer_id": [1, 2, 1, 2], "amount": 10.0})
    orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-15", "2024-02-15", "2024-02-20"])
    windows = {"before": ("2024-01-01", "2024-01-30"), "after": ("2024-02-01", "2024-03-01")}
    split = revenue_identity.revenue_identity(orders, "2024-03-01", observed_from="2024-01-01", **windows)
    assert set(split["step"]) <= set(names.factors(split))
    assert names.factors(split)["before"] == ("2024-01-01 至 2024-01-30", "2024-01-01 to 2024-01-30")
