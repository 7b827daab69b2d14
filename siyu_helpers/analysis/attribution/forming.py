"""Forming journeys: orders put beside the touches of their customers, and every touch into a journey or out of it.

Steps of `journeys`, on sorted arrays; none of them loops over touches or orders. Opens no files and draws nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import touches
from siyu_helpers.analysis.attribution.touches import MICROSECONDS_A_DAY, Linked, bisected

CLOCKS = {"exact": 1, "minute": 60_000_000, "day": MICROSECONDS_A_DAY}  # microseconds an order's time is known to
CLOCK_FROM = 20  # orders; fewer may all stand on whole minutes by chance
BEFORE_ALL = -(2**62)  # a moment before all others

NULL, CONVERTING, OLD, AFTER, OUTSIDE = range(5)  # what becomes of a touch


class Orders(NamedTuple):
    """Orders of known customers to the last day, sorted by customer, moment and falling amount."""

    key: np.ndarray  # the customer's place among the customers of the orders
    customer: np.ndarray  # the customer's place among the customers of the touches, -1: no touch names the customer
    at: np.ndarray  # microseconds since 1970-01-01
    ends: np.ndarray  # last moment of a touch that still counts as before the order
    minor: np.ndarray  # money in 1 / MONEY_SCALE
    counted: np.ndarray  # whether the order is a conversion
    old: np.ndarray  # one a customer of the touches: whether all their touches are those of an old customer
    through: np.ndarray | None = None  # place of acquired_through among its names, -1: blank; None: no such column


class Fates(NamedTuple):
    """What becomes of each touch, whether an order stands right before it; and the first touch of each order's own."""

    of_touch: np.ndarray
    after_order: np.ndarray
    first_of_order: np.ndarray  # -1: the order has none


class Journeys(NamedTuple):
    """Journeys in the order of their touches; touch i belongs to journey of[i]."""

    of: np.ndarray
    at: np.ndarray
    channel: np.ndarray
    converting: np.ndarray
    minor: np.ndarray
    ends: np.ndarray


class Leaving(NamedTuple):
    """Why a journey is left out (one a journey), and which touches leave as direct traffic (one a touch)."""

    earlier: np.ndarray
    still_open: np.ndarray
    only_direct: np.ndarray
    open: np.ndarray  # counted, whether left out or not
    direct: np.ndarray

    @property
    def journeys(self) -> np.ndarray:
        """Whether the journey is left out."""
        return self.earlier | self.still_open | self.only_direct


# --- orders ---


def clock_of(clock: str, ordered_at: np.ndarray, touched_at: np.ndarray) -> str:
    """How exactly the time of orders is known."""
    if clock != "auto":
        return clock
    for known_to in ("day", "minute"):
        unit = CLOCKS[known_to]
        if len(ordered_at) >= CLOCK_FROM and not (ordered_at % unit).any() and (touched_at % unit).any():
            return known_to
    return "exact"


def brought_home(orders: Any, refunds: str) -> dict[str, Any]:
    """Customer, moment, money and blank amounts of all orders, as arrays; and acquired_through, where there is any."""
    numbers = dict.fromkeys(("amount", "refunded"), "float64")
    frame = order_log.lazy(touches.typed_if_empty(orders, ordered_at="datetime64[us]", **numbers))
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), order_log.REQUIRES["orders"])
    amount = order_log.as_number("amount", kinds)
    money = amount.fill_null(0)
    if refunds == "net" and "refunded" in kinds.names():
        money = money - order_log.as_number("refunded", kinds).fill_null(0)
    names = ["customer_id", *(["acquired_through"] if "acquired_through" in kinds.names() else [])]
    home = touches.gathered(
        frame.select(
            *(touches.filled_in(name, kinds) for name in names),
            order_log.as_moment("ordered_at", kinds).alias("ordered_at"),
            amount.is_null().cast(nw.Int64).alias("unpriced"),
            (money * order_log.MONEY_SCALE).round().cast(nw.Int64).alias("minor"),
        ),
        "ordered_at",
        "orders",
    )
    customer, customers = touches.numbered(home["customer_id"])
    through = {}
    if "acquired_through" in home:
        codes, values = touches.numbered(home["acquired_through"])
        through = {"through": codes, "channels": [str(name) for name in touches.values_of(values)]}
    numbers = {name: home[name].to_numpy().astype(np.int64, copy=False) for name in ("unpriced", "minor")}
    return numbers | through | {
        "at": touches.moments(home["ordered_at"]), "customer": customer, "customers": touches.values_of(customers)
    }  # fmt: skip


