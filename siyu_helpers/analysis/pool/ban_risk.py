"""Bans of accounts: what they cost a pool on average and at worst, how concentrated it is, what a second account helps.

A banned account takes its whole list with it; some of its customers are won back and go on with a new account. The
expected loss does not depend on how customers are spread over accounts; the chance of a large loss does.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.pool.inputs import Quantity

WORST = 0.05  # share of the draws that the tail is the mean of
HALF = 0.5
GRID = 5  # ban probabilities between the ends of an interval at which the loss is computed
COLUMNS = [
    "month", "customers_lost", "customers_lost_low", "customers_lost_high", "customers_tail",
    "lost_share", "lost_share_low", "lost_share_high", "tail_share", "probability_any_ban", "probability_half_lost",
]  # fmt: skip


def ban_risk(
    members_per_account: Sequence[float],
    ban_probability: float,
    recovery: float = 0.0,
    months: int = 24,
    draws: int = 10_000,
    seed: int = 0,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Customers lost to bans of accounts by each month: on average, within an interval, and at worst.

    customers on each account  ->  table (month)

    Parameters
    ----------
    members_per_account : sequence of numbers
        Customers on each account; accounts without customers have nothing to lose and are left out.
    ban_probability : float, 0 to 1
        That an account is banned within a month; the same for all, one ban telling nothing about the next.
    recovery : float, 0 to 1
        Share of a banned account's customers won back. They go on with a new account, which may be banned as well.
    months, draws : int
    seed : int
        The same seed draws the same fates, so that two calls differ by what is given alone.
    level : float
        Of the interval over the draws.

    Returns
    -------
    DataFrame, one row a month, everything since the start; no rows where no account has customers
        month : 1, 2, ... customers_lost : expected number of today's customers lost by the end of the month, exact.
        customers_lost_low, customers_lost_high : quantiles of the draws. customers_tail : mean of the worst 5% of the
        draws (expected shortfall). lost_share, lost_share_low, lost_share_high, tail_share : the same over today's
        customers. probability_any_ban : that one account or more has been banned, exact. probability_half_lost : that
        more than half of today's customers are lost.

    Raises
    ------
    ValueError
        A number of customers that is negative or blank, a probability or share outside 0 to 1, months, draws or seed
        that are not whole numbers.

    Notes
    -----
    After k bans an account has kept recovery^k of its customers; k of m months is binomial, so the expected share lost
    is 1 - (1 - ban_probability (1 - recovery))^m, the same as in `pool_value`. Leavers for other reasons and joiners
    are not in it. An expected loss far out in its own interval (rare, large bans) is what a skewed loss looks like;
    the interval is widened to hold it. Expected shortfall: Acerbi and Tasche (2002), J. Banking & Finance 26,
    1487-1503.

    Example
    -------
    >>> one = ban_risk([2000], 0.02, 0.0, months=12)
    >>> last = one.iloc[-1]
    >>> last[["lost_share", "probability_any_ban", "tail_share"]].round(4).tolist()
    [0.2153, 0.2153, 1.0]
    """
    sizes = _sizes(members_per_account)
    ban_probability, recovery = _share("ban_probability", ban_probability), _share("recovery", recovery)
    for name, number in (("months", months), ("draws", draws)):
        order_log.at_least_one(name, number)
    level = check_level(level)
    total = sizes.sum()
    if not total:
        return pd.DataFrame(columns=COLUMNS)
    lost = _lost(sizes, ban_probability, recovery, months, draws, seed)
    table = pd.DataFrame({"month": np.arange(1, months + 1)})
    table["lost_share"] = expected_loss(ban_probability, recovery, table["month"].to_numpy())
    low, high = np.quantile(lost, [(1 - level) / 2, (1 + level) / 2], axis=1)
    table["lost_share_low"] = np.minimum(low, table["lost_share"])
    table["lost_share_high"] = np.maximum(high, table["lost_share"])
    table["tail_share"] = _tail(lost)
    table["probability_any_ban"] = 1 - (1 - ban_probability) ** (table["month"] * len(sizes))
    table["probability_half_lost"] = (lost > HALF + 1e-12).mean(axis=1)
    for end in ("", "_low", "_high"):
        table[f"customers_lost{end}"] = table[f"lost_share{end}"] * total
    table["customers_tail"] = table["tail_share"] * total
    return table[COLUMNS]


def expected_loss(ban_probability: float, recovery: float, months: Any) -> Any:
    """Share of today's customers expected to be lost to bans, however they are spread over accounts.

    Example
    -------
    >>> [round(float(expected_loss(0.02, recovery, 12)), 4) for recovery in (0.0, 0.6)]
    [0.2153, 0.0919]
    """
    return 1 - (1 - ban_probability * (1 - recovery)) ** np.asarray(months, dtype=float)[()]


