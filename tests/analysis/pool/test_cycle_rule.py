"""The cycle rule: by hand, against statsmodels' survival functions, and on brands whose cycle is known."""

import math

import numpy as np
import pandas as pd
import pytest
from pool_orders import log, stays
from statsmodels.duration.survfunc import SurvfuncRight

from siyu_helpers.analysis import repurchase_cycle
from siyu_helpers.analysis.estimates import Estimate
from siyu_helpers.analysis.pool import cycle_rule as cycle
from siyu_helpers.data.simulate import simulate


def buyers(years_between, n=400, seed=2, stay_days=300):
    """Customers who buy at a constant rate after a first order on 1 January 2023, and members who stay so long."""
    rng = np.random.default_rng(seed)
    begin = pd.Timestamp("2023-01-01")
    rows = [(who, begin) for who in range(n)]
    for who in range(n):
        day = 0.0
        while (day := day + rng.exponential(years_between * 365.25)) < 1095:
            rows.append((who, begin + pd.Timedelta(days=math.ceil(day))))
    orders = pd.DataFrame(rows, columns=["customer_id", "ordered_at"]).assign(amount=10.0)
    left = begin + pd.to_timedelta(np.ceil(rng.exponential(stay_days / math.log(2), n)), "D")
    members = pd.DataFrame({"customer_id": np.arange(n), "joined_at": begin, "left_at": left})
    return orders[orders["ordered_at"] <= "2025-12-31"], members


def test_rate_by_hand():
    """400 customers of two purchases each, the second 100 days after the first, watched for 365.25 x 2 days."""
    first = pd.DataFrame({"customer_id": range(400), "ordered_at": pd.Timestamp("2022-01-01"), "amount": 1.0})
    second = first[:100].assign(ordered_at=pd.Timestamp("2022-04-11"))
    found = cycle.cycle_rule(pd.concat([first, first, second]), "2024-01-01").figures
    watched = 730 / 365.25
    assert found["cycle_purchases_per_year"].value == pytest.approx(0.25 / watched)
    assert found["cycle_years_between"].value == pytest.approx(watched / 0.25)
    assert found["cycle_against_lasting"].value == pytest.approx(5 * 0.25 / watched)
    assert found["cycle_one_time_share"].value == pytest.approx(0.75)
    assert found["cycle_second_household"].value == pytest.approx(0.25)
    assert found["cycle_median_days"].gate == "share reached"


def test_the_median_stay_is_that_of_statsmodels():
    rng = np.random.default_rng(8)
    joined = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 900, 300), "D")
    left = joined + pd.to_timedelta(rng.geometric(1 / 250, 300), "D")
    members = pd.DataFrame({"customer_id": np.arange(300), "joined_at": joined, "left_at": left})
    until = pd.Timestamp("2025-12-31")
    found = cycle.cycle_rule(log(("a", "2025-01-01", 1.0)), until, members).figures["cycle_stay_days"]
    gone = left <= until
    stayed = np.where(gone, (left - joined).days, (until - joined).days)
    curve = SurvfuncRight(stayed, gone.astype(int))
    half = curve.surv_times[curve.surv_prob <= 0.5 + 1e-12][0]  # its own quantile() wants less than one half
    assert found.value == half
    assert found.unit == "days"


def test_a_stay_is_from_the_first_joining_to_the_last_leaving():
    table = stays(
        ("a", "2024-01-01", "2024-01-11"), ("a", "2024-01-05", "2024-01-31"),  # 30 days
        ("b", "2024-01-01", "2024-01-11"), ("b", "2024-02-01", None),  # back, and still in
        ("c", "2024-01-01", "2024-03-01"),  # 60 days
    )  # fmt: skip
    found = cycle.cycle_rule(log(("a", "2024-01-01", 1.0)), "2024-12-31", table)
    assert found.figures["cycle_stay_days"].value == 60.0
    assert found.table.set_index("days")["still_in_pool"].loc[[30, 90]].tolist() == pytest.approx([2 / 3, 1 / 3])


def test_curves_are_those_of_page_two_with_truncated_history_too():
    made = simulate("xiaoman", customers=200, seed=4).tables["orders"]
    kwargs = {"observed_from": "2023-01-01", "history": "truncated", "burn_in_days": 200}
    found = cycle.cycle_rule(made, "2025-12-31", **kwargs).figures
    for key, after in (("cycle_median_days", 1), ("cycle_later_median_days", 2)):
        curve = repurchase_cycle.time_to_next_order(made, "2025-12-31", after, **kwargs)
        wanted = repurchase_cycle.median_days(curve)
        assert (found[key].value, found[key].low, found[key].high, found[key].n) == (
            wanted.value, wanted.low, wanted.high, wanted.n,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("years", "stay_days", "wanted"),
    [(0.2, 300, "agrees"), (5.0, 300, "agrees"), (0.8, 30, "disagrees"), (1.3, 900, "disagrees")],
)
def test_the_rule_compares_the_cycle_with_the_stay(years, stay_days, wanted):
    orders, members = buyers(years, stay_days=stay_days)
    found = cycle.cycle_rule(orders, "2025-12-31", members)
    between = found.figures["cycle_years_between"]
    assert between.low < years < between.high
    assert found.rule.agrees == wanted
    assert isinstance(found.figures["cycle_second_household"], Estimate) == (years > 1)


def test_where_most_stay_on_the_share_within_the_stay_is_a_lower_bound():
    orders, members = buyers(5.0)
    found = cycle.cycle_rule(orders, "2025-12-31", members.assign(left_at=pd.NaT))
    assert found.figures["cycle_stay_days"].gate == "stay"
    assert found.figures["cycle_within_stay"].high == 1.0
    assert found.rule.agrees == "cannot be told"  # long, but who knows how long they stay
    assert cycle.cycle_rule(buyers(0.2)[0], "2025-12-31", members.assign(left_at=pd.NaT)).rule.agrees == "agrees"


def test_odd_brands():
    one = log(("a", "2024-01-01", 1.0))
    for orders, members in (
        (one, None),
        (one.iloc[:0], stays()),
        (pd.concat([one, one]), stays(("z", "2024-06-01", None))),
        (log(("a", "2024-12-31", 0.0)), stays(("a", "2024-06-01", "2024-05-01"))),  # left before joining
    ):
        found = cycle.cycle_rule(orders, "2024-12-31", members)
        assert found.rule.agrees == "cannot be told"
        assert len(found.table) == len(cycle.TABLE_DAYS)
    never = pd.DataFrame({"customer_id": range(150), "ordered_at": pd.Timestamp("2023-01-01"), "amount": 1.0})
    found = cycle.cycle_rule(never, "2024-12-31", stays(("z", "2024-06-01", "2024-06-03"))).figures
    assert found["cycle_purchases_per_year"].value == 0.0
    assert found["cycle_years_between"].gate == "purchases again"
    with pytest.raises(ValueError, match="lasting_years must be above 0"):
        cycle.cycle_rule(one, "2024-12-31", lasting_years=0)


def test_an_invented_brand_and_the_order_of_its_rows():
    made = simulate("yunzuo", customers=300, seed=2).tables
    found = cycle.cycle_rule(made["orders"], "2025-12-31", made["members"])
    mixed = cycle.cycle_rule(made["orders"].sample(frac=1, random_state=1), "2025-12-31", made["members"][::-1])
    pd.testing.assert_frame_equal(found.table, mixed.table, check_exact=True)
    assert found.figures == mixed.figures
    assert found.figures["cycle_years_between"].low > 3
    assert found.rule.agrees == "agrees"
