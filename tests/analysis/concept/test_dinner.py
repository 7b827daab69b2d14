"""The private dinner: closed forms against draws and brute force, and a brand's door by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.concept.dinner import BRAND_FIGURES, FIGURES, dinner, dinner_of_brand
from siyu_helpers.data.simulate import simulate


def value(found, key):
    return found.figures[f"dinner_{key}"].value


@pytest.mark.parametrize("seen", [1.0, 0.6])
@pytest.mark.parametrize("entry", [0.1, 0.5])
def test_the_same_as_drawing_applicants(seen, entry):
    rng, many = np.random.default_rng(7), 400_000
    willing = rng.random(many) < 0.4
    worth = rng.exponential(np.where(willing, 120, 10))
    told = rng.random(many) < seen
    threshold = np.quantile(worth[told], 1 - entry)
    let_in = np.where(told, worth > threshold, rng.random(many) < entry)
    found = dinner(many, 0.4, 120, 10, 30, seen, entry)
    assert value(found, "value_per_member") == pytest.approx(worth[let_in].mean(), rel=0.01)
    assert value(found, "hunters_share") == pytest.approx(1 - willing[let_in].mean(), abs=0.005)
    assert value(found, "net") == pytest.approx(worth[let_in].sum() - 30 * let_in.sum(), rel=0.02)


@pytest.mark.parametrize("cost", [5.0, 30.0, 100.0])
def test_one_kind_of_applicants(cost):
    found = dinner(1, willing=1.0, willing_value=100, cost=cost, seen=1.0, entry=0.2)
    assert value(found, "best_entry") == pytest.approx(math.exp(-cost / 100))
    # of an exponential value, those above the threshold are worth the threshold and one mean more
    assert value(found, "value_per_member") == pytest.approx(100 * (1 - math.log(0.2)))
    assert value(found, "best_net") == pytest.approx(100 * math.exp(-cost / 100))


@settings(max_examples=60, deadline=None)
@given(
    willing=st.floats(0, 1), willing_value=st.floats(0.1, 1000), hunter_value=st.floats(0.1, 1000),
    cost=st.floats(0, 1000), seen=st.floats(0, 1), entry=st.floats(0.001, 1),
)  # fmt: skip
def test_no_share_beats_the_best_one(**given_):
    found = dinner(**given_, applicants=100)
    assert all(math.isfinite(value(found, key.removeprefix("dinner_"))) for key in FIGURES)
    scale = 1e-6 * 100 * 1000
    assert value(found, "best_net") >= found.table["net"].max() - scale
    assert value(found, "entry_cost") >= -scale
    assert value(found, "loose_cost") >= -scale
    assert (found.table["value_per_member"].diff().dropna() <= 1e-6).all()


def test_where_the_next_one_is_worth_the_cost():
    best = value(dinner(), "best_entry")
    row = dinner(entry=best)
    net = [value(dinner(entry=best + step), "net") for step in (-0.01, 0, 0.01)]
    assert net[1] == max(net)
    assert value(row, "entry_cost") == pytest.approx(0, abs=1e-6)
    # the marginal value, by differences of the total
    table = dinner(applicants=1).table.set_index("entry")
    step = dinner(applicants=1, entry=0.4005), dinner(applicants=1, entry=0.3995)
    total = [
        found.figures["dinner_net"].value + 30 * share for found, share in zip(step, (0.4005, 0.3995), strict=True)
    ]
    assert table.at[0.4, "marginal_value"] == pytest.approx((total[0] - total[1]) / 0.001, rel=1e-4)


def test_wrong_parameters():
    for wrong in ({"entry": 0}, {"willing": 2}, {"hunter_value": 0}, {"cost": -1}, {"seen": -0.1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            dinner(**wrong)


# --- a brand ---


def brand():
    """Of 200 customers 50 brought 100 in the year before and 40 after it; 150 brought 10 and then 0 or 8."""
    before = pd.DataFrame({"customer_id": range(200), "amount": [100.0] * 50 + [10.0] * 150})
    after = pd.DataFrame({"customer_id": range(200), "amount": [40.0] * 50 + [0.0, 8.0] * 75})
    late = pd.DataFrame({"customer_id": [900], "amount": [9e6]})  # came later: was not at the door
    dates = ("2023-01-02", "2024-06-01", "2024-07-01")
    rows = [part.assign(ordered_at=pd.Timestamp(date)) for part, date in zip((before, after, late), dates, strict=True)]
    return pd.concat(rows, ignore_index=True)


def test_a_brands_door_by_hand():
    found = dinner_of_brand(brand(), "2024-12-31", cost=3, gross_margin=0.5, entry=0.5)
    # half let in: the 50 at 20 each, and 50 of those alike at the mean of 0 and 4
    assert value(found, "value_per_member") == pytest.approx((50 * 20 + 50 * 2) / 100)
    assert value(found, "best_entry") == 0.25
    assert value(found, "best_net") == pytest.approx(50 * 17)
    assert value(found, "open_net") == pytest.approx(1000 + 150 * 2 - 600)
    assert value(found, "loose_cost") == pytest.approx(150)
    assert set(found.figures) == set(BRAND_FIGURES)


def test_odd_brands():
    log = brand()
    gates = {
        "contribution": dinner_of_brand(log, "2024-12-31", 3),
        "days covered": dinner_of_brand(log, "2024-10-31", 3, 0.5),
        "customers": dinner_of_brand(log[log["customer_id"] < 99], "2024-12-31", 3, 0.5),
    }
    for gate, found in gates.items():
        assert {fact.gate for fact in found.figures.values()} == {gate}
        assert found.table.empty
    assert dinner_of_brand(log.iloc[:0], "2024-12-31", 3, 0.5).figures["dinner_net"].gate == "days covered"
    free = dinner_of_brand(log.assign(amount=0.0), "2024-12-31", 3, 0.5)
    assert value(free, "open_net") == pytest.approx(-600)


def test_an_invented_brand_and_the_order_of_its_rows():
    orders = simulate("sanli", customers=400, seed=2).tables["orders"]
    found = dinner_of_brand(orders, "2025-12-31", 20, 0.6)
    mixed = dinner_of_brand(orders.sample(frac=1, random_state=1), "2025-12-31", 20, 0.6)
    pd.testing.assert_frame_equal(found.table, mixed.table, check_exact=True)
    assert found.figures == mixed.figures
    text = dinner_of_brand(orders.assign(customer_id="c" + orders["customer_id"].astype(str)), "2025-12-31", 20, 0.6)
    assert text.figures == found.figures
