"""Contact pressure: messages per purchase, and how the chance that a message makes a member leave grows with it.

Two purchases a month against thirty messages are fifteen contacts a purchase.

Used by notebooks/04_pool_effect.ipynb. Opens no files and draws nothing. How many messages are best is the question of
`best_frequency`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect import histories, message_weeks
from siyu_helpers.analysis.effect.histories import DAY
from siyu_helpers.analysis.effect.message_log import clustered_share, read_messages
from siyu_helpers.analysis.effect.message_weeks import (
    MONTH_DAYS,
    ORDERS_A_MONTH_AT_LEAST,
    WEEK,
    WINDOW_WEEKS,
    order_days_between,
    pressure_of,
    read_stays,
)
from siyu_helpers.analysis.effect.results import clustered_variance
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level

REQUIRES = message_weeks.REQUIRES
BANDS = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0, math.inf)

OPT_OUTS_AT_LEAST = 20  # with fewer the shape of the curve cannot be told


class Curve(NamedTuple):
    """Opt-out chance per message, exp(level) x (pressure / 10) ** power: estimates and their covariance."""

    level: float
    power: float
    covariance: np.ndarray
    opt_outs: int

    def chance(self, pressure: np.ndarray) -> np.ndarray:
        """Chance per message at a pressure, at most 1."""
        return np.minimum(np.exp(self.level) * (np.asarray(pressure, dtype=float) / 10) ** self.power, 1.0)


def opt_out_hazard(weeks: pd.DataFrame, bands: tuple[float, ...] = BANDS, level: float = LEVEL) -> pd.DataFrame:
    """Opt-outs per 1,000 messages, by contact pressure, beside the fitted curve.

    table (one member and week)  ->  table (band of pressure)

    Parameters
    ----------
    weeks : DataFrame
        From `message_weeks`.
    bands : tuple of float
        Ends of the bands, ascending; the lower end belongs to the band.

    Returns
    -------
    DataFrame, one row a band with messages: pressure_from, pressure_to (inf: without end), pressure (mean over
        messages), members, messages, opt_outs, per_thousand (_low, _high), fitted (per thousand; blank where there
        are too few opt-outs for a curve).

    Raises
    ------
    ValueError
        For bands that do not ascend.

    Notes
    -----
    Interval: see `clustered_share`, by member.

    Example
    -------
    >>> weeks = pd.DataFrame({"customer_id": range(50), "messages": 20, "opted_out": [1] + 49 * [0], "pressure": 15.0})
    >>> opt_out_hazard(weeks)[["pressure_from", "pressure_to", "messages", "opt_outs", "per_thousand"]]
       pressure_from  pressure_to  messages  opt_outs  per_thousand
    0           10.0         20.0      1000         1           1.0
    """
    if list(bands) != sorted(set(bands)) or len(bands) < 2:
        raise ValueError(f"bands must be two or more ascending numbers; got {bands!r}")
    curve = fit_curve(weeks)
    place = np.searchsorted(np.asarray(bands), weeks["pressure"].to_numpy(), "right") - 1
    rows = []
    for band in range(len(bands) - 1):
        part = weeks[place == band]
        many = int(part["messages"].sum())
        if not many:
            continue
        left, customers = part["opted_out"].to_numpy(), part["customer_id"].to_numpy()
        share = clustered_share(left, part["messages"], customers, level, once=True)
        fitted = math.nan
        if isinstance(curve, Curve):
            fitted = float((curve.chance(part["pressure"]) * part["messages"]).sum() / many * 1000)
        rows.append(
            [float(bands[band]), float(bands[band + 1]), float((part["pressure"] * part["messages"]).sum() / many),
             int(part["customer_id"].nunique()), many, int(left.sum()), *(1000 * end for end in share), fitted]
        )  # fmt: skip
    columns = ["pressure_from", "pressure_to", "pressure", "members", "messages", "opt_outs", "per_thousand"]
    table = pd.DataFrame(rows, columns=[*columns, "per_thousand_low", "per_thousand_high", "fitted"])
    table.attrs = {"level": check_level(level)}
    return table


def opt_out_curve(weeks: pd.DataFrame, level: float = LEVEL) -> dict[str, Estimate | Refused]:
    """How the chance that a message makes a member leave grows with contact pressure.

    table (one member and week)  ->  dict "opt_out_at_ten", "opt_out_power", "opt_out_share"

    Parameters
    ----------
    weeks : DataFrame
        From `message_weeks`.

    Returns
    -------
    dict of Estimate or Refused
        opt_out_at_ten : chance per message at ten messages a purchase. opt_out_power : by how many per cent the chance
        grows with one per cent more pressure; 0: not at all. opt_out_share : opt-outs / messages.

    Notes
    -----
    Chance per message = at_ten x (pressure / 10) ** power: a Poisson regression with logarithmic link on opt-outs of
    each member and week, messages as exposure (the fit of `statsmodels` GLM), errors clustered by member (modified
    Poisson, Zou 2004, Am. J. Epidemiol. 159, 702-706). What a member who buys more often does differently for other
    reasons is part of the curve.

    Example
    -------
    >>> weeks = pd.DataFrame({"customer_id": range(900), "messages": 10, "pressure": [5.0, 10.0, 20.0] * 300})
    >>> weeks["opted_out"] = [1 if i % 60 in (0, 1, 2, 4, 5, 8, 11) else 0 for i in range(900)]
    >>> found = opt_out_curve(weeks)
    >>> round(found["opt_out_at_ten"].value, 3), round(found["opt_out_power"].value, 2)
    (0.01, 1.0)
    """
    check_level(level)
    customers = int(weeks["customer_id"].nunique())
    share = clustered_share(weeks["opted_out"], weeks["messages"], weeks["customer_id"], level, once=True)
    words = Words("退订数 ÷ 发给私域客户的促销消息数", "Opt-outs / promotions sent to members")
    found: dict[str, Estimate | Refused] = {"opt_out_share": _no_messages()}
    if not math.isnan(share[0]):
        found["opt_out_share"] = Estimate(*share, level, customers, "share", words, opt_out_curve)
    curve = fit_curve(weeks)
    if isinstance(curve, Refused):
        return {"opt_out_at_ten": curve, "opt_out_power": curve} | found
    z = stats.norm.ppf((1 + level) / 2)
    reach = z * np.sqrt(np.diag(curve.covariance))
    at_ten = [float(np.exp(curve.level + side * reach[0])) for side in (0, -1, 1)]
    power = [curve.power + side * reach[1] for side in (0, -1, 1)]
    how = Words(
        "触达压力＝每月消息数 ÷ 每月下单天数（取此前 13 周，每月至少按 0.25 天计）",
        "contact pressure: messages a month / days with an order a month (last 13 weeks, at least 0.25)",
    )
    zh = ("每消费一次收到 10 条消息时，每条消息引起退订的概率；", "触达压力每高 1%，每条消息引起退订的概率高百分之几；")
    en = ("Chance that a message makes a member leave at ten messages per purchase; ",
          "Per cent by which that chance grows with one per cent more contact pressure; ")  # fmt: skip
    words = [Words(f"{a}{how.zh}", f"{b}{how.en}") for a, b in zip(zh, en, strict=True)]
    return {
        "opt_out_at_ten": Estimate(*at_ten, level, customers, "share", words[0], opt_out_curve),
        "opt_out_power": Estimate(*power, level, customers, "elasticity", words[1], opt_out_curve),
    } | found


def contact_pressure(
    messages: Any,
    orders: Any,
    members: Any,
    observed_until: order_log.DateLike,
    channel: str | list[str] | None = None,
    kind: str = "promotion",
    level: float = LEVEL,
    known: histories.Histories | None = None,
) -> dict[str, Estimate | Refused]:
    """Messages per purchase of members in the last 13 weeks: of all together, and of the member in the middle.

    messages, orders, members  ->  dict "pressure", "median_pressure", "messages_per_month", "orders_per_month",
    "without_order"

    Parameters
    ----------
    messages, orders, members, observed_until, channel, kind
        See `message_weeks`.
    known : Histories, optional
        Of the same orders and members, read before; else they are read here.

    Returns
    -------
    dict of Estimate, over members who were in the pool for all of the last 91 days and were sent a message; of Refused
    where there are none.
        pressure : messages / days with an order, all together. median_pressure : of the member in the middle, order
        days a month taken as 0.25 at least. messages_per_month, orders_per_month : per member (days with an order).
        without_order : share of these members with no order in the 91 days.

    Notes
    -----
    Two visits a month against thirty messages, the example that circulates, is 15. Interval of the ratio: linearised;
    of the median: order statistics (Conover 1999, Practical Nonparametric Statistics, section 3.2).

    Example
    -------
    >>> day = pd.to_datetime
    >>> stays = pd.DataFrame({"customer_id": range(60), "joined_at": day("2023-06-01")})
    >>> days = [day("2024-01-03"), day("2024-02-03"), day("2024-03-03")]
    >>> orders = pd.DataFrame([(i, d, 9.0) for i in range(60) for d in days],
    ...                       columns=["customer_id", "ordered_at", "amount"])
    >>> sent = pd.DataFrame({"customer_id": np.repeat(range(60), 12), "channel": "wecom",
    ...                      "sent_at": list(pd.date_range("2024-01-05", periods=12, freq="7D")) * 60})
    >>> contact_pressure(sent, orders, stays, "2024-03-31")["pressure"].value
    4.0
    """
    until = order_log.day_number(observed_until, "observed_until")
    told = known or histories.read_histories(orders, members, observed_until)
    stays = read_stays(members, told, until)
    begin = (until + 1) * DAY - WINDOW_WEEKS * WEEK
    whole = (stays.joined <= begin) & (stays.left >= told.end)
    sent = read_messages(messages, observed_until, channel, kind, ())
    many = sent[sent["second"] >= begin].groupby("customer_id").size()
    got = many.reindex(stays.ids, fill_value=0).to_numpy()[stays.person[whole]]
    bought = order_days_between(told, stays.place[whole], np.full(whole.sum(), begin), np.full(whole.sum(), told.end))
    got, bought = got[got > 0], bought[got > 0]
    return _pressures(got, bought, level)


def _pressures(got: np.ndarray, bought: np.ndarray, level: float) -> dict[str, Estimate | Refused]:
    keys = ("pressure", "median_pressure", "messages_per_month", "orders_per_month", "without_order")
    n = len(got)
    if n < 50:
        return dict.fromkeys(keys, _few_members(n))
    months = WINDOW_WEEKS * 7 / MONTH_DAYS
    z = stats.norm.ppf((1 + check_level(level)) / 2)
    who = Words(
        "最近 91 天一直在私域、且收到过促销消息的客户",
        "members in the pool for all of the last 91 days who were sent a promotion",
    )

    def of(value, reach, unit, zh, en):
        words = Words(f"{zh}；{who.zh}", f"{en}; {who.en}")
        return Estimate(value, max(value - reach, 0.0), value + reach, level, n, unit, words, contact_pressure)

    def mean(values):
        return float(values.mean()), float(z * values.std(ddof=1) / math.sqrt(n))

    found: dict[str, Estimate | Refused] = {}
    found["pressure"] = _nobody_bought()
    if bought.sum():
        ratio = got.sum() / bought.sum()
        reach = z * math.sqrt(clustered_variance((got - ratio * bought) / bought.sum()))
        found["pressure"] = of(
            float(ratio), reach, "messages per purchase", "消息数 ÷ 下单天数", "messages / days with an order"
        )
    each = np.sort(pressure_of(got / months, bought))
    ends = stats.binom.ppf([(1 - level) / 2, (1 + level) / 2], n, 0.5).astype(int)
    words = Words(
        f"消息数 ÷ 下单天数的中位数（每月下单至少按 {ORDERS_A_MONTH_AT_LEAST:g} 天计）；{who.zh}",
        f"median of messages / days with an order (at least {ORDERS_A_MONTH_AT_LEAST:g} a month); {who.en}",
    )
    low, high = (float(each[min(max(end, 0), n - 1)]) for end in (ends[0] - 1, ends[1]))
    found["median_pressure"] = Estimate(
        float(np.median(each)), low, high, level, n, "messages per purchase", words, contact_pressure
    )
    found["messages_per_month"] = of(
        *mean(got / months), "messages a month", "人均每月消息数", "messages a member a month"
    )
    found["orders_per_month"] = of(
        *mean(bought / months), "purchases per customer", "人均每月下单天数", "days with an order a member a month"
    )
    none = clustered_share(bought == 0, np.ones(n), np.arange(n), level)
    words = Words(f"91 天内没有下单的占比；{who.zh}", f"share without an order in the 91 days; {who.en}")
    found["without_order"] = Estimate(*none, level, n, "share", words, contact_pressure)
    return {key: found[key] for key in keys}


def fit_curve(weeks: pd.DataFrame) -> Curve | Refused:
    """Fit log chance = level + power x log(pressure / 10) by Newton steps; covariance clustered by member."""
    opt_outs = int(weeks["opted_out"].sum())
    if opt_outs < OPT_OUTS_AT_LEAST:
        return _few_opt_outs(opt_outs)
    left, many = (weeks[name].to_numpy(dtype=float) for name in ("opted_out", "messages"))
    x = np.column_stack([np.ones(len(weeks)), np.log(weeks["pressure"].to_numpy(dtype=float) / 10)])
    if np.ptp(x[:, 1]) < 1e-6:
        return _one_pressure()
    beta = np.array([math.log(left.sum() / many.sum()), 0.0])
    for _ in range(50):
        mean = many * np.exp(x @ beta)
        step = np.linalg.solve(x.T @ (x * mean[:, None]), x.T @ (left - mean))
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    bread = np.linalg.inv(x.T @ (x * mean[:, None]))
    influence = (x * (left - mean)[:, None]) @ bread
    code, names = pd.factorize(weeks["customer_id"])
    summed = np.column_stack([np.bincount(code, column, len(names)) for column in influence.T])
    covariance = summed.T @ summed * (len(names) / max(len(names) - 1, 1))
    return Curve(float(beta[0]), float(beta[1]), covariance, opt_outs)


def _few_opt_outs(seen: int) -> Refused:
    return Refused(
        "opt-outs",
        seen,
        OPT_OUTS_AT_LEAST,
        f"只记录到 {seen} 次退订，少于 {OPT_OUTS_AT_LEAST} 次，退订概率怎样随触达压力变化看不出来。",
        f"Only {seen} opt-outs are recorded; below {OPT_OUTS_AT_LEAST} one cannot tell how they grow with pressure.",
    )


def _one_pressure() -> Refused:
    return Refused(
        "differences in pressure",
        0,
        "> 0",
        "所有客户的触达压力都一样，看不出退订概率怎样随它变化。",
        "All members are under the same contact pressure, so how opt-outs grow with it cannot be told.",
    )


def _no_messages() -> Refused:
    return Refused(
        "messages", 0, 1, "没有发给私域客户、且记录了是否退订的消息。",
        "There is no message to a member for which opting out is recorded.",
    )  # fmt: skip


def _few_members(seen: int) -> Refused:
    return Refused(
        "members",
        seen,
        50,
        f"最近 91 天一直在私域、且收到过这类消息的客户只有 {seen} 位，少于 50 位，触达压力给不出。",
        f"Only {seen} members were in the pool for all of the last 91 days and were sent such messages; below 50 the "
        "contact pressure is not stated.",
    )


def _nobody_bought() -> Refused:
    return Refused(
        "purchases",
        0,
        "> 0",
        "这些客户最近 91 天都没有下单，每次消费对应多少条消息无从谈起。",
        "None of these members ordered in the last 91 days: there is no purchase to count messages against.",
    )
