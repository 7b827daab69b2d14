"""Bargain hunters: who buys for the discount, sends it back or comes once for the cheapest, and what they leave.

The articles say that a pool need not attract bargain hunters (羊毛党). No column says who is one. The score here is our
own: one point each for deep discounts, for refunds and for a single cheap purchase. It is made of what customers did,
refunds and single purchases among it, so that those with points leave less money in part by the score's own making: it
describes a group, it does not say that anything would change if the group were kept out.

Opens no files and draws nothing. Tables may be any frame that narwhals takes, see the head of `order_log`.
"""

from __future__ import annotations

import math
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, share
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.evidence import Evidence, OrderRows
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = order_log.REQUIRES
TIMES_DISCOUNT = 1.5  # these four are ours
REFUND_SHARE = 0.5
LOW_PRICE = 0.25
POINTS = 2
WATCH_DAYS = 90
LEAST_LOSS = 0.10  # ours: of what others bring afterwards; a smaller loss would not matter
MOST_FLAGGED = 0.5  # a rule that flags more than half of the customers tells nobody apart
CLAIM = Words("私域不必吸引羊毛党", "a pool need not attract bargain hunters")
ENDS = ("", "_low", "_high")
COLUMNS = [
    "score", "flagged", "customers", *(f"share{end}" for end in ENDS), "sales", "sales_share", "contribution",
    "contribution_share", *(f"contribution_per_customer{end}" for end in ENDS), *(f"joined{end}" for end in ENDS),
]  # fmt: skip
KEYS = (
    "share", "sales_share", "contribution_share", "contribution_per_customer", "others_per_customer", "gap",
    "share_in_pool", "joined_gap", "came_deep_share", "later_deep", "later_others", "later_gap", "cost_to_win",
    "pool_profit", "pool_profit_without",
)  # fmt: skip


