"""What the industry table gives as inputs: fields, units and origins, and never money of another currency."""

import pandas as pd
import pytest

from siyu_helpers.analysis.pool import industry_tables
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import ASSUMED, INDUSTRY, PoolInputs
from siyu_helpers.analysis.pool.value import pool_value
from siyu_helpers.data import market

TABLE, ASSUMPTIONS = market.load("industries"), market.load("pool_assumptions")


def test_a_row_of_the_table_becomes_the_inputs_that_hand_arithmetic_gives():
    """clothing: 1.7, 4.1, 4.3 orders a year (rc32); gross margin .197, .43, .663 less .2, .1, .04 of order costs."""
    found = industry_tables.industry_inputs(TABLE, ASSUMPTIONS, "clothing")
    # Of 0.93 kept a month (1 + .93) / 2 x (1 - .93^12) / (12 x .07) = 0.668 is left on average over a year.
    left = (1 + 0.93) / 2 * (1 - 0.93**12) / (12 * 0.07)
    assert found["orders_per_month"][0] == pytest.approx(tuple(end / 12 / left for end in (1.7, 4.1, 4.3)))
    assert found["margin"][0] == pytest.approx((0.197 - 0.2, 0.43 - 0.1, 0.663 - 0.04))
    # A referred customer is worth one order of 200 x .33, or half of 4.1, or 4.1 of them.
    assert found["referral_value"][0] == pytest.approx((66, 66 * 2.05, 66 * 4.1))
    # Shareability .3, .5, .7 is 0.6, 1, 1.4 of a middling one: 0, 0.5 and 3 x 1.4 a month per thousand.
    assert found["referrals_per_month"][0] == pytest.approx((0, 0.0005, 0.0042))


def test_the_first_year_of_a_customer_has_as_many_orders_as_the_table_says():
    """Through the model itself: a customer who has just joined, a gain of 1, nobody leaves; paid 1 an order."""
    found = industry_tables.industry_inputs(TABLE, ASSUMPTIONS, "clothing")
    kept = {name: found[name][0][1] for name in ("orders_per_month", "activity_kept")}
    one = PoolInputs(0, uplift=1, order_value=1, margin=1, opening_members=1, **kept)
    assert pool_value(one, months=12).value.value == pytest.approx(4.1)


def test_each_input_says_where_it_comes_from_in_both_languages():
    found = industry_tables.industry_inputs(TABLE, ASSUMPTIONS, "clothing")
    assert found["orders_per_month"][1].kind == found["commission_saved"][1].kind == INDUSTRY
    assert found["order_value"][1].kind == found["uplift"][1].kind == found["referrals_per_month"][1].kind == ASSUMED
    for _, origin in found.values():
        assert len(origin.words.zh) > 5
        assert len(origin.words.en) > 5
    quantities = {name: quantity for name, (quantity, _) in found.items()}
    origins = {name: origin for name, (_, origin) in found.items()}
    inputs = PoolInputs(**{"joiners_per_month": 10} | quantities, origins=origins)
    assert inputs.origin("joiners_per_month").kind == "given"


@pytest.mark.parametrize("industry", [None, "undertakers", float("nan")])
def test_an_industry_that_is_not_there_gives_the_assumptions_only(industry):
    found = industry_tables.industry_inputs(TABLE, ASSUMPTIONS, industry)
    referral = {"referrals_per_month", "referral_reward", "referral_joining_share"}
    assert set(found) == set(ASSUMPTIONS["input"]) - referral  # what a referred customer is worth nobody knows
    assert "order_value" not in found


