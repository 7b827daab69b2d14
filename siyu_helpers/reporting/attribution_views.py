"""Tables of the attribution page, brought into the form its charts and tables take. Nothing here estimates."""

import math
import warnings
from collections.abc import Mapping
from typing import Any

import pandas as pd

from siyu_helpers.analysis import channel_attribution
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.reporting.names import DOMAINS, JOINING, STATES, Names

#: The three journeys of the worked example; the hours are those before the end, for time decay.
EXAMPLE_CHANNELS = {
    "ads": ("广告", "Advertisement"),
    "account": ("公众号", "Official account"),
    "wecom": ("企业微信", "WeCom"),
}
POOL_KEYS = {"new_customers": "new", "all_orders": "all"}
#: What agreement between rules leaves out, by which orders are attributed.
REPEAT_NOTE: Names = {
    "new_customers": ("", ""),
    "all_orders": (
        "：复购的路径从上一单之后算起，当初把客户带来的渠道，哪条规则都看不见",
        ": the journey of a repeat order begins after the order before, so that no rule sees the channel that first "
        "won the customer",
    ),
}
FLOW_SEPARATOR = " › "
#: A channel whose share moves by less from rule to rule is said to hardly depend on the rule.
MATTERS = 0.10
#: How many times larger one share is than another that it is said to exceed.
CLEARLY = 1.5
#: Below this share of the orders, a domain is said to get little.
LITTLE = 0.05

#: Definitions of removal, as heads of a table.
REMOVALS = {
    "to_null": ("到此为止（本页）", "Ends there (this page)", "share"),
    "renormalise": ("跳到别的渠道", "Goes on elsewhere", "share"),
    "lose_paths": ("碰过的订单都不算", "Its orders all gone", "share"),
}


CLAIM_COLUMNS = {
    "channel": ("渠道", "Channel", "text"),
    "claimed": ("平台自报", "Claimed by the platform", "number"),
    "touched": ("碰过它的订单", "Orders that touched it", "number"),
    "claimed_per_touched": ("自报÷碰过它的订单（倍）", "Claimed / touched (times)", "points"),
    "credited_last": ("末次触点分到的", "Credited by last touch", "number"),
    "credited_markov": ("马尔可夫分到的", "Credited by Markov", "number"),
}


def counts(journeys: pd.DataFrame) -> tuple[int, int]:
    """Journeys with an order, and all journeys.

    >>> counts(pd.DataFrame({"path": [("a",)], "conversions": [2], "nulls": [3]}))
    (2, 5)
    """
    converting = float(journeys["conversions"].sum())
    return round(converting), round(converting + float(journeys["nulls"].sum()))


def name_of(channel: str, called: Names) -> Words:
    """A channel's name as a sentence takes it."""
    return Words(*called.get(channel, (channel, channel)))


def rule_names(direct_channel: str, called: Names) -> Names:
    """Names of the rules; the one that passes over direct traffic says what the brand calls it.

    >>> rule_names("direct", {"direct": ("自然流量", "Organic visits")})["last_non"]
    ('末次触点，跳过自然流量', 'Last touch other than organic visits')
    """
    found = {rule: tuple(words) for rule, words in channel_attribution.RULE_WORDS.items()}
    direct = name_of(direct_channel, called)
    found["last_non"] = (f"末次触点，跳过{direct.zh}", f"Last touch other than {_lower(direct.en)}")
    return found


def _lower(text: str) -> str:
    """A name within a sentence: a capital only where the word has more of them, as WeCom."""
    return text[:1].lower() + text[1:] if text.split(" ")[0][1:].islower() else text


def rule_of(rule: str, ruled: Names) -> Words:
    """A rule's name as a sentence takes it."""
    zh, en = ruled[rule]
    return Words(zh, en if rule in ("markov", "shapley") else _lower(en))


def listed(channels: list[str], called: Names, last: tuple[str, str] = ("、", " and ")) -> Words:
    """Several channels as a sentence takes them.

    >>> listed(["a", "b", "c"], {}, ("或", " or ")).en
    'a, b or c'
    """
    found = [name_of(channel, called) for channel in channels]
    parts = []
    for at, (comma, before_last) in enumerate(zip(("、", ", "), last, strict=True)):
        names = [name[at] for name in found]
        parts.append(before_last.join([comma.join(names[:-1]), names[-1]] if len(names) > 1 else names))
    return Words(*parts)


