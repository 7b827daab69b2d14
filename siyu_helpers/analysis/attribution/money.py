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
from siyu_helpers.analysis.attribution import bootstraps, comparisons, spend_periods
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
    its = {name: options[name] for name in comparisons.options_of(rule) if name in options}
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


def cost_order(ranges: pd.DataFrame) -> dict[str, Any]:
    """The channels that are the cheapest and the dearest whatever the rule: what holds without choosing one.

    Parameters
    ----------
    ranges : DataFrame
        As `cost_range` returns it.

    Returns
    -------
    dict
        cheapest, dearest : the channel whose range of cost over the rules lies wholly below (above) that of every other
            channel with a known range; None where ranges overlap, or fewer than two are known. A range with no upper
            end, because a rule credits the channel with nothing, goes on to infinity; one that no rule credits has no
            range.
        cheapest_low, cheapest_high, rest_low : lowest and highest cost of the cheapest, lowest cost of the others.
        dearest_low, dearest_high, rest_high : lowest and highest cost of the dearest, highest cost of the others.
            Estimate without interval (they are counted), in the unit of `cost_facts`; Refused where there is no such
            channel, or no upper end.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "search"), ("search",), ("feed",)], "conversions": [20, 60, 10]})
    >>> spend = pd.DataFrame({"date": pd.Timestamp("2024-01-01"), "channel": ["feed", "search"], "spend": [900.0, 600]})
    >>> found = cost_order(cost_range(table, spend, ["first", "last"], rule="last"))
    >>> found["cheapest"], found["cheapest_low"].value, found["cheapest_high"].value, found["rest_low"].value
    ('search', 7.5, 10.0, 30.0)
    """
    known = ranges[ranges["cac_lowest"].notna()].reset_index(drop=True)
    low = known["cac_lowest"].round(comparisons.DIGITS)
    high = known["cac_highest"].fillna(np.inf).round(comparisons.DIGITS)
    words, found = _order_words(ranges.attrs), {}
    for name, end, rest, is_ahead in (("cheapest", high, low, True), ("dearest", low, high, False)):
        numbers: dict[str, Any] = {}
        at = int(end.argmin() if is_ahead else end.argmax()) if len(known) > 1 else None
        others = known.drop(index=at) if at is not None else known
        edge = None if at is None else int(rest[others.index].idxmin() if is_ahead else rest[others.index].idxmax())
        if edge is not None and (end[at] < rest[edge] if is_ahead else end[at] > rest[edge]):
            row, other = known.loc[at], known.loc[edge]
            part = "low" if is_ahead else "high"
            numbers = {f"{name}_low": (row, row["cac_lowest"]), f"{name}_high": (row, row["cac_highest"]),
                       f"rest_{part}": (other, other[f"cac_{part}est"])}  # fmt: skip
        found[name] = known.loc[at, "channel"] if numbers else None
        for key in (f"{name}_low", f"{name}_high", "rest_low" if is_ahead else "rest_high"):
            found[key] = _in_order(*numbers.get(key, (None, np.nan)), ranges.attrs, words[key])
    return found


def break_even_return(gross_margin: float | None) -> Estimate | Refused:
    """Return on advertising spend at which the gross profit of the orders pays for the spend: 1 / gross margin.

    Example
    -------
    >>> break_even_return(0.5).value
    2.0
    """
    if not gross_margin:
        zh, en = "品牌资料里没有毛利率（gross_margin）。", "The brand states no gross margin."
        return Refused("gross margin", "none", "above 0", zh, en)
    words = Words("1÷毛利率（brand.yml）", "1 / gross margin (brand.yml)")
    return Estimate.exact(1 / gross_margin, 0, "times", words, break_even_return)


