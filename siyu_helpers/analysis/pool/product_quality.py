"""Product quality first: how much is sent back, and do customers whose first purchase was refunded come back less?

The articles warn that without a good product even good private-domain work fails. The order log knows quality only by
its refunds; complaints and ratings are in no table. A refund may have other reasons than quality.

Opens no files and draws nothing. Orders may be any frame that narwhals takes, see the head of `order_log`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, share
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.evidence import CUSTOMERS_AT_LEAST, Evidence
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = order_log.REQUIRES
WITHIN_DAYS = 90
MOST_REFUNDED = 0.10  # ours: where more of the money is paid back, mend the product before recruiting
LEAST_GAP = 2.0  # percentage points; ours: a smaller difference would not matter
KEYS = ("known_share", "refund_share", "refunded_orders", "first_refunded", "repurchase_gap")
COLUMNS = ["first_refunded", "customers", "watched", "repurchase", "repurchase_low", "repurchase_high"]
CLAIM = Words(
    "产品是前提：产品不行，私域做得再好也会失败", "product first: without it even good private-domain work fails"
)


def product_quality(
    orders: Any,
    observed_until: order_log.DateLike,
    within_days: int = WITHIN_DAYS,
    most_refunded: float = MOST_REFUNDED,
    least_gap: float = LEAST_GAP,
    level: float = LEVEL,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> Evidence:
    """Share of the money paid back, and repurchase after a refunded first purchase against others.

    orders (one paid order)  ->  Evidence: table (first purchase refunded or not), figures, rule

    Parameters
    ----------
    orders, observed_until, observed_from, history, burn_in_days, first_order_at
        See the head of `order_log`; refunded is the column that counts, blank: 0 where the column is filled in at all.
    within_days : int
        Days in which a second purchase counts as repurchase.
    most_refunded : share
        Of the money paid, above which the product comes before the pool.
    least_gap : percentage points
        Smallest loss of repurchase that would matter.

    Returns
    -------
    Evidence
        table : first_refunded (any part of the first day's orders was paid back), customers (new ones), watched
        `within_days`, repurchase : share of these who bought again, with _low and _high. Empty without refunds.
        figures : quality_known_share (orders with the refund filled in), quality_refund_share (money paid back / paid),
        quality_refunded_orders (share of orders), quality_first_refunded (share of new customers),
        quality_repurchase_gap (first purchase refunded less not).
        rule : agrees when those whose first purchase was refunded come back less, beyond doubt; disagrees when they
        come back no less, or by less than what matters.

    Raises
    ------
    ValueError
        For a missing column, or an order without amount.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1, 2, 2], "amount": [100.0, 50.0, 50.0], "refunded": [100.0, 0.0, None]})
    >>> log["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-06", "2024-02-09"])
    >>> product_quality(log, "2024-12-31").table[["first_refunded", "customers", "repurchase"]]
       first_refunded  customers  repurchase
    0           False          1         1.0
    1            True          1         0.0
    """
    check_level(level)
    order_log.at_least_one("within_days", within_days)
    rows = evidence.order_rows(orders, observed_until, ("refunded",))
    refunded = rows.numbers.get("refunded", np.full(len(rows.person), np.nan))
    if np.isnan(refunded).all():
        return _nothing()
    known, refunded = float((~np.isnan(refunded)).mean()), np.nan_to_num(refunded)
    new = evidence.new_customers(rows, observed_from, history, burn_in_days, first_order_at)
    first_day = rows.first_day[rows.person]
    again = (rows.day > first_day) & (rows.day <= first_day + within_days)
    people = pd.DataFrame({
        "first_refunded": rows.per_customer((rows.day == first_day) & (refunded > 0)) > 0,
        "watched": rows.first_day + within_days <= rows.until,
        "again": rows.per_customer(again) > 0,
    })[new]  # fmt: skip
    back = {
        was: share(int((part["watched"] & part["again"]).sum()), int(part["watched"].sum()), level)
        for was, part in people.groupby("first_refunded")
    }
    listed = [
        [was, int((people["first_refunded"] == was).sum()), 0 if isinstance(fact, Refused) else fact.n, *_ends(fact)]
        for was, fact in back.items()
    ]
    figures = _figures(rows, refunded, known, people, back, within_days, level)
    return Evidence(_typed(pd.DataFrame(listed, columns=COLUMNS)), figures, _rule(figures, most_refunded, least_gap))


def _ends(fact: Estimate | Refused) -> list[float]:
    return [math.nan] * 3 if isinstance(fact, Refused) else [fact.value, fact.low, fact.high]


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    kinds = {"first_refunded": "bool", "customers": "int64", "watched": "int64"}
    return table.astype({name: kinds.get(name, "float64") for name in COLUMNS})


def _figures(rows, refunded, known, people, back, within_days, level) -> dict[str, Estimate | Refused]:
    sides = [back.get(was, evidence.too_few(0)) for was in (True, False)]
    sides = [
        evidence.too_few(side.n) or side if isinstance(side, Estimate) else evidence.too_few(0, CUSTOMERS_AT_LEAST)
        for side in sides
    ]
    found = {
        "known_share": Estimate.exact(
            known, len(rows.person), "share",
            Words("填写了退款金额（含 0）的订单 ÷ 全部订单", "orders with the refund filled in / all orders"),
            product_quality,
        ),
        "refund_share": evidence.ratio(
            rows.per_customer(refunded), rows.per_customer(rows.numbers["amount"]), level, "share",
            Words("退款金额 ÷ 实付金额，空白按 0 计", "refunded / paid; a blank counts 0"), product_quality,
        ),
        "refunded_orders": evidence.share_of_rows(
            refunded > 0, rows.person, level,
            Words("有退款的订单 ÷ 全部订单，部分退款也算", "orders with a refund, in part or whole / all orders"),
            product_quality,
        ),
        "first_refunded": share(
            int(people["first_refunded"].sum()), len(people), level,
            Words("首购当日有退款的新客 ÷ 全部新客", "new customers with a refund on the first day / all"),
            product_quality,
        ),
        "repurchase_gap": evidence.gap(*sides, "percentage points", Words(
            f"首购后 {within_days} 天内再次购买的新客占比：首购有退款 － 无退款；差别不等于退款的作用",
            f"share who buy again within {within_days} days: first purchase refunded less not; a difference is not an "
            "effect of the refund",
        ), product_quality, 100.0),
    }  # fmt: skip
    return {f"quality_{key}": fact for key, fact in found.items()}


def _nothing() -> Evidence:
    refused = evidence.no_column("orders", "refunded", "退款金额", "record of refunds")
    figures: dict[str, Estimate | Refused] = {f"quality_{key}": refused for key in KEYS}
    reading = Words("没有退款、投诉或评分记录，看不出产品质量", "no refunds are recorded: quality cannot be seen")
    rule = RuleResult("product_quality", CLAIM, figures, OPEN, reading)
    return Evidence(_typed(pd.DataFrame(columns=COLUMNS)), figures, rule)


def _rule(figures: dict[str, Estimate | Refused], most_refunded: float, least_gap: float) -> RuleResult:
    gap, refunds = figures["quality_repurchase_gap"], figures["quality_refund_share"]
    agrees, reading = OPEN, Words(
        "首购退款的客户太少，或两者的复购差别还看不清；投诉与评分不在数据中",
        "too few first purchases were refunded, or repurchase does not tell them apart; complaints are not in the data",
    )  # fmt: skip
    if isinstance(gap, Estimate) and gap.high < 0 and gap.low < -least_gap:
        agrees, reading = AGREES, Words(
            "首购退款的客户更少回来，货没留住的人私域也难留住",
            "customers whose first purchase was refunded come back less: what the goods lose a pool will hardly keep",
        )  # fmt: skip
    elif isinstance(gap, Estimate) and gap.low > -least_gap:
        agrees, reading = DISAGREES, Words(
            "首购退款的客户回来得并不更少，退款看不出对复购的拖累",
            "customers whose first purchase was refunded come back no less: refunds do not hold repurchase back",
        )  # fmt: skip
    if isinstance(refunds, Estimate) and refunds.low > most_refunded:
        reading = Words(
            f"{reading.zh}；退款占比偏高，先解决产品再拉人", f"{reading.en}; refunds are many: mend the product first"
        )
    return RuleResult("product_quality", CLAIM, figures, agrees, reading)
