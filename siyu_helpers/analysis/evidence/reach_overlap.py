"""Fragmentation: over how many channels the same customers are seen, and what each channel reaches that no other does.

Adding up the reach of channels counts the same people several times. Here customers are counted once: the union, and
what each channel adds to it. Opens no files and draws nothing; touchpoints and messages may be any frames that narwhals
takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import touches
from siyu_helpers.analysis.effect.histories import DAY
from siyu_helpers.analysis.effect.message_log import read_messages
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, share
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.evidence import Evidence
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = {"touchpoints": ["visitor_id", "touched_at", "channel", "customer_id"]}
DAYS = 365
HALF = 0.5
COLUMNS = ["channel", "customers", "only_here", "only_here_share", "added", "union"]
CLAIM = Words(
    "用户散落在微博、微信、抖音、快手、小红书，触达是碎片化的",
    "users are spread over Weibo, WeChat, Douyin, Kuaishou and Xiaohongshu: reach is fragmented",
)


def reach_overlap(
    touchpoints: Any,
    observed_until: order_log.DateLike,
    messages: Any = None,
    days: int = DAYS,
    level: float = LEVEL,
) -> Evidence:
    """Customers reached by each channel, by that channel only, and by all of them together, each counted once.

    touchpoints (one touch), messages (one message)  ->  Evidence: table (channel), figures, rule

    Parameters
    ----------
    touchpoints : frame, or None
        visitor_id, touched_at, channel [customer_id]. A visitor who ever becomes known counts with the earlier touches
        too, see `attribution.touches.linked`; who never does cannot be counted as a person over channels.
    observed_until : date
    messages : frame, optional
        customer_id, sent_at, channel: a message sent is a channel that reaches, whether or not it was read.
    days : int
        Touches and messages of so many last days.

    Returns
    -------
    Evidence
        table : channel, customers (known ones it reached), only_here (whom no other channel reached), only_here_share
        (of its customers), added (to those of the channels above it), union (all customers so far). Largest first.
        figures : overlap_people (customers reached at all), overlap_times (sum over channels / customers: how often the
        sum counts each), overlap_several (customers of two channels or more / customers reached),
        overlap_unknown (visitors of these days who never became known / visitors).
        rule : agrees where clearly most customers are seen on two channels or more, disagrees where clearly fewer.

    Notes
    -----
    Inclusion and exclusion: the union is the sum over channels less those counted before, here counted customer by
    customer. Channels that never learn who comes (search, feeds) look small; overlap_unknown says how much is hidden.

    Example
    -------
    >>> seen = pd.DataFrame({"visitor_id": [1, 1, 2, 3], "channel": ["feed", "wecom", "feed", "wecom"]})
    >>> seen = seen.assign(customer_id=[7, 7, 8, 9], touched_at=pd.Timestamp("2024-06-01"))
    >>> reach_overlap(seen, "2024-06-30").table.values.tolist()
    [['feed', 2, 1, 0.5, 2, 2], ['wecom', 2, 1, 0.5, 1, 3]]
    """
    order_log.at_least_one("days", days)
    check_level(level)
    if touchpoints is None and messages is None:
        figures: dict[str, Estimate | Refused] = dict.fromkeys(_KEYS, _no_touches())
        return Evidence(_typed(pd.DataFrame(columns=COLUMNS)), figures, _rule(figures))
    pairs, unknown = _pairs(touchpoints, messages, observed_until, days)
    reached, names = _matrix(pairs)
    table = _table(reached, names)
    figures = _figures(reached, unknown, days, level)
    return Evidence(table, figures, _rule(figures))


_KEYS = ("overlap_people", "overlap_times", "overlap_several", "overlap_unknown")


def _pairs(touchpoints: Any, messages: Any, observed_until, days: int) -> tuple[pd.DataFrame, tuple[int, int] | None]:
    """Customer and channel, each pair once; visitors of these days who never became known, and all visitors."""
    end = (order_log.day_number(observed_until, "observed_until") + 1) * DAY
    parts, unknown = [], None
    if touchpoints is not None:
        made = touches.linked(touchpoints, observed_until)
        recent = made.at >= (end - days * DAY) * 1_000_000
        known = made.person < len(made.customers)
        people = np.unique(made.person[recent])
        unknown = (int((people >= len(made.customers)).sum()), len(people))
        keep = recent & known
        many = max(len(made.channels), 1)
        codes = np.unique(made.person[keep] * many + made.channel[keep])
        parts.append(pd.DataFrame({
            "customer": np.asarray(made.customers)[codes // many],
            "channel": np.array([*made.channels, ""], dtype=object)[codes % many],
        }))  # fmt: skip
    if messages is not None:
        parts += _sent(messages, observed_until, end - days * DAY)
    pairs = pd.concat([part for part in parts if len(part)] or [pd.DataFrame({"customer": [], "channel": []})])
    return pairs.drop_duplicates(ignore_index=True), unknown


def _matrix(pairs: pd.DataFrame) -> tuple[np.ndarray | None, list[str]]:
    """Whether each customer (row) was reached by each channel (column), and the channels' names in order."""
    names = sorted(pairs["channel"].unique())
    if not len(pairs):
        return None, names
    customer, people = pd.factorize(pairs["customer"])
    reached = np.zeros((len(people), len(names)), dtype=bool)
    reached[customer, pd.Index(names).get_indexer(pairs["channel"])] = True
    return reached, names


