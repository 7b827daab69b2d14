"""Tables of the acquisition-cost page, brought into the form its charts and tables take. Nothing here estimates."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from siyu_helpers.analysis import acquisition_cost
from siyu_helpers.analysis.estimates import Estimate, Refused, Words
from siyu_helpers.reporting.names import PROFIT_FACTORS, Names

Stated = Estimate | Refused
ENDS = ("value", "low", "high")


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
    return pd.DataFrame(rows)


def next_customer_extremes(
    table: pd.DataFrame, responses: pd.DataFrame, worth: Mapping[str, Stated], called: Names
) -> dict[str, dict[str, Any]]:
    """The channel where the next customer costs most above its contribution, and the one where most below it.

    table of `next_customer`  ->  "over" and "room", each only where the two intervals lie apart; what a sentence takes
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
        if candidates.notna().any():
            channel = table.loc[candidates.idxmax(), "channel"]
            found[key] = {
                f"{key}_channel": Words(*called.get(channel, (channel, channel))),
                f"{key}_marginal": acquisition_cost.marginal_cac(responses, channel),
                f"{key}_contribution": worth[channel],
            }
    return found


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
    """Contribution to date and cost as lines: which ("contribution_all", "cac_all", ...), within_days, value, ends."""
    parts = []
    for key, table in paid_back.items():
        if isinstance(table, Refused):
            continue
        for measure in ("contribution", "cac"):
            named = {measure: "value", f"{measure}_low": "low", f"{measure}_high": "high"}
            part = table.rename(columns=named)[["within_days", *named.values()]]
            parts.append(part.assign(which=f"{measure}_{key}"))
    lines = pd.concat(parts, ignore_index=True)
    # 360 and 365 days are one point of a chart.
    return lines[lines["within_days"] != 360]


def payback_facts(paid_back: pd.DataFrame | Refused, days: int, target: float) -> dict[str, Stated]:
    """What sentences say of payback: ratio, months, affordable, headroom."""
    if isinstance(paid_back, Refused):
        return dict.fromkeys(("ratio", "months", "affordable", "headroom"), paid_back)
    return {
        "ratio": acquisition_cost.ltv_to_cac(paid_back, days),
        "months": acquisition_cost.payback_month(paid_back)["months"],
        "affordable": acquisition_cost.affordable_cac(paid_back, days, target),
        "headroom": acquisition_cost.headroom(paid_back, days, target),
    }


def identities_side_by_side(formulas: Mapping[str, pd.DataFrame | Refused]) -> pd.DataFrame:
    """The source formula and the full one, factor by factor: source_value, source, full_value, full (elasticities)."""
    merged = pd.DataFrame({"factor": []}, dtype=object)
    for name in ("full", "source"):
        table = formulas[name]
        if isinstance(table, Refused):
            table = pd.DataFrame(columns=["factor", "value", "elasticity"])
        part = table[["factor", "value", "elasticity"]]
        part = part.rename(columns={"value": f"{name}_value", "elasticity": name})
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


def market_rows(ratios: pd.DataFrame) -> pd.DataFrame:
    """Ratios of the filings with names for the table: place, per_net_new, per_active, guard."""
    places = [_both(acquisition_cost.place_name, *key) for key in ratios[["company", "period"]].itertuples(index=False)]
    return ratios.assign(place=places, guard=[tuple(acquisition_cost.GUARDS[key]) for key in ratios["guard"]])


def market_facts(ratios: pd.DataFrame) -> dict[str, Any]:
    """The platforms whose spend per active buyer grew slowest and fastest, as a sentence takes them."""
    table = acquisition_cost.filings_growth_table(ratios, "per_active").dropna(subset=["growth_per_year"])
    facts: dict[str, Any] = {}
    for key, at in (("slow", table["growth_per_year"].idxmin()), ("fast", table["growth_per_year"].idxmax())):
        row = table.loc[at]
        first, last = (_both(acquisition_cost.period_name, row[end]) for end in ("first", "last"))
        facts |= {
            f"{key}_name": acquisition_cost.COMPANIES[row["company"]],
            f"{key}_span": Words(f"{first[0]}至{last[0]}", f"{first[1]} to {last[1]}"),
            f"{key}_growth": acquisition_cost.filings_growth(ratios, row["company"], "per_active"),
        }
    return facts


def churn_rows(band: pd.DataFrame) -> pd.DataFrame:
    """Spend per new buyer won under each supposed churn, one row a company and year: place, churn_0, churn_10, ..."""
    wide = band.assign(rate=[f"churn_{round(100 * churn)}" for churn in band["churn"]])
    wide = wide.pivot(index=["company", "period"], columns="rate", values="per_gross_new").dropna(how="all")
    wide = wide.reset_index()
    return wide.assign(
        place=[_both(acquisition_cost.place_name, *key) for key in wide[["company", "period"]].itertuples(index=False)]
    )


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
