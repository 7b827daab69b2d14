"""All rules of one brand: which are asked with which tables, and that none is a number where a table is missing."""

import pandas as pd
import pytest

from siyu_helpers.analysis.effect.brand_evidence import brand_evidence
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool.brand_inputs import brand_inputs
from siyu_helpers.analysis.pool.brand_rules import rules_of_brand
from siyu_helpers.analysis.pool.break_even import break_even_size
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.analysis.pool.rules import AGREEMENTS
from siyu_helpers.analysis.pool.value import pool_value
from siyu_helpers.data.simulate import simulate

UNTIL = "2025-12-31"
NAMES = ("members", "customers", "touchpoints", "assignments", "messages", "pool_costs", "accounts", "spend")
FROM_ORDERS = {"cycle", "price_bands", "catchment", "discounts", "tolls", "product_quality", "bargain_hunters"}
POOL = PoolInputs(50, 0.5, (0.1, 0.2, 0.3), 200, 0.4, messages_per_month=8, message_cost=0.05, staff_cost=3000)


@pytest.fixture(scope="module")
def made():
    return simulate("xiaoman", customers=400, seed=5)


@pytest.fixture(scope="module")
def tables(made):
    return {name: made.tables.get(name) for name in NAMES}


def ruled(orders, tables, result, until=UNTIL):
    proof = brand_evidence(orders, tables, until, controls_per_joiner=3, horizons=(90, 180))
    own = brand_inputs(orders, until, members=tables["members"], known=proof.histories)
    size = break_even_size(result.inputs, 100) if result else Refused("cost", 0, 1, "费用未知。", "Cost unknown.")
    return rules_of_brand(orders, tables, until, result, size, own, proof, gross_margin=0.4, seed=1)


@pytest.fixture(scope="module")
def whole(made, tables):
    return ruled(made.tables["orders"], tables, pool_value(POOL, 12, 200))


def test_every_rule_is_there_once_and_says_what_follows_in_both_languages(whole):
    keys = [rule.key for rule in whole.results]
    assert len(keys) == len(set(keys)) >= 14
    for rule in whole.results:
        assert rule.agrees in AGREEMENTS
        for said in (rule.claim, rule.reading):
            assert isinstance(said, Words)
            assert said.zh
            assert said.en
        for number in rule.figures.values():
            assert isinstance(number, Estimate | Refused)
            assert isinstance(number, Refused) or (isinstance(number.definition, Words) and number.unit)


def test_the_tables_behind_the_rules_are_kept(whole, tables):
    assert set(whole.tables) >= FROM_ORDERS | {"capacity", "accounts", "tap_closed"}
    closed = whole.tables["tap_closed"]
    assert closed["month"].tolist() == list(range(1, 13))
    assert (closed["closing_closed"] <= closed["closing_open"] + 1e-9).all(), "a closed tap never makes a pool larger"
    held = whole.tables["accounts"]
    inside = tables["members"]["left_at"].isna().sum()
    assert held["customers"].sum() <= inside
    assert set(whole.figures) >= {rule.key for rule in whole.results}


def test_without_a_price_the_rules_of_the_account_are_left_out(made, tables, whole):
    unpriced = ruled(made.tables["orders"], tables, None)
    missing = {rule.key for rule in whole.results} - {rule.key for rule in unpriced.results}
    assert missing
    assert unpriced.tables["tap_closed"].empty
    same = {rule.key: rule.agrees for rule in unpriced.results}
    assert same == {rule.key: rule.agrees for rule in whole.results if rule.key in same}


def test_orders_alone_make_no_numbers_of_a_pool():
    orders = pd.DataFrame({"customer_id": ["a", "b"], "ordered_at": pd.to_datetime(["2025-01-01", "2025-02-01"])})
    found = ruled(orders.assign(amount=10.0), dict.fromkeys(NAMES), pool_value(POOL, 12, 100))
    assert {rule.agrees for rule in found.results} >= {"cannot be told"}
    assert isinstance(found.figures["accounts"]["ban_rate"], Refused)
    assert found.tables["accounts"].empty
    for rule in found.results:
        assert rule.reading.zh
        assert rule.reading.en
