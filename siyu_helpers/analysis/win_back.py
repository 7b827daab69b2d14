"""Win-back: which customers are dormant, how many they are, and what a message to them is worth.

Used by notebooks/02_repurchase_cohorts.ipynb. Opens no files and draws nothing. How many customers are dormant
is counted. What a message to them is worth can only be said where a lot kept some dormant customers from it, see
`message_holdout`.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words
from siyu_helpers.analysis.message_holdout import followed_after_dormancy, no_lot, value_of_message
from siyu_helpers.analysis.segments import customer_values

REQUIRES = order_log.REQUIRES

LIST_KEYS = ("customers", "list_customers", "list_share", "list_past_revenue", "list_past_revenue_share")
SCALED = {  # values of the whole list: list customers x value per customer
    "list_orders_difference": ("orders_difference", "orders"),
    "list_revenue_difference": ("revenue_difference", "money"),
    "list_contribution_difference": ("contribution_difference", "money"),
    "list_cost": ("cost_per_customer", "money"),
    "list_net_value": ("net_value_per_customer", "money"),
}


def win_back(
    orders: Any,
    observed_until: order_log.DateLike,
    dormant_after_days: int = 180,
    thresholds: pd.DataFrame | Refused | None = None,
    dormant_at_most_days: int | None = None,
    assignments: Any = None,
    messages: Any = None,
    experiment: str | None = None,
    message_arm: str | None = None,
    holdout_arm: str | None = None,
    channel: str | list[str] | None = None,
    start: str = "dormancy",
    window_days: int = 90,
    gross_margin: float | None = None,
    cost_per_message: float | None = None,
    refunds: str = "net",
    level: float = LEVEL,
    seed: int = 1,
    observed_from: order_log.DateLike | None = None,
    history: str = "complete",
    burn_in_days: int = 365,
    first_order_at: Any = None,
) -> dict[str, Estimate | Refused]:
    """Size of the win-back list, and what a message to it is worth where a lot kept some dormant customers from it.

    orders, assignments, messages  ->  dict of Estimate or Refused

    Parameters
    ----------
    orders, observed_until
        See the head of `order_log`.
    dormant_after_days, thresholds, dormant_at_most_days, refunds
        Who is on the list, see `dormant_customers`. The experiment always goes by `dormant_after_days`: a personal
        threshold is learnt from orders that came after the lot.
    assignments, messages, experiment, message_arm, holdout_arm, channel, start, window_days, cost_per_message
        Whom the lot kept from messages, see `followed_after_dormancy`. Without them, or where the comparison does not
        hold, everything about messages is `Refused` with the reason.
    gross_margin : float, optional
        For the contribution where orders hold no costs, see `order_log.contribution_rule`.
    level, seed
        Of the intervals, see `value_of_message`.
    observed_from, history, burn_in_days, first_order_at
        As everywhere, so that `**brand.history` can be passed; nobody is left out, and past revenue is that within
        the export.

    Returns
    -------
    dict, its keys `LIST_KEYS` (counted, no interval), `VALUE_KEYS` (see `value_of_message`) and those of `SCALED`: the
    value per customer times the customers on the list. These hold for a list like the customers of the experiment, who
    had just become dormant; of those long gone fewer return, with and without a message. `dormant_at_most_days` keeps
    the list to the like.

    Raises
    ------
    ValueError
        As the functions it calls.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1, 2, 2], "amount": [30.0, 25.0, 45.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-01-02", "2024-08-20"])
    >>> found = win_back(orders, "2024-08-31")
    >>> found["list_customers"].value, found["list_past_revenue_share"].value
    (1.0, 0.3)
    >>> found["net_value_per_customer"].reason_en
    'No random group of dormant customers was left without messages, so what a message adds cannot be told from ...'
    """
    order_log.one_of("history", history, ("complete", "truncated"))
    listed = dormant_customers(
        orders, observed_until, dormant_after_days, thresholds, dormant_at_most_days, refunds=refunds
    )
    found = list_facts(listed)
    lot = (assignments, messages, experiment, message_arm, holdout_arm)
    followed: pd.DataFrame | Refused = no_lot()
    if all(part is not None for part in lot):
        followed = followed_after_dormancy(
            *(orders, observed_until, *lot, dormant_after_days, channel, start),
            *(window_days, cost_per_message, refunds, gross_margin),
        )
    found |= value_of_message(followed, level, seed)
    return found | _of_list(found, int(listed["dormant"].sum()))


def dormant_customers(
    orders: Any,
    observed_until: order_log.DateLike,
    dormant_after_days: int = 180,
    thresholds: pd.DataFrame | Refused | None = None,
    dormant_at_most_days: int | None = None,
    refunds: str = "net",
) -> pd.DataFrame:
    """Mark every customer as dormant or not, with what they bought so far.

    orders (one paid order)  ->  table (one customer)

    Parameters
    ----------
    orders, observed_until
        See the head of `order_log`.
    dormant_after_days : int
        Dormant is whose last order is more than so many days before `observed_until`.
    thresholds : DataFrame, optional
        customer_id and dormant (true or false), as from `reminder_timing.dormancy_threshold`: decides instead.
        Customers not in it, or blank, go by `dormant_after_days`; so do all when it is `Refused`.
    dormant_at_most_days : int, optional
        Whoever has been away for longer is not on the list any more.
    refunds : "net" or "gross"
        Whether the refunded part, where recorded, is taken off the past revenue.

    Returns
    -------
    DataFrame sorted by customer_id: customer_id, recency_days, frequency, monetary (as from `segments.rfm`), dormant.
    Never blank.

    Raises
    ------
    ValueError
        For missing columns, an order without amount, days that are no whole numbers, or a customer twice in thresholds.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1, 2], "amount": [30.0, 25.0]})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-08-20"])
    >>> dormant_customers(orders, "2024-08-31")["dormant"].tolist()
    [True, False]
    """
    order_log.at_least_one("dormant_after_days", dormant_after_days)
    until = order_log.day_number(observed_until, "observed_until")
    table = customer_values(orders, until, refunds)
    dormant = table["recency_days"] > dormant_after_days
    thresholds = None if isinstance(thresholds, Refused) else thresholds
    if thresholds is not None:
        order_log.has_columns(list(thresholds.columns), ["customer_id", "dormant"])
        if thresholds["customer_id"].duplicated().any():
            raise ValueError("a customer occurs twice in thresholds: give one row a customer")
        own = table["customer_id"].map(thresholds.set_index("customer_id")["dormant"].astype("boolean"))
        dormant = own.astype("boolean").fillna(dormant).astype(bool)
    if dormant_at_most_days is not None:
        order_log.at_least_one("dormant_at_most_days", dormant_at_most_days)
        dormant &= table["recency_days"] <= dormant_at_most_days
    table["dormant"] = dormant
    rule = "personal threshold" if thresholds is not None else int(dormant_after_days)
    at_most = None if dormant_at_most_days is None else int(dormant_at_most_days)
    table.attrs = {"dormant": rule, "at_most": at_most, "refunds": order_log.refund_rule(orders, refunds)}
    return table


def list_facts(listed: pd.DataFrame) -> dict[str, Estimate | Refused]:
    """Count the win-back list: customers, share of all, and what they spent so far.

    table (one customer)  ->  "customers", "list_customers", "list_share", "list_past_revenue",
    "list_past_revenue_share"

    Parameters
    ----------
    listed : DataFrame
        From `dormant_customers`.

    Returns
    -------
    dict of Estimate without interval, because all is counted; of Refused where there is no customer, or no revenue to
    take a share of.

    Example
    -------
    >>> table = pd.DataFrame({"customer_id": [1, 2], "monetary": [30.0, 10.0], "dormant": [True, False]})
    >>> list_facts(table)["list_share"].value, list_facts(table)["list_past_revenue"].value
    (0.5, 30.0)
    """
    minor = (listed["monetary"] * order_log.MONEY_SCALE).round().astype("int64")
    n, size = len(listed), int(listed["dormant"].sum())
    spent, everything = (int(m.sum()) / order_log.MONEY_SCALE for m in (minor[listed["dormant"]], minor))
    nobody = Refused("customers", 0, 1, "数据中没有客户。", "There is no customer in the data.")
    worthless = Refused("revenue", everything, "> 0", "没有销售额，无从谈占比。", "There is no revenue to share.")
    zh, en = _dormant_words(listed.attrs)

    def exact(value: float, unit: str, more_zh: str, more_en: str) -> Estimate:
        return Estimate.exact(value, n, unit, Words(f"{more_zh}{zh}", f"{more_en}{en}"), list_facts)

    return {
        "customers": exact(n, "customers", "全部有订单的客户。", "All customers with an order. "),
        "list_customers": exact(size, "customers", "沉睡客户数。", "Dormant customers. "),
        "list_share": exact(
            size / n, "share", "沉睡客户占全部有订单客户的比例。", "Dormant / all customers with an order. "
        )
        if n
        else nobody,
        "list_past_revenue": exact(spent, "money", "沉睡客户过去的销售额。", "What dormant customers spent so far. "),
        "list_past_revenue_share": exact(
            spent / everything,
            "share",
            "沉睡客户过去销售额占全部的比例。",
            "Past revenue of dormant / of all customers. ",
        )
        if everything > 0
        else worthless,
    }


def _of_list(found: dict[str, Estimate | Refused], size: int) -> dict[str, Estimate | Refused]:
    """Values per customer times the customers on the list."""
    scaled: dict[str, Estimate | Refused] = {}
    for key, (source, unit) in SCALED.items():
        one = found[source]
        if isinstance(one, Estimate):
            definition = Words(
                f"名单上 {size:,} 位沉睡客户合计，前提是他们与实验中刚沉睡的客户相近。每位：{one.definition_in('zh')}",
                f"All {size:,} dormant customers on the list, as far as they are like those of the experiment, "
                f"just become dormant. Each: {one.definition_in('en')}",
            )
            ends = (one.value * size, one.low * size, one.high * size) if size else (0.0, 0.0, 0.0)
            one = Estimate(*ends, one.level, one.n, unit, definition, win_back)
        scaled[key] = one
    return scaled


def _dormant_words(facts: dict[str, Any]) -> tuple[str, str]:
    rule, at_most = facts.get("dormant"), facts.get("at_most")
    zh, en = {
        None: ("沉睡口径同原表", "Dormant as in the table"),
        "personal threshold": (
            "沉睡：距上一单的天数超过客户自己的沉睡线",
            "Dormant: no order for longer than the customer's threshold",
        ),
    }.get(rule, (f"沉睡：超过 {rule} 天未下单", f"Dormant: no order for more than {rule} days"))
    if at_most:
        zh, en = f"{zh}，且不超过 {at_most} 天", f"{en}, and {at_most} at most"
    refunds = order_log.REFUND_WORDS[facts.get("refunds", "unsaid")]
    return f"{zh}；{refunds.zh}。", f"{en}; {refunds.en}."
