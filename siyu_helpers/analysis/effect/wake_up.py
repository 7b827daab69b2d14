"""Waking up dormant customers: what a "wake-up rate" is under each definition, and what messages add.

Dormant customers also return by themselves. What messages add is known where a lot kept some customers from them
(`message_holdout`); without one there is a bound and no more.

Used by notebooks/04_pool_effect.ipynb. Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect import histories
from siyu_helpers.analysis.effect.histories import DAY, Histories
from siyu_helpers.analysis.effect.message_funnel import NO_MEMBERS, no_cost, ordered_within, places
from siyu_helpers.analysis.effect.message_log import clustered_share, find_message_lot, no_message_lot, read_messages
from siyu_helpers.analysis.estimates import LEVEL, MEAN_AT_LEAST, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.message_holdout import (
    WITH_MESSAGE,
    WITHOUT_MESSAGE,
    followed_after_dormancy,
    value_of_message,
)

REQUIRES = order_log.REQUIRES | {"messages": ["customer_id", "sent_at", "channel"]}

WINDOWS = (7, 30, 90, 180)

CLAIMED = 0.5  # the wake-up rate of "over 50%" that circulates

NO_MESSAGES = pd.DataFrame({"customer_id": [], "sent_at": pd.to_datetime([]), "channel": []}).astype({"channel": "str"})

ORDER = ("per_message", "per_customer", "clicked_per_message", "clicked_per_customer", "among_clicked",
         "delivered_per_customer", "ordered_ever", "without_message", "uplift")  # fmt: skip


def find_wake_up(
    assignments: Any,
    messages: Any,
    observed_until: order_log.DateLike,
    channel: str | list[str] | None = "sms",
    kind: str | None = "promotion",
    experiment: str | None = None,
    holdout_arm: str | None = None,
) -> dict[str, Any] | Refused:
    """Find the lot that kept some dormant customers from these messages, see `find_message_lot` for the rule.

    Example
    -------
    >>> find_wake_up(None, NO_MESSAGES, "2024-12-31").gate
    'a lot'
    """
    return find_message_lot(assignments, messages, observed_until, channel, kind, experiment, holdout_arm)


def followed_wake_up(
    orders: Any,
    observed_until: order_log.DateLike,
    assignments: Any,
    messages: Any,
    dormant_after_days: int = 180,
    channel: str | list[str] | None = "sms",
    window_days: int = 90,
    experiment: str | None = None,
    holdout_arm: str | None = None,
    **options: Any,
) -> pd.DataFrame | Refused:
    """Follow both sides of the wake-up lot from dormancy, see `message_holdout.followed_after_dormancy`.

    orders, assignments, messages  ->  table (one customer) or Refused, where there is no such lot
    """
    lot = find_wake_up(assignments, messages, observed_until, channel, "promotion", experiment, holdout_arm)
    if isinstance(lot, Refused):
        return lot
    return followed_after_dormancy(
        *(orders, observed_until, assignments, messages, lot["experiment"], lot["message_arms"][0]),
        *(lot["holdout_arm"], dormant_after_days, channel),
        window_days=window_days,
        **options,
    )


def wake_up_rates(
    messages: Any,
    orders: Any,
    observed_until: order_log.DateLike,
    assignments: Any = None,
    dormant_after_days: int = 180,
    channel: str | list[str] | None = "sms",
    kind: str = "promotion",
    windows: tuple[int, ...] = WINDOWS,
    level: float = LEVEL,
    experiment: str | None = None,
    holdout_arm: str | None = None,
) -> pd.DataFrame:
    """The wake-up rate of dormant customers under every usual definition, beside the over 50% that is claimed.

    messages, orders, assignments  ->  table (definition)

    Parameters
    ----------
    messages, orders, observed_until, channel, kind, experiment, holdout_arm
        See `message_funnel` and `find_wake_up`.
    assignments : frame of the same kind, optional
        Without a lot the rates less control are blank.
    dormant_after_days : int
        Counted are messages to customers whose last order was more than so many days before.
    windows : tuple of int
        Days after the message.

    Returns
    -------
    DataFrame, one row a definition
        definition : "per_message" (messages followed by an order), "per_customer" (customers with an order after any
            of their messages), "clicked_per_message", "clicked_per_customer", "among_clicked" (of messages that were
            clicked, those followed by an order), "delivered_per_customer" (customers whom any message reached),
            "ordered_ever" (customers with an order at any time after their first message), "without_message"
            (customers of the holdout side who ordered), "uplift" (share with less share without messages, from the day
            of dormancy).
        window_days : blank without a window. rate (_low, _high), trials : blank where the export or the lot is missing.
        above_claim : whether the rate is over 50%; blank without a rate. caused : whether it is what messages cause.

    Example
    -------
    >>> day = pd.to_datetime
    >>> orders = pd.DataFrame({"customer_id": [1, 2, 1], "amount": 9.0,
    ...                        "ordered_at": day(["2023-01-01", "2023-01-01", "2024-02-20"])})
    >>> sent = pd.DataFrame({"customer_id": [1, 2], "sent_at": day(["2024-02-01"] * 2), "channel": "sms"})
    >>> found = wake_up_rates(sent, orders, "2024-12-31", windows=(7, 30))
    >>> found.loc[found["definition"] == "per_message", ["window_days", "rate"]]
       window_days  rate
    0          7.0   0.0
    1         30.0   0.5
    """
    order_log.at_least_one("dormant_after_days", dormant_after_days)
    told = histories.read_histories(orders, NO_MEMBERS, observed_until)
    sent = dormant_messages(messages, told, observed_until, dormant_after_days, channel, kind)
    rows = []
    for days in windows:
        whole = sent[sent["second"] + days * DAY <= told.end]
        came = ordered_within(told, whole, days).astype(float)
        rows.append(_rate("per_message", days, came, whole["customer_id"], level))
        rows.append(_rate_a_customer("per_customer", days, came, whole["customer_id"], level))
        hit = (whole["clicked"] > 0).to_numpy()
        rows.append(_rate("among_clicked", days, came[hit], whole.loc[hit, "customer_id"], level))
    rows += _answered(sent, level)
    since = ordered_within(told, sent, (told.end - int(sent["second"].min())) // DAY + 1) if len(sent) else np.zeros(0)
    rows.append(_rate_a_customer("ordered_ever", None, since, sent["customer_id"], level))
    for days in windows:
        followed = followed_wake_up(
            orders, observed_until, assignments, messages, dormant_after_days, channel, days, experiment, holdout_arm
        )
        rows += _against_control(followed, days, level)
    table = pd.DataFrame(rows).sort_values("order", kind="stable", ignore_index=True).drop(columns="order")
    table["above_claim"] = (table["rate"] > CLAIMED).astype("boolean").where(table["rate"].notna())
    table["caused"] = table["definition"] == "uplift"
    table.attrs = {"dormant_after_days": int(dormant_after_days), "channel": channel, "claimed": CLAIMED,
                   "customers": int(sent["customer_id"].nunique()), "messages": len(sent), "level": level}  # fmt: skip
    return table


def _answered(sent: pd.DataFrame, level: float) -> list[dict[str, Any]]:
    """Rates of clicks and deliveries, of messages for which these are recorded."""
    clicked, delivered = (sent[sent[name].notna()] for name in ("clicked", "delivered"))
    return [
        _rate("clicked_per_message", None, clicked["clicked"], clicked["customer_id"], level),
        _rate_a_customer("clicked_per_customer", None, clicked["clicked"], clicked["customer_id"], level),
        _rate_a_customer("delivered_per_customer", None, delivered["delivered"], delivered["customer_id"], level),
    ]


def dormant_messages(messages, told: Histories, observed_until, dormant_after_days, channel, kind) -> pd.DataFrame:
    """Messages to customers whose last order was more than so many days before the day of the message."""
    sent = read_messages(messages, observed_until, channel, kind)
    if not len(told.customers):
        return sent.iloc[:0]
    place = places(told, sent["customer_id"])
    second = sent["second"].to_numpy()
    last = histories.last_order_before(told, np.maximum(place, 0), second)
    asleep = (place >= 0) & (last > 0) & (second // DAY - last // DAY > dormant_after_days)
    return sent[asleep].reset_index(drop=True)


def _rate(definition: str, days: int | None, came: Any, customers: pd.Series, level: float) -> dict[str, Any]:
    share = clustered_share(came, np.ones(len(customers)), customers, level)
    return _row(definition, days, share, len(customers))


def _rate_a_customer(definition, days, came, customers: pd.Series, level) -> dict[str, Any]:
    ever = pd.Series(np.asarray(came, dtype=float)).groupby(customers.to_numpy()).max()
    share = clustered_share(ever, np.ones(len(ever)), np.arange(len(ever)), level)
    return _row(definition, days, share, len(ever))


def _row(definition: str, days: int | None, share: Any, trials: int) -> dict[str, Any]:
    value, low, high = share
    return {"definition": definition, "window_days": math.nan if days is None else float(days), "rate": value,
            "rate_low": low, "rate_high": high, "trials": trials, "order": ORDER.index(definition)}  # fmt: skip


def _against_control(followed: pd.DataFrame | Refused, days: int, level: float) -> list[dict[str, Any]]:
    found = value_of_message(followed, level)
    rows = []
    for definition, key in (("without_message", "share_without_message"), ("uplift", "share_difference")):
        one = found[key]
        share = (one.value, one.low, one.high) if isinstance(one, Estimate) else (math.nan,) * 3
        rows.append(_row(definition, days, share, one.n if isinstance(one, Estimate) else 0))
    return rows


def wake_up_bound(rates: pd.DataFrame, window_days: int = 30, definition: str = "per_customer") -> dict[str, Any]:
    """What can be said of the uplift without a control: it lies between 0 and the share observed.

    table (definition)  ->  dict "uplift" (Refused, with the bound in its reason), "uplift_at_most" (Estimate)

    Parameters
    ----------
    rates : DataFrame
        From `wake_up_rates`.
    window_days, definition
        Which of its rates.

    Notes
    -----
    As far as a message keeps nobody from ordering: then of those who ordered after it, it brought none at least, and
    all at most. Nothing in the messages themselves narrows this.

    Example
    -------
    >>> rates = pd.DataFrame({"definition": ["per_customer"], "window_days": [30.0], "rate": [0.2], "rate_low": [0.15],
    ...                       "rate_high": [0.26], "trials": [200]})
    >>> rates.attrs = {"level": 0.9}
    >>> wake_up_bound(rates)["uplift"].seen
    '0 to 20.0%'
    """
    row = rates[(rates["definition"] == definition) & (rates["window_days"] == window_days)]
    if row.empty or math.isnan(row["rate"].iloc[0]):
        nobody = no_message_lot()
        return {"uplift": nobody, "uplift_at_most": nobody}
    row = row.iloc[0]
    words = Words(
        f"唤醒消息增量的上限：发送后 {window_days} 天内下单的占比，即假定没有一位客户会自己回来",
        f"The most that wake-up messages can have added: share who ordered within {window_days} days, as if nobody "
        "would have returned without",
    )
    level = rates.attrs.get("level", LEVEL)
    ends = (row["rate"], row["rate_low"], row["rate_high"])
    most = Estimate(*ends, level, int(row["trials"]), "share", words, wake_up_bound)
    refused = Refused(
        "a control without messages",
        f"0 to {row['rate']:.1%}",
        "a random holdout group",
        f"没有不发消息的对照组：{window_days} 天内有 {row['rate']:.1%} 的客户下单，其中由消息带来的可能一位也没有，"
        "也可能全部都是，只能给出这个范围。",
        f"There is no control without messages: {row['rate']:.1%} ordered within {window_days} days, of whom the "
        "messages may have brought none or all. This range is all that can be said.",
    )
    return {"uplift": refused, "uplift_at_most": most}


def cost_per_incremental_order(followed: pd.DataFrame | Refused, level: float = LEVEL) -> Estimate | Refused:
    """What one order costs that would not be there without the messages.

    table (one customer)  ->  Estimate or Refused

    Parameters
    ----------
    followed : DataFrame or Refused
        From `followed_wake_up` or `message_holdout.followed_after_dormancy`.

    Returns
    -------
    Estimate: more message cost a customer / more orders a customer, side with messages less side without. Its upper end
    is infinite where the data allow that messages add nothing. Refused where they added nothing, or a cost is unknown.

    Notes
    -----
    Fieller (1954), J. R. Statist. Soc. B 16, 175-185, with Welch variances.

    Example
    -------
    >>> table = pd.DataFrame({"group": ["with_message", "without_message"] * 200, "orders": [1, 0, 0, 0] * 100,
    ...                       "message_cost": [0.5, 0.0] * 200})
    >>> found = cost_per_incremental_order(table)
    >>> found.value, round(found.low, 2), round(found.high, 2)
    (1.0, 0.9, 1.13)
    """
    if isinstance(followed, Refused):
        return followed
    sides = [followed[followed["group"] == side] for side in (WITH_MESSAGE, WITHOUT_MESSAGE)]
    fewest = min(map(len, sides))
    if fewest < MEAN_AT_LEAST:
        return _too_few(fewest)
    if any(side["message_cost"].isna().any() for side in sides):
        return no_cost()
    more = [float(sides[0][name].mean() - sides[1][name].mean()) for name in ("message_cost", "orders")]
    if more[1] <= 0:
        return _no_more_orders(more[1])
    spread = sum(np.cov(side["message_cost"], side["orders"]) / len(side) for side in sides)
    low, high = _fieller(*more, spread, stats.norm.ppf((1 + check_level(level)) / 2))
    words = Words(
        "多花的消息成本 ÷ 多带来的订单（触达组减对照组，按分组计算）",
        "Message cost added / orders added (message group less holdout group, as assigned)",
    )
    n = sum(map(len, sides))
    return Estimate(more[0] / more[1], low, high, level, n, "money per order", words, cost_per_incremental_order)


def _fieller(cost: float, orders: float, spread: np.ndarray, z: float) -> tuple[float, float]:
    """Ends of cost / orders; the upper one infinite where orders may be 0."""
    a = orders**2 - z**2 * spread[1, 1]
    b = cost * orders - z**2 * spread[0, 1]
    c = cost**2 - z**2 * spread[0, 0]
    root = math.sqrt(max(b**2 - a * c, 0.0))
    if a <= 0:
        # Orders added may be none: from the smallest ratio upwards, without end.
        return max((b - root) / a, (b + root) / a, 0.0) if a < 0 else max(c / (2 * b), 0.0), math.inf
    return max((b - root) / a, 0.0), (b + root) / a


def _too_few(fewest: int) -> Refused:
    return Refused(
        "customers on either side",
        fewest,
        MEAN_AT_LEAST,
        f"较小的一组只有 {fewest} 位客户，少于 {MEAN_AT_LEAST} 位，每个增量订单的成本给不出。",
        f"The smaller side has {fewest} customers; below {MEAN_AT_LEAST} the cost per added order is not stated.",
    )


def _no_more_orders(seen: float) -> Refused:
    return Refused(
        "orders added",
        round(seen, 5),
        "> 0",
        "触达组的订单没有多于对照组，增量订单的成本无从谈起。",
        "The side with messages ordered no more than the side without: there is no added order to divide by.",
    )
