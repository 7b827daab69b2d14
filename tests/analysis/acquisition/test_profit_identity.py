"""The identities against the articles' numbers and against numeric derivatives."""

import math

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from siyu_helpers.analysis.acquisition.profit_identity import (
    IDENTITY_COLUMNS,
    UNITS,
    full_identity,
    profit_estimates,
    repurchase_formulas,
    source_identity,
)
from siyu_helpers.analysis.estimates import Estimate, Refused


def test_the_numbers_of_the_methods():
    """Order value 260 and cost 250: elasticities 26 and -25 (methods.md, "Revenue and profit identities")."""
    table = source_identity(10_000, 0.05, 260, 250).set_index("factor")
    assert table["elasticity"].tolist() == pytest.approx([1, 1, 26, -25])
    assert table["fragile"].tolist() == [False, False, True, True]
    found = profit_estimates(source_identity(10_000, 0.05, 260, 250))
    assert found["profit"].value == pytest.approx(5000)
    assert found["profit_after"].value == pytest.approx(500 * (247 - 250))  # 5% off 260 is 247
    assert found["profit_growth"].value == pytest.approx(-1.3)
    assert found["elasticity_average_order_value"].unit == "elasticity"


def test_repurchase_rate_is_no_factor():
    """10,000 x 5% x 200 x 30% = 30,000, less than the 100,000 without any repeat (methods.md)."""
    revenue = repurchase_formulas(10_000, 0.05, 200, 0.30).set_index("formula")["revenue"]
    assert revenue["times_repurchase_rate"] == pytest.approx(30_000)
    assert revenue["first_orders_only"] == pytest.approx(100_000)
    assert revenue["times_orders_per_buyer"] == pytest.approx(130_000)


MONEY = st.floats(1, 1000)
SEVEN = st.tuples(
    st.floats(100, 1e6), st.floats(0.001, 1), MONEY, MONEY, st.floats(-0.5, 1), st.floats(0.1, 20), st.floats(0, 1e6)
)


def profit(traffic, conversion, value, cost, rate=1.0, orders=1.0, fixed=0.0):
    return traffic * conversion * (value * rate * orders - cost) - fixed


@given(SEVEN)
def test_elasticities_are_numeric_derivatives(numbers):
    for table, given_ in ((full_identity(*numbers), numbers), (source_identity(*numbers[:4]), numbers[:4])):
        earned = profit(*given_)
        size = given_[0] * given_[1] * (given_[2] * 20 + given_[3]) + 1e6
        assume(abs(earned) > 1e-4 * size)
        assert list(table.columns) == IDENTITY_COLUMNS
        assert table.attrs["profit"] == pytest.approx(earned)
        for at, row in enumerate(table.itertuples()):
            up, down = ([x * (1 + sign * 1e-3 * (i == at)) for i, x in enumerate(given_)] for sign in (1, -1))
            slope = (profit(*up) - profit(*down)) / 2e-3
            assert row.elasticity == pytest.approx(slope / earned, rel=1e-4, abs=1e-4)
            assert row.profit_change_of_1_percent == pytest.approx(slope / 100, rel=1e-4, abs=1e-4 * size / 100)
            assert row.fragile == (abs(row.elasticity) > 10)


@given(SEVEN)
def test_elasticities_add_up(numbers):
    """Profit is of the first degree in order value and cost together, in the full identity with fixed cost too."""
    source, full = source_identity(*numbers[:4]), full_identity(*numbers)
    if abs(numbers[2] - numbers[3]) > 1e-6:
        e = source.set_index("factor")["elasticity"]
        assert e["average_order_value"] + e["customer_acquisition_cost"] == pytest.approx(1, abs=1e-6)
    if not full.attrs["refused"]:
        e = full.set_index("factor")["elasticity"]
        both = e["average_order_value"] + e["customer_acquisition_cost"]
        assert both + e["fixed_cost"] == pytest.approx(1, abs=1e-5 * max(1, abs(both)))


