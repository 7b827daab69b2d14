"""The accounts that hold the pool: customers on each, how often accounts are banned, who comes back after a ban.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, share, wilson
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = {"members": ["customer_id", "joined_at", "account_id"], "accounts": ["account_id", "opened_at", "banned_at"]}
DAYS_A_MONTH = 365.25 / 12
HALF = 0.5
FOLLOW_DAYS = 60  # after a ban, to see who comes back
ACCOUNT_COLUMNS = ["account_id", "opened_at", "banned_at", "staff", "live", "customers", "customers_at_ban", "months"]


def accounts_of(members: Any, accounts: Any, observed_until: order_log.DateLike) -> pd.DataFrame:
    """Customers on each account, and how long each account has been at risk of a ban.

    members (one stay), accounts (one account)  ->  table (account)

    Parameters
    ----------
    members : any frame that narwhals takes
        customer_id, joined_at [left_at, account_id].
    accounts : frame of the same kind, or None
        account_id, opened_at [banned_at, staff].
    observed_until : date

    Returns
    -------
    DataFrame, oldest account first
        account_id. opened_at, banned_at, staff : blank where not known; a ban after the last day is not known yet.
        live : not banned. customers : in the pool on the last day, 0 on a banned account; one with two accounts counts
        on both. customers_at_ban : customers who had it when it was banned; blank where it was not. months : from its
        opening to its ban or the last day; blank without an opening.
        attrs: customers_without_account, customers in the pool whose account is not known.

    Raises
    ------
    ValueError
        For missing columns.

    Example
    -------
    >>> stays = pd.DataFrame({"customer_id": [1, 2, 3], "account_id": [7, 7, 8],
    ...                       "joined_at": pd.to_datetime(["2024-01-01"] * 3)})
    >>> opened = pd.DataFrame({"account_id": [7, 8], "opened_at": pd.to_datetime(["2023-01-01"] * 2)})
    >>> accounts_of(stays, opened, "2024-03-31")["customers"].tolist()
    [2, 1]
    """
    until = order_log.day_number(observed_until, "observed_until")
    end = pd.Timestamp(0) + pd.Timedelta(days=until + 1)
    stays, table = _stays(members, end), _accounts(accounts, end)
    on = stays.dropna(subset=["account_id"])
    unlisted = on[~on["account_id"].isin(table["account_id"])]["account_id"].drop_duplicates()
    table = pd.concat([table, pd.DataFrame({"account_id": unlisted}).astype({"account_id": object})])
    table["live"] = table["banned_at"].isna()
    here = on[on["left_at"].isna()].groupby("account_id")["customer_id"].nunique()
    table["customers"] = table["account_id"].map(here).fillna(0).astype("int64").where(table["live"], 0)
    caught = _caught(on, table).groupby("account_id")["customer_id"].nunique()
    table["customers_at_ban"] = table["account_id"].map(caught).fillna(0).where(~table["live"]).astype(float)
    table["months"] = (table["banned_at"].fillna(end) - table["opened_at"]).dt.total_seconds() / 86_400 / DAYS_A_MONTH
    table = table.sort_values(["opened_at", "customers", "customers_at_ban"], ascending=[True, False, False],
                              kind="stable", ignore_index=True)[ACCOUNT_COLUMNS]  # fmt: skip
    placed = set(on[on["left_at"].isna() & on["account_id"].isin(table[table["live"]]["account_id"])]["customer_id"])
    now = set(stays[stays["left_at"].isna()]["customer_id"])
    table.attrs = {"customers_without_account": len(now - placed)}
    return table


def members_now(members: Any, observed_until: order_log.DateLike) -> pd.Index:
    """Customers who are in the pool at the end of the last day.

    members (one stay)  ->  Index (one customer)

    Example
    -------
    >>> stays = pd.DataFrame({"customer_id": [1, 1, 2], "joined_at": pd.to_datetime(["2024-01-01"] * 3)})
    >>> stays["left_at"] = pd.to_datetime(["2024-01-05", None, "2024-01-05"])
    >>> members_now(stays, "2024-01-31").tolist()
    [1]
    """
    end = pd.Timestamp(0) + pd.Timedelta(days=order_log.day_number(observed_until, "observed_until") + 1)
    stays = _stays(members, end)
    return pd.Index(stays.loc[stays["left_at"].isna(), "customer_id"].drop_duplicates())


def ban_rate(accounts: Any, observed_until: order_log.DateLike, level: float = LEVEL) -> Estimate | Refused:
    """Probability that an account is banned within a month, from the bans there have been.

    accounts (one account)  ->  Estimate (share) or Refused

    Parameters
    ----------
    accounts : any frame that narwhals takes, or None
        account_id, opened_at [banned_at].
    observed_until : date

    Returns
    -------
    Estimate; Refused without the table, or without any time at risk. No ban at all gives 0 with an upper end above it.

    Notes
    -----
    Bans / months of all accounts at risk, with the exact interval of a Poisson rate (Garwood 1936, Biometrika 28,
    437-442), turned into a probability a month by 1 - exp(-rate). Exact intervals are conservative.

    Example
    -------
    >>> opened = pd.DataFrame({"account_id": range(10), "opened_at": pd.to_datetime("2023-01-01")})
    >>> opened["banned_at"] = pd.to_datetime(["2024-01-01"] + [None] * 9)
    >>> found = ban_rate(opened, "2024-12-31")
    >>> round(found.value, 4), round(found.low, 4), round(found.high, 4)
    (0.0044, 0.0002, 0.0206)
    """
    level = check_level(level)
    end = pd.Timestamp(0) + pd.Timedelta(days=order_log.day_number(observed_until, "observed_until") + 1)
    table = _accounts(accounts, end).dropna(subset=["opened_at"])
    at_risk = table["banned_at"].fillna(end) - table["opened_at"]
    bans, months = int(table["banned_at"].notna().sum()), at_risk.dt.total_seconds().sum() / 86_400 / DAYS_A_MONTH
    if not months > 0:
        return Refused(
            "accounts", 0, 1,
            "没有账号表（accounts），或账号都没有开通时间，封号概率无从估计。",
            "There is no table accounts, or no account has an opening date: the chance of a ban cannot be estimated.",
        )  # fmt: skip
    tail = (1 - level) / 2
    low = stats.chi2.ppf(tail, 2 * bans) / 2 if bans else 0.0
    high = stats.chi2.ppf(1 - tail, 2 * bans + 2) / 2
    words = Words(
        f"一个账号一个月内被封的概率：{len(table)} 个账号合计 {months:,.0f} 个月，被封 {bans} 个",
        f"probability that an account is banned within a month: {bans} bans in {months:,.0f} months of "
        f"{len(table)} accounts",
    )
    ends = [-math.expm1(-number / months) + 0.0 for number in (bans, low, high)]
    return Estimate(*ends, level, len(table), "share", words, ban_rate)


def recovery_rate(
    members: Any, accounts: Any, observed_until: order_log.DateLike, level: float = LEVEL
) -> Estimate | Refused:
    """Share of a banned account's customers who are won back, with an interval that is right for another ban.

    members (one stay), accounts (one account)  ->  Estimate (share) or Refused

    Parameters
    ----------
    As in `banned_list`, whose "recovered_after_ban" is the same share with an interval for the customers of these bans.

    Notes
    -----
    What is won back depends on the ban, so bans are drawn, not customers: the variance of the share is linearised with
    residuals added up by account, times (t / z)^2 for so few of them, and Wilson's interval is that of as many
    independent customers (Korn and Graubard 1998, Survey Methodology 24, 193-201). One ban counts as one customer.

    Example
    -------
    >>> stays = pd.DataFrame({"customer_id": [1, 2, 3, 1], "account_id": [7, 7, 7, 8]})
    >>> stays["joined_at"] = pd.to_datetime(["2024-01-01"] * 3 + ["2024-03-09"])
    >>> stays["left_at"] = pd.to_datetime(["2024-03-01"] * 3 + [None])
    >>> opened = pd.DataFrame({"account_id": [7, 8], "opened_at": pd.to_datetime(["2023-01-01"] * 2)})
    >>> opened["banned_at"] = pd.to_datetime(["2024-03-01", None])
    >>> found = recovery_rate(stays, opened, "2024-12-31")
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.333, 0.034, 0.876)
    """
    level = check_level(level)
    caught, again = _after_bans(members, accounts, observed_until)
    many, bans = len(caught), caught["account_id"].nunique()
    if not many:
        return _no_ban()
    back = float(again.mean())
    each = pd.Series((again - back) / many).groupby(caught["account_id"].to_numpy()).sum()
    effective = 1.0
    if bans > 1:
        few = stats.t.ppf((1 + level) / 2, bans - 1) / stats.norm.ppf((1 + level) / 2)
        variance = float((each**2).sum()) * bans / (bans - 1) * few**2
        # Without a residual (all or none came back each time) every ban counts as one customer.
        spread = back * (1 - back)
        effective = min(max(spread / variance, 1.0), many) if variance > 0 and spread > 0 else float(bans)
    low, high = wilson(min(back * effective, effective), effective, level)
    return Estimate(
        back, min(float(low), back), max(float(high), back), level, many, "share", _RECOVERED, recovery_rate
    )


def banned_list(members: Any, accounts: Any, observed_until: order_log.DateLike, level: float = LEVEL) -> RuleResult:
    """Whether a banned account loses its whole list: how many of its customers were in the pool again afterwards.

    members (one stay), accounts (one account)  ->  RuleResult

    Returns
    -------
    RuleResult "banned_list" with figures
        banned_accounts : accounts banned so far. customers_at_bans : customers who had one that was banned at least 60
        days before the last day. recovered_after_ban : share of them who had a stay on another account within 60 days
        of the ban. ban_probability_month : see `ban_rate`.
    agrees: "disagrees" if the interval of the share recovered lies above a half, "agrees" if below.

    Notes
    -----
    A customer who was on two banned accounts counts at each ban. The interval takes customers one by one: it is about
    the lists of these bans. What another ban would bring is less certain, see `recovery_rate`.

    Example
    -------
    >>> stays = pd.DataFrame({"customer_id": [1, 2, 3, 1], "account_id": [7, 7, 7, 8]})
    >>> stays["joined_at"] = pd.to_datetime(["2024-01-01"] * 3 + ["2024-03-09"])
    >>> stays["left_at"] = pd.to_datetime(["2024-03-01"] * 3 + [None])
    >>> opened = pd.DataFrame({"account_id": [7, 8], "opened_at": pd.to_datetime(["2023-01-01"] * 2)})
    >>> opened["banned_at"] = pd.to_datetime(["2024-03-01", None])
    >>> rule = banned_list(stays, opened, "2024-12-31")
    >>> round(rule.figures["recovered_after_ban"].value, 3), rule.agrees
    (0.333, 'cannot be told')
    """
    end = pd.Timestamp(0) + pd.Timedelta(days=order_log.day_number(observed_until, "observed_until") + 1)
    table = _accounts(accounts, end)
    caught, again = _after_bans(members, accounts, observed_until)
    figures: dict[str, Estimate | Refused] = {
        "banned_accounts": Estimate.exact(
            int(table["banned_at"].notna().sum()), len(table), "accounts",
            Words("截至数据末日被封的账号数", "accounts banned by the last day of the data"), banned_list),
        "customers_at_bans": Estimate.exact(len(caught), len(caught), "customers", _AT_BANS, banned_list),
        "recovered_after_ban": share(int(again.sum()), len(caught), level, _RECOVERED, banned_list)
        if len(caught) else _no_ban(),
        "ban_probability_month": ban_rate(accounts, observed_until, level),
    }  # fmt: skip
    if table.empty:
        figures |= dict.fromkeys(["banned_accounts", "customers_at_bans"], figures["ban_probability_month"])
    found = figures["recovered_after_ban"]
    agrees = OPEN
    if isinstance(found, Estimate):
        agrees = DISAGREES if found.low > HALF else AGREES if found.high < HALF else OPEN
    return RuleResult("banned_list", _CLAIM, figures, agrees, _READING[agrees])


_CLAIM = Words(
    "平台不稳定：一个账号被封，积累的流量就化为灰烬（案例中每个账号 2,000 位客户）",
    "platforms are not stable: when an account is banned, the traffic stored on it turns to ash (2,000 customers an "
    "account in the case)",
)
_READING = {
    AGREES: Words(
        "被封账号上的客户，大半没有再回到私域：封号之前就要把客户分到几个账号，并留下第二种联系方式",
        "most customers of banned accounts did not come back to the pool: spread them over accounts, and keep a second "
        "way to reach them, before a ban comes",
    ),
    DISAGREES: Words(
        "被封账号上的客户，多数又回到了私域：名单没有化为灰烬，但仍有一部分没有找回",
        "most customers of banned accounts came back to the pool: the list did not turn to ash, though part of it is "
        "gone",
    ),
    OPEN: Words(
        "封号之后能找回多少客户，这些数据还看不出来；规划时按给定的找回占比计算",
        "how many customers come back after a ban cannot be told from these data; plan with a stated share",
    ),
}
_AT_BANS = Words(
    f"封号时在该账号上的客户数（封号至数据末日不足 {FOLLOW_DAYS} 天的账号不计）",
    f"customers on an account when it was banned (bans within {FOLLOW_DAYS} days of the last day left out)",
)
_RECOVERED = Words(
    f"封号后 {FOLLOW_DAYS} 天内又在其他账号上的客户 ÷ 封号时在该账号上的客户",
    f"customers on another account within {FOLLOW_DAYS} days of the ban / customers on the account when it was banned",
)


# --- how it is worked out ---


def _after_bans(members: Any, accounts: Any, observed_until: order_log.DateLike) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers caught by bans that have been watched for long enough, and which of them were found again."""
    end = pd.Timestamp(0) + pd.Timedelta(days=order_log.day_number(observed_until, "observed_until") + 1)
    table, stays = _accounts(accounts, end), _stays(members, end)
    bans = table[table["banned_at"] + pd.Timedelta(days=FOLLOW_DAYS) <= end]
    caught = _caught(stays.dropna(subset=["account_id"]), bans)
    return caught, _found_again(caught, stays)


