"""Rows and words of page 05 from what the analysis floor found: what a pool is worth, and for which kind of business.

Nothing here computes an estimate: results come in, and go out as rows and names that a strategist can read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from siyu_helpers.analysis import industry_fit
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.reporting import names, words

TABLES = ("members", "customers", "touchpoints", "assignments", "messages", "pool_costs", "accounts", "spend")
MARKET = (
    "industries",
    "pool_assumptions",
    "channel_definitions",
    "exchange_rates",
    "industry_parameters",
    "repurchase_cycle",
)

ORIGINS: names.Names = {
    "given": ("给定", "given"),
    "estimated": ("由本品牌的表估计", "estimated from the brand's tables"),
    "counted": ("由本品牌的表数出", "counted in the brand's tables"),
    "industry table": ("行业表", "table of industries"),
    "assumed": ("假设", "assumed"),
}
LABELS: names.Names = {name: tuple(what.label) for name, what in industry_fit.FIELDS.items()}
UNITS = {name: what.unit for name, what in industry_fit.FIELDS.items()}
PARTS: names.Names = {
    "without_pool": ("不建私域", "No pool"),
    "added_orders": ("多下的订单", "More orders"),
    "saved_on_platforms": ("省下的平台费", "Saved on platforms"),
    "referrals": ("老带新", "Referral"),
    "recruiting": ("引流", "Recruiting"),
    "incentives": ("激励", "Incentives"),
    "messages": ("消息", "Messages"),
    "service": ("随人数增加的服务", "Service that grows with the pool"),
    "fixed": ("人员、工具、内容", "Staff, tools, content"),
    "setup": ("一次性投入", "One-off cost"),
    "discounting": ("折现", "Discounting"),
    "value": ("净值", "Net value"),
}
AGREES: names.Names = {
    "agrees": ("相符", "agrees"),
    "disagrees": ("不符", "disagrees"),
    "cannot be told": ("说不清", "cannot be told"),
}


def in_unit(value: float, ends: Sequence[float] | None, unit: str, currency: str) -> tuple[str, str]:
    """A number with its unit and, where it has one, its interval, in both languages.

    >>> in_unit(0.2, (0.1, 0.3), "share", "CNY")
    ('20.0%（10.0% 至 30.0%）', '20.0% (10.0% to 30.0%)')
    """
    unit, said = words.AMOUNTS.get(unit, unit), []
    for lang in words.LANGUAGES:
        text = words.value_text(value, unit, lang, currency)
        said.append(text + (words.interval_text(*ends, unit, lang, currency) if ends else ""))
    return (said[0], said[1])


def stated(number: Estimate | Refused, currency: str) -> tuple[str, str]:
    """An Estimate as a cell of a table; a Refused says that it is not known.

    >>> stated(Refused("n", 0, 1, "没有。", "None."), "CNY")
    ('说不清', 'not known')
    """
    if isinstance(number, Refused):
        return ("说不清", "not known")
    plain = number.is_exact or number.unit == "probability"  # its interval is the simulation's error: of no use here
    return in_unit(number.value, None if plain else (number.low, number.high), number.unit, currency)


def begun(both: Sequence[str]) -> tuple[str, str]:
    """The same text with a capital letter at its English beginning.

    >>> begun(("先试", "try first"))
    ('先试', 'Try first')
    """
    return (both[0], both[1][:1].upper() + both[1][1:])


def input_rows(inputs: Any, currency: str, level: float) -> pd.DataFrame:
    """Every input of the pool's economics: what it is, its range, and where it comes from."""
    rows = []
    for row in industry_fit.inputs_table(inputs, level).to_dict("records"):
        # A typical value at the end of its range lies outside the quantiles: the range begins, or ends, with it.
        ends = (min(row["value_low"], row["value"]), max(row["value_high"], row["value"]))
        told = tuple(
            f"{kind}{': ' if lang == 'en' else '：'}{row[f'origin_{lang}']}" if row[f"origin_{lang}"] else kind
            for lang, kind in zip(words.LANGUAGES, ORIGINS[row["origin"]], strict=True)
        )
        rows.append(
            {
                "input": (row["label_zh"], row["label_en"]),
                "value": in_unit(
                    row["value"], ends if row["value_low"] == row["value_low"] else None, row["unit"], currency
                ),
                "origin": told,
            }
        )
    return pd.DataFrame(rows)


