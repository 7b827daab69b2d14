"""Invitations by lot: who is followed and what is counted, by hand; the shipped kinds of lots; what is refused."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from siyu_helpers.analysis.effect.invitations import (
    EXCLUSION,
    HISTORY,
    Invitation,
    Invitations,
    find_invitation,
    invitation_effects,
    invitation_facts,
)
from siyu_helpers.analysis.effect.results import Effect
from siyu_helpers.analysis.estimates import Estimate, Refused
from siyu_helpers.data.simulate import simulate

UNTIL = "2024-12-31"
LOT = ("card", "yes", "no")
DRAWN = pd.Timestamp("2024-03-01")


def brand(many=400, accept=0.5, extra=1.0, seed=0):
    """Everybody orders in January; a lot in March; who accepts orders `extra` times more in the 90 days after."""
    rng = np.random.default_rng(seed)
    ids = np.arange(many)
    invited = ids % 2 == 0
    joins = invited & (ids % 100 < 100 * accept)
    counts = rng.poisson(1.0, many) + np.where(joins, extra, 0).astype(int)
    who = np.concatenate([ids, np.repeat(ids, counts)])
    later = DRAWN + pd.to_timedelta(rng.integers(1, 90, counts.sum()), unit="D")
    when = np.concatenate([np.repeat(np.datetime64("2024-01-10"), many), later.to_numpy()])
    orders = pd.DataFrame({"customer_id": who, "ordered_at": pd.to_datetime(when), "amount": 10.0})
    lot = pd.DataFrame({"experiment": "card", "customer_id": ids, "assigned_at": DRAWN,
                        "arm": np.where(invited, "yes", "no"), "probability": 0.5})  # fmt: skip
    members = pd.DataFrame({"customer_id": ids[joins], "joined_at": DRAWN})
    return orders, lot, members


def effects(orders, lot, members, until=UNTIL, **how):
    return invitation_effects(orders, lot, members, until, *LOT, **({"gross_margin": 0.5} | how))


@pytest.fixture(scope="module")
def randomised():
    return simulate("xiaoman", customers=3_000, seed=5, selection="randomised")


def of_brand(made, **how):
    tables, until = made.tables, made.recipe.observed_until
    names = "invitation", "invited", "not_invited"
    return invitation_effects(tables["orders"], tables["assignments"], tables["members"], until, *names, **how)


# --- by hand ---


def test_by_hand():
    orders, lot, members = brand()
    found = effects(orders, lot, members)
    within = orders[orders["ordered_at"] >= DRAWN].groupby("customer_id").size().reindex(range(400), fill_value=0)
    invited = (lot["arm"] == "yes").to_numpy()
    itt = within[invited].mean() - within[~invited].mean()
    assert found.itt["orders"].value == pytest.approx(itt)
    assert found.itt["spend"].value == pytest.approx(10 * itt)
    assert found.itt["contribution"].value == pytest.approx(5 * itt)
    welch = np.sqrt(within[invited].var() / 200 + within[~invited].var() / 200)
    assert found.itt["orders"].standard_error == pytest.approx(welch)
    assert (found.joined.value, found.exposure.value) == (0.5, 0.5)
    assert found.late["orders"].value == pytest.approx(2 * itt)
    back = (within > 0).to_numpy(dtype=float)
    assert found.itt["repurchase"].value == pytest.approx(back[invited].mean() - back[~invited].mean())
    joins = np.isin(np.arange(400), members["customer_id"])
    # Compliers without treatment: all without, less those invited who did not join (one-sided: nobody else joins).
    base = (within[~invited].mean() - 0.5 * within[invited & ~joins].mean()) / 0.5
    assert found.late["orders"].without_treatment == pytest.approx(base)
    assert found.flow == {"assigned": 400, "assigned_twice": 0, "in_both_arms": 0, "already_members": 0,
                          "not_observed_long_enough": 0, "invited": 200, "not_invited": 200, "joined_invited": 100,
                          "joined_not_invited": 0}  # fmt: skip
    assert isinstance(found.late["referrals"], Refused)


def test_late_joining_is_less_exposure():
    orders, lot, members = brand()
    half = members.assign(joined_at=members["joined_at"] + pd.Timedelta(days=45))
    found = effects(orders, lot, half)
    assert found.joined.value == pytest.approx(0.5)
    assert found.exposure.value == pytest.approx(0.25)
    assert found.late["orders"].value == pytest.approx(4 * found.itt["orders"].value)
    after = members.assign(joined_at=members["joined_at"] + pd.Timedelta(days=90))
    assert effects(orders, lot, after).late["orders"].gate == "first stage"


def test_chances_that_differ_are_weighted():
    """Two waves with chances of one half and one fifth: the mean over all persons, not over those invited."""
    orders, lot, members = brand(many=1_000)
    wave = np.arange(1_000) >= 500
    invited = np.where(wave, np.arange(1_000) % 5 == 0, np.arange(1_000) % 2 == 0)
    chance = np.where(wave, np.where(invited, 0.2, 0.8), 0.5)
    lot = lot.assign(arm=np.where(invited, "yes", "no"), probability=chance)
    extra = pd.DataFrame({"customer_id": np.arange(1_000)[invited & wave], "ordered_at": DRAWN, "amount": 10.0})
    orders = pd.concat([orders[orders["ordered_at"] < DRAWN], extra])
    members = pd.DataFrame({"customer_id": np.arange(1_000)[invited], "joined_at": DRAWN})
    found = effects(orders, lot, members)
    assert found.itt["orders"].value == pytest.approx(0.5)  # 1 for half of the persons, 0 for the others
    assert found.share_p_value == pytest.approx(1.0)


def test_flow_counts_everybody():
    orders, lot, members = brand()
    again = lot[:3].assign(assigned_at=DRAWN + pd.Timedelta(days=5), arm="no")
    late = pd.DataFrame({"experiment": "card", "customer_id": range(900, 1100), "arm": ["yes", "no"] * 100,
                         "assigned_at": pd.Timestamp("2024-11-01"), "probability": 0.5})  # fmt: skip
    early = pd.DataFrame({"customer_id": [1, 2], "joined_at": pd.Timestamp("2024-02-01")})
    crossed = pd.DataFrame({"customer_id": [3, 5], "joined_at": pd.Timestamp("2024-03-20")})
    found = effects(orders, pd.concat([lot, again, late]), pd.concat([members, early, crossed]))
    expected = {"assigned": 603, "assigned_twice": 3, "in_both_arms": 2, "already_members": 2,
                "not_observed_long_enough": 200, "invited": 199, "not_invited": 199,
                "joined_not_invited": 2}  # fmt: skip
    assert {name: found.flow[name] for name in expected} == expected


def test_persons_without_orders_count_as_zero():
    orders, lot, members = brand()
    few = orders[orders["customer_id"] >= 200]
    found = effects(few, lot, members)
    assert found.flow["invited"] == 200
    assert found.joined.value == 0.5
    assert found.people.loc[found.people["orders_before"] == 0, "orders"].eq(0).sum() >= 200


def test_any_engine_any_order_any_ids():
    tables = brand()
    one = effects(*tables)
    mixed = effects(*(frame.sample(frac=1, random_state=2) for frame in tables))
    lazily = effects(*(pl.from_pandas(frame).lazy() for frame in tables))
    texts = effects(*(frame.assign(customer_id="p" + frame["customer_id"].astype(str)) for frame in tables))
    for other in (mixed, lazily, texts):
        assert_frame_equal(one.table(), other.table())
        assert one.flow == other.flow
        assert one.balance_p_value == other.balance_p_value


def test_dates_without_times():
    orders, lot, members = brand()
    days = [frame.assign(**{name: frame[name].dt.date})
            for frame, name in ((orders, "ordered_at"), (lot, "assigned_at"), (members, "joined_at"))]  # fmt: skip
    assert_frame_equal(effects(*days).table(), effects(orders, lot, members).table())
    assert find_invitation(days[1], days[2]).experiment == "card"


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_late_is_itt_over_exposure_and_intervals_hold_their_values(seed):
    found = effects(*brand(accept=0.6, seed=seed))
    for outcome, effect in found.late.items():
        if isinstance(effect, Effect):
            assert effect.value == pytest.approx(found.itt[outcome].value / found.exposure.value)
            low, high = found.anderson_rubin[outcome]
            assert low <= effect.value <= high
            assert effect.with_treatment - effect.without_treatment == pytest.approx(effect.value)


# --- simulated brands ---


def test_randomised_brand(randomised):
    """One run; tests/calibration/test_effect_invitations.py counts many."""
    found = of_brand(randomised)
    assert isinstance(found, Invitations)
    assert found.flow["joined_not_invited"] == 0
    assert found.share_p_value > 0.01
    assert found.balance_p_value > 0.01
    assert (found.balance["standardised_difference"].abs() < 0.15).all()
    assert found.balance["covariate"].tolist() == list(HISTORY)
    for outcome, effect in found.itt.items():
        assert found.adjusted[outcome].standard_error < 1.02 * effect.standard_error
    estimate = found.late["orders"].estimate("orders per customer", "effect of joining", invitation_effects)
    assert isinstance(estimate, Estimate)
    facts = invitation_facts(found)
    assert facts["customers_invited"].value == found.flow["invited"]
    assert facts["joined_not_invited"].value == 0.0


def test_the_invitation_is_found_among_other_lots():
    """Xiaoman also has a lot over wake-up messages, drawn at the first order; nobody tells which is which."""
    made = simulate("xiaoman", customers=3_000, seed=8)
    tables = made.tables
    assert tables["assignments"]["experiment"].nunique() == 2
    found = find_invitation(tables["assignments"], tables["members"])
    assert found[:3] == ("invitation", "invited", "not_invited")
    assert found.joined_invited > found.joined_not_invited + 0.1
    others = tables["assignments"].query("experiment != 'invitation'")
    assert isinstance(find_invitation(others, tables["members"]), Refused)


def test_a_lot_among_members_is_no_invitation():
    tables = simulate("sanli", customers=2_000, seed=3).tables
    assert find_invitation(tables["assignments"], tables["members"]).gate == "invitation by lot"


def test_the_clearest_of_two_invitations():
    _, lot, members = brand()
    weaker = lot.assign(experiment="letter", arm=np.where(np.arange(400) % 8 < 4, "a", "b"))
    assert isinstance(find_invitation(pd.concat([weaker, lot]), members), Invitation)
    assert find_invitation(pd.concat([weaker, lot]), members).experiment == "card"


# --- what is refused ---


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        (lambda o, a, m: (o, a.iloc[:0], m), "sides of the lot"),
        (lambda o, a, m: (o, a[a["arm"] == "yes"], m), "sides of the lot"),
        (lambda o, a, m: (o, a.assign(probability=np.nan), m), "chances of the lot"),
        (lambda o, a, m: (o, a.assign(probability=0.0), m), "chances of the lot"),
        (lambda o, a, m: (o, a[:150], m), "customers on a side"),
        (lambda o, a, m: (o, a.assign(assigned_at=pd.Timestamp("2024-12-01")), m), "customers on a side"),
        (lambda o, a, m: (o, a.assign(probability=np.where(a["arm"] == "yes", 0.8, 0.2)), m), "sizes of the sides"),
    ],
)
def test_what_is_no_experiment_is_refused(change, gate):
    found = effects(*change(*brand()))
    assert isinstance(found, Refused)
    assert found.gate == gate
    assert found.reason("zh")
    assert set(invitation_facts(found).values()) == {found}


def test_no_members_no_first_stage():
    orders, lot, members = brand()
    found = effects(orders, lot, members.iloc[:0])
    assert found.late["orders"].gate == "first stage"
    assert found.f_statistic == 0.0
    assert isinstance(found.itt["orders"], Effect)
    assert isinstance(find_invitation(lot, members.iloc[:0]), Refused)


def test_a_brand_where_nobody_buys_again():
    orders, lot, members = brand()
    found = effects(orders[orders["ordered_at"] < DRAWN], lot, members)
    assert found.itt["orders"].value == found.late["orders"].value == 0.0
    assert np.isfinite(found.table()[["value", "low", "high"]]).all(axis=None)


def test_contribution_that_is_not_known():
    found = effects(*brand(), gross_margin=None)
    assert found.itt["contribution"].gate == found.late["contribution"].gate == "contribution"
    assert "contribution" not in found.table()["outcome"].tolist()


def test_errors_say_what_to_do():
    orders, lot, members = brand()
    with pytest.raises(ValueError, match="outcomes must be one of"):
        effects(orders, lot, members, outcomes=("orders", "visits"))
    with pytest.raises(ValueError, match="horizon_days must be"):
        effects(orders, lot, members, horizon_days=0)
    with pytest.raises(ValueError, match="no column 'arm'"):
        effects(orders, lot.drop(columns="arm"), members)
    with pytest.raises(ValueError, match="level must lie"):
        effects(orders, lot, members, level=90)


def test_the_assumption_is_said_in_both_languages():
    assert "ITT" in EXCLUSION.zh
    assert "intention-to-treat" in EXCLUSION.en
    assert "顾客" not in EXCLUSION.zh
