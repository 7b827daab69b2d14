"""Lift tests: factor and calibrated credit by hand, Fieller against its definition, and windows that do not fit."""

import datetime
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_helpers.analysis.attribution import lift_tests
from siyu_helpers.analysis.estimates import Estimate, Refused

Z = 1.6448536269514722
PATHS = [("feed", "search"), ("search",), ("feed",), ("wecom",)]
TEST = {"channel": "feed", "from": datetime.date(2024, 3, 1), "until": datetime.date(2024, 3, 31),
        "of": "new_customers", "incremental": 90.0, "standard_error": 12.0}  # fmt: skip


def journeys(conversions, first_day="2024-01-01", last_day="2024-06-30", of="new_customers", nulls=5_000):
    table = pd.DataFrame({"path": PATHS, "conversions": conversions, "nulls": nulls})
    table["value"] = table["conversions"] * 10.0
    table.attrs = {"conversions_of": of, "ended_from": first_day, "observed_until": last_day}
    return table


@pytest.fixture
def whole():
    return journeys([300, 200, 100, 80])


@pytest.fixture
def march():
    return journeys([60, 40, 20, 15], "2024-03-01", "2024-03-31")


def test_factor_and_calibrated_credit_by_hand(whole, march):
    found = lift_tests.calibrate(whole, [TEST], [march], "first", seed=2)
    assert list(found.columns) == lift_tests.COLUMNS
    assert found["channel"].tolist() == ["feed", "search", "wecom"]
    feed, search = found.iloc[0], found.iloc[1]
    assert (feed["credited"], feed["conversions"], feed["factor"]) == (80, 400, 90 / 80)
    assert feed["calibrated"] == pytest.approx(450)
    assert feed["incremental_low"] == pytest.approx(90 - Z * 12)
    # Credit varies like a Poisson count (most journeys end without an order), and March's is part of the whole's.
    low, high = lift_tests.fieller(90, 12, 80, 80**0.5, Z)
    assert (feed["factor_low"], feed["factor_high"]) == pytest.approx((low, high), rel=0.05)
    spread = (12 * 5) ** 2 + 90**2 * (400 - 2 * 5 * 80 + 25 * 80) / 80**2
    assert feed["calibrated_high"] - 450 == pytest.approx(Z * spread**0.5, rel=0.06)
    assert (search["calibrated"], search["is_calibrated"], search["tests"]) == (200, False, 0)
    assert search[["credited", "incremental", "factor", "calibrated_low"]].isna().all()
    assert found.attrs["refused"] == []


def test_a_test_of_the_whole_period_gives_its_own_number_and_interval(whole):
    test = TEST | {"from": "2024-01-01", "until": "2024-06-30", "incremental": 500.0, "standard_error": 40.0}
    row = lift_tests.calibrate(whole, [test], [whole], "first").iloc[0]
    assert row["calibrated"] == pytest.approx(500)
    assert row["calibrated_low"] == pytest.approx(500 - Z * 40)
    assert row["calibrated_high"] == pytest.approx(500 + Z * 40)


def test_fieller_is_the_set_of_ratios_that_are_not_rejected():
    """Its definition: f such that (top - f bottom) is within z standard errors of 0; found here on a grid."""
    grid = np.linspace(-3, 8, 2_000_001)
    inside = grid[np.abs(30 - grid * 20) <= Z * np.sqrt(9**2 + (grid * 5) ** 2)]
    assert lift_tests.fieller(30, 9, 20, 5, Z) == pytest.approx((inside.min(), inside.max()), abs=1e-5)
    # The example of Fieller's theorem with a denominator that may be 0 has no ends.
    assert math.isnan(lift_tests.fieller(30, 9, 5, 5, Z)[0])


@given(st.floats(-50, 200), st.floats(1, 40), st.floats(60, 500), st.floats(0.1, 20))
def test_fieller_contains_its_ratio_and_without_error_below_is_plain(top, error, bottom, bottom_error):
    low, high = lift_tests.fieller(top, error, bottom, bottom_error, Z)
    assert low <= top / bottom <= high
    plain = lift_tests.fieller(top, error, bottom, 0.0, Z)
    assert plain == pytest.approx(((top - Z * error) / bottom, (top + Z * error) / bottom))


