"""Every customer's history as sorted arrays: what was known of whom at a moment, and what came after.

A weekly trial asks for the past and the future of many customers at many moments. Rows of customers x weeks would not
fit in memory; running totals over each customer's orders answer the same questions by looking up two places.

Opens no files and draws nothing. Order log and members may be any frame that narwhals takes, see `order_log`. Customers
stand in the order of what they did (first order, then a digest of all orders), never of their ids, so that a draw by
lot is the same whatever they are called.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log

REQUIRES = order_log.REQUIRES | {"members": ["customer_id", "joined_at"]}

DAY = 86_400  # seconds
WEEK = 7 * DAY
MONDAY = 4 * DAY  # 1970-01-05, the first Monday of the count of seconds
NEVER = np.iinfo(np.int64).max // 4  # a moment after all others
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Histories:
    """Orders, referrals and the first joining of all customers with an order, as arrays; times are seconds from 1970.

    customers : ids, one a customer; everything else names a customer by the place in this array.
    joined : first joining, `NEVER` without. first_order : moment. first_channel : text, "unknown" where not recorded.
    person, time : one a paid order, sorted by both.
    totals : name -> running sums over the orders, one longer than they are, beginning with 0: orders, order_days (days
    with an order), spend and contribution (money: spend / MONEY_SCALE, contribution x worth).
    referrals : (person, time) of first orders of friends, sorted; None where nobody's referrer is recorded.
    touches : (person, time) of touches, sorted; None without.
    discounts : (person, time, running sum of what was paid, of the list price) of orders with a list price; or None.
    traits : name -> texts, one a customer, known from the beginning.
    until : last day, from 1970. worth : what one unit of contribution is worth; NaN where contribution is not known.
    facts : the rules for refunds and contribution.
    """

    customers: np.ndarray
    joined: np.ndarray
    first_order: np.ndarray
    first_channel: np.ndarray
    person: np.ndarray
    time: np.ndarray
    totals: dict[str, np.ndarray]
    referrals: tuple[np.ndarray, np.ndarray] | None
    touches: tuple[np.ndarray, np.ndarray] | None
    discounts: tuple[np.ndarray, ...] | None
    traits: dict[str, np.ndarray]
    until: int
    worth: float
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def end(self) -> int:
        """The moment at which watching stops: the end of the last day."""
        return (self.until + 1) * DAY


def read_histories(
    orders: Any,
    members: Any,
    observed_until: order_log.DateLike,
    refunds: str = "net",
    gross_margin: float | None = None,
    customers: Any = None,
    touchpoints: Any = None,
    traits: tuple[str, ...] = ("city_tier",),
) -> Histories:
    """Read the order log, members and, where given, traits and touches into one set of arrays.

    orders (one paid order), members (one stay)  ->  Histories (one customer with an order)

    Parameters
    ----------
    orders, observed_until
        See the head of `order_log`. Optional columns that are used: list_amount, acquired_through, referrer_id, cost,
        platform_fee, refunded.
    members : frame of the same kind
        customer_id, joined_at. The first joining of a customer counts. None: nobody joined.
    refunds : "net" or "gross"
        Whether what was refunded is taken off the spend.
    gross_margin : float, optional
        For the contribution where orders hold no costs, see `order_log.contribution_rule`.
    customers : frame, optional
        customer_id and columns named in `traits`: what is known of a customer from the beginning.
    touchpoints : frame, optional
        customer_id, touched_at: signs of interest. Rows without a customer are left out.

    Returns
    -------
    Histories

    Raises
    ------
    ValueError
        For a missing column, an order without amount or date, a joining without a date.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [7, 7, 8], "amount": [10.0, 20.0, 5.0],
    ...                     "ordered_at": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-01-05"])})
    >>> stays = pd.DataFrame({"customer_id": [7], "joined_at": pd.to_datetime(["2024-01-15"])})
    >>> told = read_histories(log, stays, "2024-06-30")
    >>> told.customers.tolist(), (told.joined < NEVER).tolist(), told.totals["orders"].tolist()
    ([7, 8], [True, False], [0, 1, 2, 3])
    """
    until = order_log.day_number(observed_until, "observed_until")
    rule = order_log.contribution_rule(orders, until, gross_margin)
    bought = _orders(orders, until, refunds, rule)
    ids, first, bought, joined, known = _in_order(bought, members, customers, traits, until)
    place = pd.Series(np.arange(len(ids)), index=pd.Index(ids))
    return Histories(
        customers=ids,
        joined=joined,
        first_order=first["second"].to_numpy(),
        first_channel=first["channel"].to_numpy(dtype=object),
        person=bought["person"].to_numpy(),
        time=bought["second"].to_numpy(),
        totals=_totals(bought),
        referrals=_referrals(orders, place, until),
        touches=_touches(touchpoints, place, until),
        discounts=_discounts(orders, place, until),
        traits=known,
        until=until,
        worth=float("nan")
        if rule == "none"
        else order_log.earned_per_minor(rule, gross_margin) / order_log.MONEY_SCALE,
        facts={
            "refunds": order_log.refund_rule(orders, refunds),
            "contribution": rule,
            "gross_margin": gross_margin,
            "members": _members(members, until),
        },
    )


def before(histories: Histories, who: np.ndarray, when: np.ndarray) -> np.ndarray:
    """Place just after the last order of each customer strictly before each moment, in the sorted orders.

    `totals[name][before(t2)] - totals[name][before(t1)]` is a sum over orders from t1 to before t2.
    """
    return _look_up(histories.person, histories.time, who, when, "left")


def window_sum(histories: Histories, name: str, who: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Sum of a running total over each customer's orders from begin to before end (seconds)."""
    running = histories.totals[name]
    return running[before(histories, who, end)] - running[before(histories, who, begin)]


