"""The catchment of a store: how far away customers live, and whether those nearby are the core.

The articles say that the core private-domain customers of a restaurant are those within 3 km. Distances are known only
of orders that record them (deliveries, as a rule): what walks in from the street is not in these shares.

Opens no files and draws nothing. Tables may be any frame that narwhals takes, see the head of `order_log`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, share
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.evidence import Evidence
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = order_log.REQUIRES
RADIUS_KM = 3.0
CORE_SHARE = 0.80  # ours: "core" are those who place 80% of the orders
KNOWN_AT_LEAST = 0.30  # ours: of orders with a distance, below which they may not stand for the rest
WITHIN_DAYS = 90
METRES = 1000
CLAIM = Words("餐饮的核心私域客户在门店 3 公里以内", "the core customers of a restaurant's pool are those within 3 km")
ENDS = ("", "_low", "_high")
COLUMNS = [
    "from_km", "to_km", "customers", "customers_per_km2", "orders", *(f"share{end}" for end in ENDS), "cumulative",
    *(f"orders_per_customer{end}" for end in ENDS), "watched", *(f"repurchase{end}" for end in ENDS),
]  # fmt: skip


def catchment(
    orders: Any,
    observed_until: order_log.DateLike,
    members: Any = None,
    radius_km: float = RADIUS_KM,
    ring_km: float = 1.0,
    rings: int = 6,
    core_share: float = CORE_SHARE,
    within_days: int = WITHIN_DAYS,
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> Evidence:
    """Share of orders within a radius of the store, how orders thin out with distance, and whether 3 km is the core.

    orders (one paid order), members (one stay)  ->  Evidence: table (ring of distance), figures, rule

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`; distance_km is the column that counts, blank where not known.
    members : frame, optional
        customer_id, joined_at [left_at]: orders that customers placed while in the pool are then shown on their own.
    radius_km : float
        The radius to judge; its edge belongs to it.
    ring_km, rings : float, int
        Width of a ring, and how many before the last, open one.
    core_share : share
        Of orders that make the core.
    within_days : int
        Days in which a second purchase counts as repurchase.

    Returns
    -------
    Evidence
        table : one row a ring with customers or orders; to_km is infinite in the last. A customer belongs to the ring
        of the mean distance of their orders; customers, and customers_per_km2 of the ring's area (blank in the last
        ring; several stores are taken together). orders : with a distance in the ring; share of all with a distance;
        cumulative : share up to the ring's outer edge. orders_per_customer : all their orders. watched : new customers
        watched `within_days`; repurchase : share of them who bought again. With _low and _high; a mean of fewer than
        100 customers is blank (NaN). Empty without distances.
        figures : catchment_known_share, catchment_share, catchment_pool_share, catchment_pool_gap (pool less all other
        orders), catchment_core_km (radius that holds core_share of orders), catchment_repurchase_gap (within less
        beyond the radius), catchment_orders_gap (orders per customer, the same).
        rule : agrees when the share of orders within the radius (those of the pool, where it has 100 customers or more)
        is at least core_share with its whole interval; disagrees when all of it is below.

    Raises
    ------
    ValueError
        For a missing column, a negative distance, or parameters out of range.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1, 1, 2, 3], "amount": 20.0, "distance_km": [0.5, 0.5, 2.0, None]})
    >>> log["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-09", "2024-01-06", "2024-01-07"])
    >>> found = catchment(log, "2024-12-31")
    >>> found.table[["from_km", "to_km", "customers", "orders", "share"]].round(3)
       from_km  to_km  customers  orders  share
    0      0.0    1.0          1       2  0.667
    1      1.0    2.0          1       1  0.333
    >>> found.figures["catchment_known_share"].value, found.figures["catchment_share"].value
    (0.75, 1.0)
    """
    check_level(level)
    _check(radius_km, ring_km, rings, core_share, within_days)
    rows = evidence.order_rows(orders, observed_until, numbers=("distance_km",))
    metres = np.rint(rows.numbers.get("distance_km", np.full(len(rows.person), np.nan)) * METRES)
    if (metres < 0).any():
        raise ValueError("distance_km must be 0 or more: correct it, or leave it blank where it is not known")
    known = ~np.isnan(metres)
    words = _words(radius_km, core_share, within_days)
    inside_pool = evidence.in_pool(rows, members)
    if not known.any():
        return _nothing(words)
    new = evidence.new_customers(rows, observed_from, history, burn_in_days, first_order_at)
    people = _people(rows, metres, known, new, within_days)
    table = _table(rows, metres, known, people, ring_km, rings, level)
    figures = _figures(rows, metres, known, people, inside_pool, radius_km, core_share, words, level)
    return Evidence(table, figures, _rule(figures, radius_km, core_share))


# --- what is known of each customer ---


def _people(rows, metres, known, new, within_days) -> pd.DataFrame:
    """Customers with a known distance: their mean distance in metres, orders, new, watched, back within the days."""
    count = len(rows.customers)
    with_distance = np.bincount(rows.person[known], minlength=count)
    total = np.bincount(rows.person[known], metres[known], count)
    first_day = rows.first_day[rows.person]
    again = rows.per_customer((rows.day > first_day) & (rows.day <= first_day + within_days)) > 0
    people = pd.DataFrame({
        "metres": np.divide(total, with_distance, out=np.full(count, np.nan), where=with_distance > 0),
        "orders": rows.per_customer(),
        "watched": new & (rows.first_day + within_days <= rows.until),
        "again": again,
    })  # fmt: skip
    return people[people["metres"].notna()]


def _table(rows, metres, known, people, ring_km, rings, level) -> pd.DataFrame:
    edges = np.rint(np.arange(1, rings + 1) * ring_km * METRES)
    ring_of_order = np.searchsorted(edges, metres[known], side="left")  # an outer edge belongs to the ring
    ring_of_person = np.searchsorted(edges, people["metres"].to_numpy(), side="left")
    listed, so_far = [], 0
    for ring in range(rings + 1):
        there, part = ring_of_order == ring, people[ring_of_person == ring]
        so_far += int(there.sum())
        if not there.any() and part.empty:
            continue
        begin, end = ring * ring_km, (ring + 1) * ring_km if ring < rings else math.inf
        area = math.pi * (end**2 - begin**2)
        watched = part[part["watched"]]
        row = [begin, end, len(part), len(part) / area if ring < rings else math.nan, int(there.sum())]
        row += [*_ends(evidence.share_of_rows(there, rows.person[known], level)), so_far / int(known.sum())]
        row += _ends(evidence.mean(part["orders"].to_numpy(), level))
        row += [len(watched), *_ends(share(int(watched["again"].sum()), len(watched), level))]
        listed.append(row)
    kinds = dict.fromkeys(("customers", "orders", "watched"), "int64")
    return pd.DataFrame(listed, columns=COLUMNS).astype({name: kinds.get(name, "float64") for name in COLUMNS})


def _ends(fact: Estimate | Refused) -> list[float]:
    return [math.nan] * 3 if isinstance(fact, Refused) else [fact.value, fact.low, fact.high]


# --- figures and rule ---


def _figures(rows, metres, known, people, inside_pool, radius_km, core_share, words, level):
    near = metres <= np.rint(radius_km * METRES)
    person = rows.person
    figures: dict[str, Estimate | Refused] = {"catchment_known_share": Estimate.exact(
        known.mean(), len(known), "share", words["known_share"], catchment
    )}  # fmt: skip
    figures["catchment_share"] = evidence.share_of_rows(near[known], person[known], level, words["share"], catchment)
    pool = None if inside_pool is None else known & inside_pool
    figures |= _of_pool(rows, near, known, pool, words, level)
    figures["catchment_core_km"] = _core(metres[known], person[known], core_share, words["core_km"], level)
    nearby = people["metres"] <= np.rint(radius_km * METRES)
    sides = [people[nearby], people[~nearby]]
    back = [share(int((s["watched"] & s["again"]).sum()), int(s["watched"].sum()), level) for s in sides]
    back = [evidence.too_few(side.n) or side if isinstance(side, Estimate) else evidence.too_few(0) for side in back]
    many = [evidence.mean(side["orders"].to_numpy(), level) for side in sides]
    figures["catchment_repurchase_gap"] = evidence.gap(
        *back, "percentage points", words["repurchase_gap"], catchment, 100.0
    )
    figures["catchment_orders_gap"] = evidence.gap(*many, "orders per customer", words["orders_gap"], catchment)
    return figures


def _of_pool(rows, near, known, pool, words, level) -> dict[str, Estimate | Refused]:
    """Share of the pool's orders within the radius, and against all other orders."""
    if pool is None:
        refused = evidence.no_column("members", "", "私域客户名单", "list of who joined the pool")
        return {"catchment_pool_share": refused, "catchment_pool_gap": refused}
    others = known & ~pool
    sides = [(rows.per_customer(near & part), rows.per_customer(part)) for part in (pool, others)]
    inside = evidence.share_of_rows(near[pool], rows.person[pool], level, words["pool_share"], catchment)
    apart = evidence.ratio_gap(*sides, level, definition=words["pool_gap"], function=catchment)
    return {"catchment_pool_share": inside, "catchment_pool_gap": apart}


def _core(metres, person, core_share, words, level) -> Estimate | Refused:
    """Smallest radius that holds a share of the orders.

    Interval: the radii at the ends of the interval of the share within the estimated radius (Woodruff 1952, Journal of
    the American Statistical Association 47, 635-646), customers being what varies.
    """
    ordered = np.sort(metres)
    value = _quantile(ordered, core_share)
    held = evidence.share_of_rows(metres <= value, person, level)
    if isinstance(held, Refused):
        return held
    low = _quantile(ordered, core_share - (held.value - held.low))
    high = _quantile(ordered, core_share + (held.high - held.value))
    ends = (value / METRES, min(low, value) / METRES, max(high, value) / METRES)
    return Estimate(*ends, level, held.n, "km", words, catchment)


def _quantile(ordered: np.ndarray, at: float) -> float:
    """Smallest value with at least that share of the values at or below it."""
    return float(ordered[min(max(math.ceil(at * len(ordered) - 1e-9) - 1, 0), len(ordered) - 1)])


def _words(radius_km: float, core_share: float, within_days: int) -> dict[str, Words]:
    return {
        "known_share": Words("记录了距离的订单 ÷ 全部订单", "orders with a distance / all orders"),
        "share": Words(
            f"距门店 {radius_km:g} 公里以内（含）的订单 ÷ 记录了距离的订单",
            f"orders within {radius_km:g} km of the store, its edge included / orders with a distance",
        ),
        "pool_share": Words(
            f"客户在私域期间的订单中，距门店 {radius_km:g} 公里以内的占比；只计记录了距离的订单",
            f"share within {radius_km:g} km, of orders with a distance placed while in the pool",
        ),
        "pool_gap": Words(
            f"{radius_km:g} 公里以内的订单占比：私域期间的订单 － 其余订单，只计记录了距离的",
            f"share of orders within {radius_km:g} km: placed in the pool less all others, of those with a distance",
        ),
        "core_km": Words(
            f"包含 {core_share:.0%} 订单的最小半径，只计记录了距离的订单",
            f"smallest radius that holds {core_share:.0%} of the orders with a distance",
        ),
        "repurchase_gap": Words(
            f"首单后 {within_days} 天内再次购买的新客占比：平均距离 {radius_km:g} 公里以内 － 以外；"
            "差别不等于距离的作用",
            f"share who buy again within {within_days} days: customers within {radius_km:g} km less those beyond, by "
            "mean distance; a difference is not an effect of distance",
        ),
        "orders_gap": Words(
            f"人均订单数：平均距离 {radius_km:g} 公里以内的客户 － 以外的客户，只计记录了距离的客户",
            f"orders per customer: those within {radius_km:g} km less those beyond, by mean distance where known",
        ),
    }


KEYS = ("known_share", "share", "pool_share", "pool_gap", "core_km", "repurchase_gap", "orders_gap")


def _nothing(words: dict[str, Words]) -> Evidence:
    refused = evidence.no_column("orders", "distance_km", "客户到门店的距离", "distance from customer to store")
    figures: dict[str, Estimate | Refused] = {f"catchment_{key}": refused for key in KEYS}
    reading = Words("订单没有记录距离，无法检验", "orders record no distance: the rule cannot be tested")
    empty = pd.DataFrame({name: pd.Series(dtype="float64") for name in COLUMNS})
    empty = empty.astype(dict.fromkeys(("customers", "orders", "watched"), "int64"))
    return Evidence(empty, figures, RuleResult("catchment", CLAIM, figures, OPEN, reading))


def _rule(figures: dict[str, Estimate | Refused], radius_km: float, core_share: float) -> RuleResult:
    pool, known = figures["catchment_pool_share"], figures["catchment_known_share"]
    of_pool = isinstance(pool, Estimate) and pool.n >= evidence.CUSTOMERS_AT_LEAST
    held = pool if of_pool else figures["catchment_share"]
    agrees, reading = OPEN, Words(
        "记录了距离的订单太少，或占比正好在门槛附近，暂下不了结论",
        "too few orders have a distance, or the share lies about the threshold: nothing is settled",
    )  # fmt: skip
    if isinstance(held, Estimate) and held.n >= evidence.CUSTOMERS_AT_LEAST and known.value >= KNOWN_AT_LEAST:
        if held.low >= core_share:
            agrees, reading = AGREES, Words(
                "绝大部分订单来自这一半径以内，拉新与到店活动可以只做周边",
                "almost all orders come from within this radius: recruit and invite in the neighbourhood only",
            )  # fmt: skip
        elif held.high < core_share:
            agrees, reading = DISAGREES, Words(
                "不少订单来自这一半径以外，只做周边会漏掉客户，应按实际半径投放",
                "many orders come from beyond this radius: use the radius that holds them instead",
            )  # fmt: skip
    return RuleResult("catchment", CLAIM, figures, agrees, reading)


def _check(radius_km: float, ring_km: float, rings: int, core_share: float, within_days: int) -> None:
    for name, value in (("radius_km", radius_km), ("ring_km", ring_km)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name} must be above 0; got {value!r}")
    if not 0 < core_share < 1:
        raise ValueError(f"core_share must lie between 0 and 1, such as 0.8; got {core_share!r}")
    order_log.at_least_one("rings", rings)
    order_log.at_least_one("within_days", within_days)