def stated_old(first_order_at: Any, since: int) -> np.ndarray:
    """Customers who are stated to have ordered before the first day of the new."""
    if first_order_at is None:
        return np.empty(0, dtype=np.int64)
    frame = order_log.lazy(touches.typed_if_empty(first_order_at, first_order_at="datetime64[us]"))
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["customer_id", "first_order_at"])
    at = order_log.as_moment("first_order_at", kinds).alias("first_order_at")
    frame = frame.select(touches.filled_in("customer_id", kinds), at).filter(~nw.col("first_order_at").is_null())
    home = touches.gathered(frame, "first_order_at", "customers")
    codes, values = touches.numbered(home["customer_id"])
    earlier = codes[(touches.moments(home["first_order_at"]) < since) & (codes >= 0)]
    return touches.values_of(values)[np.unique(earlier)]


def _places(ids: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Place of each id among others, -1 where it is not there; text never meets a number."""
    if len(ids) and len(among) and (ids.dtype.kind == "O") != (among.dtype.kind == "O"):
        raise ValueError("customer_id is text in one table and a number in another: give all tables the same kind")
    return pd.Index(among).get_indexer(ids) if len(ids) and len(among) else np.full(len(ids), -1)


def ordered_of(
    home: dict[str, Any], customers: np.ndarray, end: int | None, start: int, unit: int
) -> tuple[Orders, Counter]:
    """Orders of known customers to the last day, all of them conversions, and where the other orders went."""
    at, customer = home["at"], home["customer"]
    in_time = np.ones(len(at), dtype=bool) if end is None else at < end
    known, nobody = in_time & (customer >= 0), in_time & (customer < 0)
    if missing := int((home["unpriced"].astype(bool) & known).sum()):
        raise ValueError(f"{missing} orders have no amount: complete them, or leave them out and say so")
    ends = at - at % unit + unit - 1
    rows = np.flatnonzero(known)
    rows = rows[np.lexsort((-home["minor"][rows], at[rows], ends[rows], customer[rows]))]
    flow = Counter(
        orders_read=len(at),
        orders_later=int((~in_time).sum()),
        orders_without_customer=int((nobody & (at >= start)).sum()),
        orders_ended_earlier=int((nobody & (at < start)).sum()),
    )
    key, minor = customer[rows], np.maximum(home["minor"][rows], 0)
    place = _places(home["customers"], customers)[key]
    counted, old = np.ones(len(rows), dtype=bool), np.zeros(len(customers), dtype=bool)
    through = home["through"][rows] if "through" in home else None
    return Orders(key, place, at[rows], ends[rows], minor, counted, old, through), flow


def only_new(ordered: Orders, buyers: np.ndarray, customers: np.ndarray, since: int, stated: np.ndarray) -> Orders:
    """The orders with only the first ones of new customers counted, and who is old."""
    first = np.diff(ordered.key, prepend=-1) != 0
    is_old = np.zeros(len(buyers) + 1, dtype=bool)  # the last place takes who is not there, placed at -1
    is_old[ordered.key[first & (ordered.at < since)]] = True
    is_old[_places(stated, buyers)] = True
    old = np.zeros(len(customers) + 1, dtype=bool)
    old[ordered.customer[is_old[ordered.key]]] = True
    old[_places(stated, customers)] = True
    return ordered._replace(counted=first & ~is_old[ordered.key], old=old[:-1])


# --- journeys ---


def fates_of(touched: Linked, ordered: Orders, window: int, per: str, conversions_of: str) -> Fates:
    """What becomes of each touch: part of the journey to an order, of one without, or left out; and to which order."""
    n, rows = len(touched.at), np.flatnonzero(ordered.customer >= 0)
    customer, counted = ordered.customer[rows], ordered.counted[rows]
    bounds = touched.bounds
    begin, end = bounds[customer], bounds[customer + 1]
    high = bisected(touched.at, begin, end, ordered.ends[rows], right=True)
    low = bisected(touched.at, begin, high, ordered.at[rows] - window)
    if per == "order":
        follows = np.flatnonzero(np.diff(customer, prepend=-1) == 0)
        low[follows] = np.maximum(low[follows], high[follows - 1])
    last = np.flatnonzero(counted)
    last = last[np.diff(customer[last], append=-1) != 0]
    fate = np.full(n, NULL, dtype=np.int8)
    if per == "person":
        fate[_within(n, begin[last], high[last])] = OUTSIDE
    if per == "person" or conversions_of == "new_customers":
        fate[_within(n, high[last], end[last])] = AFTER
    fate[_within(n, low[counted], high[counted])] = CONVERTING
    fate[_within(n, bounds[:-1][ordered.old], bounds[1:][ordered.old])] = OLD
    after_order = np.zeros(n + 1, dtype=bool)
    after_order[high] = True
    first = np.full(len(ordered.at), -1, dtype=np.int64)
    first[rows] = np.where(counted & (low < high), low, -1)
    return Fates(fate, after_order[:n], first)


def _within(n: int, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Which of n touches lie in any of the stretches low:high."""
    steps = np.zeros(n + 1, dtype=np.int32)
    np.add.at(steps, low, np.int32(1))
    np.add.at(steps, high, np.int32(-1))
    return np.cumsum(steps[:n], dtype=np.int32) > 0


def formed_of(touched: Linked, ordered: Orders, fates: Fates, window: int, per: str) -> tuple[Journeys, np.ndarray]:
    """Journeys of the touches that stay, and the journey of each order, -1 where it has none."""
    rows = np.flatnonzero(fates.of_touch <= CONVERTING)
    person, at, fate = touched.person[rows], touched.at[rows], fates.of_touch[rows]
    begins = np.diff(person, prepend=-1) != 0
    if per == "order":  # nothing is left out between two touches that stay: only at the end, or of a whole person
        begins |= fates.after_order[rows] | (np.diff(fate, prepend=-1) != 0)
        begins |= (fate == NULL) & (np.diff(at, prepend=0) > window)
    of = np.cumsum(begins, dtype=np.int32) - np.int32(1)
    first = np.flatnonzero(begins)
    ends = at[np.append(first[1:], len(rows))[: len(first)] - 1]
    converting = fate[first] == CONVERTING
    if per == "order":
        place = np.searchsorted(rows, fates.first_of_order)
        journey = np.full(len(place), -1, dtype=np.int64)
        has = fates.first_of_order >= 0
        journey[has] = of[place[has]]
    else:
        of_person = np.full(len(ordered.old) + 1, -1, dtype=np.int64)  # the last place is for customers placed at -1
        of_person[person[first[converting]]] = np.flatnonzero(converting)
        journey = np.where(ordered.counted, of_person[ordered.customer], -1)
        has = journey >= 0
    minor = np.zeros(len(first), dtype=np.int64)
    np.add.at(minor, journey[has], ordered.minor[has])
    ends[converting] = BEFORE_ALL
    np.maximum.at(ends, journey[has], ordered.at[has])
    return Journeys(of, at, touched.channel[rows], converting, minor, ends), journey


def leaving_of(
    formed: Journeys, start: int, open_from: int, is_direct: np.ndarray, direct_rule: str, open_journeys: str
) -> Leaving:
    """Which journeys, and which touches of journeys that stay, are left out, and why."""
    earlier = formed.ends < start
    is_open = ~formed.converting & ~earlier & (formed.ends >= open_from)
    still_open = is_open & (open_journeys == "left_out")
    direct = is_direct[formed.channel]
    has_other = np.zeros(len(earlier), dtype=bool)
    has_other[formed.of[~direct]] = True
    only_direct = ~has_other & ~earlier & ~still_open & (direct_rule == "drop")
    if direct_rule != "drop":
        direct &= has_other[formed.of] & (direct_rule == "drop_beside_others")
    return Leaving(earlier, still_open, only_direct, is_open, direct)


def kept_of(formed: Journeys, leaves: Leaving) -> Journeys:
    """Journeys and touches that stay, numbered anew."""
    stays = ~leaves.journeys
    touch = stays[formed.of] & ~leaves.direct
    number = np.cumsum(stays, dtype=np.int32) - np.int32(1)
    journeys = (formed.converting[stays], formed.minor[stays], formed.ends[stays])
    return Journeys(number[formed.of[touch]], formed.at[touch], formed.channel[touch], *journeys)


# --- the flow ---


def count_fates(fates: Fates) -> Counter:
    """Touches that belong to no journey, by reason."""
    counts = np.bincount(fates.of_touch, minlength=OUTSIDE + 1)
    return Counter(
        touches_of_old_customers=counts[OLD],
        touches_after_order=counts[AFTER],
        touches_outside_window=counts[OUTSIDE],
    )


def count_touches(formed: Journeys, leaves: Leaving) -> Counter:
    """Touches of the journeys formed, by what became of them."""
    stays = ~(leaves.earlier | leaves.still_open)[formed.of]
    converting = formed.converting[formed.of]
    return Counter(
        touches_ended_earlier=leaves.earlier[formed.of].sum(),
        touches_still_open=leaves.still_open[formed.of].sum(),
        touches_direct=(stays & leaves.direct).sum(),
        touches_converting=(stays & ~leaves.direct & converting).sum(),
        touches_null=(stays & ~leaves.direct & ~converting).sum(),
    )


def count_journeys(formed: Journeys, leaves: Leaving) -> Counter:
    """Journeys formed, by what became of them."""
    stays = ~leaves.journeys
    return Counter(
        journeys_formed=len(stays),
        journeys_ended_earlier=leaves.earlier.sum(),
        journeys_open_left_out=leaves.still_open.sum(),
        journeys_only_direct=leaves.only_direct.sum(),
        journeys_converting=(stays & formed.converting).sum(),
        journeys_null=(stays & ~formed.converting).sum(),
        journeys_null_open=(stays & leaves.open).sum(),
    )


def ended_earlier(ordered: Orders, start: int, per: str) -> np.ndarray:
    """Whether each order is before the period."""
    ends = ordered.at
    if per == "person":  # an order is as late as the last that counts of its customer
        ends = np.where(ordered.counted, ends, BEFORE_ALL)
        _, number = np.unique(ordered.key, return_inverse=True)
        latest = np.full(len(ends), BEFORE_ALL, dtype=np.int64)
        np.maximum.at(latest, number, ends)
        ends = latest[number]
    return ends < start


def count_untouched(
    ordered: Orders, journey: np.ndarray, start: int, per: str, channels: list[str]
) -> dict[str, int] | None:
    """Orders that count and have no touch, by the channel that brought them; None where no order states any."""
    if ordered.through is None:
        return None
    those = ordered.counted & (journey < 0) & ~ended_earlier(ordered, start, per)
    counts = np.bincount(ordered.through[those] + 1, minlength=len(channels) + 1)
    found: Counter = Counter()
    for name, count in zip(["unknown", *channels], counts, strict=True):
        found[name] += int(count)
    return {name: found[name] for name in sorted(found) if found[name]}


def count_orders(ordered: Orders, journey: np.ndarray, leaves: Leaving, start: int, per: str) -> Counter:
    """Orders, by whether they have a journey and why not."""
    counted, earlier = ordered.counted, ended_earlier(ordered, start, per)
    only_direct = np.append(leaves.only_direct, False)[journey]
    in_period = counted & ~earlier
    return Counter(
        orders_not_counted=(~counted).sum(),
        orders_ended_earlier=(counted & earlier).sum(),
        orders_without_touch=(in_period & (journey < 0)).sum(),
        orders_only_direct=(in_period & only_direct).sum(),
        orders_with_journey=(in_period & (journey >= 0) & ~only_direct).sum(),
    )
