"""Everybody's life week by week: orders, dropping out, joining and leaving the pool, messages, referrals.

What a customer does in a week depends on the state at its beginning, and on random numbers of the customer's own. A
world in which something is switched off therefore differs from the factual one only through what was switched off.
"""

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from scipy.special import betaincinv, gammaincinv

from siyu_helpers.data.simulation.acquisition import Market, Visits, World, journeys
from siyu_helpers.data.simulation.recipe import Recipe
from siyu_helpers.data.simulation.seasons import in_writing_hours

NEVER = np.inf
#: A customer who has not ordered for longer is out of reach: no card in a parcel, no service contact.
REACHED_FOR = 365
#: Weeks over which messages are held against orders.
PRESSURE_WEEKS = 13
REASONS = ("stays", "leaves", "opts out", "account banned")
NO_REFERRER = -1
FIRST_VISIT, RECOVERY = "presale_chat", "reassigned"


@dataclass
class Orders:
    """Purchases in the order in which they were worked out; a purchase is one visit to the till.

    person : who. time : days. occasion : which chance to order this was, from 1; names its random numbers. number :
    which order of the person it is, from 1. joined_since : days since joining the pool, -1 outside it. texted : in the
    two weeks after a text message.
    """

    person: np.ndarray
    time: np.ndarray
    occasion: np.ndarray
    number: np.ndarray
    joined_since: np.ndarray
    texted: np.ndarray


@dataclass
class Stays:
    """Stays in the pool: who, from when, until when (inf: still there), on which account, through which door, why left.

    `door` is "presale_chat" (before the first order), the recipe's `card`, "invitation" or "reassigned" (from a banned
    account); `why` is a place in `REASONS`.
    """

    person: np.ndarray
    joined: np.ndarray
    left: np.ndarray
    account: np.ndarray
    door: np.ndarray
    why: np.ndarray


@dataclass
class Life:
    """One world lived through: persons, their orders and stays, accounts, who was invited and texted.

    persons : one entry a person and field (key, rate, first_order, first_channel, referrer, tier, distance, ...).
    visits : the journey of everybody who ordered or joined, in the order of persons that were not referred.
    """

    market: Market
    world: World
    persons: dict[str, np.ndarray]
    visits: Visits
    orders: Orders
    stays: Stays
    accounts: dict[str, np.ndarray]
    invited: dict[str, np.ndarray]
    texted: dict[str, np.ndarray]
    referrals: dict[str, np.ndarray]  # key of the friend, when the first order comes, who referred


def joining_chance(recipe: Recipe, orders, days_since_order, first_channel_factor=1.0, rate_factor=1.0):
    """Chance that a customer outside the pool joins in a week, from what the tables hold before that week.

    Parameters
    ----------
    recipe : Recipe
    orders : array of int
        Days with an order before the week, from `observed_from` on: at least 1.
    days_since_order : array of float
        Days from the last order to the beginning of the week.
    first_channel_factor : array of float
        `joining` of the channel of the first order that the tables hold.
    rate_factor : array of float
        The customer's own order rate over the mean: enters only under `selection: hidden`.

    Returns
    -------
    array of float
        Shares; 0 for somebody whose last order is more than 365 days ago, and never above 0.5.

    Example
    -------
    >>> from siyu_helpers.data.simulate import RECIPES
    >>> recipe = RECIPES["xiaoman"].changed(joining_base=0.04, joining_frequency=0.5, joining_memory=40)
    >>> joining_chance(recipe, np.array([1, 4]), np.array([0.0, 0.0]))
    array([0.04, 0.08])
    """
    if recipe.selection == "randomised":
        return np.zeros(np.shape(orders))
    chance = recipe.joining_base * np.asarray(orders, dtype=float) ** recipe.joining_frequency
    chance = chance * np.exp(-np.asarray(days_since_order) / recipe.joining_memory) * first_channel_factor
    if recipe.selection == "hidden":
        chance = chance * np.asarray(rate_factor) ** recipe.hidden_power
    return np.where(np.asarray(days_since_order) > REACHED_FOR, 0.0, np.minimum(chance, 0.5))


def live(market: Market, world: World = World(), friends_of: Life | None = None) -> Life:  # noqa: B008 - frozen
    """Live through a world, from its first day to its last.

    Parameters
    ----------
    market : Market
        Spend and visits, the same for every world that is compared.
    world : World
        What is switched off.
    friends_of : Life, optional
        Let the very friends come who were referred in that world, whoever is referred in this one: then the same
        persons live in both.
    """
    return _Loop(market, world, friends_of).run()


