"""Inputs from the pool's own tables: those of a simulated brand are what its recipe says."""

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.effect.histories import read_histories
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool import pool_facts
from siyu_helpers.analysis.pool.table_inputs import Found, put_costs, put_joiners, put_leaving, put_messages
from siyu_helpers.data.simulate import simulate

DAY = 86_400


@pytest.fixture(scope="module")
def brand():
    return simulate("xiaoman", customers=1500, seed=5, ban_chance=0.05, account_size=100)


@pytest.fixture(scope="module")
def small():
    return simulate("xiaoman", customers=400, seed=5, ban_chance=0.05, account_size=30)


def found_in(brand, level=0.90, **missing):
    """All that the pool's tables tell, and the facts on the side."""
    tables, until = {name: brand.tables[name] for name in brand.tables} | missing, brand.recipe.observed_until
    found = Found(level)
    pool = pool_facts.read_pool(tables["members"], until)
    sent = pool_facts.sent_to_pool(tables["messages"], tables["members"], pool, until, level)
    facts = put_leaving(found, pool, sent, tables["members"], tables["accounts"], until)
    put_messages(found, pool, sent)
    facts |= put_costs(found, pool, tables["pool_costs"], int(pd.Timestamp(until).timestamp()) // DAY)
    put_joiners(found, pool, None, read_histories(tables["orders"], tables["members"], until))
    return {name: quantity for name, (quantity, _) in found.named.items()}, found, facts


def contains(estimate, truth):
    return estimate.low <= truth <= estimate.high


def test_hazards_and_prices_are_those_of_the_recipe(brand):
    named, found, facts = found_in(brand, level=0.99)
    recipe, weeks = brand.recipe, 365.25 / 12 / 7
    assert contains(named["churn"], 1 - (1 - recipe.churn) ** weeks)
    assert contains(named["ban_probability"], recipe.ban_chance)
    assert 0.4 < named["recovery"].value < 0.85  # who came back after one ban comes back after the next as well
    assert named["message_cost"] == pytest.approx(recipe.message_cost)
    assert named["messages_per_month"] == pytest.approx(recipe.messages_per_month, rel=0.06)
    assert named["content_cost"] == recipe.content
    assert named["staff_cost"] == recipe.staff_salary
    # The gift goes to those who come back after a ban as well, so a first joining costs a little more.
    assert 1.0 <= named["incentive_cost"] / recipe.incentive < 1.4
    assert {name: origin.kind for name, (_, origin) in found.named.items()}["churn"] == "estimated"
    stay = (1 - named["churn"].value) * (1 - named["opt_out_per_message"].value) ** named["messages_per_month"]
    stay *= 1 - named["ban_probability"].value
    assert contains(facts["monthly_exit"], 1 - stay) or facts["monthly_exit"].value == pytest.approx(1 - stay, abs=0.02)


def test_costs_per_member_month_are_those_of_the_table(brand):
    _, _, facts = found_in(brand)
    costs = brand.tables["pool_costs"]
    last_year = costs.loc[costs["month"] >= "2025-01-01", "amount"].sum()
    fact = facts["pool_cost_per_member_month"]
    pool = pool_facts.read_pool(brand.tables["members"], brand.recipe.observed_until)
    assert fact.value * pool.member_months == pytest.approx(last_year)


def test_a_missing_table_leaves_its_inputs_to_others_and_its_leavers_to_churn(small):
    whole, _, _ = found_in(small)
    named, _, _ = found_in(small, messages=None)
    assert "messages_per_month" not in named
    assert named["opt_out_per_message"] == 0.0
    assert named["churn"].value > whole["churn"].value + 0.005
    named, _, _ = found_in(small, accounts=None)
    assert "ban_probability" not in named
    members = small.tables["members"].drop(columns="account_id")
    named, found, _ = found_in(small, members=members)
    assert named["ban_probability"] == 0.0
    assert "ban_probability" not in found.own
    named, _, facts = found_in(small, members=small.tables["members"][["customer_id", "joined_at"]])
    assert "churn" not in named
    assert isinstance(facts["monthly_exit"], Refused)
    named, _, facts = found_in(small, pool_costs=None)
    assert not {"staff_cost", "incentive_cost", "setup_cost"} & set(named)
    assert isinstance(facts["pool_cost_per_member_month"], Refused)


def test_months_without_costs_are_not_free(brand):
    costs = brand.tables["pool_costs"]
    named, _, facts = found_in(brand, pool_costs=costs[costs["month"] >= "2025-10-01"])
    assert named["content_cost"] == brand.recipe.content
    assert "setup_cost" not in named  # what the first months cost is not known
    assert facts["pool_cost_per_member_month"].gate == "months with costs"


def test_joiners_are_those_of_the_members_table(brand):
    named, _, _ = found_in(brand)
    first = brand.tables["members"].groupby("customer_id")["joined_at"].min()
    counts = first[first >= "2025-01-01"].dt.month.value_counts()
    assert named["joiners_per_month"].value == pytest.approx(counts.mean())
    low, typical, high = named["share_affected"]
    assert low < typical == (low + 1) / 2 < high == 1.0


def test_the_first_source_keeps_a_field_and_estimates_stay_within_bounds():
    found = Found(0.90)
    words = pool_facts.read_pool(None, "2024-01-01")
    found.estimate("churn", (0.99, -0.5, 1.7), 10, words)
    found.put("churn", 0.1, "assumed", words)
    kept = found.named["churn"][0]
    assert isinstance(kept, Estimate)
    assert (kept.low, kept.value, kept.high) == (0.0, 0.99, 1.0)
    assert np.isfinite(kept.n)
