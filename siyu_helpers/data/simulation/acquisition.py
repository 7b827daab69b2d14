"""How people come: spend by channel and day, first visits, the touches of a journey, and who orders at its end."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import poisson

from siyu_helpers.data.simulation.draws import Draws
from siyu_helpers.data.simulation.recipe import Recipe
from siyu_helpers.data.simulation.seasons import Season

#: Longest journey to a first order, in touches.
TOUCHES = 5
#: Visits that are worked out at a time; bounds memory, changes nothing.
AT_A_TIME = 500_000
#: Everything a pool has no name for when a visitor would have come without the channel.
DIRECT = "direct"
ALWAYS = (-np.inf, np.inf)


@dataclass(frozen=True)
class World:
    """What is switched off: channels by name, the pool as a whole, or joining after the first order.

    The factual world switches nothing off.
    """

    off: tuple[str, ...] = ()
    pool: bool = True
    joining: bool = True


@dataclass
class Visits:
    """First visits and the touches that follow, one row a visitor.

    key : who. number : of the visit, the same in every world. origin : place of the first channel. channel (rows, 5)
    : place of the channel of each touch, -1 where there is none. time (rows, 5) : of each touch. last : touch at which
    the first order is placed, -1 for none. kind : place of the channel whose kind of customer this is: that of the last
    touch, also where it is off and the visitor came by itself. joined : touch at which the visitor joins the pool, -1
    for none.
    """

    key: np.ndarray
    number: np.ndarray
    origin: np.ndarray
    channel: np.ndarray
    time: np.ndarray
    last: np.ndarray
    kind: np.ndarray
    joined: np.ndarray

    def rows(self, chosen: np.ndarray) -> "Visits":
        """Some of the visits."""
        return Visits(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    @classmethod
    def together(cls, parts: list["Visits"]) -> "Visits":
        """Visits of several parts, in their order."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))


@dataclass(frozen=True)
class Market:
    """What a recipe, a size and a seed make of the market: the same for every world that is compared."""

    recipe: Recipe
    scale: float
    draws: Draws
    season: Season
    names: list[str]
    spend: np.ndarray  # (channels, days), in currency
    mean: np.ndarray  # (channels, days), mean of the number of first visits
    visits: np.ndarray  # (channels, days), how many there are

    def place(self, name: str) -> int:
        """Where a channel stands in the lists; -1 when the brand has no such channel."""
        return self.names.index(name) if name in self.names else -1


def market(recipe: Recipe, scale: float, seed: int) -> Market:
    """Spend and numbers of first visits.

    Parameters
    ----------
    recipe : Recipe
    scale : float
        How many times larger than in the recipe everything is: visits and spend alike.
    seed : int
    """
    draws = Draws(seed)
    season = Season(recipe.start, recipe.days, recipe.peaks, recipe.weekend, recipe.hours)
    spend = np.stack([_spend(recipe, name, scale, draws, season) for name in recipe.channels])
    mean = np.stack([_mean_visits(recipe, name, scale, season, spend[i]) for i, name in enumerate(recipe.channels)])
    # The same uniform number in every world: more spend adds visits and takes none away.
    luck = np.stack([draws.uniform(f"visits of {name}", np.arange(recipe.days)) for name in recipe.channels])
    visits = poisson.ppf(luck, mean).astype(np.int64)
    return Market(recipe, scale, draws, season, list(recipe.channels), spend, mean, visits)


def _years(recipe: Recipe) -> np.ndarray:
    # Years of the observed period: a brand whose history is truncated has the same first observed year.
    return (np.arange(recipe.days) - recipe.first_day + 0.5) / 365.25


def _open(recipe: Recipe) -> np.ndarray:
    """1 on days on which the brand exists; a brand with a complete history begins on `observed_from`."""
    return np.where(np.arange(recipe.days) >= recipe.first_day, 1.0, 1.0 * (recipe.history == "truncated"))


def _spend(recipe: Recipe, name: str, scale: float, draws: Draws, season: Season) -> np.ndarray:
    """Spend of one channel by day, rounded to cents."""
    channel = recipe.channels[name]
    weeks = np.arange(recipe.days) // 7
    shocks = channel.spend_shocks * draws.normal(f"spend of {name}", weeks) - channel.spend_shocks**2 / 2
    trend = (1 + channel.spend_growth) ** _years(recipe)
    planned = scale * channel.spend_per_day * trend * season.level**channel.spend_follows_season * _open(recipe)
    return np.round(planned * np.exp(shocks), 2)


def _mean_visits(recipe: Recipe, name: str, scale: float, season: Season, spend: np.ndarray) -> np.ndarray:
    """Mean of the number of first visits of one channel by day."""
    channel = recipe.channels[name]
    years = _years(recipe)
    mean = scale * channel.visits_per_day * season.level * (1 + channel.visit_growth) ** years * _open(recipe)
    if channel.spend_per_day > 0:
        mean = mean * (spend / (scale * channel.spend_per_day)) ** channel.elasticity
        mean = mean / (1 + channel.cost_inflation) ** years
    return mean


