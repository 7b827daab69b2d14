"""The pond: by hand, against the pool's own flows, and its long run against long simulations and Schaefer's catch."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_helpers.analysis.concept.pond import FIGURES, pond, pond_of_brand
from siyu_helpers.analysis.estimates import Estimate
from siyu_helpers.analysis.pool.inputs import PoolInputs
from siyu_helpers.analysis.pool.stages import inflow_to_hold
from siyu_helpers.analysis.pool.value import flows

NOTHING = dict.fromkeys(
    ("opening", "inflow", "leaving", "referral", "harvest", "opt_out", "earned", "ordinary", "message_cost"), 0.0
)


def value(found, key):
    return found.figures[f"pond_{key}"].value


def test_two_months_by_hand():
    found = pond(
        opening=1000, inflow=100, leaving=0.1, referral=0.2, harvest=2, opt_out=0.5, earned=9, half=4, ordinary=1,
        message_cost=0.5, carrying=2000, months=2,
    )  # fmt: skip
    # of 1,000: 100 leave; of 900, two promotions drive three quarters away; 1000 x 0.2 x half are brought along
    first, second = found.table.to_dict("records")
    assert [first[key] for key in ("left", "driven_away", "referred", "stock")] == pytest.approx([100, 675, 100, 425])
    # per customer 1 + 9 x 2/6 - 2 x 0.5 = 3, of the mean of 1,000 and 425
    assert first["taken"] == pytest.approx(3 * 712.5)
    assert second["opening"] == pytest.approx(425)
    assert second["stock"] == pytest.approx(425 * 0.225 + 100 + 425 * 0.2 * (1 - 425 / 2000))
    assert value(found, "leaving") == pytest.approx(0.775)
    assert value(found, "inflow_to_hold") == pytest.approx(775)
    assert value(found, "sea_to_hold") == pytest.approx(675)
    assert value(found, "taken") == pytest.approx(found.table["taken"].sum())


def test_the_same_customers_as_the_value_of_a_pool():
    inputs = PoolInputs(
        80, 0.5, 0.2, 200, 0.4, opening_members=2000, referrals_per_month=0.02, referral_joining_share=0.5, churn=0.03,
        messages_per_month=6, opt_out_per_message=0.004, ban_probability=0.01, recovery=0.3,
    )  # fmt: skip
    found = pond_of_brand(inputs, 2000, months=24)
    pool = flows({name: np.array([number]) for name, number in inputs.typical().items()}, 24)
    for ours, theirs in (("opening", "opening"), ("stock", "closing")):
        assert found.table[ours].to_numpy() == pytest.approx(pool[theirs].ravel())
    assert found.table["taken"].to_numpy() == pytest.approx(pool["members"].ravel() * 0.5 * 0.2 * 200 * 0.4)
    hold = inflow_to_hold(inputs, 2000)["inflow_to_hold"].value
    assert value(found, "inflow_to_hold") == pytest.approx(hold)


def test_what_promotions_bring_is_part_of_the_gain():
    inputs = PoolInputs(80, 0.5, 0.2, 200, 0.4, churn=0.05, messages_per_month=4, opt_out_per_message=0.004)
    plain, told = pond_of_brand(inputs, 2000), pond_of_brand(inputs, 2000, earned=6, half=4)
    assert value(plain, "taken") == pytest.approx(value(told, "taken"))
    assert plain.figures["pond_best_harvest"].gate == "response to promotions"
    assert isinstance(told.figures["pond_best_harvest"], Estimate)


@pytest.mark.parametrize("opening", [10, 30_000])
@pytest.mark.parametrize(
    "changed",
    [{}, {"harvest": 30}, {"carrying": None, "referral": 0.01}, {"referral": 0}, {"inflow": 0, "harvest": 2},
     {"inflow": 3000}, {"inflow": 0, "harvest": 20}, {"referral": 1.0, "leaving": 0.9}],
)  # fmt: skip
def test_a_long_simulation_ends_in_the_closed_form(opening, changed):
    found = pond(**{"opening": opening, "months": 3000, **changed})
    assert value(found, "end") == pytest.approx(value(found, "steady"), rel=1e-6, abs=1e-6)
    last = found.table["taken"].iloc[-1]
    assert value(found, "yield") == pytest.approx(last, rel=1e-6, abs=1e-6)


shares, few = st.floats(0, 1), st.floats(0, 0.2)


@settings(max_examples=80, deadline=None)
@given(
    opening=st.floats(0, 1e6), inflow=st.floats(0, 1e5), leaving=shares, referral=shares, harvest=st.floats(0, 100),
    opt_out=st.floats(0, 0.99), earned=st.floats(0, 1e3), ordinary=st.floats(-10, 100),
    carrying=st.one_of(st.none(), st.floats(1, 1e6)),
)  # fmt: skip
def test_the_steady_state_stays_and_nothing_is_ever_blank(**given_):
    found = pond(**given_, months=3)
    assert np.isfinite(found.table.to_numpy(dtype=float)).all()
    assert (found.table["stock"] >= 0).all()
    assert set(found.figures) == set(FIGURES)
    steady = found.figures["pond_steady"]
    if isinstance(steady, Estimate):
        again = pond(**given_ | {"opening": steady.value}, months=1)
        assert value(again, "end") == pytest.approx(steady.value, rel=1e-6, abs=1e-6)
    best = found.figures["pond_best_yield"]
    if isinstance(best, Estimate) and isinstance(found.figures["pond_yield"], Estimate) and given_["harvest"] <= 60:
        assert best.value >= value(found, "yield") - 1e-3 * abs(best.value)


@pytest.mark.parametrize("changed", [{}, {"inflow": 0}, {"referral": 0, "opt_out": 0.01}])
def test_the_best_number_of_promotions_by_brute_force(changed):
    tried = {harvest: pond(**changed, harvest=harvest, months=1500).table["taken"].iloc[-1]
             for harvest in np.arange(0, 20.25, 0.25)}  # fmt: skip
    most = max(tried, key=tried.get)
    found = pond(**changed)
    assert value(found, "best_harvest") == pytest.approx(most, abs=0.25)
    assert value(found, "best_yield") == pytest.approx(tried[most], rel=2e-3)
    assert value(found, "best_yield") >= tried[most] * (1 - 1e-9)


def test_schaefers_catch():
    # Schaefer (1954): with logistic growth the largest sustainable catch is r K / 4, from a stock of K / 2. Promotions
    # that each earn as much and drive few away catch in proportion to the stock; the catch is what is driven away.
    r, carrying, opt_out = 0.02, 10_000, 0.0005
    found = pond(**NOTHING | {
        "opening": 5000, "referral": r, "opt_out": opt_out, "earned": 1e6, "half": 1e6, "carrying": carrying,
    })  # fmt: skip
    assert value(found, "best_steady") == pytest.approx(carrying / 2, rel=0.01)
    assert value(found, "best_yield") * opt_out == pytest.approx(r * carrying / 4, rel=0.01)


def test_beyond_the_limit_the_pond_dies_out_without_the_sea():
    closed = {"inflow": 0.0, "months": 3000}
    limit = value(pond(**closed), "collapse")
    assert limit == pytest.approx(math.log(0.97 / 0.95) / -math.log(0.996))  # where 0.97 x 0.996^f = 1 - 0.05
    assert value(pond(**closed, harvest=limit + 1), "end") < 1
    assert value(pond(**closed, harvest=limit - 1), "end") > 1000
    assert pond(referral=0.02).figures["pond_collapse"].gate == "referral"
    assert pond(opt_out=0).figures["pond_collapse"].gate == "opt-outs"


def test_the_number_that_holds_the_size():
    limit = value(pond(), "hold_harvest")
    assert pond(harvest=limit).table["stock"].iloc[0] == pytest.approx(3000)
    assert pond(harvest=limit + 1).table["stock"].iloc[0] < 3000
    assert pond(inflow=0, referral=0).figures["pond_hold_harvest"].gate == "customers joining"


def test_odd_ponds():
    empty = pond(**NOTHING)
    assert value(empty, "steady") == 0
    assert empty.figures["pond_hold_harvest"].gate == "customers in the pool"
    assert pond(carrying=None, referral=0.5).figures["pond_steady"].gate == "steady state"
    for wrong in ({"opt_out": 1}, {"half": 0}, {"carrying": 0}, {"inflow": -1}, {"leaving": 1.5}, {"months": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            pond(**wrong)
