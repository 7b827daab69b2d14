"""How many promotions a month leave most: what they add, less what they cost and whom they drive away.

Two numbers of messages that a lot compared say nothing of those between them, unless it is assumed how the response
levels off. So the response is given a range of shapes, all concave, and the interval of the best number covers them.

Who leaves because of messages buys little: comparing members who are still there would take selection for an effect
(among simulated tea-shop members the raw difference was 0.40 of the orders where the truth was 0.17). Therefore the
weeks of members who were sent messages are weighted by the inverse chance of having stayed.

Used by notebooks/04_pool_effect.ipynb. Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.effect import frequency_response as response
from siyu_helpers.analysis.effect import histories
from siyu_helpers.analysis.effect.contact_pressure import Curve, fit_curve
from siyu_helpers.analysis.effect.frequency_arms import is_earning, read_arm
from siyu_helpers.analysis.effect.message_log import find_message_lot, read_assignments, read_messages
from siyu_helpers.analysis.effect.message_weeks import MONTH_DAYS, read_stays, weeks_of
from siyu_helpers.analysis.effect.results import Effect
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level

REQUIRES = order_log.REQUIRES | {
    "members": ["customer_id", "joined_at"],
    "messages": ["customer_id", "sent_at", "channel", "opted_out"],
    "assignments": ["experiment", "customer_id", "assigned_at", "arm", "probability"],
}

ARM_AT_LEAST = 100  # members

HALVES = (1.0, 2.0, 4.0, 8.0, 15.0)  # messages a month that give half of the response to very many

FADE_DAYS = (180.0, 720.0)

#: What `best_frequency` states: unit and definition.
SAID = {
    "best_per_month": (
        "messages a month",
        Words(
            "使贡献毛利（扣除消息成本和退订损失）最大的每月促销消息数",
            "Promotions a month that maximise contribution net of message costs and opt-outs",
        ),
    ),
    "gain_from_best": (
        "money",
        Words(
            "若改发最佳条数，收促销消息的客户自分组以来可多得的贡献毛利",
            "Contribution that members sent promotions would have left more since the lot at the best number",
        ),
    ),
    "prudent_per_month": (
        "messages a month",
        Words(
            "在所有考虑到的形状和抽样误差下，比现状多得的贡献毛利下限最高的每月促销消息数",
            "Promotions a month whose gain over the number sent has the highest lower end, over all shapes considered",
        ),
    ),
    "gain_from_prudent": (
        "money",
        Words(
            "若改发稳妥条数，收促销消息的客户自分组以来可多得的贡献毛利",
            "Contribution that members sent promotions would have left more since the lot at the prudent number",
        ),
    ),
    "sent_per_month": (
        "messages a month",
        Words("在私域期间人均每月收到的促销消息数", "Promotions a month sent to a member while in the pool"),
    ),
    "message_lift": (
        "share",
        Words(
            "现有触达频次使在池客户的贡献毛利提高的比例（与随机留白组比，按未退订概率的倒数加权）",
            "What the promotions sent add to contribution while in the pool, as a share of the holdout arm's; weeks "
            "weighted by the inverse chance of not having opted out",
        ),
    ),
    "share_lost_by_leaving": (
        "share",
        Words(
            "客户退出私域后损失的贡献毛利占其在池贡献毛利的比例（促销消息的作用除外，刚加入时）",
            "Share of a member's contribution that is lost on leaving, apart from promotions, soon after joining",
        ),
    ),
    "left_because_of_messages": (
        "share",
        Words(
            "因促销消息退订而失去的在池时间占比", "Share of the time in the pool that opt-outs after promotions take"
        ),
    ),
    "next_message_at_most": (
        "money per customer",
        Words(
            "在现有频次上每月再多发一条，每位客户每月至多带来的净贡献毛利（任何边际递减的响应都成立）",
            "Net contribution a member and month of one more message a month: at most, for any concave response",
        ),
    ),
}
FACTS = tuple(SAID)


def frequency_curve(
    messages: Any,
    orders: Any,
    members: Any,
    assignments: Any,
    observed_until: order_log.DateLike,
    value_of_staying_per_month: Effect | Estimate | Refused | float,
    value_days: int = 180,
    experiment: str | None = None,
    holdout_arm: str | None = None,
    channel: str | list[str] | None = None,
    kind: str = "promotion",
    cost_per_message: float | None = None,
    refunds: str = "net",
    gross_margin: float | None = None,
    halves: tuple[float, ...] = HALVES,
    fade_days: tuple[float, ...] = FADE_DAYS,
    lift_days: int = 91,
    level: float = LEVEL,
    draws: int = 400,
    seed: int = 1,
    known: histories.Histories | None = None,
) -> pd.DataFrame | Refused:
    """What a member leaves at each number of promotions a month, net of message costs and of those driven away.

    messages, orders, members, assignments  ->  table (number of promotions a month)

    Parameters
    ----------
    messages, orders, members, observed_until, channel, kind
        See `message_weeks`; messages also with cost.
    assignments : frame of the same kind
        The lot that kept some members from promotions, see `find_message_lot`; `experiment` and `holdout_arm` name it.
        Arms that were sent different numbers are all used.
    value_of_staying_per_month : Effect, Estimate or float (a Refused is handed on)
        What joining adds to contribution, a month, over the first `value_days` after joining and for all who joined,
        promotions as they were sent, before the cost of messages: the ATT of weekly trials / months.
    cost_per_message : float, optional
        For messages without a cost of their own.
    refunds, gross_margin
        See `order_log.contribution_rule`.
    halves : tuple of float
        Response to f messages: f / (f + half), scaled to what the lot found. Messages a month that give half of it.
    fade_days : tuple of float
        In so many days the pool's own effect wears off to 37%. The first is the fastest considered, the last the
        slowest; math.inf: never.
    lift_days : int
        Days after the lot over which the arms are compared.
    level, draws, seed
        Of the intervals.
    known : Histories, optional
        Of the same orders and members, read before with the same refunds and gross_margin; else they are read here.

    Returns
    -------
    DataFrame, one row a number of promotions a month, from 0 to 1.5 times the highest number tried (those above it are
    extrapolated): per_month; contribution (_low, _high), a member and month since the lot, after the cost of messages;
    against_none (_low, _high), against_sent (_low, _high) : less that without messages, and at the number sent;
    still_there : share of the pool time that opting out leaves. Bands hold all shapes.
    attrs : the facts that `best_frequency` states. Or Refused: no lot, too few members in an arm, contribution or cost
    not known.

    Raises
    ------
    ValueError
        For missing columns or impossible parameters.

    Notes
    -----
    1. Opt-out curve by contact pressure, `fit_curve`. Fewer than 20 opt-outs: a level drawn from its posterior, and
       powers from 0 to 1.
    2. Lift of each arm on contribution in the pool in the first `lift_days`, against the holdout arm, weeks weighted by
       1 / chance of not having opted out (Robins and Finkelstein 2000, Biometrics 56, 779-788); adjusted for orders and
       contribution before the lot.
    3. The members of the holdout arm show what is bought without promotions, and how long. At f messages, their weeks
       count with the chance of still being there by (1) at their own order days; a week in the pool earns 1 + lift(f)
       times what it earned, a week after opting out loses the pool's share, and messages cost. The pool's share is the
       value of staying less what of it the messages explain, over what is earned. That more orders lower the pressure
       is left out.
    4. Intervals: members redrawn (Bayesian bootstrap, Rubin 1981, Ann. Statist. 9, 130-134), curve and value of staying
       drawn from their normal distributions, and over all shapes the lowest low and the highest high. The
       value in the middle is at the geometric means of halves and of fade_days.

    Example
    -------
    >>> day = pd.to_datetime
    >>> orders = pd.DataFrame({"customer_id": [1], "amount": [9.0], "ordered_at": day(["2024-01-01"])})
    >>> stays = pd.DataFrame({"customer_id": [1], "joined_at": day(["2024-01-03"])})
    >>> sent = pd.DataFrame({"customer_id": [1], "sent_at": day(["2024-01-09"]), "channel": "wecom", "cost": 0.01})
    >>> frequency_curve(sent, orders, stays, None, "2024-12-31", 5.0).gate  # nobody was kept from messages by lot
    'a lot'
    """
    check_level(level)
    _check_shapes(halves, fade_days)
    if isinstance(value_of_staying_per_month, Refused):
        return value_of_staying_per_month
    lot = find_message_lot(assignments, messages, observed_until, channel, kind, experiment, holdout_arm)
    if isinstance(lot, Refused):
        return lot
    until = order_log.day_number(observed_until, "observed_until")
    told = known or histories.read_histories(orders, members, observed_until, refunds, gross_margin)
    cost = _cost(messages, observed_until, channel, kind, cost_per_message)
    if math.isnan(told.worth):
        return order_log.no_contribution()
    if cost is None:
        return _no_cost()
    stays = read_stays(members, told, until)
    weeks = weeks_of(messages, told, stays, observed_until, channel, kind)
    drawn = read_assignments(assignments, observed_until)
    drawn = drawn[drawn["experiment"] == lot["experiment"]]
    arms = [read_arm(told, stays, weeks, drawn[drawn["arm"] == name])
            for name in (lot["holdout_arm"], *lot["message_arms"])]  # fmt: skip
    arms = [arms[0], *(arm for arm in arms[1:] if arm.members >= ARM_AT_LEAST)]
    if len(arms) < 2 or arms[0].members < ARM_AT_LEAST:
        return _few_members(min(arm.members for arm in arms))
    if not all(is_earning(arm, lift_days) for arm in arms):
        return _nothing_earned()
    value, error = _normal(value_of_staying_per_month)
    curve = _curve(weeks)
    rng = np.random.default_rng(seed)
    table = _compare(arms, curve, value, error, value_days, cost, halves, fade_days, lift_days, level, draws, rng)
    rule = order_log.contribution_rule(orders, until, gross_margin)
    if isinstance(table, Refused):
        return table
    table.attrs |= {"experiment": lot["experiment"], "cost_per_message": cost, "opt_outs": curve.opt_outs,
                    "contribution": rule, "gross_margin": gross_margin}  # fmt: skip
    return table


def best_frequency(curve: pd.DataFrame | Refused) -> dict[str, Estimate | Refused]:
    """State the best number of promotions a month, what it would gain, and what that rests on.

    table (number of promotions a month)  ->  dict of Estimate or Refused, its keys `FACTS`

    Parameters
    ----------
    curve : DataFrame or Refused
        From `frequency_curve`; a Refused is handed on under every key.

    Returns
    -------
    dict of Estimate
        best_per_month : messages a month. gain_from_best : money that the members who were sent promotions would have
        left more with it, since the lot; its interval may reach below 0 where the best number is uncertain.
        prudent_per_month : the number whose gain is surest, that is, has the highest lower end; gain_from_prudent.
        sent_per_month : what they were sent. message_lift : what the messages sent
        add to contribution while in the pool, as a share. share_lost_by_leaving : of the contribution of a member in
        the pool, what is lost when the member leaves, without messages and at the beginning. left_because_of_messages :
        share of the pool time that opt-outs take away. next_message_at_most : money a member and month that one message
        a month more adds at the number sent, net, at most: for any concave response, see Notes.

    Notes
    -----
    By concavity the last message does no more than the average one, so its gain is at most lift / messages sent. Where
    even that is less than what its opt-outs and its cost take, the brand sends too many, whatever the shape.

    Example
    -------
    >>> best_frequency(Refused("a lot", 0, 1, "无", "none"))["best_per_month"].gate
    'a lot'
    """
    if isinstance(curve, Refused):
        return dict.fromkeys(FACTS, curve)
    facts, level = curve.attrs["facts"], curve.attrs["level"]
    low, high = curve.attrs["halves"]
    shapes = Words(
        f"假定效果随条数递减，每月 {low:g}–{high:g} 条时达到极限的一半，区间已含这一不确定",
        f"as far as the response levels off, half of its limit reached at {low:g} to {high:g} messages a month, which "
        "the interval covers",
    )
    found: dict[str, Estimate | Refused] = {}
    for key, (unit, words) in SAID.items():
        value, least, most = facts[key]
        if key.startswith(("best", "prudent", "gain")):
            words = Words(f"{words.zh}；{shapes.zh}", f"{words.en}; {shapes.en}")
        ends = (min(least, value), max(most, value))
        found[key] = Estimate(value, *ends, level, curve.attrs["members"], unit, words, best_frequency)
    return found


def frequency_verdict(curve: pd.DataFrame | Refused) -> str:
    """Say whether the brand sends "too many", "too few" or about the right number, or that it is "not settled".

    Notes
    -----
    Rule: too many (too few), if the interval of the best number lies below (above) what is sent, and some smaller
    (larger) number gains under all shapes (lower end of against_sent above 0); too many also, if the next message loses
    for any concave response. "in range", if the number sent lies in the interval of the best number, and this is
    narrower than half of all numbers looked at.

    Example
    -------
    >>> frequency_verdict(Refused("a lot", 0, 1, "无", "none"))
    'not settled'
    """
    if isinstance(curve, Refused):
        return "not settled"
    facts = curve.attrs["facts"]
    sent, (_, low, high) = facts["sent_per_month"][0], facts["best_per_month"]
    gains = curve["against_sent_low"] > 0
    if facts["next_message_at_most"][2] < 0 or (high < sent and gains[curve["per_month"] < sent].any()):
        return "too many"
    if low > sent and gains[curve["per_month"] > sent].any():
        return "too few"
    return "in range" if low <= sent <= high and high - low < curve["per_month"].max() / 2 else "not settled"


def _cost(messages, observed_until, channel, kind, cost_per_message) -> float | None:
    sent = read_messages(messages, observed_until, channel, kind, ())["cost"]
    sent = sent.fillna(math.nan if cost_per_message is None else cost_per_message)
    return None if sent.empty or sent.isna().any() else float(sent.mean())


def _normal(value: Effect | Estimate | float) -> tuple[float, float]:
    """Value and standard error of what a member-month in the pool is worth."""
    if isinstance(value, Effect):
        return value.value, value.standard_error
    if isinstance(value, Estimate):
        error = 0.0 if value.is_exact else (value.high - value.low) / 2 / stats.norm.ppf((1 + value.level) / 2)
        return value.value, error
    return float(value), 0.0


def _curve(weeks: pd.DataFrame) -> Curve:
    """The opt-out curve; with few opt-outs, a level with its uncertainty and a power about one half."""
    fitted = fit_curve(weeks)
    if isinstance(fitted, Curve):
        return fitted
    power, opt_outs = 0.5, int(weeks["opted_out"].sum())
    exposed = float((weeks["messages"] * (weeks["pressure"] / 10) ** power).sum())
    # Posterior of a Poisson rate under Jeffreys's prior, its logarithm taken for normal; the power lies in 0 to 1.
    level = math.log((opt_outs + 0.5) / max(exposed, 1.0))
    return Curve(level, power, np.diag([1 / (opt_outs + 0.5), 1 / 12]), opt_outs)


def _compare(
    arms, curve, value, error, value_days, cost, halves, fade_days, lift_days, level, draws, rng
) -> pd.DataFrame | Refused:
    """The table and its facts, from draws of members, curve and value of staying."""
    sent = np.array([arm.per_month for arm in arms[1:]])
    shares = np.array([arm.members for arm in arms[1:]]) / sum(arm.members for arm in arms)
    usual = float((sent * shares).sum() / shares.sum())
    grid = response.frequencies(usual, sent.max())
    weights = [_redrawn(arm.members, draws, rng) for arm in arms]
    root = np.linalg.cholesky(curve.covariance + 1e-12 * np.eye(2))
    moved = np.vstack([np.zeros(2), rng.normal(size=(draws, 2)) @ root.T])
    worth = (value + error * np.append(0.0, rng.normal(size=draws))) * value_days / MONTH_DAYS
    lifts = response.at_curves(curve, moved, lambda at: response.lifts_of(arms, at, lift_days, weights))
    middle = math.exp(np.mean(np.log(halves))), response.middle_of(fade_days)
    fitting = [half for half in sorted({*halves, middle[0]}) if response.fits(lifts, sent, half, level)]
    if not fitting:
        return _no_shape()
    found = []
    for fade in sorted({*fade_days, middle[1]}):
        total = response.at_curves(
            curve, moved, lambda at, fade=fade: response.sums_of(arms[0], at, grid, usual, fade, value_days, weights[0])
        )
        lost = response.share_lost(total, lifts, shares, worth)
        following = response.next_message(total, lifts @ shares / shares.sum(), usual, lost, cost, grid)
        for half in fitting:
            net = response.net_of(total, lifts, sent, half, lost, cost, grid)
            away = abs(math.log(half / middle[0])), fade != middle[1]
            found.append({"net": net, "lost": lost, "total": total, "next": following, "half": half, "away": away})
    table = _table(found, grid, usual, level, sum(arm.members for arm in arms[1:]))
    lift = lifts @ shares / shares.sum()
    ends = ((1 - level) / 2, (1 + level) / 2)
    table.attrs["facts"]["message_lift"] = [float(lift[0]), *map(float, np.quantile(lift[1:], ends))]
    table.attrs |= {"halves": [float(min(fitting)), float(max(fitting))], "level": level,
                    "members": int(sum(arm.members for arm in arms)),
                    "members_by_arm": [int(arm.members) for arm in arms]}  # fmt: skip
    return table


def _redrawn(members: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Weights of members that sum to 1: alike in the first row, redrawn in the others."""
    weights = np.ones((draws + 1, members), dtype=np.float32)
    rng.standard_exponential(out=weights[1:], dtype=np.float32)
    weights /= weights.sum(axis=1, keepdims=True, dtype=np.float64)
    return weights


