"""The tables of the data contract, from a world lived through.

Each table is made when it is first asked for, because ten million orders come with many more touches and messages.
Money is worked out in whole cents.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd
from scipy.special import gammaincinv

from siyu_helpers.data.contract import TABLES
from siyu_helpers.data.simulation import world as worlds
from siyu_helpers.data.simulation.acquisition import TOUCHES, Visits, journeys
from siyu_helpers.data.simulation.seasons import in_writing_hours
from siyu_helpers.data.simulation.world import Life

#: A platform counts an order as its own when its touch was at most so many days before.
CLAIM_DAYS = 15
#: Purchases worked out at a time; bounds memory, changes nothing.
AT_A_TIME = 1_000_000


class Tables(Mapping):
    """The tables of one brand by name, each a DataFrame that is made when it is first asked for."""

    def __init__(self, life: Life):
        self._life = life
        self._made: dict[str, pd.DataFrame] = {}
        self._makers = _makers(life)

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._made:
            self._made[name] = self.fresh(name)
        return self._made[name]

    def fresh(self, name: str) -> pd.DataFrame:
        """A table that is not kept, nor are the tables it is made from."""
        return self._makers[name](self)

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    @property
    def life(self) -> Life:
        """The world the tables are made from."""
        return self._life


def _makers(life: Life) -> dict[str, Callable[[Tables], pd.DataFrame]]:
    """Which tables the brand has: one for a pool only where there is a pool."""
    recipe = life.market.recipe
    makers = {
        "orders": lambda tables: orders(tables.life),
        "customers": lambda tables: customers(tables.life),
        "touchpoints": lambda tables: touchpoints(tables.life),
    }
    if recipe.paid_channels:
        makers["spend"] = lambda tables: spend(tables.life, touchpoints(tables.life), orders(tables.life))
    pool = recipe.pool_opens < recipe.days - recipe.first_day
    if pool:
        makers["members"] = lambda tables: members(tables.life)
        makers["accounts"] = lambda tables: accounts(tables.life)
    if (pool and (recipe.holdout or recipe.invitations)) or (recipe.sms_after and recipe.sms_holdout):
        makers["assignments"] = lambda tables: assignments(tables.life)
    if (pool and recipe.messages_per_month) or recipe.sms_after:
        makers["messages"] = lambda tables: messages(tables.life)
    if pool:
        makers["pool_costs"] = lambda tables: pool_costs(tables.life)
    return {name: makers[name] for name in TABLES if name in makers}


def moments(life: Life, time: np.ndarray) -> np.ndarray:
    """Days since day 0 as times to the second; NaT where there is none."""
    seconds = np.where(np.isfinite(time), np.floor(np.where(np.isfinite(time), time, 0) * 86_400), 0).astype("int64")
    start = np.datetime64(life.market.recipe.start, "s")
    return np.where(np.isfinite(time), start + seconds.astype("timedelta64[s]"), np.datetime64("NaT", "s"))


def customer_numbers(life: Life) -> np.ndarray:
    """The brand's own number of each person; it tells nothing of when a person came."""
    shuffled = np.argsort(life.market.draws.keys("customer number", life.persons["key"]), kind="stable")
    numbers = np.empty(len(shuffled), dtype=np.int64)
    numbers[shuffled] = 1_000_001 + np.arange(len(shuffled))
    return numbers


def _or_blank(numbers: np.ndarray, known: np.ndarray) -> pd.arrays.IntegerArray:
    """Whole numbers with blanks where nothing is known."""
    return pd.arrays.IntegerArray(np.where(known, numbers, 0).astype("int64"), ~known)


# --- orders ------------------------------------------------------------------------------------------------------


