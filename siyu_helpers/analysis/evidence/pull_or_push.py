"""Pull or push: service messages beside promotions, and what promotions do where a lot kept some customers from them.

What follows a message is not what it caused: customers are written to when they are likely to buy. Only a lot tells.
Opens no files and draws nothing; messages, orders, members and assignments may be any frames that narwhals takes.
"""

from __future__ import annotations

import math
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.histories import DAY
from siyu_helpers.analysis.effect.message_log import (
    clustered_share,
    find_message_lot,
    read_assignments,
    read_messages,
)
from siyu_helpers.analysis.effect.message_weeks import pool_channels
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, share
from siyu_helpers.analysis.evidence.kept_contacts import bought_between
from siyu_helpers.analysis.pool import evidence
from siyu_helpers.analysis.pool.evidence import Evidence, OrderRows, order_rows
from siyu_helpers.analysis.pool.pool_facts import Pool, read_pool
from siyu_helpers.analysis.pool.rules import AGREES, DISAGREES, OPEN, RuleResult

REQUIRES = {"messages": ["customer_id", "sent_at", "channel"], "members": ["customer_id", "joined_at"]}
FOLLOWED_DAYS = 7  # after a message
LOT_DAYS = 90  # after the lot
KINDS = ("service", "promotion")
RATES = ("read", "ordered", "opted_out")
COLUMNS = ["kind", "messages", "customers", *(f"{rate}{end}" for rate in RATES for end in ("", "_low", "_high"))]
CLAIM = Words(
    "最好的做法是不打扰：给客户一个找得到我的渠道，在服务里做营销",
    "best not to disturb: give customers a way to find you, and market within service",
)


def pull_or_push(
    messages: Any,
    orders: Any,
    members: Any,
    observed_until: order_log.DateLike,
    assignments: Any = None,
    followed_days: int = FOLLOWED_DAYS,
    lot_days: int = LOT_DAYS,
    level: float = LEVEL,
) -> Evidence:
    """Service messages against promotions: read, followed by orders, answered by leaving; and by lot, what they add.

    messages, orders, members, assignments  ->  Evidence: table (kind), figures, rule

    Parameters
    ----------
    messages : frame, or None
        customer_id, sent_at, channel [kind, read, opted_out]. Counted are the channels of the pool; a blank kind is a
        promotion.
    orders, observed_until
        See the head of `order_log`; orders may be OrderRows read before.
    members : frame, or None
        customer_id, joined_at [left_at].
    assignments : frame, or None
        experiment, customer_id, assigned_at, arm: a lot that kept some customers from promotions.
    followed_days : int
        An order on the day of a message or within so many days after it follows it.
    lot_days : int
        After the lot, over which both sides are compared, by assignment.

    Returns
    -------
    Evidence
        table : kind, messages, customers; read, ordered (followed by an order), opted_out: shares of messages for which
        it is recorded, with _low and _high; blank (NaN) where not recorded.
        figures : pull_service_share (service / all messages), pull_opt_out_gap, pull_read_gap and pull_ordered_gap
        (opt-outs, readings and orders that follow a message, promotion less service; percentage points),
        pull_lot_orders (what promotions add: orders a customer within lot_days of the lot,
        with less without), pull_lot_staying (share still in the pool lot_days after the lot, with less without;
        percentage points, negative: promotions drive out).
        rule : agrees where by lot promotions cost members and do not clearly sell more; disagrees where they clearly
        sell more and do not clearly cost members; "cannot be told" else: also where they do both, as the best number
        then decides (`pool_effect.best_frequency`).

    Notes
    -----
    Shares of messages treat customers as clusters (`effect.message_log.clustered_share`). The lot: difference of means
    and of shares by assignment, customers drawn with equal chances in each arm; intervals by `pool.evidence.gap`.

    Example
    -------
    >>> sent = pd.DataFrame({"customer_id": [1, 2], "sent_at": pd.Timestamp("2024-06-01"), "channel": "wecom",
    ...                      "kind": ["service", "promotion"], "opted_out": [False, True]})
    >>> stays = pd.DataFrame({"customer_id": [1, 2], "joined_at": pd.Timestamp("2024-01-01")})
    >>> log = pd.DataFrame({"customer_id": [1], "ordered_at": [pd.Timestamp("2024-06-03")], "amount": [9.0]})
    >>> pull_or_push(sent, log, stays, "2024-06-30").table[["kind", "ordered", "opted_out"]].values.tolist()
    [['service', 1.0, 0.0], ['promotion', 0.0, 1.0]]
    """
    check_level(level)
    for name, days in (("followed_days", followed_days), ("lot_days", lot_days)):
        order_log.at_least_one(name, days)
    pool = read_pool(members, observed_until)
    if messages is None or pool is None:
        refused = (evidence.no_column("messages", "", "消息记录", "record of messages") if messages is None
                   else evidence.no_column("members", "", "私域成员记录", "record of who joined the pool"))  # fmt: skip
        figures: dict[str, Estimate | Refused] = dict.fromkeys(_KEYS, refused)
        return Evidence(pd.DataFrame(columns=COLUMNS), figures, _rule(figures))
    rows = order_rows(orders, observed_until)
    channels = pool_channels(messages, members, observed_until)
    sent = {kind: _sent(messages, observed_until, channels, kind, rows, followed_days) for kind in KINDS}
    table = pd.DataFrame([_rates(kind, part, level) for kind, part in sent.items()], columns=COLUMNS)
    figures = {
        "pull_service_share": _service_share(sent, level),
        **{key: _gap(table, rate, level) for key, rate in _GAPS.items()},
        **_by_lot(messages, assignments, observed_until, channels, rows, pool, lot_days, level),
    }
    return Evidence(table, figures, _rule(figures))


