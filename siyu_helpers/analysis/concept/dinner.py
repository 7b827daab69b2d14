"""The private dinner: whom to let in, and what an open door costs.

The article: invite those who are close to you and accept you. Here applicants are of two kinds, willing ones and
bargain hunters, each guest costs the same to serve, and the host lets in the most valuable share as far as it can be
told at the door. Who is a bargain hunter in a brand's orders is `pool.bargain_hunters`.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.concept.models import Model, Slider, number, stated
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool import evidence

YEAR_DAYS = 365
CUSTOMERS_AT_LEAST = evidence.CUSTOMERS_AT_LEAST
ENTRIES = tuple(round(0.05 * step, 2) for step in range(1, 21))  # shares let in: the rows of the table
COLUMNS = ["entry", "admitted", "hunters_share", "value_per_member", "marginal_value", "total_value", "cost", "net"]
FIGURES = (
    "dinner_entry", "dinner_value_per_member", "dinner_net", "dinner_hunters_share", "dinner_best_entry",
    "dinner_best_net", "dinner_open_value_per_member", "dinner_open_net", "dinner_loose_cost",
    "dinner_entry_cost",
)  # fmt: skip
BRAND_FIGURES = tuple(key for key in FIGURES if key != "dinner_hunters_share")
SLIDER = Slider(
    "entry", (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    Words("放进门的占比（从最合适的人放起）", "Share let in, the best first"), "share",
)  # fmt: skip


def dinner(
    applicants: float = 10_000,
    willing: float = 0.4,
    willing_value: float = 120,
    hunter_value: float = 10,
    cost: float = 30,
    seen: float = 0.8,
    entry: float = 0.4,
) -> Model:
    """A tight or a loose door to the pool: value per member and in all, by the share of applicants let in.

    plain numbers  ->  Model: table (share let in), figures

    Parameters
    ----------
    applicants : customers who would join.
    willing : share of them who are willing ones; the rest are bargain hunters.
    willing_value, hunter_value : money per customer
        Mean contribution of each kind over their stay, exponentially distributed: many bring little, a few bring much.
    cost : money per customer
        Of serving one who was let in, the gift for joining included.
    seen : share
        Of the applicants, those whose value can be told at the door; the others are let in by chance, as large a share
        of them as of those who can be told.
    entry : share let in; above 0.

    Returns
    -------
    Model
        table : entry (0.05 to 1); admitted : customers; hunters_share : bargain hunters of those let in;
        value_per_member; marginal_value : of the next one let in; total_value, cost, net : money.
        figures at `entry`: dinner_entry (as given), dinner_value_per_member, dinner_net, dinner_hunters_share;
        dinner_best_entry (where the next
        one let in is worth what serving costs) with dinner_best_net; dinner_open_value_per_member, dinner_open_net
        (everybody let in); dinner_loose_cost (best less everybody), dinner_entry_cost (best less `entry`).

    Raises
    ------
    ValueError
        A share outside 0 to 1, an entry of 0, a mean value that is not above 0, a negative cost.

    Notes
    -----
    With threshold t, P(value > t) = w exp(-t / W) + (1 - w) exp(-t / H), and the value let in with it is
    w (t + W) exp(-t / W) + (1 - w)(t + H) exp(-t / H), W and H the mean values. The next one let in is worth
    seen t + (1 - seen) mean, so that the best t is (cost - (1 - seen) mean) / seen, in closed form. With one kind of
    applicants whose value can be told, the best share is exp(-cost / mean).

    Example
    -------
    >>> found = dinner(1000, willing=1.0, willing_value=100, hunter_value=1, cost=100, seen=1.0)
    >>> round(found.figures["dinner_best_entry"].value, 3)  # exp(-1)
    0.368
    >>> everybody = dinner(entry=1.0).figures["dinner_value_per_member"].value
    >>> bool(dinner(entry=0.2).figures["dinner_value_per_member"].value > everybody)
    True
    """
    for name, value in (("willing_value", willing_value), ("hunter_value", hunter_value), ("entry", entry)):
        if number(name, value) == 0:
            raise ValueError(f"{name} must be above 0; got {value!r}")
    given = {
        "applicants": number("applicants", applicants), "willing": number("willing", willing, most=1),
        "W": float(willing_value), "H": float(hunter_value), "cost": number("cost", cost),
        "seen": number("seen", seen, most=1), "entry": number("entry", entry, most=1),
    }  # fmt: skip
    best = _best_entry(given)
    rows = [_row(given, share) for share in ENTRIES]
    at, at_best, everybody = _row(given, given["entry"]), _row(given, best), rows[-1]
    figures = {"dinner_hunters_share": at["hunters_share"]} | _money_figures(at, at_best, everybody)
    return Model(pd.DataFrame(rows, columns=COLUMNS), _stated(figures, FIGURES, _WORDS, dinner, given["applicants"]))


def dinner_of_brand(
    orders: Any,
    observed_until: order_log.DateLike,
    cost: float,
    gross_margin: float | None = None,
    entry: float = 0.4,
    days: int = YEAR_DAYS,
) -> Model:
    """The door at a brand: customers by what they brought before, and what they brought afterwards.

    orders (one paid order)  ->  Model: table (share let in), figures

    Parameters
    ----------
    orders, observed_until : see the head of `order_log`
        refunded, cost and platform_fee are used where there.
    cost : money per customer
        Of serving one for as many days, for instance the pool's cost per customer and month x 12.
    gross_margin : float, optional
        Where orders hold no costs, see `order_log.contribution_rule`.
    entry, days
        The applicants are those who ordered in the first `days` of the last 2 x days. The door sorts them by what they
        brought in that time, all that could be known; what counts is what they brought in the days after it.

    Returns
    -------
    Model
        As `dinner`, without hunters_share. Customers who brought the same are let in by chance, so that each counts
        with their mean. Sales to customers, not what a pool adds to them. Refused where the days are not covered, fewer
        than 100 customers ordered in the first of them, or contribution is not known.

    Notes
    -----
    The best share is chosen among 20 after the fact, and therefore a little too good.

    Example
    -------
    >>> log = pd.DataFrame({"customer_id": list(range(200)) * 2, "amount": [100.0, 10.0] * 200})
    >>> log["ordered_at"] = pd.to_datetime(["2023-01-02"] * 200 + ["2024-03-01"] * 200)
    >>> found = dinner_of_brand(log, "2024-12-31", cost=20, gross_margin=0.5)
    >>> found.figures["dinner_best_entry"].value, found.figures["dinner_best_net"].value
    (0.5, 3000.0)
    """
    order_log.at_least_one("days", days)
    given = {"cost": number("cost", cost, -math.inf), "entry": number("entry", entry, 1e-9, 1)}
    rows = evidence.order_rows(orders, observed_until, ("refunded", "cost", "platform_fee"))
    rule = evidence.contribution_rule(rows, gross_margin)
    found = _before_and_after(rows, rule, gross_margin, days)
    if isinstance(found, Refused):
        return Model(pd.DataFrame(columns=COLUMNS).astype(float), dict.fromkeys(BRAND_FIGURES, found))
    table = [_curve_row(found, share, given["cost"]) for share in ENTRIES]
    best = max(table, key=lambda row: row["net"])
    figures = _money_figures(_curve_row(found, given["entry"], given["cost"]), best, table[-1])
    words = {key: Words(both.zh + _BRAND_WORDS.zh.format(days=days), both.en + _BRAND_WORDS.en.format(days=days))
             for key, both in _WORDS.items()}  # fmt: skip
    return Model(
        pd.DataFrame(table, columns=COLUMNS), _stated(figures, BRAND_FIGURES, words, dinner_of_brand, len(found))
    )


# --- the model ---


def _share_above(given: dict, threshold: float) -> float:
    tail = [math.exp(-threshold / given[kind]) for kind in "WH"]
    return given["willing"] * tail[0] + (1 - given["willing"]) * tail[1]


def _threshold(given: dict, entry: float) -> float:
    """Value above which there is this share of the applicants."""
    if entry >= 1:
        return 0.0
    top = -max(given["W"], given["H"]) * math.log(entry)  # one kind alone would need no higher one
    if _share_above(given, top) >= entry:
        return top
    return float(optimize.brentq(lambda t: _share_above(given, t) - entry, 0.0, top, xtol=1e-12 * top))


def _mean(given: dict) -> float:
    return given["willing"] * given["W"] + (1 - given["willing"]) * given["H"]


def _best_entry(given: dict) -> float:
    """Share at which the next one let in is worth what serving costs; 0 where nobody is."""
    if not given["seen"]:
        return 1.0 if _mean(given) >= given["cost"] else 0.0
    return _share_above(given, max(0.0, (given["cost"] - (1 - given["seen"]) * _mean(given)) / given["seen"]))


def _row(given: dict, entry: float) -> dict[str, float]:
    """What letting in this share brings."""
    admitted, seen, mean = given["applicants"] * entry, given["seen"], _mean(given)
    if not entry:
        return dict.fromkeys(COLUMNS, 0.0) | dict.fromkeys(
            ("hunters_share", "value_per_member", "marginal_value"), math.nan
        )
    t = _threshold(given, entry)
    hunters = (1 - given["willing"]) * math.exp(-t / given["H"])
    best = given["willing"] * (t + given["W"]) * math.exp(-t / given["W"]) + hunters * (t + given["H"])
    value = seen * best / entry + (1 - seen) * mean
    total = admitted * value
    return {
        "entry": entry, "admitted": admitted,
        "hunters_share": seen * min(1.0, hunters / entry) + (1 - seen) * (1 - given["willing"]),
        "value_per_member": value, "marginal_value": seen * t + (1 - seen) * mean,
        "total_value": total, "cost": admitted * given["cost"], "net": total - admitted * given["cost"],
    }  # fmt: skip


# --- the brand ---


def _before_and_after(rows: evidence.OrderRows, rule: str, gross_margin, days: int) -> np.ndarray | Refused:
    """Contribution afterwards of each customer, those who brought most before first; the same for those alike."""
    if rule == "none":
        return order_log.no_contribution()
    if not len(rows.person) or rows.until - int(rows.day.min()) + 1 < 2 * days:
        covered = rows.until - int(rows.day.min()) + 1 if len(rows.person) else 0
        return Refused(
            "days covered", covered, 2 * days,
            f"要用前 {days} 天挑人、后 {days} 天看结果，订单只覆盖 {covered} 天。",
            f"Choosing takes {days} days and seeing what comes of it {days} more; the orders cover {covered}.",
        )  # fmt: skip
    zero = np.zeros(len(rows.person))
    money = {name: np.nan_to_num(rows.numbers.get(name, zero)) for name in evidence.MONEY}
    paid = money["amount"] - money["refunded"]
    earned = paid - money["cost"] - money["platform_fee"] if rule == "costs" else paid
    start, middle = rows.until - 2 * days, rows.until - days
    first, later = (rows.day > start) & (rows.day <= middle), rows.day > middle
    asked = rows.per_customer(first) > 0
    if refused := evidence.too_few(int(asked.sum()), CUSTOMERS_AT_LEAST):
        return refused
    scale = order_log.earned_per_minor(rule, gross_margin) / order_log.MONEY_SCALE
    before = rows.per_customer(np.where(first, earned, 0.0))[asked]
    after = rows.per_customer(np.where(later, earned, 0.0))[asked]
    _, alike = np.unique(-before, return_inverse=True)
    means = np.bincount(alike, after) / np.bincount(alike)
    return means[np.sort(alike)] * scale


def _curve_row(values: np.ndarray, entry: float, cost: float) -> dict[str, float]:
    """What the first customers up to this share brought afterwards, the last of them in part."""
    admitted = len(values) * entry
    whole = min(int(admitted + 1e-9), len(values))
    rest = max(0.0, admitted - whole)
    total = math.fsum(values[:whole]) + (rest * values[whole] if whole < len(values) else 0.0)
    return {
        "entry": entry, "admitted": admitted, "hunters_share": math.nan, "value_per_member": total / admitted,
        "marginal_value": values[min(whole, len(values) - 1)], "total_value": total, "cost": admitted * cost,
        "net": total - admitted * cost,
    }  # fmt: skip


# --- figures ---


def _money_figures(at: dict, best: dict, everybody: dict) -> dict[str, float]:
    return {
        "dinner_entry": at["entry"], "dinner_value_per_member": at["value_per_member"], "dinner_net": at["net"],
        "dinner_best_entry": best["entry"], "dinner_best_net": best["net"],
        "dinner_open_value_per_member": everybody["value_per_member"], "dinner_open_net": everybody["net"],
        "dinner_loose_cost": best["net"] - everybody["net"], "dinner_entry_cost": best["net"] - at["net"],
    }  # fmt: skip


def _stated(figures: dict, keys: tuple[str, ...], words: dict, function, n: float) -> dict[str, Estimate | Refused]:
    return {key: stated(figures[key], _UNITS.get(key, "money"), words[key], function, n) for key in keys}


_UNITS = {
    "dinner_value_per_member": "money per customer", "dinner_open_value_per_member": "money per customer",
    "dinner_entry": "share", "dinner_hunters_share": "share", "dinner_best_entry": "share",
}  # fmt: skip
_BRAND_WORDS = Words(
    "；按此前 {days} 天的贡献毛利挑人，看此后 {days} 天的贡献毛利",
    "; chosen by the contribution of {days} days, judged by that of the {days} days after them",
)
_WORDS = {
    "dinner_entry": Words("放进门的占比，给定", "share let in, as given"),
    "dinner_value_per_member": Words("放进门的客户，人均价值（未扣服务成本）",
                                     "value per customer let in, before the cost of serving"),
    "dinner_net": Words("放进门的客户的总价值 － 服务成本", "value of all let in, less the cost of serving them"),
    "dinner_hunters_share": Words("放进门的客户中，羊毛党的占比", "bargain hunters / customers let in"),
    "dinner_best_entry": Words("净值最高的放行占比：再放一位进来，他的价值刚好等于服务成本",
                               "share let in at which the net value is highest: the next one let in is worth what "
                               "serving costs"),
    "dinner_best_net": Words("放行占比最合适时的净值", "net value at the best share let in"),
    "dinner_open_value_per_member": Words("来者不拒时的人均价值（未扣服务成本）",
                                          "value per customer with everybody let in, before the cost of serving"),
    "dinner_open_net": Words("来者不拒时的净值", "net value with everybody let in"),
    "dinner_loose_cost": Words("来者不拒的代价：最合适时的净值 － 来者不拒时的净值",
                               "what an open door costs: best net value, less that with everybody let in"),
    "dinner_entry_cost": Words("最合适时的净值 － 所选放行占比的净值",
                               "best net value, less that at the share chosen"),
}  # fmt: skip