_FIELDS = {
    "key": np.uint64, "first_order": float, "first_channel": np.int8, "referrer": np.int64, "visit": np.int64,
    "early_join": float, "ease": np.float32, "rate": float, "dropout": np.float32, "death": float, "tier": np.int8,
    "distance": np.float32, "store": np.int8, "text_free": bool, "no_promotions": bool,
}  # fmt: skip


@dataclass
class _State:
    """What changes from week to week, one entry a person."""

    clock: np.ndarray  # busy days x rate still to pass before the next occasion
    due: np.ndarray  # when an occasion that was put off to another day will be, inf for none
    credit: np.ndarray  # busy days x rate that passed while it was put off
    day: np.ndarray  # of the last occasion, whether or not it became an order
    last: np.ndarray  # time of the last order
    orders: np.ndarray
    seen: np.ndarray  # orders from `observed_from` on
    ease: np.ndarray  # `joining` of the channel of the first of those
    occasion: np.ndarray
    alive: np.ndarray  # can still order
    stay: np.ndarray  # place of the running stay, -1 outside the pool
    joined: np.ndarray  # when the running or last stay began, inf before any
    left: np.ndarray  # when it ended, inf while it runs
    first_joined: np.ndarray
    texted: np.ndarray  # beginning of the week of the last text message
    text_left: np.ndarray  # has answered T
    back: np.ndarray  # when a member of a banned account comes back
    recent: np.ndarray  # (13, persons) orders by week, a ring


#: What a person's state is before anything has happened: type and value.
_FRESH = {
    "clock": (float, 0.0), "due": (float, NEVER), "credit": (float, 0.0), "day": (np.int32, -1),
    "last": (float, -NEVER), "orders": (np.int32, 0), "seen": (np.int32, 0), "ease": (np.float32, 1.0),
    "occasion": (np.int32, 0), "alive": (bool, False), "stay": (np.int64, -1), "joined": (float, NEVER),
    "left": (float, NEVER), "first_joined": (float, NEVER), "texted": (float, -NEVER), "text_left": (bool, False),
    "back": (float, NEVER),
}  # fmt: skip


@dataclass
class _Log:
    """Rows as they come, in parts."""

    parts: dict[str, list] = field(default_factory=dict)

    def add(self, **columns) -> None:
        for name, values in columns.items():
            self.parts.setdefault(name, []).append(values)

    def joined(self, **dtypes) -> dict[str, np.ndarray]:
        return {
            name: np.concatenate([np.empty(0, dtype), *(np.asarray(p).astype(dtype) for p in self.parts.get(name, []))])
            for name, dtype in dtypes.items()
        }