def test_two_tests_are_pooled_by_what_they_know(whole, march):
    """With credit known exactly the weights are the inverse variances of the two ratios."""
    may = journeys([30, 40, 10, 15], "2024-05-01", "2024-05-31")
    later = TEST | {"from": "2024-05-01", "until": "2024-05-31", "incremental": 20.0, "standard_error": 3.0}
    found = lift_tests.calibrate(whole, [TEST, later], [march, may], "first").iloc[0]
    ratios, errors = np.array([90 / 80, 20 / 40]), np.array([12 / 80, 3 / 40])
    exact = (ratios / errors**2).sum() / (1 / errors**2).sum()
    weights = lift_tests._weights(np.array([90.0, 20]), np.array([12.0, 3]), np.array([80.0, 40]), np.zeros(2))
    assert weights @ [90, 20] / (weights @ [80, 40]) == pytest.approx(exact)
    assert found["tests"] == 2
    assert (found["credited"], found["incremental"]) == (120, 110)
    assert ratios[1] < found["factor"] < ratios[0]
    single = lift_tests.calibrate(whole, [TEST], [march], "first").iloc[0]
    assert found["factor_high"] - found["factor_low"] < single["factor_high"] - single["factor_low"]
    # Which test comes first makes no difference.
    turned = lift_tests.calibrate(whole, [later, TEST], [may, march], "first").iloc[0]
    assert turned["factor"] == pytest.approx(found["factor"])


def test_windows_that_do_not_fit_are_refused(whole, march):
    with pytest.raises(ValueError, match="no match for a lift test of 2024-03-01"):
        lift_tests.calibrate(whole, [TEST], [whole])  # the commonest slip: the table of the whole period
    with pytest.raises(ValueError, match="one table of journeys for each lift test"):
        lift_tests.calibrate(whole, [TEST], march)
    with pytest.raises(ValueError, match="one table of journeys for each lift test"):
        lift_tests.calibrate(whole, [TEST], [])
    orders = journeys([60, 40, 20, 15], "2024-03-01", "2024-03-31", "all_orders")
    with pytest.raises(ValueError, match="the lift test counts new_customers, the journeys all_orders"):
        lift_tests.calibrate(whole, [TEST], [orders])
    with pytest.raises(ValueError, match="has no 'standard_error'"):
        lift_tests.calibrate(whole, [{name: TEST[name] for name in list(TEST)[:-1]}], [march])
    with pytest.raises(ValueError, match="standard_error above 0"):
        lift_tests.calibrate(whole, [TEST | {"standard_error": 0}], [march])
    with pytest.raises(ValueError, match="before it begins"):
        lift_tests.calibrate(whole, [TEST | {"until": "2024-02-01"}], [march])


def test_a_table_made_by_hand_needs_no_days(whole, march):
    whole.attrs, march.attrs = {}, {}
    row = lift_tests.calibrate(whole, [TEST], [march], "first").iloc[0]
    assert row["calibrated"] == pytest.approx(450)


def test_tests_that_can_be_used_are_chosen():
    orders, early = TEST | {"of": "orders"}, TEST | {"from": "2023-12-01", "until": "2023-12-31"}
    tests = [orders, early, TEST]
    assert lift_tests.usable_tests(tests, "new_customers", "2024-01-01", "2024-12-31") == [TEST]
    assert lift_tests.usable_tests(tests, "all_orders", "2024-01-01", "2024-12-31") == [orders]
    assert lift_tests.usable_tests(tests, "new_customers", "2023-01-01", "2024-12-31") == [early, TEST]
    assert lift_tests.usable_tests([], "orders", "2023-01-01", "2024-12-31") == []
    with pytest.raises(ValueError, match="has no 'channel'"):
        lift_tests.usable_tests([{}], "orders", "2023-01-01", "2024-12-31")


def test_too_little_credit_in_the_test_is_refused(whole):
    little = journeys([10, 40, 5, 15], "2024-03-01", "2024-03-31")
    found = lift_tests.calibrate(whole, [TEST], [little], "first")
    row = found.iloc[0]
    assert math.isnan(row["factor"])
    assert (row["calibrated"], row["is_calibrated"], row["credited"]) == (400, False, 15)
    assert found.attrs["refused"][0]["channel"] == "feed"
    facts = lift_tests.calibration_facts(found, "feed")
    assert "15" in facts["factor"].reason_en
    assert isinstance(facts["incremental"], Estimate)


def test_a_tested_channel_that_is_in_no_path_is_there(whole, march):
    found = lift_tests.calibrate(whole, [TEST | {"channel": "radio"}], [march], "last").set_index("channel")
    assert found.loc["radio", ["credited", "conversions", "incremental"]].tolist() == [0, 0, 90]
    assert not found["is_calibrated"].any()


def test_without_tests_credit_stays_as_it_is(whole):
    found = lift_tests.calibrate(whole, [], [], "last")
    assert found["calibrated"].tolist() == found["conversions"].tolist() == [100, 500, 80]
    assert isinstance(lift_tests.calibration_facts(found, "feed")["calibrated"], Refused)
    empty = lift_tests.calibrate(whole[:0], [], [], "last")
    assert empty.empty
    assert list(empty.columns) == lift_tests.COLUMNS


