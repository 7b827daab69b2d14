"""Truth: differences of worlds that differ by one cause, so that no cause leaves no difference."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from siyu_helpers.data.simulate import RECIPES, simulate
from siyu_helpers.data.simulation import tables, truth
from siyu_helpers.data.simulation.acquisition import World, journeys, market
from siyu_helpers.data.simulation.world import FIRST_VISIT, live


@pytest.fixture(scope="module")
def powerless():
    """A pool that does nothing: members order, spend, stay and refer as they would outside."""
    recipe = RECIPES["xiaoman"].changed(
        effect_on_frequency=0.0, effect_on_basket=0.0, effect_on_dropout=0.0, message_lift=0.0, referral_in_pool=1.0,
        in_mini_program=0.0, member_discount=0.0,
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
    idle = recipe.channels["direct"].__class__({"zh": "无", "en": "Idle"}, "semi", would_come_anyway=0.0)
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
    brand = market(recipe.changed(channels={"meituan_ads": ads, "direct": free}, referral_chance=0.0), 1.0, seed=3)
    found = truth.acquisition_growth(brand)
    price = 1 + inflation
    assert found["cac_growth_at_constant_spend"] == pytest.approx(price - 1, abs=0.012)
    assert found["cac_growth_observed"] == pytest.approx(price * (1 + growth) ** (1 - elasticity) - 1, abs=0.012)
    response = found["elasticity_of_new_customers"]["meituan_ads"]["of_the_channel"]
    assert response == pytest.approx(elasticity, abs=0.05)


def test_sanli_sends_too_many_messages():
    half = simulate("sanli", customers=2_500, seed=12, observed_until="2024-06-30")  # of the years: a third of the time
    found = truth.best_frequency(half.life.market)
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


def test_growth_of_acquisition_cost_is_known_far_better_than_a_percentage_point(monkeypatch):
    """Two seeds of a brand without moves of spend: what differs is the error of the truth itself."""
    monkeypatch.setattr(truth, "MANY_CUSTOMERS", 50_000)
    recipe = RECIPES["sanli"].with_channels(spend_shocks=0.0)
    one, two = (truth.acquisition_growth(market(recipe, 1.0, seed)) for seed in (1, 2))
    assert one["cac_growth_observed"] == pytest.approx(two["cac_growth_observed"], abs=0.004)
    assert one["cac_growth_at_constant_spend"] == pytest.approx(two["cac_growth_at_constant_spend"], abs=0.004)
    for name, growth in one["cac_growth_by_channel"].items():
        assert growth["observed"] == pytest.approx(two["cac_growth_by_channel"][name]["observed"], abs=0.015), name


def test_mean_first_orders_are_those_that_are_counted():
    """By channel of the first and of the last touch, over the whole period: Poisson counts around the means."""
    brand = market(RECIPES["xiaoman"], 2.0, seed=5)
    mean = truth.first_orders(brand).sum(axis=2)
    counted = np.zeros_like(mean)
    for visits in journeys(brand):
        buys = np.flatnonzero(visits.last >= 0)
        kept = buys[visits.time[buys, visits.last[buys]] >= brand.recipe.first_day]
        np.add.at(counted, (visits.origin[kept], visits.channel[kept, visits.last[kept]]), 1)
    assert (np.abs(counted - mean) < 4.5 * np.sqrt(mean) + 2).all()
    assert counted.sum() == pytest.approx(mean.sum(), rel=0.02)


def test_the_response_to_spend_is_that_of_a_tenth_more_spend():
    """Against journeys drawn again with a tenth more spent on the channel."""
    recipe, name = RECIPES["xiaoman"], "tmall_search"
    channel = recipe.channels[name]
    more = dataclasses.replace(channel, visits_per_day=channel.visits_per_day * 1.1**channel.elasticity)
    recipes = (recipe.changed(channels=recipe.channels | {name: kind}) for kind in (channel, more))
    before, after = (truth.first_orders(market(kind, 4.0, seed=5)).sum(axis=(0, 2)) for kind in recipes)
    place = list(recipe.channels).index(name)
    stated = truth.acquisition_growth(market(recipe, 4.0, seed=5))["elasticity_of_new_customers"][name]
    assert stated["of_the_channel"] == pytest.approx(np.log(after[place] / before[place]) / np.log(1.1), abs=0.04)
    assert stated["of_all_channels"] == pytest.approx(np.log(after.sum() / before.sum()) / np.log(1.1), abs=0.04)


def test_a_period_too_short_for_a_trend_has_none(monkeypatch):
    monkeypatch.setattr(truth, "MANY_CUSTOMERS", 5_000)
    recipe = RECIPES["sanli"].changed(observed_from="2024-01-01", observed_until="2024-12-31")
    found = truth.acquisition_growth(market(recipe, 1.0, seed=1))
    assert found["cac_growth_observed"] is None
    assert found["cac_growth_at_constant_spend"] is None
    without_spend = truth.acquisition_growth(market(recipe.with_channels(spend_per_day=0.0), 1.0, seed=1))
    assert without_spend["cac_growth_observed"] is None
    assert without_spend["cac_growth_by_channel"] == {}


def test_an_effect_nobody_was_watched_for_is_blank():
    brand = simulate("yunzuo", customers=300, seed=1, pool_opens=10**6)
    for effects in truth.effect_of_joining(brand.life).values():
        assert effects["joiners"] == 0
        assert set(effects["orders"].values()) == {None}


@pytest.mark.parametrize("settings", [{"history": "truncated"}, {"selection": "hidden"}, {"selection": "randomised"}])
def test_the_effect_can_be_recounted_from_the_tables_of_both_worlds(settings):
    """Orders, repurchase and spend of joiners in the days after joining, to the second, from nothing but tables."""
    brand = simulate("xiaoman", customers=1_500, seed=8, **settings)
    other = live(brand.life.market, World(joining=False), friends_of=brand.life)
    numbers = tables.customer_numbers(brand.life)
    after = numbers[brand.life.stays.person[brand.life.stays.door == FIRST_VISIT]]
    joined = brand.tables["members"].groupby("customer_id")["joined_at"].min()
    joined = joined[~joined.index.isin(after)]
    end = pd.Timestamp(brand.recipe.observed_until) + pd.Timedelta(days=1)
    for days, stated in truth.effect_of_joining(brand.life).items():
        whole = joined[joined + pd.Timedelta(days=days) <= end]
        mine, theirs = (_after(tables.orders(life), whole, days) for life in (brand.life, other))
        assert stated["joiners"] == len(whole)
        for name in ("orders", "repurchase", "spend"):
            assert stated[name]["effect"] == pytest.approx((mine[name] - theirs[name]).mean(), abs=2e-5), name
            assert stated[name]["without_pool"] == pytest.approx(theirs[name].mean(), abs=2e-5), name


def _after(orders: pd.DataFrame, joined: pd.Series, days: int) -> pd.DataFrame:
    since = orders["ordered_at"] - orders["customer_id"].map(joined)
    kept = orders[(since > pd.Timedelta(0)) & (since <= pd.Timedelta(days=days))]
    found = kept.groupby("customer_id")["amount"].agg(orders="size", spend="sum").reindex(joined.index).fillna(0)
    return found.assign(repurchase=(found["orders"] > 0).astype(float))
