"""What a message to dormant customers is worth, where a lot kept some of them from it.

Opens no files and draws nothing. `orders`, `assignments` and `messages` are frames of one kind (pandas, Polars, DuckDB,
...), see the head of `order_log`; what comes back is small.

Many dormant customers come back by themselves, and whoever was picked by hand for a message differs from the rest. So
`followed_after_dormancy` follows both sides of a lot from the moment each customer is found dormant, by what was known
at that moment and before any message under test, and `value_of_message` compares them as they were assigned, whether
or not a message arrived (intention to treat). How many customers are dormant is the question of `win_back`.
"""

from __future__ import annotations

import math
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import (
    LEVEL,
    MEAN_AT_LEAST,
    Estimate,
    Refused,
    Words,
    check_level,
    dotted_name,
    mean_per_customer,
    share,
)

REQUIRES = order_log.REQUIRES | {
    "assignments": ["experiment", "customer_id", "assigned_at", "arm", "probability"],
    "messages": ["customer_id", "sent_at", "channel"],
}

STARTS = ("dormancy", "assignment")
BALANCE_AT_LEAST = 0.001  # probability of sides this uneven, below which the lot is doubted
EARLY_AT_MOST = 0.01  # share of the message group that a stray message may have reached before they were dormant
WITHOUT_MESSAGE, WITH_MESSAGE = "without_message", "with_message"
FOLLOWED_COLUMNS = [
    "customer_id",
    "group",
    "dormant_on",
    "came_back",
    "orders",
    "revenue",
    "contribution",
    "messages",
    "message_cost",
]

VALUE_KEYS = (
    *("customers_with_message", "customers_without_message"),
    *("share_with_message", "share_without_message", "share_difference"),
    *("orders_with_message", "orders_without_message", "orders_difference"),
    *("revenue_with_message", "revenue_without_message", "revenue_difference"),
    *("contribution_difference", "messages_per_customer", "cost_per_customer", "net_value_per_customer"),
    "break_even_cost_per_message",
)