class _Loop:
    def __init__(self, market: Market, world: World, friends_of: Life | None = None):
        self.market, self.world, self.recipe = market, world, market.recipe
        self.draws, self.season = market.draws, market.season
        channels = self.recipe.channels
        doors_off = any(name in world.off and channels[name].door for name in channels)
        self.pool_open = world.pool and not doors_off
        self.pool_day = self.recipe.first_day + self.recipe.pool_opens
        self.store_opens = opening_days(market)
        self.referral = market.place("referral")
        self.orders, self.invited, self.texts, self.referrals = _Log(), _Log(), _Log(), _Log()
        self.referred: dict[int, list] = {}
        self.own_friends = friends_of is None
        if friends_of is not None:
            self._invite_friends(**friends_of.referrals)
        self.stays: dict[str, list] = {name: [] for name in Stays.__dataclass_fields__}
        self.n_stays = 0
        self.accounts: dict[str, list] = {"opened": [], "banned": [], "members": []}

    def run(self) -> Life:
        self._arrive()
        for week in range(-(-self.recipe.days // 7)):
            self.week, self.begin = week, 7.0 * week
            self.end = min(self.begin + 7.0, float(self.recipe.days))
            self._enter()
            rate, change, after = self._pool_week()
            self._first_orders()
            self._orders_of_week(rate, change, after)
        return self._life()

    # --- persons -------------------------------------------------------------------------------------------------

    def _arrive(self) -> None:
        """Everybody whom the channels bring, in the order of time."""
        parts = []
        for visits in journeys(self.market, self.world):
            visits = self._met_in_time(visits)
            kept = (visits.last >= 0) | (visits.joined >= 0)
            parts.append(visits.rows(np.flatnonzero(kept)))
        self.visits = Visits.together(parts)
        rows = np.arange(len(self.visits.key))
        # From the last touch to payment it takes some minutes.
        paying = (1 + 19 * self.draws.uniform("minutes to pay", self.visits.key)) / 1440
        order = np.where(self.visits.last >= 0, self.visits.time[rows, np.maximum(self.visits.last, 0)] + paying, NEVER)
        join = np.where(self.visits.joined >= 0, self.visits.time[rows, np.maximum(self.visits.joined, 0)], NEVER)
        entry = np.minimum(order, join)
        place = np.lexsort((self.visits.key, entry))
        self.visits = self.visits.rows(place)
        channel = self.visits.channel[rows, np.maximum(self.visits.last, 0)]
        self.waiting = self._drawn(
            self.visits.key, order[place], channel, self.visits.kind, np.full(len(rows), NO_REFERRER),
            self.visits.number, join[place],
        )  # fmt: skip
        self.entry = entry[place]
        self.entered = 0
        self.persons = {name: self.waiting[name][:0] for name in _FIELDS}
        self.count = 0
        self.state = _State(**{name: np.empty(0, dtype) for name, (dtype, _) in _FRESH.items()},
                            recent=np.empty((PRESSURE_WEEKS, 0), np.uint8))  # fmt: skip

    def _met_in_time(self, visits: Visits) -> Visits:
        """Visits in which nobody has joined whose own store was not open yet."""
        if not self.recipe.roll_out_days:
            return visits
        met = visits.time[np.arange(len(visits.key)), np.maximum(visits.joined, 0)]
        late = met < self.store_opens[stores_of(self.market, visits.key)]
        return dataclasses.replace(visits, joined=np.where(late, -1, visits.joined).astype(visits.joined.dtype))

    def _drawn(self, key, first_order, channel, kind, referrer, visit, early_join) -> dict[str, np.ndarray]:
        """What a person is like, from the key alone and the kind of customer a channel brings."""
        recipe, draws = self.recipe, self.draws
        rate = gammaincinv(recipe.order_shape, draws.uniform("order rate", key)) / recipe.order_scale
        quality, joining = (
            np.array([getattr(recipe.channels[name], field) for name in self.market.names])
            for field in ("quality", "joining")
        )
        rate = rate * quality[kind]
        distance = np.zeros(len(key))
        store = np.full(len(key), -1)
        if recipe.stores:
            distance = np.minimum(recipe.distance_mean * gammaincinv(2.0, draws.uniform("distance", key)) / 2, 8.0)
            store = stores_of(self.market, key)
            rate = rate * (1 - recipe.distance_slope) ** (distance - recipe.distance_mean)
        dropout, death = np.zeros(len(key)), np.full(len(key), NEVER)
        if recipe.process == "pareto_nbd":
            hazard = gammaincinv(recipe.dropout_shape, draws.uniform("dropout rate", key)) / recipe.dropout_scale
            death = first_order + draws.exponential("lifetime", key) / np.maximum(hazard, 1e-12)
        else:
            dropout = betaincinv(recipe.dropout_a, recipe.dropout_b, draws.uniform("dropout rate", key))
        tiers = np.cumsum(list(recipe.city_tiers.values()))
        values = {
            "key": key, "first_order": first_order, "first_channel": channel, "referrer": referrer, "visit": visit,
            "early_join": early_join, "ease": joining[kind], "rate": rate, "dropout": dropout, "death": death,
            "tier": np.searchsorted(tiers / tiers[-1], draws.uniform("city", key)), "distance": distance,
            "store": store, "text_free": draws.uniform("text holdout", key) < recipe.sms_holdout,
            "no_promotions": draws.uniform("promotion holdout", key) < recipe.holdout,
        }  # fmt: skip
        return {name: np.asarray(values[name]).astype(dtype) for name, dtype in _FIELDS.items()}

    def _enter(self) -> None:
        """New persons of this week: those who order or join in it, and friends who were referred."""
        until = int(np.searchsorted(self.entry, self.end))
        new = {name: self.waiting[name][self.entered : until] for name in _FIELDS}
        self.entered = until
        referred = self.referred.pop(self.week, [])
        if referred:
            key, time, referrer = (np.concatenate(column) for column in zip(*referred, strict=True))
            placed = np.lexsort((key, time))
            key, time, referrer = key[placed], time[placed], referrer[placed]
            nowhere = np.full(len(key), -1)
            channel = np.full(len(key), self.referral, dtype=np.int8)
            brought = self._drawn(key, time, channel, channel, referrer, nowhere, np.full(len(key), NEVER))
            new = {name: np.concatenate([new[name], brought[name]]) for name in _FIELDS}
        self._append(new)

    def _first_orders(self) -> None:
        """First orders of this week, after it is known who is in the pool when."""
        first = self.persons["first_order"]
        starting = np.flatnonzero((first >= self.begin) & (first < self.end))
        self._record(starting, first[starting], self._joined_since(starting, first[starting]))
        state = self.state
        state.clock[starting] = self.draws.exponential("gap", self.persons["key"][starting], 1)
        state.alive[starting], state.day[starting] = True, np.floor(first[starting])
        if self.recipe.process == "mbg_nbd":
            chance = self.draws.uniform("drop out", self.persons["key"][starting], 1)
            state.alive[starting] = chance >= self.persons["dropout"][starting]

    def _append(self, new: dict[str, np.ndarray]) -> None:
        many = len(new["key"])
        self.persons = {name: np.concatenate([self.persons[name], new[name]]) for name in _FIELDS}
        for name, (dtype, value) in _FRESH.items():
            setattr(self.state, name, np.concatenate([getattr(self.state, name), np.full(many, value, dtype)]))
        self.state.recent = np.concatenate([self.state.recent, np.zeros((PRESSURE_WEEKS, many), np.uint8)], axis=1)
        self.count += many

    # --- the pool ------------------------------------------------------------------------------------------------

    def _pool_week(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Who joins, who leaves, who is written to; order rates before and after the change within this week."""
        self._text()
        before = self.persons["rate"] * self._influence(self.state.stay >= 0)
        change = np.full(self.count, self.end)
        inside = self.state.stay >= 0
        if self.pool_open and self.end > self.pool_day:
            members = np.flatnonzero(inside)  # those who join this week are not written to before the next
            self.freed = np.zeros(0, dtype=int)
            leaving, leave_time = self._leave(members)
            joining, join_time = self._join()
            # Places that became free in this week are given away from the next on.
            for account, many in enumerate(self.freed.tolist()):
                self.accounts["members"][account] -= many
            change[leaving], change[joining] = leave_time, join_time
        # The oldest of the last 13 weeks makes room for this one.
        self.state.recent[self.week % PRESSURE_WEEKS] = 0
        after = self.persons["rate"] * self._influence(self.state.stay >= 0)
        return before, change, after

    def _influence(self, inside: np.ndarray) -> np.ndarray:
        """How many times its own rate a person orders at in this week."""
        recipe, state = self.recipe, self.state
        factor = np.ones(self.count)
        members = np.flatnonzero(inside)
        since = np.maximum(self.begin - state.first_joined[members], 0)
        written = 0.0
        if recipe.messages_per_month > 0:
            sent = recipe.messages_per_month
            written = recipe.message_lift * sent / (sent + recipe.message_half)
        written = np.where(self.persons["no_promotions"][members], 0.0, written)
        factor[members] += recipe.effect_on_frequency * np.exp(-since / recipe.fade_days) + written
        if recipe.sms_lift:
            factor[self._texted(slice(None))] *= 1 + recipe.sms_lift
        return factor

    def _join(self) -> tuple[np.ndarray, np.ndarray]:
        recipe, state, persons = self.recipe, self.state, self.persons
        outside = (state.stay < 0) & np.isinf(state.first_joined) & (state.seen > 0)
        # First orders of this very week are not history yet.
        outside &= (state.last >= self.begin - REACHED_FOR) & (persons["first_order"] < self.begin)
        who = np.flatnonzero(outside)
        mean = recipe.order_shape / recipe.order_scale
        chance = joining_chance(recipe, state.seen[who], self.begin - state.last[who], state.ease[who],
                                persons["rate"][who] / mean)  # fmt: skip
        joins = self.draws.uniform("joining", persons["key"][who], self.week) < chance
        opens = self.store_opens[persons["store"][who]]
        open_to_customers = self.world.joining & (self.begin >= opens)  # from the first whole week on
        joins &= open_to_customers
        invited = self._invite(who, self.begin >= opens) & open_to_customers
        time = self.begin + 7 * self.draws.uniform("time of joining", persons["key"][who], self.week)
        time = self.season.at_an_hour(time)
        early = np.flatnonzero((persons["early_join"] >= self.begin) & (persons["early_join"] < self.end))
        back = np.flatnonzero((state.back >= self.begin) & (state.back < self.end))
        state.back[back] = NEVER
        found = (
            (who[joins & ~invited], time[joins & ~invited], recipe.card), (who[invited], time[invited], "invitation"),
            (early, persons["early_join"][early], FIRST_VISIT),
            (back, self.begin + 7 * self.draws.uniform("back", persons["key"][back], self.week), RECOVERY),
        )  # fmt: skip
        person = np.concatenate([part[0] for part in found])
        times = np.concatenate([part[1] for part in found])
        doors = np.concatenate([np.full(len(part[0]), part[2], dtype="U16") for part in found])
        order = np.lexsort((persons["key"][person], times))
        order = order[times[order] < recipe.days]  # the last week may be cut short
        self._open_stays(person[order], times[order], doors[order])
        return person[order], times[order]

    def _invite(self, who: np.ndarray, can_join: np.ndarray) -> np.ndarray:
        """Draws lots among those whose first order was two weeks ago; True for those who are invited and join."""
        recipe, persons = self.recipe, self.persons
        from_day, until = recipe.first_day + recipe.invite_from, recipe.first_day + recipe.invite_until
        from_day = max(from_day, self.pool_day)  # nobody can follow an invitation to a pool that is not open
        if not recipe.invitations or not from_day <= self.begin < until:
            return np.zeros(len(who), dtype=bool)
        key = persons["key"][who]
        due = (np.floor(persons["first_order"][who] / 7) == self.week - 2) & can_join
        lot = self.draws.uniform("invitation", key) < recipe.invitations
        self.invited.add(person=who[due], time=np.full(due.sum(), self.begin), arm=lot[due])
        chance = np.full(len(who), recipe.invited_join)
        if recipe.selection != "observed":
            # Those who would buy more anyway also accept more readily: only the lot itself is beyond doubt.
            mean = recipe.order_shape / recipe.order_scale
            chance = np.minimum(chance * (persons["rate"][who] / mean) ** (0.5 * recipe.hidden_power), 1.0)
        return due & lot & (self.draws.uniform("accepts", key) < chance)

    def _open_stays(self, person: np.ndarray, time: np.ndarray, door: np.ndarray) -> None:
        if not len(person):
            return
        state = self.state
        state.stay[person] = self.n_stays + np.arange(len(person))
        state.joined[person] = time
        state.left[person] = NEVER
        state.first_joined[person] = np.minimum(state.first_joined[person], time)
        account = np.empty(len(person), dtype=np.int64)
        done = 0
        while done < len(person):
            place = self._account_with_room(time[done])
            taken = min(self.recipe.account_size - self.accounts["members"][place], len(person) - done)
            account[done : done + taken] = place
            self.accounts["members"][place] += taken
            done += taken
        for name, values in (
            ("person", person), ("joined", time), ("left", np.full(len(person), NEVER)), ("account", account),
            ("door", door), ("why", np.zeros(len(person), dtype=np.int8)),
        ):  # fmt: skip
            self.stays[name].append(values)
        self.n_stays += len(person)

    def _account_with_room(self, time: float) -> int:
        accounts, size = self.accounts, self.recipe.account_size
        newest = len(accounts["opened"]) - 1
        if newest < 0 or accounts["members"][newest] >= size or accounts["banned"][newest] < NEVER:
            accounts["opened"].append(max(float(np.floor(time)), 0.0))
            accounts["banned"].append(NEVER)
            accounts["members"].append(0)
            newest += 1
        return newest

    def _stay_columns(self) -> dict[str, np.ndarray]:
        """Stays as whole arrays; they are changed in place."""
        if self.n_stays and (len(self.stays["person"]) > 1):
            self.stays = {name: [np.concatenate(parts)] for name, parts in self.stays.items()}
        return {name: parts[0] for name, parts in self.stays.items()} if self.n_stays else {}

    def _leave(self, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Leavers of this week and when: of their own accord, because of a message, or with a banned account."""
        if not len(members):
            return members, np.empty(0)
        recipe, draws, state = self.recipe, self.draws, self.state
        columns = self._stay_columns()
        key = self.persons["key"][members]
        time, why = np.full(len(members), NEVER), np.zeros(len(members), dtype=np.int8)
        own = draws.uniform("leaves", key, self.week) < recipe.churn
        time[own] = (self.begin + 7 * draws.uniform("time of leaving", key, self.week))[own]
        why[own] = 1
        opted = self._opt_out(members, key)
        why[opted < time] = 2
        time = np.minimum(time, opted)
        banned = self._ban()[columns["account"][state.stay[members]]]
        why[banned < time] = 3
        time = np.minimum(time, banned)
        gone = time < self.end
        who, when = members[gone], np.maximum(time[gone], state.joined[members[gone]])
        places = state.stay[who]
        columns["left"][places], columns["why"][places] = when, why[gone]
        self.freed = np.bincount(columns["account"][places], minlength=len(self.accounts["members"]))
        state.stay[who] = -1
        state.left[who] = when
        lost = who[why[gone] == 3]
        found = draws.uniform("found again", self.persons["key"][lost]) < recipe.recovered
        delay = 7 + 14 * draws.uniform("days until found", self.persons["key"][lost])
        state.back[lost[found]] = (self.begin + delay)[found]
        return who, when

    def _opt_out(self, members: np.ndarray, key: np.ndarray) -> np.ndarray:
        """When each member answers a promotion by leaving; inf for those who do not."""
        sent = promotions(self.market, key, self.week, self.persons["no_promotions"][members])
        recent = self.state.recent[:, members].sum(axis=0)
        chance = opt_out_chance(self.recipe, recent)
        left = np.full(len(members), NEVER)
        for message in range(int(sent.max(initial=0))):
            leaves = (message < sent) & (self.draws.uniform("opts out", key, self.week, message) < chance)
            first = leaves & np.isinf(left)
            left[first] = message_time(self.market, key[first], self.week, message) + 5 / 1440
        return left

    def _ban(self) -> np.ndarray:
        """When each account is banned in this week; inf for those that are not."""
        accounts = self.accounts
        places = np.arange(len(accounts["opened"]))
        chance = 1 - (1 - self.recipe.ban_chance) ** (7 / 30.4375)
        hit = (self.draws.uniform("ban", places, self.week) < chance) & np.isinf(np.array(accounts["banned"]))
        hit &= np.array(accounts["opened"]) < self.begin
        time = np.where(hit, self.begin + 7 * self.draws.uniform("time of ban", places, self.week), NEVER)
        time[time >= self.end] = NEVER
        accounts["banned"] = np.minimum(accounts["banned"], time).tolist()
        return time

    def _text(self) -> None:
        """A text message to customers who sleep, every so many weeks."""
        recipe, state = self.recipe, self.state
        if not recipe.sms_after or self.begin < recipe.first_day or "sms" in self.world.off:
            return
        turn = self.persons["key"] % np.uint64(recipe.sms_every) == np.uint64(self.week % recipe.sms_every)
        asleep = (state.last < self.begin - recipe.sms_after) & (state.last >= self.begin - REACHED_FOR)
        who = np.flatnonzero(turn & asleep & ~state.text_left & ~self.persons["text_free"])
        state.texted[who] = self.begin
        leaves = self.draws.uniform("answers T", self.persons["key"][who], self.week) < recipe.sms_opt_out
        state.text_left[who] = leaves
        self.texts.add(person=who, week=np.full(len(who), self.week), opted_out=leaves)

    # --- orders --------------------------------------------------------------------------------------------------

    def _orders_of_week(self, before: np.ndarray, change: np.ndarray, after: np.ndarray) -> None:
        alive = np.flatnonzero(self.state.alive)
        start = np.maximum(self.begin, self.persons["first_order"][alive])
        death = self.persons["death"][alive]
        stop = np.minimum(np.minimum(change[alive], self.end), death)
        self._advance(alive, start, stop, before[alive])
        again = alive[(change[alive] < self.end) & self.state.alive[alive]]
        start = np.maximum(change[again], self.persons["first_order"][again])
        self._advance(again, start, np.minimum(self.end, self.persons["death"][again]), after[again])
        self.state.alive[alive] &= self.persons["death"][alive] > self.end

    def _advance(self, who, start, stop, rate) -> None:
        """Let each person's own clock run from start to stop, and record an order whenever it has run down."""
        state, season = self.state, self.season
        going = stop > start
        who, start, stop, rate = who[going], start[going], stop[going], rate[going]
        while len(who):
            put_off = np.isfinite(state.due[who])
            busy = season.busy(start)
            passing = np.where(put_off, 0.0, rate * (season.busy(stop) - busy))
            waited = state.clock[who]
            state.clock[who] = np.maximum(waited - passing, 0)
            hit = (waited <= passing) | put_off
            who, start, stop, rate = who[hit], start[hit], stop[hit], rate[hit]
            time = np.where(put_off[hit], state.due[who], season.time(busy[hit] + waited[hit] / rate))
            # Whoever has ordered today comes back tomorrow at the earliest: a day is one purchase.
            tomorrow = state.day[who] + 1.0
            hour = self.draws.uniform("hour", self.persons["key"][who], state.occasion[who])
            early, moved = time < tomorrow, season.at_an_hour(tomorrow + hour)
            # The wait counts towards the next gap: putting off an order makes nobody a slower buyer.
            state.credit[who[early]] = (rate * (season.busy(moved) - season.busy(time)))[early]
            time = np.where(early, moved, time)
            in_time = time < stop
            state.due[who] = np.where(in_time, NEVER, time)
            who, start, stop, rate, time = (values[in_time] for values in (who, start, stop, rate, time))
            self._happen(who, time)
            going = state.alive[who]
            who, start, stop, rate = who[going], time[going], stop[going], rate[going]

    def _happen(self, who: np.ndarray, time: np.ndarray) -> None:
        """Occasions of one round: most become orders; then the next gap is drawn, or the customer drops out."""
        state, key = self.state, self.persons["key"][who]
        state.day[who] = np.floor(time)
        since = self._joined_since(who, time)
        kept = np.ones(len(who), dtype=bool)
        if self.world.off:
            kept = ~self._lost(key, state.occasion[who] + 1, since >= 0, self._texted(who))
        self._record(who[kept], time[kept], since[kept])
        state.occasion[who[~kept]] += 1
        occasion = state.occasion[who]
        state.clock[who] = np.maximum(self.draws.exponential("gap", key, occasion) - state.credit[who], 0)
        state.credit[who] = 0
        if self.recipe.process != "pareto_nbd":
            stays = np.where(since >= 0, 1 - self.recipe.effect_on_dropout, 1.0)
            # Also where the order is lost: without a channel nobody becomes more loyal.
            gone = self.draws.uniform("drop out", key, occasion) < self.persons["dropout"][who] * stays
            state.alive[who[gone]] = False

    def _lost(self, key, occasion, inside, texted) -> np.ndarray:
        """Occasions whose trigger is switched off and that need it."""
        trigger = triggers(self.market, key, occasion, inside, texted)
        anyway = np.array([self.recipe.channels[name].would_come_anyway for name in self.market.names])[trigger]
        off = np.array([name in self.world.off for name in self.market.names])[trigger]
        return off & (self.draws.uniform("orders anyway", key, occasion) >= anyway)

    def _joined_since(self, who: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Days since first joining for those who are members at that moment, -1 for others."""
        state = self.state
        inside = (state.joined[who] <= time) & (time < state.left[who])
        return np.where(inside, time - np.where(inside, state.first_joined[who], 0), -1.0)

    def _record(self, who: np.ndarray, time: np.ndarray, since: np.ndarray) -> None:
        state = self.state
        state.orders[who] += 1
        state.occasion[who] += 1
        state.last[who] = time
        state.recent[self.week % PRESSURE_WEEKS, who] += 1
        self._see(who[time >= self.recipe.first_day])
        self.orders.add(person=who, time=time, occasion=state.occasion[who].copy(),
                        number=state.orders[who].copy(), joined_since=since,
                        texted=self._texted(who))  # fmt: skip
        self._refer(who, time, since >= 0)

    def _texted(self, who: np.ndarray) -> np.ndarray:
        """Who was sent a text message in this week or the one before."""
        return self.state.texted[who] >= self.begin - 7

    def _see(self, who: np.ndarray) -> None:
        """Orders that the tables will hold; the first of them says through which channel the customer came."""
        state = self.state
        known = who[(state.seen[who] == 0) & (state.orders[who] == 1)]
        state.ease[known] = self.persons["ease"][known]
        # Of a customer older than the export, the tables take the first order they hold for the very first.
        older = who[(state.seen[who] == 0) & (state.orders[who] > 1)]
        inside = np.zeros(len(older), dtype=bool)  # no pool is open before the export begins
        ease = np.array([self.recipe.channels[name].joining for name in self.market.names])
        state.ease[older] = ease[
            triggers(self.market, self.persons["key"][older], state.occasion[older], inside, self._texted(older))
        ]
        state.seen[who] += 1

    def _refer(self, who: np.ndarray, time: np.ndarray, inside: np.ndarray) -> None:
        recipe = self.recipe
        if self.referral < 0 or not recipe.referral_chance or "referral" in self.world.off:
            return
        key, occasion = self.persons["key"][who], self.state.occasion[who]
        chance = recipe.referral_chance * np.where(inside, recipe.referral_in_pool, 1.0)
        refers = self.draws.uniform("refers", key, occasion) < chance
        friend = self.draws.keys("friend", key[refers], occasion[refers])
        # At least a week later: a friend's first order is never in a week that is being worked out.
        arrives = time[refers] + 7 + recipe.referral_delay * self.draws.exponential("friend comes", friend)
        arrives = self.season.at_an_hour(arrives)
        kept = arrives < recipe.days
        found = {"key": friend[kept], "time": arrives[kept], "referrer": who[refers][kept]}
        self.referrals.add(**found)
        if self.own_friends:
            self._invite_friends(**found)

    def _invite_friends(self, key: np.ndarray, time: np.ndarray, referrer: np.ndarray) -> None:
        for week in np.unique(time // 7):
            chosen = time // 7 == week
            self.referred.setdefault(int(week), []).append((key[chosen], time[chosen], referrer[chosen]))

    # --- the end -------------------------------------------------------------------------------------------------

    def _life(self) -> Life:
        orders = Orders(**self.orders.joined(person=np.int64, time=float, occasion=np.int32, number=np.int32,
                                             joined_since=np.float32, texted=bool))  # fmt: skip
        empty = {"person": np.int64, "joined": float, "left": float, "account": np.int64, "door": "U16", "why": np.int8}
        stays = Stays(**(self._stay_columns() or {name: np.empty(0, dtype) for name, dtype in empty.items()}))
        accounts = {name: np.array(values, dtype=float) for name, values in self.accounts.items()}
        return Life(
            self.market, self.world, self.persons, self.visits, orders, stays, accounts,
            self.invited.joined(person=np.int64, time=float, arm=bool),
            self.texts.joined(person=np.int64, week=np.int64, opted_out=bool),
            self.referrals.joined(key=np.uint64, time=float, referrer=np.int64),
        )  # fmt: skip


def stores_of(market: Market, key) -> np.ndarray:
    """The store of each person, the first ones being larger."""
    return np.floor(market.draws.uniform("store", key) ** 1.3 * market.recipe.stores).astype(np.int8)


def opening_days(market: Market) -> np.ndarray:
    """Day on which the pool opens at each store; one entry for brands without stores.

    Example
    -------
    >>> from siyu_helpers.data.simulate import simulate
    >>> brand = simulate("sanli", customers=100, seed=1, stores=4, pool_opens=100, roll_out_days=90)
    >>> sorted(opening_days(brand.life.market) - brand.recipe.first_day)
    [np.float64(100.0), np.float64(130.0), np.float64(160.0), np.float64(190.0)]
    """
    recipe = market.recipe
    stores = max(recipe.stores, 1)
    turn = np.argsort(np.argsort(market.draws.keys("store opens its pool", np.arange(stores))))
    return recipe.first_day + recipe.pool_opens + np.round(recipe.roll_out_days * turn / max(stores - 1, 1))


def promotions(market: Market, key, week, no_promotions) -> np.ndarray:
    """How many promotions each member is sent in a week."""
    a_week = market.recipe.messages_per_month * 7 / 30.4375
    sent = np.floor(a_week + market.draws.uniform("messages of week", key, week)).astype(np.int64)
    return np.where(no_promotions, 0, sent)


def message_time(market: Market, key, week, message) -> np.ndarray:
    """When a week's message is sent: to everybody at once, give or take the minutes that sending takes."""
    slots = max(int(np.ceil(market.recipe.messages_per_month * 7 / 30.4375)), 1)
    slot = (np.asarray(message) + market.draws.uniform("slot of message", week, message)) / slots
    minutes = 10 * market.draws.uniform("minutes of sending", key, week, message) / 1440
    return in_writing_hours(7.0 * week + 7 * slot) + minutes


def opt_out_chance(recipe: Recipe, recent_orders: np.ndarray) -> np.ndarray:
    """Chance that a promotion makes a member leave, by orders of the last 13 weeks: pressure is messages a purchase."""
    a_month = np.maximum(recent_orders / 3, 0.25)
    pressure = recipe.messages_per_month / a_month
    return np.minimum(recipe.opt_out * (pressure / 10) ** recipe.opt_out_power, 0.25)


def triggers(market: Market, key, occasion, inside, texted) -> np.ndarray:
    """The channel of the last touch before each repeat order; members are reached through other channels.

    Of the orders after a text message, the share that would not be there without it came through the message.
    """
    channels = [market.recipe.channels[name] for name in market.names]
    weights = np.array([[c.repeat_trigger for c in channels], [c.member_trigger for c in channels]])
    totals = weights.sum(axis=1, keepdims=True)
    edges = np.cumsum(weights / np.where(totals > 0, totals, 1), axis=1)
    edges[:, -1] = 1.0
    turn = market.draws.uniform("trigger", key, occasion)
    found = np.empty(len(key), dtype=np.int8)
    for group in (0, 1):
        chosen = inside == bool(group)
        found[chosen] = np.searchsorted(edges[group], turn[chosen])
    caused = market.recipe.sms_lift / (1 + market.recipe.sms_lift)
    found[texted & (market.draws.uniform("text sells", key, occasion) < caused)] = market.place("sms")
    return found