def concentration(members_per_account: Sequence[float]) -> dict[str, Estimate | Refused]:
    """How much of the pool hangs on few accounts.

    customers on each account  ->  dict of Estimate (counted, without interval)

    Returns
    -------
    dict
        accounts_with_customers; account_herfindahl : sum of squared shares, 1 where all are on one account.
        effective_accounts : 1 / that, the number of equal accounts that would be as concentrated.
        largest_account_share : share on the largest. Refused where nobody is on any account.

    Notes
    -----
    Herfindahl index; its inverse is the numbers equivalent (Adelman 1969, Rev. Econ. Stat. 51, 99-101).

    Example
    -------
    >>> found = concentration([3000, 1000])
    >>> found["account_herfindahl"].value, found["effective_accounts"].value, found["largest_account_share"].value
    (0.625, 1.6, 0.75)
    """
    sizes = _sizes(members_per_account)
    total = sizes.sum()
    if not total:
        return dict.fromkeys(_CONCENTRATION, _nobody_on_accounts())
    shares = sizes / total
    index = float((shares**2).sum())
    values = (len(sizes), index, 1 / index, shares.max())
    return {
        key: Estimate.exact(value, round(total), unit, words, concentration)
        for (key, (unit, words)), value in zip(_CONCENTRATION.items(), values, strict=True)
    }


_CONCENTRATION = {
    "accounts_with_customers": ("accounts", Words("现有客户的账号数", "accounts that have customers")),
    "account_herfindahl": (
        "share",
        Words("各账号客户占比的平方和（赫芬达尔指数）；全在一个账号上为 100%",
              "sum of squared shares of customers by account (Herfindahl); all on one account: 100%"),
    ),
    "effective_accounts": (
        "accounts",
        Words("1 ÷ 赫芬达尔指数：集中程度相当于几个一样大的账号",
              "1 / Herfindahl index: as concentrated as so many accounts of equal size"),
    ),
    "largest_account_share": (
        "share", Words("最大账号上的客户 ÷ 各账号客户合计", "customers on the largest account / on all accounts"),
    ),
}  # fmt: skip


def value_of_second_account(
    members_per_account: Sequence[float],
    ban_probability: Quantity,
    recovery: float = 0.0,
    months: int = 12,
    value_per_member: float | None = None,
    draws: int = 4_000,
    seed: int = 0,
) -> dict[str, Estimate | Refused]:
    """What it changes to split the largest account in two, and to split every account in two.

    customers on each account  ->  dict of Estimate or Refused

    Parameters
    ----------
    members_per_account, recovery, months, draws, seed
        See `ban_risk`.
    ban_probability : float, (low, typical, high) or Estimate
        Of an account and month. With an Estimate or a range the results carry the interval that its ends give.
    value_per_member : float, optional
        What a customer lost is worth; without it no money is stated.

    Returns
    -------
    dict
        ban_expected_loss : share lost, the same in all three cases. ban_tail_now, ban_tail_largest_split,
        ban_tail_all_split : share lost in the worst 5% of cases. ban_half_now, ban_half_largest_split,
        ban_half_all_split : probability that more than half are lost. ban_tail_saved : customers who stay in the worst
        5% of cases because every account is split; ban_money_saved : the same in money.

    Notes
    -----
    The interval is the range of the result over the interval of the ban probability (the other inputs as given).

    Example
    -------
    >>> found = value_of_second_account([2000], 0.02)
    >>> [round(found[key].value, 2) for key in ("ban_tail_now", "ban_half_now", "ban_half_all_split")]
    [1.0, 0.22, 0.05]
    >>> found["ban_money_saved"].gate
    'value of a customer'
    """
    sizes = _sizes(members_per_account)
    total = sizes.sum()
    if not total:
        return dict.fromkeys(_SECOND, _nobody_on_accounts())
    level = ban_probability.level if isinstance(ban_probability, Estimate) else LEVEL
    arms = {
        "now": sizes,
        "largest_split": _sizes([*sizes[1:], sizes[0] / 2, sizes[0] / 2]),
        "all_split": np.repeat(sizes / 2, 2),
    }
    rows = [_arms_at(arms, chance, recovery, months, draws, seed) for chance in _chances(ban_probability)]
    for row in rows:
        row["ban_tail_saved"] = (row["ban_tail_now"] - row["ban_tail_all_split"]) * total
        row["ban_money_saved"] = math.nan if value_per_member is None else row["ban_tail_saved"] * value_per_member
    return {key: _over(key, [row[key] for row in rows], level, round(total), months) for key in _SECOND}


def _chances(ban_probability: Quantity) -> list[float]:
    """The ban probability itself first, then those over its interval or range."""
    if isinstance(ban_probability, tuple):
        low, typical, high = (_share("ban_probability", each) for each in ban_probability)
        return [typical, *np.linspace(low, high, GRID).tolist()]
    if not isinstance(ban_probability, Estimate):
        return [_share("ban_probability", ban_probability)]
    value = _share("ban_probability", ban_probability.value)
    if ban_probability.is_exact:
        return [value]
    low, high = max(ban_probability.low, 0.0), min(ban_probability.high, 1.0)
    return [value, *np.linspace(low, high, GRID).tolist()]


