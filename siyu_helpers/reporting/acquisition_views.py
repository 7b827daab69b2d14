"""Tables of the acquisition-cost page, brought into the form its charts and tables take. Nothing here estimates."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from siyu_helpers.analysis import acquisition_cost
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.reporting.names import PROFIT_FACTORS, Names

Stated = Estimate | Refused
ENDS = ("value", "low", "high")
NEXT_CUSTOMER = ["channel", "status", "spend_now"] + [
    f"{name}{end}"
    for name in ("best", "elasticity", "average", "marginal", "contribution")
    for end in ("", "_low", "_high")
]


def worth_by_channel(paid_back: pd.DataFrame | Refused, responses: pd.DataFrame, days: int) -> dict[str, Stated]:
    """Contribution of a new customer within so many days, for each channel of the response table."""
    if isinstance(paid_back, Refused):
        return dict.fromkeys(responses["channel"], paid_back)
    known = set(paid_back["group"])
    return {
        channel: acquisition_cost.affordable_cac(paid_back, days, 1.0, channel) if channel in known else _nobody()
        for channel in responses["channel"]
    }


def _nobody() -> Refused:
    return Refused("customers", 0, 1, "没有观察满的新客。", "No new customer has been observed long enough.")


def _ends(number: Stated, name: str) -> dict[str, float]:
    """A number as three columns; a Refused one blank."""
    heads = (name, f"{name}_low", f"{name}_high")
    return dict(zip(heads, (getattr(number, end, math.nan) for end in ENDS), strict=True))


def next_customer(responses: pd.DataFrame, best: pd.DataFrame, worth: Mapping[str, Stated]) -> pd.DataFrame:
    """One row a channel: elasticity, average and marginal cost, contribution, spend today and the best, and the status.

    tables of `response` and `best_spend`  ->  table (channel)
    """
    now = best.set_index("channel")
    status = now["status"].to_dict()
    rows = []
    for channel in responses["channel"]:
        said = status[channel]
        if said == "beyond_seen":
            said = f"beyond_{best.attrs['direction'][channel]}"
        rows.append(
            {"channel": channel, "status": said, "spend_now": now["spend_now"][channel]}
            | dict(
                zip(
                    ("best", "best_low", "best_high"),
                    now.loc[channel, ["spend", "spend_low", "spend_high"]],
                    strict=True,
                )
            )
            | _ends(acquisition_cost.elasticity(responses, channel), "elasticity")
            | _ends(acquisition_cost.average_cac(responses, channel), "average")
            | _ends(acquisition_cost.marginal_cac(responses, channel), "marginal")
            | _ends(worth[channel], "contribution")
        )
    return pd.DataFrame(rows, columns=NEXT_CUSTOMER)


def next_customer_extremes(
    table: pd.DataFrame, responses: pd.DataFrame, worth: Mapping[str, Stated], called: Names
) -> dict[str, dict[str, Any]]:
    """Where the next customer costs more, and where less, than it contributes: how many channels, and the widest gap.

    table of `next_customer`  ->  "over" and "room", each only where the two intervals lie apart on some channel; what a
    sentence takes
    """
    if table.empty:
        return {}
    ratio = table["marginal"] / table["contribution"]
    picked = {
        "over": ratio[table["marginal_low"] > table["contribution_high"]],
        "room": -ratio[table["marginal_high"] < table["contribution_low"]],
    }
    found = {}
    for key, candidates in picked.items():
        if len(candidates):
            channel = table.loc[candidates.idxmax(), "channel"]
            found[key] = {
                f"n_{key}": str(len(candidates)),
                "n_channels": str(len(table)),
                f"{key}_channel": named(channel, called),
                f"{key}_marginal": acquisition_cost.marginal_cac(responses, channel),
                f"{key}_contribution": worth[channel],
            }
    return found


def meaning(words: Words) -> Words:
    """A definition without the term that it begins with.

    >>> meaning(Words("投放获客成本＝费用÷新客数", "paid: spend / new customers")).en
    'spend / new customers'
    """
    return Words(words.zh.split("＝", 1)[-1], words.en.split(": ", 1)[-1])


def named(channel: str, called: Names) -> Words:
    """A channel's name as a sentence takes it."""
    return Words(*called.get(channel, (channel, channel)))


