"""Weeks of members in the pool: what they were sent, what they had ordered before, and when they were there.

A week counts for a member with the orders of the thirteen weeks before it, so that nothing of the week itself decides
where it is counted. Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect import histories
from siyu_helpers.analysis.effect.histories import DAY, NEVER, Histories
from siyu_helpers.analysis.effect.message_log import read_messages

REQUIRES = order_log.REQUIRES | {
    "members": ["customer_id", "joined_at"],
    "messages": ["customer_id", "sent_at", "channel", "opted_out"],
}

WEEK = 7 * DAY

MONTH_DAYS = 30.4375

WINDOW_WEEKS = 13

ORDERS_A_MONTH_AT_LEAST = 0.25  # below, the pressure would grow without end for those who buy nothing


class Stays(NamedTuple):
    """Stays in the pool, sorted by person and beginning: ids of persons, and per stay person, place in the histories
    (-1: no order), joined and left (seconds; NEVER: still there)."""

    ids: np.ndarray
    person: np.ndarray
    place: np.ndarray
    joined: np.ndarray
    left: np.ndarray


def message_weeks(
    messages: Any,
    orders: Any,
    members: Any,
    observed_until: order_log.DateLike,
    channel: str | list[str] | None = None,
    kind: str = "promotion",
) -> pd.DataFrame:
    """Weeks in which members were sent messages, with the contact pressure of each.

    messages, orders, members  ->  table (one member and week with a message)

    Parameters
    ----------
    messages : any frame that narwhals takes
        customer_id, sent_at, channel, opted_out [kind].
    orders, observed_until
        See the head of `order_log`.
    members : frame of the same kind
        customer_id, joined_at [left_at]: one row a stay. Messages to people outside the pool are left out.
    channel, kind
        Which messages, see `read_messages`; best those of `pool_channels`.

    Returns
    -------
    DataFrame: customer_id; week (Monday); messages; opted_out (1: the member left because of one of them);
        order_days : days with an order in the 13 weeks before; messages_per_month : that the member is used to, see
        Notes; pressure : messages a month / order days a month, these at least 0.25.
        Messages for which it is not recorded whether they led to an opt-out are left out (attrs["unrecorded"]).
        attrs: messages_per_month of all, unrecorded, not_members (messages to people outside the pool).

    Raises
    ------
    ValueError
        For missing columns.

    Notes
    -----
    Messages a month: those of the whole weeks in the pool among the last 13, together with one month at the brand's
    mean, so that a newcomer counts with the mean and a long-standing member with the own number.

    Example
    -------
    >>> day = pd.to_datetime
    >>> orders = pd.DataFrame({"customer_id": [1], "amount": [9.0], "ordered_at": day(["2024-01-01"])})
    >>> stays = pd.DataFrame({"customer_id": [1], "joined_at": day(["2024-01-03"])})
    >>> sent = pd.DataFrame({"customer_id": 1, "sent_at": day(["2024-01-09", "2024-01-16"]), "channel": "wecom",
    ...                      "opted_out": [False, True]})
    >>> message_weeks(sent, orders, stays, "2024-01-31")[["week", "messages", "opted_out", "order_days"]]
            week  messages  opted_out  order_days
    0 2024-01-08         1          0           1
    1 2024-01-15         1          1           1
    """
    until = order_log.day_number(observed_until, "observed_until")
    told = histories.read_histories(orders, members, observed_until)
    return weeks_of(messages, told, read_stays(members, told, until), observed_until, channel, kind)


def weeks_of(messages, told: Histories, stays: Stays, observed_until, channel=None, kind="promotion") -> pd.DataFrame:
    """`message_weeks` from histories and stays that have been read."""
    sent = read_messages(messages, observed_until, channel, kind, ("opted_out",))
    known = sent["opted_out"].notna()
    person = pd.Series(np.arange(len(stays.ids)), index=pd.Index(stays.ids))
    sent["person"] = sent["customer_id"].map(person).fillna(-1).astype("int64")
    sent["week"] = week_of(sent["second"].to_numpy())
    rows = sent[known & (sent["person"] >= 0)].groupby(["person", "week"])
    rows = rows.agg(messages=("opted_out", "size"), opted_out=("opted_out", "max")).reset_index()
    rows["stay"] = _stay_at(stays, rows["person"].to_numpy(), rows["week"].to_numpy())
    rows = rows[rows["stay"] >= 0].sort_values(["stay", "week"], ignore_index=True).astype("int64")
    monday = monday_of(rows["week"].to_numpy())
    order_days = recent_order_days(told, stays.place[rows["stay"]], monday)
    typical, a_month = _messages_a_month(rows, stays, told.end)
    table = pd.DataFrame(
        {
            "customer_id": stays.ids[rows["person"].to_numpy()],
            "week": pd.to_datetime(monday, unit="s").astype("datetime64[s]"),
            "messages": rows["messages"],
            "opted_out": rows["opted_out"],
            "order_days": order_days,
            "messages_per_month": a_month,
            "pressure": pressure_of(a_month, order_days),
        }
    )
    counted = int(table["messages"].sum())
    table.attrs = {
        "messages_per_month": typical,
        "unrecorded": int((~known).sum()),
        "not_members": int(known.sum()) - counted,
    }
    return table


def pool_channels(
    messages: Any,
    members: Any,
    observed_until: order_log.DateLike,
    kind: str = "promotion",
    at_least: float = 0.9,
) -> list[str]:
    """Channels through which the brand writes to its members: at least nine in ten messages go to people in the pool.

    messages, members  ->  list of channels, in alphabetical order

    Example
    -------
    >>> day = pd.to_datetime
    >>> stays = pd.DataFrame({"customer_id": [1], "joined_at": day(["2024-01-03"])})
    >>> sent = pd.DataFrame({"customer_id": [1, 2], "channel": ["wecom", "sms"], "sent_at": day(["2024-02-01"] * 2)})
    >>> pool_channels(sent, stays, "2024-12-31")
    ['wecom']
    """
    until = order_log.day_number(observed_until, "observed_until")
    stays = read_stays(members, None, until)
    person = pd.Series(np.arange(len(stays.ids)), index=pd.Index(stays.ids))
    frame = order_log.lazy(messages)
    order_log.has_columns(frame.collect_schema().names(), REQUIRES["messages"][:3])
    names = frame.select(nw.col("channel").cast(nw.String)).unique().collect("pandas").to_native()["channel"]
    found = []
    for channel in sorted(names.dropna()):
        sent = read_messages(messages, observed_until, channel, kind, ())
        who = sent["customer_id"].map(person).fillna(-1).astype("int64").to_numpy()
        inside = _stay_at(stays, who, week_of(sent["second"].to_numpy())) >= 0
        if len(sent) and inside.mean() >= at_least:
            found.append(channel)
    return found


def read_stays(members: Any, told: Histories | None, until: int) -> Stays:
    """Stays in the pool up to the last day; without histories nobody has a place in them."""
    frame = order_log.lazy(members)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), REQUIRES["members"])
    joined = order_log.as_moment("joined_at", kinds).alias("joined_at")
    left = order_log.as_moment("left_at", kinds) if "left_at" in kinds.names() else joined
    home = frame.filter(~nw.col("customer_id").is_null()).select("customer_id", joined, left.alias("left_at"))
    home = home.collect("pandas").to_native()
    home["joined"] = histories.seconds(home["joined_at"])
    home["left"] = NEVER
    if "left_at" in kinds.names():
        gone = home["left_at"].notna()
        home.loc[gone, "left"] = histories.seconds(home.loc[gone, "left_at"])
    home = home[home["joined"] < (until + 1) * DAY]
    known = [] if told is None else told.customers
    place = pd.Series(np.arange(len(known)), index=pd.Index(known))
    home["place"] = home["customer_id"].map(place).fillna(-1).astype("int64")
    # Persons by first joining and what they ordered: never by their ids.
    first = home.groupby("customer_id")["joined"].transform("min")
    home = home.assign(first=first).sort_values(["first", "place", "joined", "left"], kind="stable")
    code, ids = pd.factorize(home["customer_id"])
    home = home.assign(person=code).sort_values(["person", "joined", "left"], kind="stable")
    columns = (home[name].to_numpy() for name in ("person", "place", "joined", "left"))
    return Stays(np.asarray(ids), *columns)


def week_of(second: np.ndarray) -> np.ndarray:
    """Running number of the week, Monday to Sunday."""
    return (np.asarray(second) // DAY + 3) // 7


def monday_of(week: np.ndarray) -> np.ndarray:
    """Second at which a week begins."""
    return (np.asarray(week, dtype=np.int64) * 7 - 3) * DAY


def recent_order_days(told: Histories, place: np.ndarray, monday: np.ndarray) -> np.ndarray:
    """Days with an order in the 13 weeks before a Monday; 0 for people without any order."""
    return order_days_between(told, place, monday - WINDOW_WEEKS * WEEK, monday)


def order_days_between(told: Histories, place, begin, end) -> np.ndarray:
    """Days with an order of each person between two moments; 0 for people without any."""
    # A day with an order both before and after `begin` cannot be: all moments asked for are midnights.
    return np.where(place >= 0, histories.window_sum(told, "order_days", place, begin, end), 0)


def pressure_of(messages_per_month: Any, order_days: Any) -> np.ndarray:
    """Messages a month / days with an order a month, these of 13 weeks and at least 0.25."""
    a_month = np.asarray(order_days) / (WINDOW_WEEKS * 7 / MONTH_DAYS)
    return np.asarray(messages_per_month) / np.maximum(a_month, ORDERS_A_MONTH_AT_LEAST)


def _stay_at(stays: Stays, person: np.ndarray, week: np.ndarray) -> np.ndarray:
    """The stay that a person was in during a week, -1 for none."""
    if not len(stays.person):
        return np.full(len(person), -1)
    joined, left = week_of(stays.joined), week_of(np.minimum(stays.left, NEVER // 2))
    early = min(int(joined.min()), int(week.min(initial=0)))
    span = np.int64(max(int(joined.max()), int(week.max(initial=0))) - early + 2)
    last = np.searchsorted(stays.person * span + joined - early, person * span + week - early, "right") - 1
    there = (last >= 0) & (stays.person[last] == person) & (week <= left[last])
    return np.where(there, last, -1)


def _messages_a_month(rows: pd.DataFrame, stays: Stays, end: int) -> tuple[float, np.ndarray]:
    """The brand's mean number of messages a month, and what each member was used to before each week."""
    if rows.empty:
        return math.nan, np.empty(0)
    stay, week, many = (rows[name].to_numpy() for name in ("stay", "week", "messages"))
    first, last = week_of(stays.joined) + 1, np.minimum(week_of(np.minimum(stays.left, NEVER // 2)), week_of(end)) - 1
    reached = np.unique(stay)
    whole = np.maximum(last[reached] - first[reached] + 1, 0).sum()
    inside = (week >= first[stay]) & (week <= last[stay])
    # Members who leave within a week of joining have no whole week: then a week with a message stands for one.
    a_week = many[inside].sum() / whole if whole and inside.any() else many.sum() / len(many)
    counted = np.where(week >= first[stay], many, 0)
    running = np.concatenate([[0], np.cumsum(counted)])
    span = np.int64(week.max() - week.min() + WINDOW_WEEKS + 2)
    key = stay * span + (week - week.min() + WINDOW_WEEKS)
    began = np.searchsorted(key, key - WINDOW_WEEKS)
    own_weeks = np.clip(week - first[stay], 0, WINDOW_WEEKS)
    began = np.maximum(began, np.searchsorted(stay, stay))
    own = running[np.arange(len(key))] - running[began]
    month = MONTH_DAYS / 7
    return float(a_week * month), (own + a_week * month) / (own_weeks + month) * month