def bargain_hunters(
    orders: Any,
    observed_until: order_log.DateLike,
    members: Any = None,
    pool_costs: Any = None,
    gross_margin: float | None = None,
    cost_to_win: float | None = None,
    times_discount: float = TIMES_DISCOUNT,
    refund_share: float = REFUND_SHARE,
    low_price: float = LOW_PRICE,
    points: int = POINTS,
    watch_days: int = WATCH_DAYS,
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> Evidence:
    """Score customers by discounts, refunds and a single cheap purchase, and count what those with points leave.

    orders (one paid order), members (one stay), pool_costs (month x item)  ->  Evidence: table (score), figures, rule

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`. list_amount is needed; refunded, cost and platform_fee are used where there.
    members : frame, optional
        customer_id, joined_at [left_at].
    pool_costs : frame, optional
        month, item, amount.
    gross_margin : float, optional
        For the contribution where orders hold no costs, see `order_log.contribution_rule`.
    cost_to_win : money per customer, optional
        What winning a customer for the pool costs; by default the incentives of pool_costs over those who joined.
    times_discount : float
        First point: discounts of at least so many times the brand's own share of the list price.
    refund_share : share
        Second point: at least this share of what was paid was refunded.
    low_price : share
        Third point: one purchase only, at a list price below this quantile of all first purchases.
    points : int, 1 to 3
        So many points make a bargain hunter.
    watch_days : int
        Only new customers watched so long are scored: a customer of yesterday has bought once as a matter of course.

    Returns
    -------
    Evidence
        table : one row a score from 0 to 3 that occurs. flagged. customers; share of those scored. sales : paid less
        refunds, contribution : in the brand's currency, with their shares of all scored; contribution_per_customer;
        joined : share who ever joined the pool. With _low and _high; a mean of fewer than 100 customers and what is
        not known are blank (NaN). Empty without list prices.
        figures : bargain_share, bargain_sales_share, bargain_contribution_share; bargain_contribution_per_customer and
        bargain_others_per_customer (flagged, others), bargain_gap (difference); bargain_share_in_pool (of those who
        joined), bargain_joined_gap (share who joined, flagged less others); bargain_came_deep_share (first purchase at
        a deep discount); bargain_later_deep, bargain_later_others and bargain_later_gap (contribution in the
        `watch_days` after the day of the first purchase: those who came so, others, difference); bargain_cost_to_win;
        bargain_pool_profit and bargain_pool_profit_without (contribution of orders placed in the pool less the pool's
        costs, as booked; without: less flagged customers' orders, their part of the incentives saved).
        rule : agrees when those who came at a deep discount bring less afterwards than others, beyond doubt; disagrees
        when they bring no less, or less by under a tenth beyond doubt. Where the score flags more than half, it tells
        nobody apart and what rests on it is refused.

    Raises
    ------
    ValueError
        For a missing column, an order without amount, or parameters out of range.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1, 2, 2, 3], "amount": [50.0, 95.0, 100.0, 90.0],
    ...                     "list_amount": [80.0, 100.0, 100.0, 90.0], "refunded": [50.0, 0.0, 0.0, 0.0]})
    >>> log["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-06", "2024-02-07", "2024-01-08"])
    >>> found = bargain_hunters(log, "2024-12-31", gross_margin=0.5)
    >>> found.table[["score", "flagged", "customers", "sales"]]
       score  flagged  customers  sales
    0      0    False          2  285.0
    1      2     True          1    0.0
    """
    check_level(level)
    _check(times_discount, refund_share, low_price, points, watch_days, cost_to_win)
    rows = evidence.order_rows(orders, observed_until, ("list_amount", "refunded", "cost", "platform_fee"))
    rule = evidence.contribution_rule(rows, gross_margin)
    words = _words(times_discount, refund_share, low_price, points, watch_days)
    new = evidence.new_customers(rows, observed_from, history, burn_in_days, first_order_at)
    people = _people(rows, new, rule, gross_margin, watch_days, members)
    people = _scored(people, times_discount, refund_share, low_price, points)
    if people.empty:
        return _nothing(rows)
    table = _table(people, rule, members is not None, level)
    figures = _figures(people, rule, members is not None, words, level)
    figures |= _profits(rows, people, members, pool_costs, rule, gross_margin, cost_to_win, words)
    return Evidence(table, figures, _rule(figures))


# --- what is known of each customer ---


def _earned(rows: OrderRows, rule: str, gross_margin: float | None) -> np.ndarray:
    """Contribution of each order in 1/10000 of the currency; NaN where it is not known."""
    zero = np.zeros(len(rows.person))
    money = {name: np.nan_to_num(rows.numbers.get(name, zero)) for name in evidence.MONEY}
    paid = money["amount"] - money["refunded"]
    if rule == "costs":
        return paid - money["cost"] - money["platform_fee"]
    return paid * gross_margin if rule == "margin" else np.full(len(zero), math.nan)


def _people(rows, new, rule, gross_margin, watch_days, members) -> pd.DataFrame:
    """New customers watched long enough who have a list price: their sums, purchases and whether they joined."""
    zero = np.zeros(len(rows.person))
    listed = np.nan_to_num(rows.numbers.get("list_amount", zero))
    refunded = np.nan_to_num(rows.numbers.get("refunded", zero))
    amount = rows.numbers["amount"]
    first = rows.day == rows.first_day[rows.person]
    soon = ~first & (rows.day <= rows.first_day[rows.person] + watch_days)
    joined = evidence.joined(rows, members)
    people = pd.DataFrame({
        "list": rows.per_customer(listed),
        "discount": rows.per_customer(np.where(listed > 0, listed - amount, 0.0)),
        "paid": rows.per_customer(amount),
        "refunded": rows.per_customer(refunded),
        "sales": rows.per_customer(amount - refunded),
        "earned": rows.per_customer(_earned(rows, rule, gross_margin)),
        "purchases": rows.per_customer(rows.is_purchase),
        "first_paid": rows.per_customer(np.where(first & (listed > 0), amount, 0.0)),
        "later": rows.per_customer(np.where(soon, _earned(rows, rule, gross_margin), 0.0)),
        "first_list": rows.per_customer(np.where(first, listed, 0.0)),
        "joined": False if joined is None else joined,
        "judged": new & (rows.first_day + watch_days <= rows.until),
    })  # fmt: skip
    return people[people["judged"] & (people["list"] > 0)]


def _scored(people: pd.DataFrame, times_discount, refund_share, low_price, points) -> pd.DataFrame:
    """With a score of 0 to 3, and whether that makes a bargain hunter."""
    if people.empty:
        return people.assign(score=0, flagged=False, came_deep=False)
    usual = people["discount"].sum() / people["list"].sum()
    deep = (people["discount"] >= times_discount * usual * people["list"]) & (usual > 0)
    sent_back = (people["paid"] > 0) & (people["refunded"] >= refund_share * people["paid"])
    cheap = people["first_list"] < np.quantile(people["first_list"], low_price, method="inverted_cdf")
    score = deep.astype(int) + sent_back + (cheap & (people["purchases"] == 1))
    came = (people["first_list"] - people["first_paid"] >= times_discount * usual * people["first_list"]) & (usual > 0)
    return people.assign(score=score, flagged=score >= points, came_deep=came & (people["first_list"] > 0))


# --- table ---


def _table(people: pd.DataFrame, rule: str, has_members: bool, level: float) -> pd.DataFrame:
    sales, earned = (float(people[name].sum()) for name in ("sales", "earned"))
    listed = []
    for score, part in people.groupby("score"):
        money = [part["sales"].sum() / order_log.MONEY_SCALE, _part(part["sales"].sum(), sales)]
        worth = [math.nan] * 5
        if rule != "none":
            worth = [part["earned"].sum() / order_log.MONEY_SCALE, _part(part["earned"].sum(), earned)]
            worth += _ends(evidence.mean(part["earned"].to_numpy() / order_log.MONEY_SCALE, level))
        joined = _ends(share(int(part["joined"].sum()), len(part), level)) if has_members else [math.nan] * 3
        listed.append([score, bool(part["flagged"].iloc[0]), len(part), *_ends(share(len(part), len(people), level)),
                       *money, *worth, *joined])  # fmt: skip
    return _typed(pd.DataFrame(listed, columns=COLUMNS))


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    kinds = {"score": "int64", "customers": "int64", "flagged": "bool"}
    return table.astype({name: kinds.get(name, "float64") for name in COLUMNS})


def _part(value: float, total: float) -> float:
    return value / total if total > 0 else math.nan


def _ends(fact: Estimate | Refused) -> list[float]:
    return [math.nan] * 3 if isinstance(fact, Refused) else [fact.value, fact.low, fact.high]


# --- figures and rule ---


def _figures(people, rule, has_members, words, level) -> dict[str, Estimate | Refused]:
    flagged = people["flagged"].to_numpy()
    n = len(people)
    found: dict[str, Estimate | Refused] = {"share": share(
        int(flagged.sum()), n, level, words["share"], bargain_hunters
    )}  # fmt: skip
    sides = [people[flagged], people[~flagged]]
    unknown = order_log.no_contribution() if rule == "none" else None
    money = {
        name: evidence.ratio(
            np.where(flagged, people[name], 0.0), people[name].to_numpy(), level, "share", words[key], bargain_hunters
        )
        for key, name in (("sales_share", "sales"), ("contribution_share", "earned"))
        if name == "sales" or unknown is None
    }
    worth = [
        unknown or evidence.mean(side["earned"].to_numpy() / order_log.MONEY_SCALE, level, definition=words[key],
                                 function=bargain_hunters)
        for key, side in zip(("contribution_per_customer", "others_per_customer"), sides, strict=True)
    ]  # fmt: skip
    found["sales_share"] = money["sales"]
    found["contribution_share"] = unknown or money["earned"]
    found["contribution_per_customer"], found["others_per_customer"] = worth
    found["gap"] = evidence.gap(*worth, "money per customer", words["gap"], bargain_hunters)
    no_members = evidence.no_column("members", "", "私域客户名单", "list of who joined the pool")
    found |= dict.fromkeys(("share_in_pool", "joined_gap"), no_members)
    if has_members:
        members = people[people["joined"]]
        found["share_in_pool"] = share(
            int(members["flagged"].sum()), len(members), level, words["share_in_pool"], bargain_hunters
        )
        came = [share(int(side["joined"].sum()), len(side), level) for side in sides]
        found["joined_gap"] = evidence.gap(*came, "percentage points", words["joined_gap"], bargain_hunters, 100.0)
    if flagged.mean() > MOST_FLAGGED:
        found |= dict.fromkeys(KEYS[1:8], _flags_most(float(flagged.mean())))
    found |= _later(people, unknown, words, level)
    return {f"bargain_{key}": fact for key, fact in found.items()}


def _later(people, unknown, words, level) -> dict[str, Estimate | Refused]:
    """What customers bring after the first purchase, by whether they came at a deep discount."""
    came = people["came_deep"].to_numpy()
    keys = ("later_deep", "later_others")
    later = [
        unknown or evidence.mean(side["later"].to_numpy() / order_log.MONEY_SCALE, level, definition=words[key],
                                 function=bargain_hunters)
        for key, side in zip(keys, (people[came], people[~came]), strict=True)
    ]  # fmt: skip
    return {
        "came_deep_share": share(int(came.sum()), len(came), level, words["came_deep_share"], bargain_hunters),
        **dict(zip(keys, later, strict=True)),
        "later_gap": evidence.gap(*later, "money per customer", words["later_gap"], bargain_hunters),
    }


def _profits(rows, people, members, pool_costs, rule, gross_margin, cost_to_win, words):
    """Booked profit of the pool with and without those flagged, and what winning a customer costs."""
    keys = ("bargain_cost_to_win", "bargain_pool_profit", "bargain_pool_profit_without")
    missing = evidence.no_column("pool_costs", "", "私域费用或私域客户名单", "record of the pool's costs or members")
    found: dict[str, Estimate | Refused] = dict.fromkeys(keys, missing)
    joined = evidence.joined(rows, members)
    n = 0 if joined is None else int(joined.sum())
    costs = None if pool_costs is None else _costs(pool_costs, rows.until)
    gifts = math.nan if costs is None else costs.get("incentives", 0.0)
    many = _joiners(members, rows.until)
    if cost_to_win is not None:
        found[keys[0]] = Estimate.exact(cost_to_win, n, "money per customer", words["cost_given"], bargain_hunters)
    elif costs is not None and many:
        found[keys[0]] = Estimate.exact(gifts / many, many, "money per customer", words["cost_to_win"], bargain_hunters)
    if costs is None or not many:
        return found
    if rule == "none":
        return found | dict.fromkeys(keys[1:], order_log.no_contribution())
    inside = evidence.in_pool(rows, members)
    earned = np.where(inside, _earned(rows, rule, gross_margin), 0.0) / order_log.MONEY_SCALE
    flagged = people.index[people["flagged"]].to_numpy()
    profit = math.fsum(earned) - sum(costs.values())
    of_flagged = math.fsum(earned[np.isin(rows.person, flagged)])
    saved = gifts * int(joined[flagged].sum()) / many
    for key, name, value in zip(
        keys[1:], ("profit", "profit_without"), (profit, profit - of_flagged + saved), strict=True
    ):
        found[key] = Estimate.exact(value, n, "money", words[name], bargain_hunters)
    if people["flagged"].mean() > MOST_FLAGGED:
        found[keys[2]] = _flags_most(float(people["flagged"].mean()))
    return found


def _costs(pool_costs: Any, until: int) -> dict[str, float]:
    """The pool's costs by item, of months that had begun by the last day; without items, all under ""."""
    frame = order_log.lazy(pool_costs)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), ["month", "amount"])
    item = nw.col("item").cast(nw.String).fill_null("") if "item" in kinds.names() else nw.lit("")
    chosen = frame.select("month", item.alias("item"), order_log.as_number("amount", kinds).alias("amount"))
    home = chosen.collect("pandas").to_native()
    begun = pd.to_datetime(home["month"]) < pd.Timestamp(0) + pd.Timedelta(days=until + 1)
    minor = (home.loc[begun, "amount"].fillna(0) * order_log.MONEY_SCALE).round()
    return (minor.groupby(home.loc[begun, "item"]).sum() / order_log.MONEY_SCALE).to_dict()