def channel_extremes(table: pd.DataFrame, costs: pd.DataFrame, months: list[str], called: Names) -> dict[str, Any]:
    """The most and the least expensive channel, where their intervals lie apart; what a sentence takes, else empty.

    table of `totals` by channel, the cost table and its months  ->  dear_channel, dear_cac, cheap_channel, cheap_cac
    """
    known = table[table["cac"].notna()]
    if len(known) < 2:
        return {}
    ends = {"dear": known.loc[known["cac"].idxmax()], "cheap": known.loc[known["cac"].idxmin()]}
    if not ends["dear"]["cac_low"] > ends["cheap"]["cac_high"]:
        return {}
    found: dict[str, Any] = {}
    for key, row in ends.items():
        name = named(row["channel"], called)
        cost = acquisition_cost.cac(costs, months, channel=row["channel"])
        found |= {f"{key}_channel": name, f"{key}_cac": cost}
    return found


def domain_facts(compared: pd.DataFrame, level: float, ending: str = "") -> dict[str, Stated]:
    """Private customers carrying all of the pool's costs, and public ones by media alone; empty where one is not known.

    table of `compare_domains`  ->  private_full, public_media
    table of `compare_domains_with_upstream`, ending "_shared"  ->  private_full_shared, public_media_shared
    """
    rows = compared.set_index(["charge", "domain"])
    found = {}
    for key, charge, domain in (("private_full", "private", "private"), ("public_media", "media", "public")):
        at = (f"{charge}{ending}", domain)
        if at not in rows.index or math.isnan(rows.loc[at, "cac"]):
            return {}
        row, words = rows.loc[at], compared.attrs["definition"][charge]
        if ending:
            words = Words(
                f"{words.zh}；投放按各单路径上的渠道平分，由成交的域承担",
                f"{words.en}; media spend shared over the channels of each order's journey, borne by the domain that "
                "closed it",
            )
        ends = (row["cac"], row["cac_low"], row["cac_high"])
        found[f"{key}{ending}"] = Estimate(
            *ends, level, int(row["new_customers"]), "money per customer", words, acquisition_cost.compare_domains
        )
    return found


def shared_rows(shared: pd.DataFrame) -> pd.DataFrame:
    """Domains with the pool's costs on the pool, before and after upstream spend is shared; without pool costs, media.

    table of `compare_domains_with_upstream`  ->  table (domain x charge), charge "own" and "shared"
    """
    charge = "private" if "private" in set(shared["charge"]) else "media"
    called = {charge: "own", f"{charge}_shared": "shared"}
    rows = shared[shared["charge"].isin(called)].assign(charge=lambda table: table["charge"].map(called))
    # A cost of 0 is blank in the cost table; where the other way of counting has a cost, nothing was spent.
    known = rows.groupby("domain")["cac"].transform(lambda cost: cost.notna().any())
    free = rows["cac"].isna() & (rows["spend"] == 0) & (rows["new_customers"] > 0)
    return rows.assign(cac=rows["cac"].mask(free, 0.0))[known].reset_index(drop=True)


def closed_in(upstream: pd.DataFrame, domain: str) -> str:
    """How many new customers with recorded touches a domain closed, as a sentence takes it.

    table of `upstream_spend`  ->  text
    """
    return f"{upstream.loc[upstream['domain'] == domain, 'conversions'].sum():,.0f}"


def domain_members(config: Mapping[str, Any], domain: str, called: Names) -> Words:
    """Names of the brand's channels of a domain, as a sentence takes them."""
    members = [named(name, called) for name, its in config["channels"].items() if its == domain]
    return Words("、".join(name.zh for name in members) or "无", ", ".join(name.en for name in members) or "none")