def all_known(numbers: Mapping[str, Any], *keys: str) -> bool:
    """Whether all of these numbers, or those of the keys given, are Estimates."""
    return all(isinstance(numbers[key], Estimate) for key in keys or numbers)


def still_open(journeys: pd.DataFrame) -> str:
    """How many journeys without an order may still end with one, as a sentence takes it."""
    return f"{journeys.attrs['flow']['journeys_null_open']:,}"


def flow_rows(journeys: pd.DataFrame) -> pd.DataFrame:
    """Steps of `flow_table` that held anything, under their names; the parts of a sum are indented."""
    table = channel_attribution.flow_table(journeys)
    heads = ("touches_read", "orders_read", "journeys_formed", "paths_distinct", "visitors_read")
    table = table[(table["count"] > 0) | table["step"].isin(heads)]
    parts = Words("　", "– ")
    names = [
        tuple(
            ("" if step in heads else dash) + text
            for dash, text in zip(parts, channel_attribution.FLOW_WORDS[step], strict=True)
        )
        for step in table["step"]
    ]
    return pd.DataFrame({"step": pd.Series(names, dtype=object, index=table.index), "count": table["count"]})


def path_rows(common: pd.DataFrame, called: Names) -> pd.DataFrame:
    """Table of `commonest_paths` with the path as text, in both languages."""
    texts = [
        tuple(FLOW_SEPARATOR.join(name_of(step, called)[at] for step in path) for at in (0, 1))
        for path in common["path"]
    ]
    return common.assign(path=pd.Series(texts, dtype=object, index=common.index))


def example() -> pd.DataFrame:
    """Journeys of the worked example: one order, two journeys without."""
    paths = [tuple(EXAMPLE_CHANNELS), ("ads",), ("account", "wecom")]
    table = pd.DataFrame({"path": pd.Series(paths, dtype=object), "conversions": [1, 0, 0], "value": [1.0, 0.0, 0.0]})
    hours = [(336.0, 168.0, 0.0), (0.0,), (168.0, 0.0)]
    return table.assign(nulls=[0, 1, 1], hours_before_end=pd.Series(hours, dtype=object))


def example_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Credit of the example under each rule: one row a rule, one column a channel."""
    return share_rows(channel_attribution.compare_rules(table)).set_index("channel").T.rename_axis("rule").reset_index()


def share_rows(compared: pd.DataFrame, ends: Mapping[str, pd.DataFrame] | None = None) -> pd.DataFrame:
    """Table of `compare_rules` with one row a channel and one column a rule; most credit first.

    ends : tables of `bootstrap` by rule; then each column has its _low and _high.
    """
    wide = compared.pivot(index="channel", columns="rule", values="share")[list(dict.fromkeys(compared["rule"]))]
    for rule, drawn in (ends or {}).items():
        for end in ("low", "high"):
            wide[f"{rule}_{end}"] = drawn.set_index("channel")[end]
    order = channel_attribution.range_over_rules(compared)["channel"]
    return wide.loc[list(order)].rename_axis(columns=None).reset_index()


def intervals(
    journeys: pd.DataFrame, compared: pd.DataFrame, markov: pd.DataFrame, drawn: Mapping[str, Any]
) -> dict[str, pd.DataFrame]:
    """Tables of `bootstrap` for every rule compared; that of Markov is given."""
    found = {"markov": markov}
    # Far fewer rows without the hours, which only time decay needs.
    plain = channel_attribution.aggregate(journeys.drop(columns="hours_before_end", errors="ignore"))
    options = compared.attrs.get("options", {})
    for rule in dict.fromkeys(compared["rule"]):
        if rule not in found:
            its = {name: options[name] for name in channel_attribution.RULE_OPTIONS.get(rule, ()) if name in options}
            table = journeys if rule == "time_decay" else plain
            found[rule] = channel_attribution.bootstrap(table, rule, **drawn, **its)
    return found


def removal_rows(journeys: pd.DataFrame) -> pd.DataFrame:
    """Share of Markov credit of each channel under the definitions of removal, most by the first."""
    columns = {}
    for name in REMOVALS:
        with warnings.catch_warnings():  # that some effects are negative is what the table is for
            warnings.simplefilter("ignore")
            credit = channel_attribution.markov(journeys, removal=name).set_index("channel")
        share = credit["conversions"] / credit["conversions"].sum() if credit["conversions"].sum() > 0 else math.nan
        columns[name] = (share * pd.Series(1.0, credit.index)).mask(credit["removal_effect"] < 0)
    table = pd.DataFrame(columns).reset_index()
    order = table.assign(down=-table["to_null"]).sort_values(["down", "channel"]).index
    return table.loc[order].reset_index(drop=True)


def rule_options(journeys: pd.DataFrame, half_life_days: float, direct_channel: str) -> dict[str, Any]:
    """Options of `compare_rules` from the page's parameters; direct traffic only where some path has it."""
    seen = {step for path in journeys["path"] for step in path}
    found: dict[str, Any] = {"half_life_days": half_life_days}
    return found | ({"ignored": direct_channel} if direct_channel in seen else {})


