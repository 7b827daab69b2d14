"""Fixtures shared by the tests of this floor: six customers written by hand, and CDNOW."""

import pandas as pd
import pytest
from conftest import PROJECT
from order_logs import log


@pytest.fixture
def six():
    """Six customers, until 15 March 2024, a leap year; Cy's first order is paid back, Fay's last comes too late."""
    return log(
        ("ana", "2024-01-05 09:00", 10.00, 0, "shop"),
        ("ana", "2024-01-05 21:00", 5.00, 0, "app"),
        ("ana", "2024-02-10", 20.00, 0, "app"),
        ("ben", "2024-01-31 23:59:59", 8.50, None, None),
        ("cy", "2024-02-29", 30.00, 30.00, "shop"),
        ("cy", "2024-03-01", 12.00, 0, "app"),
        ("dee", "2024-02-01", 7.00, 0, "app"),
        ("dee", "2024-03-15 23:59:59", 7.00, 0, "app"),
        ("eli", "2024-03-10", 0.00, 0, "shop"),
        ("fay", "2024-01-20 10:00", 9.99, 0, "shop"),
        ("fay", "2024-01-20 10:00", 0.01, 0, "app"),
        ("fay", "2024-03-02", 1.01, 0, "app"),
        ("fay", "2024-03-16", 99.00, 0, "app"),
        (None, "2024-01-01", 500.00, 0, "shop"),
        more=["refunded", "sold_through"],
    )


@pytest.fixture(scope="session")
def cdnow():
    path = PROJECT / "data" / "raw" / "cdnow" / "orders.csv"
    return pd.read_csv(path, parse_dates=["ordered_at"], dtype={"customer_id": "str"})