def test_money_is_converted_or_left_out_and_never_mixed():
    ours = industry_tables.industry_inputs(TABLE, ASSUMPTIONS, "music")
    without = industry_tables.industry_inputs(TABLE, ASSUMPTIONS, "music", "USD")
    assert not [name for name in without if FIELDS[name].unit.startswith("money")]
    assert without["orders_per_month"] == ours["orders_per_month"]
    assert "referrals_per_month" not in without
    dollars = industry_tables.industry_inputs(TABLE, ASSUMPTIONS, "music", "USD", rate_per_cny=0.145)
    assert dollars["order_value"][0] == pytest.approx((60 * 0.145, 120 * 0.145, 300 * 0.145))
    assert dollars["staff_cost"][0][1] == pytest.approx(ours["staff_cost"][0][1] * 0.145)
    assert dollars["margin"] == ours["margin"]
    assert industry_tables.industry_inputs(TABLE, ASSUMPTIONS, "music", "CNY", 0.145) == ours
    with pytest.raises(ValueError, match="rate_per_cny"):
        industry_tables.industry_inputs(TABLE, ASSUMPTIONS, "music", "USD", 0)


def test_tables_that_cannot_be_read_say_so():
    with pytest.raises(ValueError, match="no column 'typical'"):
        industry_tables.industry_inputs(TABLE.drop(columns="typical"), ASSUMPTIONS, "food")
    wrong = ASSUMPTIONS.replace({"input": {"uplift": "lift"}})
    with pytest.raises(ValueError, match="'lift' is no field of PoolInputs"):
        industry_tables.industry_inputs(TABLE, wrong, "food")


def test_the_share_of_rows_on_published_figures_is_counted():
    found = industry_tables.table_evidence(TABLE, ASSUMPTIONS)
    share = found["industry_rows_sourced"]
    assert share.is_exact
    assert share.value * share.n == pytest.approx((TABLE["basis"] == "source").sum())
    assert 0.1 < share.value < 0.5  # most rows are assumptions, and the page says so
    assert industry_tables.table_evidence(TABLE.iloc[:0], ASSUMPTIONS)["industry_rows_sourced"].gate == "rows"


def test_every_assumption_is_a_field_within_its_bounds():
    assert set(ASSUMPTIONS["input"]) <= set(FIELDS) - {"joiners_per_month", "opening_members"}
    for row in ASSUMPTIONS.itertuples():
        assert FIELDS[row.input].least <= row.low <= row.high <= FIELDS[row.input].most
        assert row.unit == FIELDS[row.input].unit


def test_typical_sales_per_customer_are_in_reach_of_the_published_ones():
    """Orders times order value, typical, against yearly sales per customer in the tables of facts."""
    typical = TABLE.pivot_table(index="industry", columns="metric", values="typical")
    sales = typical["orders_per_year"] * typical["order_value"]
    assert sales["toys"] == pytest.approx(173, rel=0.2)  # ip081: Pop Mart, mainland, per registered member
    assert 82.6 < sales["beauty"] < 2 * 120.7  # rc46: Perfect Diary
    assert sales["tea_light_meals"] < 4 * 183  # ip104: Chagee per active member and quarter, an upper bound
    assert sales["pets"] < 900  # rc55: on Tmall in all, over several brands
    assert sales["catering"] < 8 * 97.4  # ip095, ip096: Haidilao, an upper bound
    assert sales["local_services"] < 20_695 / 10  # ip112: Beauty Farm, a premium chain
    assert sales["training"] < 10_000  # rc04: one-to-one
    assert sales["smart_toilet_seats"] < 2933 / 5  # rc65, rc67: one unit in five years


def test_a_cycle_and_the_orders_it_leads_to_do_not_contradict_each_other():
    """With one brand nobody orders more often than once a cycle of those who come back."""
    typical = TABLE.pivot_table(index="industry", columns="metric", values=["low", "high"])
    most = typical["high"]["orders_per_year"]
    assert (most <= 1.2 * 365 / typical["low"]["cycle_days"] + 1).all()


def test_an_empty_table_leaves_nothing():
    empty = industry_tables.industry_inputs(TABLE.iloc[:0], ASSUMPTIONS.iloc[:0], "food")
    assert empty == {}
    assert isinstance(pd.DataFrame(empty), pd.DataFrame)


def test_the_assumptions_without_a_table_are_those_of_the_table():
    stated = industry_tables.stated_assumptions().set_index("input")[["low", "typical", "high"]]
    pd.testing.assert_frame_equal(stated, ASSUMPTIONS.set_index("input")[["low", "typical", "high"]])
