"""The funnel of messages: sent, delivered, read, clicked, ordered, opted out, and what they cost.

A funnel counts what followed a message, not what it caused, see `wake_up`.

Used by notebooks/04_pool_effect.ipynb. Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect import histories
from siyu_helpers.analysis.effect.histories import DAY, Histories
from siyu_helpers.analysis.effect.message_log import clustered_share, read_messages
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level

REQUIRES = order_log.REQUIRES | {"messages": ["customer_id", "sent_at", "channel"]}

STAGES = ("sent", "delivered", "read", "clicked", "ordered", "opted_out")

NO_MEMBERS = pd.DataFrame({"customer_id": [], "joined_at": pd.to_datetime([])})


def message_funnel(
    messages: Any,
    orders: Any,
    observed_until: order_log.DateLike,
    channel: str | list[str] | None = "sms",
    kind: str | None = "promotion",
    window_days: int = 14,
    level: float = LEVEL,
) -> pd.DataFrame:
    """From sent to ordered and opted out: how many messages got how far.

    messages (one message), orders  ->  table (stage)

    Parameters
    ----------
    messages : any frame that narwhals takes
        customer_id, sent_at, channel [kind, delivered, read, clicked, opted_out, cost].
    orders, observed_until
        See the head of `order_log`.
    channel, kind
        Which messages, see `read_messages`.
    window_days : int
        An order within so many days after a message follows it; it may follow several. Messages not observed for so
        long are left out of all stages.

    Returns
    -------
    DataFrame, one row a stage: sent, delivered, read, clicked, ordered, opted_out
        messages, customers : that reached the stage. recorded : messages for which the export says whether they did.
        share_of_sent (_low, _high) : messages / recorded. before : the stage that the next share is taken of: the last
        recorded one before it; delivered for ordered and opted_out. share_of_before (_low, _high) : of the messages
        at that stage, those that reached this one. Blank (NaN) where the export does not record the stage, as
        whether a text message was read: not recorded is not zero.
        attrs: channel, kind, window_days, level, cost (of the messages; None where one is not known), left_out.

    Raises
    ------
    ValueError
        For missing columns.

    Notes
    -----
    Intervals: messages of one customer are alike, see `clustered_share`.

    Example
    -------
    >>> day = pd.to_datetime
    >>> orders = pd.DataFrame({"customer_id": [1], "amount": [9.0], "ordered_at": day(["2024-02-03"])})
    >>> sent = pd.DataFrame({"customer_id": [1, 2], "sent_at": day(["2024-02-01"] * 2), "channel": "sms",
    ...                      "delivered": [True, True], "clicked": [True, False], "cost": 0.05})
    >>> message_funnel(sent, orders, "2024-03-31")[["stage", "messages", "share_of_sent"]]
           stage  messages  share_of_sent
    0       sent       2.0            1.0
    1  delivered       2.0            1.0
    2       read       NaN            NaN
    3    clicked       1.0            0.5
    4    ordered       1.0            0.5
    5  opted_out       NaN            NaN
    """
    order_log.at_least_one("window_days", window_days)
    sent = read_messages(messages, observed_until, channel, kind)
    told = histories.read_histories(orders, NO_MEMBERS, observed_until)
    whole = sent["second"] + window_days * DAY <= told.end
    left_out = int((~whole).sum())
    sent = sent[whole].reset_index(drop=True)
    sent["sent"] = 1.0
    sent["ordered"] = ordered_within(told, sent, window_days).astype(float)
    rows, before = [], "sent"
    for stage in STAGES:
        base = "delivered" if stage in ("ordered", "opted_out") and sent["delivered"].notna().any() else before
        base = "sent" if stage in ("ordered", "opted_out") and base != "delivered" else base
        rows.append(_stage(sent, stage, base, level))
        if sent[stage].notna().any():
            before = stage
    table = pd.DataFrame(rows)
    cost = None if sent["cost"].isna().any() else round(float(np.sort(sent["cost"].to_numpy()).sum()), 4)
    table.attrs = {"channel": channel, "kind": kind, "window_days": int(window_days), "level": check_level(level),
                   "cost": cost, "left_out": left_out}  # fmt: skip
    return table


def ordered_within(told: Histories, sent: pd.DataFrame, days: int) -> np.ndarray:
    """Whether each message was followed by an order of its customer within so many days."""
    place = places(told, sent["customer_id"])
    begin = sent["second"].to_numpy()
    many = histories.window_sum(told, "orders", np.maximum(place, 0), begin, begin + days * DAY)
    return (many > 0) & (place >= 0)


def places(told: Histories, customers: pd.Series) -> np.ndarray:
    """Place of each customer in the histories; -1 for those without an order."""
    place = pd.Series(np.arange(len(told.customers)), index=pd.Index(told.customers))
    return customers.map(place).fillna(-1).astype("int64").to_numpy()


def _stage(sent: pd.DataFrame, stage: str, base: str, level: float) -> dict[str, Any]:
    known = sent[stage].notna()
    row: dict[str, Any] = {"stage": stage, "messages": math.nan, "customers": math.nan, "recorded": int(known.sum())}
    shares = {"share_of_sent": (math.nan,) * 3, "share_of_before": (math.nan,) * 3}
    if known.any():
        part = sent[known]
        reached = part[part[stage] > 0]
        row |= {"messages": float(len(reached)), "customers": float(reached["customer_id"].nunique())}
        once = stage == "opted_out"
        shares["share_of_sent"] = (1.0, math.nan, math.nan)  # by definition: no interval
        at = part[part[base] > 0]
        if stage != "sent":
            shares["share_of_sent"] = clustered_share(part[stage], part["sent"], part["customer_id"], level, once)
            shares["share_of_before"] = clustered_share(at[stage], at["sent"], at["customer_id"], level, once)
    for name, share in shares.items():
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), share, strict=True))
        if name == "share_of_sent":
            row["before"] = None if stage == "sent" else base
    return row


def funnel_facts(funnel: pd.DataFrame) -> dict[str, Estimate | Refused]:
    """State the shares of a funnel, what the messages cost, and the cost per order that followed.

    table (stage)  ->  dict "sent", "delivered", "read", "clicked", "ordered", "opted_out", "cost", "cost_per_order"

    Parameters
    ----------
    funnel : DataFrame
        From `message_funnel`.

    Returns
    -------
    dict of Estimate: sent is counted, the others are shares of the messages sent; Refused where a stage is not
    recorded. cost_per_order : cost / messages that were followed by an order; these orders would partly have come
    anyway, so it is the least that an order caused by messages costs.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1], "amount": [9.0], "ordered_at": pd.to_datetime(["2024-02-03"])})
    >>> sent = pd.DataFrame({"customer_id": [1, 2], "sent_at": pd.to_datetime(["2024-02-01"] * 2), "channel": "sms",
    ...                      "cost": 0.05})
    >>> facts = funnel_facts(message_funnel(sent, orders, "2024-03-31"))
    >>> facts["ordered"].value, facts["cost"].value, facts["read"].gate
    (0.5, 0.1, 'recorded')
    """
    facts, window = funnel.attrs, funnel.attrs["window_days"]
    stages = funnel.set_index("stage")
    many = int(stages.loc["sent", "recorded"])
    found: dict[str, Estimate | Refused] = {}
    counted = Words("已观察满窗口的消息数", "Messages observed for the whole window")
    found["sent"] = Estimate.exact(many, many, "messages", counted, funnel_facts)
    said = {
        "delivered": ("送达", "delivered"),
        "read": ("已读", "read"),
        "clicked": ("点击", "clicked"),
        "ordered": (f"发送后 {window} 天内下单", f"followed by an order within {window} days"),
        "opted_out": ("退订", "that led to an opt-out"),
    }
    for stage, (zh, en) in said.items():
        row = stages.loc[stage]
        if math.isnan(row["share_of_sent"]):
            found[stage] = _not_recorded(zh, en)
            continue
        words = Words(f"{zh}的消息 ÷ 发出的消息", f"Messages {en} / messages sent")
        share = [row[f"share_of_sent{end}"] for end in ("", "_low", "_high")]
        found[stage] = Estimate(*share, facts["level"], int(row["recorded"]), "share", words, funnel_facts)
    if facts["cost"] is None or not many:
        return found | dict.fromkeys(("cost", "cost_per_order"), no_cost())
    found["cost"] = Estimate.exact(
        facts["cost"], many, "money", Words("消息成本合计", "Cost of the messages"), funnel_facts
    )
    found["cost_per_order"] = _cost_per_order(found["ordered"], facts["cost"] / many, window)
    return found


def _cost_per_order(ordered: Estimate | Refused, each: float, window: int) -> Estimate | Refused:
    if not isinstance(ordered, Estimate) or ordered.value == 0:
        return Refused("orders that followed", 0, 1, "没有消息之后出现订单。", "No message was followed by an order.")
    words = Words(
        f"消息成本 ÷ 发送后 {window} 天内有下单的消息数（其中有些订单本来就会有，因此是最低值）",
        f"Cost / messages followed by an order within {window} days (some would have come anyway: it is a least value)",
    )
    low = math.inf if ordered.low == 0 else each / ordered.low
    ends = (each / ordered.value, each / ordered.high, low)
    return Estimate(*ends, ordered.level, ordered.n, "money per order", words, funnel_facts)


def _not_recorded(zh: str, en: str) -> Refused:
    return Refused(
        "recorded",
        "no",
        "yes",
        f"导出数据没有记录消息是否{zh}（短信没有已读回执），这一步留空，不按 0 计。",
        f"The export does not record which messages were {en}: the stage is left blank, not taken for 0.",
    )


def no_cost() -> Refused:
    """Why a cost is not stated: that of some message is not known."""
    return Refused(
        "cost of messages", "unknown", "a cost for each", "有消息没有成本记录，算不出每单成本。",
        "Some messages have no cost, so a cost per order cannot be stated.",
    )  # fmt: skip