def rule_rows(results: Sequence[Any], currency: str) -> pd.DataFrame:
    """Rules of the trade, those that disagree first: the claim, whether the brand's figures agree, what follows."""
    order = ("disagrees", "agrees", "cannot be told")
    rows = [
        {"claim": begun(rule.claim), "agrees": rule.agrees, "reading": begun(rule.reading)}
        for rule in sorted(results, key=lambda rule: order.index(rule.agrees))
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["claim", "agrees", "reading"])


def figure_rows(results: Sequence[Any], currency: str) -> pd.DataFrame:
    """The figures behind each rule, one a row: the claim at its first figure, what the figure is, the figure."""
    rows = []
    for rule in results:
        told = [number for number in rule.figures.values() if known(number)]
        for at, number in enumerate(told):
            rows.append(
                {
                    "claim": ("", "") if at else begun(rule.claim),
                    "what": begun(words_of(number.definition)),
                    "figure": stated(number, currency),
                }
            )
    return pd.DataFrame(rows, columns=["claim", "what", "figure"])


def known(*numbers: Any) -> bool:
    """Whether none of the numbers is refused."""
    return not any(isinstance(number, Refused) for number in numbers)


def words_of(both: Words) -> tuple[str, str]:
    """A bilingual text as charts and tables take it."""
    return (both.zh, both.en)


def monthly_rows(monthly: pd.DataFrame, every: int = 3) -> pd.DataFrame:
    """The account by month: the first, every third, and the last month."""
    shown = monthly[(monthly["month"] == 1) | (monthly["month"] % every == 0)].copy()
    shown["earned"] = shown[["added_orders", "saved_on_platforms", "referrals"]].sum(axis=1)
    shown["spent"] = shown[["recruiting", "incentives", "messages", "service", "fixed", "setup"]].sum(axis=1)
    return shown.round({"opening": 0, "inflow": 0, "leavers": 0, "closing": 0})


def probability_rows(result: Any) -> pd.DataFrame:
    """Probability of having paid back, by month."""
    return result.probability_paid.rename("probability").reset_index()


def tables_of(shop: Any) -> Mapping[str, Any]:
    """The brand's tables as lazy frames; None for those that it does not have."""
    return {name: shop.scan(name) if shop.has(name) else None for name in TABLES}


THE_BRAND = "this brand"
TAP: names.Names = {"open": ("继续引流", "Recruiting goes on"), "closed": ("不再引流", "No more recruiting")}
FIT: names.Names = {
    "carries a pool": ("撑得起", "carries a pool"),
    "depends": ("要看条件", "depends"),
    "does not": ("撑不起", "does not"),
}
ARTICLE: names.Names = {
    "fit": ("适合", "fit"), "unfit": ("不适合", "unfit"), "": ("未提及", "not named"), "own": ("", ""),
}  # fmt: skip


def is_own(own: Any, given: Mapping[str, Any], proof: Any) -> bool:
    """Whether the account is about the brand's own pool: its cost and its joiners are recorded, or given."""
    costs = ("staff_cost", "tool_cost", "content_cost", "service_cost")
    joined = "uplift" in given or evidence_level(proof) != ""
    return joined and any(name in given or name in own.own for name in costs)


def statement_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Movement of the pool by month, months named: 2025-01 where they are calendar months, else their first day.

    >>> begins = pd.to_datetime(["2025-01-01", "2025-02-01"])
    >>> statement_rows(pd.DataFrame({"month_begins": begins}))["month_begins"].tolist()
    ['2025-01', '2025-02']
    """
    begins = pd.to_datetime(table["month_begins"])
    return table.assign(month_begins=begins.dt.strftime("%Y-%m" if (begins.dt.day == 1).all() else "%Y-%m-%d"))


def tap_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The pool with and without recruiting, one below the other."""
    parts = []
    for tap in TAP:
        part = table[["month", f"closing_{tap}", f"closing_{tap}_low", f"closing_{tap}_high"]].copy()
        parts.append(part.set_axis(["month", "closing", "low", "high"], axis=1).assign(tap=tap))
    return pd.concat(parts, ignore_index=True)


