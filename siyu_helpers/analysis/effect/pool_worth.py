"""What a customer who joins the pool is worth in money: contribution that joining adds, against what the pool costs.

The effect is the contribution that joining adds per joiner over the horizon, before messages and the pool's costs. The
pool's cost (staff, tools, incentives, content) comes from `pool_costs`, and is stated in two ways: per joiner, all of
it over those who joined in these months, as if the pool existed to be joined; and per member and month of membership,
as it serves those who stay. The second is set against an effect over some days; the first has to be paid back in time.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.acquisition import cost_inputs
from siyu_helpers.analysis.effect.results import Effect, Effects, combined
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

REQUIRES = {"pool_costs": ["month", "amount"], "members": ["customer_id", "joined_at"]}
MONTHS = 12
DAYS_A_MONTH = 365.25 / 12
BLOCK_DAYS = order_log.BLOCK_DAYS["month"]
KEYS = (
    "contribution_per_joiner", "cost_months", "pool_cost", "joiners", "member_months",
    "pool_cost_per_joiner", "pool_cost_per_member_month", "pool_cost_per_member", "message_cost_per_member",
    "cost_per_member", "net_per_joiner", "return_per_money", "break_even_effect",
    "net_per_joiner_all_costs", "payback_months",
)  # fmt: skip
MONTH_COLUMNS = ["month", "pool_cost", "joiners", "member_months"]
WORDS = {  # {days}: of the horizon; {sent}: whether messages are in the cost; {span}: the months counted
    "contribution_per_joiner": Words(
        "每位加入者 {days} 天内因加入而多出的贡献毛利，未扣消息与私域费用",
        "contribution that joining adds per joiner within {days} days, before messages and the pool's costs",
    ),
    "cost_months": Words("计入费用的月数；{span}", "months whose costs are counted; {span}"),
    "pool_cost": Words(
        "私域费用合计（人员、工具、激励、内容）；{span}", "the pool's costs (staff, tools, incentives, content); {span}"
    ),
    "joiners": Words("首次加入私域的客户数；{span}", "customers who joined for the first time; {span}"),
    "member_months": Words(
        "全部私域客户在私域内的月数合计；{span}", "months of membership, all members together; {span}"
    ),
    "pool_cost_per_joiner": Words(
        "私域全部费用 ÷ 同期首次加入的客户数；{span}", "all the pool's costs / customers who first joined; {span}"
    ),
    "pool_cost_per_member_month": Words(
        "私域全部费用 ÷ 私域客户在私域内的月数；{span}", "all the pool's costs / months of membership; {span}"
    ),
    "pool_cost_per_member": Words(
        "每位私域客户 {days} 天的私域费用，按在私域内的时间分摊；{span}",
        "the pool's cost of a member over {days} days, by time of membership; {span}",
    ),
    "message_cost_per_member": Words(
        "每位私域客户 {days} 天的消息费用，按在私域内的时间分摊；{blank} 条消息没有写明费用，按 0 计",
        "messages to a member over {days} days, by time of membership; {blank} messages without a cost count 0",
    ),
    "cost_per_member": Words(
        "每位私域客户 {days} 天的私域费用{sent}", "the pool's cost{sent} of a member over {days} days"
    ),
    "break_even_effect": Words(
        "盈亏平衡：加入在 {days} 天内至少要多带来的贡献毛利，等于每位私域客户同期的私域费用{sent}",
        "break-even: contribution that joining has to add within {days} days to pay the pool's cost{sent} of a member",
    ),
    "net_per_joiner": Words(
        "每位加入者 {days} 天内多出的贡献毛利 － 每位私域客户同期的私域费用{sent}；区间只含效果的误差",
        "contribution that joining adds within {days} days, less the pool's cost{sent} of a member over as long; "
        "interval of the effect",
    ),
    "return_per_money": Words(
        "私域费用{sent}每花 1 元，{days} 天内多带来的贡献毛利；区间只含效果的误差",
        "contribution added within {days} days per 1 of the pool's cost{sent}; interval of the effect",
    ),
    "net_per_joiner_all_costs": Words(
        "每位加入者 {days} 天内多出的贡献毛利 － 分摊到加入者的全部私域费用{sent}；{days} 天之后的效果不计，"
        "因此是下限；区间只含效果的误差",
        "contribution added within {days} days, less all the pool's costs per joiner{sent}; what joining adds later is "
        "left out; interval of the effect",
    ),
    "payback_months": Words(
        "加入后第几个 30 天，每位加入者累计多出的贡献毛利（扣消息）首次不低于其分摊的全部私域费用；区间只含效果的误差",
        "which 30 days since joining first bring the added contribution, less messages, to the pool's cost per joiner; "
        "interval of the effects",
    ),
}


def worth_per_joiner(
    effect: Effect | None,
    pool_costs: Any,
    members: Any,
    observed_until: order_log.DateLike,
    horizon_days: int = 90,
    by_month: Effects | Mapping[Any, Effect] | Sequence[Effect] | None = None,
    messages: Any = None,
    months: int | None = MONTHS,
) -> dict[str, Estimate | Refused]:
    """Set the contribution that joining adds against what the pool costs, per joiner.

    Effect, pool_costs (month x item), members (one stay), messages (one message)  ->  dict of Estimate or Refused

    Parameters
    ----------
    effect : Effect, optional
        Contribution added per joiner over the horizon, before messages and the pool's costs.
    pool_costs : any frame that narwhals takes, or None
        month, amount [item]. A month without a row is not known, not free: it is left out, with its joiners.
    members : frame of the same kind
        customer_id, joined_at [left_at].
    observed_until : date
        Last day of the data; a month that it cuts short is left out.
    horizon_days : int
        Days that the effect is over.
    by_month : Effects, dict or list of Effect, optional
        Contribution added in each 30 days since joining, the first first: how the effect fades.
    messages : frame, optional
        customer_id, sent_at [cost]: those to customers who have joined are charged; a blank cost counts 0 and is told.
    months : int, optional
        So many of the last months with costs; None: all of them.

    Returns
    -------
    dict, its keys `KEYS`; exact where it is counted, with the effect's interval where it rests on it
        contribution_per_joiner : the effect. cost_months, pool_cost, joiners, member_months : what was counted, joiners
        by their first joining. pool_cost_per_joiner : all costs / joiners. pool_cost_per_member_month : all costs /
        months of membership. pool_cost_per_member, message_cost_per_member : of a member over the horizon;
        cost_per_member : both. net_per_joiner : contribution less cost_per_member. return_per_money : contribution /
        cost_per_member. break_even_effect : cost_per_member, the effect at which the two are equal.
        net_per_joiner_all_costs : contribution less all costs per joiner and messages; a lower bound while the effect
        goes on after the horizon.
        payback_months : first of the 30-day months by whose end the added contribution, less messages, has paid the
        pool's cost per joiner; its upper end is infinite where the lower end of the effects has not by the last month.

    Raises
    ------
    ValueError
        For missing columns, a blank or negative amount, or parameters out of range.

    Example
    -------
    >>> cost = pd.DataFrame({"month": pd.to_datetime(["2024-01-01", "2024-02-01"]), "amount": [300.0, 300.0]})
    >>> stays = pd.DataFrame({"customer_id": range(10), "joined_at": pd.to_datetime(["2024-01-01"] * 10)})
    >>> found = worth_per_joiner(Effect(90.0, 6.0, 80.0, 100.0, 0.9, 500), cost, stays, "2024-02-29", 61)
    >>> [round(found[key].value, 1) for key in ("pool_cost_per_joiner", "pool_cost_per_member_month", "net_per_joiner")]
    [60.0, 30.0, 29.9]
    >>> round(found["net_per_joiner"].low, 1), found["message_cost_per_member"].gate
    (19.9, 'messages')
    """
    order_log.at_least_one("horizon_days", horizon_days)
    found: dict[str, Estimate | Refused] = {"contribution_per_joiner": _contribution(effect, horizon_days)}
    table = pool_months(pool_costs, members, observed_until, months)
    found |= _costs(table, horizon_days)
    found["message_cost_per_member"] = _message_cost(messages, members, table, horizon_days)
    found |= _balance(found, horizon_days)
    found["payback_months"] = payback_months(
        by_month, found["pool_cost_per_joiner"], found["message_cost_per_member"], horizon_days
    )
    return {key: found[key] for key in KEYS}


def pool_months(
    pool_costs: Any, members: Any, observed_until: order_log.DateLike, months: int | None = MONTHS
) -> pd.DataFrame:
    """Costs, joiners and months of membership of each whole month whose costs are known.

    pool_costs (month x item), members (one stay)  ->  table (month)

    Parameters
    ----------
    As in `worth_per_joiner`.

    Returns
    -------
    DataFrame
        month : "2024-06". pool_cost : all items. joiners : customers whose first stay began in it. member_months :
        days that customers were in the pool, over the days of the month; a customer with two accounts counts once.

    Example
    -------
    >>> cost = pd.DataFrame({"month": pd.to_datetime(["2024-04-01", "2024-06-01"]), "amount": [300.0, 300.0]})
    >>> stays = pd.DataFrame({"customer_id": [1, 1, 2]})
    >>> stays["joined_at"] = pd.to_datetime(["2024-04-16", "2024-04-20", "2024-06-16"])
    >>> pool_months(cost, stays, "2024-06-30").round(2).to_numpy().tolist()
    [['2024-04', 300.0, 1, 0.5], ['2024-06', 300.0, 1, 1.5]]
    """
    until = order_log.day_number(observed_until, "observed_until")
    if months is not None:
        order_log.at_least_one("months", months)
    if pool_costs is None or members is None:
        return pd.DataFrame(columns=MONTH_COLUMNS)
    paid = cost_inputs.pool_costs_by_month(pool_costs, until)
    ends = paid["month"].map(lambda number: cost_inputs.first_and_last_day(int(number), "month")[1])
    paid = paid[(ends <= until).to_numpy(dtype=bool)]
    paid = paid.sort_values("month").tail(len(paid) if months is None else months)
    days, first = _stays(members, until)
    rows = []
    for number, minor in zip(paid["month"], paid["minor"], strict=True):
        begin, last = cost_inputs.first_and_last_day(int(number), "month")
        inside = np.minimum(days["end"], last + 1) - np.maximum(days["begin"], begin)
        rows.append((order_log.period_label(int(number), "month"), minor / order_log.MONEY_SCALE,
                     int(((first >= begin) & (first <= last)).sum()),
                     float(np.maximum(inside, 0).sum() / (last + 1 - begin))))  # fmt: skip
    return pd.DataFrame(rows, columns=MONTH_COLUMNS)


def payback_months(
    by_month: Effects | Mapping[Any, Effect] | Sequence[Effect] | None,
    cost_per_joiner: Estimate | Refused,
    message_cost: Estimate | Refused | None = None,
    horizon_days: int = 90,
) -> Estimate | Refused:
    """After how many months since joining the added contribution has paid what a joiner cost.

    Effects (30 days since joining)  ->  Estimate (months) or Refused

    Parameters
    ----------
    by_month : Effects, dict or list of Effect
        Contribution added per joiner in each 30 days since joining.
    cost_per_joiner : Estimate
        Paid at once.
    message_cost : Estimate, optional
        Messages to a member over the horizon; taken off month by month. Refused or None: not taken off.
    horizon_days : int
        Days that the message cost is over.

    Returns
    -------
    Estimate in months; Refused where the months known do not pay it back, because what comes after is not guessed.

    Example
    -------
    >>> fades = [Effect(value, 1.0, value - 1.645, value + 1.645, 0.9, 100) for value in (30.0, 20.0, 10.0)]
    >>> cost = Estimate.exact(45.0, 10, "money per customer", "cost", "f")
    >>> paid = payback_months(fades, cost)
    >>> paid.value, paid.low, paid.high
    (2.0, 2.0, 2.0)
    """
    if isinstance(cost_per_joiner, Refused):
        return cost_per_joiner
    parts = _parts(by_month)
    if not parts or not all(math.isfinite(part.value) and math.isfinite(part.standard_error) for part in parts):
        return _no_effect(
            "没有按加入后逐月估计的贡献毛利效果，无法计算回本时间。",
            "There is no effect on contribution by month since joining, so no time to pay back.",
        )
    texts = message_cost.value * BLOCK_DAYS / horizon_days if isinstance(message_cost, Estimate) else 0.0
    level, n = parts[0].level, parts[0].n
    z = stats.norm.ppf((1 + level) / 2)
    value, high, low = math.inf, math.inf, math.inf
    for month in range(1, len(parts) + 1):
        total, error = _sum(parts[:month])
        earned = total - texts * month
        reached = [earned >= cost_per_joiner.value, earned - z * error >= cost_per_joiner.value,
                   earned + z * error >= cost_per_joiner.value]  # fmt: skip
        value, high, low = (
            min(end, month) if there else end for end, there in zip((value, high, low), reached, strict=True)
        )
    if not math.isfinite(value):
        total, _ = _sum(parts)
        earned = total - texts * len(parts)
        return Refused(
            *("payback", round(earned, 2), round(cost_per_joiner.value, 2)),
            f"加入后的前 {len(parts)} 个 30 天里，每位加入者多出的贡献毛利（扣消息后）还没有收回其分摊的私域费用；"
            "之后的效果没有数据，不做外推。",
            f"In the first {len(parts)} months of thirty days the contribution added, less messages, has not covered "
            "the pool's cost charged to those who joined; what comes later is not known and not guessed.",
        )
    return Estimate(value, low, high, level, n, "months", WORDS["payback_months"], payback_months)


# --- what it is made of ---


def _contribution(effect: Effect | None, horizon_days: int) -> Estimate | Refused:
    if effect is None or not all(math.isfinite(end) for end in (effect.value, effect.low, effect.high)):
        return _no_effect(
            "没有加入私域对贡献毛利的效果估计，无法与费用比较。",
            "There is no estimate of what joining adds to contribution to set against the cost.",
        )
    return effect.estimate("money per customer", _words("contribution_per_joiner", days=horizon_days), worth_per_joiner)


def _words(key: str, zh: Mapping[str, Any] | None = None, en: Mapping[str, Any] | None = None, **both: Any) -> Words:
    """Definition of a key with what depends on the data filled in."""
    return Words(WORDS[key].zh.format(**both, **(zh or {})), WORDS[key].en.format(**both, **(en or {})))


def _no_effect(zh: str, en: str) -> Refused:
    return Refused("effect", "none", "an effect on contribution", zh, en)


def _costs(table: pd.DataFrame, horizon_days: int) -> dict[str, Estimate | Refused]:
    if table.empty:
        return dict.fromkeys(KEYS[1:8], Refused(
            "pool_costs", 0, 1,
            "没有任何一个完整月份的私域费用（pool_costs），或没有私域客户（members）的数据，私域成本不详。",
            "There is no whole month with the pool's costs (pool_costs), or no table members: the cost is not known.",
        ))  # fmt: skip
    cost, joiners, stayed = (float(table[name].sum()) for name in MONTH_COLUMNS[1:])
    first, last, many = table["month"].iloc[0], table["month"].iloc[-1], len(table)
    zh = {"span": f"{first} 至 {last} 中有费用记录的 {many} 个完整月"}
    en = {"span": f"{many} whole months with costs, {first} to {last}"}
    monthly = cost / stayed if stayed else math.nan
    values = {
        "cost_months": (many, "months"),
        "pool_cost": (cost, "money"),
        "joiners": (joiners, "customers"),
        "member_months": (stayed, "months"),
        "pool_cost_per_joiner": (cost / joiners if joiners else math.nan, "money per customer"),
        "pool_cost_per_member_month": (monthly, "money per customer"),
        "pool_cost_per_member": (monthly * horizon_days / DAYS_A_MONTH, "money per customer"),
    }
    nobody = Refused(
        *("members", 0, 1),
        "这些月份里没有人加入私域，或私域内没有客户，人均费用无从计算。",
        "Nobody joined, or nobody was in the pool, in these months: there is no cost per customer.",
    )
    return {
        key: nobody
        if math.isnan(value)
        else Estimate.exact(value, int(joiners), unit, _words(key, zh, en, days=horizon_days), worth_per_joiner)
        for key, (value, unit) in values.items()
    }


def _message_cost(messages: Any, members: Any, table: pd.DataFrame, horizon_days: int) -> Estimate | Refused:
    """Cost of the messages to a member over the horizon, from the same months as the pool's costs."""
    stayed = 0.0 if table.empty else float(table["member_months"].sum())
    if messages is None or not stayed:
        return Refused(
            *("messages", "none", "messages with their cost"),
            "没有消息记录（messages）或没有可比的月份，消息费用未计入。",
            "There is no record of messages, or no month to compare: what messages cost is not counted.",
        )
    sent, joined = order_log.lazy(messages), order_log.lazy(members)
    order_log.has_columns(sent.collect_schema().names(), ["customer_id", "sent_at"])
    since = joined.select("customer_id", order_log.as_moment("joined_at", joined.collect_schema()).alias("joined_at"))
    since = since.group_by("customer_id").agg(nw.col("joined_at").min())
    to_members = sent.join(since, on="customer_id", how="inner").filter(nw.col("sent_at") >= nw.col("joined_at"))
    last = cost_inputs.first_and_last_day(cost_inputs.period_number(table["month"].iloc[-1]), "month")[1]
    paid, blank = cost_inputs.message_costs_by_month(to_members.drop("joined_at").to_native(), last)
    counted = {cost_inputs.period_number(month) for month in table["month"]}
    cost = int(paid.loc[paid["month"].isin(counted), "minor"].sum()) / order_log.MONEY_SCALE
    value, n = cost / stayed * horizon_days / DAYS_A_MONTH, int(table["joiners"].sum())
    words = _words("message_cost_per_member", days=horizon_days, blank=f"{blank:,}")
    return Estimate.exact(value, n, "money per customer", words, worth_per_joiner)


