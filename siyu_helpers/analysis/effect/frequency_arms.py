"""The arms of a lot that kept some members from promotions, as member-weeks.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from siyu_helpers.analysis.effect import histories
from siyu_helpers.analysis.effect.histories import DAY, Histories
from siyu_helpers.analysis.effect.message_weeks import MONTH_DAYS, WEEK, Stays, monday_of, recent_order_days, week_of


class Arm(NamedTuple):
    """Member-weeks of one arm from the week after the lot to the last whole week: row (member), week number, age in
    weeks, contribution, order days of the 13 weeks before, inside (1: in the pool to the end of the week), messages.

    members : how many; known : what was known of each before the lot."""

    row: np.ndarray
    age: np.ndarray
    earned: np.ndarray
    order_days: np.ndarray
    inside: np.ndarray
    messages: np.ndarray
    members: int
    known: np.ndarray
    per_month: float


def read_arm(told: Histories, stays: Stays, weeks: pd.DataFrame, drawn: pd.DataFrame) -> Arm:
    """Member-weeks of those of an arm who were in the pool after the lot."""
    person = pd.Series(np.arange(len(stays.ids)), index=pd.Index(stays.ids))
    who = drawn["customer_id"].map(person)
    at = drawn["at"].to_numpy()[who.notna()]
    who = who.dropna().astype("int64").to_numpy()
    order = np.lexsort((at, who))
    who, at = who[order], at[order]
    # The stay that was running at the lot, or the first that began after it.
    ends = np.minimum(stays.left, told.end)
    place = np.array([_stay_after(stays, p, t) for p, t in zip(who.tolist(), at.tolist(), strict=True)], dtype=np.int64)
    who, at, place = who[place >= 0], at[place >= 0], place[place >= 0]
    begin = np.maximum(at, stays.joined[place])
    first, end = week_of(begin) + 1, week_of(np.array([told.end]))[0]
    many = np.maximum(end - first, 0)
    row = np.repeat(np.arange(len(who)), many)
    age = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many)
    week = first[row] + age
    monday, where = monday_of(week), stays.place[place][row]
    earned = np.where(where >= 0, histories.window_sum(told, "contribution", where, monday, monday + WEEK), 0)
    sent = _sent(weeks, stays, who[row], week)
    inside = ends[place][row] >= monday + WEEK
    total = inside.sum()
    per_month = float((sent * inside).sum() / total * MONTH_DAYS / 7) if total else 0.0
    return Arm(
        row, age, earned * told.worth, recent_order_days(told, where, monday), inside.astype(float), sent,
        len(who), _known(told, stays.place[place], begin), per_month,
    )  # fmt: skip


def is_earning(arm: Arm, lift_days: int) -> bool:
    """Whether the arm earned clearly more than nothing in the days that are compared: mean above two errors."""
    used = arm.inside * (arm.age < lift_days / 7)
    each = np.bincount(arm.row, used * arm.earned, arm.members)
    return bool(used.any() and each.mean() > 2 * each.std() / math.sqrt(len(each)) and each.std() > 0)


def _stay_after(stays: Stays, person: int, at: int) -> int:
    first, last = np.searchsorted(stays.person, [person, person + 1])
    running = np.flatnonzero(stays.left[first:last] > at)
    return int(first + running[0]) if len(running) else -1


def _sent(weeks: pd.DataFrame, stays: Stays, person: np.ndarray, week: np.ndarray) -> np.ndarray:
    """Messages of each person and week."""
    if weeks.empty or not len(person):
        return np.zeros(len(person))
    code = weeks["customer_id"].map(pd.Series(np.arange(len(stays.ids)), index=pd.Index(stays.ids))).to_numpy("int64")
    number = week_of(weeks["week"].astype("int64").to_numpy())
    low, span = number.min(), number.max() - number.min() + 2
    key = code * span + number - low
    order = np.argsort(key, kind="stable")
    asked = person * span + np.clip(week - low, 0, span - 1)
    found = np.minimum(np.searchsorted(key[order], asked), len(key) - 1)
    there = (key[order][found] == asked) & (week >= low) & (week < low + span - 1)
    return np.where(there, weeks["messages"].to_numpy(dtype=float)[order][found], 0.0)


def _known(told: Histories, place: np.ndarray, begin: np.ndarray) -> np.ndarray:
    """What is known of a member before the lot: orders and contribution of 91 days and of a year."""
    columns = []
    for days in (91, 365):
        for name in ("order_days", "contribution"):
            done = histories.window_sum(told, name, place, begin - days * DAY, begin)
            columns.append(np.where(place >= 0, done, 0).astype(float))
    known = np.column_stack([np.sqrt(np.maximum(column, 0)) for column in columns])
    return np.column_stack([known, columns[0]])