_GAPS = {"pull_opt_out_gap": "opted_out", "pull_read_gap": "read", "pull_ordered_gap": "ordered"}
_KEYS = ("pull_service_share", *_GAPS, "pull_lot_orders", "pull_lot_staying")


def _sent(messages: Any, observed_until, channels, kind: str, rows: OrderRows, days: int) -> pd.DataFrame:
    """Messages of a kind: customer_id, read, opted_out, ordered (blank where not watched for so long)."""
    sent = read_messages(messages, observed_until, channels, kind, ("read", "opted_out"))
    day = sent["second"].to_numpy() // DAY
    place = pd.Index(rows.customers).get_indexer(sent["customer_id"])
    followed = bought_between(rows, place, day, day + days + 1).astype(float)
    return sent.assign(ordered=np.where(day + days <= rows.until, followed, math.nan))


def _rates(kind: str, sent: pd.DataFrame, level: float) -> list:
    ends = []
    for rate in RATES:
        known = sent[sent[rate].notna()]
        three = clustered_share(known[rate], np.ones(len(known)), known["customer_id"], level, once=rate == "opted_out")
        ends += [round(end, 12) for end in three]  # sums in another order of rows differ behind that
    return [kind, len(sent), sent["customer_id"].nunique(), *ends]


def _service_share(sent: dict[str, pd.DataFrame], level: float) -> Estimate | Refused:
    counts = pd.DataFrame({kind: sent[kind]["customer_id"].value_counts() for kind in KINDS}).fillna(0)
    if counts.empty:
        return evidence.no_column("messages", "", "发给私域的消息", "message to the pool")
    words = Words("服务消息 ÷ 私域渠道的全部消息", "service messages / all messages through the channels of the pool")
    value, low, high = clustered_share(counts["service"], counts.sum(axis=1), np.arange(len(counts)), level)
    return Estimate(value, low, high, level, len(counts), "share", words, pull_or_push)


def _gap(table: pd.DataFrame, rate: str, level: float) -> Estimate | Refused:
    """How much more often a promotion is read, followed by an order or answered by leaving than a service message."""
    rates, said = table.set_index("kind"), _SAID[rate]
    if rates[rate].isna().any():
        return evidence.no_column(
            "messages", "" if rate == "ordered" else rate, f"服务与促销两类消息的{said.zh}记录",
            f"record of {said.en} after both kinds of message",
        )  # fmt: skip
    sides = [
        Estimate(*(rates.at[kind, f"{rate}{end}"] for end in ("", "_low", "_high")), level,
                 rates.at[kind, "customers"], "share", "", "")
        for kind in ("promotion", "service")
    ]  # fmt: skip
    words = Words(
        f"每条消息之后的{said.zh}占比：促销 － 服务（收到两类消息的时机不同，差别不全是内容造成的）",
        f"share of messages with {said.en}: promotion less service (they are sent at different moments, so a "
        "difference is not all owed to the content)",
    )
    return evidence.gap(*sides, "percentage points", words, pull_or_push, 100.0)


_SAID = {
    "opted_out": Words("退订", "an opt-out"),
    "read": Words("阅读", "a reading"),
    "ordered": Words("下单", "an order that follows"),
}