def paid_orders(life: Life) -> dict[str, np.ndarray]:
    """Every order with its money in cents, in the order of time; two rows for a purchase that was paid in two parts.

    Returns
    -------
    dict of arrays
        person, time, number (of the purchase of this person), occasion, inside, amount, list_amount, refunded, cost,
        platform_fee (cents), shop and channel (places). Also what lies before `observed_from`.
    """
    parts = [_money(life, chunk) for chunk in _chunks(len(life.orders.person))]
    columns = {name: np.concatenate([part.pop(name) for part in parts]) for name in list(parts[0])}
    placed = np.lexsort((columns["part"], life.persons["key"][columns["person"]], columns["time"]))
    for name in columns:  # one at a time: ten million orders are held once, not twice
        columns[name] = columns[name][placed]
    return columns


def _chunks(rows: int) -> list[slice]:
    return [slice(begin, min(begin + AT_A_TIME, rows)) for begin in range(0, max(rows, 1), AT_A_TIME)]


def _money(life: Life, rows: slice) -> dict[str, np.ndarray]:
    recipe, draws, log = life.market.recipe, life.market.draws, life.orders
    person, time, occasion = log.person[rows], log.time[rows], log.occasion[rows]
    since, number = log.joined_since[rows].astype(float), log.number[rows]
    key, inside = life.persons["key"][person], since >= 0
    usual = gammaincinv(recipe.spend_customer_shape, draws.uniform("spend of customer", key))
    basket = gammaincinv(recipe.spend_shape, draws.uniform("basket", key, occasion))
    basket = basket / usual * recipe.spend_customer_scale
    basket = basket * (1 + inside * recipe.effect_on_basket * np.exp(-np.maximum(since, 0) / recipe.fade_days))
    amount = np.maximum(np.round(basket * 100), 1).astype(np.int64)
    cut = _discount(life, key, occasion, time, inside)
    channel = np.where(number == 1, life.persons["first_channel"][person], 0).astype(np.int8)
    again = number > 1
    channel[again] = worlds.triggers(life.market, key[again], occasion[again], inside[again], log.texted[rows][again])
    shop = _shops(life, key, occasion, inside, channel)
    columns = {"person": person, "time": time, "occasion": occasion, "number": number, "inside": inside,
               "channel": channel, "shop": shop, "amount": amount, "cut": cut,
               "part": np.zeros(len(person), np.int8)}  # fmt: skip
    columns = _split(life, columns, key)
    cut = columns.pop("cut")
    key = life.persons["key"][columns["person"]]
    lucky = draws.uniform("refund", key, columns["occasion"], columns["part"])
    of_channel = np.array([recipe.channels[name].refunds for name in life.market.names])
    chance = recipe.refunds * of_channel[columns["channel"]]
    whole = np.where(lucky < 0.8 * chance, 1.0, np.where(lucky < chance, 0.3, 0.0))
    fees = np.array(list(recipe.shops.values()))
    columns["list_amount"] = np.round(columns["amount"] / (1 - cut)).astype(np.int64)
    columns["refunded"] = np.round(columns["amount"] * whole).astype(np.int64)
    columns["cost"] = np.round(columns["list_amount"] * (1 - recipe.gross_margin)).astype(np.int64)
    columns["platform_fee"] = np.round(columns["amount"] * fees[columns["shop"]]).astype(np.int64)
    return columns


def _discount(life: Life, key, occasion, time, inside) -> np.ndarray:
    """Share off the list price of each purchase: nothing for one in four, and for the others around the usual."""
    recipe, draws = life.market.recipe, life.market.draws
    usual = recipe.discount + recipe.peak_discount * life.market.season.sale[np.floor(time).astype(int)]
    depth = (0.5 + draws.uniform("discount", key, occasion)) / 0.75
    depth[draws.uniform("full price", key, occasion) < 0.25] = 0
    return np.minimum(usual * depth + recipe.member_discount * inside, 0.9)


