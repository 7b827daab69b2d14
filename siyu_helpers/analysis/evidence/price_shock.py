"""A cheaper rival comes: a scenario of what goes with those who leave, and what a relation would hold.

Opens no files and draws nothing. Orders and members may be any frames that narwhals takes, see the head of `order_log`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.evidence.arithmetic import Range, assumed, spanned
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.accounts import members_now
from siyu_helpers.analysis.pool.evidence import Evidence, OrderRows, order_rows
from siyu_helpers.analysis.pool.rules import OPEN, RuleResult

REQUIRES = order_log.REQUIRES
YEAR = 365
SWITCHING = (0.05, 0.15, 0.30)  # assumed: share of a year's customers who go over to a clearly cheaper rival
HOLDING = (0.0, 0.2, 0.5)  # assumed: share of these whom a relation holds
PRICE_GAP = (0.05, 0.10, 0.20)  # assumed: how much cheaper the rival is


def price_shock(
    orders: Any,
    members: Any,
    observed_until: order_log.DateLike,
    gross_margin: float | None = None,
    switching: Range = SWITCHING,
    holding: Range = HOLDING,
    price_gap: Range = PRICE_GAP,
) -> Evidence:
    """A cheaper rival comes: what a year's customers leave, what goes with them, with and without a relation.

    orders (one paid order), members (one stay), assumptions  ->  Evidence: table (assumption), figures, rule

    Parameters
    ----------
    orders, observed_until, gross_margin
        See the head of `order_log`; orders may be OrderRows that hold refunded, cost and platform_fee.
    members : frame, or None
    switching : share of customers who go over to the rival where nothing holds them; an ASSUMPTION
    holding : share of these whom being in the pool holds; an ASSUMPTION, 0: a relation does nothing
    price_gap : share by which the rival is cheaper; an ASSUMPTION, used for the cost of matching the price

    Returns
    -------
    Evidence
        table : assumption_zh, assumption_en, low, value, high.
        figures : shock_contribution (of the last 365 days), shock_members (share of it from customers now in the pool),
        shock_lost_without (contribution lost in a year without a relation), shock_lost_with, shock_held (the
        difference), shock_matching (contribution given up by matching the price for everybody for a year), all but the
        first two with ..._least and ..._most over the assumptions.
        rule : always "cannot be told": a scenario, not a finding.

    Notes
    -----
    Who goes over is taken to spend as the others do, and to be gone for the whole year. Customers of the pool are
    likelier to stay anyway, so that shock_held is what assumption and contribution give, and no effect of the pool.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": [1, 2], "amount": 100.0, "ordered_at": pd.Timestamp("2024-06-05")})
    >>> stays = pd.DataFrame({"customer_id": [1], "joined_at": pd.Timestamp("2024-01-01")})
    >>> found = price_shock(log, stays, "2024-12-31", 0.5, switching=0.2, holding=0.5, price_gap=0.1).figures
    >>> keys = ("contribution", "members", "lost_without", "held", "matching")
    >>> [round(found[f"shock_{key}"].value, 2) for key in keys]
    [100.0, 0.5, 20.0, 5.0, 20.0]
    """
    taken = (
        assumed("switching", switching, "share", Words(
            "假设：没有关系时转向对手的客户占比",
            "assumed: share who go over to the rival where nothing holds them"), -1e-12, 1),
        assumed("holding", holding, "share", Words(
            "假设：其中被私域关系留住的占比", "assumed: share of these whom a relation holds"), -1e-12, 1),
        assumed("price_gap", price_gap, "share", Words("假设：对手便宜多少", "assumed: how much cheaper the rival is"),
                -1e-12, 1),
    )  # fmt: skip
    table = pd.DataFrame(
        [(*one.words, one.low, one.value, one.high) for one in taken],
        columns=["assumption_zh", "assumption_en", "low", "value", "high"],
    )
    rows = order_rows(orders, observed_until, ("refunded", "cost", "platform_fee"))
    earned, paid = _year(rows, gross_margin)
    figures = _shock(rows, earned, paid, members, observed_until, taken)
    return Evidence(table, figures, RuleResult("price_shock", _SHOCK, figures, OPEN, _SHOCK_READING))


def _year(rows: OrderRows, gross_margin: float | None) -> tuple[np.ndarray | None, np.ndarray]:
    """Contribution (None where it is not known) and money paid of each customer in the last year, in whole money."""
    year = rows.day > rows.until - YEAR
    numbers = {name: np.nan_to_num(values) for name, values in rows.numbers.items()}
    paid = numbers["amount"] - numbers.get("refunded", 0.0)
    rule = evidence.contribution_rule(rows, gross_margin)
    scale = 1 / order_log.MONEY_SCALE
    kept = rows.per_customer(np.where(year, paid, 0.0)) * scale
    if rule == "none":
        return None, kept
    if rule == "margin":
        return kept * gross_margin, kept
    left = paid - numbers["cost"] - numbers.get("platform_fee", 0.0)
    return rows.per_customer(np.where(year, left, 0.0)) * scale, kept


def _shock(rows, earned, paid, members, observed_until, taken) -> dict[str, Estimate | Refused]:
    keys = ("contribution", "members", "lost_without", "lost_with", "held", "matching")
    if earned is None:
        return {f"shock_{key}": order_log.no_contribution() for key in keys}
    total = round(math.fsum(earned), 4)
    if not total > 0:
        return {f"shock_{key}": evidence.nothing_to_divide() for key in keys}
    inside = members_now(members, observed_until) if members is not None else pd.Index([])
    ours = pd.Index(rows.customers).isin(inside)
    part = round(math.fsum(earned[ours]), 4)
    many = int((paid != 0).sum())
    switching, holding, gap = taken
    revenue = math.fsum(paid)
    figures: dict[str, Estimate | Refused] = {
        "shock_contribution": Estimate.exact(total, many, "money", Words(
            "最近 365 天的贡献毛利（已扣退款）", "contribution of the last 365 days, refunds taken off"), price_shock),
        "shock_members": Estimate.exact(part / total, many, "share", Words(
            "其中来自现在私域客户的占比", "of it, share from customers now in the pool"), price_shock),
    }  # fmt: skip
    scenario = (
        ("lost_without", lambda s: total * s, (switching,), Words(
            "情景（假设）：没有关系时一年损失的贡献毛利",
            "scenario (assumed): contribution lost in a year without a relation")),
        ("lost_with", lambda s, h: total * s - part * s * h, (switching, holding), Words(
            "情景（假设）：私域关系留住一部分后，一年损失的贡献毛利",
            "scenario (assumed): contribution lost in a year where a relation holds some of the pool")),
        ("held", lambda s, h: part * s * h, (switching, holding), Words(
            "情景（假设）：私域关系保住的贡献毛利", "scenario (assumed): contribution that a relation holds")),
        ("matching", lambda g: revenue * g, (gap,), Words(
            "情景（假设）：对所有客户跟价一年让出的钱",
            "scenario (assumed): money given up by matching the price for all for a year")),
    )  # fmt: skip
    for key, formula, uses, words in scenario:
        figures |= spanned(f"shock_{key}", formula, uses, "money", words, price_shock)
    return figures


_SHOCK = Words("对手更便宜、更好，客户还是会走", "customers leave for a rival who is cheaper, or better")
_SHOCK_READING = Words(
    "这是情景推演，不是结论：转向与留住的占比都是假设；先比不跟价的损失与跟价让出的钱，再看关系能减少多少损失",
    "a scenario and not a finding: who goes and who is held are assumptions; first set the loss without matching "
    "beside the cost of matching, then see how much of the loss a relation would take away",
)