@given(SEVEN)
def test_profit_is_zero_at_the_break_evens(numbers):
    traffic, conversion, value, cost, rate, orders, fixed = numbers
    made = full_identity(*numbers).attrs
    size = traffic * conversion * (value * orders + cost) + fixed
    at_cac = profit(traffic, conversion, value, made["break_even_cac"], rate, orders, fixed)
    assert abs(at_cac) < 1e-9 * size
    if rate > 1e-3:
        even = profit(traffic, conversion, value, cost, rate, made["break_even_orders"], fixed)
        assert abs(even) < 1e-6 * (size + fixed)
    if rate <= 0:
        assert math.isnan(made["break_even_orders"])


def test_the_full_identity_holds_the_source_as_a_special_case():
    source, full = source_identity(10_000, 0.05, 260, 250), full_identity(10_000, 0.05, 260, 250, 1.0)
    pd.testing.assert_frame_equal(source, full.iloc[:4])
    assert full.attrs["profit"] == source.attrs["profit"]


def test_without_visitors_new_customers_stand_for_both():
    table = source_identity(500, None, 260, 250)
    assert table["factor"].tolist() == ["new_customers", "average_order_value", "customer_acquisition_cost"]
    assert table.attrs["profit"] == pytest.approx(5000)


def test_at_break_even_there_is_no_elasticity():
    table = source_identity(10_000, 0.05, 250, 250)
    assert table["elasticity"].isna().all()
    assert table["fragile"].tolist() == [False, False, True, True]
    assert table["profit_change_of_1_percent"].tolist() == pytest.approx([0, 0, 1250, -1250])
    found = profit_estimates(table)
    assert isinstance(found["elasticity_average_order_value"], Refused)
    assert isinstance(found["profit_growth"], Refused)
    assert found["profit_after"].value == pytest.approx(-6250)
    rounding = full_identity(1000, 0.1, 0.3, 0.1 + 0.2, 1.0)  # 0.1 + 0.2 is not 0.3 in floating numbers
    assert rounding.attrs["profit"] == 0.0


def test_nobody_comes_or_nothing_is_earned():
    nobody = full_identity(0, 0.05, 260, 250, 0.5)
    assert nobody["elasticity"].isna().all()
    found = profit_estimates(nobody)
    assert isinstance(found["break_even_cac"], Refused)
    at_a_loss = profit_estimates(full_identity(1000, 0.05, 260, 250, -0.1, 2, 100))
    assert isinstance(at_a_loss["break_even_orders"], Refused)
    assert isinstance(at_a_loss["profit_growth"], Refused)
    assert at_a_loss["profit"].value < 0


def test_every_number_has_a_definition_in_both_languages():
    found = profit_estimates(full_identity(10_000, 0.05, 260, 250, 0.5, 3, 20_000))
    assert set(found) == {"profit", "profit_after", "profit_growth", "break_even_cac", "break_even_orders"} | {
        f"elasticity_{name}" for name in UNITS if name != "new_customers"
    }
    for number in found.values():
        assert isinstance(number, Estimate)
        assert number.is_exact
        assert "profit = traffic" in number.definition.en
        assert "利润＝流量" in number.definition.zh
        assert "客单价" not in number.definition.zh  # an order's value is 笔单价


def test_wrong_numbers():
    for bad in ({"conversion": 1.2}, {"traffic": -1}, {"average_order_value": math.inf}, {"traffic": math.nan}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            source_identity(
                **({"traffic": 1, "conversion": 0.1, "average_order_value": 2, "customer_acquisition_cost": 1} | bad)
            )
    with pytest.raises(ValueError, match="contribution_rate"):
        full_identity(1, 0.1, 2, 1, 1.5)
    with pytest.raises(ValueError, match="no factor 'price'"):
        profit_estimates(source_identity(1, 0.1, 2, 1), factor="price")
    with pytest.raises(ValueError, match="attrs"):
        profit_estimates(pd.DataFrame(source_identity(1, 0.1, 2, 1).to_dict("list")))
    with pytest.raises(ValueError, match="repurchase_rate"):
        repurchase_formulas(1, 0.1, 2, 3)