def _balance(found: dict[str, Estimate | Refused], horizon_days: int) -> dict[str, Estimate | Refused]:
    """Contribution against cost: what is left, what one unit of money brings, and where the two are equal."""
    added, service, all_costs = (found[key] for key in (KEYS[0], "pool_cost_per_member", "pool_cost_per_joiner"))
    texts = found["message_cost_per_member"]
    sent = texts.value if isinstance(texts, Estimate) else 0.0
    zh, en = ({"sent": "与消息费用"}, {"sent": " and messages"}) if sent else ({"sent": ""}, {"sent": ""})

    def made(key: str, times: float, plus: float, unit: str = "money per customer") -> Estimate:
        ends = (end * times + plus for end in (added.value, added.low, added.high))
        words = _words(key, zh, en, days=horizon_days)
        return Estimate(*ends, added.level, added.n, unit, words, worth_per_joiner)

    costs: dict[str, Estimate | Refused] = dict.fromkeys(("cost_per_member", "break_even_effect"), service)
    if isinstance(service, Estimate):
        costs = {
            key: Estimate.exact(service.value + sent, service.n, "money per customer",
                                _words(key, zh, en, days=horizon_days), worth_per_joiner)
            for key in costs
        }  # fmt: skip
    cost = costs["cost_per_member"]
    if refused := next((part for part in (added, cost) if isinstance(part, Refused)), None):
        net: dict[str, Estimate | Refused] = dict.fromkeys(("net_per_joiner", "return_per_money"), refused)
    else:
        free = Refused(
            "cost", 0, "> 0", "私域费用为 0，没有回报倍数可言。", "The pool costs nothing: it has no return."
        )
        net = {"net_per_joiner": made("net_per_joiner", 1.0, -cost.value)}
        net["return_per_money"] = made("return_per_money", 1 / cost.value, 0.0, "times") if cost.value > 0 else free
    refused = next((part for part in (added, all_costs) if isinstance(part, Refused)), None)
    whole = refused or made("net_per_joiner_all_costs", 1.0, -all_costs.value - sent)
    return costs | net | {"net_per_joiner_all_costs": whole}