def _stays(members: Any, end: pd.Timestamp) -> pd.DataFrame:
    """Stays that began before the end; leaving after it is not known yet."""
    columns = ["customer_id", "joined_at", "left_at", "account_id"]
    if members is None:
        return pd.DataFrame(columns=columns).astype({"joined_at": "datetime64[us]", "left_at": "datetime64[us]"})
    home = _home(members, ["customer_id", "joined_at"], ["left_at"], ["account_id"])
    home = home.dropna(subset=["customer_id", "joined_at"])
    home = home[home["joined_at"] < end]
    home["left_at"] = home["left_at"].where(home["left_at"] < end)
    return home[columns]


def _accounts(accounts: Any, end: pd.Timestamp) -> pd.DataFrame:
    """Accounts opened before the end, or at a time that is not known; a ban after the end is not known yet."""
    columns = ["account_id", "opened_at", "banned_at", "staff"]
    if accounts is None:
        return pd.DataFrame(columns=columns).astype({"opened_at": "datetime64[us]", "banned_at": "datetime64[us]"})
    home = _home(accounts, ["account_id", "opened_at"], ["banned_at"], ["staff"]).dropna(subset=["account_id"])
    home = home[~(home["opened_at"] >= end)]
    home["banned_at"] = home["banned_at"].where(home["banned_at"] < end)
    return home[columns].astype({"account_id": object})


