"""Who came into the pool, who left it and why, what they were sent and what the pool cost, in the last twelve months.

Opens no files and draws nothing. Members, messages, accounts and costs may be any frame that narwhals takes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition import cost_inputs
from siyu_helpers.analysis.effect.histories import DAY, NEVER, seconds
from siyu_helpers.analysis.effect.message_log import clustered_share, read_messages
from siyu_helpers.analysis.effect.message_weeks import pool_channels
from siyu_helpers.analysis.effect.pool_worth import pool_months
from siyu_helpers.analysis.estimates import Estimate, Words, wilson
from siyu_helpers.analysis.pool.accounts import accounts_of

MONTHS = 12
NEAR = DAY  # a customer who leaves within a day of an opt-out, or of the ban of the account, left because of it
OPT_OUT, BAN, OTHER = "opt-out", "ban", "other"
MADE_BY = "siyu_helpers.analysis.pool.brand_inputs.brand_inputs"
ITEMS = {"staff": "staff_cost", "tools": "tool_cost", "content": "content_cost", "incentives": "incentive_cost"}


@dataclass(frozen=True)
class Pool:
    """The pool as its tables record it, times in seconds from 1970.

    ids : customers who ever joined; first : when each first joined. spans : person (place in ids), begin, end (NEVER:
    still there), account (of the stay that ended last; blank where not recorded), overlapping stays merged. stays :
    person, joined, left, account. months : running numbers of the last whole months, at most twelve; begin, end : the
    span of them. joiners : first joinings of each month. member_months : of these months together. leaving_recorded :
    whether the table says who left.
    """

    ids: np.ndarray
    first: np.ndarray
    spans: pd.DataFrame
    stays: pd.DataFrame
    months: list[int]
    begin: int
    end: int
    joiners: np.ndarray
    member_months: float
    leaving_recorded: bool

    @property
    def window(self) -> Words:
        """The months, in words."""
        if not self.months:
            return Words("没有完整月份", "no whole month")
        first, last = (order_log.period_label(month, "month") for month in (self.months[0], self.months[-1]))
        return Words(f"{first} 至 {last}", f"{first} to {last}")

    def now(self) -> int:
        """How many customers are in the pool on the last day."""
        return int((self.spans["end"] == NEVER).sum())

    def inside(self, person: np.ndarray, moment: np.ndarray) -> np.ndarray:
        """Whether persons (places in ids; -1: nobody) are in the pool at moments."""
        spans = self.spans
        if spans.empty or not len(person):
            return np.zeros(len(person), dtype=bool)
        person, moment = np.asarray(person, dtype=np.int64), np.asarray(moment, dtype=np.int64)
        early = min(int(spans["begin"].min()), int(moment.min()))
        width = np.int64(max(int(spans["begin"].max()), int(moment.max())) - early + 2)
        keys = spans["person"].to_numpy() * width + spans["begin"].to_numpy() - early
        last = np.searchsorted(keys, person * width + moment - early, "right") - 1
        at = np.maximum(last, 0)
        there = (last >= 0) & (spans["person"].to_numpy()[at] == person)
        return there & (moment < spans["end"].to_numpy()[at])


def read_pool(members: Any, observed_until: order_log.DateLike) -> Pool | None:
    """Read the stays and count the last twelve whole months; None where nobody ever joined.

    members (one stay)  ->  Pool

    Parameters
    ----------
    members : any frame that narwhals takes, or None
        customer_id, joined_at [left_at, account_id].
    observed_until : date
        Last day of the data; a month that it cuts short is left out, and so is the month in which the pool opened.

    Raises
    ------
    ValueError
        A missing column, or a stay without a beginning.

    Example
    -------
    >>> stays = pd.DataFrame({"customer_id": [1, 2]})
    >>> stays["joined_at"] = pd.to_datetime(["2024-01-16", "2024-02-10"])
    >>> pool = read_pool(stays, "2024-03-31")
    >>> pool.now(), pool.joiners.tolist(), pool.window.en
    (2, [1.0, 0.0], '2024-02 to 2024-03')
    """
    until = order_log.day_number(observed_until, "observed_until")
    if members is None:
        return None
    stays, ids, leaving = _stays(members, until)
    if stays.empty:
        return None
    first = stays.groupby("person")["joined"].min().to_numpy()
    months = _whole_months(int(first.min()), until)
    zero = pd.DataFrame({"month": pd.to_datetime([_first_moment(month) for month in months], unit="s"), "amount": 0.0})
    counted = pool_months(zero if months else None, members, observed_until)
    begin = _first_moment(months[0]) if months else (until + 1) * DAY
    end = _first_moment(months[-1] + 1) if months else (until + 1) * DAY
    return Pool(
        ids, first, _merged(stays), stays, months, begin, end, counted["joiners"].to_numpy(dtype=float),
        float(counted["member_months"].sum()), leaving,
    )  # fmt: skip


def _stays(members: Any, until: int) -> tuple[pd.DataFrame, np.ndarray, bool]:
    frame = order_log.lazy(members)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["customer_id", "joined_at"])
    columns = [nw.col("customer_id"), order_log.as_moment("joined_at", kinds).alias("joined_at")]
    leaving = "left_at" in kinds.names()
    if leaving:
        columns.append(order_log.as_moment("left_at", kinds).alias("left_at"))
    if "account_id" in kinds.names():
        columns.append(nw.col("account_id"))
    home = frame.filter(~nw.col("customer_id").is_null()).select(*columns).collect("pandas").to_native()
    if blank := int(home["joined_at"].isna().sum()):
        raise ValueError(f"{blank} stays have no joined_at: complete them, or leave them out and say so")
    end = (until + 1) * DAY
    person, ids = pd.factorize(home["customer_id"])
    stays = pd.DataFrame({"person": person, "joined": seconds(home["joined_at"]), "left": NEVER})
    if leaving:
        gone = home["left_at"].notna().to_numpy()
        stays.loc[gone, "left"] = seconds(home.loc[gone, "left_at"])
        stays.loc[stays["left"] >= end, "left"] = NEVER
    # By place, not by index: rows were filtered before.
    stays["account"] = home["account_id"].astype(object).to_numpy() if "account_id" in home else None
    stays = stays[stays["joined"] < end]
    kept = np.unique(stays["person"])
    stays["person"] = np.searchsorted(kept, stays["person"])
    return stays.sort_values(["person", "joined", "left"], ignore_index=True), np.asarray(ids)[kept], leaving


def _merged(stays: pd.DataFrame) -> pd.DataFrame:
    """Stays of a customer that overlap or touch as one span, with the account of the one that ended last."""
    reached = stays.groupby("person")["left"].cummax()
    before = reached.groupby(stays["person"]).shift()
    new = before.isna() | (stays["joined"] > before)
    span = new.cumsum()
    last = stays.groupby(span)["left"].idxmax()
    return pd.DataFrame({
        "person": stays.loc[new, "person"].to_numpy(),
        "begin": stays.loc[new, "joined"].to_numpy(),
        "end": stays.loc[last, "left"].to_numpy(),
        "account": stays.loc[last, "account"].to_numpy(),
    })  # fmt: skip


def _first_moment(month: int) -> int:
    return cost_inputs.first_and_last_day(month, "month")[0] * DAY


def _whole_months(opened: int, until: int) -> list[int]:
    """The last twelve whole months after the one in which the pool opened; that one if it is all there is."""
    last = order_log.period_of_day(until + 1, "month") - 1
    first = order_log.period_of_day(opened // DAY, "month")
    if opened > _first_moment(first) + 2 * DAY and first < last:
        first += 1
    return list(range(max(first, last - MONTHS + 1), last + 1))


# --- who left, and why ---


def exits(pool: Pool, opted_out: pd.DataFrame | None, banned: dict[Any, int]) -> pd.DataFrame:
    """Those who left the pool, when and why.

    Pool, opt-outs, bans  ->  table (one exit): person, moment, account, why ("opt-out", "ban", "other")

    Parameters
    ----------
    opted_out : DataFrame, optional
        person, second: messages that a customer answered by leaving.
    banned : dict
        Account -> moment of its ban.
    """
    gone = pool.spans[pool.spans["end"] < NEVER]
    table = pd.DataFrame({"person": gone["person"], "moment": gone["end"], "account": gone["account"]})
    why = np.full(len(table), OTHER, dtype=object)
    ban = np.array([banned.get(account, -NEVER) for account in table["account"]], dtype=float)
    why[np.abs(table["moment"].to_numpy() - ban) <= NEAR] = BAN
    if opted_out is not None and len(opted_out):
        why[_near(table, opted_out)] = OPT_OUT
    return table.assign(why=why).reset_index(drop=True)


def _near(exits_: pd.DataFrame, events: pd.DataFrame) -> np.ndarray:
    """Which exits have an event of the same person within a day."""
    left = exits_[["person", "moment"]].reset_index(names="place").sort_values("moment")
    right = events[["person", "second"]].sort_values("second")
    right["moment"] = right["second"]
    both = pd.merge_asof(left, right, on="moment", by="person", direction="nearest", tolerance=NEAR)
    found = pd.Series(both["second"].notna().to_numpy(), index=both["place"])
    return found.reindex(exits_.index).to_numpy(dtype=bool)


def hazard(events: int, time: float, level: float) -> tuple[float, float, float] | None:
    """Probability of an event within one unit of time, from a count, with the exact interval of a Poisson count.

    Example
    -------
    >>> [round(end, 3) for end in hazard(10, 100.0, 0.90)]
    [0.095, 0.053, 0.156]
    """
    if not time > 0:
        return None
    tail = (1 - level) / 2
    low = stats.chi2.ppf(tail, 2 * events) / 2 if events else 0.0
    high = stats.chi2.ppf(1 - tail, 2 * events + 2) / 2
    return tuple(float(-math.expm1(-count / time) + 0.0) for count in (events, low, high))


# --- accounts ---


def ban_moments(members: Any, accounts: Any, observed_until: order_log.DateLike) -> dict[Any, int]:
    """Account -> moment of its ban, of those that were banned."""
    if accounts is None:
        return {}
    table = accounts_of(members, accounts, observed_until).dropna(subset=["banned_at"])
    return dict(zip(table["account_id"], seconds(table["banned_at"]).tolist(), strict=True))


# --- messages ---


@dataclass(frozen=True)
class Sent:
    """Promotions to customers in the pool within the months counted.

    promotions, blank_cost : counts. cost : money in all. opt_outs : (share, low, high) of promotions, None where it
    is not recorded. answered : person, second of those answered by leaving. channels : through which.
    """

    promotions: int
    blank_cost: int
    cost: float
    opt_outs: tuple[float, float, float] | None
    answered: pd.DataFrame | None
    channels: list[str]


def sent_to_pool(
    messages: Any, members: Any, pool: Pool, observed_until: order_log.DateLike, level: float
) -> Sent | None:
    """Promotions sent to customers in the pool, through the channels of the pool, in the months counted.

    messages (one message)  ->  Sent; None without messages, members or a whole month
    """
    if messages is None or not pool.months:
        return None
    channels = pool_channels(messages, members, observed_until)
    there = "opted_out" in order_log.lazy(messages).collect_schema().names()
    table = read_messages(messages, observed_until, channels, "promotion", ("opted_out",))
    place = pd.Series(np.arange(len(pool.ids)), index=pd.Index(pool.ids))
    table["person"] = table["customer_id"].map(place).fillna(-1).astype("int64")
    table = table[table["person"] >= 0]
    answered = table.loc[table["opted_out"] == 1, ["person", "second"]] if there else None
    inside = pool.inside(table["person"].to_numpy(), table["second"].to_numpy())
    kept = inside & table["second"].between(pool.begin, pool.end - 1).to_numpy()
    table = table[kept]
    known = table[table["opted_out"].notna()]
    share = clustered_share(known["opted_out"], np.ones(len(known)), known["person"], level, once=True)
    minor = int(np.rint(table["cost"].fillna(0) * order_log.MONEY_SCALE).sum())
    return Sent(
        len(table), int(table["cost"].isna().sum()), minor / order_log.MONEY_SCALE,
        None if math.isnan(share[0]) else share, answered, channels,
    )  # fmt: skip


# --- costs ---


def costs_by_item(pool_costs: Any, pool: Pool | None, until: int) -> tuple[dict[str, float], list[int], float]:
    """Cost of each item over the months counted that have any row, those months, and all items together.

    pool_costs (month x item)  ->  dict item -> money, list of running months, money. An item other than the four of
    the contract counts as content; without items all is content.
    """
    if pool_costs is None:
        return {}, [], 0.0
    frame = order_log.lazy(pool_costs)
    every = cost_inputs.pool_costs_by_month(pool_costs, until)
    counted = set(_counted_months(every["month"].tolist(), pool, until))
    total = int(every.loc[every["month"].isin(counted), "minor"].sum())
    minor = dict.fromkeys(ITEMS, 0)
    if "item" in frame.collect_schema().names():
        for item in ("staff", "tools", "incentives"):
            rows = cost_inputs.pool_costs_by_month(frame.filter(nw.col("item") == item).to_native(), until)
            minor[item] = int(rows.loc[rows["month"].isin(counted), "minor"].sum())
    minor["content"] = total - sum(minor.values())
    scale = order_log.MONEY_SCALE
    return {item: money / scale for item, money in minor.items()}, sorted(counted), total / scale


def _counted_months(months: list[int], pool: Pool | None, until: int) -> list[int]:
    """Months of the pool that have costs; without a pool the last twelve with costs."""
    whole = [month for month in months if cost_inputs.first_and_last_day(int(month), "month")[1] <= until]
    if pool is not None and pool.months:
        return [month for month in whole if month in set(pool.months)]
    return sorted(whole)[-MONTHS:]


def first_day_with_costs(pool_costs: Any, until: int) -> float:
    """First day of the first month with costs; infinite without any."""
    months = cost_inputs.pool_costs_by_month(pool_costs, until)["month"]
    return float(cost_inputs.first_and_last_day(int(months.min()), "month")[0]) if len(months) else math.inf


def monthly_mean(counts: np.ndarray, level: float) -> tuple[float, float, float] | None:
    """Mean of monthly counts with its interval over months; of fewer than three months that of a Poisson count.

    Example
    -------
    >>> [round(end, 1) for end in monthly_mean(np.array([90.0, 100.0, 110.0]), 0.90)]
    [100.0, 83.1, 116.9]
    """
    many = len(counts)
    if not many:
        return None
    mean, tail = float(counts.mean()), (1 - level) / 2
    total = float(counts.sum())
    low = stats.chi2.ppf(tail, 2 * total) / 2 / many if total else 0.0
    high = stats.chi2.ppf(1 - tail, 2 * total + 2) / 2 / many
    if many >= 3:
        reach = stats.t.ppf(1 - tail, many - 1) * counts.std(ddof=1) / math.sqrt(many)
        low, high = (max(mean - reach, 0.0), mean + reach) if reach > 0 else (low, high)
    return mean, float(min(low, mean)), float(max(high, mean))


def share_of(successes: int, trials: int, level: float) -> tuple[float, float, float] | None:
    """Share with its Wilson interval; None without a trial."""
    if not trials:
        return None
    low, high = wilson(successes, trials, level)
    return successes / trials, float(low), float(high)


def stated(value: tuple[float, float, float], level: float, n: int, unit: str, words: Words) -> Estimate:
    """An Estimate of these modules."""
    return Estimate(*value, level, n, unit, words, MADE_BY)