def followed_after_dormancy(
    orders: Any,
    observed_until: order_log.DateLike,
    assignments: Any,
    messages: Any,
    experiment: str,
    message_arm: str,
    holdout_arm: str,
    dormant_after_days: int = 180,
    channel: str | list[str] | None = None,
    start: str = "dormancy",
    window_days: int = 90,
    cost_per_message: float | None = None,
    refunds: str = "net",
    gross_margin: float | None = None,
) -> pd.DataFrame | Refused:
    """Follow dormant customers of both sides of a lot, from the moment each was first found dormant.

    orders, assignments, messages  ->  table (one customer)

    Parameters
    ----------
    orders, observed_until
        See the head of `order_log`.
    assignments : frame of the same kind
        experiment, customer_id, assigned_at, arm, probability: the lot, drawn once a customer.
    messages : frame of the same kind
        customer_id, sent_at, channel [kind, cost]: under test are those of `channel`, service messages left out.
    experiment, message_arm, holdout_arm : str
        Which lot, and the names of its side with and of its side without messages.
    dormant_after_days : int
        Dormant is who has not ordered for more than so many days, as in `win_back.dormant_customers`.
    channel : str or list of str, optional
        Channels of the messages under test. None: all that are no service.
    start : "dormancy" or "assignment"
        assignment: only customers who were dormant when the lot was drawn. dormancy: also those who first became so
        later, each followed from that day. The latter compares like with like only if the messages under test were not
        sent before: otherwise who becomes dormant is their doing. That is checked.
    window_days : int
        Days followed, the day of the start included; customers not observed for all of them are left out, on both sides
        alike.
    cost_per_message : float, optional
        For messages without a cost of their own.
    refunds : "net" or "gross"
        Whether the refunded part, where recorded, is taken off the revenue.
    gross_margin : float, optional
        For the contribution where orders hold no costs, see `order_log.contribution_rule`.

    Returns
    -------
    DataFrame sorted by customer_id
        customer_id : once each; only the first spell of dormancy counts.
        group : "with_message" or "without_message", as assigned, whatever was sent.
        dormant_on : day of the start: the first day dormant, or that of the lot (date at midnight).
        came_back : whether there was an order in the window. orders : their number. revenue : in the currency.
        contribution : before the cost of messages; blank where neither costs nor margin are known.
        messages : messages under test in the window. message_cost : blank where a cost is not known.
    Or Refused: the lot has no such sides, the chance differed between customers, or messages preceded the start.

    Raises
    ------
    ValueError
        For missing columns, a parameter out of its values, an order without amount, or a customer twice in the lot.

    Notes
    -----
    The start uses nothing that came later, so that nobody is picked for having come back or not (immortal time).

    Example
    -------
    >>> day = pd.to_datetime
    >>> orders = pd.DataFrame({"customer_id": [1, 2, 1], "amount": 9.0,
    ...                        "ordered_at": day(["2024-01-01", "2024-01-01", "2024-02-20"])})
    >>> lot = pd.DataFrame({"experiment": "wake up", "customer_id": [1, 2], "assigned_at": day("2024-01-01"),
    ...                     "arm": ["sms", "none"], "probability": 0.5})
    >>> sent = pd.DataFrame({"customer_id": [1], "sent_at": day(["2024-02-05"]), "channel": "sms", "cost": 0.05})
    >>> followed_after_dormancy(orders, "2024-06-30", lot, sent, "wake up", "sms", "none", dormant_after_days=30,
    ...                         window_days=60)[["customer_id", "group", "dormant_on", "orders", "message_cost"]]
       customer_id            group dormant_on  orders  message_cost
    0            1     with_message 2024-02-01       1          0.05
    1            2  without_message 2024-02-01       0          0.00
    """
    order_log.one_of("start", start, STARTS)
    order_log.at_least_one("dormant_after_days", dormant_after_days)
    order_log.at_least_one("window_days", window_days)
    until = order_log.day_number(observed_until, "observed_until")
    lot = _lot(assignments, experiment, message_arm, holdout_arm, until)
    if isinstance(lot, Refused):
        return lot
    rule = order_log.contribution_rule(orders, until, gross_margin)
    bought = _orders_of(orders, assignments, experiment, until, refunds, rule)
    sent = _messages_of(messages, assignments, experiment, channel, cost_per_message, until)
    starts = _starts(bought, lot, dormant_after_days, start)
    # First who can be followed, then the doubts: customers not dormant yet would thin out those messaged too early.
    starts = starts[starts["dormant_day"] + window_days - 1 <= until]
    if doubt := (_sent_early(starts, sent) if start == "dormancy" else None) or _out_of_balance(starts):
        return doubt
    table = _outcomes(starts, bought, sent, window_days)
    worth = math.nan if rule == "none" else order_log.earned_per_minor(rule, gross_margin)
    table["contribution"] = table["contribution"] * worth
    table.attrs = {
        "experiment": experiment,
        "dormant_after_days": int(dormant_after_days),
        "window_days": int(window_days),
        "start": start,
        "refunds": order_log.refund_rule(orders, refunds),
        "contribution": rule,
        "gross_margin": gross_margin,
    }
    return table