def season_ends(levels: pd.DataFrame) -> dict[str, Any]:
    """The cheapest and the most expensive month of the year: low_month, low_level, high_month, high_level, or empty."""
    found: dict[str, Any] = {}
    for key, at in (("low", "idxmin"), ("high", "idxmax")):
        if levels.empty:
            return {}
        row = levels.loc[getattr(levels["level"], at)()]
        month = int(row["month_of_year"])
        definition = Words(
            f"{month} 月的获客成本与全年平均（几何平均）相比，已剔除趋势",
            f"Cost in month {month} of the year against the year's (geometric) average, with the trend taken out",
        )
        ends = (row["level"] - 1, row["low"] - 1, row["high"] - 1)
        level = levels.attrs.get("level", 0.90)
        found[f"{key}_month"] = str(month)
        function = acquisition_cost.seasonal_levels
        found[f"{key}_level"] = Estimate(*ends, level, len(levels), "growth", definition, function)
    return found


def change_parts(parts: Mapping[str, Stated]) -> dict[str, Stated]:
    """The two parts of a change that a sentence names: which channels customers came through, and what those cost.

    dict of `change_estimates`  ->  change_mix (with channels started and stopped), change_within (with spend on
    channels that brought nobody)
    """
    together = {"change_mix": ("mix", "started", "stopped"), "change_within": ("within", "spend_without_customers")}
    definitions = {
        "change_mix": Words(
            "综合获客成本的变化中，新客在渠道之间的消长（含新开和停掉的渠道）",
            "in the change of the blended cost: customers shifting between channels, started and stopped ones included",
        ),
        "change_within": Words(
            "综合获客成本的变化中，各渠道自身成本的变化（含投了却没有新客的费用）",
            "in the change of the blended cost: cost within channels, spend that brought nobody included",
        ),
    }
    found: dict[str, Stated] = {}
    for key, names in together.items():
        numbers = [parts[name] for name in names]
        known = [number for number in numbers if isinstance(number, Estimate)]
        if len(known) < len(numbers):
            found[key] = next(number for number in numbers if isinstance(number, Refused))
        else:
            value = math.fsum(number.value for number in known)
            found[key] = replace(known[0], value=value, definition=definitions[key])
    return found


def largest_part(split: pd.DataFrame, called: Names) -> dict[str, Any]:
    """The channel whose parts moved the cost most: top_channel, top_change."""
    by_channel = split.groupby("channel")["contribution"].sum()
    channel = by_channel.abs().idxmax()
    definition = Words(
        f"综合获客成本的变化中，{named(channel, called).zh}的各部分之和",
        f"All parts of {named(channel, called).en} in the change of the blended cost",
    )
    change = Estimate.exact(
        by_channel[channel], split.attrs["customers"], "money", definition, acquisition_cost.decompose_change
    )
    return {"top_channel": named(channel, called), "top_change": change}


def spend_growth(costs: pd.DataFrame, halves: tuple[list[str], list[str]]) -> Stated:
    """Change of all spend between two periods: a fact, unit "growth"."""
    then, now = (costs.loc[costs["month"].isin(months), "spend"].sum() for months in halves)
    if not then > 0:
        return _nobody()
    definition = Words("投放费用合计，与之前十二个月相比", "all media spend, against the twelve months before")
    return Estimate.exact(now / then - 1, 24, "growth", definition, spend_growth)


def whole_periods(costs: pd.DataFrame) -> pd.DataFrame:
    """Rows of a cost table by quarter and channel whose quarter is whole, with its running number `at` for a chart."""
    column = acquisition_cost.period_column(costs)
    whole = costs[~costs[column].isin(costs.attrs.get("incomplete", []))].rename(columns={column: "period"})
    places = {period: at for at, period in enumerate(sorted(whole["period"].unique()))}
    return whole.assign(at=whole["period"].map(places))


