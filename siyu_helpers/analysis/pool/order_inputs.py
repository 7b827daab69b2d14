"""What orders say about a pool: value and margin of its orders, where they are paid, whom its customers bring.

Opens no files and draws nothing. Orders may be any frame that narwhals takes, see `order_log`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.histories import DAY, NEVER, Histories, last_order_before, seconds, window_sum
from siyu_helpers.analysis.effect.results import Effect, clustered_variance, effect_of
from siyu_helpers.analysis.estimates import Estimate, mean_per_customer
from siyu_helpers.analysis.pool.pool_facts import Pool, share_of

HALF_YEAR, QUARTER, YEAR = 180 * DAY, 90 * DAY, 365 * DAY
REACHED_FOR = 365 * DAY  # the effect of page 04 is of customers who had ordered within so long before joining
BLOCK = 30 * DAY
CUSTOMERS_AT_LEAST = 2
Triple = tuple[float, float, float]


class Ratio(NamedTuple):
    """A ratio of two sums over customers, with its interval and the number of customers."""

    value: float
    low: float
    high: float
    customers: int


def ratio_of_sums(top: np.ndarray, bottom: np.ndarray, clusters: np.ndarray, level: float) -> Ratio | None:
    """Ratio of sums with the interval of its linearisation, those of one customer added up; None without a bottom.

    Example
    -------
    >>> [round(float(x), 2) for x in ratio_of_sums(np.array([10.0, 30.0]), np.ones(2), np.array([1, 2]), 0.90)]
    [20.0, 3.55, 36.45, 2.0]
    """
    total, customers = float(bottom.sum()), len(np.unique(clusters))
    if not total > 0 or customers < CUSTOMERS_AT_LEAST:
        return None
    value = float(top.sum()) / total
    reach = stats.norm.ppf((1 + level) / 2) * math.sqrt(clustered_variance((top - value * bottom) / total, clusters))
    return Ratio(value, value - reach, value + reach, customers)


def places_in(known: Histories, ids: np.ndarray) -> np.ndarray:
    """Place of each id in the histories, -1 for who has no order."""
    place = pd.Series(np.arange(len(known.customers)), index=pd.Index(known.customers))
    return pd.Series(ids).map(place).fillna(-1).astype("int64").to_numpy()


class Placed(NamedTuple):
    """Orders of the histories beside the pool: of_pool, place of the buyer in the pool (-1: never in it); inside:
    bought while in the pool."""

    of_pool: np.ndarray
    inside: np.ndarray


def placed_orders(known: Histories, pool: Pool | None) -> Placed:
    """Which orders were placed by customers in the pool."""
    of_pool = np.full(len(known.customers), -1, dtype=np.int64)
    if pool is not None:
        place = places_in(known, pool.ids)
        of_pool[place[place >= 0]] = np.flatnonzero(place >= 0)
        each = of_pool[known.person]
        return Placed(each, pool.inside(each, known.time))
    return Placed(of_pool[known.person], np.zeros(len(known.person), dtype=bool))


def value_and_margin(known: Histories, chosen: np.ndarray, level: float) -> tuple[Ratio | None, Ratio | None]:
    """Money per order, and contribution as a share of it, over chosen orders; margin None where it is not known."""
    person = known.person[chosen]
    spend = np.diff(known.totals["spend"])[chosen] / order_log.MONEY_SCALE
    value = ratio_of_sums(spend, np.ones(len(spend)), person, level)
    if math.isnan(known.worth):
        return value, None
    return value, ratio_of_sums(np.diff(known.totals["contribution"])[chosen] * known.worth, spend, person, level)


def share_with_orders(known: Histories, pool: Pool, level: float) -> tuple[Triple, int] | None:
    """Share of the joiners of the months counted who had ordered within a year before they joined."""
    chosen = (pool.first >= pool.begin) & (pool.first < pool.end)
    joined, place = pool.first[chosen], places_in(known, pool.ids[chosen])
    if not len(joined):
        return None
    last = last_order_before(known, np.maximum(place, 0), joined)
    had = (place >= 0) & (last >= joined - REACHED_FOR)
    return share_of(int(had.sum()), len(had), level), len(had)


# --- where orders are paid, and what the platforms keep ---


def read_shops(orders: Any, known: Histories) -> pd.DataFrame:
    """Orders of known customers and where they were paid -> person, second, shop, amount, fee (blank: not known)."""
    frame = order_log.lazy(orders)
    kinds = frame.collect_schema()
    columns = [nw.col("customer_id"), order_log.as_moment("ordered_at", kinds).alias("at")]
    columns.append(order_log.as_number("amount", kinds).alias("amount"))
    if "sold_through" in kinds.names():
        # The condition keeps pandas from spelling a blank "nan".
        shop = nw.when(~nw.col("sold_through").is_null()).then(nw.col("sold_through").cast(nw.String))
        columns.append(shop.alias("shop"))
    if "platform_fee" in kinds.names():
        columns.append(order_log.as_number("platform_fee", kinds).alias("fee"))
    home = frame.filter(~nw.col("customer_id").is_null()).select(*columns).collect("pandas").to_native()
    for name in ("shop", "fee"):
        if name not in home:
            home[name] = None if name == "shop" else np.nan
    home["person"] = places_in(known, home["customer_id"].to_numpy())
    home["second"] = seconds(home["at"])
    kept = (home["person"] >= 0) & (home["second"] < known.end)
    return home.loc[kept, ["person", "second", "shop", "amount", "fee"]].reset_index(drop=True)


class Moved(NamedTuple):
    """Orders paid in own channels before and after joining, by the same customers; what the platforms kept of both.

    share : after less before. saved : fee rate elsewhere before joining less fee rate in own channels after, None where
    fees are not recorded. before, after : shares. customers : with orders on both sides.
    """

    share: Ratio
    saved: Ratio | None
    before: float
    after: float


def moved_orders(shops: pd.DataFrame, known: Histories, pool: Pool, own: set[str], level: float) -> Moved | None:
    """How joining moves orders to own channels: 180 days before and after, the same customers; None without any."""
    first = np.full(len(known.customers), NEVER, dtype=np.int64)
    of_pool = np.full(len(known.customers), -1, dtype=np.int64)
    place = places_in(known, pool.ids)
    first[place[place >= 0]] = pool.first[place >= 0]
    of_pool[place[place >= 0]] = np.flatnonzero(place >= 0)
    shops = shops[shops["shop"].notna()]
    person, second = shops["person"].to_numpy(), shops["second"].to_numpy()
    since = second - first[person]
    before = (since < 0) & (since >= -HALF_YEAR)
    after = (since >= 0) & (since < HALF_YEAR) & pool.inside(of_pool[person], second)
    counts = [np.bincount(person[side], minlength=len(first)) for side in (before, after)]
    both = (counts[0] > 0) & (counts[1] > 0)
    before, after = before & both[person], after & both[person]
    if both.sum() < CUSTOMERS_AT_LEAST:
        return None
    paid_in_own = shops["shop"].isin(own).to_numpy(dtype=float)
    share = _difference(paid_in_own, np.ones(len(shops)), after, before, person, level)
    here, elsewhere = after & (paid_in_own == 1), before & (paid_in_own == 0)
    charged, amount = shops["fee"].notna().to_numpy(), shops["amount"].to_numpy(dtype=float)
    fee = shops["fee"].fillna(0).to_numpy(dtype=float)
    saved = _difference(fee, amount, elsewhere & charged, here & charged, person, level)
    return Moved(share, saved, float(paid_in_own[before].mean()), float(paid_in_own[after].mean()))


def _difference(top, bottom, one, other, clusters, level: float) -> Ratio | None:
    """Difference of two ratios over two sets of rows, with the interval of its linearisation by customer."""
    sums = [float(bottom[side].sum()) for side in (one, other)]
    if min(sums) <= 0:
        return None
    rates = [float(top[side].sum()) / total for side, total in zip((one, other), sums, strict=True)]
    influence = one * (top - rates[0] * bottom) / sums[0] - other * (top - rates[1] * bottom) / sums[1]
    used = one | other
    error = math.sqrt(clustered_variance(influence[used], clusters[used]))
    reach = stats.norm.ppf((1 + level) / 2) * (0.0 if math.isnan(error) else error)
    value = rates[0] - rates[1]
    return Ratio(value, value - reach, value + reach, len(np.unique(clusters[used])))


def paid_per_order(spend: Any, orders: Any, begin: int, end: int) -> float | None:
    """Advertising of a span per order of the channels it was spent on; None without spend or such orders."""
    if spend is None:
        return None
    frame = order_log.lazy(spend)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["date", "channel", "spend"])
    day = order_log.as_moment("date", kinds).alias("date")
    home = frame.select(day, nw.col("channel").cast(nw.String), order_log.as_number("spend", kinds).alias("spend"))
    home = home.collect("pandas").to_native().dropna(subset=["date"])
    at = seconds(home["date"])
    home = home[(at >= begin) & (at < end) & (home["spend"] > 0).to_numpy()]
    bought = order_log.lazy(orders)
    kinds = bought.collect_schema()
    columns = [order_log.as_moment("ordered_at", kinds).alias("at")]
    through = "acquired_through" in kinds.names()
    if through:
        columns.append(nw.col("acquired_through").cast(nw.String).alias("channel"))
    sold = bought.select(*columns).collect("pandas").to_native()
    at = seconds(sold["at"])
    sold = sold[(at >= begin) & (at < end)]
    many = int(sold["channel"].isin(set(home["channel"])).sum()) if through else len(sold)
    return float(home["spend"].sum()) / many if many and len(home) else None


# --- whom customers bring ---


class Friends(NamedTuple):
    """Referred customers: place in the histories, moment of the first order, moment their referrer joined (NEVER)."""

    place: np.ndarray
    first: np.ndarray
    referrer_joined: np.ndarray


def read_friends(orders: Any, known: Histories, pool: Pool | None) -> Friends | None:
    """Customers whose first order names who referred them; None where nobody is recorded."""
    frame = order_log.lazy(orders)
    kinds = frame.collect_schema()
    if "referrer_id" not in kinds.names():
        return None
    frame = frame.filter(~nw.col("referrer_id").is_null() & ~nw.col("customer_id").is_null())
    at = order_log.as_moment("ordered_at", kinds).alias("at")
    home = frame.select("customer_id", "referrer_id", at).collect("pandas").to_native()
    place = places_in(known, home["customer_id"].to_numpy())
    home = home.assign(place=place, second=seconds(home["at"]))[place >= 0]
    home = home[home["second"].to_numpy() <= known.first_order[home["place"].to_numpy()]]
    if home.empty:
        return None
    home = home.sort_values(["place"], kind="stable").drop_duplicates("place")
    joined = np.full(len(home), NEVER, dtype=np.int64)
    if pool is not None:
        first = pd.Series(pool.first, index=pd.Index(pool.ids))
        joined = home["referrer_id"].map(first).fillna(NEVER).to_numpy(dtype=float).astype(np.int64)
    return Friends(home["place"].to_numpy(), home["second"].to_numpy(), joined)


def brought_by_pool(friends: Friends | None, known: Histories, pool: Pool) -> int:
    """How many joiners of the months counted were referred by a customer who had joined before."""
    if friends is None:
        return 0
    place = places_in(known, pool.ids)
    theirs = np.full(len(known.customers), NEVER, dtype=np.int64)
    theirs[place[place >= 0]] = pool.first[place >= 0]
    joined = theirs[friends.place]
    chosen = (joined >= pool.begin) & (joined < pool.end) & (friends.referrer_joined < friends.first)
    return int(chosen.sum())


def friends_worth(friends: Friends | None, known: Histories, level: float, seed: int) -> tuple[Estimate, int] | None:
    """Mean contribution of a referred customer within 365 days of the first order, or 90 where that is all there is."""
    if friends is None or math.isnan(known.worth):
        return None
    for days in (365, 90):
        whole = friends.first + days * DAY <= known.end
        who, since = friends.place[whole], friends.first[whole]
        earned = window_sum(known, "contribution", who, since, since + days * DAY) * known.worth
        found = mean_per_customer(earned, level, seed, at_least=30) if len(earned) else None
        if isinstance(found, Estimate):
            return found, days
    return None


def friends_joining(friends: Friends | None, known: Histories, pool: Pool, level: float) -> tuple[Triple, int] | None:
    """Share of referred customers who join within ninety days of their first order, of those watched for as long."""
    if friends is None or not len(pool.first):
        return None
    open_ = friends.first >= pool.first.min()
    watched = open_ & (friends.first + QUARTER <= known.end)
    place = places_in(known, pool.ids)
    joined = np.full(len(known.customers), NEVER, dtype=np.int64)
    joined[place[place >= 0]] = pool.first[place >= 0]
    wait = joined[friends.place[watched]] - friends.first[watched]
    found = share_of(int((wait < QUARTER).sum()), int(watched.sum()), level)
    return None if found is None else (found, int(watched.sum()))


# --- without a pool: how customers go on ordering by themselves ---


def months_after_first_order(known: Histories, level: float) -> list[Effect]:
    """Orders in each of six months of thirty days after the first order, of customers watched for all of them.

    Each an Effect whose value is the mean per customer, one table for all, so that they can be combined. Empty with
    fewer than two such customers.
    """
    who = np.flatnonzero(known.first_order + 6 * BLOCK < known.end)
    if len(who) < CUSTOMERS_AT_LEAST:
        return []
    begin = known.first_order[who] + 1  # the first order itself is not one of those that follow
    found = []
    for month in range(6):
        orders = window_sum(known, "orders", who, begin + month * BLOCK, begin + (month + 1) * BLOCK).astype(float)
        mean = float(orders.mean())
        found.append(effect_of(mean, (orders - mean) / len(orders), level, None, len(orders)))
    return found
