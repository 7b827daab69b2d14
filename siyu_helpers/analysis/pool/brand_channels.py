"""A brand's own channels: what its tables show of reach, cost and repeat use, beside the scorecard.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.histories import DAY, NEVER, seconds
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, share
from siyu_helpers.analysis.pool.channel_scores import CLASSES, CRITERIA, scorecard  # noqa: F401  (doctest)
from siyu_helpers.analysis.pool.pool_facts import Pool, read_pool

REQUIRES = {"messages": ["customer_id", "sent_at", "channel"], "members": ["customer_id", "joined_at"]}

WINDOW_DAYS = 90
DAYS_A_MONTH = 365.25 / 12


def brand_channels(
    definitions: pd.DataFrame,
    channels: Mapping[str, Any],
    messages: Any = None,
    members: Any = None,
    observed_until: order_log.DateLike | None = None,
    days: int = WINDOW_DAYS,
    level: float = LEVEL,
    weights: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """The brand's own channels beside the scorecard, with what its tables show of reach, cost and repeat use.

    channel_definitions, channels of brand.yml, messages, members  ->  table (channel of the brand)

    Parameters
    ----------
    definitions, weights
        See `scorecard`.
    channels : dict
        Channel -> domain ("public", "semi", "private"), or a dict with domain, zh and en.
    messages, members : any frames that narwhals takes, optional
        As in `two_links`; members may be what `pool_facts.read_pool` made of it. observed_until is needed with them.
    days : int
        Length of the window at the end of the data.

    Returns
    -------
    DataFrame, in the order of `channels`
        channel, zh, en. domain : the brand's. definition, total : ours; blank where the channel is not in the table.
        agrees : whether the two are the same; blank (None) where one is missing. delivered : messages of the window.
        per_customer_month : delivered / customer-months in the pool. cost_per_message : money per delivered message
        (blank costs count 0). reached_twice (_low, _high) : see `two_links`. Blank where there is nothing to measure.

    Example
    -------
    >>> table = pd.DataFrame({"channel": ["feed"], "name_zh": "信息流", "name_en": "Feed"})
    >>> found = brand_channels(table.assign(**dict.fromkeys(CRITERIA, 0.1)), {"feed": "semi", "own": "private"})
    >>> found[["channel", "domain", "definition", "agrees"]].values.tolist()
    [['feed', 'semi', 'public', False], ['own', 'private', '', None]]
    """
    card = scorecard(definitions, weights).set_index("channel")
    sent = None
    if messages is not None and observed_until is not None:
        sent = _sent(messages, _pool(members, observed_until), observed_until, days)
    rows = []
    for channel, told in channels.items():
        told = told if isinstance(told, Mapping) else {"domain": told}
        order_log.one_of(f"the domain of {channel!r}", told.get("domain"), CLASSES)
        ours = card.loc[channel] if channel in card.index else {}
        definition = ours.get("definition", "")
        rows.append({
            "channel": channel,
            "zh": told.get("zh") or ours.get("name_zh") or channel,
            "en": told.get("en") or ours.get("name_en") or channel,
            "domain": told["domain"],
            "definition": definition,
            "total": ours.get("total", math.nan),
            "agrees": bool(definition == told["domain"]) if definition else None,
            **_measured(sent, channel, days, level),
        })  # fmt: skip
    columns = ["channel", "zh", "en", "domain", "definition", "total", "agrees", *_MEASURED]
    return pd.DataFrame(rows, columns=columns).astype({"agrees": object})


def two_links(
    messages: Any,
    members: Any,
    observed_until: order_log.DateLike,
    channel: str | None = None,
    days: int = WINDOW_DAYS,
    times: int = 2,
    level: float = LEVEL,
) -> Estimate | Refused:
    """Share of the pool that was really reached on two occasions or more: one article's test of what is private.

    messages (one message), members (one stay)  ->  Estimate (share) or Refused

    Parameters
    ----------
    messages : any frame that narwhals takes
        customer_id, sent_at, channel [delivered]. Without delivered, or where it is blank, sent counts as delivered.
    members : frame of the same kind, or a Pool
        customer_id, joined_at [left_at].
    observed_until : date
    channel : str, optional
        None: all channels together.
    days, times : int
        Occasions are days with a delivered message, in so many last days; times: how many are needed.

    Returns
    -------
    Estimate over the customers who were in the pool for all of these days; Refused without messages or members.

    Example
    -------
    >>> stays = pd.DataFrame({"customer_id": [1, 2], "joined_at": pd.to_datetime(["2024-01-01"] * 2)})
    >>> sent = pd.DataFrame({"customer_id": [1, 1, 2], "channel": "wecom"})
    >>> sent["sent_at"] = pd.to_datetime(["2024-06-01", "2024-06-08", "2024-06-01"])
    >>> two_links(sent, stays, "2024-06-30").value
    0.5
    """
    order_log.at_least_one("days", days)
    order_log.at_least_one("times", times)
    check_level(level)
    if messages is None:
        return Refused("messages", "none", "messages", "没有消息记录（messages）。", "There is no record of messages.")
    sent = _sent(messages, _pool(members, observed_until), observed_until, days)
    return _twice(sent, channel, days, times, level)


# --- what the tables show ---

_MEASURED = ("delivered", "per_customer_month", "cost_per_message", "reached_twice", "reached_twice_low",
             "reached_twice_high")  # fmt: skip


def _pool(members: Any, observed_until: order_log.DateLike) -> Pool | None:
    return members if isinstance(members, Pool) else read_pool(members, observed_until)


def _sent(messages: Any, pool: Pool | None, observed_until: order_log.DateLike, days: int) -> dict[str, Any] | None:
    """Delivered messages of the window to customers in the pool, and who was in it all the time."""
    if pool is None:
        return None
    end = (order_log.day_number(observed_until, "observed_until") + 1) * DAY
    begin = end - days * DAY
    frame = order_log.lazy(messages)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), REQUIRES["messages"])
    others = [name for name in ("delivered", "cost") if name in kinds.names()]
    at = order_log.as_moment("sent_at", kinds)
    frame = frame.filter(~nw.col("customer_id").is_null()).select(
        "customer_id", at.alias("at"), nw.col("channel").cast(nw.String), *others
    )
    first, last = (pd.Timestamp(0) + pd.Timedelta(seconds=moment) for moment in (begin, end))
    if kinds["sent_at"] == nw.Datetime and getattr(kinds["sent_at"], "time_zone", None) is None:
        frame = frame.filter((nw.col("at") >= first.to_pydatetime()) & (nw.col("at") < last.to_pydatetime()))
    home = frame.collect("pandas").to_native()
    home = home[home["at"].notna()]
    home["second"] = seconds(home["at"]) if len(home) else np.empty(0, dtype=np.int64)
    home = home[(home["second"] >= begin) & (home["second"] < end)]
    if "delivered" in home:
        home = home[home["delivered"].astype("boolean").fillna(True).to_numpy(dtype=bool)]
    home["person"] = pd.Index(pool.ids).get_indexer(home["customer_id"])
    home["inside"] = pool.inside(home["person"].to_numpy(), home["second"].to_numpy())
    spans = pool.spans
    stayed = np.minimum(spans["end"], end) - np.maximum(spans["begin"], begin)
    whole = spans.loc[(spans["begin"] <= begin) & (spans["end"] == NEVER), "person"].to_numpy()
    months = float(np.maximum(stayed, 0).sum()) / DAY / DAYS_A_MONTH
    return {"home": home, "whole": whole, "months": months}


def _measured(sent: dict[str, Any] | None, channel: str, days: int, level: float) -> dict[str, float]:
    blank = dict.fromkeys(_MEASURED, math.nan)
    if sent is None:
        return blank
    home = sent["home"][sent["home"]["channel"] == channel]
    if home.empty:
        return blank
    blank["delivered"] = float(len(home))
    inside = int(home["inside"].sum())
    if sent["months"] > 0 and inside:
        blank["per_customer_month"] = inside / sent["months"]
    if "cost" in home and home["cost"].notna().any():
        minor = int(np.rint(home["cost"].astype(float).fillna(0) * order_log.MONEY_SCALE).sum())
        blank["cost_per_message"] = minor / order_log.MONEY_SCALE / len(home)
    twice = _twice(sent, channel, days, 2, level)
    if isinstance(twice, Estimate):
        ends = ("reached_twice", twice.value), ("reached_twice_low", twice.low), ("reached_twice_high", twice.high)
        blank |= dict(ends)
    return blank


def _twice(sent: dict[str, Any] | None, channel: str | None, days: int, times: int, level: float) -> Estimate | Refused:
    if sent is None or not len(sent["whole"]):
        return Refused(
            "members", 0, 1,
            f"没有整整 {days} 天都在私域的客户，是否“二次以上链接”无从判断。",
            f"Nobody was in the pool for all of {days} days: whether customers are reached twice cannot be told.",
        )  # fmt: skip
    home = sent["home"]
    home = home if channel is None else home[home["channel"] == channel]
    occasions = home.assign(day=home["second"] // DAY)[["person", "day"]].drop_duplicates()["person"].value_counts()
    many = occasions.reindex(sent["whole"]).fillna(0)
    words = Words(
        f"最近 {days} 天至少在 {times} 个不同日子收到品牌消息的客户 ÷ 这 {days} 天一直在私域的客户",
        f"customers who got messages on {times} days or more of the last {days} / customers in the pool all the while",
    )
    return share(int((many >= times).sum()), len(many), level, words, two_links)