def map_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The map of industries, the brand's own row under a name of its own."""
    is_brand = table["industry"] == ""
    return table.assign(
        industry=table["industry"].mask(is_brand, THE_BRAND), article_view=table["article_view"].mask(is_brand, "own")
    )


def industry_names(table: pd.DataFrame) -> names.Names:
    """Industries by name, in the order of the table."""
    return {row["industry"]: (row["name_zh"], row["name_en"]) for row in map_rows(table).to_dict("records")}


def brand_words(shop: Any) -> Words:
    """The brand's name in both languages."""
    return Words(*(words.text_in(shop.config["name"], lang) for lang in words.LANGUAGES))


NOT_KNOWN = Words("不详", "not known")


def evidence_level(proof: Any) -> str:
    """The verdict level on the effect as the brief takes it; blank where nobody joined."""
    return "" if proof.level == "no members" else proof.gain_level


DOMAINS: names.Names = {
    "private": ("私域", "private"), "semi": ("半私域", "semi-private"), "public": ("公域", "public"), "": ("", ""),
}  # fmt: skip
CORNERS: names.Names = {
    "ownership": ("私域产权力", "Ownership"), "value": ("单客价值度", "Value per customer"),
    "referral": ("客户推荐率", "Referral"),
}  # fmt: skip
ARTICLES = ("source_000", "source_001", "source_002", "source_003", "source_003i")


def channel_names(table: pd.DataFrame) -> names.Names:
    """Channels of the scorecard by name."""
    return {row["channel"]: (row["name_zh"], row["name_en"]) for row in table.to_dict("records")}


def score_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The scorecard with what the articles call each channel in one cell."""
    said = []
    for row in table.to_dict("records"):
        classes = list(dict.fromkeys(row[name] for name in ARTICLES if row[name]))
        both = [DOMAINS[name] for name in classes]
        said.append(("、".join(zh for zh, _ in both), ", ".join(en for _, en in both)))
    return table.assign(said=said)


def divided_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Channels on which the articles disagree: what they say, and what would settle it."""
    return pd.DataFrame(
        {
            "channel": list(zip(table["name_zh"], table["name_en"], strict=True)),
            "said": list(zip(table["said_zh"], table["said_en"], strict=True)),
            "settled": list(zip(table["settled_by_zh"], table["settled_by_en"], strict=True)),
        }
    )


def own_channel_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The brand's own channels, named as it names them."""
    blank = table["definition"].isna() | (table["definition"] == "")
    return table.assign(
        channel=list(zip(table["zh"], table["en"], strict=True)),
        definition=[("未收录", "not in the table") if empty else DOMAINS[name]
                    for empty, name in zip(blank, table["definition"], strict=True)],
    )  # fmt: skip


def corner_rows(found: Mapping[str, Any], currency: str) -> pd.DataFrame:
    """The three indices: figure, share of its reference, and our formula."""
    rows = []
    for corner, called in CORNERS.items():
        raw, index = found[corner], found[f"{corner}_index"]
        both = [number.definition for number in (raw, index) if isinstance(number, Estimate)]
        formula = ("；".join(each.zh for each in both), "; ".join(each.en for each in both))
        rows.append({"corner": called, "raw": stated(raw, currency), "index": stated(index, currency),
                     "formula": formula})  # fmt: skip
    return pd.DataFrame(rows)


def lever_rows(table: pd.DataFrame) -> pd.DataFrame:
    """What raising one corner at a time is worth, named."""
    return table.assign(
        corner=list(zip(table["zh"], table["en"], strict=True)),
        formula=list(zip(table["formula_zh"], table["formula_en"], strict=True)),
    )


def lever_inputs(inputs: Any) -> dict[str, float]:
    """What the levers need of the pool's inputs: what a customer adds a year, what a referred one is worth."""
    typical = inputs.typical()
    return {
        "added_per_customer": 12 * industry_fit.contribution_per_member(inputs),
        "referred_value": typical["referral_value"],
        "referral_reward": typical["referral_reward"],
    }