def last_order_before(histories: Histories, who: np.ndarray, when: np.ndarray) -> np.ndarray:
    """Moment of each customer's last order strictly before each moment; -NEVER where there is none."""
    if not len(histories.time):
        return np.full(len(who), -NEVER, dtype=np.int64)
    place = before(histories, who, when)
    there = place > np.searchsorted(histories.person, who, "left")
    return np.where(there, histories.time[np.maximum(place - 1, 0)], -NEVER)


def monday_of(moments: np.ndarray) -> np.ndarray:
    """Beginning of the week, Monday to Sunday, of moments in seconds."""
    return (np.asarray(moments) - MONDAY) // WEEK * WEEK + MONDAY


def count_between(events: tuple[np.ndarray, np.ndarray], who, begin, end) -> np.ndarray:
    """How many of some events (person, time; sorted) each customer has from begin to before end."""
    return _look_up(*events, who, end, "left") - _look_up(*events, who, begin, "left")


def _look_up(person, time, who, when, side) -> np.ndarray:
    """Place of (who, when) among events sorted by person and time: one number a pair, so that one search does."""
    if not len(person):
        return np.zeros(len(who), dtype=np.int64)
    early, late = time[0], time[0]
    early, late = min(early, time.min()), max(late, time.max())
    span = np.int64(late - early + 2)
    moment = np.clip(np.asarray(when, dtype=np.int64) - early, 0, span - 1)
    return np.searchsorted(person * span + (time - early), np.asarray(who, dtype=np.int64) * span + moment, side)


# --- reading ---


def seconds(moments: pd.Series) -> np.ndarray:
    """Whole seconds from 1970 of a column of dates or datetimes, by the clock of the place where it names one."""
    moments = pd.to_datetime(moments)
    moments = moments if moments.dt.tz is None else moments.dt.tz_localize(None)
    return moments.astype("datetime64[s]").astype("int64").to_numpy()


