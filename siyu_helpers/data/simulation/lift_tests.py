"""Lift tests of an invented brand: what a channel causes, as a lot over its audience would have found it.

For the days of a test part of the audience, drawn by lot, is not shown the channel. The audience are those who would
touch it in these days (advertising platforms know them in both arms by the advertisement that was withheld, "ghost
ads": Johnson, Lewis and Nubbemeyer 2017, J. Marketing Research 54, 867-884). Everybody else is the same in both arms.

The test is lived beside the tables, in which nobody is held out: without it they are the same to the last byte.
"""

import datetime

import numpy as np

from siyu_helpers.data.simulation.acquisition import Market, World, journeys
from siyu_helpers.data.simulation.recipe import LiftTest

METHOD = "用户随机留白（在数据表之外模拟，表中无人被留白） / user holdout by lot, simulated beside the tables"


def results(market: Market) -> list[dict]:
    """The lift tests of a brand as its brand.yml states them.

    Returns
    -------
    list of dict
        channel, from, until, of, incremental (first orders placed in these days, scaled to the whole audience, less
        those without the channel), standard_error, method, spend (of the channel in these days). A test outside the
        period of the tables, of a channel that nobody would have met, or with no first order in one arm is not stated.
    """
    stated = []
    for test in _within_period(market):
        with_it, without_it, held_out = _audience(market, test)
        shown, withheld = with_it[~held_out], without_it[held_out]
        if min(shown.sum(), len(withheld)) == 0:
            continue
        size, rates = len(held_out), (shown.mean(), withheld.mean())
        variance = sum(rate * (1 - rate) / len(arm) for rate, arm in zip(rates, (shown, withheld), strict=True))
        days = slice(*_days(market, test))
        if not variance > 0:
            continue
        stated.append(
            _named(market, test)
            | {
                "incremental": round(float(size * (rates[0] - rates[1])), 1),
                "standard_error": round(float(size * np.sqrt(variance)), 2),
                "method": METHOD,
                "spend": round(float(market.spend[market.place(test.channel), days].sum()), 2),
            }
        )
    return stated


def truths(market: Market) -> list[dict]:
    """What these tests were to find: first orders in their days of the whole audience, with and without the channel.

    Friends whom these customers refer later are in neither. The interval of a test contains this number more often
    than it claims: its standard error is that of drawing a new audience too.
    """
    found = []
    for test in _within_period(market):
        with_it, without_it, _ = _audience(market, test)
        of_audience = {"audience": len(with_it), "orders_with": int(with_it.sum())}
        found.append(_named(market, test) | of_audience | {"incremental": int(with_it.sum() - without_it.sum())})
    return found


def _within_period(market: Market) -> list[LiftTest]:
    known = [test for test in market.recipe.lift_tests if market.place(test.channel) >= 0]
    return [test for test in known if _days(market, test)[1] <= market.recipe.days]


def _days(market: Market, test: LiftTest) -> tuple[int, int]:
    """First day of a test, and the day after its last, counted from day 0."""
    begin = market.recipe.first_day + test.from_day
    return begin, begin + test.days


def _named(market: Market, test: LiftTest) -> dict:
    begin, end = (market.recipe.start + datetime.timedelta(days=day) for day in _days(market, test))
    return {"channel": test.channel, "from": begin, "until": end - datetime.timedelta(days=1), "of": "new_customers"}


def _audience(market: Market, test: LiftTest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each visitor who would meet the channel: first order in these days with it, without it, and the lot."""
    during, place = _days(market, test), market.place(test.channel)
    with_it, without_it, held_out = [], [], []
    worlds = journeys(market), journeys(market, World(off=(test.channel,)), during)
    for factual, other in zip(*worlds, strict=True):
        meets = (factual.channel == place) & (factual.time >= during[0]) & (factual.time < during[1])
        who = np.flatnonzero(meets.any(axis=1))
        with_it.append(_ordered(factual.rows(who), during))
        without_it.append(_ordered(other.rows(who), during))
        lot = market.draws.uniform(f"lift test of {test.channel}", factual.key[who], test.from_day)
        held_out.append(lot < test.held_out)
    return np.concatenate(with_it), np.concatenate(without_it), np.concatenate(held_out)


def _ordered(visits, during: tuple[int, int]) -> np.ndarray:
    """Whether the first order is placed at a touch in these days."""
    time = visits.time[np.arange(len(visits.key)), np.maximum(visits.last, 0)]
    return (visits.last >= 0) & (time >= during[0]) & (time < during[1])
