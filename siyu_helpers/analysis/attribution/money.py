"""Money: what an order or a customer credited to a channel costs under each rule, and the range over the rules.

Spend is known; how many orders it brought depends on the rule that shares them out. So the cost is a range over rules,
with the sampling error of one named rule beside it. Neither says what one more yuan would bring (`response`), nor what
would be lost without the channel (`lift_tests`).

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import comparisons, spend_periods
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level

REQUIRES = {"spend": ["date", "channel", "spend"], "touchpoints": ["visitor_id", "touched_at", "channel"]}


def attributed_cost(
    journeys: pd.DataFrame,
    spend: Any,
    rules: Sequence[str] | None = None,
    first_day: order_log.DateLike | None = None,
    last_day: order_log.DateLike | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Acquisition cost and return on advertising spend of each paid channel under each rule.

    table (path), spend  ->  table (rule x channel)

    Parameters
    ----------
    journeys : DataFrame
        Table of journeys. Of new customers, the cost is that of a new customer; of all orders, that of an order.
    spend : any frame that narwhals takes
        date, channel, spend; a channel with rows on first days of months only is taken to be monthly.
    rules, options
        As in `compare_rules`.
    first_day, last_day : date, optional
        Days in which the journeys end, both included: those that the table of journeys states unless given. A table
        that states none is set against all days of the spend table.

    Returns
    -------
    DataFrame, sorted by rule, then channel; only channels with spend in these days
        channel, rule : text. conversions, value : credited. spend : currency. cac : spend / conversions. roas : value
        / spend, in times. cac and roas are blank (NaN) where nothing is credited.
        `attrs`: first_day, last_day, conversions_of, unit ("money per customer" or "money", of an order), refused (list
        of channel, rule, zh, en: why a number is blank), unpaid (channels that are credited and cost nothing here).

    Raises
    ------
    ValueError
        Where the days of journeys and spend do not agree, or cut through a month of monthly spend.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [3, 1], "value": [90, 20]})
    >>> spend = pd.DataFrame({"date": [pd.Timestamp("2024-01-01")], "channel": ["feed"], "spend": [60.0]})
    >>> attributed_cost(table, spend, ["first", "last", "shapley"])[["channel", "rule", "spend", "cac", "roas"]]
      channel     rule  spend   cac  roas
    0    feed    first   60.0  20.0  1.50
    1    feed     last   60.0   NaN   NaN
    2    feed  shapley   60.0  40.0  0.75
    """
    first, last = spend_periods.period_of(journeys, first_day, last_day)
    paid = spend_periods.spend_by_channel(spend, first, last)
    compared = comparisons.compare_rules(journeys, rules, **options)
    # Without any journey no rule has a row; every cost is blank then, under every rule.
    names = list(dict.fromkeys(compared["rule"])) or ([rules] if isinstance(rules, str) else rules)
    names = list(dict.fromkeys(comparisons.COMPARABLE if names is None else names))
    every = pd.MultiIndex.from_product([names, paid["channel"]], names=["rule", "channel"])
    credited = compared.set_index(["rule", "channel"])[["conversions", "value"]]
    table = credited.reindex(every, fill_value=0.0).reset_index()
    table["spend"] = table["channel"].map(paid.set_index("channel")["spend"]).astype(float)
    known = table["conversions"] > 0
    table["cac"] = table["spend"].where(known) / table["conversions"].where(known)
    table["roas"] = table["value"].where(known) / table["spend"]
    of = spend_periods.conversions_of(journeys)
    table.attrs = {
        "first_day": first,
        "last_day": last,
        "conversions_of": of,
        "unit": "money per customer" if of == "new_customers" else "money",
        "refused": [_nothing_credited(row["channel"], row["rule"]) for _, row in table[~known].iterrows()],
        "unpaid": sorted(set(compared["channel"]) - set(paid["channel"])),
    }
    return table[["channel", "rule", "conversions", "value", "spend", "cac", "roas"]]