def _orders(orders: Any, until: int, refunds: str, rule: str) -> pd.DataFrame:
    """One row a paid order: customer_id, second, day, minor, earned, channel."""
    by = "acquired_through" if "acquired_through" in order_log.lazy(orders).collect_schema().names() else None
    facts = order_log.paid_orders(orders, until, "month", refunds, by=by, rule=rule)
    if rule == "none":
        facts = facts.with_columns(nw.lit(0).alias("earned"))
    columns = ["customer_id", "ordered_at", "day", "minor", "earned", "unpriced", *(["group"] if by else [])]
    home = order_log.priced(facts.select(columns).collect("pandas").to_native())
    home["second"] = seconds(home["ordered_at"])
    home["channel"] = home["group"].astype(object).fillna(UNKNOWN) if by else UNKNOWN
    return home.drop(columns=["ordered_at", "unpriced", *(["group"] if by else [])])


def _in_order(
    bought: pd.DataFrame, members: Any, customers: Any, traits: tuple[str, ...], until: int
) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame, np.ndarray, dict[str, np.ndarray]]:
    """Customers by first order and a digest of what is known of them: ids, first orders, orders, joinings, traits.

    Where exports hold dates only and prices are few, many customers order alike: the digest therefore holds channels,
    earnings, joining and traits too, so that hardly any two are left that the order of rows would have to tell apart.
    """
    code, ids = pd.factorize(bought["customer_id"])
    place = pd.Series(np.arange(len(ids)), index=pd.Index(ids))
    joined, known = _joined(members, place, until), _traits(customers, place, traits)
    digest = _mixed(joined, np.zeros(len(ids), dtype=np.int64))
    for values in known.values():
        digest = _mixed(digest, pd.util.hash_array(values))
    of_order = _mixed(bought["second"].to_numpy(), bought["minor"].to_numpy())
    of_order = _mixed(of_order, bought["earned"].to_numpy())
    of_order = _mixed(of_order, pd.util.hash_array(bought["channel"].to_numpy(dtype=object)))
    np.add.at(digest, code, of_order)
    earliest = np.full(len(ids), NEVER, dtype=np.int64)
    np.minimum.at(earliest, code, bought["second"].to_numpy())
    order = np.lexsort((digest, earliest))
    person = np.empty(len(ids), dtype=np.int64)
    person[order] = np.arange(len(ids))
    bought = bought.drop(columns="customer_id").assign(person=person[code])
    bought = bought.sort_values(["person", "second", "channel", "minor", "earned"], ignore_index=True)
    known = {name: values[order] for name, values in known.items()}
    return np.asarray(ids)[order], bought.drop_duplicates("person"), bought, joined[order], known


