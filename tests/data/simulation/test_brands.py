"""The three invented brands tell the stories they are there to tell."""

import numpy as np
import pytest

from siyu_helpers.data.simulate import RECIPES, SEEDS, simulate
from siyu_helpers.data.simulation import truth
from siyu_helpers.data.simulation.acquisition import World


@pytest.mark.parametrize(("name", "seed"), SEEDS.items())
def test_seeds_are_those_of_the_design(name, seed):
    assert list(SEEDS) == list(RECIPES) == ["xiaoman", "yunzuo", "sanli"]
    assert seed == list(RECIPES).index(name) + 1


@pytest.fixture(scope="module")
def pools():
    """What the pool brings over the whole period, and what it costs."""
    found = {}
    for name, recipe in RECIPES.items():
        brand = simulate(name, customers=recipe.customers, seed=SEEDS[name])
        brought = truth.without(brand.life, truth.totals(brand.life), World(pool=False))["contribution"]
        found[name] = brought / brand.tables["pool_costs"]["amount"].sum()
    return found


def test_xiaomans_pool_works_yunzuos_cannot_pay_and_sanlis_just_does(pools):
    assert pools["xiaoman"] > 1.5
    assert pools["yunzuo"] < 0.6
    assert 0.8 < pools["sanli"] < 1.5


@pytest.mark.parametrize(
    ("name", "quarter", "year"), [("xiaoman", 0.46, 0.69), ("yunzuo", 0.03, 0.08), ("sanli", 0.61, 0.77)]
)
def test_customers_come_back_as_the_trade_would_expect(name, quarter, year):
    """Second order within 90 and 365 days; levels agreed with a practitioner, kept from drifting."""
    orders = simulate(name, seed=SEEDS[name]).life.orders
    first = np.full(orders.person.max() + 1, np.inf)
    second = first.copy()
    np.minimum.at(first, orders.person[orders.number == 1], orders.time[orders.number == 1])
    np.minimum.at(second, orders.person[orders.number == 2], orders.time[orders.number == 2])
    long = first < orders.time.max() - 365
    waited = second[long] - first[long]
    assert (waited <= 90).mean() == pytest.approx(quarter, abs=0.03)
    assert (waited <= 365).mean() == pytest.approx(year, abs=0.03)


def test_every_channel_has_a_name_in_both_languages_and_every_brand_a_note():
    for recipe in RECIPES.values():
        for text in (recipe.name, recipe.note, *(channel.name for channel in recipe.channels.values())):
            assert set(text) == {"zh", "en"}
            assert all(text.values())
            assert "顾客" not in text["zh"]
