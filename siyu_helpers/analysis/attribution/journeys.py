"""Journeys: the touches before an order, or before nothing, as one table of paths, and the flow of rows that led there.

Every touch of the table belongs to exactly one journey or is counted as left out, and every order has a journey or is
counted as having none, so that the flow adds up.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import forming, paths, touches
from siyu_helpers.analysis.attribution.touches import MICROSECONDS_A_DAY
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

REQUIRES = touches.REQUIRES | order_log.REQUIRES

PER = ("order", "person")
CONVERSIONS_OF = ("all_orders", "new_customers")
DIRECT_RULES = ("keep", "drop_beside_others", "drop")
OPEN_JOURNEYS = ("nulls", "left_out")
MICROSECONDS_AN_HOUR = 3_600_000_000


FLOW_WORDS = {  # in reading order; the first word of a step is its unit
    "touches_read": Words("触点记录", "Touches read"),
    "touches_without_channel": Words("没有渠道名", "Without a channel"),
    "touches_without_person": Words("没有访客也没有客户", "Without visitor or customer"),
    "touches_later": Words("晚于观察截止日", "After the last day"),
    "touches_of_old_customers": Words("老客户的触点", "Of old customers"),
    "touches_after_order": Words(
        "在计入的订单之后（归因新客时即首单之后）", "After the order that counts (for new customers: the first)"
    ),
    "touches_outside_window": Words("早于归因窗口", "Before the look-back window"),
    "touches_ended_earlier": Words("路径在统计期之前结束", "Of journeys that ended before the period"),
    "touches_still_open": Words("路径尚未结束，不计入", "Of journeys still open, left out"),
    "touches_direct": Words("直接访问，不计入", "Direct traffic, left out"),
    "touches_converting": Words("在有订单的路径上", "In journeys with an order"),
    "touches_null": Words("在没有下单的路径上", "In journeys without an order"),
    "orders_read": Words("订单记录", "Orders read"),
    "orders_later": Words("晚于观察截止日", "After the last day"),
    "orders_ended_earlier": Words("早于统计期", "Before the period"),
    "orders_without_customer": Words("没有客户编号", "Without a customer"),
    "orders_not_counted": Words("不是新客首单", "Not the first of a new customer"),
    "orders_without_touch": Words("下单前没有触点记录", "Without a recorded touch"),
    "orders_only_direct": Words("只有直接访问", "With direct traffic only"),
    "orders_with_journey": Words("有路径的订单", "With a journey"),
    "journeys_formed": Words("拼出的路径", "Journeys formed"),
    "journeys_ended_earlier": Words("在统计期之前结束", "Ended before the period"),
    "journeys_open_left_out": Words("尚未结束，不计入", "Still open, left out"),
    "journeys_only_direct": Words("只有直接访问", "Direct traffic only"),
    "journeys_converting": Words("有订单的路径", "Journeys with an order"),
    "journeys_null": Words("没有下单的路径", "Journeys without an order"),
    "journeys_null_open": Words("其中：可能还会下单", "Of these: an order may still come"),
    "journeys_with_ties": Words("以上两类中：同一时刻有多个渠道", "Of both: with several channels at one moment"),
    "paths_distinct": Words("不同的路径", "Different journeys"),
    "visitors_read": Words("访客", "Visitors"),
    "visitors_linked": Words("其中：对应到客户", "Of these: tied to a customer"),
}


def journeys(
    touchpoints: Any,
    orders: Any,
    lookback_days: float = 90,
    *,
    observed_until: order_log.DateLike | None = None,
    ended_from: order_log.DateLike | None = None,
    per: str = "order",
    conversions_of: str = "all_orders",
    direct: str | Iterable[str] = (),
    direct_rule: str = "keep",
    refunds: str = "net",
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
    domains: dict[str, str] | None = None,
    clock: str = "auto",
    ages: bool = False,
    open_journeys: str = "nulls",
) -> pd.DataFrame:
    """Paths that customers and visitors took, with the orders at their end and the journeys that ended without one.

    touchpoints (one touch), orders (one paid order)  ->  table (path)

    Parameters
    ----------
    touchpoints : any frame that narwhals takes
        visitor_id, touched_at, channel, customer_id; see `touches.linked` for how touches find their person.
    orders : any frame that narwhals takes
        See the head of `order_log`. An order without customer has no journey.
    lookback_days : number
        Look-back window: a touch counts for an order at most so many days of 24 hours later.
    observed_until : date, optional
        Last day; later touches and orders are left out.
    ended_from : date, optional
        Only journeys that end on this day or later, with their whole path: for the money of the last 12 months, say.
    per : "order" or "person"
        "order": the touches of the customer after the previous order, in the window, up to the order. Touches in no
        such window form journeys without an order: those of a person with no order and at most lookback_days between
        one and the next. "person": one journey a person, of all touches in the window of any order that counts, up to
        the last of these orders; it is one conversion, worth the sum of the orders (those before `ended_from` too).
        Who has no such order has one journey of all touches, whatever lies between them.
    conversions_of : "all_orders" or "new_customers"
        "new_customers": only the first order of customers who are new by `history` (see the head of `order_log`). Their
        touches after it, and all touches of old customers, are left out; where new customers are only told apart from a
        day on, so are journeys that ended before that day, with and without an order.
    direct, direct_rule
        Channels that are direct traffic, and what becomes of them: "keep" (channels like any other),
        "drop_beside_others" (left out of journeys with any other touch) or "drop" (left out; a journey of nothing else
        has no path). Journeys are formed and their ends found before that.
    refunds : "net" or "gross"
        Whether the refunded part, where recorded, is taken off the value. An order is never worth less than 0.
    observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`; only "new_customers" asks for them.
    domains : dict, optional
        Channel -> "public", "semi" or "private"; decides which of several touches at one moment is read first.
    clock : "auto", "exact", "minute" or "day"
        How exactly the time of orders is known: a touch of the order's own minute (or day) counts as before it.
        "auto": by the minute (or day) where 20 orders or more all stand on whole ones and touches do not.
    ages : bool
        Keep hours_before_end, which "time_decay" needs. Rows are then those of equal path and equal hours.
    open_journeys : "nulls" or "left_out"
        What becomes of journeys without an order whose last touch is at most lookback_days before the end of
        `observed_until` (else before the last touch): an order may still come.

    Returns
    -------
    DataFrame in alphabetical order of paths: path (tuple of str), conversions, value (currency), nulls (journeys that
    ended without an order) [, hours_before_end (tuple of float; without an order, before the last touch)]. Never blank.
    attrs: flow (counts, see `flow_table`), every definition above, first_day and last_day of the ends of journeys,
    value_variation (squared coefficient of variation of value among conversions of one path; absent where no path
    has two conversions, or none is worth anything), and, where the orders have acquired_through, untouched: dict of
    that channel ("unknown" where blank) -> orders without a recorded touch, see `untouched_orders`.

    Raises
    ------
    ValueError
        For a missing column, times that are no dates or of different time zones, an order without amount, an
        impossible parameter, or customer ids that are text in one table and numbers in the other.

    Notes
    -----
    Of two orders of a customer at one moment the larger has the touches. A touch at the moment of the order counts as
    before it, later ones never do. Nothing depends on the order of rows or on ids.

    Example
    -------
    >>> touches = pd.DataFrame({"visitor_id": [1, 1, 2], "customer_id": [None, 7, None]})
    >>> touches["touched_at"] = pd.to_datetime(["2024-01-01 10:00", "2024-01-02 10:00", "2024-01-03 10:00"])
    >>> touches["channel"] = ["feed", "wecom", "feed"]
    >>> orders = pd.DataFrame({"customer_id": [7], "ordered_at": [pd.Timestamp("2024-01-02 10:05")], "amount": [30.0]})
    >>> journeys(touches, orders)
                path  conversions  value  nulls
    0        (feed,)            0    0.0      1
    1  (feed, wecom)            1   30.0      0
    """
    window = _checked(lookback_days, per, conversions_of, direct_rule, refunds, history, clock, open_journeys)
    direct = _direct(direct, direct_rule, domains)
    touches.one_time_zone(touched_at=(touchpoints, "touched_at"), ordered_at=(orders, "ordered_at"))
    touched = touches.linked(touchpoints, observed_until, domains)
    end = None if observed_until is None else touches.end_of_day(observed_until, "observed_until")
    since = start = forming.BEFORE_ALL
    if conversions_of == "new_customers":
        start = since = order_log.new_since(history, observed_from, burn_in_days, first_order_at) * MICROSECONDS_A_DAY
    if ended_from is not None:
        start = max(since, order_log.day_number(ended_from, "ended_from") * MICROSECONDS_A_DAY)
    home = forming.brought_home(orders, refunds)
    clock = forming.clock_of(clock, home["at"], touched.at)
    ordered, flow = forming.ordered_of(home, touched.customers, end, start, forming.CLOCKS[clock])
    if conversions_of == "new_customers":
        ordered = forming.only_new(
            ordered, home["customers"], touched.customers, since, forming.stated_old(first_order_at, since)
        )
    fates = forming.fates_of(touched, ordered, window, per, conversions_of)
    formed, journey_of_order = forming.formed_of(touched, ordered, fates, window, per)
    limit = end if end is not None else int(touched.at.max(initial=0))
    channels, flow = touched.channels, flow + Counter(touched.counts) + forming.count_fates(fates)
    del touched, fates  # ten million touches: what is done with goes
    is_direct = np.isin(channels, direct)
    leaves = forming.leaving_of(formed, start, limit - window, is_direct, direct_rule, open_journeys)
    flow += forming.count_touches(formed, leaves) + forming.count_journeys(formed, leaves)
    flow += forming.count_orders(ordered, journey_of_order, leaves, start, per)
    untouched = forming.count_untouched(ordered, journey_of_order, start, per, home.get("channels", []))
    kept = forming.kept_of(formed, leaves)
    del formed, leaves
    made, more = _table(kept, channels, ages)
    made.attrs = {
        "flow": {step: int((flow + more)[step]) for step in FLOW_WORDS},
        "lookback_days": lookback_days, "per": per, "conversions_of": conversions_of, "direct": direct,
        "direct_rule": direct_rule, "refunds": order_log.refund_rule(orders, refunds), "clock": clock,
        "open_journeys": open_journeys, **_given(observed_until=observed_until, ended_from=ended_from), **made.attrs,
        **({} if untouched is None else {"untouched": untouched}),
    }  # fmt: skip
    return made


def flow_table(journeys: pd.DataFrame) -> pd.DataFrame:
    """Where the rows went on the way from touches and orders to journeys, in reading order.

    table (path)  ->  table (step)

    Returns
    -------
    DataFrame: step (key of `FLOW_WORDS`), count, unit ("touches", "orders", "journeys", "paths" or "visitors"). The
    touches read are the sum of the other touches, the orders read of the other orders, the journeys formed of
    journeys_ended_earlier, journeys_open_left_out, journeys_only_direct, journeys_converting and journeys_null.

    Raises
    ------
    ValueError
        For a table that `journeys` did not make.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed",)], "conversions": 1, "value": 9.0, "nulls": 0})
    >>> table.attrs["flow"] = {"touches_read": 1, "touches_converting": 1, "orders_read": 1, "orders_with_journey": 1}
    >>> flow_table(table)
                      step  count     unit
    0         touches_read      1  touches
    1   touches_converting      1  touches
    2          orders_read      1   orders
    3  orders_with_journey      1   orders
    """
    flow = _flow_of(journeys)
    units = [step.split("_")[0] for step in flow]
    return pd.DataFrame({"step": list(flow), "count": np.array(list(flow.values()), dtype=np.int64), "unit": units})


def linked_share(journeys: pd.DataFrame) -> Estimate | Refused:
    """Share of orders whose journey is recorded: what is said of channels is said of these.

    table (path)  ->  Estimate without interval, because all is counted

    Returns
    -------
    Estimate, its n the orders of the denominator: all orders of the period, those without a customer too; with
    conversions_of="new_customers" the first orders of new customers. Refused where there is none.

    Raises
    ------
    ValueError
        For a table that `journeys` did not make.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed",)], "conversions": 3, "value": 9.0, "nulls": 0})
    >>> table.attrs = {"conversions_of": "all_orders", "flow": {"orders_with_journey": 3, "orders_without_touch": 1}}
    >>> linked_share(table).value
    0.75
    """
    flow, of_new = _flow_of(journeys), journeys.attrs["conversions_of"] == "new_customers"
    among = ["orders_with_journey", "orders_only_direct", "orders_without_touch"]
    of = sum(flow.get(step, 0) for step in [*among, *([] if of_new else ["orders_without_customer"])])
    if of == 0:
        return Refused("orders", 0, 1, "统计期内没有可计入的订单。", "There is no order in the period that counts.")
    words = {
        True: Words(
            "有触点路径的新客首单÷全部新客首单",
            "first orders of new customers with a journey / all first orders of new customers",
        ),
        False: Words(
            "有触点路径的订单÷全部订单（含没有客户编号的订单）",
            "orders with a journey / all orders, those without a customer included",
        ),
    }
    return Estimate.exact(flow["orders_with_journey"] / of, of, "share", words[of_new], linked_share)


def _flow_of(table: pd.DataFrame) -> dict[str, int]:
    if "flow" not in table.attrs:
        raise ValueError("the table does not say how it was made: make it from touchpoints and orders with journeys")
    return table.attrs["flow"]


# --- parameters ---


def _checked(lookback_days: float, per: str, conversions_of: str, direct_rule: str, *others: str) -> int:
    """The look-back window in microseconds, after a look at every name."""
    refunds, history, clock, open_journeys = others
    order_log.one_of("per", per, PER)
    order_log.one_of("conversions_of", conversions_of, CONVERSIONS_OF)
    order_log.one_of("direct_rule", direct_rule, DIRECT_RULES)
    order_log.one_of("refunds", refunds, ("net", "gross"))
    order_log.one_of("history", history, ("complete", "truncated"))
    order_log.one_of("clock", clock, ("auto", *forming.CLOCKS))
    order_log.one_of("open_journeys", open_journeys, OPEN_JOURNEYS)
    is_number = isinstance(lookback_days, int | float | np.number) and not isinstance(lookback_days, bool)
    if not (is_number and 0 < lookback_days < math.inf):
        raise ValueError(f"lookback_days must be a number of days above 0, such as 90; got {lookback_days!r}")
    return int(min(lookback_days, 1_000_000) * MICROSECONDS_A_DAY)


def _direct(direct: str | Iterable[str], direct_rule: str, domains: dict[str, str] | None) -> list[str]:
    named = [direct] if isinstance(direct, str) else sorted(set(direct))
    if direct_rule != "keep" and not named:
        raise ValueError(f"direct_rule={direct_rule!r} needs direct, the name of the channel of direct traffic")
    for name in named if domains else []:
        order_log.one_of("direct", name, tuple(domains))
    return named


# --- paths ---


def _table(kept: forming.Journeys, channels: list[str], ages: bool) -> tuple[pd.DataFrame, Counter]:
    """Rows of equal path, and of equal hours where they are kept, added up."""
    starts = np.append(np.flatnonzero(np.diff(kept.of, prepend=-1)), len(kept.of))
    same_moment = (np.diff(kept.of) == 0) & (np.diff(kept.at) == 0) & (np.diff(kept.channel) != 0)
    group = of_path = _distinct(kept.channel, starts)
    if ages:
        before = np.maximum(kept.ends[kept.of] - kept.at, 0)
        group = _distinct(pd.factorize(before * (len(channels) + 1) + kept.channel)[0], starts)
    rows = int(group.max(initial=-1)) + 1
    one = np.empty(rows, dtype=np.int64)
    one[group] = np.arange(len(group))
    minor = np.zeros(rows, dtype=np.int64)
    np.add.at(minor, group, kept.minor)
    made = pd.DataFrame(
        {
            "path": _tuples(kept.channel, starts, one, np.array(channels, dtype=object)),
            "conversions": np.bincount(group[kept.converting], minlength=rows),
            "value": minor / order_log.MONEY_SCALE,
            "nulls": np.bincount(group[~kept.converting], minlength=rows),
        }
    )
    if ages:
        made["hours_before_end"] = _tuples(before / MICROSECONDS_AN_HOUR, starts, one, None)
    names = list(made.columns)
    made = paths.aggregate(made)[names]
    made.attrs = _first_and_last(kept.ends) | _variation(of_path[kept.converting], kept.minor[kept.converting])
    ties = len(np.unique(kept.of[1:][same_moment]))
    return made, Counter(paths_distinct=int(of_path.max(initial=-1)) + 1, journeys_with_ties=ties)


def _tuples(values: np.ndarray, starts: np.ndarray, rows: np.ndarray, names: np.ndarray | None) -> pd.Series:
    """The stretches of values of these rows, or of their names, as tuples."""
    lengths = starts[rows + 1] - starts[rows]
    ends = np.cumsum(lengths)
    flat = values[np.repeat(starts[rows] - ends + lengths, lengths) + np.arange(lengths.sum())]
    flat = (flat if names is None else names[flat]).tolist()
    cuts = [0, *ends.tolist()]
    return pd.Series([tuple(flat[a:b]) for a, b in itertools.pairwise(cuts)], dtype=object)


def _distinct(steps: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Number of each sequence steps[starts[i]:starts[i + 1]] among the distinct ones.

    As many steps as fit into one number of 64 bits are read at a time: after the number of the sequence so far, the
    next steps from 1 up, and zeros beyond its end. Nothing is hashed to less than it was, so no two can collide.
    """
    lengths = np.diff(starts).astype(np.int32)
    bits = (int(steps.max(initial=0)) + 1).bit_length()
    group, going, so_far = np.zeros(len(lengths), dtype=np.int32), np.arange(len(lengths), dtype=np.int32), 0
    read = numbers = used = 0
    while len(going):
        key, within, longer = np.full(len(going), so_far, dtype=np.int64), 0, np.arange(len(going), dtype=np.int32)
        while used + bits * (within + 1) <= 63 and len(longer):
            longer = longer[lengths[going[longer]] > read + within]
            step = steps[starts[going[longer]] + read + within].astype(np.int64) + 1
            key[longer] |= step << (used + bits * within)
            within += 1
        so_far, found = pd.factorize(key)
        group[going] = so_far + numbers
        read, numbers, used = read + within, numbers + len(found), len(found).bit_length()
        more = lengths[going] > read
        going, so_far = going[more], so_far[more]
    return pd.factorize(group)[0]


def _given(**dates: order_log.DateLike | None) -> dict[str, str]:
    """The dates that were given, as texts."""
    given = {name: order_log.day_number(date, name) for name, date in dates.items() if date is not None}
    return {name: str(np.datetime64(day, "D")) for name, day in given.items()}


def _first_and_last(ends: np.ndarray) -> dict[str, str]:
    """First and last day on which a journey ended."""
    if not len(ends):
        return {}
    days = np.array([ends.min(), ends.max()]).astype("datetime64[us]").astype("datetime64[D]").astype(str)
    return {"first_day": str(days[0]), "last_day": str(days[1])}


def _variation(group: np.ndarray, minor: np.ndarray) -> dict[str, float]:
    """Squared coefficient of variation of value among conversions of one path, pooled over paths."""
    value = minor.astype(float)
    order = np.lexsort((value, group))  # sums of fractions then do not depend on the order of rows
    group, value = group[order], value[order]
    first = np.flatnonzero(np.diff(group, prepend=-1))
    times = np.diff(np.append(first, len(group)))
    if not len(first):
        return {}
    mean = np.add.reduceat(value, first) / times
    spread = np.add.reduceat((value - np.repeat(mean, times)) ** 2, first)
    scale = math.fsum(mean**2 * (times - 1))
    return {"value_variation": math.fsum(spread[times > 1]) / scale} if scale > 0 else {}
