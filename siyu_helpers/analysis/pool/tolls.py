"""The platform's toll: what customers who buy again still pay a platform for, and the most that moving them can save.

The articles say that for valuable customers with two deals and more the platform still charges a toll. Counted here is
the commission that orders record; advertising that won a repeat order once more is not in it.

Opens no files and draws nothing. Orders may be any frame that narwhals takes, see the head of `order_log`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.evidence import Evidence, OrderRows
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = order_log.REQUIRES
LEAST_RATE = 0.01  # ours: a toll below 1% of sales is no more than a payment fee
UP_TO = 4  # purchases told apart; the last stands for all later ones
YEAR_DAYS = 365
COLUMNS = ["purchase", "orders", "customers", "sales", "fees", "rate", "rate_low", "rate_high"]
KEYS = ("known_share", "first_rate", "repeat_rate", "repeat_part", "ceiling")
CLAIM = Words("老客户买到第二次、第三次，平台照样收过路费", "customers who buy again still pay the platform's toll")


def tolls(
    orders: Any,
    observed_until: order_log.DateLike,
    least_rate: float = LEAST_RATE,
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> Evidence:
    """Platform fees over sales by number of the purchase, and the fees of a year on orders of known customers.

    orders (one paid order)  ->  Evidence: table (number of the purchase), figures, rule

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`; platform_fee is the column that counts, blank: not known and left out.
    least_rate : share
        A fee of less than this over sales is no toll.

    Returns
    -------
    Evidence
        table : purchase (1 to 4; 4 and all later ones together), orders with a known fee, customers, sales (paid less
        refunds), fees : in the brand's currency; rate : fees / sales, with _low and _high, blank (NaN) below 100
        customers. Empty without fees.
        figures : toll_known_share, toll_first_rate, toll_repeat_rate, toll_repeat_part (of all fees, those on repeat
        purchases), toll_ceiling (fees on repeat purchases of the last 365 days: the most that own channels could save;
        refused where fewer days are covered).
        rule : agrees when the rate on repeat purchases is above least_rate with its whole interval; disagrees when it
        is below.

    Raises
    ------
    ValueError
        For a missing column, or an order without amount.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1, 1, 2], "amount": [100.0, 50.0, 50.0], "platform_fee": [5.0, 2.0, 0.0]})
    >>> log["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-02-09", "2023-01-06"])
    >>> found = tolls(log, "2024-12-31")
    >>> found.table[["purchase", "orders", "sales", "fees"]].to_numpy().tolist()
    [[1.0, 2.0, 150.0, 5.0], [2.0, 1.0, 50.0, 2.0]]
    >>> found.figures["toll_ceiling"].value
    2.0
    """
    check_level(level)
    rows = evidence.order_rows(orders, observed_until, ("refunded", "platform_fee"))
    fees = rows.numbers.get("platform_fee", np.full(len(rows.person), np.nan))
    known = ~np.isnan(fees)
    new = evidence.new_customers(rows, observed_from, history, burn_in_days, first_order_at)
    told = known & new[rows.person] if len(rows.person) else known
    if not told.any():
        return _nothing()
    sales = rows.numbers["amount"] - np.nan_to_num(rows.numbers.get("refunded", np.zeros(len(known))))
    money = pd.DataFrame({"sales": sales, "fees": np.nan_to_num(fees)})
    number = np.minimum(_purchase(rows), UP_TO)
    table = _table(rows, money, told, number, level)
    figures = _figures(rows, money, known, told, number > 1, level)
    return Evidence(table, figures, _rule(figures, least_rate))


def _purchase(rows: OrderRows) -> np.ndarray:
    """Number of the purchase that each order belongs to, counted from 1 within its customer."""
    number = np.cumsum(rows.is_purchase)
    return number - number[rows.starts][rows.person] + 1


def _rate(rows, money, part, level, unit="share", definition: str | Words = "rate") -> Estimate | Refused:
    top, bottom = (rows.per_customer(np.where(part, money[name], 0.0)) for name in ("fees", "sales"))
    return evidence.ratio(top, bottom, level, unit, definition, tolls)


def _table(rows, money, told, number, level) -> pd.DataFrame:
    listed = []
    for purchase in range(1, UP_TO + 1):
        part = told & (number == purchase)
        if part.any():
            rate = _rate(rows, money, part, level)
            ends = [math.nan] * 3 if isinstance(rate, Refused) else [rate.value, rate.low, rate.high]
            sums = (money.loc[part, ["sales", "fees"]].sum() / order_log.MONEY_SCALE).tolist()
            listed.append([purchase, int(part.sum()), len(np.unique(rows.person[part])), *sums, *ends])
    return _typed(pd.DataFrame(listed, columns=COLUMNS))


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype({name: "int64" if name in COLUMNS[:3] else "float64" for name in COLUMNS})


def _figures(rows, money, known, told, repeat, level) -> dict[str, Estimate | Refused]:
    words = {
        "known_share": Words("记录了平台扣点的订单 ÷ 全部订单", "orders with a known platform fee / all orders"),
        "first_rate": Words("首次购买的平台扣点 ÷ 其实付（扣退款）", "fees / sales of first purchases, less refunds"),
        "repeat_rate": Words(
            "第二次及以后购买的平台扣点 ÷ 其实付（扣退款）",
            "fees / sales of second and later purchases, less refunds",
        ),
        "repeat_part": Words(
            "第二次及以后购买的平台扣点 ÷ 全部平台扣点", "fees on second and later purchases / all fees"
        ),
        "ceiling": Words(
            f"最近 {YEAR_DAYS} 天第二次及以后购买的平台扣点；全部转到自有渠道时最多省下这些，未扣支付与运营费用，"
            "不含广告",
            f"platform fees on second and later purchases of the last {YEAR_DAYS} days: the most that own channels "
            "could save, before payment fees and running costs, advertising apart",
        ),
    }  # fmt: skip
    all_fees, later = (rows.per_customer(np.where(part, money["fees"], 0.0)) for part in (told, told & repeat))
    ceiling: Estimate | Refused
    covered = rows.until - int(rows.day.min()) + 1
    if covered < YEAR_DAYS:
        ceiling = Refused(
            *("days covered", covered, YEAR_DAYS),
            f"订单只覆盖 {covered} 天，不足一年，给不出全年的平台扣点。",
            f"The orders cover {covered} days, less than a year: there is no year of fees to state.",
        )
    else:
        last = told & repeat & (rows.day > rows.until - YEAR_DAYS)
        value = float(money.loc[last, "fees"].sum()) / order_log.MONEY_SCALE
        ceiling = Estimate.exact(value, len(np.unique(rows.person[last])), "money", words["ceiling"], tolls)
    found = {
        "known_share": Estimate.exact(float(known.mean()), len(known), "share", words["known_share"], tolls),
        "first_rate": _rate(rows, money, told & ~repeat, level, definition=words["first_rate"]),
        "repeat_rate": _rate(rows, money, told & repeat, level, definition=words["repeat_rate"]),
        "repeat_part": evidence.ratio(later, all_fees, level, "share", words["repeat_part"], tolls),
        "ceiling": ceiling,
    }
    return {f"toll_{key}": fact for key, fact in found.items()}


def _nothing() -> Evidence:
    refused = evidence.no_column("orders", "platform_fee", "平台扣点", "record of platform fees")
    figures: dict[str, Estimate | Refused] = {f"toll_{key}": refused for key in KEYS}
    reading = Words("订单没有记录平台扣点，看不出过路费", "orders record no platform fees: the toll is not known")
    rule = RuleResult("tolls", CLAIM, figures, OPEN, reading)
    return Evidence(_typed(pd.DataFrame(columns=COLUMNS)), figures, rule)


def _rule(figures: dict[str, Estimate | Refused], least_rate: float) -> RuleResult:
    rate = figures["toll_repeat_rate"]
    agrees, reading = OPEN, Words(
        "复购客户太少，或平台扣点率正好在门槛附近，暂下不了结论",
        "too few customers buy again, or the rate lies about the threshold: nothing is settled",
    )  # fmt: skip
    if isinstance(rate, Estimate) and rate.low > least_rate:
        agrees, reading = AGREES, Words(
            "复购订单仍在交平台扣点，转到自有渠道能省下其中一部分，但不会超过上限",
            "repeat orders still pay the platform: own channels can save a part of it, never more than the ceiling",
        )  # fmt: skip
    elif isinstance(rate, Estimate) and rate.high < least_rate:
        agrees, reading = DISAGREES, Words(
            "复购订单几乎不交平台扣点，省过路费不能作为做私域的理由",
            "repeat orders pay hardly any platform fee: saving the toll is no reason for a pool",
        )  # fmt: skip
    return RuleResult("tolls", CLAIM, figures, agrees, reading)
