"""Truth: differences of worlds that differ by one cause, so that no cause leaves no difference."""

import numpy as np
import pytest

from siyu_helpers.data.simulate import RECIPES, simulate
from siyu_helpers.data.simulation import tables, truth
from siyu_helpers.data.simulation.acquisition import World, market
from siyu_helpers.data.simulation.world import live


@pytest.fixture(scope="module")
def powerless():
    """A pool that does nothing: members order, spend, stay and refer as they would outside."""
    recipe = RECIPES["xiaoman"].changed(
        effect_on_frequency=0.0, effect_on_basket=0.0, effect_on_dropout=0.0, message_lift=0.0, referral_in_pool=1.0,
        in_mini_program=0.0,
    )  # fmt: skip
    # The same channels lead members and others to the till: otherwise the shop, and its fee, would differ.
    channels = {}
    for name, channel in recipe.channels.items():
        channels[name] = channel.__class__(**(vars(channel) | {"member_trigger": channel.repeat_trigger}))
    return simulate(recipe.changed(channels=channels), customers=2_000, seed=8)


def test_a_pool_that_does_nothing_has_no_effect(powerless):
    for effects in truth.effect_of_joining(powerless.life).values():
        assert effects["joiners"] > 100
        for outcome in ("orders", "repurchase", "spend", "contribution", "referrals"):
            assert effects[outcome]["effect"] == 0
            assert effects[outcome]["standard_error"] == 0


def test_the_effect_is_that_of_a_world_lived_without_a_pool(xiaoman):
    """Recounted customer by customer from the tables of both worlds."""
    life = xiaoman.life
    other = live(life.market, World(joining=False), friends_of=life)
    assert (other.persons["key"] == life.persons["key"]).all()
    first = {}
    for person, joined in zip(life.stays.person.tolist(), life.stays.joined.tolist(), strict=True):
        first.setdefault(person, joined)
    difference = []
    by_mine, by_theirs = _times(tables.paid_orders(life)), _times(tables.paid_orders(other))
    for person, joined in first.items():
        if life.persons["first_order"][person] < joined and joined + 90 <= life.market.recipe.days:
            mine, theirs = (
                sum(joined < time <= joined + 90 for time in by.get(person, ())) for by in (by_mine, by_theirs)
            )
            difference.append(mine - theirs)
    effect = truth.effect_of_joining(life)[90]
    assert effect["joiners"] == len(difference)
    assert effect["orders"]["effect"] == pytest.approx(np.mean(difference), abs=1e-5)
    assert effect["orders"]["effect"] > 10 * effect["orders"]["standard_error"]


def _times(paid) -> dict[int, list[float]]:
    found = {}
    for person, time in zip(paid["person"].tolist(), paid["time"].tolist(), strict=True):
        found.setdefault(person, []).append(time)
    return found


def test_nothing_is_lost_without_a_channel_that_does_nothing():
    recipe = RECIPES["sanli"]
    idle = recipe.channels["sms"].__class__({"zh": "无", "en": "Idle"}, "semi", would_come_anyway=0.0)
    brand = simulate(recipe.changed(channels=recipe.channels | {"idle": idle}), customers=800, seed=2)
    lost = truth.without(brand.life, truth.totals(brand.life), World(off=("idle",)))
    assert lost == {"orders": 0, "share_of_orders": 0.0, "new_customers": 0, "contribution": 0.0}


def test_a_channel_that_all_would_do_without_loses_nothing():
    recipe = RECIPES["sanli"].changed(referral_chance=0.0)
    ads = recipe.channels["meituan_ads"]
    anyway = ads.__class__(
        **(vars(ads) | {"would_come_anyway": 1.0, "next": {}, "joining": recipe.channels["direct"].joining})
    )
    others = {
        name: channel.__class__(
            **(vars(channel) | {"next": {k: v for k, v in channel.next.items() if k != "meituan_ads"}})
        )
        for name, channel in recipe.channels.items()
    }
    brand = simulate(recipe.changed(channels=others | {"meituan_ads": anyway}), customers=800, seed=2)
    lost = truth.without(brand.life, truth.totals(brand.life), World(off=("meituan_ads",)))
    assert lost["orders"] == 0
    assert lost["new_customers"] == 0


@pytest.mark.parametrize(("inflation", "elasticity", "growth"), [(0.0, 1.0, 0.3), (0.1, 1.0, 0.0), (0.12, 0.6, 0.25)])
def test_growth_of_acquisition_cost_is_inflation_and_what_the_elasticity_leaves(inflation, elasticity, growth):
    """log CAC = (1 - elasticity) log spend + log price, for a brand of one paid channel and one touch."""
    recipe = RECIPES["sanli"].purchases_only()
    ads = recipe.channels["meituan_ads"]
    ads = ads.__class__(**(vars(ads) | {
        "cost_inflation": inflation, "elasticity": elasticity, "spend_growth": growth, "spend_shocks": 0.0,
        "spend_follows_season": 0.0, "next": {}, "visits_per_day": 40.0,
    }))  # fmt: skip
    free = recipe.channels["direct"]
    free = free.__class__(**(vars(free) | {"next": {}}))
    brand = market(recipe.changed(channels={"meituan_ads": ads, "direct": free}), 1.0, seed=3)
    found = truth.acquisition_growth(brand)
    price = 1 + inflation
    assert found["cac_growth_at_constant_spend"] == pytest.approx(price - 1, abs=0.012)
    assert found["cac_growth_observed"] == pytest.approx(price * (1 + growth) ** (1 - elasticity) - 1, abs=0.012)
    response = found["elasticity_of_new_customers"]["meituan_ads"]["of_the_channel"]
    assert response == pytest.approx(elasticity, abs=0.05)


def test_sanli_sends_too_many_messages(sanli):
    found = truth.best_frequency(sanli.life.market)
    assert found["sent_per_month"] == 30
    assert 2 <= found["best_per_month"] <= 15
    assert found["gain_from_best"] > 0
    worth = found["contribution_by_messages_per_month"]
    assert worth[found["best_per_month"]] == max(worth.values())


def test_the_truth_says_what_the_tables_show(sanli):
    totals = truth.totals(sanli.life)
    orders = sanli.tables["orders"]
    assert totals.orders == len(orders)
    assert totals.new_customers == orders["customer_id"].nunique()
    messages = sanli.tables["messages"]
    contribution = (orders["amount"] - orders["refunded"] - orders["cost"] - orders["platform_fee"]).sum()
    assert totals.contribution == pytest.approx(contribution - messages["cost"].sum(), abs=0.1)


def test_without_the_pool_is_without_its_only_door(sanli):
    factual = truth.totals(sanli.life)
    assert truth.without(sanli.life, factual, World(pool=False)) == truth.without(
        sanli.life, factual, World(off=("wecom",))
    )