def value_of_message(
    followed: pd.DataFrame | Refused, level: float = LEVEL, seed: int = 1
) -> dict[str, Estimate | Refused]:
    """What dormant customers buy with and without messages, and what the messages are worth.

    table (one customer)  ->  dict of Estimate or Refused, its keys `VALUE_KEYS`

    Parameters
    ----------
    followed : DataFrame or Refused
        From `followed_after_dormancy`; a Refused is handed on under every key.
    level : float
        Coverage of the intervals.
    seed : int
        Of the resampling in the means of one side.

    Returns
    -------
    dict of Estimate; of Refused where either side has fewer than 100 customers, the contribution or a cost is unknown,
    or no message was sent. Per customer of the side, in the window, by assignment
        customers_with_message, customers_without_message : counted.
        share_..., orders_..., revenue_with_message and _without_message : what each side did (Wilson for shares,
            bootstrap-t for means).
        share_difference, orders_difference, revenue_difference : what the messages added.
        contribution_difference : the same of contribution, before the cost of messages.
        messages_per_customer, cost_per_customer : of the side with messages.
        net_value_per_customer : contribution less the cost of messages, with less without.
        break_even_cost_per_message : the cost of one message at which the net value is 0. Below 0: they would not pay
            at any cost.

    Raises
    ------
    ValueError
        For a level outside 0 to 1.

    Notes
    -----
    Difference of shares: Newcombe (1998), method 10, by `statsmodels.stats.proportion.confint_proportions_2indep`. Of
    means: Welch (1947), one value a customer; tests/calibration/test_win_back.py counts how often it covers with
    skewed spend and unequal sides. Break-even: the ratio of two differences, by linearisation.

    Example
    -------
    >>> table = pd.DataFrame({"customer_id": range(400), "group": ["with_message", "without_message"] * 200,
    ...                       "came_back": [True, False, False, False] * 100, "orders": [1, 0, 0, 0] * 100,
    ...                       "revenue": [80.0, 0, 0, 0] * 100, "contribution": [40.0, 0, 0, 0] * 100,
    ...                       "messages": [1, 0] * 200, "message_cost": [0.5, 0] * 200})
    >>> found = value_of_message(table)
    >>> found["share_difference"].value, found["net_value_per_customer"].value
    (0.5, 19.5)
    >>> found["break_even_cost_per_message"].value
    20.0
    """
    check_level(level)
    if isinstance(followed, Refused):
        return dict.fromkeys(VALUE_KEYS, followed)
    sides = [followed[followed["group"] == side] for side in (WITH_MESSAGE, WITHOUT_MESSAGE)]
    fewest = min(map(len, sides))
    if fewest < MEAN_AT_LEAST:
        return dict.fromkeys(VALUE_KEYS, _too_few(fewest))
    if sides[0]["messages"].mean() <= sides[1]["messages"].mean():
        return dict.fromkeys(VALUE_KEYS, _no_message())
    rule = _window_words(followed.attrs)
    found = _of_each_side(sides, rule, level, seed)
    found["share_difference"] = _share_difference(sides, rule, level)
    for name, unit in (("orders", "orders per customer"), ("revenue", "money per customer")):
        values = [part[name].to_numpy(dtype=float) for part in sides]
        found[f"{name}_difference"] = _difference(values, unit, name, rule, level)
    found |= _worth(sides, rule, level, seed)
    return {key: found[key] for key in VALUE_KEYS}


# --- the two sides of the lot ---


def _lot(assignments: Any, experiment: str, message_arm: str, holdout_arm: str, until: int) -> pd.DataFrame | Refused:
    """Customers of the two sides: customer_id, assigned_at, assigned_day, group, chance."""
    frame = _of_experiment(assignments, experiment)
    kinds = frame.collect_schema()
    home = frame.select(
        "customer_id",
        order_log.as_moment("assigned_at", kinds).alias("assigned_at"),
        nw.col("arm").cast(nw.String),
        order_log.as_number("probability", kinds).alias("chance"),
    )
    home = home.filter(~nw.col("customer_id").is_null()).collect("pandas").to_native()
    home["assigned_day"] = _days(home["assigned_at"])
    home["group"] = home["arm"].map({message_arm: WITH_MESSAGE, holdout_arm: WITHOUT_MESSAGE})
    home = home[home["group"].notna() & (home["assigned_day"] <= until)]
    if home["customer_id"].duplicated().any():
        raise ValueError(f"a customer was assigned more than once in {experiment!r}: keep the first lot of each")
    for side in (WITH_MESSAGE, WITHOUT_MESSAGE):
        chances = home.loc[home["group"] == side, "chance"]
        if chances.empty:
            return no_lot()
        if not chances.max() - chances.min() <= 1e-9:
            return _unequal_chances(chances)
    return _out_of_balance(home) or home.drop(columns="arm")


def _of_experiment(assignments: Any, experiment: str) -> nw.LazyFrame:
    frame = order_log.lazy(assignments)
    order_log.has_columns(frame.collect_schema().names(), REQUIRES["assignments"])
    return frame.filter(nw.col("experiment").cast(nw.String) == experiment)


