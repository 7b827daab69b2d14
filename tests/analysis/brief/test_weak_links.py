"""The weakest links: what could change most and is worst known comes first; no figure is typed."""

import pandas as pd
import pytest

from siyu_helpers.analysis.brief.decisions import RUNNING_COSTS, decide
from siyu_helpers.analysis.brief.weak_links import BADLY_KNOWN, COLUMNS, GROUPS, LINKS, STANDING, weak_links
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import ORIGINS, Origin, PoolInputs
from siyu_helpers.analysis.pool.value import pool_value

OWN = {"uplift", *RUNNING_COSTS}


def made(origins=None, **changes):
    known = {"joiners_per_month": 100, "orders_per_month": 0.5, "uplift": (0.0, 0.2, 0.4), "order_value": 200,
             "margin": (0.2, 0.4, 0.6), "staff_cost": 9000}  # fmt: skip
    return pool_value(PoolInputs(**(known | changes), origins=origins or {}), draws=500)


def links(result, most=3, facts=None, **seen):
    decision = decide(result, **({"effect_level": "strong", "own": OWN} | (facts or {})))
    return weak_links(result, decision, most=most, **seen)


def test_every_input_of_the_model_is_in_at_most_one_group_and_has_words():
    names = [name for group in GROUPS.values() for name in group]
    assert len(names) == len(set(names))
    assert set(names) <= set(FIELDS)
    # Settings, not evidence.
    assert set(FIELDS) - set(names) == {"opening_members", "opening_months", "discount_rate"}
    assert set(LINKS) == set(GROUPS) | set(STANDING)
    assert set(BADLY_KNOWN) == set(ORIGINS)
    for link in LINKS.values():
        for words in link:
            assert all(words)
            assert not any(character.isdigit() for text in words for character in text)


def test_origin_decides_between_inputs_that_could_change_as_much():
    # uplift and margin enter as a product, each a share of its typical value: the same spread moves the value as much.
    even = {"uplift": (0.1, 0.2, 0.3), "margin": (0.2, 0.4, 0.6)}
    estimated, assumed = Origin("estimated"), Origin("assumed")
    found = links(made({"uplift": estimated, "margin": assumed}, **even))
    assert found["key"].tolist() == ["margin", "effect"]
    found = links(made({"uplift": assumed, "margin": estimated}, **even))
    assert found["key"].tolist() == ["effect", "margin"]
    assert found["known"].tolist() == [BADLY_KNOWN["assumed"], BADLY_KNOWN["estimated"]]
    assert (found["rank"] == found["could_change"] * found["known"]).all()


def test_what_could_change_more_comes_first_at_equal_origin():
    found = links(made(uplift=(0.19, 0.2, 0.21), margin=(0.1, 0.4, 0.7)))
    assert found["key"].tolist() == ["margin", "effect"]
    assert list(found.columns) == COLUMNS


def test_swings_stand_in_where_nothing_could_turn_the_decision():
    sure = made(staff_cost=10.0, uplift=(0.19, 0.2, 0.21))
    assert (sure.values > 0).all()
    found = links(sure)
    assert found["key"].tolist() == ["margin", "effect"]
    assert found["could_change"].sum() == pytest.approx(1)


def test_links_that_are_no_input():
    found = links(made(), facts={"effect_level": "not identified here"}, experiments=0)
    assert found["key"].tolist()[0] == "no_effect"
    assert "effect" not in found["key"].tolist(), "said once"
    assert "no_experiment" not in found["key"].tolist()
    found = links(made(), facts={"own": {"uplift"}})
    assert found["key"].tolist()[0] == "no_costs"
    found = links(made(), most=9, linked=0.5, history_days=200, experiments=0, facts={"effect_level": "suggestive"})
    assert {"linkage", "history", "no_experiment"} <= set(found["key"])
    share = Estimate(0.95, 0.94, 0.96, 0.9, 100, "share", "linked", "f")
    found = links(made(), most=9, linked=share, history_days=366, experiments=2)
    assert not {"linkage", "history", "no_experiment", "no_effect", "no_costs"} & set(found["key"])
    assert "linkage" not in set(links(made(), most=9, linked=Refused("x", 0, 1, "无", "none"))["key"])


def test_at_most_three_and_fewer_where_there_are_fewer():
    full = made(churn=(0, 0.05, 0.1), joiners_per_month=(50, 100, 150), order_value=(100, 200, 300))
    assert len(links(full)) == 3
    assert len(links(full, most=1)) == 1
    certain = pool_value(PoolInputs(100, 0.5, 0.2, 200, 0.4, staff_cost=9000))
    assert links(certain).empty
    assert list(links(certain).columns) == COLUMNS


def test_without_a_result_the_missing_tables_are_the_links():
    found = weak_links(None, decide(None, effect_level="", own=()))
    assert found["key"].tolist() == ["no_effect", "no_costs"]
    assert isinstance(found, pd.DataFrame)
    given = weak_links(None, decide(None, effect_level="", own=(), given={"uplift", "staff_cost"}))
    assert given.empty


def test_three_links_are_named_even_where_one_input_alone_could_change_the_decision():
    result = made(margin=(0.39, 0.4, 0.41), joiners_per_month=(99, 100, 101), churn=(0.01, 0.02, 0.03))
    only = pd.DataFrame({"input": ["uplift", "margin"], "expected_value": [50.0, 0.0], "share_of_total": [1.0, 0.0]})
    found = links(result, information=only)
    assert len(found) == 3
    assert found["key"][0] == "effect"
    assert found["rank"].is_monotonic_decreasing
