"""Inputs that a pool's own tables tell: who joins and leaves, what is sent, what it costs.

Each function puts what it finds, with where it comes from, into a `Found`; what a missing table would have told is left
out. Opens no files and draws nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect.histories import DAY, Histories
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.analysis.pool import order_inputs, pool_facts
from siyu_helpers.analysis.pool.accounts import ban_rate, recovery_rate
from siyu_helpers.analysis.pool.input_words import FIELDS
from siyu_helpers.analysis.pool.inputs import COUNTED, ESTIMATED, Origin, Quantity
from siyu_helpers.analysis.pool.pool_facts import MADE_BY, Pool, Sent


class Found:
    """Inputs as they are found: the first source that has a field keeps it."""

    def __init__(self, level: float):
        self.level = level
        self.named: dict[str, tuple[Quantity, Origin]] = {}
        self.own: set[str] = set()

    def put(self, name: str, quantity: Quantity, kind: str, words: Words, own: bool = True) -> None:
        if name not in self.named:
            self.named[name] = (quantity, Origin(kind, words))
            if own:
                self.own.add(name)

    def estimate(self, name: str, triple, n: int, words: Words) -> None:
        """An estimate within the values that the field can take."""
        what = FIELDS[name]
        value, low, high = (min(max(float(end), what.least), what.most) for end in triple)
        self.put(name, Estimate(value, low, high, self.level, n, what.unit, what.meaning, MADE_BY), ESTIMATED, words)


def put_leaving(found: Found, pool: Pool | None, sent: Sent | None, members: Any, accounts: Any, until: Any) -> dict:
    """Opt-outs, bans and other departures; the monthly exit as a fact."""
    if pool is None or not pool.leaving_recorded or not pool.member_months > 0:
        return {"monthly_exit": _nobody_left(pool)}
    linked = bool(pool.stays["account"].notna().any())
    banned = pool_facts.ban_moments(members, accounts, until)
    left = pool_facts.exits(pool, None if sent is None else sent.answered, banned)
    inside = left[left["moment"].between(pool.begin, pool.end - 1)]
    window, level, n = pool.window, found.level, len(pool.ids)
    counts = inside["why"].value_counts()
    other = int(counts.get(pool_facts.OTHER, 0))
    triple = pool_facts.hazard(other, pool.member_months, level)
    found.estimate("churn", triple, n, Words(
        f"members 表，{window.zh}：{other:,} 位客户因其他原因退出 ÷ {pool.member_months:,.0f} 人月",
        f"members, {window.en}: {other:,} left for other reasons / {pool.member_months:,.0f} months of membership",
    ))  # fmt: skip
    _bans(found, linked, members, accounts, until)
    many = len(inside)
    words = Words(
        f"每月退出私域的概率（各种原因）：{window.zh} 退出 {many:,} 人次 ÷ {pool.member_months:,.0f} 人月",
        f"probability of leaving the pool within a month, for any reason: {many:,} exits / "
        f"{pool.member_months:,.0f} months of membership, {window.en}",
    )
    triple = pool_facts.hazard(many, pool.member_months, level)
    return {"monthly_exit": pool_facts.stated(triple, level, n, "share", words)}


def _bans(found: Found, linked: bool, members: Any, accounts: Any, until: Any) -> None:
    """How often accounts are banned and who comes back, where it is known which customer was on which account."""
    rate = ban_rate(accounts, until, found.level)
    if isinstance(rate, Refused):
        return
    if not linked:
        found.put("ban_probability", 0.0, COUNTED, Words(
            "members 表没有账号，因封号退出的客户已计入自然流失",
            "members names no accounts: those lost to bans are counted in churn",
        ), own=False)  # fmt: skip
        return
    found.estimate(
        "ban_probability", (rate.value, rate.low, rate.high), rate.n, _after("accounts", "accounts", rate.definition)
    )
    back = recovery_rate(members, accounts, until, found.level)
    if isinstance(back, Estimate):
        words = _after("members 与 accounts", "members and accounts", back.definition)
        found.estimate("recovery", (back.value, back.low, back.high), back.n, words)


def _after(zh: str, en: str, words: Words) -> Words:
    return Words(f"{zh} 表：{words.zh}", f"{en}: {words.en}")


def _nobody_left(pool: Pool | None) -> Refused:
    if pool is None:
        return no_members()
    return Refused(
        *("left_at", "none", "when customers left the pool"),
        "members 表没有退出时间（left_at），或私域开通后没有完整的月份，退出率无从计算。",
        "Members has no left_at, or there is no whole month since the pool opened: the rate of leaving is not known.",
    )


def no_members() -> Refused:
    """Refusal for want of anybody recorded as having joined."""
    return Refused(
        *("members", 0, 1), "没有客户加入私域的记录（members 表）。",
        "No customer is recorded as having joined the pool (table members).",
    )  # fmt: skip


def put_messages(found: Found, pool: Pool | None, sent: Sent | None) -> None:
    """Promotions a customer in the pool gets a month, what one costs, and how often one is answered by leaving."""
    if sent is None or pool is None or not pool.member_months > 0:
        if "churn" in found.named:
            found.put("opt_out_per_message", 0.0, COUNTED, Words(
                "没有消息记录；因消息退出的客户已计入自然流失",
                "no record of messages: those who left because of them are counted in churn",
            ), own=False)  # fmt: skip
        return
    window = pool.window
    n = len(pool.ids)
    found.put("messages_per_month", sent.promotions / pool.member_months, COUNTED, Words(
        f"messages 表，{window.zh}：{sent.promotions:,} 条促销消息 ÷ {pool.member_months:,.0f} 人月，"
        "全体私域客户平均（含抽签不发的）",
        f"messages, {window.en}: {sent.promotions:,} promotions / {pool.member_months:,.0f} months of membership, "
        "over all customers in the pool (those drawn to get none included)",
    ))  # fmt: skip
    if sent.opt_outs is not None:
        found.estimate("opt_out_per_message", sent.opt_outs, n, Words(
            f"messages 表，{window.zh}：引起退出的占发给私域客户的促销消息",
            f"messages, {window.en}: share of promotions to customers in the pool that were answered by leaving",
        ))  # fmt: skip
    elif "churn" in found.named:
        found.put("opt_out_per_message", 0.0, COUNTED, Words(
            "没有记录哪些消息引起退出；这些客户已计入自然流失",
            "which messages made customers leave is not recorded: they are counted in churn",
        ), own=False)  # fmt: skip
    if sent.promotions:
        found.put("message_cost", sent.cost / sent.promotions, COUNTED, Words(
            f"messages 表，{window.zh}：每条促销消息的平均费用（{sent.blank_cost:,} 条没有写明，按 0 计）",
            f"messages, {window.en}: mean cost of a promotion ({sent.blank_cost:,} without a cost count 0)",
        ))  # fmt: skip


def put_joiners(found: Found, pool: Pool | None, friends, known: Histories) -> None:
    """Customers who join the pool a month."""
    if pool is None or not pool.months:
        return
    brought = order_inputs.brought_by_pool(friends, known, pool)
    total = float(pool.joiners.sum())
    triple = pool_facts.monthly_mean(pool.joiners, found.level)
    share = 1 - brought / total if total else 1.0
    words = Words(
        f"members 表，{pool.window.zh}：首次加入 {total:,.0f} 位，其中私域客户介绍的 {brought:,} 位另算",
        f"members, {pool.window.en}: {total:,.0f} joined for the first time, {brought:,} of them referred by customers "
        "in the pool and left out here",
    )
    found.estimate("joiners_per_month", [end * share for end in triple], int(total), words)
    found.put("recruiting_cost", 0.0, COUNTED, Words(
        "按 0 计：加入者是品牌自己的客户，获客投放不因私域而增加",
        "counted as 0: joiners are the brand's own customers, so no advertising is spent for the pool",
    ), own=False)  # fmt: skip
    observed = order_inputs.share_with_orders(known, pool, found.level)
    if observed is not None:
        (value, _, _), n = observed
        # Nothing favours either end: in invented brands those who join before their first order gain as much.
        found.put("share_affected", (value, (value + 1) / 2, 1.0), ESTIMATED, Words(
            f"members 与 orders 表，{pool.window.zh}：{n:,} 位加入者中 {value:.0%} 加入前一年内下过单；"
            "其余客户的效果不详，从全不适用到全部适用，取居中的数",
            f"members and orders, {pool.window.en}: {value:.0%} of {n:,} joiners had ordered within the year before; "
            "the effect on the others is not known: from none of them to all, the middle is taken",
        ))  # fmt: skip


# --- costs ---


def put_costs(found: Found, pool: Pool | None, pool_costs: Any, until: int) -> dict[str, Estimate | Refused]:
    """The pool's running costs a month, and what each joiner is given."""
    money, months, total = pool_facts.costs_by_item(pool_costs, pool, until)
    if not months:
        return {"pool_cost_per_member_month": Refused(
            *("pool_costs", 0, 1), "没有私域费用（pool_costs）的完整月份，费用不详。",
            "There is no whole month with the pool's costs (pool_costs): they are not known.",
        )}  # fmt: skip
    many = len(months)
    first, last = (order_log.period_label(month, "month") for month in (months[0], months[-1]))
    span = Words(f"pool_costs 表，{first} 至 {last} 的 {many} 个月", f"pool_costs, {many} months, {first} to {last}")
    for item, name in pool_facts.ITEMS.items():
        if item != "incentives":
            found.put(name, money[item] / many, COUNTED, Words(f"{span.zh}的月均", f"{span.en}: mean of a month"))
    if pool is not None and (pool.first.min() // DAY) >= pool_facts.first_day_with_costs(pool_costs, until):
        found.put("setup_cost", 0.0, COUNTED, Words(
            "pool_costs 表：从私域开通起就有记录，没有单列的一次性投入",
            "pool_costs: recorded since the pool opened, no one-off cost among them",
        ))  # fmt: skip
    found.put("service_cost", 0.0, COUNTED, Words(
        "人员费用已全部计入每月人员费用", "all staff is in the monthly cost of staff"
    ), own=False)  # fmt: skip
    counted = np.isin(pool.months, months) if pool is not None and pool.months else np.zeros(0, dtype=bool)
    joiners = float(pool.joiners[counted].sum()) if counted.any() else 0.0
    if joiners:
        found.put("incentive_cost", money["incentives"] / joiners, COUNTED, Words(
            f"{span.zh}的激励费用 ÷ 首次加入的 {joiners:,.0f} 位客户",
            f"{span.en}: incentives / {joiners:,.0f} customers who first joined",
        ))  # fmt: skip
    stayed = pool.member_months * many / len(pool.months) if counted.any() else 0.0
    if counted.any() and many == len(pool.months) and stayed > 0:
        words = Words(
            f"私域全部费用 ÷ 私域客户在私域内的月数；{first} 至 {last}",
            f"all the pool's costs / months of membership; {first} to {last}",
        )
        return {"pool_cost_per_member_month": Estimate.exact(
            total / stayed, len(pool.ids), "money per customer", words, MADE_BY
        )}  # fmt: skip
    return {"pool_cost_per_member_month": Refused(
        *("months with costs", many, len(pool.months) if pool is not None else 12),
        "私域费用没有覆盖私域的每个月，人均费用不给出。",
        "The pool's costs are not recorded for every month of the pool: the cost per customer is not given.",
    )}  # fmt: skip