def _split(life: Life, columns: dict[str, np.ndarray], key: np.ndarray) -> dict[str, np.ndarray]:
    """Some purchases paid as two orders a few minutes apart, whose amounts add up."""
    if not life.market.recipe.split_orders:
        return columns
    draws = life.market.draws
    twice = draws.uniform("split", key, columns["occasion"]) < life.market.recipe.split_orders
    times = 1 + twice.astype(int)
    first = np.round(columns["amount"] * np.where(twice, 0.6, 1.0)).astype(np.int64)
    whole = columns["amount"]
    columns = {name: np.repeat(values, times) for name, values in columns.items()}
    second = np.zeros(len(columns["part"]), dtype=bool)
    second[np.cumsum(times)[twice] - 1] = True
    columns["part"] = second.astype(np.int8)
    columns["amount"] = np.where(second, np.repeat(whole - first, times), np.repeat(first, times))
    midnight = np.floor(columns["time"]) + 1 - 1 / 86_400
    columns["time"] = np.where(second, np.minimum(columns["time"] + 3 / 1440, midnight), columns["time"])
    return columns


def _shops(life: Life, key, occasion, inside, channel) -> np.ndarray:
    """Where each order is paid: the shop of its channel, and the brand's own for members who have moved there."""
    recipe = life.market.recipe
    names = recipe.shop_names
    of_channel = np.array([names.index(recipe.channels[name].shop or names[0]) for name in life.market.names])
    shop = of_channel[channel].astype(np.int8)
    moved = inside & (life.market.draws.uniform("own shop", key, occasion) < recipe.in_mini_program)
    shop[moved] = len(names) - 1
    return shop


def orders(life: Life) -> pd.DataFrame:
    """Table `orders`: one row a paid order from `observed_from` on."""
    recipe, persons = life.market.recipe, life.persons
    paid = paid_orders(life)
    del paid["occasion"], paid["inside"], paid["part"]
    seen = paid["time"] >= recipe.first_day
    paid = {name: values[seen] for name, values in paid.items()} if not seen.all() else paid
    numbers = customer_numbers(life)
    person = paid["person"]
    table = {
        "order_id": 10_000_001 + np.arange(len(person)),
        "customer_id": numbers[person],
        "ordered_at": moments(life, paid.pop("time")),
    }
    for name in ("amount", "list_amount", "refunded", "cost", "platform_fee"):
        table[name] = paid.pop(name) / 100
    table["acquired_through"] = pd.Categorical.from_codes(paid["channel"], life.market.names)
    table["sold_through"] = pd.Categorical.from_codes(paid["shop"], recipe.shop_names)
    if recipe.stores:
        table["store_id"] = pd.Categorical.from_codes(
            persons["store"][person], [f"store_{number + 1}" for number in range(recipe.stores)]
        )
    if recipe.referral_chance:
        referrer = persons["referrer"][person]
        known = (referrer >= 0) & (paid["number"] == 1)
        table["referrer_id"] = _or_blank(numbers[np.maximum(referrer, 0)], known)
    if recipe.stores:
        known = np.isin(paid["shop"], [recipe.shop_names.index(name) for name in recipe.distance_known_by])
        table["distance_km"] = np.where(known, np.round(persons["distance"][person].astype(float), 2), np.nan)
    return pd.DataFrame(table, copy=False)  # a copy would take as much memory again


def customers(life: Life) -> pd.DataFrame:
    """Table `customers`: one row a person who has ordered or joined, with the tier of the city."""
    recipe = life.market.recipe
    tiers = pd.Categorical.from_codes(life.persons["tier"], list(recipe.city_tiers))
    table = pd.DataFrame({"customer_id": customer_numbers(life), "city_tier": tiers})
    seen = np.zeros(len(table), dtype=bool)
    seen[life.orders.person[life.orders.time >= recipe.first_day]] = True
    seen[life.stays.person] = True
    return table[seen].sort_values("customer_id", ignore_index=True)


# --- touches and spend -------------------------------------------------------------------------------------------


