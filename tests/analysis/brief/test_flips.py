"""The verdict is worked out again just below and just above every value at which it is said to flip."""

import math

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.analysis.brief.decisions import BUILD, DO_NOT, FIX_FIRST, PILOT, Grounds, decide
from siyu_helpers.analysis.brief.flips import COLUMNS, NAMES, evidence_flips, flips, nearest_flips
from siyu_helpers.analysis.pool.break_even import moved
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.analysis.pool.value import pool_value

OWN = frozenset({"uplift", "staff_cost"})
KNOWN = Grounds("strong", OWN)
DRAWS, SEED = 150, 3


def inputs(**changes):
    made = {
        "joiners_per_month": (80, 100, 120), "orders_per_month": 0.5, "uplift": (0.1, 0.2, 0.3), "order_value": 200.0,
        "margin": (0.3, 0.4, 0.5), "churn": (0.01, 0.03, 0.06), "staff_cost": (4000, 6000, 9000),
        "discount_rate": 0.1,
    }  # fmt: skip
    return PoolInputs(**(made | changes))


def verdict_of(made, facts, fixed=None):
    """The verdict by the whole way: simulate the pool, then decide."""
    return decide(
        pool_value(made, draws=DRAWS, seed=SEED), effect_level=facts.effect_level, own=facts.own,
        frequency=facts.frequency, build_at=facts.build_at, do_not_at=facts.do_not_at,
        fixed_value=None if fixed is None else pool_value(fixed, draws=DRAWS, seed=SEED),
    ).verdict  # fmt: skip


FEW = ("uplift", "churn", "staff_cost")


@pytest.mark.parametrize(("made", "facts", "now", "names"), [
    (inputs(), KNOWN, PILOT, NAMES),
    (inputs(staff_cost=(2000, 3000, 4000)), KNOWN, BUILD, FEW),
    (inputs(staff_cost=(20_000, 30_000, 40_000)), KNOWN, DO_NOT, FEW),
    (inputs(), KNOWN._replace(effect_level="not identified here"), PILOT, FEW),
    (inputs(staff_cost=(2000, 3000, 4000)), KNOWN._replace(frequency="too many"), FIX_FIRST, FEW),
    (inputs(), KNOWN._replace(build_at=0.55, do_not_at=0.5), None, FEW),
])  # fmt: skip
def test_the_verdict_turns_at_the_value_that_is_stated(made, facts, now, names):
    found = flips(made, facts, names=None if names == NAMES else names, draws=DRAWS, seed=SEED)
    assert set(found["input"]) == set(names)
    assert set(found["verdict_now"]) == {verdict_of(made, facts)}
    assert now is None or set(found["verdict_now"]) == {now}
    turned = found.dropna(subset="flips_at")
    assert len(turned) >= len(names) - 1, "no churn at all may not be enough"
    for row in turned.itertuples():
        near, far = (row.flips_at + sign * 1e-3 * (row.flips_at - row.now) for sign in (-1, 1))
        assert verdict_of(moved(made, row.input, near), facts) == row.verdict_now, row.input
        assert verdict_of(moved(made, row.input, far), facts) == row.verdict_then, row.input


def test_from_a_pilot_it_flips_both_ways():
    found = flips(inputs(), KNOWN, names=["uplift"], draws=DRAWS, seed=SEED).set_index("verdict_then")
    assert found.loc[DO_NOT, "flips_at"] < 0.2 < found.loc[BUILD, "flips_at"]


def test_hand_arithmetic_of_a_certain_pool():
    # 1,000 customers stay for 24 months: 0.5 x 0.3 x 200 x 0.4 = 12 each a month against 10,000: it pays. It breaks
    # even at an uplift of 0.25, at a margin of 10,000 / 30,000 and at costs of 12,000.
    made = PoolInputs(0, 0.5, 0.3, 200, 0.4, opening_members=1000, staff_cost=10_000)
    found = flips(made, KNOWN, names=["uplift", "margin", "staff_cost", "joiners_per_month"]).set_index("input")
    assert found["flips_at"].dropna().to_dict() == pytest.approx(
        {"uplift": 0.25, "margin": 1 / 3, "staff_cost": 12_000}, rel=1e-4
    )
    assert set(found["verdict_then"].drop("joiners_per_month")) == {DO_NOT}
    assert math.isnan(found.loc["joiners_per_month", "flips_at"]), "no number of joiners makes it worse"
    assert found.loc["uplift", "distance"] == pytest.approx(1 / 6, rel=1e-3)
    assert math.isnan(found.loc["uplift", "now_low"])