def cost_range(
    journeys: pd.DataFrame,
    spend: Any,
    rules: Sequence[str] | None = None,
    rule: str = "markov",
    first_day: order_log.DateLike | None = None,
    last_day: order_log.DateLike | None = None,
    level: float = LEVEL,
    draws: int = 200,
    seed: int = 1,
    **options: Any,
) -> pd.DataFrame:
    """Lowest and highest acquisition cost and return of each paid channel over the rules, and the interval under one.

    table (path), spend  ->  table (channel)

    Parameters
    ----------
    journeys, spend, rules, first_day, last_day, options
        As in `attributed_cost`.
    rule : str
        The rule whose sampling error is shown; added to `rules` where these are given.
    level, draws, seed
        Of its interval, see `bootstrap`.

    Returns
    -------
    DataFrame, in the order of spend, largest first (equal ones by name)
        channel, spend.
        cac_lowest, cac_highest, roas_lowest, roas_highest : over the rules. cac_lowest_rule, cac_highest_rule,
        roas_lowest_rule, roas_highest_rule : their names. Where a rule credits the channel with nothing, the highest
        cost has no bound and the lowest return no meaning: blank (NaN), with that rule's name.
        conversions, cac, cac_low, cac_high, roas, roas_low, roas_high : under `rule`, with bootstrap intervals over
        journeys; spend has no error. cac_high is infinite where the interval of the conversions begins at 0.
        `attrs`: those of `attributed_cost`, rule, level.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("feed",)], "conversions": [30, 10], "value": [900, 200]})
    >>> spend = pd.DataFrame({"date": [pd.Timestamp("2024-01-01")], "channel": ["feed"], "spend": [600.0]})
    >>> found = cost_range(table, spend, ["first", "last"], rule="first")
    >>> found[["channel", "cac_lowest", "cac_lowest_rule", "cac_highest", "cac_highest_rule", "cac"]]
      channel  cac_lowest cac_lowest_rule  cac_highest cac_highest_rule   cac
    0    feed        15.0           first         60.0             last  15.0
    """
    order_log.one_of("rule", rule, comparisons.COMPARABLE)
    if rules is not None:
        rules = [*([rules] if isinstance(rules, str) else rules), rule]
    costs = attributed_cost(journeys, spend, rules, first_day, last_day, **options)
    if len(costs):
        order_log.one_of("rule", rule, tuple(dict.fromkeys(costs["rule"])))
    under_one = costs[costs["rule"] == rule].drop(columns="rule")
    table = under_one.merge(_extremes(costs, "cac", highest_is_open=True), on="channel")
    table = table.merge(_extremes(costs, "roas", highest_is_open=False), on="channel")
    its = {name: options[name] for name in comparisons._options_of(rule) if name in options}
    if rule == "markov" and "markov_order" in options:
        its["order"] = options["markov_order"]
    for of in ("conversions", "value"):
        ends = interval_of(journeys, rule, of, draws, seed, check_level(level), its).set_index("channel")
        table[f"{of}_low"], table[f"{of}_high"] = (table["channel"].map(ends[end]) for end in ("low", "high"))
    known = table["conversions"] > 0
    low, high = table["conversions_low"].clip(lower=0).where(known), table["conversions_high"].where(known)
    table["cac_low"] = table["spend"] / high
    table["cac_high"] = (table["spend"] / low.where(low > 0)).where(~((low <= 0) & known), np.inf)
    for end in ("low", "high"):
        table[f"roas_{end}"] = (table[f"value_{end}"] / table["spend"]).where(known)
    table = table.sort_values(["spend", "channel"], ascending=[False, True], ignore_index=True)
    table = table[["channel", "spend", *_RANGE, "conversions", *_INTERVALS]]
    table.attrs = costs.attrs | {"rule": rule, "level": float(level)}
    return table


_RANGE = [f"{name}_{end}{rule}" for name in ("cac", "roas") for end in ("lowest", "highest") for rule in ("", "_rule")]
_INTERVALS = [f"{name}{end}" for name in ("cac", "roas") for end in ("", "_low", "_high")]


def cost_facts(ranges: pd.DataFrame, channel: str | None = None) -> dict[str, Any]:
    """Cost and return of one channel over the rules, for a sentence.

    Parameters
    ----------
    ranges : DataFrame
        As `cost_range` returns it.
    channel : str, optional
        Unless given, the one whose highest cost is most times its lowest.

    Returns
    -------
    dict: channel, cac_lowest_rule, cac_highest_rule (texts or None); cac_lowest, cac_highest, cac_times (highest /
    lowest), roas_lowest, roas_highest (no interval: they are counted), cac, roas (with the bootstrap interval under the
    rule of the table): Estimate, or Refused where a rule credits the channel with nothing.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("feed",)], "conversions": [30, 10], "value": [900, 200]})
    >>> spend = pd.DataFrame({"date": [pd.Timestamp("2024-01-01")], "channel": ["feed"], "spend": [600.0]})
    >>> facts = cost_facts(cost_range(table, spend, ["first", "last"], rule="first"))
    >>> facts["channel"], facts["cac_times"].value
    ('feed', 4.0)
    """
    times = ranges["cac_highest"] / ranges["cac_lowest"]
    if channel is not None:
        order_log.one_of("channel", channel, tuple(ranges["channel"]))
    elif times.notna().any():
        channel = ranges["channel"].iloc[int(np.argmax(times.round(12).fillna(-1)))]
    elif len(ranges):
        channel = ranges["channel"].iloc[0]
    row = ranges[ranges["channel"] == channel].iloc[0].to_dict() if channel is not None else {}
    row["cac_times"] = row.get("cac_highest", np.nan) / row.get("cac_lowest", np.nan)
    facts = {"channel": channel} | {name: row.get(name) for name in ("cac_lowest_rule", "cac_highest_rule")}
    for name, words in _fact_words(ranges.attrs).items():
        unit = "times" if name == "cac_times" or name.startswith("roas") else ranges.attrs.get("unit", "money")
        facts[name] = _fact(row, name, unit, words, ranges.attrs.get("level", LEVEL))
    return facts


