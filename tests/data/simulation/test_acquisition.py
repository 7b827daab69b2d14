"""Acquisition: as many come as the recipe says, and switching a channel off takes away only what it brought."""

import dataclasses

import numpy as np
import pytest

from siyu_helpers.data.simulate import RECIPES
from siyu_helpers.data.simulation.acquisition import TOUCHES, Visits, World, journeys, market

RECIPE = RECIPES["xiaoman"]


@pytest.fixture(scope="module")
def brand():
    return market(RECIPE, 1.0, seed=5)


@pytest.fixture(scope="module")
def everybody(brand):
    return Visits.together(list(journeys(brand)))


def test_visits_follow_spend_season_and_price(brand):
    """Daily counts against the mean the recipe states: Pearson's chi-squared near its degrees of freedom."""
    for place, (name, channel) in enumerate(RECIPE.channels.items()):
        if not channel.visits_per_day:
            assert brand.visits[place].sum() == 0
            continue
        years = (np.arange(RECIPE.days) - RECIPE.first_day + 0.5) / 365.25
        mean = channel.visits_per_day * brand.season.level * (1 + channel.visit_growth) ** years
        # A brand with a complete history is not there before its first day.
        assert not brand.visits[place, : RECIPE.first_day].any()
        if channel.spend_per_day:
            mean *= (brand.spend[place] / channel.spend_per_day) ** channel.elasticity
            mean /= (1 + channel.cost_inflation) ** years
        mean, seen = mean[RECIPE.first_day :], brand.visits[place, RECIPE.first_day :]
        days = len(mean)
        pearson = ((seen - mean) ** 2 / mean).sum()
        assert abs(pearson - days) < 5 * np.sqrt(2 * days + (1 / mean).sum()), name


def test_spend_moves_for_reasons_of_its_own(brand):
    """The logarithm of weekly spend moves around trend and season with the recipe's standard deviation."""
    for place, channel in enumerate(RECIPE.channels.values()):
        if not channel.spend_per_day:
            assert not brand.spend[place].any()
            continue
        years = (np.arange(RECIPE.days) - RECIPE.first_day + 0.5) / 365.25
        planned = channel.spend_per_day * (1 + channel.spend_growth) ** years
        planned *= brand.season.level**channel.spend_follows_season
        weekly = np.log((brand.spend[place] / planned)[RECIPE.first_day :])[::7]
        assert weekly.std() == pytest.approx(channel.spend_shocks, rel=0.25)
        assert np.exp(weekly).mean() == pytest.approx(1, abs=4 * channel.spend_shocks / np.sqrt(len(weekly)))


def test_order_chances_and_turns_are_those_of_the_recipe(everybody, brand):
    names = brand.names
    first = everybody.channel[:, 0]
    for place, (name, channel) in enumerate(RECIPE.channels.items()):
        came = first == place
        if came.sum() < 1000:
            continue
        bought = (everybody.last[came] == 0).mean()
        assert bought == pytest.approx(channel.order_chance, abs=4 * np.sqrt(0.25 / came.sum())), name
        # A door into the pool leads nowhere before the pool opens.
        went_on = came & (everybody.last != 0) & (everybody.time[:, 1] > RECIPE.first_day + RECIPE.pool_opens)
        for to, chance in channel.next.items():
            share = (everybody.channel[went_on, 1] == names.index(to)).mean()
            assert share == pytest.approx(chance, abs=4 * np.sqrt(chance / went_on.sum()))


def test_a_journey_ends_at_its_order_and_goes_forward_in_time(everybody):
    there = everybody.channel >= 0
    touch = np.arange(TOUCHES)
    after = (everybody.last[:, None] >= 0) & (touch > everybody.last[:, None])
    assert not (there & after).any()
    times = np.where(there, everybody.time, np.inf)
    ordered = np.sort(times, axis=1)
    assert (np.where(np.isinf(ordered), 0, ordered) == np.where(np.isinf(times), 0, times)).all() or not (
        np.diff(np.where(there, everybody.time, np.nan), axis=1) <= 0
    ).any()
    assert len(np.unique(everybody.key)) == len(everybody.key)


@pytest.mark.parametrize("off", ["douyin_feed", "tmall_search", "wecom"])
def test_a_channel_switched_off_takes_only_its_own(everybody, brand, off):
    other = Visits.together(list(journeys(brand, World(off=(off,)))))
    assert (other.key == everybody.key).all()
    place = brand.names.index(off)
    assert not (other.channel == place).any()
    untouched = ~(everybody.channel == place).any(axis=1)
    assert (other.channel[untouched] == everybody.channel[untouched]).all()
    assert (other.last[untouched] == everybody.last[untouched]).all()
    # Nobody orders earlier, or anew, because a channel is gone.
    assert not ((other.last >= 0) & (everybody.last < 0)).any()
    if off != "wecom":
        came = everybody.channel[:, 0] == place
        stays = (other.channel[came, 0] >= 0).mean()
        assert stays == pytest.approx(RECIPE.channels[off].would_come_anyway, abs=4 * np.sqrt(0.25 / came.sum()))


def test_more_spend_adds_visits_and_takes_none_away():
    more = dataclasses.replace(RECIPE.channels["douyin_feed"], visits_per_day=30.0)
    less = market(RECIPE, 0.3, seed=5)
    grown = market(RECIPE.changed(channels=RECIPE.channels | {"douyin_feed": more}), 0.3, seed=5)
    assert (grown.visits >= less.visits).all()
    assert grown.visits.sum() > less.visits.sum()


def test_parts_do_not_matter(brand, everybody, monkeypatch):
    monkeypatch.setattr("siyu_helpers.data.simulation.acquisition.AT_A_TIME", 1_000)
    again = Visits.together(list(journeys(brand)))
    for name in ("key", "number", "channel", "time", "last", "joined"):
        assert (getattr(again, name) == getattr(everybody, name)).all()
