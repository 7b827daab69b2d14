"""The claims register: each published acquisition cost beside what the filings give for the same company and year.

A claim is "reproduced" when a filing ratio of its company and year lies within 3% of it (or within the rounding of the
claim), "not reproduced" when every such ratio is known and none does, and "cannot be checked" when a figure it needs
was not published, or when nothing in a filing measures what it claims. Which company, year and ratio a claim is held
against is written in `claim_matches`, with the reason; the figures themselves are always computed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis.acquisition.claim_matches import MATCHES, NO_FILING, Match, both
from siyu_helpers.analysis.acquisition.filings import (
    UNIT,
    annual_figures,
    annual_spend,
    filings_ratios,
    growth_table,
)
from siyu_helpers.analysis.acquisition.platform_names import GUARDS, MEASURES, place_name
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

TOLERANCE = 0.03
REPRODUCED, NOT_REPRODUCED, UNCHECKED = VERDICTS = ("reproduced", "not reproduced", "cannot be checked")
VERDICT_NAMES = {
    REPRODUCED: Words("可复现", "reproduced"),
    NOT_REPRODUCED: Words("不能复现", "not reproduced"),
    UNCHECKED: Words("无法核对", "cannot be checked"),
}
COLUMNS = (
    "id", "year", "platform", "platform_zh", "metric", "claim_zh", "claim_en", "claimed_low", "claimed_high", "unit",
    "method", "grade", "company", "period", "filing_rmb", "rmb_per_usd", "filing_value", "difference",
    "implied_net_adds_m", "verdict", "reason_zh", "reason_en",
)  # fmt: skip
_UNDECIDED = Match(None, (), Words("尚未决定与哪家、哪年相比。", "Nobody has decided what it is to be compared with."))
FIRST_CLAIM, LAST_CLAIM = "cac01", "cac02"  # about 30 RMB in 2013, 250 RMB in 2017


def claims_register(
    claims: pd.DataFrame,
    filings: pd.DataFrame,
    exchange_rates: pd.DataFrame | None = None,
    tolerance: float = TOLERANCE,
) -> pd.DataFrame:
    """Each published acquisition cost beside what the filings give, with a verdict and its reason.

    claims, filings  ->  table (one row per claim and period it is held against; one row where there is none)

    Parameters
    ----------
    claims : DataFrame
        `data/raw/market/cac_claims.csv`; platform_zh, claim_zh and claim_en may be missing.
    filings : DataFrame
        `data/raw/market/filings.csv`.
    exchange_rates : DataFrame, optional
        `data/raw/market/exchange_rates.csv`: year, rmb_per_usd. Without it claims in dollars cannot be checked. A
        fiscal year takes the averages of its two calendar years by months.
    tolerance : float
        Share of the claim by which the filing figure may differ; the rounding of the claim (half of its last digit)
        is always allowed.

    Returns
    -------
    DataFrame
        `COLUMNS`, by id and period. year, platform, metric, claimed_low, claimed_high, unit, method and grade are the
        claim's own. company, period: the series and year it is held against, blank where there is none. filing_rmb:
        RMB per net new buyer there; filing_value: the same in the unit of the claim, at rmb_per_usd. difference =
        filing_value / nearest end of the claim - 1. implied_net_adds_m: the net adds in millions that the filed spend
        and the claim imply where no count was published. verdict ("reproduced", "not reproduced", "cannot be checked")
        and its reason are those of the claim, the same on all its rows.

    Raises
    ------
    ValueError
        When columns are missing, an id occurs twice, or as `filings.annual_figures`.
    """
    needed = (
        "id",
        "year",
        "platform_or_sector",
        "metric",
        "value_low",
        "value_high",
        "unit",
        "method_or_basis",
        "grade",
    )
    missing = [column for column in needed if column not in claims.columns]
    if missing:
        raise ValueError(f"claims lacks {', '.join(missing)}: pass data/raw/market/cac_claims.csv")
    if claims["id"].duplicated().any():
        raise ValueError(f"the claim {claims.loc[claims['id'].duplicated(), 'id'].iloc[0]} is there twice: keep one")
    if not 0 <= tolerance < 1:
        raise ValueError(f"tolerance is a share, such as 0.03; got {tolerance!r}")
    figures = _figures(filings)
    rates = {} if exchange_rates is None else exchange_rates.set_index("year")["rmb_per_usd"].to_dict()
    rows: list[dict[str, Any]] = []
    for claim in sorted(claims.to_dict("records"), key=lambda row: (len(str(row["id"])), str(row["id"]))):
        rows += _judged(claim, figures, rates, tolerance)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def one_row_per_claim(register: pd.DataFrame) -> pd.DataFrame:
    """The register with one row per claim: the period whose filing figure is nearest to it, else the first one.

    register (claim x period)  ->  table (one row per claim, in the same order)
    """
    far = register["difference"].abs().fillna(np.inf)
    nearest = register.assign(_far=far).sort_values(["id", "_far", "period"], kind="stable").drop_duplicates("id")
    return nearest.sort_index().drop(columns="_far").reset_index(drop=True)


def verdict_counts(register: pd.DataFrame) -> pd.DataFrame:
    """How many claims have each verdict.

    register  ->  table (one row per verdict): verdict, claims
    """
    counts = register.drop_duplicates("id")["verdict"].value_counts()
    return pd.DataFrame([(verdict, int(counts.get(verdict, 0))) for verdict in VERDICTS], columns=["verdict", "claims"])


def claims_with(register: pd.DataFrame, verdict: str) -> Estimate | Refused:
    """Number of published claims that have one verdict, of all in the register; unit "claims"."""
    if verdict not in VERDICTS:
        raise ValueError(f"verdict must be one of {', '.join(VERDICTS)}; got {verdict!r}")
    each = register.drop_duplicates("id")["verdict"]
    if each.empty:
        return Refused("claims", 0, 1, "没有收录任何公开说法。", "There is no claim in the register.")
    words = Words(
        f"公开的获客成本说法中，{VERDICT_NAMES[verdict].zh}的条数",
        f"published acquisition costs: {VERDICT_NAMES[verdict].en}",
    )
    return Estimate.exact(int((each == verdict).sum()), len(each), "claims", words, claims_with)


def thirty_to_250(claims: pd.DataFrame, filings: pd.DataFrame) -> dict[str, Estimate | Refused]:
    """The claim that an acquired customer went from about 30 RMB in 2013 to 250 RMB in 2017, worked through.

    claims, filings  ->  estimates by key

    Returns
    -------
    dict
        first, last : what the claims say (RMB per buyer).
        multiple ("times") and growth_per_year ("growth a year"): what they imply.
        nearest_to_first, nearest_to_last : the filing figure per net new buyer nearest to each, at most one year away.
        nearest_per_active_to_first : the nearest figure per *active* buyer, which is another measure: a series that
        begins with the one and ends with the other rises without any price having risen.
        A value is Refused where a claim or a filing figure is missing.

    Example
    -------
    >>> claimed = pd.DataFrame({"id": ["cac01", "cac02"], "year": ["2013", "2017"], "value_low": [30.0, 250.0]})
    >>> worked = thirty_to_250(claimed, pd.DataFrame(columns=_FILING_COLUMNS))
    >>> round(worked["multiple"].value, 2), round(worked["growth_per_year"].value, 3)
    (8.33, 0.699)
    """
    ends = _thirty_and_250(claims)
    if ends is None:
        gone = Refused(
            "claims", 0, 2, "没有收录 2013 与 2017 年的两条说法。", "The claims of 2013 and 2017 are not there."
        )
        keys = ("first", "last", "multiple", "growth_per_year", "nearest_to_first", "nearest_to_last",
                "nearest_per_active_to_first")  # fmt: skip
        return dict.fromkeys(keys, gone)
    (year, low), (until, high) = ends
    said = Words(
        f"公开说法：{year} 年约 {low:g} 元，{until} 年 {high:g} 元",
        f"claim: RMB {low:g} in {year}, {high:g} in {until}",
    )

    def exact(value: float, unit: str, zh: str, en: str) -> Estimate:
        return Estimate.exact(value, 2, unit, Words(f"{said.zh}；{zh}", f"{said.en}; {en}"), thirty_to_250)

    near = nearest_figures(claims, filings)
    return {
        "first": exact(low, UNIT, "起点", "where it starts"),
        "last": exact(high, UNIT, "终点", "where it ends"),
        "multiple": exact(high / low, "times", "终点 ÷ 起点", "end / start"),
        "growth_per_year": exact(
            (high / low) ** (1 / (until - year)) - 1, "growth a year", "折合年均增长", "growth a year between them"
        ),
        "nearest_to_first": _nearest(near, year, "per_net_new"),
        "nearest_to_last": _nearest(near, until, "per_net_new"),
        "nearest_per_active_to_first": _nearest(near, year, "per_active"),
    }


def nearest_figures(claims: pd.DataFrame, filings: pd.DataFrame, years: int = 1) -> pd.DataFrame:
    """All filing figures near the two ends of the 30 to 250 claim, the nearest first.

    claims, filings  ->  table (one row per end of the claim, series, period and measure)

    Parameters
    ----------
    years : int
        At most so many years between the claim and the calendar year that holds most of the period.

    Returns
    -------
    DataFrame
        claim_year, claimed, company, period, year, which ("per_net_new", "per_active"), value (RMB), times = value /
        claimed. Empty where nothing is near in time.
    """
    found = []
    figures = _figures(filings)
    for claim_year, claimed in _thirty_and_250(claims) or ():
        there = figures[(figures["year"] - claim_year).abs() <= years]
        for which in MEASURES:
            rows = there.dropna(subset=[which])
            found += [
                (
                    claim_year,
                    claimed,
                    row["company"],
                    row["period"],
                    row["year"],
                    which,
                    row[which],
                    row[which] / claimed,
                )
                for _, row in rows.iterrows()
            ]
    table = pd.DataFrame(
        found, columns=["claim_year", "claimed", "company", "period", "year", "which", "value", "times"]
    )
    table["_far"] = np.log(table["times"].astype(float)).abs()
    return table.sort_values(["claim_year", "_far", "company", "period"], ignore_index=True).drop(columns="_far")


def growth_beside(claims: pd.DataFrame, filings: pd.DataFrame) -> pd.DataFrame:
    """Growth a year of the 30 to 250 claim beside that of every filing series since its first year.

    claims, filings  ->  table (the claim first, then one row per series and measure)

    Returns
    -------
    DataFrame
        company ("claim" in the first row), which ("claim", "per_net_new", "per_active"), first, last, years,
        value_first, value_last (RMB), multiple, growth_per_year (0.699 = +69.9% a year).
    """
    ends = _thirty_and_250(claims)
    figures = _figures(filings)
    rows = []
    if ends:
        (year, low), (until, high) = ends
        figures = figures[figures["year"] >= year]
        rows.append(("claim", "claim", str(year), str(until), until - year, low, high, high / low,
                     (high / low) ** (1 / (until - year)) - 1))  # fmt: skip
    parts = [growth_table(figures, which) for which in MEASURES]
    head = pd.DataFrame(rows, columns=parts[0].columns)
    return pd.concat([part for part in (head, *parts) if len(part)] or [head], ignore_index=True)


def orders_to_recover(
    cac: float | list[float], average_order_value: float, margin: float | list[float]
) -> pd.DataFrame:
    """Orders a new customer must place before the contribution has paid for winning that customer.

    acquisition costs x margins  ->  table (one row per pair)

    Parameters
    ----------
    cac : float or list of float
        Acquisition cost of a customer, 0 or more, in the currency of the order value.
    average_order_value : float
        Above 0.
    margin : float or list of float
        Contribution margin of an order, above 0 and at most 1.

    Returns
    -------
    DataFrame
        cac, average_order_value, margin, contribution_per_order, orders_exact, orders (whole orders, rounded up).
        Nothing is discounted and nobody leaves: a lower bound of the wait.

    Example
    -------
    At RMB 100 an order and 30% margin, 30 RMB are recovered by the first order, 250 RMB by the ninth.

    >>> orders_to_recover([30, 250], 100, 0.3)["orders"].tolist()
    [1, 9]
    """
    costs, margins = np.atleast_1d(cac).astype(float), np.atleast_1d(margin).astype(float)
    if not (np.isfinite(costs).all() and (costs >= 0).all()):
        raise ValueError("cac must be 0 or more: leave out what is not known")
    if not (math.isfinite(average_order_value) and average_order_value > 0):
        raise ValueError(f"average_order_value must be above 0; got {average_order_value!r}")
    if not (np.isfinite(margins).all() and ((margins > 0) & (margins <= 1)).all()):
        raise ValueError("margin must be above 0 and at most 1, such as 0.3: at 0 no number of orders pays back")
    grid = pd.DataFrame([(cost, share) for share in margins for cost in costs], columns=["cac", "margin"])
    grid.insert(1, "average_order_value", float(average_order_value))
    grid["contribution_per_order"] = grid["average_order_value"] * grid["margin"]
    grid["orders_exact"] = grid["cac"] / grid["contribution_per_order"]
    # 30 / (100 x 0.3) is 1 order, not 2 because of the last binary digit.
    grid["orders"] = np.ceil(grid["orders_exact"] - 1e-9).clip(lower=0).astype(int)
    return grid


def _figures(filings: pd.DataFrame) -> pd.DataFrame:
    """Every series and year with a spend, and the ratios where they can be read."""
    spend = annual_spend(filings)
    counts = annual_figures(filings)[["company", "period", "net_adds_m"]]
    return spend.merge(counts, on=["company", "period"], how="left").merge(
        filings_ratios(filings), on=["company", "period"], how="left"
    )


def _judged(claim: dict, figures: pd.DataFrame, rates: dict, tolerance: float) -> list[dict[str, Any]]:
    """All rows of one claim, with its verdict and reason."""
    match = MATCHES.get(claim["id"], _UNDECIDED)
    if claim["unit"] not in ("RMB", "USD") or not float(claim["value_low"]) > 0:
        match = Match(None, (), match.why)  # no amount per customer: nothing to divide or to compare
    compared = [_compared(claim, match.company, period, figures, rates, tolerance) for period in match.periods]
    fits = [found.pop("fits") for found in compared]
    verdict = NOT_REPRODUCED if fits and None not in fits else UNCHECKED
    verdict = REPRODUCED if True in fits else verdict
    why = match.why if match.company else both(match.why, NO_FILING)
    told = [(found.pop("zh"), found.pop("en")) for found in compared]
    same = {
        "id": claim["id"], "year": claim["year"], "platform": claim["platform_or_sector"],
        "platform_zh": claim.get("platform_zh", claim["platform_or_sector"]), "metric": claim["metric"],
        "claim_zh": claim.get("claim_zh", claim["metric"]), "claim_en": claim.get("claim_en", claim["metric"]),
        "claimed_low": claim["value_low"], "claimed_high": claim["value_high"], "unit": claim["unit"],
        "method": claim["method_or_basis"], "grade": claim["grade"], "verdict": verdict,
        "reason_zh": "".join([*(zh for zh, _ in told), why.zh]),
        "reason_en": " ".join([*(en for _, en in told), why.en]),
    }  # fmt: skip
    return [{**same, **found} for found in compared] or [{**same, "company": "", "period": ""}]


def _compared(
    claim: dict, company: str, period: str, figures: pd.DataFrame, rates: dict, tolerance: float
) -> dict[str, Any]:
    """One claim beside one period: the filing figure, the difference, and both in words."""
    place = Words(place_name(company, period, "zh"), place_name(company, period, "en"))
    row = {"company": company, "period": period, "filing_rmb": np.nan, "rmb_per_usd": np.nan, "filing_value": np.nan,
           "difference": np.nan, "implied_net_adds_m": np.nan, "fits": None}  # fmt: skip
    found = figures[(figures["company"] == company) & (figures["period"] == period)]
    if found.empty:
        return row | {
            "zh": f"{place.zh}：没有全年销售与市场费用。",
            "en": f"{place.en}: no sales and marketing of a full year.",
        }
    figure = found.iloc[0]
    dollars = claim["unit"] == "USD"
    rate = _rate(figure["period_end"], rates) if dollars else 1.0
    row["rmb_per_usd"] = rate if dollars else np.nan
    if math.isnan(figure["per_net_new"]):
        row["implied_net_adds_m"] = figure["spend_rmb_m"] / (float(claim["value_low"]) * rate)
        return row | _unknown(place, figure, row["implied_net_adds_m"])
    row["filing_rmb"] = figure["per_net_new"]
    row["filing_value"] = figure["per_net_new"] / rate
    words = _arithmetic(place, figure, row["filing_value"], rate, dollars)
    if math.isnan(rate):
        return row | {"zh": f"{words.zh}；没有汇率，无法换算。", "en": f"{words.en}; no exchange rate to convert it."}
    low, high = _range(claim)
    end = low if abs(row["filing_value"] - low) <= abs(row["filing_value"] - high) else high
    row["difference"] = row["filing_value"] / end - 1
    allowed = max(tolerance * end, _rounding(end))
    row["fits"] = bool(low <= row["filing_value"] <= high or abs(row["filing_value"] - end) <= allowed)
    apart = _apart(row["difference"])
    return row | {"zh": f"{words.zh}，{apart.zh}。", "en": f"{words.en}, {apart.en}."}


def _apart(difference: float) -> Words:
    """How far the filing figure is from the claim, in words."""
    if abs(difference) < 0.0005:
        return Words("与所称一致", "as claimed")
    side = Words("高", "above") if difference > 0 else Words("低", "below")
    return Words(f"比所称{side.zh} {abs(difference):.1%}", f"{abs(difference):.1%} {side.en} the claim")


def _arithmetic(place: Words, figure: pd.Series, value: float, rate: float, dollars: bool) -> Words:
    """The division behind a figure, in words."""
    rmb, spend, net = figure["per_net_new"], figure["spend_rmb_m"], figure["net_adds_m"]
    converted = dollars and not math.isnan(rate)
    return Words(
        f"{place.zh}：{spend / 100:,.1f} 亿元 ÷ 净增 {net * 100:,.0f} 万买家 = {rmb:,.1f} 元"
        + (f"，合 {value:,.1f} 美元（按 {rate:.4f}）" if converted else ""),
        f"{place.en}: RMB {spend:,.0f}m / {net:,.1f}m net adds = RMB {rmb:,.1f}"
        + (f", USD {value:,.1f} at {rate:.4f}" if converted else ""),
    )


def _unknown(place: Words, figure: pd.Series, implied: float) -> dict[str, str]:
    """Why a ratio is blank, and which net adds the claim would imply."""
    if figure["guard"] in ("stalled", "shrinking"):
        why = GUARDS[figure["guard"]]
    else:
        why = Words(
            "年末或上年末的活跃买家数未公布", "active buyers at the end of the year or of the one before are not known"
        )
    zh, en = f"{place.zh}：{why.zh}。", f"{place.en}: {why.en}."
    if math.isfinite(implied):
        zh += f"若所称属实，当年净增应为 {implied * 100:,.0f} 万。"
        en += f" The claim would imply net adds of {implied:,.1f}m."
    return {"zh": zh, "en": en}


def _rate(period_end: pd.Timestamp, rates: dict) -> float:
    """RMB per dollar of the twelve months to a day: averages of the two calendar years, weighted by their months."""
    year, months = int(period_end.year), int(period_end.month)
    weights = {year: months / 12, year - 1: 1 - months / 12}
    return sum(rates.get(each, math.nan) * weight for each, weight in weights.items() if weight > 0)


def _range(claim: dict) -> tuple[float, float]:
    low, high = float(claim["value_low"]), float(claim["value_high"])
    return low, (math.inf if math.isnan(high) else high)  # a blank upper end is open: "1,000 and more"


def _rounding(value: float) -> float:
    """Half of the last digit a claim is printed with: 0.5 for 526, 0.05 for 132.5."""
    decimals = len(f"{value:.6f}".rstrip("0").split(".")[1])
    return 0.5 * 10.0**-decimals


def _thirty_and_250(claims: pd.DataFrame) -> tuple[tuple[int, float], tuple[int, float]] | None:
    by_id = claims.set_index("id")
    if not {FIRST_CLAIM, LAST_CLAIM} <= set(by_id.index):
        return None
    return tuple(
        (int(by_id.at[each, "year"]), float(by_id.at[each, "value_low"])) for each in (FIRST_CLAIM, LAST_CLAIM)
    )


def _nearest(near: pd.DataFrame, year: int, which: str) -> Estimate | Refused:
    found = near[(near["claim_year"] == year) & (near["which"] == which)]
    if found.empty:
        return Refused(
            "filing figures", 0, 1,
            f"{year} 年前后没有{MEASURES[which].zh}可比。", f"No {MEASURES[which].en} is known near {year}.",
        )  # fmt: skip
    row = found.iloc[0]
    words = Words(
        f"{year} 年前后最接近的年报数：{place_name(row['company'], row['period'], 'zh')}，{MEASURES[which].zh}",
        f"nearest filing figure around {year}: {place_name(row['company'], row['period'], 'en')}, {MEASURES[which].en}",
    )
    return Estimate.exact(row["value"], 3 if which == "per_net_new" else 2, UNIT, words, thirty_to_250)


_FILING_COLUMNS = ["company", "period", "period_end", "field", "value", "definition"]
