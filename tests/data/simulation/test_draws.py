"""Draws: uniform, unrelated to one another, and belonging to whom they are for."""

import numpy as np
import pytest
from scipy import stats

from siyu_helpers.data.simulation.draws import Draws, mixed

# The first outputs of SplitMix64 for the seed 1234567, as printed by the reference implementation of S. Vigna
# (prng.di.unimi.it/splitmix64.c) and on rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64.
REFERENCE = (6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821)


def test_the_mixing_is_that_of_splitmix64():
    step = 0x9E3779B97F4A7C15
    states = np.array([(1234567 + place * step) % 2**64 for place in range(5)], dtype=np.uint64)
    assert mixed(states).tolist() == list(REFERENCE)


@pytest.mark.parametrize(
    "parts", [(np.arange(200_000),), (np.arange(400)[:, None], np.arange(500)[None, :]), (5, np.arange(200_000))]
)
def test_numbers_are_uniform_and_strictly_inside(parts):
    values = Draws(3).uniform("anything", *parts).ravel()
    assert 0 < values.min() < values.max() < 1
    # Seeded, so this cannot fail by chance; a generator that is not uniform would fail for most seeds.
    assert stats.kstest(values, "uniform").pvalue > 0.001


def test_neighbours_are_unrelated():
    """Persons, occasions, purposes and seeds next to one another: 200,000 pairs each, correlation below 4 errors."""
    person = np.arange(200_000)
    base = Draws(1).uniform("a", person, 1)
    others = (
        Draws(1).uniform("a", person + 1, 1), Draws(1).uniform("a", person, 2), Draws(1).uniform("b", person, 1),
        Draws(2).uniform("a", person, 1), Draws(1).uniform("a", 1, person),
    )  # fmt: skip
    for other in others:
        assert abs(np.corrcoef(base, other)[0, 1]) < 4 / np.sqrt(len(person))


def test_a_number_does_not_depend_on_the_company_or_the_order_of_asking():
    draws, person = Draws(9), np.arange(1000)
    together = draws.uniform("x", person, 4)
    mixed_up = np.random.default_rng(0).permutation(person)
    assert (draws.uniform("x", mixed_up, 4) == together[mixed_up]).all()
    assert Draws(9).uniform("x", 17, 4) == together[17]


def test_exponential_and_normal_have_their_moments():
    person = np.arange(400_000)
    exponential, normal = Draws(5).exponential("e", person), Draws(5).normal("n", person)
    assert (exponential.mean(), exponential.var()) == pytest.approx((1, 1), abs=0.02)
    assert (normal.mean(), normal.var()) == pytest.approx((0, 1), abs=0.01)


def test_not_even_the_extreme_bits_give_0_or_1(monkeypatch):
    """A quantile function is infinite there."""
    for bits in (0, 2**64 - 1):
        monkeypatch.setattr(Draws, "keys", lambda self, purpose, *parts, bits=bits: np.array([bits], dtype=np.uint64))
        assert 0 < Draws(1).uniform("x", 1)[0] < 1


def test_rare_events_are_as_rare_as_they_should_be():
    """Chances of one in a hundred thousand, for persons named by keys of their own and by week: Poisson counts."""
    draws, expected = Draws(11), 4_000_000 * 1e-5
    person = draws.keys("person", np.arange(20_000))
    below = above = 0
    for week in range(200):
        values = draws.uniform("rare", person, week)
        below, above = below + (values < 1e-5).sum(), above + (values > 1 - 1e-5).sum()
    assert stats.poisson.sf(max(below, above) - 1, expected) > 0.0005
    assert stats.poisson.cdf(min(below, above), expected) > 0.0005