def period_names(rows: pd.DataFrame) -> dict[int, str]:
    """Running number -> period, as `whole_periods` counts."""
    return dict(zip(rows["at"], rows["period"], strict=True))


def planned_change(plan: pd.DataFrame) -> Stated:
    """Change of spend in all under a plan: a fact of the plan, unit "growth"."""
    row = plan[plan["channel"] == "all"]
    if row.empty or not row["spend_now"].iloc[0] > 0:
        return _nobody()
    now, then = row["spend_now"].iloc[0], row["spend_planned"].iloc[0]
    definition = Words("计划投放合计 ÷ 现有投放合计 − 1", "planned spend of all channels / that of today, less 1")
    return Estimate.exact(then / now - 1, len(plan) - 1, "growth", definition, planned_change)


def past_and_ahead(costs: pd.DataFrame, ahead: pd.DataFrame) -> pd.DataFrame:
    """Observed months and forecast months in one table: at (running number), cac, low, high, which."""
    past = costs[["month", "cac"]].assign(which="past", low=math.nan, high=math.nan)
    then = ahead.rename(columns={"value": "cac"})[["month", "cac", "low", "high"]].assign(which="ahead")
    both = pd.concat([past[~past["month"].isin(set(then["month"]))], then], ignore_index=True)
    return both.assign(at=range(len(both)))


def month_names(costs: pd.DataFrame, ahead: pd.DataFrame) -> dict[int, str]:
    """Running number -> month, as `past_and_ahead` counts."""
    both = past_and_ahead(costs, ahead)
    return dict(zip(both["at"], both["month"], strict=True))


def payback_lines(paid_back: Mapping[str, pd.DataFrame | Refused]) -> pd.DataFrame:
    """Contribution to date and cost as lines: which ("contribution_all", "cac_all", ...), within_days, value, ends.

    Of the key "full", whose customers are those of "all", the cost only.
    """
    parts = []
    for key, table in paid_back.items():
        if isinstance(table, Refused):
            continue
        for measure in ("cac",) if key == "full" else ("contribution", "cac"):
            named = {measure: "value", f"{measure}_low": "low", f"{measure}_high": "high"}
            part = table.rename(columns=named)[["within_days", *named.values()]]
            parts.append(part.assign(which=f"{measure}_{key}"))
    lines = pd.concat(parts, ignore_index=True)
    # 360 and 365 days are one point of a chart.
    return lines[lines["within_days"] != 360]


def payback_facts(paid_back: pd.DataFrame | Refused, days: int, target: float) -> dict[str, Stated]:
    """What sentences say of payback: ratio, months, share (paid back by the last day), affordable."""
    if isinstance(paid_back, Refused):
        return dict.fromkeys(("ratio", "months", "share", "affordable"), paid_back)
    return {
        "ratio": acquisition_cost.ltv_to_cac(paid_back, days),
        "months": acquisition_cost.payback_month(paid_back)["months"],
        "share": _share_paid_back(paid_back),
        "affordable": acquisition_cost.affordable_cac(paid_back, days, target),
    }


def _share_paid_back(paid_back: pd.DataFrame) -> Stated:
    """The cost that has come back by the last day observed, as a share."""
    days = int(paid_back["within_days"].max())
    ratio = acquisition_cost.ltv_to_cac(paid_back, days)
    return ratio if isinstance(ratio, Refused) else replace(ratio, unit="share")


def against(allowed: Stated, actual: Stated) -> Words:
    """How what a customer costs now stands to what it may cost, by whether the intervals lie apart."""
    if isinstance(allowed, Refused) or isinstance(actual, Refused):
        return Words("无法比较", "which cannot be compared")
    if actual.low > allowed.high:
        return Words("已经超出", "which is more")
    if actual.high < allowed.low:
        return Words("还有余地", "which is less")
    return Words("两者分不出高下", "and the two cannot be told apart")


def times_the_cost(target: float) -> Words:
    """A multiple of the cost, as a sentence takes it.

    >>> times_the_cost(1.0).en, times_the_cost(3.0).en
    ('the cost', '3 times the cost')
    """
    return Words(f"获客成本的 {target:g} 倍", "the cost" if target == 1 else f"{target:g} times the cost")