def _sent(messages: Any, observed_until, begin: int) -> list[pd.DataFrame]:
    frame = order_log.lazy(messages)
    order_log.has_columns(frame.collect_schema().names(), ["customer_id", "sent_at", "channel"])
    channels = frame.select("channel").unique().collect("pandas").to_native()["channel"].dropna()
    found = []
    for channel in sorted(str(name) for name in channels):
        sent = read_messages(messages, observed_until, channel, None, ())
        ids = sent.loc[sent["second"] >= begin, "customer_id"].drop_duplicates()
        found.append(pd.DataFrame({"customer": ids.to_numpy(), "channel": channel}))
    return found


def _table(reached: np.ndarray | None, names: list[str]) -> pd.DataFrame:
    if reached is None:
        return _typed(pd.DataFrame(columns=COLUMNS))
    sizes, alone = reached.sum(axis=0), reached.sum(axis=1) == 1
    rows, so_far = [], np.zeros(len(reached), dtype=bool)
    for at in sorted(range(len(names)), key=lambda place: (-sizes[place], names[place])):
        new = reached[:, at] & ~so_far
        so_far |= new
        only = int((reached[:, at] & alone).sum())
        rows.append([names[at], int(sizes[at]), only, only / sizes[at], int(new.sum()), int(so_far.sum())])
    return _typed(pd.DataFrame(rows, columns=COLUMNS))


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    kinds = dict.fromkeys(("customers", "only_here", "added", "union"), "int64") | {"only_here_share": "float64"}
    return table.astype(kinds)


def _figures(reached, unknown, days: int, level: float) -> dict[str, Estimate | Refused]:
    refused = evidence.too_few(0 if reached is None else len(reached))
    figures: dict[str, Estimate | Refused] = {}
    if refused or reached is None:
        figures = dict.fromkeys(_KEYS[:3], refused or _no_touches())
    else:
        many = len(reached)
        several = reached.sum(axis=1) >= 2
        figures = {
            "overlap_people": Estimate.exact(many, many, "customers", Words(
                f"最近 {days} 天至少被一个渠道触达的已识别客户",
                f"known customers whom any channel reached in the last {days} days"),
                reach_overlap),
            "overlap_times": Estimate.exact(float(reached.sum()) / many, many, "times", Words(
                "各渠道触达客户数之和 ÷ 去重后的客户数", "customers added up over channels / customers counted once"),
                reach_overlap),
            "overlap_several": share(int(several.sum()), many, level, Words(
                "被两个及以上渠道触达的客户 ÷ 被触达的客户", "customers of two channels or more / customers reached"),
                reach_overlap),
        }  # fmt: skip
    figures["overlap_unknown"] = _unknown(unknown, level)
    return figures


def _unknown(unknown: tuple[int, int] | None, level: float) -> Estimate | Refused:
    if unknown is None:
        return evidence.no_column("touchpoints", "", "触点记录", "record of touches")
    words = Words(
        "一直没有对应到客户的访客 ÷ 同期访客：他们在哪些渠道重复出现，无从得知",
        "visitors who never became known / visitors: over which channels they are the same people cannot be seen",
    )
    return share(unknown[0], unknown[1], level, words, reach_overlap)


def _no_touches() -> Refused:
    return evidence.no_column("touchpoints", "customer_id", "客户的触点记录", "record of customers' touches")


def _rule(figures: dict[str, Estimate | Refused]) -> RuleResult:
    found, agrees = figures["overlap_several"], OPEN
    if isinstance(found, Estimate):
        agrees = AGREES if found.low > HALF else DISAGREES if found.high < HALF else OPEN
    return RuleResult("reach_overlap", CLAIM, figures, agrees, _READING[agrees])


_READING = {
    AGREES: Words(
        "多数客户出现在两个及以上渠道：各渠道的触达不能相加，先打通身份，再按人控制频次",
        "most customers are seen on two channels or more: reach must not be added up; join the identities first, then "
        "cap contacts by person",
    ),
    DISAGREES: Words(
        "多数客户只在一个渠道出现：渠道之间重复少，丢掉一个渠道就丢掉一批人",
        "most customers are seen on one channel only: little overlap, and who loses a channel loses its people",
    ),
    OPEN: Words(
        "没有可识别客户的触点，或正好一半上下，看不出碎片化的程度",
        "customers' touches are not recorded, or about half are seen on several channels: it cannot be told",
    ),
}