def spend():
    """182 days and 4,550 for each of two channels."""
    days = pd.date_range("2024-01-01", "2024-06-30")
    return pd.concat([pd.DataFrame({"date": days, "channel": name, "spend": 25.0}) for name in ("feed", "search")])


def test_calibrated_cost_by_hand(whole, march):
    found = lift_tests.calibrate(whole, [TEST], [march], "first")
    costs = lift_tests.calibrated_cac(found, spend()).set_index("channel")
    assert costs.loc["feed", "cac"] == pytest.approx(4_550 / 450)
    assert costs.loc["feed", "credited_cac"] == pytest.approx(4_550 / 400)
    assert costs.loc["feed", "cac_low"] == pytest.approx(4_550 / found.iloc[0]["calibrated_high"])
    assert costs.loc["feed", "cac_high"] == pytest.approx(4_550 / found.iloc[0]["calibrated_low"])
    assert costs.loc["search", ["cac", "cac_low", "cac_high"]].isna().all()
    cost = lift_tests.calibrated_cost(costs.reset_index(), "feed")
    assert (cost.value, cost.unit) == (pytest.approx(4_550 / 450), "money per customer")
    assert isinstance(lift_tests.calibrated_cost(costs.reset_index(), "search"), Refused)
    with pytest.raises(ValueError, match="spend covers"):
        lift_tests.calibrated_cac(found, spend()[lambda table: table["date"] > "2024-02-01"])


@pytest.mark.parametrize(("incremental", "middle", "high"), [(15.0, True, math.inf), (-15.0, False, None)])
def test_an_effect_that_may_be_nothing_leaves_the_cost_open(incremental, middle, high, whole, march):
    found = lift_tests.calibrate(whole, [TEST | {"incremental": incremental}], [march], "first")
    costs = lift_tests.calibrated_cac(found, spend())
    row = costs.set_index("channel").loc["feed"]
    assert math.isfinite(row["cac"]) == middle
    assert row["cac_high"] == high if middle else math.isnan(row["cac_high"])
    cost = lift_tests.calibrated_cost(costs, "feed")
    assert (isinstance(cost, Estimate) and cost.high == math.inf) if middle else isinstance(cost, Refused)


def test_rules_that_differ_in_credit_agree_once_calibrated(whole, march):
    """What the test found does not depend on the rule: only how credit moved between test and period does."""
    march["conversions"] *= 2  # 40 last touches in the test: enough to calibrate by
    rows = [lift_tests.calibrate(whole, [TEST], [march], rule).iloc[0] for rule in ("first", "last")]
    assert [row["conversions"] for row in rows] == [400, 100]
    assert [row["calibrated"] for row in rows] == pytest.approx([90 * 400 / 160, 90 * 100 / 40])


def test_cost_in_the_test_by_hand():
    found = lift_tests.cost_in_test(TEST | {"spend": 1800.0})
    ends = 1800 / (90 + Z * 12), 1800 / (90 - Z * 12)
    assert (found.value, found.low, found.high) == pytest.approx((20, *ends))
    assert (found.n, found.unit) == (90, "money per customer")
    assert lift_tests.cost_in_test(TEST | {"spend": 1800.0, "of": "orders"}).unit == "money"
    assert lift_tests.cost_in_test(TEST | {"spend": 1800.0, "standard_error": 80.0}).high == math.inf


@pytest.mark.parametrize(
    "more", [{}, {"spend": None}, {"spend": 9.0, "incremental": 0.0}, {"spend": 9, "incremental": -4}]
)
def test_a_test_without_spend_or_effect_has_no_cost(more):
    assert isinstance(lift_tests.cost_in_test(TEST | more), Refused)


def test_the_increment_rests_on_the_test_not_on_the_credit(whole, march):
    facts = lift_tests.calibration_facts(lift_tests.calibrate(whole, [TEST], [march], "first"), "feed")
    assert (facts["incremental"].n, facts["credited"].n) == (90, 80)


def test_order_of_rows_makes_no_difference(whole, march):
    plain = lift_tests.calibrate(whole, [TEST], [march], "markov")
    shuffled = [table.sample(frac=1, random_state=3) for table in (whole, march)]
    for table, of in zip(shuffled, (whole, march), strict=True):
        table.attrs = of.attrs
    pd.testing.assert_frame_equal(plain, lift_tests.calibrate(shuffled[0], [TEST], [shuffled[1]], "markov"))
