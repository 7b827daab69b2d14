"""The design as a whole, on invented logs whose rates are set, and its headline numbers."""

import math

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.effect import experiment_design as design
from siyu_helpers.analysis.effect.histories import read_histories
from siyu_helpers.analysis.effect.results import Effect
from siyu_helpers.analysis.estimates import Estimate, Refused

FOUND = Effect(20.0, 5.0, 11.8, 28.2, 0.90, 900)


def brand(n=2000, back=0.3, joined=0.2, seed=1, gross_margin=0.5):
    """Customers whose first orders are spread over two years; a share orders again within 60 days; a share joins."""
    rng = np.random.default_rng(seed)
    first = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.uniform(0, 730, n), "D")
    again = first + pd.to_timedelta(rng.uniform(15, 60, n), "D")
    orders = pd.concat([
        pd.DataFrame({"customer_id": np.arange(n), "ordered_at": first}),
        pd.DataFrame({"customer_id": np.arange(n), "ordered_at": again})[rng.random(n) < back],
    ]).assign(amount=lambda table: rng.gamma(3, 20, len(table)).round(2))  # fmt: skip
    member = rng.random(n) < joined
    members = pd.DataFrame({"customer_id": np.arange(n)[member], "joined_at": (first + pd.Timedelta(days=30))[member]})
    return read_histories(orders, members, "2024-12-31", gross_margin=gross_margin)


def test_the_base_rate_of_an_invitation_is_that_of_new_customers():
    facts = design.holdout_design(brand(8000), "invitation", take_up=0.25)["facts"]
    assert facts["base_repurchase"].low < 0.3 < facts["base_repurchase"].high
    assert facts["people_per_week"].value == pytest.approx(8000 / 730 * 7, rel=0.1)
    assert facts["people_now"].value == 0
    contribution = facts["base_contribution"]
    assert contribution.low < 0.3 * 60 * 0.5 < contribution.high


def test_the_three_kinds_are_of_different_people():
    histories = brand()
    people = {
        kind: design.holdout_design(histories, kind)["facts"]["people_now"].value for kind in design.sizes.KIND_WORDS
    }
    assert people["invitation"] == 0
    assert people["holdout"] > people["promotions"] > 300


def test_everything_said_is_an_estimate_or_a_reason():
    for kind in design.sizes.KIND_WORDS:
        made = design.holdout_design(brand(), kind, effect=FOUND, pays=3.0)
        assert all(isinstance(fact, Estimate | Refused) for fact in made["facts"].values())
        for fact in made["facts"].values():
            words = (fact.reason("zh"), fact.reason("en")) if isinstance(fact, Refused) else fact.definition
            assert "顾客" not in words[0]
            assert "成员" not in words[0]


def test_people_needed_fall_as_the_base_rate_rises():
    facts = design.holdout_design(brand(4000), "promotions")["facts"]
    ten = facts["people_needed_10"]
    assert ten.low < ten.value < ten.high
    assert facts["people_needed_5"].value > ten.value > facts["people_needed_20"].value
    table = design.holdout_design(brand(4000), "promotions")["sizes"]
    row = table[(table["outcome"] == "repurchase") & (table["relative_effect"].round(6) == 0.1)]
    assert row["people"].tolist() == [ten.value]


def test_cost_is_people_times_take_up_times_effect():
    made = design.holdout_design(brand(), "holdout", share=0.2, effect=FOUND)
    facts = made["facts"]
    held_out = math.floor(facts["people_now"].value * 0.2)
    assert facts["cost"].value == pytest.approx(held_out * facts["take_up"].value * 20)
    assert facts["cost"].low == pytest.approx(facts["cost"].value * 11.8 / 20)
    assert made["detectable"].query("share == 0.2")["held_out"].iloc[0] == held_out


def test_cost_is_not_known_without_an_effect_or_a_take_up():
    assert design.holdout_cost(100, 0.5, None).gate == "effect"
    assert design.holdout_cost(100, 0.5, Effect(math.nan, math.nan, math.nan, math.nan, 0.9, 0)).gate == "effect"
    assert design.holdout_design(brand(), "invitation", effect=FOUND)["facts"]["cost"].gate == "take-up"


def test_an_experiment_of_many_years_is_refused():
    facts = design.holdout_design(brand(600), "invitation", take_up=0.1)["facts"]
    assert isinstance(facts["people_needed_5"], Estimate)
    assert facts["days_needed_5"].gate == "days"


def test_no_inflow_is_told():
    table = design.holdout_design(brand(), "promotions")["followed"]
    table.attrs |= {"people_now": 10, "per_week": 0.0}
    assert design.design_facts(table)["days_needed_5"].gate == "inflow"


def test_a_brand_of_forty_customers_gets_reasons():
    for kind in design.sizes.KIND_WORDS:
        made = design.holdout_design(brand(40), kind, effect=FOUND, take_up=0.3)
        assert made["facts"]["base_repurchase"].gate == "customers"
        assert made["facts"]["people_needed_10"].gate == "customers"
        assert made["sizes"].empty
        assert made["power"].empty


def test_a_brand_where_nobody_returns_gets_reasons():
    made = design.holdout_design(brand(back=0.0), "invitation", take_up=0.3)
    assert made["facts"]["base_repurchase"].value == 0
    assert isinstance(made["facts"]["people_needed_10"], Refused)
    assert isinstance(made["facts"]["smallest_effect"], Refused)


def test_the_row_order_of_the_tables_changes_nothing():
    rng = np.random.default_rng(2)
    orders = pd.DataFrame({"customer_id": rng.integers(0, 300, 900), "amount": rng.gamma(2, 30, 900).round(2)})
    orders["ordered_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.uniform(0, 365, 900), "D")
    members = pd.DataFrame({"customer_id": np.arange(50), "joined_at": pd.Timestamp("2024-07-01")})
    one = design.holdout_design(read_histories(orders, members, "2024-12-31"), "holdout")
    renamed = orders.sample(frac=1, random_state=3).assign(customer_id=lambda t: "c" + t["customer_id"].astype(str))
    members = members.assign(customer_id="c" + members["customer_id"].astype(str))
    two = design.holdout_design(read_histories(renamed, members, "2024-12-31"), "holdout")
    pd.testing.assert_frame_equal(one["sizes"], two["sizes"])
    assert one["facts"] == two["facts"]