def rate_per_cny(rates: pd.DataFrame, currency: str, until: Any) -> float | None:
    """Units of a currency for one CNY, at the rate of the last year on record up to the data's; None where none is.

    >>> rates = pd.DataFrame({"year": [2012, 2023], "rmb_per_usd": [6.3, 7.0]})
    >>> rate_per_cny(rates, "CNY", "1998-06-30"), round(rate_per_cny(rates, "USD", "2024-06-30"), 3)
    (1.0, 0.143)
    >>> rate_per_cny(rates, "EUR", "2024-06-30") is None
    True
    """
    if currency == "CNY":
        return 1.0
    if currency != "USD" or rates.empty:
        return None
    known_then = rates[rates["year"] <= int(str(until)[:4])]
    row = rates.sort_values("year").iloc[0] if known_then.empty else known_then.sort_values("year").iloc[-1]
    return 1 / float(row["rmb_per_usd"])


def is_priced(inputs: Any, rate: float | None) -> bool:
    """Whether the pool's running cost is known: the brand's own, given, or from the tables at a rate of exchange."""
    costs = ("staff_cost", "tool_cost", "content_cost", "service_cost")
    return rate is not None or any(inputs.typical()[name] > 0 for name in costs)


METRICS: names.Names = {
    "cycle_days": ("复购周期（天）", "repurchase cycle (days)"),
    "orders_per_year": ("每位客户每年订单（单个品牌）", "orders per customer and year (one brand)"),
    "order_value": ("笔单价（元）", "order value (RMB)"),
    "margin": ("毛利率", "gross margin"),
    "order_costs": ("每笔其他费用占比", "other cost of an order (share)"),
    "shareability": ("传播意愿（零到一）", "shareability (zero to one)"),
    "commission_saved": ("佣金率", "commission (share)"),
    "activity_kept": ("购买的逐月保留", "buying kept a month (share)"),
}


def correlation_rows(inputs: Any) -> pd.DataFrame:
    """Pairs of inputs that are drawn together."""
    rows = [{"one": LABELS[one], "other": LABELS[other], "correlation": value}
            for (one, other), value in inputs.correlations.items()]  # fmt: skip
    return pd.DataFrame(rows, columns=["one", "other", "correlation"])


def ring_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Rings around the store, named by their distances."""
    rings = []
    for row in table.to_dict("records"):
        near, far = f"{row['from_km']:g}", f"{row['to_km']:g}"
        last = row["to_km"] == float("inf")
        rings.append(
            (f"{near} 公里以外", f"beyond {near} km") if last else (f"{near}–{far} 公里", f"{near} to {far} km")
        )
    return table.assign(ring=rings)


def capacity_rows(table: pd.DataFrame, currency: str) -> pd.DataFrame:
    """The case of the trade beside the brand, each figure in its unit; money of the case is RMB."""
    rows = []
    for row in table.to_dict("records"):
        told = {side: ("–", "–") if row[side] is None or row[side] != row[side]
                else in_unit(row[side], None, row["unit"], "CNY" if side == "case" else currency)
                for side in ("case", "brand")}  # fmt: skip
        rows.append(
            {"measure": (row["measure_zh"], row["measure_en"]), **told, "note": (row["note_zh"], row["note_en"])}
        )
    return pd.DataFrame(rows, columns=["measure", "case", "brand", "note"])


def industry_input_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The table of industries as a reader meets it: figure with its ends, basis with its sources."""
    rows = []
    for row in table.to_dict("records"):
        ends = ", ".join(f"{row[end]:g}" for end in ("low", "typical", "high"))
        basis = ("有来源", "source") if row["basis"] == "source" else ("假设", "assumption")
        behind = f" {row['grade']}" if row["grade"] else ""
        told = f": {row['sources']}" if row["sources"] else ""
        rows.append(
            {
                "industry": (row["name_zh"], row["name_en"]),
                "metric": METRICS.get(row["metric"], (row["metric"], row["metric"])),
                "range": (ends, ends),
                "basis": (basis[0] + behind + told, basis[1] + behind + told),
                "note": (row["note_zh"], row["note_en"]),
            }
        )
    return pd.DataFrame(rows)


def agreement_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Pairs of definitions, named."""
    named = industry_fit.SOURCE_NAMES
    return table.assign(first=[words_of(named[name]) for name in table["first"]],
                        second=[words_of(named[name]) for name in table["second"]])  # fmt: skip