def _orders_of(orders: Any, assignments: Any, experiment: str, until: int, refunds: str, rule: str) -> pd.DataFrame:
    """Orders of the customers in the lot: customer_id, ordered_at, day, minor, earned (0 where it is not known)."""
    facts = order_log.paid_orders(orders, until, "month", refunds, rule=rule)
    if rule == "none":
        facts = facts.with_columns(nw.lit(0).alias("earned"))
    facts = facts.join(_of_experiment(assignments, experiment).select("customer_id"), on="customer_id", how="semi")
    columns = ("customer_id", "ordered_at", "day", "minor", "earned", "unpriced")
    home = facts.select(*columns).collect("pandas").to_native()
    home = order_log.priced(home).drop(columns="unpriced")
    home["ordered_at"] = pd.to_datetime(home["ordered_at"])
    return home.astype(dict.fromkeys(("day", "minor", "earned"), "int64"))


def _messages_of(messages, assignments, experiment, channel, cost_per_message, until: int) -> pd.DataFrame:
    """Messages under test to the customers in the lot: customer_id, sent_at, day, cost."""
    frame = order_log.lazy(messages)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), REQUIRES["messages"])
    if channel is not None:
        frame = frame.filter(
            nw.col("channel").cast(nw.String).is_in([channel] if isinstance(channel, str) else channel)
        )
    if "kind" in kinds.names():
        frame = frame.filter((nw.col("kind").cast(nw.String) != "service") | nw.col("kind").is_null())
    cost = order_log.as_number("cost", kinds) if "cost" in kinds.names() else nw.lit(None).cast(nw.Float64)
    frame = frame.join(_of_experiment(assignments, experiment).select("customer_id"), on="customer_id", how="semi")
    sent_at = order_log.as_moment("sent_at", kinds).alias("sent_at")
    home = frame.select("customer_id", sent_at, cost.alias("cost")).collect("pandas").to_native()
    home["day"] = _days(home["sent_at"])
    home["cost"] = home["cost"].astype("float64").fillna(math.nan if cost_per_message is None else cost_per_message)
    return home[home["day"] <= until]


def _days(moments: pd.Series) -> pd.Series:
    """Days since 1970-01-01."""
    if moments.isna().any():
        raise ValueError(f"{moments.name} is blank in some rows: complete them, or leave them out and say so")
    return (pd.to_datetime(moments).dt.normalize() - pd.Timestamp(0)).dt.days.astype("int64")


def _starts(bought: pd.DataFrame, lot: pd.DataFrame, dormant_after_days: int, start: str) -> pd.DataFrame:
    """When each customer was first found dormant: customer_id, group, chance, assigned_at, dormant_day, since.

    A spell begins with an order. It counts from the lot, if the customer was dormant then, or from the first day on
    which it is long enough, at midnight; only orders before that moment are looked at.
    """
    spells = bought.merge(lot, on="customer_id").sort_values(["customer_id", "ordered_at"], ignore_index=True)
    later = spells.groupby("customer_id")[["ordered_at", "day"]].shift(-1)
    first_dormant = spells["day"] + dormant_after_days + 1
    asleep = (spells["ordered_at"] < spells["assigned_at"]) & (first_dormant <= spells["assigned_day"])
    asleep &= later["ordered_at"].isna() | (later["ordered_at"] >= spells["assigned_at"])
    falling = (first_dormant > spells["assigned_day"]) & (later["day"].isna() | (later["day"] >= first_dormant))
    spells["dormant_day"] = np.where(asleep, spells["assigned_day"], first_dormant)
    midnight = pd.Timestamp(0) + pd.to_timedelta(first_dormant, unit="D")
    spells["since"] = spells["assigned_at"].where(asleep, midnight)
    spells = spells[asleep | falling] if start == "dormancy" else spells[asleep]
    first = spells.sort_values("dormant_day", kind="stable").drop_duplicates("customer_id")
    kept = ["customer_id", "group", "chance", "assigned_at", "dormant_day", "since"]
    return first.sort_values("customer_id", ignore_index=True)[kept]