def interval_of(
    journeys: pd.DataFrame, rule: str, of: str, draws: int, seed: int, level: float, options: dict[str, Any]
) -> pd.DataFrame:
    """Bootstrap interval of the credit of each channel under one rule  ->  channel, estimate, low, high."""
    from siyu_helpers.analysis.attribution import bootstraps

    return bootstraps.bootstrap(journeys, rule, draws=draws, seed=seed, level=level, of=of, **options)


def _extremes(costs: pd.DataFrame, name: str, highest_is_open: bool) -> pd.DataFrame:
    """Lowest and highest over rules and their names; the end that a rule without credit leaves open is blank."""
    rows = []
    for channel, its in costs.groupby("channel", sort=True):
        numbers = its.set_index("rule")[name].round(12)
        blank = numbers.index[numbers.isna()]
        row = {"channel": channel}
        for end, at, is_open in (("lowest", "idxmin", not highest_is_open), ("highest", "idxmax", highest_is_open)):
            open_end = len(blank) > 0 and (is_open or len(blank) == len(its))
            rule = blank[0] if open_end else getattr(numbers.dropna(), at)()
            row[f"{name}_{end}"] = its.set_index("rule")[name][rule]
            row[f"{name}_{end}_rule"] = rule
        rows.append(row)
    columns = ["channel", *(f"{name}_{end}{rule}" for end in ("lowest", "highest") for rule in ("", "_rule"))]
    return pd.DataFrame(rows, columns=columns)


def _nothing_credited(channel: str, rule: str) -> dict[str, str]:
    return {
        "channel": channel,
        "rule": rule,
        "zh": "该规则没有给该渠道分到任何转化，单个转化的成本无从计算。",
        "en": "This rule credits the channel with nothing: there is no cost per conversion.",
    }


def _fact(row: dict, name: str, unit: str, words: Words, level: float) -> Estimate | Refused:
    number = row.get(name)
    if number is None or not np.isfinite(number):
        return Refused(
            "credited conversions",
            0,
            1,
            "至少有一条规则没有给该渠道分到转化，这个数没有上限或无从计算。",
            "At least one rule credits the channel with nothing: this number has no bound, or does not exist.",
        )
    n = round(row["conversions"])
    if name not in ("cac", "roas"):
        return Estimate.exact(number, n, unit, words, cost_facts)
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return Estimate(number, min(low, number), max(high, number), level, n, unit, words, cost_facts)


def _fact_words(attrs: dict[str, Any]) -> dict[str, Words]:
    zh, en = ("新客", "new customer") if attrs.get("conversions_of") == "new_customers" else ("订单", "order")
    rule = comparisons.rule_book.RULE_WORDS.get(attrs.get("rule", ""), Words("", ""))
    cost = Words(f"渠道花费 / 记到该渠道的{zh}数", f"spend / {en}s credited to the channel")
    back = Words(f"记到该渠道的{zh}带来的销售额 / 渠道花费", f"revenue of the {en}s credited to the channel / spend")
    ends = {
        "lowest": Words("各规则中最低", "lowest of the rules"),
        "highest": Words("各规则中最高", "highest of the rules"),
    }
    words = {f"{name}_{end}": Words(f"{of.zh}，{its.zh}", f"{of.en}; {its.en}")
             for name, of in (("cac", cost), ("roas", back)) for end, its in ends.items()}  # fmt: skip
    words["cac_times"] = Words(
        "各规则中最高的成本 / 最低的成本", "cost per conversion: highest of the rules / lowest of the rules"
    )
    for name, of in (("cac", cost), ("roas", back)):
        words[name] = Words(
            f"{of.zh}（{rule.zh}；误差范围由重抽路径得出）", f"{of.en} ({rule.en}; bootstrap over journeys)"
        )
    return words