def _joiners(members: Any, until: int) -> int:
    """Customers who joined to the last day, with or without an order."""
    if members is None:
        return 0
    frame = order_log.lazy(members)
    at = order_log.as_moment("joined_at", frame.collect_schema()).alias("joined_at")
    frame = frame.select("customer_id", at).filter(~nw.col("customer_id").is_null() & ~nw.col("joined_at").is_null())
    frame = order_log.with_day_and_period(frame, "joined_at", "month").filter(nw.col("day") <= until)
    return int(frame.select(nw.col("customer_id").n_unique().alias("n")).collect("pandas").to_native()["n"].iloc[0])


def _words(times_discount, refund_share, low_price, points, watch_days) -> dict[str, Words]:
    """Definitions; the score is said in full with the share, and as "flagged" after that."""
    zh = (
        f"疑似羊毛党：以下三项中至少占 {points} 项：折扣力度不低于全店平均的 {times_discount:g} 倍；退款不低于实付的 "
        f"{refund_share:.0%}；只买过一次且折前金额低于全部首单的 {low_price:.0%} 分位。规则为本手册自拟，"
        f"只计观察满 {watch_days} 天的新客"
    )
    en = (
        f"flagged as bargain hunters: at least {points} of: discounts of {times_discount:g} times the shop's share or "
        f"more; {refund_share:.0%} of what was paid refunded or more; one purchase only, at a list price below the "
        f"{low_price:.0%} quantile of first purchases; our own rule; new customers watched {watch_days} days or more"
    )
    part = Words(
        "分组含退款与购买次数，差额部分由口径造成", "groups are made of refunds and purchases, which is part of it"
    )
    return {
        "share": Words(f"{zh}；占这些新客的比例", f"{en}; share of these"),
        "sales_share": Words("疑似羊毛党的实付（扣退款）÷ 参评客户的实付（扣退款）",
                             "paid less refunds by flagged customers / by all scored"),
        "contribution_share": Words("疑似羊毛党的贡献毛利 ÷ 参评客户的贡献毛利",
                                    "contribution of flagged customers / of all scored"),
        "contribution_per_customer": Words("每位疑似羊毛党至今的贡献毛利", "contribution so far per flagged customer"),
        "others_per_customer": Words("其余参评客户每人至今的贡献毛利", "contribution so far per customer not flagged"),
        "gap": Words(f"人均贡献毛利：疑似羊毛党 － 其余客户；{part.zh}",
                     f"contribution per customer, flagged less others; {part.en}"),
        "share_in_pool": Words("加入过私域的参评客户中，疑似羊毛党的占比",
                               "share flagged, of scored customers who joined"),
        "joined_gap": Words("加入过私域的占比：疑似羊毛党 － 其余客户",
                            "share who joined the pool, flagged less others"),
        "came_deep_share": Words(
            f"首购折扣力度不低于全店平均 {times_discount:g} 倍的新客占比，只计观察满 {watch_days} 天的新客",
            f"new customers whose first purchase was at {times_discount:g} times the shop's discount or more, of those "
            f"watched {watch_days} days or more"),
        "later_deep": Words(f"首购深折扣的新客，首购次日起 {watch_days} 天内的人均贡献毛利，不含首购",
                            f"contribution in the {watch_days} days after the day of the first purchase, per customer "
                            "who came at a deep discount"),
        "later_others": Words(f"其余新客首购次日起 {watch_days} 天内的人均贡献毛利，不含首购",
                              f"contribution in the {watch_days} days after the day of the first purchase, per other "
                              "customer"),
        "later_gap": Words(
            f"首购次日起 {watch_days} 天内的人均贡献毛利：首购深折扣的新客 － 其余新客；差别不等于折扣的作用",
            f"contribution in the {watch_days} days after the first purchase: came at a deep discount less others; a "
            "difference is not an effect of the discount"),
        "cost_to_win": Words("加入激励费用合计 ÷ 加入私域的客户数", "incentives / customers who joined the pool"),
        "cost_given": Words("获取一位私域客户的费用，由使用者给定", "cost to win a customer for the pool, as given"),
        "profit": Words("客户在私域期间订单的贡献毛利 － 私域费用；账面数，不等于私域带来的增量",
                        "contribution of orders placed in the pool less the pool's costs; booked, not what it adds"),
        "profit_without": Words(
            "账面私域利润，剔除疑似羊毛党的订单并省下其加入激励；不代表剔除后真会如此",
            "the same without the orders of flagged customers, their incentives saved; not what would happen"),
    }  # fmt: skip