def _sent_early(starts: pd.DataFrame, sent: pd.DataFrame) -> Refused | None:
    """Refused when messages under test came before the start: who is dormant would then be their doing."""
    ours = starts[starts["group"] == WITH_MESSAGE].merge(sent[["customer_id", "sent_at"]], on="customer_id")
    early = ours[(ours["sent_at"] >= ours["assigned_at"]) & (ours["sent_at"] < ours["since"])]
    customers, reached = int((starts["group"] == WITH_MESSAGE).sum()), early["customer_id"].nunique()
    if reached <= EARLY_AT_MOST * customers:
        return None
    return Refused(
        "messages only after dormancy",
        reached / customers,
        EARLY_AT_MOST,
        f"触达组里 {reached / customers:.1%} 的客户在沉睡之前就收到过要检验的消息，"
        "哪些人会沉睡已受消息影响，两组不再可比；请缩短沉睡天数，或只看分组时已经沉睡的客户。",
        f"{reached / customers:.1%} of the customers in the message group were sent such messages before they became "
        "dormant, so the messages helped decide who did, and the two groups are not alike: take fewer days, or only "
        "customers who were dormant when the lot was drawn.",
    )


def _out_of_balance(customers: pd.DataFrame) -> Refused | None:
    """Refused when the sides are not as large as the lot says, by more than chance allows (sample ratio mismatch)."""
    chance = customers.groupby("group")["chance"].first()
    if len(chance) < 2:
        return None
    expected = float(chance[WITH_MESSAGE] / chance.sum())
    reached = int((customers["group"] == WITH_MESSAGE).sum())
    if stats.binomtest(reached, len(customers), expected).pvalue >= BALANCE_AT_LEAST:
        return None
    seen = reached / len(customers)
    return Refused(
        "sides as drawn",
        seen,
        expected,
        f"按分组概率，触达组应占 {expected:.1%}，实际占 {seen:.1%}，超出偶然范围：分组或数据有问题，不能比较。",
        f"By the lot {expected:.1%} should be in the message group and {seen:.1%} are, more than chance allows: "
        "something is wrong with the lot or the data, and the groups cannot be compared.",
    )


def _outcomes(starts: pd.DataFrame, bought: pd.DataFrame, sent: pd.DataFrame, window_days: int) -> pd.DataFrame:
    """What each customer did, and was sent, from the start to the end of the window."""
    keys = starts[["customer_id", "since", "dormant_day"]]

    def inside(events: pd.DataFrame, moment: str) -> pd.core.groupby.DataFrameGroupBy:
        both = events.merge(keys, on="customer_id")
        both = both[(both[moment] >= both["since"]) & (both["day"] <= both["dormant_day"] + window_days - 1)]
        return both.groupby("customer_id")

    orders, mail = inside(bought, "ordered_at"), inside(sent, "sent_at")
    table = starts.set_index("customer_id")
    table["orders"] = orders.size().reindex(table.index, fill_value=0).astype("int64")
    table["came_back"] = table["orders"] > 0
    table["revenue"] = orders["minor"].sum().reindex(table.index, fill_value=0) / order_log.MONEY_SCALE
    table["contribution"] = orders["earned"].sum().reindex(table.index, fill_value=0) / order_log.MONEY_SCALE
    table["messages"] = mail.size().reindex(table.index, fill_value=0).astype("int64")
    # One message of unknown cost makes the sum unknown.
    cost = mail["cost"].sum().where(mail["cost"].count() == mail.size()) if len(sent) else pd.Series(dtype="float64")
    table["message_cost"] = cost.reindex(table.index, fill_value=0.0).astype("float64")
    table["dormant_on"] = pd.Timestamp(0) + pd.to_timedelta(table["dormant_day"], unit="D")
    return table.reset_index()[FOLLOWED_COLUMNS]


# --- estimates ---


