"""Traffic that cannot be people: counts that contradict one another, and touches no hand can make.

Only crude fraud shows in a brand's own tables: impossible counts in the advertising report, several touches of one
device at the same moment, devices with many customers. A clean result does not prove clean traffic. Opens no files and
draws nothing; touchpoints, spend and orders may be any frames that narwhals takes.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import touches
from siyu_helpers.analysis.attribution.platform_claims import claimed_against_orders, double_counting
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, share
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.evidence import Evidence
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = {"touchpoints": ["visitor_id", "touched_at", "channel"], "spend": ["date", "channel", "spend"]}
MOST_A_DAY = 50  # touches of one visitor; ours: more is a script, not a shopper
CUSTOMERS_A_DEVICE = 3  # from so many customers a device is shared beyond a household; ours
TOLERATED = 0.01  # share; ours: above, traffic should be audited before it is paid for
CLICKS_AT_LEAST = 100
#: In the order of an advertising report: each may be no larger than the one before it. Conversions may: platforms claim
#: orders of earlier visitors, and of people who only saw the advertisement.
FUNNEL = ("impressions", "clicks", "visitors")
COUNTS = (*FUNNEL, "claimed_conversions")
COLUMNS = ["channel", "spend", "days", "impossible_days", "clicks", "visitors", "arriving", "cost_per_click",
           "cost_per_visitor", "claimed_per_visitor", "touches", "strange_touches", "strange_share"]  # fmt: skip
CLAIM = Words("平台流量作弊严重", "fraud in platform traffic is serious")


def traffic_anomalies(
    touchpoints: Any,
    spend: Any,
    orders: Any,
    observed_until: order_log.DateLike,
    most_a_day: int = MOST_A_DAY,
    tolerated: float = TOLERATED,
    level: float = LEVEL,
) -> Evidence:
    """Checks of bought traffic for what people cannot have done, channel by channel.

    touchpoints (one touch), spend (channel x day), orders  ->  Evidence: table (channel), figures, rule

    Parameters
    ----------
    touchpoints : frame, or None
        visitor_id, touched_at, channel [customer_id].
    spend : frame, or None
        date, channel, spend [impressions, clicks, visitors, claimed_conversions].
    orders, observed_until
        See the head of `order_log`.
    most_a_day : int
        Touches of one visitor on one day beyond which all of that day count as strange.
    tolerated : share
        Of strange touches or impossible days, above which the rule agrees.

    Returns
    -------
    Evidence
        table : channel; spend, days (rows of the report), impossible_days (rows with more clicks than impressions or
        more visitors than clicks), clicks, visitors, arriving (visitors / clicks),
        cost_per_click, cost_per_visitor (money; what a click really costs when part of them never arrive),
        claimed_per_visitor (conversions that the platform claims / visitors), touches,
        strange_touches (the same visitor, channel and moment again, or of a visitor with more than most_a_day that
        day), strange_share. Blank (NaN) where not recorded. Dearest channel first, those without spend last.
        figures : anomalies_touches (strange / all), anomalies_days (impossible / rows that can be checked),
        anomalies_not_arriving (clicks without a visit / clicks), anomalies_devices (visitors tied to three or more
        customers / visitors tied to any), anomalies_claimed (conversions claimed by all platforms / orders, in times).
        rule : agrees where strange touches or impossible days are clearly above what is tolerated; disagrees where both
        that are recorded are clearly below, and platforms claim no more orders than there were; "cannot be told" else.

    Notes
    -----
    Touches of a visitor are alike: the interval of their share treats visitors as clusters (see
    `pool.evidence.share_of_rows`). Clicks that never arrive have harmless causes too (slow pages, counting twice).

    Example
    -------
    >>> day = pd.Timestamp("2024-01-02 10:00")
    >>> seen = pd.DataFrame({"visitor_id": [1, 1, 2], "touched_at": [day] * 3, "channel": "feed"})
    >>> bought = pd.DataFrame({"date": [day.normalize()] * 2, "channel": ["feed", "search"], "spend": 10.0})
    >>> bought = bought.assign(impressions=[50, 90], clicks=[60, 9], visitors=[40, 8])
    >>> log = pd.DataFrame({"customer_id": [1], "ordered_at": [day], "amount": [9.0]})
    >>> found = traffic_anomalies(seen, bought, log, "2024-01-31")
    >>> found.table[["channel", "impossible_days", "strange_touches"]].values.tolist()
    [['feed', 1.0, 1.0], ['search', 0.0, nan]]
    """
    check_level(level)
    order_log.at_least_one("most_a_day", most_a_day)
    until = order_log.day_number(observed_until, "observed_until")
    seen = _seen(touchpoints, observed_until, most_a_day)
    report = _report(spend, until)
    figures: dict[str, Estimate | Refused] = {
        "anomalies_touches": _strange(seen, most_a_day, level),
        "anomalies_days": _impossible(report, level),
        "anomalies_not_arriving": _not_arriving(report),
        "anomalies_devices": _devices(seen, level),
        "anomalies_claimed": _claimed(spend, orders, report),
    }
    return Evidence(_table(seen, report), figures, _rule(figures, tolerated))


def _seen(touchpoints: Any, observed_until: order_log.DateLike, most_a_day: int) -> dict[str, Any] | None:
    """Touches as arrays: visitor, channel (place in names), strange; and devices with their number of customers."""
    if touchpoints is None:
        return None
    frame = order_log.lazy(touches.typed_if_empty(touchpoints, touched_at="datetime64[us]"))
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), REQUIRES["touchpoints"])
    names = [name for name in ("visitor_id", "channel", "customer_id") if name in kinds.names()]
    at = order_log.as_moment("touched_at", kinds).alias("touched_at")
    chosen = frame.select(*(touches.filled_in(name, kinds) for name in names), at)
    home = touches.gathered(chosen, "touched_at", "touches")
    moment = touches.moments(home["touched_at"])
    visitor, _ = touches.numbered(home["visitor_id"])
    channel, channels = touches.numbered(home["channel"])
    customer = np.full(len(visitor), -1)
    if "customer_id" in home:
        customer, _ = touches.numbered(home["customer_id"])
    kept = (moment < touches.end_of_day(observed_until, "observed_until")) & (visitor >= 0)
    table = pd.DataFrame({"visitor": visitor, "channel": channel, "at": moment, "customer": customer})[kept]
    if table.empty:
        return None
    is_dated = not (table["at"] % touches.MICROSECONDS_A_DAY).any()  # dates only: a moment is not known
    again = pd.Series(False, index=table.index) if is_dated else table.duplicated(["visitor", "channel", "at"])
    day = table["at"] // touches.MICROSECONDS_A_DAY
    key = table["visitor"].astype("int64") * (int(day.max()) - int(day.min()) + 1) + (day - int(day.min()))
    visit = pd.factorize(key)[0]  # one visitor's touches of one day
    crowded = np.bincount(visit)[visit] > most_a_day
    pairs = table.loc[table["customer"] >= 0, ["visitor", "customer"]].drop_duplicates()
    return {
        "visitor": table["visitor"].to_numpy(),
        "channel": table["channel"].to_numpy(),
        "strange": again.to_numpy() | crowded,
        "devices": pairs["visitor"].value_counts().to_numpy(),
        "names": [str(name) for name in touches.values_of(channels)],
    }


def _report(spend: Any, until: int) -> pd.DataFrame | None:
    """Rows of the advertising report to the last day: channel, day, spend and the counts of FUNNEL it has."""
    if spend is None:
        return None
    numbers_of = dict.fromkeys(("spend", *COUNTS), "float64")
    frame = order_log.lazy(touches.typed_if_empty(spend, date="datetime64[us]", **numbers_of))
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), REQUIRES["spend"])
    numbers = [name for name in ("spend", *COUNTS) if name in kinds.names()]
    home = frame.select(
        nw.col("channel").cast(nw.String), order_log.as_moment("date", kinds).alias("date"),
        *(order_log.as_number(name, kinds).alias(name) for name in numbers),
    ).collect("pandas").to_native()  # fmt: skip
    home = home[home["date"].notna() & home["channel"].notna()]
    day = evidence.microseconds(home["date"]) // touches.MICROSECONDS_A_DAY
    home = home.assign(day=day)[day <= until].reindex(columns=["channel", "day", "spend", *COUNTS])
    if home.empty:
        return None
    home = home.astype(numbers_of)
    pairs = list(itertools.pairwise(FUNNEL))
    home["checked"] = np.logical_or.reduce([home[a].notna() & home[b].notna() for a, b in pairs])
    home["impossible"] = np.logical_or.reduce([home[b] > home[a] for a, b in pairs])
    return home


def _table(seen: dict[str, Any] | None, report: pd.DataFrame | None) -> pd.DataFrame:
    parts = []
    if report is not None:
        known = report[report["clicks"].notna() & report["visitors"].notna()]
        both = known.groupby("channel")[["clicks", "visitors"]].sum()
        part = report.groupby("channel").agg(days=("day", "size"), impossible_days=("impossible", "sum"))
        part["spend"] = report.groupby("channel")["spend"].agg(lambda values: math.fsum(values.dropna()))
        part = part.join(both)
        part["arriving"] = part["visitors"] / part["clicks"].where(part["clicks"] > 0)
        for name, count in (("cost_per_click", "clicks"), ("cost_per_visitor", "visitors")):
            part[name] = part["spend"] / part[count].where(part[count] > 0)
        claims = report[report["claimed_conversions"].notna() & report["visitors"].notna()].groupby("channel")
        claims = claims[["claimed_conversions", "visitors"]].sum()
        part["claimed_per_visitor"] = claims["claimed_conversions"] / claims["visitors"].where(claims["visitors"] > 0)
        parts.append(part)
    if seen is not None:
        there = seen["channel"] >= 0
        named, channels = pd.Index(seen["names"], name="channel"), seen["channel"]
        masks = {"touches": there, "strange_touches": there & seen["strange"]}
        counts = {name: np.bincount(channels[mask], minlength=len(named)) for name, mask in masks.items()}
        part = pd.DataFrame(counts, index=named)
        part = part[part["touches"] > 0]
        part["strange_share"] = part["strange_touches"] / part["touches"]
        parts.append(part)
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(parts, axis=1).rename_axis("channel").reset_index().reindex(columns=COLUMNS)
    table = table.astype(dict.fromkeys(COLUMNS[1:], "float64"))
    return table.sort_values(["spend", "touches", "channel"], ascending=[False, False, True], ignore_index=True)


def _strange(seen: dict[str, Any] | None, most_a_day: int, level: float) -> Estimate | Refused:
    if seen is None:
        return evidence.no_column("touchpoints", "", "触点记录", "record of touches")
    words = Words(
        f"不像真人的触点 ÷ 全部触点：同一访客同一渠道同一时刻重复，或一天超过 {most_a_day} 次",
        "touches that people do not make / all: the same visitor, channel and moment again, or more than "
        f"{most_a_day} a day",
    )
    return evidence.share_of_rows(seen["strange"], seen["visitor"], level, words, traffic_anomalies)


def _impossible(report: pd.DataFrame | None, level: float) -> Estimate | Refused:
    if report is None or not report["checked"].any():
        return evidence.no_column("spend", "clicks", "点击与访客数", "count of clicks and visitors")
    words = Words(
        "数字自相矛盾的投放记录 ÷ 可核对的记录：点击多于展现，或访客多于点击",
        "rows of the advertising report that contradict themselves / rows that can be checked: more clicks than "
        "impressions, or more visitors than clicks",
    )
    return share(int(report["impossible"].sum()), int(report["checked"].sum()), level, words, traffic_anomalies)


def _not_arriving(report: pd.DataFrame | None) -> Estimate | Refused:
    """Clicks without a visit, as counted: not a sample."""
    known = None if report is None else report[report["clicks"].notna() & report["visitors"].notna()]
    clicks = 0.0 if known is None else float(known["clicks"].sum())
    if not clicks >= CLICKS_AT_LEAST:
        return Refused(
            "clicks", clicks, CLICKS_AT_LEAST,
            "没有（足够的）点击与访客数，看不出付费点击有多少没有到店。",
            "Clicks and visitors are not recorded, or too few: how many clicks never arrive cannot be seen.",
        )  # fmt: skip
    words = Words(
        "付了费而没有带来访问的点击 ÷ 全部点击（页面慢、重复计数也会造成）",
        "clicks paid for without a visit / all clicks (slow pages and double counts have their part in it)",
    )
    lost = max(clicks - float(known["visitors"].sum()), 0.0)
    return Estimate.exact(lost / clicks, int(clicks), "share", words, traffic_anomalies)


def _devices(seen: dict[str, Any] | None, level: float) -> Estimate | Refused:
    if seen is None or not len(seen["devices"]):
        return evidence.no_column("touchpoints", "customer_id", "触点对应的客户", "customer of a touch")
    words = Words(
        f"对应 {CUSTOMERS_A_DEVICE} 位及以上客户的访客标识 ÷ 对应过客户的访客标识",
        f"visitors tied to {CUSTOMERS_A_DEVICE} or more customers / visitors tied to any",
    )
    many = seen["devices"] >= CUSTOMERS_A_DEVICE
    return share(int(many.sum()), len(many), level, words, traffic_anomalies)


def _claimed(spend: Any, orders: Any, report: pd.DataFrame | None) -> Estimate | Refused:
    if report is None:
        return evidence.no_column("spend", "claimed_conversions", "平台自报转化", "count of claimed conversions")
    first, last = (pd.Timestamp(0) + pd.Timedelta(days=int(day)) for day in (report["day"].min(), report["day"].max()))
    return double_counting(claimed_against_orders(spend, orders, first, last))


def _rule(figures: dict[str, Estimate | Refused], tolerated: float) -> RuleResult:
    told = [figures[key] for key in ("anomalies_touches", "anomalies_days")]
    known = [one for one in told if isinstance(one, Estimate)]
    agrees = OPEN
    if any(one.low > tolerated for one in known):
        agrees = AGREES
    elif known and all(one.high < tolerated for one in known):
        claimed = figures["anomalies_claimed"]
        if isinstance(claimed, Estimate) and claimed.value > 1:  # reports overlap or are inflated: which, is not seen
            return RuleResult("traffic_anomalies", CLAIM, figures, OPEN, _READING["claimed"])
        agrees = DISAGREES
    return RuleResult("traffic_anomalies", CLAIM, figures, agrees, _READING[agrees])


_READING = {
    AGREES: Words(
        "有不像真人或自相矛盾的流量：先向平台和代理对账，获客成本按真实到访重算，再谈加预算",
        "some traffic cannot be people, or contradicts itself: settle it with platform and agency, and count "
        "acquisition cost by real visits, before spending more",
    ),
    DISAGREES: Words(
        "粗糙的作弊没有发现；精心伪装的看不出来，新客质量（退款、复购）仍要逐渠道看",
        "no crude fraud was found; a careful one would not show, so look at refunds and repurchase by channel too",
    ),
    "claimed": Words(
        "粗糙的作弊没有发现，但各平台自报的转化加起来比实际订单还多：是重复认领还是虚报，报表里分不出来，先逐平台对账",
        "no crude fraud was found, but platforms together claim more orders than there were: whether several claim one "
        "order or reports are inflated cannot be seen in them, so settle it platform by platform",
    ),
    OPEN: Words(
        "没有触点或投放记录，或异常的占比正好在界线上下，无法判断",
        "touches and advertising reports are not recorded, or the share is near the line: it cannot be told",
    ),
}
