"""Comparisons: the credit of each channel under every rule, side by side, and how much depends on the choice.

No rule is the right one. What a page can say is how far a channel's share moves when the rule is changed, and which
channels stay in front whatever the rule.

Used by notebooks/03_channel_attribution.ipynb through `channel_attribution`. Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.attribution import chains, shapley_values
from siyu_helpers.analysis.attribution import paths as journey_paths
from siyu_helpers.analysis.attribution import rules as rule_book
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

MODELS = ("markov", "shapley")
COMPARABLE = (*rule_book.RULES, *MODELS)
COLUMNS = ["channel", "rule", "conversions", "value", "share"]
MARKOV_OPTIONS = ("use_nulls", "removal")

DIGITS = 12  # shares that differ beyond this differ by rounding; they tie


def compare_rules(
    journeys: pd.DataFrame, rules: Sequence[str] | None = None, markov_order: int = 1, **options: Any
) -> pd.DataFrame:
    """Credit of every channel under every rule that the journeys allow, one below the other.

    table (path)  ->  table (rule x channel)

    Parameters
    ----------
    journeys : DataFrame
        Table of journeys, see `journeys` or `read_paths`.
    rules : sequence of str, optional
        Any of the rules of `credit`, "markov" and "shapley". Unless given: all but "linear_unique", which is the same
        as "shapley"; "time_decay" only where the table has hours_before_end; "last_non" only where some path has the
        channel "direct", or `ignored` is given: elsewhere it is the same as "last".
    markov_order : int
        Order of the chain, see `markov`.
    options
        Of any rule compared, see `credit` and `markov`: ignored, position_weights, half_life_days, half_life_hours,
        use_nulls, removal. One that no rule compared takes is refused.

    Returns
    -------
    DataFrame, sorted by rule in the order above, then by channel
        channel, rule : text. conversions, value : credited. share : of all conversions, 0 to 1; blank (NaN) where no
        journey ended with an order.
        `attrs`: options (those given), markov_order, conversions_of where the table of journeys states it.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [3, 1], "value": [90, 20]})
    >>> compare_rules(table, ["first", "last", "shapley"])
      channel     rule  conversions  value  share
    0    feed    first          3.0   90.0  0.750
    1   wecom    first          1.0   20.0  0.250
    2    feed     last          0.0    0.0  0.000
    3   wecom     last          4.0  110.0  1.000
    4    feed  shapley          1.5   45.0  0.375
    5   wecom  shapley          2.5   65.0  0.625
    """
    encoded = journey_paths.encode(journeys)
    chosen = _chosen(encoded, rules, options)
    total = encoded.conversions.sum()
    tables = []
    for rule in chosen:
        credited = _credited(journeys, encoded, rule, markov_order, options)[["channel", "conversions", "value"]]
        credited.insert(1, "rule", pd.Series([rule] * len(credited), dtype="str"))
        tables.append(credited)
    compared = pd.concat(tables, ignore_index=True).astype({"channel": "str", "rule": "str"})
    compared["share"] = compared["conversions"] / total if total > 0 else np.nan
    compared.attrs = {"options": dict(options), "markov_order": markov_order}
    if "conversions_of" in journeys.attrs:
        compared.attrs["conversions_of"] = journeys.attrs["conversions_of"]
    return compared


def range_over_rules(compared: pd.DataFrame) -> pd.DataFrame:
    """Lowest and highest share of each channel over the rules: how much of its credit is the rule's doing.

    table (rule x channel)  ->  table (channel)

    Parameters
    ----------
    compared : DataFrame
        As `compare_rules` returns it. Any subset of its rules may be taken first.

    Returns
    -------
    DataFrame, ordered by the middle share, largest first; equal ones by name
        channel : text. lowest, highest : share of conversions under the rule that gives least and most.
        lowest_rule, highest_rule : those rules; the first in the order of `compare_rules` where several tie.
        middle : median over the rules. spread : highest - lowest, in shares (0.1 is ten points).
        Numbers are blank (NaN), and rules empty (None), where no journey ended with an order. A rule that credits
        nobody ("markov" with a removal under which nothing is lost) does not count.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [3, 1], "value": [90, 20]})
    >>> range_over_rules(compare_rules(table, ["first", "last", "shapley"]))
      channel  lowest  highest lowest_rule highest_rule  middle  spread
    0   wecom    0.25     1.00       first         last   0.625    0.75
    1    feed    0.00     0.75        last        first   0.375    0.75
    """
    wide = _wide(compared)
    rounded = wide.round(DIGITS)
    known = bool(rounded.notna().all(axis=None)) and len(wide.columns) > 0
    table = pd.DataFrame(
        {
            "channel": pd.Series(list(wide.index), dtype="str"),
            "lowest": wide.min(axis=1).to_numpy(),
            "highest": wide.max(axis=1).to_numpy(),
            "lowest_rule": rounded.idxmin(axis=1).to_numpy() if known else None,
            "highest_rule": rounded.idxmax(axis=1).to_numpy() if known else None,
            "middle": wide.median(axis=1).to_numpy(),
        }
    )
    table["spread"] = table["highest"] - table["lowest"]
    order = table.assign(down=-table["middle"].round(DIGITS)).sort_values(["down", "channel"]).index
    return table.loc[order].reset_index(drop=True)


def domain_shares(compared: pd.DataFrame, domains: dict[str, str]) -> pd.DataFrame:
    """Share of orders credited to public, semi-private and private traffic under each rule.

    table (rule x channel)  ->  table (rule x domain)

    Parameters
    ----------
    compared : DataFrame
        As `compare_rules` returns it.
    domains : dict
        Channel -> "public", "semi" or "private", as in the brand's brand.yml. A channel that is not in it counts as
        "unknown".

    Returns
    -------
    DataFrame, sorted by rule as `compare_rules` sorts it, then public, semi, private, unknown
        rule, domain : text. conversions, value : credited. share : of all conversions; blank (NaN) without any.
        The three domains stand under every rule, with 0 where they have no channel; "unknown" only where needed.

    Raises
    ------
    ValueError
        For a domain that is none of the three.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [3, 1]})
    >>> compared = compare_rules(table, ["first", "last"])
    >>> domain_shares(compared, {"feed": "public", "wecom": "private"})[["rule", "domain", "share"]]
        rule   domain  share
    0  first   public   0.75
    1  first     semi   0.00
    2  first  private   0.25
    3   last   public   0.00
    4   last     semi   0.00
    5   last  private   1.00
    """
    placed = order_log.with_domain(compared, domains, "channel")
    names = [*order_log.DOMAINS, *(["unknown"] if (placed["domain"] == "unknown").any() else [])]
    every = pd.MultiIndex.from_product([rules_of(compared), names], names=["rule", "domain"])
    summed = placed.groupby(["rule", "domain"])[["conversions", "value"]].sum().reindex(every, fill_value=0.0)
    summed["share"] = summed["conversions"] / summed.groupby("rule")["conversions"].transform("sum").replace(0, np.nan)
    return summed.reset_index().astype({"rule": "str", "domain": "str"})


def share_under(compared: pd.DataFrame, channel: str, rule: str) -> Estimate | Refused:
    """Share of orders that one rule credits to one channel.

    A share of what was observed, without an interval: `bootstrap` gives it one.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [3, 1]})
    >>> share_under(compare_rules(table), "wecom", "first").value
    0.25
    """
    wide = _wide(compared)
    if len(wide):
        order_log.one_of("channel", channel, tuple(wide.index))
    done = _definition(compared, rule)
    zh, en = _what(compared)
    words = Words(f"该渠道分得的占比（{zh}）；口径：{done.zh}", f"share of the {en} credited to the channel; {done.en}")
    return _exact(_shares(wide, compared, "rule", rule).get(channel), compared, words, share_under)


def channel_facts(compared: pd.DataFrame, channel: str | None = None) -> dict[str, Any]:
    """How far the credit of one channel moves with the rule, for a sentence.

    Parameters
    ----------
    compared : DataFrame
        As `compare_rules` returns it.
    channel : str, optional
        Unless given, the channel whose share moves most (the larger one, then the first by name, where they tie).

    Returns
    -------
    dict: channel, lowest_rule, highest_rule (texts, None where refused); lowest, highest, middle, spread (Estimate of a
    share; spread in points), led (Estimate: share of the rules under which no channel has more). All Refused where no
    journey ended with an order.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [3, 1]})
    >>> facts = channel_facts(compare_rules(table, ["first", "last", "linear"]))
    >>> facts["channel"], facts["highest_rule"], facts["spread"].value, round(facts["led"].value, 2)
    ('wecom', 'last', 0.75, 0.67)
    """
    ranged = range_over_rules(compared)
    if channel is not None:
        order_log.one_of("channel", channel, tuple(ranged["channel"]))
        ranged = ranged[ranged["channel"] == channel]
    ranged = ranged.dropna(subset="spread")
    row = dict.fromkeys(ranged.columns)
    if len(ranged):
        row = ranged.iloc[int(np.argmax(ranged["spread"].round(DIGITS)))].to_dict()
    facts = {name: row[name] for name in ("channel", "lowest_rule", "highest_rule")}
    for name, words in _fact_words(compared).items():
        number = _led(compared, row["channel"]) if name == "led" else row[name]
        facts[name] = _exact(number, compared, words, channel_facts)
    return facts


def moved_credit(compared: pd.DataFrame, rule: str = "last", to: str = "first") -> Estimate | Refused:
    """Share of orders whose credit goes to another channel when one rule is changed for another.

    Half the sum of the differences between the two: what some channels lose is what others gain.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [3, 1]})
    >>> moved_credit(compare_rules(table)).value
    0.75
    """
    wide = _wide(compared)
    moved = _shares(wide, compared, "to", to) - _shares(wide, compared, "rule", rule)
    before, after = rule_book.RULE_WORDS[rule], rule_book.RULE_WORDS[to]
    zh, en = _what(compared)
    words = Words(
        f"把“{before.zh}”换成“{after.zh}”后，改记到其他渠道名下的占比（{zh}）",
        f"share of the {en} credited to another channel once {before.en!r} is changed for {after.en!r}",
    )
    return _exact(moved.abs().sum(skipna=False, min_count=1) / 2, compared, words, moved_credit)


def moved_by_order(journeys: pd.DataFrame, order: int, to: int, **options: Any) -> Estimate | Refused:
    """Share of orders whose credit goes to another channel when the Markov chain remembers another number of touches.

    Parameters
    ----------
    journeys : DataFrame
        Table of journeys.
    order, to : int
        The two orders of the chain.
    options
        Of `markov`: use_nulls, removal.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [3, 1], "nulls": [5, 9]})
    >>> moved_by_order(table, 1, 1).value
    0.0
    """
    shares = [chains.markov(journeys, order=length, **options)["conversions"] for length in (order, to)]
    total = float(shares[0].sum())
    n = round(total)
    if not total > 0 or not float(shares[1].sum()) > 0:
        return _nothing()
    zh, en = _what(journeys)
    words = Words(
        f"马尔可夫链由记住 {order} 步改为 {to} 步后，改记到其他渠道名下的占比（{zh}）",
        f"share of the {en} credited to another channel once the Markov chain remembers {to} touches in place of "
        f"{order}",
    )
    moved = float((shares[1] / shares[1].sum() - shares[0] / total).abs().sum() / 2)
    return Estimate.exact(moved, n, "share", words, moved_by_order)


def domain_facts(compared: pd.DataFrame, domains: dict[str, str], domain: str = "private") -> dict[str, Any]:
    """Share of orders credited to one domain: under the last touch, under each extreme, and in the middle.

    Returns
    -------
    dict: lowest_rule, highest_rule (texts, None where refused); lowest, highest, middle, spread (Estimate of a share),
    last (share under the last touch), flattered (points by which the last touch gives more than the middle; negative
    where it gives less). last and flattered only where "last" is among the rules compared.

    Example
    -------
    >>> table = pd.DataFrame({"path": [("feed", "wecom"), ("wecom",)], "conversions": [3, 1]})
    >>> compared = compare_rules(table, ["first", "last", "linear"])
    >>> facts = domain_facts(compared, {"feed": "public", "wecom": "private"})
    >>> facts["last"].value, facts["middle"].value, facts["flattered"].value
    (1.0, 0.625, 0.375)
    """
    order_log.one_of("domain", domain, order_log.DOMAINS)
    shares = domain_shares(compared, domains)
    of_domain = shares[shares["domain"] == domain].rename(columns={"domain": "channel"})
    ranged = range_over_rules(of_domain)
    row = ranged.iloc[0].to_dict() if len(ranged) else dict.fromkeys(ranged.columns)
    numbers = {name: row[name] for name in ("lowest", "highest", "middle", "spread")}
    if "last" in set(of_domain["rule"]):
        numbers["last"] = of_domain.loc[of_domain["rule"] == "last", "share"].iloc[0]
        numbers["flattered"] = numbers["last"] - numbers["middle"]
    facts = {name: row[name] for name in ("lowest_rule", "highest_rule")}
    return facts | {
        name: _exact(number, compared, _domain_words(name, domain, compared), domain_facts)
        for name, number in numbers.items()
    }


def _chosen(encoded: journey_paths.Paths, rules: Sequence[str] | None, options: dict[str, Any]) -> list[str]:
    """Rules to compare, in their own order, each once; every option must belong to one of them."""
    if rules is None:
        without = {"linear_unique"}
        without |= {"time_decay"} if encoded.hours is None else set()
        without |= set() if "ignored" in options or rule_book.DIRECT in encoded.channels else {"last_non"}
        chosen = [rule for rule in COMPARABLE if rule not in without]
    else:
        for rule in [rules] if isinstance(rules, str) else rules:
            order_log.one_of("rules", rule, COMPARABLE)
        chosen = [rule for rule in COMPARABLE if rule in rules]
    if not chosen:
        raise ValueError("rules is empty: name at least one rule")
    known = {option for rule in chosen for option in options_of(rule)}
    if unknown := sorted(set(options) - known):
        raise ValueError(f"no rule compared has an option {unknown[0]!r}; those compared: {', '.join(chosen)}")
    return chosen


def options_of(rule: str) -> tuple[str, ...]:
    """Names of the options that a rule, "markov" or "shapley" takes."""
    return MARKOV_OPTIONS if rule == "markov" else rule_book.OPTIONS.get(rule, ())


def _credited(
    journeys: pd.DataFrame, encoded: journey_paths.Paths, rule: str, markov_order: int, options: dict[str, Any]
) -> pd.DataFrame:
    its = {name: options[name] for name in options_of(rule) if name in options}
    if rule == "markov":
        return chains.markov(journeys, order=markov_order, **its)
    if rule == "shapley":
        return rule_book.shared_out(encoded, shapley_values.weights(encoded))
    return rule_book.shared_out(encoded, rule_book.weights(encoded, rule, **its))


def rules_of(compared: pd.DataFrame) -> list[str]:
    """Rules of the table in their own order, whatever the order of its rows; others after them, by name."""
    found = set(compared["rule"])
    return [rule for rule in COMPARABLE if rule in found] + sorted(found - set(COMPARABLE))


def _wide(compared: pd.DataFrame) -> pd.DataFrame:
    """Shares, one row a channel and one column a rule; without rules that credit nobody, where another one does."""
    order_log.has_columns(list(compared.columns), ["channel", "rule", "share"])
    wide = compared.pivot(index="channel", columns="rule", values="share")
    wide = wide.reindex(columns=rules_of(compared))
    return wide.dropna(axis=1, how="all") if wide.notna().any(axis=None) else wide


def _shares(wide: pd.DataFrame, compared: pd.DataFrame, name: str, rule: str) -> pd.Series:
    """Share of each channel under a rule of the table; blank where it credits nobody."""
    if len(compared):
        order_log.one_of(name, rule, tuple(rules_of(compared)))
    return wide[rule] if rule in wide.columns else pd.Series(np.nan, index=wide.index)


def _led(compared: pd.DataFrame, channel: str | None) -> float:
    """Share of the rules under which no channel has more than this one."""
    wide = _wide(compared).round(DIGITS)
    if channel is None or wide.isna().any(axis=None):
        return np.nan
    return float((wide.loc[channel] >= wide.max()).mean())


def _exact(number: float | None, compared: pd.DataFrame, words: Words, function: Any) -> Estimate | Refused:
    if number is None or not np.isfinite(number):
        return _nothing()
    under_one = compared[compared["rule"] == rules_of(compared)[0]]
    return Estimate.exact(number, round(under_one["conversions"].sum()), "share", words, function)


def _nothing() -> Refused:
    return Refused(
        "orders",
        0,
        1,
        "没有可以分配的订单：没有以下单结束的路径，或该规则不给出结果。",
        "There is no order to credit: no journey ended with one, or the rule credits nobody.",
    )


def _definition(compared: pd.DataFrame, rule: str) -> Words:
    """What the rule did, with the options it was given."""
    if rule in rule_book.RULES:
        given = compared.attrs.get("options", {})
        return rule_book.definition(rule, **{name: given[name] for name in options_of(rule) if name in given})
    return rule_book.DEFINITIONS.get(rule, Words(rule, rule))


def _what(table: pd.DataFrame) -> Words:
    """The orders that credit is shares of, as far as the journeys said."""
    if table.attrs.get("conversions_of") == "new_customers":
        return Words("新客首单", "first orders of new customers")
    return Words("订单", "orders")


def _over(compared: pd.DataFrame) -> Words:
    """The rules that a range is over."""
    rules = len(rules_of(compared))
    return Words(f"{rules} 条规则", f"{rules} rules compared")


def _fact_words(compared: pd.DataFrame) -> dict[str, Words]:
    (zh, en), over = _what(compared), _over(compared)
    return {
        "lowest": Words(
            f"{over.zh}中该渠道分得的最低占比（{zh}）",
            f"lowest share of the {en} that any of the {over.en} credits to the channel",
        ),
        "highest": Words(
            f"{over.zh}中该渠道分得的最高占比（{zh}）",
            f"highest share of the {en} that any of the {over.en} credits to the channel",
        ),
        "middle": Words(
            f"{over.zh}下该渠道占比的中位数（{zh}）", f"median over the {over.en} of the channel's share of the {en}"
        ),
        "spread": Words(
            f"{over.zh}中该渠道的最高占比减最低占比（{zh}）",
            f"the channel's share of the {en}: highest less lowest over the {over.en}",
        ),
        "led": Words(
            f"该渠道分得{zh}最多（含并列）的规则数÷对比的规则数（{over.zh}）",
            f"rules under which no channel is credited with more of the {en} / the {over.en}",
        ),
    }


def _domain_words(name: str, domain: str, compared: pd.DataFrame) -> Words:
    its = {"public": Words("公域", "public traffic"), "semi": Words("半公域", "semi-public traffic"),
           "private": Words("私域", "the pool")}[domain]  # fmt: skip
    (zh, en), over = _what(compared), _over(compared)
    return {
        "lowest": Words(
            f"{over.zh}中{its.zh}分得的最低占比（{zh}）",
            f"lowest share of the {en} that any of the {over.en} credits to {its.en}",
        ),
        "highest": Words(
            f"{over.zh}中{its.zh}分得的最高占比（{zh}）",
            f"highest share of the {en} that any of the {over.en} credits to {its.en}",
        ),
        "middle": Words(
            f"{over.zh}下{its.zh}占比的中位数（{zh}）",
            f"median over the {over.en} of the share of the {en} credited to {its.en}",
        ),
        "spread": Words(
            f"{over.zh}中{its.zh}的最高占比减最低占比（{zh}）",
            f"share of the {en} credited to {its.en}: highest less lowest over the {over.en}",
        ),
        "last": Words(
            f"末次触点下{its.zh}分得的占比（{zh}）", f"share of the {en} that the last touch credits to {its.en}"
        ),
        "flattered": Words(
            f"{its.zh}分得的占比（{zh}）：末次触点减{over.zh}的中位数",
            f"share of the {en} credited to {its.en}: under the last touch less the median over the {over.en}",
        ),
    }[name]
