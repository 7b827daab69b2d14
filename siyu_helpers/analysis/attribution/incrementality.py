"""Incrementality: credit under each rule beside what would truly be lost without the channel.

Credit is not cause. A rule divides the orders there were among the channels that were touched, so that the shares add
up to 1. What a channel causes are the orders that would not be there without it. The two differ because some people
would have come anyway, and because a channel feeds others: switched off, it takes its share of theirs along.

Incremental shares therefore need not add up to 1. An order that needed two channels is lost without either, and counts
for both: the sum rises. An order of somebody who would have come anyway is lost without neither: the sum falls.

New customers are the like to compare. Of all orders, the truth takes away every later order of a customer who is never
won, while credit gives each order to the channels before that order: it looks as if the channels that win customers
were given far too little, and those that bring them back too much.

The truth is known of invented brands only (truth.yml), where the world can be lived again without the channel.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import comparisons, rules
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

REQUIRES = {"truth.yml": ["orders_lost_without"], "touchpoints": ["visitor_id", "touched_at", "channel"]}
OF = ("orders", "new_customers", "contribution")


def credit_against_truth(
    compared: pd.DataFrame,
    truth_by_channel: dict[str, dict],
    total: float | None = None,
    of: str = "orders",
    base: float | None = None,
) -> pd.DataFrame:
    """Share credited to each channel under each rule, beside the share that would be lost without the channel.

    table (rule x channel), what is lost without each channel  ->  table (rule x channel)

    Parameters
    ----------
    compared : DataFrame
        As `compare_rules` returns it.
    truth_by_channel : dict
        Channel -> orders, new_customers, contribution lost without it (and share_of_orders): `orders_lost_without` of
        truth.yml.
    total : float, optional
        What the lost ones are a share of: all orders, new customers or contribution of the period. For "orders" the
        truth states the share itself.
    of : str
        "orders", "new_customers" (for journeys of new customers) or "contribution".
    base : float, optional
        What the credit is a share of: all orders or new customers there were, those without a recorded touch included.
        Credit and truth then have one base, and the shares of a rule add up to the part that any rule can credit.
        Unless given, credit is a share of the conversions with a journey.

    Returns
    -------
    DataFrame, sorted by rule as `compare_rules` sorts it, then by channel
        channel, rule : text. share : credited, of `base` or the conversions with a journey; 0 for a channel that only
        the truth knows, because no journey shows it. incremental_share : lost without the channel, of all; blank (NaN)
        for a channel that the truth does not know. difference : share - incremental_share; above 0 the rule gives the
        channel too much.
        `attrs`: of, base (None unless given), incremental_sum (of the shares lost; not 1, see the head of this module),
        never_touched (channels that only the truth knows), unknown (channels that it does not know).

    Raises
    ------
    ValueError
        For an unknown `of`, a total that is missing or not above 0, or a base below the conversions credited.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [3, 1]})
    >>> compared = comparisons.compare_rules(table, ["first", "last"])
    >>> credit_against_truth(compared, {"feed": {"orders": 2}, "wecom": {"orders": 3}}, total=4)
      channel   rule  share  incremental_share  difference
    0    feed  first   0.75               0.50        0.25
    1   wecom  first   0.25               0.75       -0.50
    2    feed   last   0.00               0.50       -0.50
    3   wecom   last   1.00               0.75        0.25
    """
    order_log.has_columns(list(compared.columns), ["channel", "rule", "share"])
    order_log.one_of("of", of, OF)
    truth = _shares_lost(truth_by_channel, total, of)
    compared = compared if base is None else _on_base(compared, base)
    names, known = comparisons.rules_of(compared), set(compared["channel"])
    channels = sorted(known | set(truth))
    every = pd.MultiIndex.from_product([names, channels], names=["rule", "channel"])
    table = compared.set_index(["rule", "channel"])[["share"]].reindex(every).reset_index()
    table.loc[~table["channel"].isin(known), "share"] = 0.0
    table["incremental_share"] = table["channel"].map(truth).astype(float)
    table["difference"] = table["share"] - table["incremental_share"]
    table.attrs = {
        "of": of,
        "base": None if base is None else float(base),
        "incremental_sum": float(sum(truth.values())),
        "never_touched": sorted(set(truth) - known),
        "unknown": sorted(known - set(truth)),
    }
    return table[["channel", "rule", "share", "incremental_share", "difference"]].astype(
        {"channel": "str", "rule": "str"}
    )


def true_loss(truth_by_channel: dict[str, dict], channel: str, of: str = "orders") -> Estimate:
    """What would be lost without one channel of an invented brand: the truth, counted in its simulation.

    Example
    -------
    >>> true_loss({"feed": {"orders": 21, "new_customers": 4}}, "feed", "new_customers").value
    4.0
    """
    order_log.one_of("of", of, ("orders", "new_customers"))
    order_log.one_of("channel", channel, tuple(truth_by_channel))
    words = Words(
        "没有该渠道会少掉的数量（模拟得出的真值）",
        "what would be lost without the channel (the truth, from the simulation)",
    )
    unit = "orders" if of == "orders" else "new customers"
    return Estimate.exact(float(truth_by_channel[channel][of]), 0, unit, words, true_loss)


def mean_absolute_error(against: pd.DataFrame) -> pd.DataFrame:
    """How far the credit of each rule is from the truth, on average over the channels whose truth is known.

    table (rule x channel)  ->  table (rule)

    Parameters
    ----------
    against : DataFrame
        As `credit_against_truth` returns it.

    Returns
    -------
    DataFrame, nearest rule first (equal ones in the order of `compare_rules`)
        rule. mean_absolute_error : of the differences, as a share (0.05 is five points). largest : the largest of
        them. channels : how many count. Blank (NaN) where no journey ended with an order.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [3, 1]})
    >>> compared = comparisons.compare_rules(table, ["first", "last", "shapley"])
    >>> mean_absolute_error(credit_against_truth(compared, {"feed": {"orders": 2}, "wecom": {"orders": 3}}, total=4))
          rule  mean_absolute_error  largest  channels
    0  shapley                0.125    0.125         2
    1    first                0.375    0.500         2
    2     last                0.375    0.500         2
    """
    rows = []
    for rule in comparisons.rules_of(against):
        wrong = against.loc[against["rule"] == rule].dropna(subset="incremental_share")["difference"].abs()
        error, largest = (wrong.mean(skipna=False), wrong.max(skipna=False)) if len(wrong) else (np.nan, np.nan)
        rows.append({"rule": rule, "mean_absolute_error": error, "largest": largest, "channels": len(wrong)})
    table = pd.DataFrame(rows, columns=["rule", "mean_absolute_error", "largest", "channels"])
    order = table["mean_absolute_error"].round(comparisons.DIGITS).sort_values(kind="stable").index
    return table.loc[order].reset_index(drop=True)


def truth_facts(against: pd.DataFrame) -> dict[str, Any]:
    """Which rule comes nearest to the truth and which is farthest, and what all channels together would take along.

    Returns
    -------
    dict: nearest_rule, farthest_rule (texts; None where refused), nearest_error, farthest_error (Estimate of unit
    "percentage points": mean absolute error x 100), incremental_sum (Estimate of a share: losses without each channel
    in turn, added up). No intervals: the truth is known and the credit is counted.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [3, 1]})
    >>> compared = comparisons.compare_rules(table, ["first", "last", "shapley"])
    >>> facts = truth_facts(credit_against_truth(compared, {"feed": {"orders": 2}, "wecom": {"orders": 3}}, total=4))
    >>> facts["nearest_rule"], facts["nearest_error"].value, facts["incremental_sum"].value
    ('shapley', 12.5, 1.25)
    """
    errors = mean_absolute_error(against).dropna(subset="mean_absolute_error")
    known = len(errors) > 0
    found: dict[str, Any] = {}
    for name, at in (("nearest", 0), ("farthest", -1)):
        row = errors.iloc[at] if known else None
        found[f"{name}_rule"] = row["rule"] if known else None
        number, channels = (row["mean_absolute_error"], row["channels"]) if known else (np.nan, 0)
        found[f"{name}_error"] = _exact(100 * number, channels, _WORDS["error"], truth_facts, "percentage points")
    total, channels = against.attrs["incremental_sum"], int(errors["channels"].max()) if known else 0
    found["incremental_sum"] = _exact(total if channels else np.nan, channels, _WORDS["sum"], truth_facts)
    return found


def channel_against_truth(against: pd.DataFrame, rule: str, which: str = "over") -> dict[str, Any]:
    """The channel that a rule gives most too much, or most too little, for a sentence.

    Parameters
    ----------
    against : DataFrame
        As `credit_against_truth` returns it.
    rule : str
        One of its rules.
    which : str
        "over" : the channel with the largest difference. "under" : with the smallest. Or the name of a channel.

    Returns
    -------
    dict: channel (text; None where there is none), share, incremental_share, difference (Estimate of a share; the
    difference in points: 0.1 is ten).

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [3, 1]})
    >>> compared = comparisons.compare_rules(table, ["first", "last"])
    >>> against = credit_against_truth(compared, {"feed": {"orders": 2}, "wecom": {"orders": 3}}, total=4)
    >>> found = channel_against_truth(against, "last", "under")
    >>> found["channel"], found["difference"].value
    ('feed', -0.5)
    """
    order_log.one_of("rule", rule, tuple(comparisons.rules_of(against)))
    its = against[(against["rule"] == rule) & against["difference"].notna()].reset_index(drop=True)
    if which not in ("over", "under"):
        order_log.one_of("which", which, ("over", "under", *dict.fromkeys(against["channel"])))
        its = its[its["channel"] == which]
    differences = its["difference"].round(comparisons.DIGITS)
    row = None if its.empty else its.loc[differences.idxmin() if which == "under" else differences.idxmax()]
    found: dict[str, Any] = {"channel": None if row is None else row["channel"]}
    words = rules.RULE_WORDS.get(rule, Words(rule, rule))
    for name in ("share", "incremental_share", "difference"):
        definition = Words(*(text.format(rule=its) for text, its in zip(_WORDS[name], words, strict=True)))
        found[name] = _exact(np.nan if row is None else row[name], len(its), definition, channel_against_truth)
    return found


def _shares_lost(truth_by_channel: dict[str, dict], total: float | None, of: str) -> dict[str, float]:
    """Channel -> share of the total that would be lost without it."""
    if total is None and of == "orders" and all("share_of_orders" in lost for lost in truth_by_channel.values()):
        return {str(channel): float(lost["share_of_orders"]) for channel, lost in truth_by_channel.items()}
    if total is None or not np.isfinite(total) or not total > 0:
        name = {"orders": "orders", "new_customers": "customers", "contribution": "contribution"}[of]
        raise ValueError(f"total must be the {of} of the whole period, above 0: `{name}` of truth.yml; got {total!r}")
    return {str(channel): float(lost[of]) / float(total) for channel, lost in truth_by_channel.items()}


def _on_base(compared: pd.DataFrame, base: float) -> pd.DataFrame:
    """Credit as shares of all there were, with a journey or without."""
    order_log.has_columns(list(compared.columns), ["conversions"])
    most = compared.groupby("rule")["conversions"].sum().max() if len(compared) else 0.0
    if not np.isfinite(base) or not base > 0 or base < most * (1 - 1e-9):
        raise ValueError(
            f"base must be all orders (or new customers) there were, at least the {most:,.0f} credited; got {base!r}"
        )
    return compared.assign(share=(compared["conversions"] / float(base)).where(compared["share"].notna()))


def _exact(number: float, n: int, words: Words, function: Any, unit: str = "share") -> Estimate | Refused:
    if not np.isfinite(number):
        return Refused(
            "truth",
            0,
            1,
            "没有可以与真实增量对照的渠道（没有转化，或该品牌的真实情况未知）。",
            "No channel can be held against the truth: nothing converted, or the truth of this brand is not known.",
        )
    return Estimate.exact(number, int(n), unit, words, function)


_WORDS = {
    "error": Words(
        "各渠道“分得的占比”与“没有它会少掉的占比”之差的绝对值，按渠道平均",
        "mean over channels of the absolute difference between the share credited to the channel and the share that "
        "would be lost without it",
    ),
    "sum": Words(
        "没有各渠道时各自会少掉的占比，逐个渠道相加；同一单可能离不开两个渠道，也可能一个都不需要，因此不必等于 100%",
        "shares that would be lost without each channel in turn, added up; an order may need two channels, or none, so "
        "that this need not be 100%",
    ),
    "share": Words("该渠道分得的占比；规则：{rule}", "share credited to the channel; rule: {rule}"),
    "incremental_share": Words(
        "没有该渠道会少掉的占比（模拟得出的真值）",
        "share that would be lost without the channel (the truth, from the simulation)",
    ),
    "difference": Words(
        "该渠道分得的占比－没有它会少掉的占比；规则：{rule}",
        "share credited to the channel less the share that would be lost without it; rule: {rule}",
    ),
}