def _flags_most(flagged: float) -> Refused:
    return Refused(
        *("bargain score", round(flagged, 3), MOST_FLAGGED),
        f"评分把 {flagged:.0%} 的客户都列为疑似羊毛党，分不出人群，请提高门槛。",
        f"The score flags {flagged:.0%} of the customers: it tells nobody apart; raise its thresholds.",
    )


def _nothing(rows: OrderRows) -> Evidence:
    if "list_amount" in rows.numbers and np.nansum(rows.numbers["list_amount"]) > 0:
        refused = evidence.too_few(0, 1)
    else:
        refused = evidence.no_column("orders", "list_amount", "折前金额", "price before discounts")
    figures: dict[str, Estimate | Refused] = {f"bargain_{key}": refused for key in KEYS}
    reading = Words("看不出谁是冲着优惠来的", "who comes for the discount cannot be told")
    return Evidence(
        _typed(pd.DataFrame(columns=COLUMNS)), figures, RuleResult("bargain_hunters", CLAIM, figures, OPEN, reading)
    )


def _rule(figures: dict[str, Estimate | Refused]) -> RuleResult:
    gap, others = figures["bargain_later_gap"], figures["bargain_later_others"]
    agrees, reading = OPEN, Words(
        "冲着深折扣来的客户太少，或他们后续贡献的差别还看不清",
        "too few came at a deep discount, or what they bring afterwards is not told apart from the others",
    )  # fmt: skip
    if isinstance(gap, Estimate):
        if gap.high < 0:
            agrees, reading = AGREES, Words(
                "首购靠深折扣进来的客户后续贡献更少，不必用大额优惠拉人进私域",
                "those who came at a deep discount bring less afterwards: do not fill the pool by deep discounts",
            )  # fmt: skip
        elif gap.low > -LEAST_LOSS * max(others.value, 0.0):
            agrees, reading = DISAGREES, Words(
                "首购靠深折扣进来的客户后续贡献并不更少，不能凭首购折扣就当作羊毛党排除",
                "those who came at a deep discount bring no less afterwards: the first discount does not mark them",
            )  # fmt: skip
    return RuleResult("bargain_hunters", CLAIM, figures, agrees, reading)


def _check(times_discount, refund_share, low_price, points, watch_days, cost_to_win) -> None:
    if not 0 < times_discount < math.inf:
        raise ValueError(f"times_discount must be above 0, such as 1.5; got {times_discount!r}")
    for name, value in (("refund_share", refund_share), ("low_price", low_price)):
        if not 0 < value <= 1:
            raise ValueError(f"{name} must be a share above 0 and up to 1; got {value!r}")
    if points not in (1, 2, 3):
        raise ValueError(f"points must be 1, 2 or 3; got {points!r}")
    order_log.at_least_one("watch_days", watch_days)
    if cost_to_win is not None and not 0 <= cost_to_win < math.inf:
        raise ValueError(f"cost_to_win must be 0 or more; got {cost_to_win!r}")