def _home(table: Any, needed: list[str], moments: list[str], others: list[str]) -> pd.DataFrame:
    """Columns of a table as pandas; those that it does not have are blank."""
    frame = order_log.lazy(table)
    there = frame.collect_schema().names()
    order_log.has_columns(there, needed)
    home = frame.select(*[name for name in [*needed, *moments, *others] if name in there]).collect("pandas").to_native()
    home = pd.DataFrame(home).reindex(columns=[*needed, *moments, *others])
    for name in (name for name in home.columns if name.endswith("_at")):
        home[name] = pd.to_datetime(home[name]).astype("datetime64[us]")
    return home


def _caught(stays: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """Stays on an account that were open when it was banned; one row a customer and ban.

    By days, as some systems note only the day on which a customer left: who left on the day of the ban was caught.
    """
    banned = accounts.dropna(subset=["banned_at"])[["account_id", "banned_at"]]
    stays = stays.astype({"account_id": object}).merge(banned, on="account_id")
    there = (stays["joined_at"] <= stays["banned_at"]) & ~(stays["left_at"] < stays["banned_at"].dt.normalize())
    return stays[there].drop_duplicates(["customer_id", "account_id"])[["customer_id", "account_id", "banned_at"]]


def _found_again(caught: pd.DataFrame, stays: pd.DataFrame) -> np.ndarray:
    """For each customer caught by a ban, whether another account held the customer within the days that follow."""
    other = stays.rename(columns={"account_id": "other"})
    rows = caught.reset_index(drop=True).reset_index(names="place").merge(other, on="customer_id")
    until = rows["banned_at"] + pd.Timedelta(days=FOLLOW_DAYS)
    held = (
        (rows["other"] != rows["account_id"]) & (rows["joined_at"] <= until) & ~(rows["left_at"] <= rows["banned_at"])
    )
    return np.isin(np.arange(len(caught)), rows["place"][held])


def _no_ban() -> Refused:
    return Refused(
        "bans", 0, 1,
        f"没有账号在数据末日 {FOLLOW_DAYS} 天之前被封过，封号后能找回多少客户没有数据。",
        f"No account with customers was banned {FOLLOW_DAYS} days or more before the last day: there are no data on "
        "how many come back.",
    )  # fmt: skip