def _by_lot(
    messages, assignments, observed_until, channels, rows: OrderRows, pool: Pool, days: int, level: float
) -> dict[str, Estimate | Refused]:
    lot = find_message_lot(assignments, messages, observed_until, channels, "promotion")
    keys = ("pull_lot_orders", "pull_lot_staying")
    if isinstance(lot, Refused):
        return dict.fromkeys(keys, lot)
    drawn = read_assignments(assignments, observed_until)
    if refused := _unequal_chances(assignments, lot["experiment"]):
        return dict.fromkeys(keys, refused)
    drawn = drawn[(drawn["experiment"] == lot["experiment"]) & (drawn["at"] + days * DAY <= (rows.until + 1) * DAY)]
    sides = [drawn[drawn["arm"].isin(lot["message_arms"])], drawn[drawn["arm"] == lot["holdout_arm"]]]
    if refused := evidence.too_few(min(map(len, sides))):
        return dict.fromkeys(keys, refused)
    means, stays = zip(*(_of_side(side, rows, pool, days, level) for side in sides), strict=True)
    return {
        "pull_lot_orders": evidence.gap(*means, "orders per customer", Words(
            f"随机分组：抽签后 {days} 天内每位客户的订单，发促销 － 不发（促销多带来的订单）",
            f"by random draw: orders a customer within {days} days of it, with promotions less without "
            "(what they add)"),
            pull_or_push),
        "pull_lot_staying": evidence.gap(*stays, "percentage points", Words(
            f"随机分组：抽签 {days} 天后仍在私域的占比，发促销 － 不发（负数：促销把人赶走）",
            f"by random draw: share in the pool {days} days after it, with promotions less without (negative: they "
            "drive customers out)"), pull_or_push, 100.0),
    }  # fmt: skip


def _unequal_chances(assignments: Any, experiment: str) -> Refused | None:
    """Refusal where customers of one arm were drawn with different chances: plain means would then not be fair."""
    frame = order_log.lazy(assignments)
    kinds = frame.collect_schema()
    if "probability" not in kinds.names():
        return None
    chance = order_log.as_number("probability", kinds)
    told = frame.filter(nw.col("experiment").cast(nw.String) == experiment).select(
        nw.col("arm").cast(nw.String), chance.alias("chance")
    )
    ends = told.group_by("arm").agg(nw.col("chance").min().alias("low"), nw.col("chance").max().alias("high"))
    home = ends.collect("pandas").to_native()
    spread = float((home["high"] - home["low"]).max())
    if not spread > 1e-9:
        return None
    return Refused(
        "equal chances", f"{spread:.2f} apart", "the same for all",
        "抽签的概率因人而异，不能直接比较两组的平均数。",
        "Customers were drawn with different chances: the plain means of the two sides cannot be compared.",
    )  # fmt: skip


def _of_side(side: pd.DataFrame, rows: OrderRows, pool: Pool, days: int, level: float) -> tuple:
    """Orders of a customer, and share still in the pool, so many days after the lot."""
    place = pd.Index(rows.customers).get_indexer(side["customer_id"])
    begin = side["at"].to_numpy() * 1_000_000
    many = _orders_between(rows, place, begin, begin + days * DAY * 1_000_000)
    inside = pool.inside(pd.Index(pool.ids).get_indexer(side["customer_id"]), side["at"].to_numpy() + days * DAY - 1)
    return evidence.mean(many, level, "orders per customer"), share(int(inside.sum()), len(inside), level)


def _orders_between(rows: OrderRows, place: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Orders of customers (places in rows.customers; -1: none) from one moment to before another (microseconds)."""
    order = np.lexsort((rows.at, rows.person))
    person, at = rows.person[order], rows.at[order]
    starts = np.searchsorted(person, place)
    stops = np.searchsorted(person, place, side="right")
    counts = [
        int(np.searchsorted(at[a:b], last) - np.searchsorted(at[a:b], first))
        for a, b, first, last in zip(starts, stops, begin, end, strict=True)
    ]
    return np.array(counts, dtype=float)


def _rule(figures: dict[str, Estimate | Refused]) -> RuleResult:
    orders, staying = figures["pull_lot_orders"], figures["pull_lot_staying"]
    agrees, reading = OPEN, _READING["no lot"]
    if isinstance(orders, Estimate) and isinstance(staying, Estimate):
        sells, costs = orders.low > 0, staying.high < 0
        agrees = AGREES if costs and not sells else DISAGREES if sells and not costs else OPEN
        reading = _READING["both" if sells and costs else "neither" if agrees == OPEN else agrees]
    return RuleResult("pull_or_push", CLAIM, figures, agrees, reading)


_READING = {
    AGREES: Words(
        "按抽签的结果，促销没有明显多卖，却明显赶走了人：先减促销，把精力放在有求必应上",
        "by random draw, promotions do not clearly sell more, and clearly cost members: fewer of them, and be there "
        "when asked",
    ),
    DISAGREES: Words(
        "按抽签的结果，促销多带来了订单，也没有明显赶走人：“不打扰”在本品牌会少卖",
        "by random draw, promotions add orders and do not clearly cost members: not to disturb would sell less here",
    ),
    "both": Words(
        "按抽签的结果，促销既多卖也赶走人：发不发不是问题，发多少才是",
        "by random draw, promotions both sell more and cost members: not whether, but how many is the question",
    ),
    "neither": Words(
        "按抽签的结果，促销多卖与赶走人都还看不清：需要更多人或更长时间",
        "by lot, neither more sales nor a loss of members is clear: it takes more people or time",
    ),
    "no lot": Words(
        "没有随机留出不发促销的客户：消息之后的订单和退订只是先后，不是因果",
        "nobody was kept from promotions by lot: what follows a message is not what it caused",
    ),
}