def _of_each_side(sides: list[pd.DataFrame], rule: Words, level: float, seed: int) -> dict[str, Estimate | Refused]:
    """Customers, share who came back, orders and revenue per customer of each side."""
    found: dict[str, Estimate | Refused] = {}
    names = {"with_message": Words("触达组", "Message group"), "without_message": Words("对照组", "Holdout group")}
    for (side, name), part in zip(names.items(), sides, strict=True):

        def words(zh: str, en: str, name: Words = name) -> Words:
            return Words(f"{name.zh}：{zh}；{rule.zh}", f"{name.en}: {en}; {rule.en}")

        n, function = len(part), value_of_message
        what = words("沉睡客户数", "dormant customers")
        found[f"customers_{side}"] = Estimate.exact(n, n, "customers", what, function)
        what = words("再次下单的客户占比", "share who ordered again")
        found[f"share_{side}"] = share(int(part["came_back"].sum()), n, level, what, function)
        what = words("人均订单数", "orders per customer")
        unit = "orders per customer"
        found[f"orders_{side}"] = mean_per_customer(part["orders"], level, seed, what, dotted_name(function), unit)
        what = words("人均销售额", "revenue per customer")
        found[f"revenue_{side}"] = mean_per_customer(part["revenue"], level, seed, what, dotted_name(function))
    return found


def _share_difference(sides: list[pd.DataFrame], rule: Words, level: float) -> Estimate:
    counts = [value for part in sides for value in (int(part["came_back"].sum()), len(part))]
    low, high = confint_proportions_2indep(*counts, method="newcomb", compare="diff", alpha=1 - level)
    value = counts[0] / counts[1] - counts[2] / counts[3]
    n = counts[1] + counts[3]
    return Estimate(value, low, high, level, n, "share", _difference_words("came_back", rule), value_of_message)


def _difference(values: list[np.ndarray], unit: str, name: str, rule: Words, level: float) -> Estimate:
    """Mean of the first side less mean of the second, with Welch's interval."""
    value, half = _welch(*values, level)
    n = sum(map(len, values))
    definition = _difference_words(name, rule)
    return Estimate(value, value - half, value + half, level, n, unit, definition, value_of_message)


def _welch(one: np.ndarray, other: np.ndarray, level: float) -> tuple[float, float]:
    """Difference of means and half the width of its interval; sorted, so that the order of rows cannot show."""
    one, other = np.sort(one), np.sort(other)
    a, b = one.var(ddof=1) / len(one), other.var(ddof=1) / len(other)
    if a + b == 0:
        return one.mean() - other.mean(), 0.0
    freedom = (a + b) ** 2 / (a**2 / (len(one) - 1) + b**2 / (len(other) - 1))
    return one.mean() - other.mean(), stats.t.ppf((1 + level) / 2, freedom) * math.sqrt(a + b)


def _worth(sides: list[pd.DataFrame], rule: Words, level: float, seed: int) -> dict[str, Estimate | Refused]:
    """Contribution, cost and net value of the messages per customer, and the cost at which they break even."""
    columns = ("contribution", "messages", "message_cost")
    earned, mail, cost = ([part[name].to_numpy(dtype=float) for part in sides] for name in columns)
    name = dotted_name(value_of_message)
    words = Words(f"触达组人均消息数；{rule.zh}", f"Messages per customer of the message group; {rule.en}")
    found: dict[str, Estimate | Refused] = {
        "messages_per_customer": mean_per_customer(mail[0], level, seed, words, name, "messages per customer")
    }
    known = not any(np.isnan(side).any() for side in cost)
    words = Words(f"触达组人均消息成本；{rule.zh}", f"Cost of messages per customer of the message group; {rule.en}")
    found["cost_per_customer"] = mean_per_customer(cost[0], level, seed, words, name) if known else _no_cost()
    if any(np.isnan(side).any() for side in earned):
        unknown = ("contribution_difference", "net_value_per_customer", "break_even_cost_per_message")
        return found | dict.fromkeys(unknown, order_log.no_contribution())
    unit = "money per customer"
    found["contribution_difference"] = _difference(earned, unit, "contribution", rule, level)
    net = [gain - spent for gain, spent in zip(earned, cost, strict=True)]
    found["net_value_per_customer"] = _difference(net, unit, "net", rule, level) if known else _no_cost()
    found["break_even_cost_per_message"] = _break_even(earned, mail, rule, level)
    return found