def touchpoints(life: Life) -> pd.DataFrame:
    """Table `touchpoints`: one row a touch, also of visitors who never order."""
    parts = [_first_touches(life), _later_touches(life)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    kept = (columns["time"] >= life.market.recipe.first_day) & (columns["time"] < life.market.recipe.days)
    columns = {name: values[kept] for name, values in columns.items()}
    placed = np.lexsort((columns["channel"], columns["visitor"], columns["time"]))
    columns = {name: values[placed] for name, values in columns.items()}
    numbers = np.append(customer_numbers(life), 0)  # the last is for nobody, person -1
    customer = _or_blank(numbers[columns["person"]], columns["person"] >= 0)
    return pd.DataFrame(
        {
            "visitor_id": columns["visitor"],
            "touched_at": moments(life, columns["time"]),
            "channel": pd.Categorical.from_codes(columns["channel"], life.market.names),
            "customer_id": customer,
        }
    )


def _visitor(life: Life, visit: np.ndarray, other_device: np.ndarray) -> np.ndarray:
    """Visitor ids: a device each, so a person with two of them is two visitors."""
    names = life.market.draws.keys("visitor number", visit, other_device.astype(np.int64))
    return (names >> np.uint64(2)).astype(np.int64) % 900_000_000_000 + 100_000_000_000


def _first_touches(life: Life) -> dict[str, np.ndarray]:
    """Touches up to the first order, or to the end of a journey without one."""
    draws, recipe = life.market.draws, life.market.recipe
    known = life.persons["visit"] >= 0
    order = np.argsort(life.persons["visit"][known])
    of_visit = life.persons["visit"][known][order]
    person_of = np.flatnonzero(known)[order]
    parts = []
    for visits in journeys(life.market, life.world):
        parts.append(_touches_of(draws, recipe, visits, of_visit, person_of, life))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _touches_of(draws, recipe, visits: Visits, of_visit, person_of, life: Life) -> dict[str, np.ndarray]:
    there = visits.channel >= 0
    row, touch = np.nonzero(there)
    place = np.minimum(np.searchsorted(of_visit, visits.number[row]), max(len(of_visit) - 1, 0))
    found = of_visit[place] == visits.number[row] if len(of_visit) else np.zeros(len(row), dtype=bool)
    # Whoever orders or joins is known at that touch, and from then on.
    known_from = np.where(visits.joined >= 0, visits.joined, TOUCHES)
    known_from = np.minimum(known_from, np.where(visits.last >= 0, visits.last, TOUCHES))
    known = found & (touch >= known_from[row])
    switches = draws.uniform("second device", visits.key)[row] < recipe.second_device
    other = switches & (touch == 0) & (known_from[row] != 0)
    return {
        "visitor": _visitor(life, visits.number[row], other),
        "time": visits.time[row, touch],
        "channel": visits.channel[row, touch],
        "person": np.where(known, person_of[place] if len(person_of) else -1, -1),
    }


def _later_touches(life: Life) -> dict[str, np.ndarray]:
    """Touches before repeat orders (one or two) and visits of customers that end without an order."""
    draws, log, season = life.market.draws, life.orders, life.market.season
    key, number = life.persons["key"][log.person], log.number
    inside = log.joined_since >= 0
    again = np.flatnonzero(number > 1)
    two = again[draws.uniform("two touches", key[again], log.occasion[again]) < 0.35]
    idle = np.flatnonzero(draws.uniform("idle visit", key, log.occasion) < 0.4)
    nobody = np.zeros(len(key), dtype=bool)
    last = worlds.triggers(life.market, key[again], log.occasion[again], inside[again], log.texted[again])
    other = draws.keys("earlier", key[two]), log.occasion[two], inside[two], nobody[two]
    earlier = worlds.triggers(life.market, *other)
    aimless = worlds.triggers(
        life.market, draws.keys("idle", key[idle]), log.occasion[idle], inside[idle], nobody[idle]
    )
    hours = draws.uniform("minutes before", key[again], log.occasion[again]) / 24
    days = 0.05 + 2 * draws.exponential("days before", key[two], log.occasion[two])
    later = 3 + 12 * draws.exponential("days after", key[idle], log.occasion[idle])
    person = np.concatenate([log.person[again], log.person[two], log.person[idle]])
    off = np.array([name in life.world.off for name in life.market.names])
    columns = {
        "visitor": _visitor(life, _own_device(life)[person], np.zeros(len(person), dtype=bool)),
        "time": np.concatenate(
            [log.time[again] - hours, np.minimum(season.at_an_hour(log.time[two] - days), log.time[two] - 0.05),
             season.at_an_hour(log.time[idle] + later)]
        ),
        "channel": np.concatenate([last, earlier, aimless]),
        # A visit that ends without an order is seldom one of somebody who has logged in.
        "person": np.concatenate([log.person[again], np.where(inside[two], log.person[two], -1),
                                  np.where(inside[idle], log.person[idle], -1)]),
    }  # fmt: skip
    # What lies before the first order belongs to the journey that led to it.
    kept = ~off[columns["channel"]] & (columns["time"] > life.persons["first_order"][person])
    return {name: values[kept] for name, values in columns.items()}


def _own_device(life: Life) -> np.ndarray:
    """A number for each person's usual device: that of the first visit, or of the person for whom there was none."""
    visit = life.persons["visit"]
    return np.where(visit >= 0, visit, 2**40 + np.arange(len(visit)))


def spend(life: Life, touches: pd.DataFrame, paid: pd.DataFrame) -> pd.DataFrame:
    """Table `spend`: one row a paid channel and day, with what the platform reports.

    Visitors, clicks and impressions are of people who have not ordered yet: it is for them that the campaigns are paid.
    """
    recipe, market = life.market.recipe, life.market
    claims, visits = _claims(life, touches, paid), _first_visitors(life)
    days = np.arange(recipe.first_day, recipe.days)
    years = (days - recipe.first_day + 0.5) / 365.25
    tables = []
    for place, name in enumerate(market.names):
        channel = recipe.channels[name]
        if not channel.spend_per_day or name in life.world.off:
            continue
        visitors = visits[place]
        clicks = np.round(visitors * channel.clicks_per_visit).astype(np.int64)
        # Media prices carry the inflation: the same money shows the advertisement less often.
        price = (1 + channel.cost_inflation) ** years
        noise = np.exp(0.08 * market.draws.normal(f"impressions of {name}", days))
        ordinary = channel.visits_per_day * channel.impressions_per_visit / max(channel.spend_per_day, 1e-9)
        shown = np.round(market.spend[place, days] * ordinary / price * noise).astype(np.int64)
        tables.append(
            pd.DataFrame(
                {
                    "date": np.datetime64(recipe.start, "s") + days.astype("timedelta64[D]"),
                    "channel": pd.Categorical.from_codes(np.full(len(days), place), market.names),
                    "spend": market.spend[place, days],
                    "impressions": np.maximum(shown, clicks),
                    "clicks": clicks,
                    "visitors": visitors,
                    "claimed_conversions": np.round(claims[place] * channel.claimed_per_order).astype(np.int64),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _first_visitors(life: Life) -> np.ndarray:
    """Visits by channel and day of people who have not ordered yet."""
    recipe = life.market.recipe
    found = np.zeros((len(life.market.names), recipe.days), dtype=np.int64)
    for visits in journeys(life.market, life.world):
        row, touch = np.nonzero(visits.channel >= 0)
        time = visits.time[row, touch]
        np.add.at(found, (visits.channel[row, touch], np.floor(time).astype(int)), 1)
    return found[:, recipe.first_day :]


def _claims(life: Life, touches: pd.DataFrame, paid: pd.DataFrame) -> np.ndarray:
    """Orders by channel and day that the channel touched in the days before, whoever brought them."""
    days = life.market.recipe.days - life.market.recipe.first_day
    start = np.datetime64(life.market.recipe.observed_from, "s")
    # A platform recognises a device, also where the shop does not recognise a customer.
    owner = touches.groupby("visitor_id")["customer_id"].transform("first")
    seen = pd.DataFrame({"customer_id": owner, "channel": touches["channel"].cat.codes, "time": touches["touched_at"]})
    seen = seen.dropna(subset="customer_id").sort_values("time", kind="stable")
    bought = paid[["customer_id", "ordered_at"]].rename(columns={"ordered_at": "time"})
    bought["customer_id"] = bought["customer_id"].astype("Int64")
    found = np.zeros((len(life.market.names), days))
    for place, name in enumerate(life.market.names):
        if not life.market.recipe.channels[name].spend_per_day:
            continue
        mine = seen.loc[seen["channel"] == place, ["customer_id", "time"]]
        near = pd.merge_asof(
            bought, mine.assign(touched=1), on="time", by="customer_id", tolerance=pd.Timedelta(days=CLAIM_DAYS)
        )
        day = (near.loc[near["touched"].notna(), "time"].to_numpy() - start).astype("timedelta64[D]").astype(int)
        found[place] = np.bincount(day, minlength=days)[:days]
    return found


# --- the pool ----------------------------------------------------------------------------------------------------


def members(life: Life) -> pd.DataFrame:
    """Table `members`: one row a stay in the pool."""
    stays = life.stays
    placed = np.lexsort((life.persons["key"][stays.person], stays.joined))
    # Doors as the brand would name them; the door of a journey is the channel of the touch.
    return pd.DataFrame(
        {
            "customer_id": customer_numbers(life)[stays.person][placed],
            "joined_at": moments(life, stays.joined[placed]),
            "left_at": moments(life, stays.left[placed]),
            "entry": pd.Categorical(stays.door[placed]),
            "account_id": 101 + stays.account[placed],
        }
    )


def accounts(life: Life) -> pd.DataFrame:
    """Table `accounts`: one row a WeCom account."""
    opened, recipe = life.accounts["opened"], life.market.recipe
    per_staff = max(recipe.members_per_staff // recipe.account_size, 1)
    return pd.DataFrame(
        {
            "account_id": 101 + np.arange(len(opened)),
            "opened_at": moments(life, opened),
            "banned_at": moments(life, life.accounts["banned"]),
            "staff": [f"staff_{1 + place // per_staff}" for place in range(len(opened))],
        }
    )


def assignments(life: Life) -> pd.DataFrame:
    """Table `assignments`: one row a person and experiment."""
    recipe, stays = life.market.recipe, life.stays
    numbers = customer_numbers(life)
    parts = [_arms("invitation", np.empty(0, dtype=np.int64), np.empty(0), np.empty(0, dtype="U16"), False, 0.0)]
    if len(life.invited["person"]):
        arm = life.invited["arm"]
        parts.append(_arms("invitation", numbers[life.invited["person"]], life.invited["time"],
                           np.where(arm, "invited", "not_invited"), arm, recipe.invitations))  # fmt: skip
    if recipe.holdout and len(stays.person):
        first = np.sort(np.unique(stays.person, return_index=True)[1])
        person = stays.person[first]
        arm = ~life.persons["no_promotions"][person]
        parts.append(_arms("promotions", numbers[person], stays.joined[first],
                           np.where(arm, "promotions", "no_promotions"), arm, 1 - recipe.holdout))  # fmt: skip
    if recipe.sms_after and recipe.sms_holdout:
        parts.append(_sleepers(life, numbers))
    table = pd.concat(parts, ignore_index=True)
    table["assigned_at"] = moments(life, table["assigned_at"].to_numpy())
    table["experiment"] = table["experiment"].astype("category")
    table["arm"] = table["arm"].astype("category")
    return table.sort_values(["assigned_at", "experiment", "customer_id"], ignore_index=True)


def _arms(experiment: str, customer, time, arm, treated, share: float) -> pd.DataFrame:
    chance = np.where(treated, share, 1 - share)
    return pd.DataFrame(
        {"experiment": experiment, "customer_id": customer, "assigned_at": time, "arm": arm, "probability": chance}
    )


def _sleepers(life: Life, numbers: np.ndarray) -> pd.DataFrame:
    """The lot that decides who is ever sent a wake-up text message; drawn when a person first orders."""
    recipe = life.market.recipe
    ordered = np.flatnonzero(
        (life.persons["first_order"] < recipe.days) & (life.persons["first_order"] >= recipe.first_day)
    )
    arm = ~life.persons["text_free"][ordered]
    return _arms("wake_up_sms", numbers[ordered], life.persons["first_order"][ordered],
                 np.where(arm, "sms", "no_sms"), arm, 1 - recipe.sms_holdout)  # fmt: skip


def messages(life: Life) -> pd.DataFrame:
    """Table `messages`: one row a message sent, by WeCom to members and by text message to sleepers."""
    parts = [part for part in (_promotions(life), _service(life), _texts(life)) if part is not None]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    kept = (columns["time"] >= life.market.recipe.first_day) & (columns["time"] < life.market.recipe.days)
    columns = {name: values[kept] for name, values in columns.items()}
    placed = np.lexsort((life.persons["key"][columns["person"]], columns["time"]))
    columns = {name: values[placed] for name, values in columns.items()}
    return pd.DataFrame(
        {
            "customer_id": customer_numbers(life)[columns["person"]],
            "sent_at": moments(life, columns["time"]),
            "channel": pd.Categorical.from_codes(columns["channel"], life.market.names),
            "kind": pd.Categorical.from_codes(columns["kind"], ["service", "promotion"]),
            "delivered": columns["delivered"],
            # Nobody is told whether a text message was read.
            "read": pd.arrays.BooleanArray(columns["read"], columns["channel"] == life.market.place("sms")),
            "clicked": columns["clicked"],
            "opted_out": columns["opted_out"],
            "cost": columns["cost"],
        }
    )


def _door(life: Life) -> int:
    """The channel members are written to through: the first that is a door."""
    channels = life.market.recipe.channels
    return next((place for place, name in enumerate(life.market.names) if channels[name].door), 0)


def _promotions(life: Life):
    """Messages to members: the weeks of each stay, and what is sent in each of them."""
    recipe, stays = life.market.recipe, life.stays
    if not len(stays.person) or not recipe.messages_per_month:
        return None
    first = np.floor(stays.joined / 7).astype(np.int64) + 1
    last = np.minimum(np.floor(stays.left / 7), (recipe.days - 1) // 7)
    weeks = np.maximum(last.astype(np.int64) - first + 1, 0)
    stay = np.repeat(np.arange(len(weeks)), weeks)
    week = np.repeat(first, weeks) + np.arange(len(stay)) - np.repeat(np.cumsum(weeks) - weeks, weeks)
    person = stays.person[stay]
    sent = worlds.promotions(life.market, life.persons["key"][person], week, life.persons["no_promotions"][person])
    row = np.repeat(np.arange(len(stay)), sent)
    message = np.arange(len(row)) - np.repeat(np.cumsum(sent) - sent, sent)
    stay, week, person = stay[row], week[row], person[row]
    key = life.persons["key"][person]
    time = worlds.message_time(life.market, key, week, message)
    kept = time < stays.left[stay]
    stay, week, person, key, message, time = (v[kept] for v in (stay, week, person, key, message, time))
    opted = (stays.why[stay] == 2) & (np.abs(time + 5 / 1440 - stays.left[stay]) < 1e-9)
    columns = _answers(life, "promotion", key, week * 10_000 + message, 0.98, _read_chance(recipe), 0.12)
    return columns | {"person": person, "time": time, "channel": np.full(len(time), _door(life)),
                      "kind": np.ones(len(time), dtype=int), "opted_out": opted, "read": columns["read"] | opted,
                      "delivered": columns["delivered"] | opted,
                      "cost": np.full(len(time), recipe.message_cost)}  # fmt: skip


def promotions_sent(life: Life) -> int:
    """How many promotions were sent to members in the whole period."""
    columns = _promotions(life)
    if columns is None:
        return 0
    return int(((columns["time"] >= life.market.recipe.first_day) & (columns["time"] < life.market.recipe.days)).sum())


def _read_chance(recipe) -> float:
    """The more is sent, the less of it is read: 60% at one message a month, 25% at thirty."""
    return 0.6 / (1 + 0.045 * recipe.messages_per_month)


def _service(life: Life):
    """A notice on the day after every order of a member: on its way, or how was it."""
    log = life.orders
    mine = np.flatnonzero(log.joined_since >= 0)
    mine = mine[~_leave_between(life, log.person[mine], log.time[mine], in_writing_hours(log.time[mine] + 1))]
    if not len(mine):
        return None
    person = log.person[mine]
    columns = _answers(life, "service", life.persons["key"][person], log.occasion[mine], 0.99, 0.85, 0.3)
    nobody = np.zeros(len(mine), dtype=bool)
    return columns | {
        "person": person,
        "time": in_writing_hours(log.time[mine] + 1),
        "channel": np.full(len(mine), _door(life)),
        "kind": np.zeros(len(mine), dtype=int),
        "opted_out": nobody,
        "cost": np.zeros(len(mine)),
    }


def _leave_between(life: Life, person, begin, end) -> np.ndarray:
    """Whether a stay of each person ends after one moment and not after the other."""

    def place(of, time):  # persons one after the other, within each by second
        return of * 2**32 + np.floor(time * 86_400).astype(np.int64)

    ended = np.isfinite(life.stays.left)
    ends = np.sort(place(life.stays.person[ended], life.stays.left[ended]))
    return np.searchsorted(ends, place(person, end), "right") > np.searchsorted(ends, place(person, begin), "left")


def _texts(life: Life):
    """Text messages to customers who sleep: Monday, ten o'clock."""
    person, week = life.texted["person"], life.texted["week"]
    columns = _answers(life, "text", life.persons["key"][person], week, 0.95, 0.35, 0.02)
    opted = life.texted["opted_out"]
    return columns | {"person": person, "time": 7.0 * week + 10 / 24,
                      "channel": np.full(len(person), life.market.place("sms")),
                      "kind": np.ones(len(person), dtype=int), "opted_out": opted,
                      "read": columns["read"] | opted, "delivered": columns["delivered"] | opted,
                      "cost": np.full(len(person), life.market.recipe.sms_cost)}  # fmt: skip


def _answers(life: Life, what: str, key, number, arrives: float, reads: float, clicks: float) -> dict[str, np.ndarray]:
    """Delivered, read and clicked: each only where the one before is true."""
    draws = life.market.draws
    delivered = draws.uniform(f"{what} delivered", key, number) < arrives
    read = delivered & (draws.uniform(f"{what} read", key, number) < reads)
    return {
        "delivered": delivered,
        "read": read,
        "clicked": read & (draws.uniform(f"{what} click", key, number) < clicks),
    }


def pool_costs(life: Life) -> pd.DataFrame:
    """Table `pool_costs`: one row a month and item, from the month the pool opens."""
    recipe, stays = life.market.recipe, life.stays
    opens = np.datetime64(recipe.start, "D") + recipe.first_day + recipe.pool_opens
    months = pd.period_range(pd.Timestamp(opens), pd.Timestamp(recipe.observed_until), freq="M")
    edges = (months.start_time.to_numpy().astype("datetime64[D]") - np.datetime64(recipe.start, "D")).astype(float)
    ends = np.append(edges[1:], recipe.days)
    rows = []
    for month, begin, end in zip(months, edges, ends, strict=True):
        there = int(((stays.joined < end) & (stays.left > end)).sum())
        joined = int(((stays.joined >= begin) & (stays.joined < end)).sum())
        held = int(((life.accounts["opened"] < end) & (life.accounts["banned"] >= begin)).sum())
        staff = max(1, -(-there // recipe.members_per_staff))
        for item, amount in (
            ("staff", recipe.staff_salary * staff), ("tools", recipe.tools_fixed + recipe.tools_per_account * held),
            ("incentives", recipe.incentive * joined), ("content", recipe.content),
        ):  # fmt: skip
            rows.append((month.start_time, item, round(amount, 2)))
    table = pd.DataFrame(rows, columns=["month", "item", "amount"])
    table["item"] = table["item"].astype("category")
    return table
