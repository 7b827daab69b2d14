"""Do the 90% intervals of an invitation by lot contain the truth, with and without an effect of the pool?

Brands of some 1,600 customers of fifteen months, in which only those join who were invited by lot, and those who buy
more accept more readily. Truth from one brand, twelve times as large: LATE is the effect of joining on those who joined
(`truth.effect_of_joining`), ITT what the invited do more than in a world in which nobody joins, in the days after the
lot. The full runs print their count with `pytest -rP`.
"""

import functools

import pytest

from siyu_helpers.analysis.effect.invitations import invitation_effects
from siyu_helpers.analysis.estimates import Coverage
from siyu_helpers.data.simulate import simulate
from siyu_helpers.data.simulation import truth
from siyu_helpers.data.simulation.acquisition import World
from siyu_helpers.data.simulation.world import live

DAYS = 90
PARTS = 10
OUTCOMES = ("orders", "repurchase", "spend", "contribution", "referrals")
#: A pool without any effect on what members buy.
NO_EFFECT = {"effect_on_frequency": 0.0, "effect_on_basket": 0.0, "effect_on_dropout": 0.0, "message_lift": 0.0,
             "member_discount": 0.0, "referral_in_pool": 1.0, "in_mini_program": 0.0}  # fmt: skip


WORLDS = [pytest.param(False, id="effect"), pytest.param(True, id="no effect", marks=pytest.mark.full)]


def randomised(customers, seed, no_effect):
    settings = {"selection": "randomised", "pool_opens": 30, "observed_until": "2024-03-31"}
    return simulate("xiaoman", customers, seed, **settings, **(NO_EFFECT if no_effect else {}))


@functools.cache
def truths(no_effect):
    life = randomised(30_000, 77, no_effect).life
    other = live(life.market, World(joining=False), friends_of=life)
    late = truth.effect_of_joining(life)[DAYS]
    who, since, invited = life.invited["person"], life.invited["time"], life.invited["arm"]
    kept = invited & (since + DAYS <= life.market.recipe.days)
    persons = len(life.persons["key"])
    mine, theirs = (
        truth._within(truth._outcomes(world), persons, who[kept], since[kept], DAYS) for world in (life, other)
    )
    return {name: {"itt": float((mine[name] - theirs[name]).mean()), "late": late[name]["effect"]} for name in OUTCOMES}


def brands(runs, no_effect):
    """Tables of small brands: ten at a time, parts of one that takes hardly longer to simulate."""
    for seed in range(9_000, 9_000 + runs // PARTS):
        brand = randomised(5_000 * PARTS, seed, no_effect)
        part = parts(brand.tables["orders"])
        for number in range(PARTS):
            yield (
                brand.recipe.observed_until,
                {
                    name: brand.tables[name][brand.tables[name]["customer_id"].map(part).eq(number)]
                    for name in ("orders", "assignments", "members")
                },
            )


def parts(orders):
    """The part of each customer: a friend goes with whoever referred them, and so do the friends of friends."""
    referrer = (
        orders.dropna(subset="referrer_id").drop_duplicates("customer_id").set_index("customer_id")["referrer_id"]
    )
    first = orders["customer_id"].drop_duplicates()
    first = first.set_axis(first.to_numpy())
    while (again := first.map(referrer).fillna(first)).ne(first).any():
        first = again
    return first % PARTS


@functools.cache
def simulated(runs, no_effect):
    return [
        invitation_effects(tables["orders"], tables["assignments"], tables["members"], until,
                           "invitation", "invited", "not_invited", horizon_days=DAYS)
        for until, tables in brands(runs, no_effect)
    ]  # fmt: skip


@pytest.mark.parametrize("no_effect", WORLDS)
@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("estimand", ["itt", "adjusted", "late"])
def test_interval(runs, no_effect, outcome, estimand):
    true = truths(no_effect)[outcome]["late" if estimand == "late" else "itt"]
    assert (true == 0) == (no_effect and outcome != "contribution")  # members buy where fees are lower
    effects = [getattr(found, estimand)[outcome] for found in simulated(runs, no_effect)]
    result = Coverage(sum(effect.low <= true <= effect.high for effect in effects), runs)
    print(f"{estimand} of {outcome}: {result.covered} of {result.runs}")  # noqa: T201 - shown by pytest -rP
    # A person buys again or not: such means can hardly err as far as their normal interval allows.
    assert result.meets_bar(conservative=outcome == "repurchase")


@pytest.mark.parametrize("no_effect", WORLDS)
def test_a_fair_lot_is_seldom_doubted(runs, no_effect):
    """Binomial, 10%: more than 13 of 60 or 32 of 200 happens once in a hundred."""
    for name in ("balance_p_value", "share_p_value"):
        doubted = sum(getattr(found, name) < 0.10 for found in simulated(runs, no_effect))
        assert doubted <= {60: 13, 200: 32}[runs], name
