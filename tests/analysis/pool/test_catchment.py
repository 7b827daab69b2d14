"""The catchment: by hand on four customers, against a brute-force quantile, and its interval by simulation."""

import math

import numpy as np
import pandas as pd
import pytest
from pool_orders import log, stays

from siyu_helpers.analysis import estimates
from siyu_helpers.analysis.estimates import QUICK_AT_LEAST
from siyu_helpers.analysis.pool import catchment as catch
from siyu_helpers.data.simulate import simulate

NAMES = ("customer_id", "ordered_at", "amount", "distance_km")
ORDERS = log(
    ("a", "2024-01-01", 9.0, 1.0), ("a", "2024-02-01", 9.0, 1.0), ("a", "2024-03-01", 9.0, None),  # 1 km: first ring
    ("b", "2024-01-01", 9.0, 2.0), ("b", "2024-05-01", 9.0, 4.0),  # mean 3 km: third ring
    ("c", "2024-01-01", 9.0, 3.001), ("d", "2024-01-01", 9.0, None),
    names=NAMES,
)  # fmt: skip


def test_rings_by_hand():
    found = catch.catchment(ORDERS, "2024-12-31", rings=3)
    table = found.table
    assert table["to_km"].tolist() == [1.0, 2.0, 3.0, math.inf]
    assert table["customers"].tolist() == [1, 0, 1, 1]
    assert table["orders"].tolist() == [2, 1, 0, 2]
    assert table["cumulative"].tolist() == pytest.approx([0.4, 0.6, 0.6, 1.0])
    assert table["customers_per_km2"].tolist()[:3] == pytest.approx([1 / math.pi, 0.0, 1 / (5 * math.pi)])
    assert table["repurchase"].dropna().tolist() == [1.0, 0.0, 0.0]  # a on day 31, b on day 121
    assert found.figures["catchment_known_share"].value == pytest.approx(5 / 7)
    assert found.figures["catchment_share"].value == pytest.approx(3 / 5)
    assert found.figures["catchment_core_km"].value == pytest.approx(3.001)  # the fourth of five


def town(spread, customers=400, seed=1, orders=4):
    """Customers whose distances are exponential, each with one home and several orders."""
    rng = np.random.default_rng(seed)
    home = rng.exponential(spread, customers).round(3)
    person = np.repeat(np.arange(customers), rng.poisson(orders, customers) + 1)
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 200, len(person)), "D")
    return pd.DataFrame({"customer_id": person, "ordered_at": at, "amount": 30.0, "distance_km": home[person]})


def test_the_radius_is_the_quantile_and_its_interval_holds_the_truth():
    orders = town(1.0)
    found = catch.catchment(orders, "2024-12-31").figures["catchment_core_km"]
    brute = np.quantile(orders["distance_km"], 0.8, method="inverted_cdf")
    assert found.value == pytest.approx(brute)
    assert found.unit == "km"
    truth = -math.log(0.2)  # 80% of an exponential with mean 1 km

    def radius(seed):
        made = town(1.0, customers=150, seed=seed)
        return catch.catchment(made, "2024-12-31").figures["catchment_core_km"]

    covered = estimates.coverage(lambda rng: int(rng.integers(1 << 30)), radius, truth, 60, 7)
    assert covered.covered >= QUICK_AT_LEAST


@pytest.mark.parametrize(
    ("spread", "wanted"), [(1.0, "agrees"), (4.0, "disagrees"), (-3 / math.log(0.2), "cannot be told")]
)
def test_the_rule_flips_at_the_share_it_states(spread, wanted):
    """Within 3 km lie 95%, 53% and 80% of an exponential with these means."""
    assert catch.catchment(town(spread), "2024-12-31").rule.agrees == wanted


def test_the_pool_decides_where_there_is_one():
    orders = town(1.0)
    far = orders.groupby("customer_id")["distance_km"].first()
    far = far[far > 1.2].index
    members = stays(*((who, "2023-12-01", None) for who in far))
    found = catch.catchment(orders, "2024-12-31", members, radius_km=1.3)
    pool = orders[orders["customer_id"].isin(far)]
    assert found.figures["catchment_pool_share"].value == pytest.approx((pool["distance_km"] <= 1.3).mean())
    assert found.figures["catchment_pool_gap"].high < 0
    assert found.rule.agrees == "disagrees"


def test_few_distances_tell_nothing():
    orders = town(1.0)
    orders.loc[orders.index % 4 != 0, "distance_km"] = np.nan
    assert catch.catchment(orders, "2024-12-31").rule.agrees == "cannot be told"


def test_odd_brands():
    for orders in (ORDERS.drop(columns="distance_km"), ORDERS.assign(distance_km=np.nan), ORDERS.iloc[:0]):
        found = catch.catchment(orders, "2024-12-31", stays())
        assert found.table.empty
        assert {fact.gate for fact in found.figures.values()} == {"data"}
        assert found.rule.agrees == "cannot be told"
    one = catch.catchment(ORDERS.iloc[:1], "2024-12-31")
    assert one.figures["catchment_share"].value == 1.0
    assert one.figures["catchment_core_km"].value == 1.0
    with pytest.raises(ValueError, match="distance_km must be 0 or more"):
        catch.catchment(ORDERS.assign(distance_km=-1.0), "2024-12-31")
    with pytest.raises(ValueError, match="core_share must lie between 0 and 1"):
        catch.catchment(ORDERS, "2024-12-31", core_share=1.0)


def test_an_invented_brand_and_the_order_of_its_rows():
    made = simulate("sanli", customers=300, seed=2).tables
    orders = made["orders"]
    found = catch.catchment(orders, "2025-12-31", made["members"])
    mixed = catch.catchment(orders.sample(frac=1, random_state=1), "2025-12-31", made["members"])
    pd.testing.assert_frame_equal(found.table, mixed.table, check_exact=True)
    assert found.figures == mixed.figures
    assert found.table["orders"].sum() == orders["distance_km"].notna().sum()
    assert found.figures["catchment_share"].value > 0.9