def interval_of(
    journeys: pd.DataFrame, rule: str, of: str, draws: int, seed: int, level: float, options: dict[str, Any]
) -> pd.DataFrame:
    """Bootstrap interval of the credit of each channel under one rule  ->  channel, estimate, low, high."""
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
        return _no_bound()
    n = round(row["conversions"])
    if name not in ("cac", "roas"):
        return Estimate.exact(number, n, unit, words, cost_facts)
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return Estimate(number, min(low, number), max(high, number), level, n, unit, words, cost_facts)


def _in_order(row: Any, number: float, attrs: dict[str, Any], words: Words) -> Estimate | Refused:
    if row is None:
        zh, en = (
            "没有哪个渠道在每条规则下都最低（或最高）。",
            "No channel is the cheapest, or dearest, under every rule.",
        )
        return Refused("ranges apart", "overlap", "one wholly below or above the others", zh, en)
    if not np.isfinite(number):
        return _no_bound()
    return Estimate.exact(number, round(row["conversions"]), attrs.get("unit", "money"), words, cost_order)


def _no_bound() -> Refused:
    return Refused(
        "credited conversions",
        0,
        1,
        "至少有一条规则没有给该渠道分到转化，这个数没有上限或无从计算。",
        "At least one rule credits the channel with nothing: this number has no bound, or does not exist.",
    )


def _of(attrs: dict[str, Any]) -> Words:
    """What a conversion is; in English of one."""
    return Words("新客", "new customer") if attrs.get("conversions_of") == "new_customers" else Words("订单", "order")


def _order_words(attrs: dict[str, Any]) -> dict[str, Words]:
    zh, en = _of(attrs)
    zh, en = f"渠道投放费用÷按规则记到该渠道的{zh}数", f"media spend / {en}s credited to the channel"
    ends = {
        "low": Words("取最低的一条规则", "under the rule that makes it lowest"),
        "high": Words("取最高的一条规则", "under the rule that makes it highest"),
    }
    whose = {
        "cheapest": Words("每条规则下费用都最低的渠道", "the channel with the lowest cost under every rule"),
        "dearest": Words("每条规则下费用都最高的渠道", "the channel with the highest cost under every rule"),
    }
    rest = {
        "low": Words("其余渠道在各规则中的最低值", "the lowest of the other channels over the rules"),
        "high": Words("其余渠道在各规则中的最高值", "the highest of the other channels over the rules"),
    }
    words = {f"{name}_{end}": Words(f"{zh}：{of.zh}，{its.zh}", f"{en}: {of.en}, {its.en}")
             for name, of in whose.items() for end, its in ends.items()}  # fmt: skip
    return words | {f"rest_{end}": Words(f"{zh}：{its.zh}", f"{en}: {its.en}") for end, its in rest.items()}


def _fact_words(attrs: dict[str, Any]) -> dict[str, Words]:
    zh, en = _of(attrs)
    rule = comparisons.rule_book.RULE_WORDS.get(attrs.get("rule", ""), Words("", ""))
    cost = Words(f"渠道投放费用÷按规则记到该渠道的{zh}数", f"media spend / {en}s credited to the channel")
    back = Words(
        f"按规则记到该渠道的{zh}的销售额÷渠道投放费用", f"revenue of the {en}s credited to the channel / media spend"
    )
    ends = {
        "lowest": Words("取最低的一条规则", "under the rule that makes it lowest"),
        "highest": Words("取最高的一条规则", "under the rule that makes it highest"),
    }
    words = {f"{name}_{end}": Words(f"{of.zh}，{its.zh}", f"{of.en}, {its.en}")
             for name, of in (("cac", cost), ("roas", back)) for end, its in ends.items()}  # fmt: skip
    words["cac_times"] = Words(
        f"每{'位' if zh == '新客' else '笔'}{zh}的投放费用：最高的一条规则÷最低的一条规则",
        f"media spend per {en}: under the rule that makes it highest / under the one that makes it lowest",
    )
    for name, of in (("cac", cost), ("roas", back)):
        words[name] = Words(
            f"{of.zh}（{rule.zh}；置信区间由重抽路径得出）", f"{of.en} ({rule.en}; interval by journeys drawn anew)"
        )
    return words