def _stays(members: Any, until: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Spans of days in the pool, those of one customer merged (begin, end: the day after the last); first joinings."""
    frame = order_log.lazy(members)
    kinds = frame.collect_schema()
    order_log.has_columns(kinds.names(), REQUIRES["members"])
    dates = [name for name in ("joined_at", "left_at") if name in kinds.names()]
    home = frame.select("customer_id", *(order_log.as_moment(name, kinds).alias(name) for name in dates))
    home = home.collect("pandas").to_native().dropna(subset=["customer_id", "joined_at"])
    spans = pd.DataFrame({"code": pd.factorize(home["customer_id"])[0], "begin": _day(home["joined_at"])})
    left = _day(home["left_at"]) if "left_at" in dates else np.full(len(home), np.nan)
    spans["end"] = np.minimum(np.where(np.isnan(left), until + 1, left), until + 1)
    spans = spans[spans["begin"] <= until].sort_values(["code", "begin", "end"], ignore_index=True)
    first = spans.groupby("code")["begin"].min().to_numpy()
    reached = spans.groupby("code")["end"].cummax().groupby(spans["code"]).shift()
    spans["begin"] = np.fmax(spans["begin"], reached)  # what an earlier stay of the customer covers counts once
    return spans[spans["end"] > spans["begin"]], first


def _day(moments: pd.Series) -> np.ndarray:
    """Days from 1970 as numbers, NaN where blank."""
    stamps = pd.to_datetime(moments).astype("datetime64[s]")
    days = (stamps.dt.normalize() - pd.Timestamp(0)).dt.days
    return days.to_numpy(dtype=float, na_value=np.nan)


def _parts(by_month: Effects | Mapping[Any, Effect] | Sequence[Effect] | None) -> list[Effect]:
    if by_month is None:
        return []
    parts = by_month.parts if isinstance(by_month, Effects) else by_month
    return [parts[key] for key in sorted(parts)] if isinstance(parts, Mapping) else list(parts)


def _sum(parts: list[Effect]) -> tuple[float, float]:
    """Sum of effects and its standard error; from one table by their influence, else as if they erred together."""
    total = sum(part.value for part in parts)
    if all(part.influence is not None for part in parts) and len({len(part.influence) for part in parts}) == 1:
        return total, combined(total, [1.0] * len(parts), parts).standard_error
    return total, sum(part.standard_error for part in parts)