def _mixed(second: np.ndarray, minor: np.ndarray) -> np.ndarray:
    """A number that looks random and depends on the two given only (SplitMix64's finalizer)."""
    with np.errstate(over="ignore"):
        z = second.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + minor.astype(np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _totals(bought: pd.DataFrame) -> dict[str, np.ndarray]:
    new_day = (bought["person"].diff() != 0) | (bought["day"].diff() != 0)
    columns = {
        "orders": np.ones(len(bought), dtype=np.int64),
        "order_days": new_day.to_numpy(dtype=np.int64),
        "spend": bought["minor"].to_numpy(dtype=np.int64),
        "contribution": bought["earned"].to_numpy(dtype=np.int64),
    }
    return {name: np.concatenate([[0], np.cumsum(values)]) for name, values in columns.items()}


def _discounts(orders: Any, place: pd.Series, until: int) -> tuple[np.ndarray, ...] | None:
    """Orders with a list price: person, time, and running sums of what was paid and of the list price."""
    frame = order_log.lazy(orders)
    kinds = frame.collect_schema()
    if "list_amount" not in kinds.names():
        return None
    at = order_log.as_moment("ordered_at", kinds).alias("at")
    money = [order_log.as_number(name, kinds).alias(name) for name in ("amount", "list_amount")]
    home = _of_customers(frame.select("customer_id", at, *money), place, until)
    home = home[home["list_amount"].notna() & home["amount"].notna()].sort_values(["person", "second"])
    sums = (np.rint(home[name] * order_log.MONEY_SCALE).astype("int64") for name in ("amount", "list_amount"))
    running = (np.concatenate([[0], np.cumsum(values.to_numpy())]) for values in sums)
    return home["person"].to_numpy(), home["second"].to_numpy(), *running


def _of_customers(frame: nw.LazyFrame, place: pd.Series, until: int) -> pd.DataFrame:
    """Rows of known customers to the last day, brought home, with `person` and `second` for customer_id and at."""
    home = frame.filter(~nw.col("customer_id").is_null() & ~nw.col("at").is_null()).collect("pandas").to_native()
    home["person"] = home["customer_id"].map(place)
    home["second"] = seconds(home["at"])
    home = home[home["person"].notna() & (home["second"] < (until + 1) * DAY)]
    return home.drop(columns=["customer_id", "at"]).astype({"person": "int64"})


def _joined(members: Any, place: pd.Series, until: int) -> np.ndarray:
    if members is None:
        return np.full(len(place), NEVER, dtype=np.int64)
    frame = order_log.lazy(members)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), REQUIRES["members"])
    frame = frame.select("customer_id", order_log.as_moment("joined_at", kinds).alias("at"))
    blank = (
        frame.select(nw.col("at").is_null().cast(nw.Int64).sum()).collect("pandas").to_native()["at"].fillna(0).sum()
    )
    if blank:
        raise ValueError(f"{int(blank)} stays have no joined_at: complete them, or leave them out and say so")
    home = _of_customers(frame, place, until)
    joined = np.full(len(place), NEVER, dtype=np.int64)
    np.minimum.at(joined, home["person"].to_numpy(), home["second"].to_numpy())
    return joined


def _members(members: Any, until: int) -> int:
    """Customers who joined to the last day, whether or not they have an order."""
    if members is None:
        return 0
    frame = order_log.lazy(members)
    at = order_log.as_moment("joined_at", frame.collect_schema()).alias("at")
    home = frame.select("customer_id", at).filter(~nw.col("customer_id").is_null()).collect("pandas").to_native()
    return int(home["customer_id"][seconds(home["at"]) < (until + 1) * DAY].nunique())


def _referrals(orders: Any, place: pd.Series, until: int) -> tuple[np.ndarray, np.ndarray] | None:
    """First orders of friends, by who referred them."""
    frame = order_log.lazy(orders)
    kinds = frame.collect_schema()
    if "referrer_id" not in kinds.names():
        return None
    at = order_log.as_moment("ordered_at", kinds).alias("at")
    frame = frame.filter(~nw.col("referrer_id").is_null())
    firsts = frame.group_by("customer_id", "referrer_id").agg(at.min())
    return _events(firsts.select(nw.col("referrer_id").alias("customer_id"), "at"), place, until)


def _touches(touchpoints: Any, place: pd.Series, until: int) -> tuple[np.ndarray, np.ndarray] | None:
    if touchpoints is None:
        return None
    frame = order_log.lazy(touchpoints)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["customer_id", "touched_at"])
    return _events(frame.select("customer_id", order_log.as_moment("touched_at", kinds).alias("at")), place, until)


def _events(frame: nw.LazyFrame, place: pd.Series, until: int) -> tuple[np.ndarray, np.ndarray]:
    home = _of_customers(frame, place, until).sort_values(["person", "second"])
    return home["person"].to_numpy(), home["second"].to_numpy()


def _traits(customers: Any, place: pd.Series, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Texts of the customers table, one a customer with an order; "unknown" where there is none."""
    if customers is None:
        return {}
    frame = order_log.lazy(customers)
    known = [name for name in names if name in frame.collect_schema().names()]
    home = frame.select("customer_id", *known).collect("pandas").to_native().drop_duplicates("customer_id")
    home = home.set_index("customer_id").reindex(place.index)
    return {name: home[name].astype(object).where(home[name].notna(), UNKNOWN).to_numpy(dtype=object) for name in known}