def _table(found: list[dict[str, Any]], grid: np.ndarray, usual: float, level: float, reached: int) -> pd.DataFrame:
    """The curve and its facts: values of the shape in the middle, ends over all shapes."""
    here = int(np.searchsorted(grid, usual))
    centre = min(found, key=lambda one: (one["away"][1], one["away"][0]))
    ends = ((1 - level) / 2, (1 + level) / 2)

    def fact(of: Callable[[dict[str, Any]], np.ndarray]) -> list[Any]:
        quantiles = np.array([np.quantile(of(one)[1:], ends, axis=0) for one in found])
        return [of(centre)[0], quantiles[:, 0].min(axis=0), quantiles[:, 1].max(axis=0)]

    since = centre["total"][:, [-1]]
    columns = {
        "contribution": fact(lambda one: (one["total"][:, [-2]] + one["net"]) / since),
        "against_none": fact(lambda one: one["net"] / since),
        "against_sent": fact(lambda one: (one["net"] - one["net"][:, [here]]) / since),
    }
    table = pd.DataFrame({"per_month": grid})
    for name, spans in columns.items():
        table[name], table[f"{name}_low"], table[f"{name}_high"] = spans
    months = response.split(centre["total"])[2]
    table["still_there"] = months[0] / months[0, 0]
    best = int(np.argmax(centre["net"][0]))
    prudent = int(np.argmax(columns["against_sent"][1]))  # the lower end is 0 at the number sent

    def gain(at: int) -> list[Any]:
        return fact(lambda one: reached * (one["net"][:, at] - one["net"][:, here]))

    facts = {
        "best_per_month": fact(lambda one: grid[np.argmax(one["net"], axis=1)]),
        "gain_from_best": gain(best),
        "prudent_per_month": [grid[prudent]] * 3,
        "gain_from_prudent": gain(prudent),
        "sent_per_month": [usual] * 3,
        "share_lost_by_leaving": fact(lambda one: one["lost"]),
        "left_because_of_messages": fact(lambda one: 1 - _months(one)[:, here] / _months(one)[:, 0]),
        "next_message_at_most": fact(lambda one: one["next"]),
    }
    table.attrs = {"facts": {name: [float(end) for end in fact] for name, fact in facts.items()},
                   "months_followed": float(since[0, 0])}  # fmt: skip
    return table


