"""Joining times: how long from the first touch to joining the private pool, and from there to the first order.

A step that has not happened yet may still come. Where everybody who set out on a step is in the data, those still on it
count for as long as they were watched (Kaplan-Meier). Where only those who finished it are known, which is so of every
step that begins with a touch, since visitors get a name by joining or ordering, the step is stated among those who
finished it within a number of days, all of them watched that long; such rows are marked `conditional`.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import touches
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, share
from siyu_helpers.analysis.repurchase_cycle import median_days, repurchased_within, time_to_next_order

REQUIRES = order_log.REQUIRES | touches.REQUIRES | {"members": ["customer_id", "joined_at"]}

CUSTOMERS_AT_LEAST = 30
WITHIN_DAYS = 180
SHARE_WORDS = {
    0.25: Words("四分之一", "a quarter"),
    0.5: Words("一半", "half"),
    0.75: Words("四分之三", "three quarters"),
}
QUARTERS = {0.25: "days_25", 0.5: "median_days", 0.75: "days_75"}
ENDS = ("", "_low", "_high")

STEPS = {
    "first_touch_to_joining": Words("从首次触点到加入私域", "from the first touch to joining the pool"),
    "joining_to_first_order": Words(
        "从加入私域到首单（先加入、后下单的客户）",
        "from joining the pool to the first order, of those who join first",
    ),
    "first_order_to_joining": Words(
        "从首单到加入私域（先下单、后加入的客户）",
        "from the first order to joining the pool, of those who order first",
    ),
    "first_touch_to_first_order": Words("从首次触点到首单", "from the first touch to the first order"),
}
GROUPS = {
    "all": Words("", ""),
    "joined_first": Words("，首单前已加入私域的客户", ", customers who had joined the pool before it"),
    "others": Words("，首单前没有加入私域的客户", ", customers who had not joined the pool before it"),
}


def joining_times(
    touchpoints: Any,
    orders: Any,
    members: Any,
    observed_until: order_log.DateLike,
    within_days: int = WITHIN_DAYS,
    level: float = LEVEL,
    lookback_days: int = 90,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> pd.DataFrame:
    """Days from the first touch to joining the pool, from joining to the first order, and from touch to order.

    touchpoints, orders, members  ->  table (step x group)

    Parameters
    ----------
    touchpoints : any frame that narwhals takes
        See `touches.linked`. A person's first touch is the earliest one recorded.
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`. Old customers are left out of all steps. With history="truncated" so are persons
        whose first touch comes less than `lookback_days` after the first day with a touch: they may have been touched
        before.
    members : any frame that narwhals takes
        customer_id, joined_at. A person's first joining counts.
    within_days : int
        For conditional steps, see below.
    level : float
        Coverage claimed by the intervals.
    lookback_days : int
        See `history`.

    Returns
    -------
    DataFrame, a row per step and group
        step : "first_touch_to_joining" (conditional), "joining_to_first_order" (of those who join before any order;
            not conditional), "first_order_to_joining" (of those who order first; conditional),
            "first_touch_to_first_order" (conditional).
        group : "all"; the last step also "joined_first" (joined before the first order) and "others". They are
            different people, and joining takes time: the difference is not what joining does.
        conditional : True where only those count who finished the step within `within_days`, out of persons watched
            that long. Steps with a joining then begin on or after the day somebody first joined: nobody could before.
        customers : who set out on the step. finished : who finished it (conditional: all of them).
        median_days, days_25, days_75, each with _low and _high : days until half, a quarter, three quarters of them
            had finished; Kaplan-Meier for the step that is not conditional. NaN below 30 customers or where the share
            is not reached; an upper end is infinite where the data do not bound it.
    attrs: within_days, level, pool_since, touched_later (persons left out of a step because their first recorded touch
    comes after its end).

    Raises
    ------
    ValueError
        For a missing column, a parameter out of its values, a joining without a date, times of different time zones, or
        customer ids that are text in one table and numbers in another.

    Example
    -------
    >>> days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(40), "D")
    >>> seen = pd.DataFrame({"visitor_id": range(40), "channel": "feed", "touched_at": days, "customer_id": range(40)})
    >>> joined = pd.DataFrame({"customer_id": range(40), "joined_at": days + pd.Timedelta("3D")})
    >>> orders = pd.DataFrame({"customer_id": range(30), "ordered_at": days[:30] + pd.Timedelta("10D"), "amount": 9.0})
    >>> table = joining_times(seen, orders, joined, "2024-12-31")
    >>> table[["step", "group", "customers", "finished", "median_days"]]
                             step         group  customers  finished  median_days
    0      first_touch_to_joining           all         37        37          3.0
    1      joining_to_first_order           all         40        30          7.0
    2      first_order_to_joining           all          0         0          NaN
    3  first_touch_to_first_order           all         30        30         10.0
    4  first_touch_to_first_order  joined_first         30        30         10.0
    5  first_touch_to_first_order        others          0         0          NaN
    """
    order_log.at_least_one("within_days", within_days)
    check_level(level)
    until = order_log.day_number(observed_until, "observed_until")
    touches.one_time_zone(touched_at=(touchpoints, "touched_at"), ordered_at=(orders, "ordered_at"))
    people = _people(orders, members, until, observed_from, history, burn_in_days, first_order_at)
    pool_since = None if people["joined_at"].isna().all() else people["joined_at"].min().normalize()
    firsts, recorded_from = _first_touches(touchpoints, observed_until)
    people = _together(people, firsts)
    people = people[~people["old"].eq(True)]
    if history == "truncated" and recorded_from is not None:
        known = recorded_from + pd.Timedelta(days=int(lookback_days))
        people["touched_at"] = people["touched_at"].where(people["touched_at"] >= known)
    parts, later = _parts(people, pool_since, pd.Timestamp(until, unit="D"), int(within_days))
    rows = [_row(*key, part, observed_until, level) for key, part in parts.items()]
    table = pd.DataFrame(rows).astype({"customers": "int64", "finished": "int64"})
    table.attrs = {
        "within_days": int(within_days),
        "level": float(level),
        "pool_since": None if pool_since is None else str(pool_since.date()),
        "touched_later": later,
    }
    return table


def joining_days(times: pd.DataFrame, step: str, group: str = "all", share: float = 0.5) -> Estimate | Refused:
    """Days that half of the customers (or a quarter, or three quarters) take for one step, for a sentence.

    table (step x group)  ->  Estimate of unit "days"

    Parameters
    ----------
    times : DataFrame
        From `joining_times`.
    step, group : str
        As there.
    share : 0.25, 0.5 or 0.75

    Returns
    -------
    Estimate, n the customers who set out on the step; or Refused, below 30 of them or where the share is not reached.

    Example
    -------
    >>> days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(40), "D")
    >>> seen = pd.DataFrame({"visitor_id": range(40), "channel": "feed", "touched_at": days, "customer_id": range(40)})
    >>> joined = pd.DataFrame({"customer_id": range(40), "joined_at": days + pd.Timedelta("3D")})
    >>> orders = pd.DataFrame({"customer_id": range(9), "ordered_at": pd.Timestamp("2024-03-01"), "amount": 9.0})
    >>> table = joining_times(seen, orders, joined, "2024-12-31")
    >>> joining_days(table, "first_touch_to_joining").value
    3.0
    >>> joining_days(table, "joining_to_first_order").reason_en
    'From joining ... fewer than half of the customers have finished the step (9 / 40 so far), ...'
    """
    order_log.one_of("step", step, tuple(STEPS))
    if share not in QUARTERS:
        raise ValueError(f"share must be one of 0.25, 0.5, 0.75; got {share!r}")
    found = times[(times["step"] == step) & (times["group"] == group)]
    if found.empty:
        raise ValueError(f"the step {step!r} has no group {group!r}: see the column group")
    row, within = found.iloc[0], times.attrs.get("within_days", WITHIN_DAYS)
    name, part = QUARTERS[share], SHARE_WORDS[share]
    said = Words(STEPS[step].zh + GROUPS[group].zh, STEPS[step].en + GROUPS[group].en)
    if row["customers"] < CUSTOMERS_AT_LEAST:
        return _too_few(int(row["customers"]), said)
    if np.isnan(row[name]):
        reached = f"{row['finished']:,} / {row['customers']:,}"
        zh = f"{said.zh}：走完这一步的客户估计不到{part.zh}（Kaplan-Meier 法，已走完 {reached}），算不出天数。"
        en = (
            f"{said.en.capitalize()}: by an estimate (Kaplan-Meier) fewer than {part.en} of the customers have "
            f"finished the step ({reached} so far), so no number of days can be given."
        )
        return Refused("share reached", reached, share, zh, en)
    if row["conditional"]:
        how = Words(
            f"只计 {within} 天内走完这一步、且观察满 {within} 天的客户",
            f"of customers who took at most {within} days, all of them watched that long",
        )
    else:
        how = Words(
            "尚未下单的客户只观察到期末（Kaplan-Meier 法）",
            "those without an order yet count as long as they were watched (Kaplan-Meier)",
        )
    definition = Words(
        f"{said.zh}，{part.zh}客户走完这一步所需的天数；{how.zh}",
        f"days {said.en}, until {part.en} of the customers have finished the step; {how.en}",
    )
    ends, level = [row[f"{name}{end}"] for end in ENDS], times.attrs.get("level", LEVEL)
    return Estimate(*ends, level, int(row["customers"]), "days", definition, joining_days)


def joining_order(
    orders: Any,
    members: Any,
    observed_until: order_log.DateLike,
    days: int = 30,
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> dict[str, Estimate | Refused]:
    """Which came first, joining the pool or the first order, and how many who join first order soon after.

    orders, members  ->  dict of Estimate or Refused of unit "share"

    Parameters
    ----------
    orders, members, observed_until, observed_from, history, burn_in_days, first_order_at, level
        As in `joining_times`; old customers are left out.
    days : int
        For "ordered_within".

    Returns
    -------
    dict, each Refused below 30 customers
        joined_first : of all who joined, those who had no order before. Joining at the moment of the first order, or
            on its day where one of the two has no time of day, is not before it.
        ordered_first : the rest.
        not_yet : of all who joined, those who still have no order. Counted to `observed_until`: late joiners had
            little time.
        ordered_within : of those who joined first, the share with an order within so many days (Kaplan-Meier).

    Example
    -------
    >>> joined = pd.DataFrame({"customer_id": range(40), "joined_at": pd.Timestamp("2024-01-10")})
    >>> orders = pd.DataFrame({"customer_id": range(30), "amount": 9.0, "ordered_at": pd.Timestamp("2024-01-01")})
    >>> found = joining_order(orders, joined, "2024-12-31")
    >>> found["joined_first"].value, found["not_yet"].value, found["ordered_within"].reason_en
    (0.25, 0.25, 'Only 10 customers ...')
    """
    order_log.at_least_one("days", days)
    until = order_log.day_number(observed_until, "observed_until")
    people = _people(orders, members, until, observed_from, history, burn_in_days, first_order_at)
    joined = people[people["joined_at"].notna() & ~people["old"]]
    first = joined["joined_first"].to_numpy(dtype=bool)
    words = {
        "joined_first": Words(
            "加入私域的客户中，加入前还没有下过单的占比", "share of those who joined the pool who had no order before"
        ),
        "ordered_first": Words(
            "加入私域的客户中，加入前（或同时）已下首单的占比",
            "share of those who joined the pool whose first order came before it, or with it",
        ),
        "not_yet": Words(
            "加入私域的客户中，到观察期末还没有下过单的占比",
            "share of those who joined the pool without an order to the last day observed",
        ),
    }
    hits = {"joined_first": first, "ordered_first": ~first, "not_yet": joined["ordered_at"].isna().to_numpy()}
    who = Words("加入私域", "who joined the pool")
    found: dict[str, Estimate | Refused] = {
        name: share(int(hit.sum()), len(joined), level, words[name], joining_order)
        if len(joined) >= CUSTOMERS_AT_LEAST
        else _too_few(len(joined), who)
        for name, hit in hits.items()
    }
    return found | {"ordered_within": _ordered_within(joined[first], observed_until, int(days), level)}


# --- people ---


def _people(
    orders: Any, members: Any, until: int, observed_from: Any, history: str, burn_in_days: int, first_order_at: Any
) -> pd.DataFrame:
    """One row a customer: ordered_at (first), joined_at (first), old, joined_first; blank where it has not happened."""
    touches.one_time_zone(ordered_at=(orders, "ordered_at"), joined_at=(members, "joined_at"))
    orders = touches.typed_if_empty(orders, ordered_at="datetime64[us]", amount="float64")
    since = order_log.new_since(history, observed_from, burn_in_days, first_order_at)
    facts = order_log.paid_orders(orders, until, "month", "gross")
    new = order_log.without_old(facts, first_order_at, since).group_by("customer_id").agg(nw.col("day").min())
    new = new.filter(nw.col("day") >= since).select("customer_id").collect("pandas").to_native()
    firsts = facts.group_by("customer_id").agg(nw.col("ordered_at").min()).collect("pandas").to_native()
    firsts = _plain(firsts, "ordered_at")
    firsts["old"] = ~firsts["customer_id"].isin(_plain(new)["customer_id"])
    people = _together(firsts, _first_joinings(members, until))
    people["old"] = people["old"].eq(True)
    ordered, joined = people["ordered_at"], people["joined_at"]
    if _without_time(ordered) or _without_time(joined):
        ordered, joined = ordered.dt.normalize(), joined.dt.normalize()
    people["joined_first"] = joined.notna() & ~(ordered <= joined)
    return people


def _first_joinings(members: Any, until: int) -> pd.DataFrame:
    frame = order_log.lazy(touches.typed_if_empty(members, joined_at="datetime64[us]"))
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["customer_id", "joined_at"])
    at = order_log.as_moment("joined_at", kinds).alias("joined_at")
    undated = nw.col("joined_at").is_null().cast(nw.Int64).alias("undated")
    home = frame.select("customer_id", at).filter(~nw.col("customer_id").is_null()).with_columns(undated)
    home = home.group_by("customer_id").agg(nw.col("joined_at").min(), nw.col("undated").max())
    home = home.collect("pandas").to_native()
    if missing := int(home["undated"].sum()):
        raise ValueError(f"{missing} customers have a stay without joined_at: complete it, or leave it out and say so")
    home = _plain(home[["customer_id", "joined_at"]], "joined_at")
    return home[home["joined_at"] < pd.Timestamp(until + 1, unit="D")]


def _first_touches(touchpoints: Any, observed_until: order_log.DateLike) -> tuple[pd.DataFrame, pd.Timestamp | None]:
    """First touch of each customer, and the first day with any touch."""
    seen = touches.linked(touchpoints, observed_until)
    at = seen.at[seen.bounds[:-1]].view("datetime64[us]")
    firsts = pd.DataFrame({"customer_id": seen.customers, "touched_at": at})
    return _plain(firsts, "touched_at"), pd.Timestamp(int(seen.at.min()), unit="us").normalize() if len(
        seen.at
    ) else None


def _together(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    """All customers of two tables, side by side."""
    kinds = [frame["customer_id"].dtype for frame in (left, right)]
    if kinds[0] != kinds[1]:
        if len(left) and len(right):
            raise ValueError("customer_id is text in one table and a number in another: give all tables the same kind")
        left, right = (frame.astype({"customer_id": kinds[not len(left)]}) for frame in (left, right))
    return left.merge(right, on="customer_id", how="outer")


def _plain(frame: pd.DataFrame, moment: str | None = None) -> pd.DataFrame:
    """Ids as plain integers or texts, whatever engine they come from, so that tables of two engines meet."""
    ids = frame["customer_id"]
    # Whole numbers are whole again where blanks among the orders had made floats of them.
    whole = pd.api.types.is_integer_dtype(ids) or (pd.api.types.is_float_dtype(ids) and (ids % 1 == 0).all())
    ids = ids.astype("int64") if whole else ids.astype(object)
    made = frame.assign(customer_id=ids)
    if moment is not None:
        at = pd.to_datetime(made[moment])
        made[moment] = (at.dt.tz_localize(None) if at.dt.tz is not None else at).astype("datetime64[us]")
    return made


def _without_time(moments: pd.Series) -> bool:
    known = moments.dropna()
    return bool((known == known.dt.normalize()).all())


# --- steps ---


def _parts(
    people: pd.DataFrame, pool_since: pd.Timestamp | None, until: pd.Timestamp, within: int
) -> tuple[dict[tuple[str, str, bool], pd.DataFrame], dict[str, int]]:
    """Start and end of each step, for the customers who belong to it; and who is left out because touched later."""
    first = people["joined_first"].eq(True)
    cases = {
        "first_touch_to_joining": ("touched_at", "joined_at", people["joined_at"].notna(), True),
        "joining_to_first_order": ("joined_at", "ordered_at", first, False),
        "first_order_to_joining": ("ordered_at", "joined_at", people["joined_at"].notna() & ~first, True),
        "first_touch_to_first_order": ("touched_at", "ordered_at", people["ordered_at"].notna(), True),
    }
    parts, later = {}, {}
    for step, (start, end, those, conditional) in cases.items():
        part = people[those & people[start].notna()]
        part = part.assign(start=part[start].dt.normalize(), end=part[end].dt.normalize())
        if start == "touched_at":
            after = part[start] > part[end]
            later[step], part = int(after.sum()), part[~after]
        if "joining" in step and conditional:
            part = part[part["start"] >= (pd.Timestamp.max if pool_since is None else pool_since)]
        if conditional:
            took = (part["end"] - part["start"]).dt.days
            part = part[(took <= within) & (part["start"] <= until - pd.Timedelta(days=within))]
        parts[step, "all", conditional] = part
    part = parts["first_touch_to_first_order", "all", True]
    before = part["joined_first"].eq(True)
    parts["first_touch_to_first_order", "joined_first", True] = part[before]
    parts["first_touch_to_first_order", "others", True] = part[~before]
    return parts, later


def _curve(part: pd.DataFrame, observed_until: order_log.DateLike, level: float) -> pd.DataFrame:
    """Start and end of a step as two orders of one customer, which the repurchase curve counts the days between."""
    ends = [part["start"], part["end"].dropna()]
    pairs = pd.DataFrame({"ordered_at": pd.concat(ends)}).rename_axis("customer_id").reset_index()
    return time_to_next_order(pairs.assign(amount=0.0), observed_until, same_day="keep", level=level)


def _row(
    step: str, group: str, conditional: bool, part: pd.DataFrame, observed_until: order_log.DateLike, level: float
) -> dict[str, Any]:
    row: dict[str, Any] = {"step": step, "group": group, "conditional": conditional}
    row |= {"customers": len(part), "finished": int(part["end"].notna().sum())}
    curve = _curve(part, observed_until, level) if len(part) >= CUSTOMERS_AT_LEAST else None
    for part_of, name in sorted(QUARTERS.items(), key=lambda item: item[0] != 0.5):
        days = Refused("", 0, 0, "", "") if curve is None else median_days(curve, part_of)
        ends = [np.nan] * 3 if isinstance(days, Refused) else [days.value, days.low, days.high]
        row |= {f"{name}{end}": number for end, number in zip(ENDS, ends, strict=True)}
    return row


def _ordered_within(
    joined: pd.DataFrame, observed_until: order_log.DateLike, days: int, level: float
) -> Estimate | Refused:
    """Share of those who joined first with an order within so many days."""
    if len(joined) < CUSTOMERS_AT_LEAST:
        return _too_few(len(joined), Words("先加入私域、后下单或尚未下单", "who joined the pool before any order"))
    part = joined.assign(start=joined["joined_at"].dt.normalize(), end=joined["ordered_at"].dt.normalize())
    found = repurchased_within(_curve(part, observed_until, level), days)
    if isinstance(found, Refused):
        watched = int(found.seen)
        zh = f"加入私域后最多只观察了 {watched} 天，不足 {days} 天，给不出这一比例。"
        en = f"Customers have been observed for at most {watched} days after joining, and {days} days are asked for."
        return replace(found, reason_zh=zh, reason_en=en)
    words = Words(
        f"加入私域前没有下过单的客户中，加入后 {days} 天内下首单的占比；观察不满 {days} 天的按 Kaplan-Meier 法处理",
        f"of customers who joined the pool before any order, those who place one within {days} days; those watched for "
        "less count as long as they were (Kaplan-Meier)",
    )
    return replace(found, definition=words, function="siyu_helpers.analysis.attribution.joining_times.joining_order")


def _too_few(customers: int, said: Words) -> Refused:
    zh = f"{said.zh}的客户只有 {customers:,} 位，少于 {CUSTOMERS_AT_LEAST} 位，给不出可用的数字。"
    en = f"Only {customers:,} customers {said.en}, fewer than {CUSTOMERS_AT_LEAST}: no number is given."
    return Refused("customers", customers, CUSTOMERS_AT_LEAST, zh, en)
