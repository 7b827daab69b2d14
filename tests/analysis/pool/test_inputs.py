"""Inputs of a pool's economics: what is drawn follows what was stated, and what cannot be is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from siyu_helpers.analysis.estimates import Estimate
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import (
    Origin,
    PoolInputs,
    draws_of,
    inputs_table,
    quantile_of,
    typical_of,
)

NEEDED = {"joiners_per_month": 100, "orders_per_month": 0.5, "uplift": 0.2, "order_value": 200, "margin": 0.4}
DRAWS = 40_000


def inputs(**other) -> PoolInputs:
    return PoolInputs(**(NEEDED | other))


def estimated(value, low, high, level=0.9) -> Estimate:
    return Estimate(value, low, high, level, 100, "share", "gain", "tests")


# --- what is drawn ---


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=3, unique=True), st.floats(0, 1))
def test_a_range_is_triangular(ends, probability):
    low, typical, high = sorted(ends)
    if high - low < 1e-6:
        return
    found = quantile_of("margin", (low, typical, high), probability)
    there = stats.triang.ppf(probability, (typical - low) / (high - low), low, high - low)
    assert found == pytest.approx(there, abs=1e-6)
    assert low - 1e-12 <= found <= high + 1e-12


def test_a_range_whose_typical_value_is_an_end_still_draws():
    assert quantile_of("margin", (0.2, 0.2, 0.4), np.array([0.0, 1.0])).tolist() == pytest.approx([0.2, 0.4])
    assert quantile_of("margin", (0.2, 0.4, 0.4), np.array([0.0, 1.0])).tolist() == pytest.approx([0.2, 0.4])


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_the_interval_of_an_estimate_is_met_exactly(level):
    gain = estimated(0.2, 0.1, 0.6, level)
    ends = quantile_of("uplift", gain, np.array([(1 - level) / 2, 0.5, (1 + level) / 2]))
    assert ends.tolist() == pytest.approx([0.1, 0.2, 0.6])


def test_the_draws_of_an_estimate_have_its_interval():
    drawn = draws_of(inputs(uplift=estimated(0.2, 0.1, 0.6)), DRAWS)["uplift"]
    # Errors of a quantile: sqrt(p (1 - p) / draws) over the density there; four of them.
    assert np.quantile(drawn, [0.05, 0.5, 0.95]).tolist() == pytest.approx([0.1, 0.2, 0.6], abs=0.012)
    assert (drawn < 0.2).mean() == pytest.approx(0.5, abs=0.01)


def test_what_is_drawn_stays_within_what_the_input_can_take():
    drawn = draws_of(inputs(churn=estimated(0.02, -0.2, 0.2), margin=estimated(0.95, 0.6, 1.3)), DRAWS)
    assert drawn["churn"].min() == 0
    assert drawn["margin"].max() == 1
    assert (drawn["churn"] == 0).mean() == pytest.approx(
        stats.norm.cdf(-0.02 / (0.22 / stats.norm.ppf(0.95))), abs=0.01
    )


def test_an_end_that_is_not_known_takes_the_spread_of_the_other():
    open_end, both_open = estimated(0.2, 0.1, math.inf), estimated(0.2, -math.inf, math.inf)
    assert quantile_of("uplift", open_end, 0.95) == pytest.approx(0.3)
    assert quantile_of("uplift", both_open, np.array([0.05, 0.95])).tolist() == [0.2, 0.2]


@pytest.mark.parametrize("correlation", [-0.6, 0.8])
def test_correlations_are_those_of_a_gaussian_copula(correlation):
    """Rank correlation of a Gaussian copula: 6 / pi arcsin(rho / 2) (Kruskal 1958, JASA 53, 814-861)."""
    pair = inputs(uplift=(0.0, 0.1, 0.5), margin=(0.2, 0.4, 0.5), correlations={("uplift", "margin"): correlation})
    drawn = draws_of(pair, DRAWS)
    assert stats.spearmanr(drawn["uplift"], drawn["margin"])[0] == pytest.approx(
        6 / math.pi * math.asin(correlation / 2), abs=0.015
    )
    there = stats.triang.ppf([0.05, 0.5, 0.95], 0.2, 0.0, 0.5)
    assert np.quantile(drawn["uplift"], [0.05, 0.5, 0.95]).tolist() == pytest.approx(list(there), abs=0.01)


def test_inputs_without_a_stated_correlation_are_independent():
    drawn = draws_of(inputs(uplift=(0.0, 0.1, 0.5), margin=(0.2, 0.4, 0.5), churn=(0.0, 0.1, 0.2)), DRAWS)
    for one, other in (("uplift", "margin"), ("uplift", "churn"), ("margin", "churn")):
        assert abs(stats.spearmanr(drawn[one], drawn[other])[0]) < 0.02


def test_a_changed_input_leaves_the_draws_of_the_others_alone():
    """Common random numbers: what two sets of inputs differ by is the inputs."""
    uncertain = inputs(uplift=(0.0, 0.1, 0.5), churn=(0.0, 0.1, 0.2))
    before, after = draws_of(uncertain, 500), draws_of(uncertain.replaced(uplift=0.3, margin=(0.1, 0.2, 0.3)), 500)
    assert np.array_equal(before["churn"], after["churn"])
    higher = draws_of(uncertain.replaced(uplift=(0.1, 0.2, 0.6)), 500)["uplift"]
    assert np.allclose(higher, before["uplift"] + 0.1)


def test_the_same_seed_draws_the_same_and_another_does_not():
    uncertain = inputs(uplift=(0.0, 0.1, 0.5))
    assert np.array_equal(draws_of(uncertain, 50, 3)["uplift"], draws_of(uncertain, 50, 3)["uplift"])
    assert not np.array_equal(draws_of(uncertain, 50, 3)["uplift"], draws_of(uncertain, 50, 4)["uplift"])


# --- where inputs come from, and how they are shown ---


def test_origins_are_kept_until_an_input_is_given():
    stated = inputs(
        uplift=estimated(0.2, 0.1, 0.3),
        churn=(0.0, 0.1, 0.2),
        origins={"churn": Origin("assumed"), "margin": Origin("counted")},
    )
    kinds = {name: stated.origin(name).kind for name in ("uplift", "churn", "margin", "order_value")}
    assert kinds == {"uplift": "estimated", "churn": "assumed", "margin": "counted", "order_value": "given"}
    again = stated.replaced(churn=0.05, uplift=0.1)
    assert (again.origin("churn").kind, again.origin("uplift").kind, again.origin("margin").kind) == (
        "given", "given", "counted",
    )  # fmt: skip
    assert stated.churn == (0.0, 0.1, 0.2)


def test_the_table_names_every_input_once_with_its_range():
    table = inputs_table(inputs(uplift=estimated(0.2, 0.1, 0.3), churn=(0.0, 0.1, 0.2))).set_index("input")
    assert list(table.index) == list(FIELDS)
    assert table.loc["uplift", ["value", "value_low", "value_high"]].tolist() == pytest.approx([0.2, 0.1, 0.3])
    assert table.loc["margin", ["value_low", "value_high"]].isna().all()
    assert table.loc["churn", "value_low"] == pytest.approx(stats.triang.ppf(0.05, 0.5, 0, 0.2))


def test_what_has_no_width_is_a_number():
    counted = Estimate.exact(0.3, 100, "share", "counted", "tests")
    same = inputs(uplift=counted, margin=estimated(0.4, 0.4, 0.4), churn=(0.1, 0.1, 0.1))
    assert (same.uplift, same.margin, same.churn, same.uncertain()) == (0.3, 0.4, 0.1, [])
    assert [typical_of(part) for part in (counted, (0.0, 0.1, 0.2), 4)] == [0.3, 0.1, 4.0]


# --- what cannot be ---


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"churn": 1.2}, "churn=1.2: use from 0 to 1"),
        ({"churn": -0.1}, "churn=-0.1: use from 0 to 1"),
        ({"staff_cost": -1}, "staff_cost=-1: use 0 or more"),
        ({"uplift": -1.5}, "uplift=-1.5: use -1 or more"),
        ({"margin": (0.1, 0.2, 1.1)}, "use from -1 to 1"),
        ({"margin": (0.3, 0.2, 0.4)}, "the lowest first"),
        ({"margin": (0.3, 0.4)}, "use a number, "),
        ({"margin": "high"}, "use a number, "),
        ({"margin": math.nan}, "use a number, "),
        ({"staff_cost": math.inf}, "use a number, "),
        ({"margin": estimated(1.4, 1.0, 1.6)}, "use from -1 to 1"),
        ({"origins": {"margin": Origin("guessed")}}, "use a field of PoolInputs and one of"),
        ({"origins": {"price": Origin("given")}}, "use a field of PoolInputs and one of"),
        ({"correlations": {("uplift", "uplift"): 0.5}}, "use two different fields"),
        ({"correlations": {("uplift", "price"): 0.5}}, "use two different fields"),
        ({"correlations": {("uplift", "margin"): 1.0}}, "between -1 and 1"),
        (
            {"correlations": {("uplift", "margin"): 0.9, ("uplift", "churn"): 0.9, ("margin", "churn"): -0.9}},
            "they cannot all hold together",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(given, sentence):
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(")):
        inputs(**given)