def rule_rows(compared: pd.DataFrame, called: Names) -> pd.DataFrame:
    """What each rule compared means."""
    rules = list(dict.fromkeys(compared["rule"]))
    options, meanings = compared.attrs.get("options", {}), []
    for rule in rules:
        its = {name: options[name] for name in channel_attribution.RULE_OPTIONS.get(rule, ()) if name in options}
        if rule not in channel_attribution.RULES:
            meanings.append(tuple(channel_attribution.DEFINITIONS[rule]))
        elif "ignored" in its:
            direct = name_of(its["ignored"], called)
            meanings.append(
                tuple(channel_attribution.definition(rule, ignored=name)[at] for at, name in enumerate(direct))
            )
        else:
            meanings.append(tuple(channel_attribution.definition(rule, **its)))
    return pd.DataFrame({"rule": rules, "meaning": pd.Series(meanings, dtype=object)})


def with_interval(compared: pd.DataFrame, sure: pd.DataFrame) -> pd.DataFrame:
    """Table of `compare_rules` with the interval of Markov's shares on its rows."""
    ends = sure[["channel", "low", "high"]].assign(rule="markov")
    return compared.merge(ends, on=["channel", "rule"], how="left")


def markov_rows(sure: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """Share with interval, range of ranks and removal effect of each channel; most credit first."""
    table = sure.merge(effects[["channel", "removal_effect"]], on="channel")
    table["estimate_low"], table["estimate_high"] = table["low"], table["high"]
    table["ranks"] = [_ranks(low, high) for low, high in zip(table["rank_low"], table["rank_high"], strict=True)]
    order = table.assign(down=-table["estimate"]).sort_values(["down", "channel"]).index
    return table.loc[order].reset_index(drop=True)


def _ranks(low: float, high: float) -> tuple[str, str]:
    if pd.isna(low):
        return "", ""
    low, high = int(low), int(high)
    return (f"第 {low}", f"{low}") if low == high else (f"第 {low} 至 {high}", f"{low} to {high}")


def widest(compared: pd.DataFrame, direct_channel: str, paid: list[str]) -> dict[str, Any]:
    """Facts of the channel whose credit depends most on the rule: of those with spend, where there are any.

    What can be bought is what a budget decides on. That the rule which passes over direct traffic gives it little is no
    finding: for that channel it does not count.
    """
    channels = list(dict.fromkeys(compared["channel"]))
    wanted = [channel for channel in channels if channel in paid]
    found = []
    for channel in wanted if len(wanted) > 1 else channels:
        passed = (compared["rule"] == "last_non") & (channel == direct_channel)
        found.append(channel_attribution.channel_facts(compared[~passed], channel))
    known = [facts for facts in found if isinstance(facts["spread"], Estimate)]
    if not known:
        return channel_attribution.channel_facts(compared)
    among = Words("投放渠道", "the paid channels") if len(wanted) > 1 else Words("各渠道", "all channels")
    # Equal ones by their larger share; the last resort is the order of the table, which is that of the names.
    return max(known, key=lambda facts: (round(facts["spread"].value, 12), facts["middle"].value)) | {"among": among}


def range_words(facts: Mapping[str, Any], called: Names, ruled: Names) -> dict[str, Words]:
    """Channel and rules of `widest` as a sentence takes them; empty where no rule differs from another."""
    if facts["channel"] is None or not facts["spread"].value > 0:
        return {}
    found = {name: rule_of(facts[name], ruled) for name in ("lowest_rule", "highest_rule")}
    return {"channel": name_of(facts["channel"], called), "among": facts["among"]} | found


def matters(facts: Mapping[str, Any]) -> bool:
    """Whether the rule matters: the widest range over the rules is at least a tenth of all orders."""
    return isinstance(facts["spread"], Estimate) and facts["spread"].value >= MATTERS


def pool_shares(by_domain: Mapping[str, pd.DataFrame], domains: Mapping[str, str]) -> dict[str, Estimate | Refused]:
    """Lowest and highest share of the pool over the rules: new_low, new_high, all_low, all_high."""
    found = {}
    for name, key in POOL_KEYS.items():
        facts = channel_attribution.domain_facts(by_domain[name], dict(domains))
        found |= {f"{key}_low": facts["lowest"], f"{key}_high": facts["highest"]}
    return found


def repeats_more(pool_of: Mapping[str, Estimate | Refused]) -> bool:
    """Whether the pool gets clearly more of all orders under every rule than of first orders under any."""
    ends = pool_of["all_low"], pool_of["new_high"]
    return all(isinstance(end, Estimate) for end in ends) and ends[0].value > CLEARLY * ends[1].value


def has_pool(pool_of: Mapping[str, Estimate | Refused]) -> bool:
    """Whether any rule credits the pool with anything."""
    return isinstance(pool_of["all_high"], Estimate) and pool_of["all_high"].value > 0


def drawable(journeys: pd.DataFrame) -> bool:
    """Whether no channel is called as a state of the chain is, which its matrix could not tell apart.

    >>> drawable(pd.DataFrame({"path": [("feed",), ("feed", "(start)")]}))
    False
    """
    return not {step for path in journeys["path"] for step in path} & set(STATES)


def pool_opening(pool_of: Mapping[str, Estimate | Refused]) -> Words:
    """How the sentence on the pool begins: that it gets little, where it does."""
    little = all(isinstance(pool_of[key], Estimate) and pool_of[key].value < LITTLE for key in ("all_high", "new_high"))
    return (
        Words("私域在这里的功劳很小：", "The pool gets little credit here:") if little else Words("", "The pool gets")
    )


def state_names(called: Names) -> Names:
    """Names of the states of a chain in the order in which they are drawn: start, touches, ends."""
    start = {"(start)": STATES["(start)"]}
    return start | dict(called) | {name: words for name, words in STATES.items() if name not in start}


def is_zero(number: Estimate | Refused) -> bool:
    """Whether a number is known to be 0."""
    return isinstance(number, Estimate) and number.value == 0


def leader(compared: pd.DataFrame, called: Names) -> dict[str, Any]:
    """Who comes first under the rules: always (bool) and what the sentence takes; empty without any credit."""
    shares = compared.dropna(subset="share")
    if shares.empty or not shares["share"].any():
        return {}
    top = shares[shares["share"] >= shares.groupby("rule")["share"].transform("max") - 1e-12]
    rules = shares["rule"].nunique()
    times = top["channel"].value_counts()
    always = sorted(times.index[times == rules])
    if len(always) == 1 and shares["channel"].nunique() > 1:
        facts = channel_attribution.channel_facts(compared, always[0])
        said = {"leader": name_of(always[0], called), "least": facts["lowest"], "greatest": facts["highest"]}
        return {"always": True, "said": said}
    both = listed(list(times.index), called, ("或", " or "))
    return {"always": False, "said": {"leaders": both}} if len(times) > 1 else {}


def chosen_order(chosen: pd.DataFrame) -> int:
    """The order that `choose_order` chose."""
    return int(chosen.loc[chosen["chosen"], "order"].iloc[0])


def order_rows(chosen: pd.DataFrame) -> pd.DataFrame:
    """Table of `choose_order` with what each order foretells less than the best, per 1,000 journeys."""
    return chosen.assign(lost=1000 * chosen["difference"].abs())


# --- domains ---


def domain_rows(by_domain: Mapping[str, pd.DataFrame], domains: Mapping[str, str]) -> pd.DataFrame:
    """Share of each domain that the brand has, one row per kind of orders and domain, one column per rule."""
    rows = []
    for of, compared in by_domain.items():
        shares = channel_attribution.domain_shares(compared, dict(domains))
        wide = shares.pivot(index="domain", columns="rule", values="share")
        kind = {"new_customers": ("新客首单", "First orders"), "all_orders": ("全部订单", "All orders")}[of]
        for domain in dict.fromkeys(shares["domain"]):
            if domain in domains.values() or domain == "unknown":
                name = tuple(
                    f"{of_kind}{colon}{its}"
                    for of_kind, colon, its in zip(kind, ("：", ": "), DOMAINS[domain], strict=True)
                )
                rows.append({"domain": name} | wide.loc[domain].to_dict())
    return pd.DataFrame(rows)


def known_domains(matrix: pd.DataFrame) -> pd.DataFrame:
    """Table of `hand_over` without domains that nobody ever touched."""
    gone = [name for name in matrix.index if matrix.loc[name].isna().all() and not matrix[name].fillna(0).any()]
    return matrix.drop(index=gone, columns=gone)


def role_rows(roles: pd.DataFrame) -> pd.DataFrame:
    """Table of `feeders_and_closers`, by domain and share of last touches."""
    place = {"public": 0, "semi": 1, "private": 2}
    order = roles.assign(place=roles["domain"].map(place).fillna(3), down=-roles["closes"])
    roles = roles.assign(role=roles["role"].astype(object).where(roles["role"].notna(), None))
    return roles.loc[order.sort_values(["place", "down", "channel"]).index].reset_index(drop=True)


def time_rows(times: pd.DataFrame) -> pd.DataFrame:
    """Table of `joining_times` with the steps in words."""
    steps = [JOINING[key] for key in zip(times["step"], times["group"], strict=True)]
    return times.assign(step=pd.Series(steps, dtype=object, index=times.index))


# --- money ---


def ends(months: tuple[str, str] | Refused) -> dict[str, str]:
    """The days of `last_months` as `journeys` takes them; empty where there are none."""
    return {} if isinstance(months, Refused) else {"ended_from": months[0], "observed_until": months[1]}


def cost_rows(cost: pd.DataFrame, ruled: Names) -> pd.DataFrame:
    """Table of `cost_range` with the lowest and the highest cost and their rules in one cell each."""
    ends = {
        end: [_cost_and_rule(*cell, ruled) for cell in zip(cost[f"cac_{end}"], cost[f"cac_{end}_rule"], strict=True)]
        for end in ("lowest", "highest")
    }
    return cost.assign(**{end: pd.Series(cells, dtype=object, index=cost.index) for end, cells in ends.items()})


def _cost_and_rule(cost: float, rule: str | None, ruled: Names) -> tuple[str, str]:
    if pd.isna(cost) or rule not in ruled:
        return "没有上限", "no limit"
    text, words = f"{cost:,.2f}" if cost < 99.995 else f"{cost:,.0f}", rule_of(rule, ruled)
    return f"{text}（{words.zh}）", f"{text} ({words.en})"


def cost_words(facts: Mapping[str, Any], called: Names, ruled: Names) -> dict[str, Any]:
    """Channel and rules of `cost_facts` as a sentence takes them; empty where no cost has two ends."""
    ends = facts["cac_lowest"], facts["cac_highest"]
    if facts["channel"] is None or not all(isinstance(end, Estimate) for end in ends):
        return {}
    if math.isclose(ends[0].value, ends[1].value):
        return {}
    return {
        "cost_channel": name_of(facts["channel"], called),
        "cost_low_rule": rule_of(facts["cac_lowest_rule"], ruled),
        "cost_high_rule": rule_of(facts["cac_highest_rule"], ruled),
    }


def claims_too_much(twice: Estimate | Refused, parts: Mapping[str, Estimate | Refused]) -> bool:
    """Whether platforms claim too much in both ways: the same order several times, and more than they touched."""
    numbers = (twice, *parts.values())
    return all(isinstance(number, Estimate) and number.value > 1 for number in numbers)


def shared_bars(charged: pd.DataFrame) -> pd.DataFrame:
    """Table of `upstream_spend` with one row a domain and way of counting: cost, low, high."""
    parts = []
    for count in ("cost_last_touch", "cost_shared"):
        part = charged[["domain"]].assign(count=count)
        for end, name in (("", "cost"), ("_low", "low"), ("_high", "high")):
            part[name] = charged[f"{count}{end}"]
        parts.append(part)
    rows = pd.concat(parts, ignore_index=True)
    there = rows.groupby("domain")["cost"].transform(lambda cost: cost.notna().any())
    return rows[there].reset_index(drop=True)


def reason(refused: Refused) -> Words:
    """Why something is refused, or warned of, as a plain sentence."""
    return Words(refused.reason_zh, refused.reason_en)