def test_the_repaired_pool_moves_along():
    fixed = inputs(staff_cost=(3000, 4000, 5000))
    facts = KNOWN._replace(frequency="too many")
    found = flips(inputs(), facts, fixed, names=["staff_cost"], draws=DRAWS, seed=SEED).iloc[0]
    assert (found["verdict_now"], found["verdict_then"]) == (FIX_FIRST, DO_NOT)
    for share, verdict in ((0.999, FIX_FIRST), (1.001, DO_NOT)):
        to = found["flips_at"] * share
        again = moved(inputs(), "staff_cost", to), moved(fixed, "staff_cost", to * 4000 / 6000)
        assert verdict_of(again[0], facts, again[1]) == verdict


def test_sorted_by_distance_blanks_last_and_within_says_whether_the_range_holds_the_flip():
    found = flips(inputs(), KNOWN, draws=DRAWS, seed=SEED)
    assert list(found.columns) == COLUMNS
    distances = found["distance"].dropna()
    assert distances.is_monotonic_increasing
    assert found["distance"].isna().sort_values().index.equals(found.index), "blanks are last"
    for row in found.dropna().itertuples():
        assert row.within == (row.now_low <= row.flips_at <= row.now_high)


def test_nothing_to_flip():
    assert flips(None, KNOWN).empty
    assert flips(inputs(), Grounds("", frozenset({"margin"}))).empty
    assert nearest_flips(flips(None, KNOWN)) == {}
    hopeless = flips(PoolInputs(0, 0, 0, 0, 0), KNOWN, draws=10)
    assert hopeless["flips_at"].isna().all()


def test_errors_say_what_is_wrong():
    with pytest.raises(ValueError, match="profit"):
        flips(inputs(), KNOWN, names=["profit"])
    with pytest.raises(ValueError, match="draws"):
        flips(inputs(), KNOWN, draws=0)


def test_nearest_flips_as_numbers_of_a_page():
    found = flips(inputs(), KNOWN, draws=DRAWS, seed=SEED)
    stated = nearest_flips(found, most=2)
    first = found.iloc[0]
    assert stated[f"flip_{first['input']}"].value == first["flips_at"]
    assert stated[f"now_{first['input']}"].value == first["now"]
    assert stated[f"gap_{first['input']}"].value == pytest.approx(first["distance"])
    assert len([key for key in stated if key.startswith("flip_")]) == 2
    for number in stated.values():
        assert number.definition_in("zh")
        assert number.function == "siyu_helpers.analysis.brief.flips.flips"


def decided(**facts):
    sound = pool_value(inputs(staff_cost=1000.0), draws=DRAWS, seed=SEED)
    return decide(sound, **({"effect_level": "strong", "own": OWN, "frequency": "in range"} | facts))


@pytest.mark.parametrize(("facts", "expected"), [
    ({}, {}),
    ({"effect_level": "not identified here"}, {"effect": BUILD}),
    ({"own": {"uplift"}}, {"costs": BUILD}),
    ({"effect_level": "", "own": {"staff_cost"}}, {"effect": BUILD}),
    ({"frequency": "too many"}, {"no_leak": BUILD}),
    ({"frequency": "not settled"}, {"no_leak": FIX_FIRST}),
    ({"effect_level": "not identified here", "own": {"uplift"}}, {"effect and costs": BUILD}),
    ({"effect_level": "", "own": {"margin"}}, {"effect recorded": "", "costs recorded": ""}),
])  # fmt: skip
def test_evidence_that_would_change_the_verdict(facts, expected):
    found = evidence_flips(decided(**facts))
    assert dict(zip(found["change"], found["verdict_then"], strict=True)) == expected
    for text in np.ravel(found[["zh", "en"]].to_numpy()):
        assert text
        assert not any(character.isdigit() for character in text)


def test_no_frames_in_attrs():
    assert not any(isinstance(value, pd.DataFrame) for value in flips(inputs(), KNOWN, draws=50).attrs.values())