def journeys(market: Market, world: World = World(), during: tuple[float, float] = ALWAYS):
    """First visits with their touches, in parts that fit in memory.

    Parameters
    ----------
    market : Market
    world : World
    during : pair of float
        Days between which what the world switches off is not there; always, unless told otherwise.

    Yields
    ------
    Visits
        Everybody who comes, by channel and day; numbers of visits do not depend on the world.
    """
    first = 0
    for place in range(len(market.names)):
        counts = market.visits[place]
        edges = np.cumsum(counts)
        begin = 0
        while begin < len(counts):
            until = max(int(np.searchsorted(edges, (edges[begin - 1] if begin else 0) + AT_A_TIME)), begin + 1)
            part = _part(market, world, during, place, begin, min(until, len(counts)), first)
            first += int(counts[begin:until].sum())
            yield part
            begin = until


def _part(market: Market, world: World, during, place: int, begin: int, until: int, first: int) -> Visits:
    counts = market.visits[place][begin:until]
    day = np.repeat(np.arange(begin, until), counts)
    within = np.arange(len(day)) - np.repeat(np.cumsum(counts) - counts, counts)
    draws = market.draws
    key = draws.keys(f"visitor of {market.names[place]}", day, within)
    time = market.season.at_an_hour(day + draws.uniform("hour of first touch", key))
    visits = _touches(market, world, during, key, np.full(len(key), place, dtype=np.int8), time)
    visits.number = first + np.arange(len(key))
    return visits


def _touches(market: Market, world: World, during, key: np.ndarray, origin: np.ndarray, time: np.ndarray) -> Visits:
    """The touches of a journey: each draws where it goes on, and whether the order is placed at it."""
    recipe, draws = market.recipe, market.draws
    channels = np.full((len(key), TOUCHES), -1, dtype=np.int8)
    times = np.zeros((len(key), TOUCHES))
    onward, chance, door = _tables(market)
    closed = _closed(market, world)
    direct = market.place(DIRECT)
    anyway = np.array([recipe.channels[name].would_come_anyway for name in market.names])
    here, now = origin.astype(np.int64), time
    present_before = np.zeros(len(key))
    last = np.full(len(key), -1, dtype=np.int8)
    kind = origin.copy()
    joined = np.full(len(key), -1, dtype=np.int8)
    travelling = np.ones(len(key), dtype=bool)
    for touch in range(TOUCHES):
        seen = np.where(here >= 0, here, direct)
        affected = (now >= during[0]) & (now < during[1])
        if touch == 0:
            # Without its channel a visitor stays away, or comes by itself.
            lost = closed[seen] & affected
            stays = draws.uniform("would come anyway", key) < anyway[seen]
            travelling &= ~lost | (stays & (direct >= 0) & ~closed[direct])
            shown = np.where(lost, direct, seen)
        else:
            shown = seen
        there = travelling & (here >= 0) & ~(closed[shown] & affected) & (last < 0)
        there &= now < recipe.days
        there &= ~door[shown] | (now >= recipe.first_day + recipe.pool_opens)
        channels[there, touch] = shown[there]
        times[:, touch] = now
        joined[there & door[shown] & (joined < 0)] = touch
        # Whoever would have come anyway is no keener for coming by itself: the chance stays that of the channel.
        buys = draws.uniform("order at touch", key, touch) < chance[seen] * (1 + recipe.assist * present_before)
        last[there & buys] = touch
        kind[there & buys] = seen[there & buys]
        present_before += there
        if touch + 1 < TOUCHES:
            turn = draws.uniform("next touch", key, touch)
            goes = (turn[:, None] > onward[np.maximum(here, 0)]).sum(axis=1)
            here = np.where((here >= 0) & (goes < len(market.names)), goes, -1)
            gap = recipe.touch_gap * draws.exponential("gap to next touch", key, touch) + 1 / 1440
            # Moved to a waking hour, and still after the touch before.
            now = np.maximum(market.season.at_an_hour(now + gap), now + 1 / 1440)
    return Visits(key, np.zeros(len(key), dtype=np.int64), origin, channels, times, last, kind, joined)


def _tables(market: Market) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chances to go on (cumulative, by channel), chances to order, and which channels are doors into the pool."""
    channels = [market.recipe.channels[name] for name in market.names]
    onward = np.array([np.cumsum([channel.next.get(name, 0.0) for name in market.names]) for channel in channels])
    chance = np.array([channel.order_chance for channel in channels])
    return onward, chance, np.array([channel.door for channel in channels])


def _closed(market: Market, world: World) -> np.ndarray:
    """Which channels are not there in a world."""
    channels = market.recipe.channels
    doors = any(name in world.off and channels[name].door for name in channels)
    pool = world.pool and not doors
    return np.array([name in world.off or (not pool and channels[name].door) for name in market.names])