def _break_even(earned: list[np.ndarray], mail: list[np.ndarray], rule: Words, level: float) -> Estimate:
    """Contribution that one message adds: difference of contributions / difference of messages, linearised."""
    gain, more = _welch(*earned, level)[0], mail[0].mean() - mail[1].mean()
    value = gain / more
    half = _welch(*(g - value * m for g, m in zip(earned, mail, strict=True)), level)[1] / more
    words = Words(
        f"每条消息的保本成本：多带来的贡献毛利 ÷ 多发的消息数；{rule.zh}",
        f"Cost of one message at which its net value is 0: contribution added / messages added; {rule.en}",
    )
    n = sum(map(len, earned))
    return Estimate(value, value - half, value + half, level, n, "money per message", words, value_of_message)


# --- words ---

DIFFERENCES = {
    "came_back": Words("再次下单的客户占比", "share who ordered again"),
    "orders": Words("人均订单数", "orders per customer"),
    "revenue": Words("人均销售额", "revenue per customer"),
    "contribution": Words("人均贡献毛利（未扣消息成本）", "contribution per customer before cost of messages"),
    "net": Words("人均净收益（贡献毛利减消息成本）", "contribution less cost of messages per customer"),
}


def _difference_words(name: str, rule: Words) -> Words:
    what = DIFFERENCES[name]
    return Words(
        f"触达组减对照组：{what.zh}；按分组计算，不论消息是否送达；{rule.zh}",
        f"Message group less holdout group: {what.en}; as assigned, whether or not a message arrived; {rule.en}",
    )


def _window_words(facts: dict[str, Any]) -> Words:
    """Who was followed, from when and for how long."""
    if "window_days" not in facts:  # a file or a merge has lost it
        return Words("口径同原表。", "rules as in the table.")
    days, window = facts["dormant_after_days"], facts["window_days"]
    start = {
        "dormancy": Words(
            f"从首次超过 {days} 天未下单之日算起",
            f"from the first day a customer was over {days} days without an order",
        ),
        "assignment": Words(f"分组时已超过 {days} 天未下单", f"customers over {days} days without an order at the lot"),
    }[facts["start"]]
    refunds = order_log.REFUND_WORDS[facts["refunds"]]
    if facts["contribution"] != "none":
        earned = order_log.contribution_words(facts["contribution"], facts["gross_margin"])
        refunds = Words(f"{refunds.zh}；{earned.zh}", f"{refunds.en}; {earned.en}")
    return Words(
        f"{start.zh}，观察 {window} 天；{refunds.zh}。", f"{start.en}, followed for {window} days; {refunds.en}."
    )


def no_lot() -> Refused:
    """Say that no value of a message can be stated, because nobody was kept from it by lot.

    Example
    -------
    >>> no_lot().gate
    'a lot'
    """
    return Refused(
        "a lot",
        0,
        1,
        "没有随机留出一部分沉睡客户不发消息：分不清哪些订单因消息而来、哪些本来就会有，召回的增量算不出来。",
        "No random group of dormant customers was left without messages, so what a message adds cannot be told from "
        "what they would buy anyway.",
    )


def _unequal_chances(chances: pd.Series) -> Refused:
    seen = f"{chances.min():g} to {chances.max():g}"
    return Refused(
        "one chance for all",
        seen,
        "one value",
        "同一组客户的分组概率不一致，直接比较会有偏差；请把概率相同的客户分开来看。",
        "The chance of a side differed between customers, so a plain comparison would be biased: look at customers of "
        "one chance at a time.",
    )


def _too_few(fewest: int) -> Refused:
    return Refused(
        "customers on either side",
        fewest,
        MEAN_AT_LEAST,
        f"较小的一组只有 {fewest} 位观察满期的沉睡客户，少于 {MEAN_AT_LEAST} 位，消息的增量价值给不出。",
        f"The smaller side has {fewest} dormant customers observed for the whole window; below {MEAN_AT_LEAST} what a "
        "message adds cannot be stated.",
    )


def _no_message() -> Refused:
    return Refused(
        "messages sent",
        0,
        "> 0",
        "观察期内触达组没有比对照组多收到消息，没有可以检验的触达。",
        "In the window the message group was sent no more messages than the holdout group: there is nothing to judge.",
    )


def _no_cost() -> Refused:
    zh = "有消息没有成本记录，算不出触达成本和净收益。"
    en = "Some messages have no cost: neither the cost of the messages nor the net value can be stated."
    return Refused("cost of messages", "unknown", "a cost for each", zh, en)