def _months(one: dict[str, Any]) -> np.ndarray:
    return response.split(one["total"])[2]


def _check_shapes(halves: tuple[float, ...], fade_days: tuple[float, ...]) -> None:
    for name, values in (("halves", halves), ("fade_days", fade_days)):
        if not len(values) or not all(value > 0 for value in values):
            raise ValueError(f"{name} must be numbers above 0; got {values!r}")
    if any(map(math.isinf, halves)):
        raise ValueError("halves must be finite: a straight line never levels off")


def _few_members(seen: int) -> Refused:
    return Refused(
        "members in either arm",
        seen,
        ARM_AT_LEAST,
        f"留白实验中较小的一组只有 {seen} 位私域客户，少于 {ARM_AT_LEAST} 位，最佳触达频次给不出。",
        f"The smaller arm of the lot has {seen} members; below {ARM_AT_LEAST} the best frequency is not stated.",
    )


def _no_cost() -> Refused:
    return Refused(
        "cost of messages",
        "unknown",
        "a cost for each",
        "有消息没有成本记录，算不出最佳触达频次。",
        "Some messages have no cost, so the best frequency cannot be stated.",
    )


def _nothing_earned() -> Refused:
    return Refused(
        "contribution of the arms",
        "about 0",
        "> 0",
        "留白实验的客户在比较期内几乎没有贡献毛利，促销消息带来多少无从比较，最佳触达频次给不出。",
        "The members of the lot left hardly any contribution in the days compared, so what promotions add cannot be "
        "told and the best frequency is not stated.",
    )


def _no_shape() -> Refused:
    return Refused(
        "a response that levels off",
        "none fits",
        "one",
        "各组的效果不符合“条数越多、增量越小”的响应，最佳触达频次给不出；请核对分组和发送记录。",
        "What the arms found fits no response that levels off, so the best frequency is not stated: check the lot and "
        "the messages.",
    )