def _arms_at(arms: dict[str, np.ndarray], chance: float, recovery: float, months: int, draws: int, seed: int) -> dict:
    found = {"ban_expected_loss": float(expected_loss(chance, _share("recovery", recovery), months))}
    for name, sizes in arms.items():
        lost = _lost(sizes, chance, recovery, months, draws, seed)[-1:]
        found[f"ban_tail_{name}"] = float(_tail(lost)[0])
        found[f"ban_half_{name}"] = float((lost > HALF + 1e-12).mean())
    return found


def _over(key: str, values: list[float], level: float, n: int, months: int) -> Estimate | Refused:
    if math.isnan(values[0]):
        return Refused(
            "value of a customer", "none", "value_per_member",
            "没有给出每位客户的价值，少丢的客户无法折成钱。",
            "What a customer is worth is not given, so the customers kept cannot be put in money.",
        )  # fmt: skip
    unit, words = _SECOND[key]
    words = Words(words.zh.format(months=months), words.en.format(months=months))
    if len(values) == 1:
        return Estimate.exact(values[0], n, unit, words, value_of_second_account)
    return Estimate(values[0], min(values), max(values), level, n, unit, words, value_of_second_account)


_SECOND = {
    "ban_expected_loss": ("share", Words(
        "{months} 个月内因封号丢失的客户占比，期望值；与账号怎么分无关",
        "share of customers expected to be lost to bans within {months} months, however they are spread")),
    "ban_tail_now": ("share", Words(
        "{months} 个月内因封号丢失的客户占比，最坏 5% 情形的平均；账号维持现状",
        "share of customers lost to bans within {months} months, mean of the worst 5% of cases; accounts as they are")),
    "ban_tail_largest_split": ("share", Words(
        "{months} 个月内因封号丢失的客户占比，最坏 5% 情形的平均；最大的账号一分为二",
        "share of customers lost to bans within {months} months, mean of the worst 5%; the largest account split")),
    "ban_tail_all_split": ("share", Words(
        "{months} 个月内因封号丢失的客户占比，最坏 5% 情形的平均；每个账号一分为二",
        "share of customers lost to bans within {months} months, mean of the worst 5%; every account split in two")),
    "ban_half_now": ("probability", Words(
        "{months} 个月内因封号丢失超过一半客户的概率；账号维持现状",
        "probability of losing more than half of the customers to bans within {months} months; accounts as they are")),
    "ban_half_largest_split": ("probability", Words(
        "{months} 个月内因封号丢失超过一半客户的概率；最大的账号一分为二",
        "probability of losing more than half of the customers within {months} months; the largest account split")),
    "ban_half_all_split": ("probability", Words(
        "{months} 个月内因封号丢失超过一半客户的概率；每个账号一分为二",
        "probability of losing more than half of the customers within {months} months; every account split in two")),
    "ban_tail_saved": ("customers", Words(
        "最坏 5% 情形下，每个账号一分为二后 {months} 个月内平均少丢的客户",
        "customers kept on average in the worst 5% of cases within {months} months when every account is split")),
    "ban_money_saved": ("money", Words(
        "最坏 5% 情形下，每个账号一分为二后 {months} 个月内少丢的客户 × 每位客户的价值",
        "customers kept in the worst 5% of cases within {months} months by splitting, times what each is worth")),
}  # fmt: skip


# --- how it is worked out ---


def _lost(sizes: np.ndarray, chance: float, recovery: float, months: int, draws: int, seed: int) -> np.ndarray:
    """Share of today's customers lost by the end of each month: months x draws."""
    lost = np.zeros((months, draws))
    for place, size in enumerate(sizes):
        # Each account has a stream of its own: its fate is the same whatever the other accounts are.
        fate = np.random.default_rng([seed, place]).random((months, draws))
        bans = np.cumsum(fate < chance, axis=0)
        lost += size / sizes.sum() * (1 - float(recovery) ** bans)
    return lost


def _tail(lost: np.ndarray) -> np.ndarray:
    """Mean of the worst draws of each row."""
    worst = max(1, math.ceil(WORST * lost.shape[1] - 1e-9))
    return np.sort(lost, axis=1)[:, -worst:].mean(axis=1)


def _sizes(members_per_account: Sequence[float]) -> np.ndarray:
    """Accounts with customers, the largest first, so that the order in which they are given makes no difference."""
    sizes = np.asarray(list(members_per_account), dtype=float)
    if sizes.ndim != 1 or not np.isfinite(sizes).all() or (sizes < 0).any():
        raise ValueError("members_per_account must be numbers of customers, 0 or more, one for each account")
    return np.sort(sizes[sizes > 0])[::-1]


def _share(name: str, value: float) -> float:
    if not (isinstance(value, Real) and 0 <= value <= 1):
        raise ValueError(f"{name} must lie between 0 and 1, such as 0.02; got {value!r}")
    return float(value)


def _nobody_on_accounts() -> Refused:
    return Refused(
        "customers on accounts", 0, 1,
        "没有记录现有客户在哪个账号上，集中程度和封号损失无从计算。",
        "It is not recorded which account holds the customers now: concentration and loss cannot be computed.",
    )  # fmt: skip