def payback_rows(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary of payback with a column `back` in words: the month, or why there is none."""
    return summary.assign(back=[_back(row) for row in summary.to_dict("records")])


def _back(row: Mapping[str, Any]) -> tuple[str, str]:
    if not pd.isna(row["payback_months"]):
        value, low, high = (row[f"payback_months{end}"] for end in ("", "_low", "_high"))
        if low == high:
            return f"第 {value:.0f} 个月", f"month {value:.0f}"
        if math.isinf(high):
            return f"第 {value:.0f} 个月（{low:.0f} 或更晚）", f"month {value:.0f} ({low:.0f} or later)"
        return f"第 {value:.0f} 个月（{low:.0f} 至 {high:.0f}）", f"month {value:.0f} ({low:.0f} to {high:.0f})"
    if pd.isna(row["cac"]):
        return ("没有投放", "no spend") if row["customers"] else ("没有新客", "no customers")
    if pd.isna(row["contribution"]):
        return "新客不足 100 位", "fewer than 100 customers"
    if row["within_days"] >= 365:
        return f"{row['within_days']:.0f} 天内未回本", f"not within {row['within_days']:.0f} days"
    return "还没有，时间尚短", "not yet, too early to tell"


def identities_side_by_side(formulas: Mapping[str, pd.DataFrame | Refused]) -> pd.DataFrame:
    """The source formula and the full one, factor by factor: source_value, source, full_value, full.

    source and full : change of profit, in the brand's currency, when the factor rises by 1%.
    """
    merged = pd.DataFrame({"factor": []}, dtype=object)
    for name in ("full", "source"):
        table = formulas[name]
        if isinstance(table, Refused):
            table = pd.DataFrame(columns=["factor", "value", "profit_change_of_1_percent"])
        part = table[["factor", "value", "profit_change_of_1_percent"]]
        part = part.rename(columns={"value": f"{name}_value", "profit_change_of_1_percent": name})
        merged = merged.merge(part, on="factor", how="outer", sort=False)
    order = {factor: at for at, factor in enumerate(PROFIT_FACTORS)}
    return merged.sort_values("factor", key=lambda names: names.map(order), ignore_index=True)


def profit_of(table: pd.DataFrame | Refused) -> Stated:
    """Profit that a formula gives."""
    return table if isinstance(table, Refused) else acquisition_cost.profit_estimates(table)["profit"]


# --- the market ---


def _both(name: Callable[..., str], *given: str) -> tuple[str, str]:
    """A name in both languages."""
    return name(*given, "zh"), name(*given, "en")


def market_rows(ratios: pd.DataFrame, band: pd.DataFrame) -> pd.DataFrame:
    """Ratios of the filings and what churn would make of them: place, per_active, per_net_new, churn_10, ..., note."""
    wide = band.assign(rate=[f"churn_{round(100 * churn)}" for churn in band["churn"]])
    wide = wide.pivot(index=["company", "period"], columns="rate", values="per_gross_new").reset_index()
    table = ratios.merge(wide, on=["company", "period"], how="left")
    places = [_both(acquisition_cost.place_name, *key) for key in table[["company", "period"]].itertuples(index=False)]
    notes = [tuple(acquisition_cost.GUARDS[key]) if key else ("", "") for key in table["guard"]]
    return table.assign(place=places, note=notes)


def market_facts(ratios: pd.DataFrame) -> dict[str, Any]:
    """The platforms whose spend per active buyer grew slowest and fastest, as a sentence takes them."""
    table = acquisition_cost.filings_growth_table(ratios, "per_active").dropna(subset=["growth_per_year"])
    facts: dict[str, Any] = {}
    for key, at in (("slow", table["growth_per_year"].idxmin()), ("fast", table["growth_per_year"].idxmax())):
        row = table.loc[at]
        first, last = (_both(acquisition_cost.period_name, row[end]) for end in ("first", "last"))
        facts |= {
            f"{key}_name": acquisition_cost.COMPANIES[row["company"]],
            f"{key}_span": Words(f"{first[0].removesuffix(' 年')} 至 {last[0]}", f"{first[1]} to {last[1]}"),
            f"{key}_growth": acquisition_cost.filings_growth(ratios, row["company"], "per_active"),
        }
    return facts


def market_ends(ratios: pd.DataFrame, figures: pd.DataFrame) -> dict[str, Any]:
    """Until which year the filings reach, and whether every series of three years or more ends above its start."""
    table = acquisition_cost.filings_growth_table(ratios, "per_active").dropna(subset=["growth_per_year"])
    grew = bool((table.loc[table["years"] >= 3, "growth_per_year"] > 0).all())
    said = {
        True: Words(
            "它们支持“平台在每位买家身上花得比早年多”",
            "They bear out that platforms spend more per buyer than in their early years",
        ),
        False: Words("各平台有升有降", "Some platforms spend more per buyer than in their early years, others less"),
    }
    return {"last_year": str(int(figures["year"].max())), "grew": said[grew]}


def published(claims: pd.DataFrame) -> pd.DataFrame:
    """Claims that somebody else published: those this data set derived itself reproduce by construction."""
    return claims[claims["publisher"] != "this data set"].reset_index(drop=True)


def claim_places(claims: pd.DataFrame, filings: pd.DataFrame) -> dict[str, Words]:
    """Whose figures the ones nearest to the ends of the 30 to 250 claim are."""
    near = acquisition_cost.nearest_figures(claims, filings)
    wanted = {"last_place": ("per_net_new", -1), "first_place": ("per_net_new", 0), "active_place": ("per_active", 0)}
    ends = sorted(near["claim_year"].unique())
    found = {}
    for key, (which, end) in wanted.items():
        rows = near[(near["which"] == which) & (near["claim_year"] == ends[end])]
        row = rows.iloc[0]
        found[key] = Words(*_both(acquisition_cost.place_name, row["company"], row["period"]))
    return found


def claim_rows(register: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Claims that filings could be held against, and the others: claim, filing_rmb, verdict, reason."""
    pairs = {"claim": "claim", "reason": "reason"}
    made = register.assign(
        **{
            name: [tuple(pair) for pair in register[[f"{stem}_zh", f"{stem}_en"]].itertuples(index=False)]
            for name, stem in pairs.items()
        },
        verdict_key=register["verdict"],
        verdict=[tuple(acquisition_cost.VERDICT_NAMES[key]) for key in register["verdict"]],
    )
    named = zip(made["platform_zh"], made["platform"], made["claim"], strict=True)
    made["claim"] = [(f"{zh}：{claim[0]}", f"{en}: {claim[1]}") for zh, en, claim in named]
    compared = made["verdict_key"] != "cannot be checked"
    return made[compared], made[~compared]


def growth_rows(beside: pd.DataFrame) -> pd.DataFrame:
    """The claim and every series of the filings with names for the table: series, span, and their numbers."""
    series, spans = [], []
    for row in beside.itertuples():
        if row.company == "claim":
            series.append(("流传的说法", "The claim"))
        else:
            company, measure = acquisition_cost.COMPANIES[row.company], acquisition_cost.MEASURES[row.which]
            series.append((f"{company.zh}，{measure.zh}", f"{company.en}, {measure.en}"))
        spans.append((f"{row.first} 至 {row.last}", f"{row.first} to {row.last}"))
    return beside.assign(series=series, span=spans)


def recovery_rows(recover: pd.DataFrame) -> pd.DataFrame:
    """Orders needed to recover a cost, one row a cost and one column a margin: cac, margin_20, ..."""
    wide = recover.assign(rate=[f"margin_{round(100 * margin)}" for margin in recover["margin"]])
    return wide.pivot(index="cac", columns="rate", values="orders").reset_index()
