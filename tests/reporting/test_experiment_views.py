"""What was published beside the brand's own figures, and the experiments that could be run: rows of page 04."""

import re

import numpy as np
import pytest

from siyu_helpers.analysis import pool_effect
from siyu_helpers.analysis.effect import experiment_design
from siyu_helpers.analysis.effect.results import effect_of
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.data import market
from siyu_helpers.data.simulate import simulate
from siyu_helpers.reporting import experiment_views as views

REFUSED = Refused("lot", 0, 1, "没有抽签。", "There was no lot.")


def number(value, low, high):
    return Estimate(value, low, high, 0.9, 100, "times", Words("手算", "by hand"), "by.hand")


def made(value, without=2.0):
    flat = np.array([0.1, -0.1])
    return effect_of(
        value, flat, n=2, with_treatment=without + value, without_treatment=without, influence_without=flat
    )


@pytest.fixture(scope="module")
def known():
    tables = simulate("xiaoman", customers=500, seed=5, selection="observed").tables
    return pool_effect.read_histories(tables["orders"], tables["members"], "2025-12-31", gross_margin=0.5)


def test_the_brand_stands_beside_what_was_published():
    published = market.load("private_domain_benchmarks")
    own = views.own_figures(
        {"spend_ratio": number(7.0, 6.0, 8.0)}, {"all_ratio": number(1.3, 1.2, 1.4)}, {"orders": made(0.1)}
    )
    rows = views.published_rows(pool_effect.published_uplifts(published, own))
    assert len(rows) > 10
    assert ("+30%", "+30%") in rows["naive"].tolist()
    assert ("7.0 倍", "7.0 times") in rows["naive"].tolist()
    assert ("+5%", "+5%") in rows["corrected"].tolist()
    for column in ("who", "what", "why"):
        for zh, en in rows[column]:
            assert re.search(r"[\u4e00-\u9fff]", zh)
            assert not re.search(r"[\u4e00-\u9fff]", en), en
    studies = views.study_rows(pool_effect.observational_errors(market.load("experiment_comparisons")))
    assert (studies["randomised_lift"] < studies["double_machine_learning_lift"]).all()


def test_experiments_that_could_be_run(known):
    found = views.plans(known, 90, 0.1, 0.25, REFUSED, REFUSED, 0.9)
    assert set(found) == set(views.PLANS)
    rows = views.plan_rows(found)
    facts = found["new"]["facts"]
    assert rows["kind"].tolist() == [views.PLANS[kind] for kind in found]
    assert rows.loc[0, "per_week"] == round(facts["people_per_week"].value)
    assert views.plan_facts(found)["taken"].value == 0.25
    curves = views.power_rows(found)
    assert curves["power"].between(0, 1).all()
    assert not (rows["days"] > experiment_design.DAYS_AT_MOST).any()


def test_a_gain_beyond_doubling_is_none_that_can_be_planned_with(known):
    found = views.plans(known, 90, 0.1, 0.25, REFUSED, REFUSED, 0.9)
    smallest = found["new"]["facts"]["smallest_effect"]
    assert views.can_be_seen(found) == (isinstance(smallest, Estimate) and smallest.value <= 1)
    assert not (views.plan_rows(found)["smallest"] > 1).any()
    assert not views.can_be_seen({"new": {"facts": {"smallest_effect": REFUSED}}})


def test_without_a_pool_only_new_customers_can_be_invited():
    orders = simulate("xiaoman", customers=300, seed=5).tables["orders"]
    nobody = pool_effect.read_histories(orders, None, "2025-12-31")
    assert list(views.plans(nobody, 90, 0.1, 0.25, REFUSED, REFUSED, 0.9)) == ["new"]
