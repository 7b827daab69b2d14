"""Rows and words of page 04 about messages: the wake-up of dormant customers, contact pressure, how many are right.

Nothing here computes an estimate: results come in, and go out as rows and names that a strategist can read.
"""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from siyu_helpers.analysis import pool_effect
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.reporting import names

STAGES: names.Names = {
    "sent": ("发出", "Sent"),
    "delivered": ("送达", "Delivered"),
    "read": ("已读", "Read"),
    "clicked": ("点击", "Clicked"),
    "ordered": ("之后下单", "Ordered afterwards"),
    "opted_out": ("退订", "Opted out"),
}


RATES: names.Names = {
    "per_message": ("按条：发出后下单的短信", "By message: followed by an order"),
    "per_customer": ("按人：收到后下过单的客户", "By customer: ordered after any message"),
    "clicked_per_message": ("按条：有点击的短信", "By message: clicked"),
    "clicked_per_customer": ("按人：点过的客户", "By customer: clicked any message"),
    "among_clicked": ("点过的短信中，之后下单的", "Of messages clicked: followed by an order"),
    "delivered_per_customer": ("按人：送达过的客户", "By customer: reached at all"),
    "ordered_ever": ("按人：首条短信之后任何时候下过单", "By customer: ordered at any time afterwards"),
    "without_message": ("随机留出不发的客户中，下单的", "Of customers left out at random: ordered"),
    "uplift": ("发与不发之差（短信的作用）", "Difference: the work of the message"),
}


#: Channels of messages that no brand.yml names.
CHANNELS: names.Names = {"sms": ("短信", "text message")}


def sent(funnel: pd.DataFrame) -> float:
    """Messages sent, of a funnel; 0 where there are none."""
    return float(funnel.loc[funnel["stage"] == "sent", "messages"].fillna(0).sum())


def channel_name(channel: str, config: Mapping[str, Any]) -> Words:
    """A channel as a sentence calls it."""
    return names.words(names.channels(config).get(channel) or CHANNELS.get(channel, (channel, channel)))


def funnel_rows(funnel: pd.DataFrame) -> pd.DataFrame:
    """The stages of a funnel; before the first there is none, so it is whole."""
    return funnel.assign(share_of_before=funnel["share_of_before"].where(funnel["stage"] != "sent", 1.0))


def rate_rows(rates: pd.DataFrame) -> pd.DataFrame:
    """Definitions of the wake-up rate, a column for each window; those without a window stand in the last."""
    windows = sorted(rates["window_days"].dropna().unique())
    rows = {}
    for row in rates.to_dict("records"):
        days = windows[-1] if math.isnan(row["window_days"]) else row["window_days"]
        for end in ("", "_low", "_high"):
            rows.setdefault(row["definition"], {})[f"within_{days:g}{end}"] = row[f"rate{end}"]
    table = pd.DataFrame([{"definition": name, **cells} for name, cells in rows.items()])
    return table.reindex(
        columns=["definition", *(f"within_{day:g}{end}" for day in windows for end in ("", "_low", "_high"))]
    )


def rate_columns(rates: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
    """Heads of the windows."""
    windows = sorted(rates["window_days"].dropna().unique())
    return {f"within_{day:g}": (f"{day:g} 天内", f"Within {day:g} days", "share") for day in windows}


def wake_up(
    has: Mapping[str, Any], orders: Any, until: Any, dormant: int, channel: str, margin: float | None, level: float,
    seed: int, rates: pd.DataFrame,
) -> dict[str, Any]:  # fmt: skip
    """What messages to dormant customers woke: by lot where there is one, else the bound."""
    followed = Refused("a lot", 0, 1, "没有抽签。", "There was no lot.")
    if has["assignments"] is not None:
        followed = pool_effect.followed_wake_up(
            orders, until, has["assignments"], has["messages"], dormant, channel, gross_margin=margin
        )
    if isinstance(followed, Refused):
        bound = pool_effect.wake_up_bound(rates)
        return {"by_lot": False, "said": {"uplift_at_most": bound["uplift_at_most"]}}
    value = pool_effect.value_of_message(followed, level, seed)
    said = {
        "share_with": value["share_with_message"],
        "share_without": value["share_without_message"],
        "share_difference": value["share_difference"],
    }
    return {"by_lot": True, "said": said, "cost": pool_effect.cost_per_incremental_order(followed, level)}


MESSAGES_AT_LEAST = 100


def pressure_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Bands of contact pressure, named by their ends."""
    bands = []
    for low, high in zip(table["pressure_from"], table["pressure_to"], strict=True):
        both = (
            (f"{low:g} 及以上", f"{low:g} and more")
            if math.isinf(high)
            else (f"{low:g} 至 {high:g}", f"{low:g} to {high:g}")
        )
        bands.append(both)
    # A rate of a hundred messages or fewer says nothing.
    told = table["messages"] >= MESSAGES_AT_LEAST
    rates = {name: table[name].where(told) for name in ("per_thousand", "per_thousand_low", "per_thousand_high")}
    return table.assign(band=bands, **rates)


FREQUENCY: names.Names = {
    "too many": ("发得太多了：", "Too many messages:"),
    "too few": ("还可以多发：", "There is room for more messages:"),
    "in range": ("发得差不多：", "The number of messages is about right:"),
    "not settled": ("多发少发哪个好，数据还定不了：", "Whether more or fewer messages are better is not settled:"),
}


def frequency_words(looked: Any) -> Words:
    """How the sentence on the number of messages begins."""
    return names.words(FREQUENCY[pool_effect.frequency_verdict(looked)])


def woken_words(difference: Any) -> Words:
    """How the sentence on the wake-up begins."""
    if isinstance(difference, Estimate) and difference.low > 0:
        return Words("短信确实叫醒了一部分沉睡客户：", "Text messages did wake dormant customers:")
    return Words("看不出短信叫醒了沉睡客户：", "Text messages did not clearly wake dormant customers:")
