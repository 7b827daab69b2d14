"""The worked case of the trade: 15 personal accounts, 30,000 old customers, 2 employees, over 10 million RMB a year.

What it means per customer, account and employee, whether two people can do it, and where the brand stands beside it.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import narwhals as nw
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool.accounts import accounts_of, members_now
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

CASE = {"customers": 30_000, "accounts": 15, "staff": 2, "revenue": 10_000_000}  # a year; RMB
BRUSHING_SAVED = 200_000  # RMB a year that the same article claims to save on faked orders
CAP_PER_ACCOUNT = 5_000  # friends of a personal account; customers of a WeCom account unless it is widened
WORKING_DAYS, HOURS_A_DAY = 250, 8.0  # assumed: five days a week less statutory holidays
MINUTES_PER_CUSTOMER = 12.0  # assumed: one minute of personal contact a month
DAYS = 365
SALES_DAYS = 365
FIGURES = ("customers_per_account", "customers_per_employee", "revenue_per_customer", "revenue_per_employee")


class _Measure(NamedTuple):
    unit: str
    label: Words
    meaning: Words


def capacity(
    customers: float | None,
    accounts: float | None,
    staff: float | None,
    revenue: float | None = None,
    cap_per_account: float = CAP_PER_ACCOUNT,
    minutes_per_customer: float = MINUTES_PER_CUSTOMER,
    working_days: float = WORKING_DAYS,
    hours_per_day: float = HOURS_A_DAY,
) -> pd.DataFrame:
    """What a pool's customers, accounts, employees and sales come to per head, beside the case of the trade.

    four numbers  ->  table (measure)

    Parameters
    ----------
    customers, accounts, staff : float or None
        In the pool now, live accounts, people who run them; None: not known.
    revenue : float or None
        Sales to these customers in a year.
    cap_per_account : float
        Customers that an account can hold: 5,000 friends on a personal account, 5,000 customers on a WeCom account
        unless the platform widens it.
    minutes_per_customer : float
        Personal contact that a customer is to get in a year; assumed, a minute a month.
    working_days, hours_per_day : float
        Of an employee in a year and on a day; assumed, and all of it spent on customers.

    Returns
    -------
    DataFrame, one row a measure
        key, measure_zh, measure_en, case, brand, unit, note_zh, note_en. brand is blank where a number it takes is not
        known or zero; money of the case is in RMB. brushing_per_customer has no brand: faked orders are unlawful, and
        not having to buy them is no benefit of a pool.

    Raises
    ------
    ValueError
        A negative number, or a cap, minutes, days or hours that are not above 0.

    Example
    -------
    >>> table = capacity(3851, 10, 2).set_index("key")
    >>> table.loc[["revenue_per_customer", "customers_per_account", "joins_per_account_day"], "case"].round(2).tolist()
    [333.33, 2000.0, 5.48]
    >>> float(table.loc["customers_per_employee", "brand"])
    1925.5
    """
    for name, number in (("customers", customers), ("accounts", accounts), ("staff", staff), ("revenue", revenue)):
        if number is not None and not (math.isfinite(number) and number >= 0):
            raise ValueError(f"{name} must be a number, 0 or more, or None where it is not known; got {number!r}")
    assumed = {"cap_per_account": cap_per_account, "minutes_per_customer": minutes_per_customer,
               "working_days": working_days, "hours_per_day": hours_per_day}  # fmt: skip
    for name, number in assumed.items():
        if not (math.isfinite(number) and number > 0):
            raise ValueError(f"{name} must be a number above 0; got {number!r}")
    case = _figures(**CASE, **assumed) | {"brushing_per_customer": BRUSHING_SAVED / CASE["customers"]}
    brand = _figures(customers, accounts, staff, revenue, **assumed)
    rows = [
        (key, *what.label, case[key], brand.get(key, math.nan), what.unit, *_meaning(key, assumed))
        for key, what in MEASURES.items()
    ]
    columns = ["key", "measure_zh", "measure_en", "case", "brand", "unit", "note_zh", "note_en"]
    return pd.DataFrame(rows, columns=columns)


def _figures(
    customers: float | None, accounts: float | None, staff: float | None, revenue: float | None,
    cap_per_account: float, minutes_per_customer: float, working_days: float, hours_per_day: float,
) -> dict[str, float]:  # fmt: skip
    """All measures from four numbers; NaN where one of them is not known."""
    minutes = working_days * hours_per_day * 60
    customers, accounts, staff, revenue = (
        math.nan if number is None else float(number) for number in (customers, accounts, staff, revenue)
    )
    per_account = _over(customers, accounts)
    return {
        "customers": customers,
        "accounts": accounts,
        "staff": staff,
        "revenue": revenue,
        "revenue_per_customer": _over(revenue, customers),
        "customers_per_account": per_account,
        "account_fill": per_account / cap_per_account,
        "customers_per_employee": _over(customers, staff),
        "revenue_per_employee": _over(revenue, staff),
        "revenue_per_account": _over(revenue, accounts),
        "joins_per_account_day": per_account / DAYS,
        "minutes_available": _over(staff * minutes, customers),
        "staff_needed": customers * minutes_per_customer / minutes,
    }


def _over(number: float, divisor: float) -> float:
    return number / divisor if divisor else math.nan


MEASURES = {
    "customers": _Measure("customers", Words("私域客户", "Customers in the pool"), Words("", "")),
    "accounts": _Measure("accounts", Words("在用账号", "Live accounts"), Words("", "")),
    "staff": _Measure("people", Words("员工", "Employees"), Words("", "")),
    "revenue": _Measure("money", Words("一年销售额", "Sales a year"), Words(
        "案例为人民币，“超过 1,000 万”按 1,000 万计；本品牌为现有私域客户最近 365 天的全部订单，不是私域带来的增量",
        "case in RMB, \"over 10 million\" taken as 10 million; the brand's: all orders of its present pool in the last "
        "365 days, not what the pool added")),
    "revenue_per_customer": _Measure("money per customer", Words("每位客户一年销售额", "Sales per customer and year"),
        Words("一年销售额 ÷ 私域客户", "sales a year / customers in the pool")),
    "customers_per_account": _Measure("customers", Words("每个账号的客户", "Customers per account"),
        Words("私域客户 ÷ 在用账号", "customers / live accounts")),
    "account_fill": _Measure("share", Words("账号的饱和度", "How full the accounts are"),
        Words("每个账号的客户 ÷ 上限 {cap_per_account:,.0f} 位（个人号好友上限；企业微信默认上限）",
              "customers per account / cap of {cap_per_account:,.0f} (of a personal account; of WeCom by default)")),
    "customers_per_employee": _Measure("customers", Words("每位员工的客户", "Customers per employee"),
        Words("私域客户 ÷ 员工", "customers / employees")),
    "revenue_per_employee": _Measure("money", Words("每位员工一年销售额", "Sales per employee and year"),
        Words("一年销售额 ÷ 员工", "sales a year / employees")),
    "revenue_per_account": _Measure("money", Words("每个账号一年销售额", "Sales per account and year"),
        Words("一年销售额 ÷ 在用账号", "sales a year / live accounts")),
    "joins_per_account_day": _Measure("customers", Words("每个账号每天新增", "Joiners per account and day"),
        Words("若全部客户都在一年内加入：私域客户 ÷ 在用账号 ÷ 365 天",
              "had all of them joined within one year: customers / accounts / 365 days")),
    "minutes_available": _Measure("minutes", Words("每位客户一年可分到的时间", "Time there is per customer and year"),
        Words("员工 × {working_days:g} 个工作日 × {hours_per_day:g} 小时 ÷ 客户（假设全部工时都用于服务客户）",
              "employees x {working_days:g} working days x {hours_per_day:g} hours / customers (assumed: nothing else "
              "is done)")),
    "staff_needed": _Measure("people", Words("需要的员工", "Employees needed"),
        Words("假设每位客户一年得到 {minutes_per_customer:g} 分钟一对一服务",
              "assumed: {minutes_per_customer:g} minutes of personal contact per customer and year")),
    "brushing_per_customer": _Measure("money per customer",
        Words("案例自称省下的刷单费", "Cost of faked orders the case claims to save"),
        Words("刷单（虚构交易）违法（《电子商务法》第十七条），省下的刷单费不是收益，任何测算都不计入",
              "faked orders are unlawful (E-Commerce Law of China, article 17): what they cost is no benefit of a pool "
              "and enters no calculation here")),
}  # fmt: skip


def _meaning(key: str, assumed: dict[str, float]) -> Words:
    return Words(*(text.format(**assumed) for text in MEASURES[key].meaning))


def own_capacity(
    members: Any, accounts: Any, orders: Any, observed_until: order_log.DateLike
) -> dict[str, float | None]:
    """The brand's own four numbers for `capacity`.

    members (one stay), accounts (one account), orders (one order)  ->  dict

    Parameters
    ----------
    members, accounts : frames that narwhals takes, or None
        See `accounts_of`; staff of the live accounts are counted by their ids.
    orders : frame that narwhals takes
        customer_id, ordered_at, amount [refunded].
    observed_until : date

    Returns
    -------
    dict with customers (in the pool on the last day), accounts (live), staff (who run a live account), revenue (orders
    of these customers in the last 365 days, less refunds); None where a table or a column does not say.

    Example
    -------
    >>> stays = pd.DataFrame({"customer_id": [1, 2], "joined_at": pd.to_datetime(["2024-01-01"] * 2)})
    >>> bought = pd.DataFrame({"customer_id": [1, 3], "ordered_at": pd.to_datetime(["2024-02-01"] * 2)})
    >>> own_capacity(stays, None, bought.assign(amount=50.0), "2024-03-31")
    {'customers': 2.0, 'accounts': None, 'staff': None, 'revenue': 50.0}
    """
    until = order_log.day_number(observed_until, "observed_until")
    table = accounts_of(members, accounts, observed_until)
    live = table[table["live"]]
    staff = live["staff"].dropna().nunique()
    found: dict[str, float | None] = {"customers": None, "accounts": float(len(live)) or None,
                                      "staff": float(staff) or None, "revenue": None}  # fmt: skip
    if members is None:
        return found
    inside = members_now(members, observed_until)
    found["customers"] = float(len(inside))
    if orders is not None:
        found["revenue"] = _sales(orders, inside, until)
    return found


def _sales(orders: Any, inside: pd.Index, until: int) -> float:
    """Paid by these customers in the last year, less refunds."""
    paid = order_log.paid_orders(orders, until, "month", "net").filter(nw.col("day") > until - SALES_DAYS)
    home = paid.group_by("customer_id").agg(nw.col("minor").sum()).collect("pandas").to_native()
    return int(home.loc[home["customer_id"].isin(inside), "minor"].sum()) / order_log.MONEY_SCALE


def capacity_rule(table: pd.DataFrame) -> RuleResult:
    """Whether the brand's pool carries as much as the case of the trade.

    table of `capacity`  ->  RuleResult

    Returns
    -------
    RuleResult "capacity" with the figures case_... and own_... for customers_per_account, customers_per_employee,
    revenue_per_customer, revenue_per_employee, and case_minutes, own_minutes, case_staff_needed, own_staff_needed.
    "agrees" where the brand reaches the case both in customers per employee and in sales per customer, "disagrees"
    where it falls short in either.

    Example
    -------
    >>> rule = capacity_rule(capacity(3851, 10, 2, 1_500_000))
    >>> [round(rule.figures[f"case_{key}"].value) for key in ("revenue_per_customer", "minutes_available")], rule.agrees
    ([333, 8], 'disagrees')
    """
    found = table.set_index("key")
    keys = [*FIGURES, "minutes_available", "staff_needed"]
    figures = {f"{whose}_{key}": _figure(found, key, whose) for key in keys for whose in ("case", "own")}
    reached = [
        math.nan if math.isnan(found.at[key, "brand"]) else found.at[key, "brand"] >= found.at[key, "case"]
        for key in ("customers_per_employee", "revenue_per_customer")
    ]
    known = [one for one in reached if not pd.isna(one)] if found.at["customers", "brand"] > 0 else []
    agrees = DISAGREES if not all(known) else AGREES if len(known) == len(reached) else OPEN
    return RuleResult("capacity", _CLAIM, figures, agrees, _READING[agrees])


def _figure(found: pd.DataFrame, key: str, whose: str) -> Estimate | Refused:
    row = found.loc[key]
    value = row["case" if whose == "case" else "brand"]
    if math.isnan(value):
        return Refused(
            "members, accounts, staff, orders", 0, 1,
            "账号表、使用员工或订单缺少记录，无法与案例比较。",
            "Accounts, who runs them, or orders are not recorded: there is nothing to set beside the case.",
        )  # fmt: skip
    of_case, of_brand = Words("案例", "the case"), Words("本品牌", "the brand")
    who = of_case if whose == "case" else of_brand
    unit = (
        {"money": "RMB", "money per customer": "RMB"}.get(row["unit"], row["unit"]) if whose == "case" else row["unit"]
    )
    words = Words(
        f"{who.zh}：{row['measure_zh']}，{row['note_zh']}", f"{who.en}: {row['measure_en'].lower()}; {row['note_en']}"
    )
    many = found.at["customers", "case" if whose == "case" else "brand"]
    return Estimate.exact(value, 0 if math.isnan(many) else int(many), unit, words, capacity)


_CLAIM = Words(
    "一年时间，15 个左右个人号、3 万老客户、2 名员工，做出超过 1,000 万元的年销售额",
    "within a year some 15 personal accounts, 30,000 old customers and 2 employees made over 10 million RMB of sales",
)
_READING = {
    AGREES: Words(
        "本品牌每位员工的客户和每位客户的销售额都达到案例的水平；销售额不等于私域带来的增量",
        "the brand reaches the case in customers per employee and in sales per customer; sales are not what the pool "
        "added",
    ),
    DISAGREES: Words(
        "本品牌没有达到案例的水平；案例的账算得通，但每位客户分到的时间只够偶尔说几句话，且销售额不等于私域带来的增量",
        "the brand does not reach the case; the case adds up, but leaves each customer time for a few words a year, "
        "and its sales are not what the pool added",
    ),
    OPEN: Words(
        "本品牌缺少账号、员工或订单记录，或私域里还没有客户，无法与案例比较",
        "accounts, staff or orders of the brand are not recorded, or nobody is in its pool: nothing to set beside the "
        "case",
    ),
}
