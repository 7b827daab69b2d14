"""What listed platforms spend on sales and marketing per buyer, from their own filings: the market beside the brand.

Two ratios of one spend. Per **net new** active buyer measures saturation as much as price: where hardly anybody is left
to be won, or as many leave as come, it explodes although nothing got dearer. Per **active** buyer is smooth. They are
tied by an identity: per net new = per active / (net adds / active buyers at the end), so the two are shown together.

A series is one company on one accounting basis. JD.com restated its marketing expense of 2015 and 2016 when it carved
out its finance arm; "JD.com" is the original series to 2016, "JD.com (restated)" the later one, never chained.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from siyu_helpers.analysis.acquisition.platform_names import GUARDS, INSTEAD, MEASURES, name, period_name, place_name
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

COLUMNS = ("company", "period", "per_net_new", "per_active", "guard")
FIGURES = ("company", "period", "period_end", "year", "spend_rmb_m", "buyers_m", "buyers_before_m", "net_adds_m")
NEEDED = ("company", "period", "period_end", "field", "value", "definition")
SPEND, BUYERS = "sales_marketing_rmb_m", "active_customers_m"
STALLED_BELOW = 0.03  # net adds of less than 3% of last year's buyers say nothing about the price of one
CHURN = (0.0, 0.1, 0.3)  # assumptions, not facts: no platform publishes how many buyers of a year do not come back
UNIT = "RMB per buyer"
RESTATED = " (restated)"
# Last year on the old basis, even in a table without the restated rows (Form 20-F FY2017 of JD.com).
BASIS_CHANGED_AFTER = {"JD.com": 2016}
_ANNUAL = re.compile(r"(FY)?(\d{4})")
_PART_OF_A_YEAR = re.compile(r"\b(?:quarter|months?|half year)\b", re.IGNORECASE)
_REMARK = re.compile(r"\([^)]*\)|,?\s*rounded\b", re.IGNORECASE)


def annual_figures(filings: pd.DataFrame) -> pd.DataFrame:
    """Spend and active buyers of every full year that has both, with the count of the year before where it compares.

    filings (company x period x field)  ->  table (one row per series and full year)

    Parameters
    ----------
    filings : DataFrame
        `data/raw/market/filings.csv`: company, period, period_end, field, value, definition.

    Returns
    -------
    DataFrame
        company (a restated series has its own name), period, period_end, year (calendar year that holds most of the
        period), spend_rmb_m (sales and marketing, RMB million), buyers_m, buyers_before_m, net_adds_m (million active
        buyers at the end, a year earlier, and the difference). The last two are blank where the year before was not
        published, was counted by another definition, or ended in another month.

    Raises
    ------
    ValueError
        When columns are missing, a value is no number, or one cell has two values that no restatement explains.

    Example
    -------
    >>> annual_figures(_EXAMPLE).set_index("period")["net_adds_m"].round(1).to_dict()
    {'2017': nan, '2018': 173.7, '2019': 166.7}
    """
    spend, buyers = _spend(_annual(filings, SPEND)), _buyers(_annual(filings, BUYERS))
    earlier = buyers.assign(number=buyers["number"] + 1)
    key = ["filer", "prefix", "number", "month", "definition"]
    buyers = buyers.merge(earlier[[*key, "value"]].rename(columns={"value": "buyers_before_m"}), on=key, how="left")
    both = spend.merge(
        buyers[["filer", "period", "value", "buyers_before_m"]], on=["filer", "period"], suffixes=("", "_buyers")
    ).rename(columns={"value": "spend_rmb_m", "value_buyers": "buyers_m"})
    both["net_adds_m"] = both["buyers_m"] - both["buyers_before_m"]
    both = both.sort_values(["company", "period_end"], kind="stable", ignore_index=True)
    return both[list(FIGURES)]


def annual_spend(filings: pd.DataFrame) -> pd.DataFrame:
    """Sales and marketing of every full year, whether or not buyers were published.

    filings  ->  table (one row per series and full year): company, period, period_end, year, spend_rmb_m

    Example
    -------
    >>> annual_spend(_EXAMPLE)["spend_rmb_m"].tolist()
    [1344.582, 13441.813, 27174.249]
    """
    spend = _spend(_annual(filings, SPEND)).rename(columns={"value": "spend_rmb_m"})
    return spend.sort_values(["company", "period_end"], kind="stable", ignore_index=True)[[*FIGURES[:5]]]


def filings_ratios(filings: pd.DataFrame, stalled_below: float = STALLED_BELOW) -> pd.DataFrame:
    """Sales and marketing of a year per net new and per active buyer of each platform, in RMB.

    filings (company x period x field)  ->  table (one row per series and full year)

    Parameters
    ----------
    filings : DataFrame
        `data/raw/market/filings.csv`: company, period, period_end, field, value, definition.
    stalled_below : float
        Net adds below this share of last year's buyers (either way) are not divided by.

    Returns
    -------
    DataFrame
        Exactly company, period, per_net_new, per_active, guard. RMB, whatever the brand's own currency.
        per_active divides by the buyers at the end of the year (their average with the year before would be higher
        wherever buyers grow). per_net_new is blank unless guard is "": "stalled", "shrinking", "first year" of the
        series, "not known" (year before not published, or by another definition); words: `platform_names.GUARDS`.
        attrs["left_out"]: company -> `Words`, why it has no row.

    Raises
    ------
    ValueError
        As `annual_figures`, and for a `stalled_below` outside 0 to 1.

    Notes
    -----
    Only full years (2018, FY2018) enter: no quarters, no twelve months to another month, no lower bounds or
    approximations, no ecosystem counts, no US dollars, no enrolments. A remark in brackets or "rounded" does not make
    another definition: JD.com's counts of 2014 and 2016 are of all accounts and that of 2015 is of core accounts.

    Example
    -------
    >>> filings_ratios(_EXAMPLE).round(1)
      company period  per_net_new  per_active       guard
    0     PDD   2017          NaN         5.5  first year
    1     PDD   2018         77.4        32.1
    2     PDD   2019        163.0        46.4
    """
    if not 0 <= stalled_below < 1:
        raise ValueError(f"stalled_below is a share of last year's buyers, such as 0.03; got {stalled_below!r}")
    figures = annual_figures(filings)
    guard = _guards(figures, stalled_below)
    table = figures[["company", "period"]].copy()
    readable = (guard == "").to_numpy()
    net = figures["net_adds_m"].where(readable)
    table["per_net_new"] = figures["spend_rmb_m"] / net
    table["per_active"] = figures["spend_rmb_m"] / figures["buyers_m"]
    table["guard"] = guard
    table.attrs["left_out"] = _left_out(filings, figures)
    return table


def churn_band(filings: pd.DataFrame, churn: Iterable[float] = CHURN) -> pd.DataFrame:
    """RMB per gross new buyer if a share of last year's buyers left unseen: net adds hide everybody who was replaced.

    filings  ->  table (one row per series, full year with a count of the year before, and assumed churn)

    Parameters
    ----------
    filings : DataFrame
        `data/raw/market/filings.csv`.
    churn : iterable of float
        Assumed shares of last year's active buyers who did not buy this year, 0 to below 1. Assumptions: no platform
        publishes them.

    Returns
    -------
    DataFrame
        company, period, churn, per_gross_new = spend / (net adds + churn x buyers of the year before). Blank where
        those gross adds are below 3% of last year's buyers.

    Example
    -------
    PDD in 2018: 13,441.8 / (173.7 + 0.3 x 244.8) = 54.4.

    >>> churn_band(_EXAMPLE).query("period == '2018'").round(1)["per_gross_new"].tolist()
    [77.4, 67.8, 54.4]
    """
    rates = [float(rate) for rate in churn]
    if not rates or not all(0 <= rate < 1 for rate in rates):
        raise ValueError(f"churn is a list of shares from 0 to below 1, such as (0.0, 0.1, 0.3); got {rates}")
    figures = annual_figures(filings).dropna(subset=["net_adds_m"])
    parts = []
    for rate in rates:
        gross = figures["net_adds_m"] + rate * figures["buyers_before_m"]
        enough = (gross > 0) & (gross >= STALLED_BELOW * figures["buyers_before_m"])
        parts.append(
            figures[["company", "period", "period_end"]].assign(
                churn=rate, per_gross_new=figures["spend_rmb_m"] / gross.where(enough)
            )
        )
    table = pd.concat(parts).sort_values(["company", "period_end", "churn"], kind="stable", ignore_index=True)
    return table[["company", "period", "churn", "per_gross_new"]]


def saturation(filings: pd.DataFrame) -> pd.DataFrame:
    """How much of a dearer net new buyer is a dearer buyer, and how much is that fewer are left to be won.

    filings  ->  table (one row per series and full year)

    Parameters
    ----------
    filings : DataFrame
        `data/raw/market/filings.csv`.

    Returns
    -------
    DataFrame
        The columns of `annual_figures` and `filings_ratios`, and added_share = net adds / buyers at the end of the
        year, so that per_net_new = per_active / added_share; blank where the year before is not known.

    Example
    -------
    PDD's net new buyer cost 2.1 times as much in 2019 as in 2018, its active buyer 1.4 times; the rest is saturation.

    >>> shown = saturation(_EXAMPLE).set_index("period")[["per_net_new", "per_active", "added_share"]]
    >>> (shown.loc["2019"] / shown.loc["2018"]).round(2).tolist()
    [2.11, 1.45, 0.69]
    """
    figures = annual_figures(filings)
    ratios = filings_ratios(filings)
    table = figures.merge(ratios, on=["company", "period"], how="left")
    table["added_share"] = table["net_adds_m"] / table["buyers_m"]
    return table


def left_out(filings: pd.DataFrame) -> pd.DataFrame:
    """The companies without a ratio, and why.

    filings  ->  table (one row per company left out): company, why_zh, why_en
    """
    reasons = _left_out(filings, annual_figures(filings))
    return pd.DataFrame(
        [(company, why.zh, why.en) for company, why in reasons.items()], columns=["company", "why_zh", "why_en"]
    )


def ratio(ratios: pd.DataFrame, company: str, period: str, which: str = "per_net_new") -> Estimate | Refused:
    """One ratio of one platform and year, as a sentence states it.

    Parameters
    ----------
    ratios : DataFrame
        From `filings_ratios`.
    company, period : str
        As in the table.
    which : str
        "per_net_new" or "per_active".

    Returns
    -------
    Estimate in RMB per buyer, without an interval; Refused where the cell is blank or there is no such row.

    Example
    -------
    >>> round(ratio(filings_ratios(_EXAMPLE), "PDD", "2019").value, 1)
    163.0
    """
    _check_measure(which)
    found = ratios[(ratios["company"] == company) & (ratios["period"].astype(str) == str(period))]
    if found.empty:
        return Refused(
            "figures published", 0, 1,
            f"{place_name(company, period, 'zh')}没有同口径的全年费用和买家数。",
            f"{name(company, 'en')} published no spend and buyer count on one basis for {period}.",
        )  # fmt: skip
    value, guard = float(found[which].iloc[0]), found["guard"].iloc[0]
    if not math.isfinite(value):
        why = GUARDS[guard] if guard else Words("留空", "blank")
        return Refused(
            "net adds", guard or "blank", "net adds of 3% or more",
            f"{place_name(company, period, 'zh')}：{why.zh}。",
            f"{place_name(company, period, 'en')}: {why.en}.",
        )  # fmt: skip
    words = Words(
        f"{place_name(company, period, 'zh')}，{MEASURES[which].zh}（人民币，年报数）",
        f"{place_name(company, period, 'en')}: {MEASURES[which].en} (RMB, from filings)",
    )
    return Estimate.exact(value, 3 if which == "per_net_new" else 2, UNIT, words, ratio)


def pooled(filings: pd.DataFrame, company: str, first: str, last: str) -> Estimate | Refused:
    """RMB per net new buyer over several years at once: sum of spend / net adds from before the first to the last.

    The way through years whose own count was not published: only the two ends need one.

    Parameters
    ----------
    filings : DataFrame
        `data/raw/market/filings.csv`.
    company : str
        A series, such as "JD.com (restated)".
    first, last : str
        First and last period, such as "2017" and "2019".

    Returns
    -------
    Estimate in RMB per buyer; Refused when a spend or the count at an end is missing, or net adds are below 3% of the
    buyers before.

    Example
    -------
    >>> round(pooled(_EXAMPLE, "PDD", "2018", "2019").value, 1)  # (13441.813 + 27174.249) / (585.2 - 244.8)
    119.3
    """
    prefix, start = _parts(first)
    end_prefix, end = _parts(last)
    if prefix != end_prefix or end < start:
        raise ValueError(
            f"first and last must be periods of one kind in order, such as '2017' and '2019': {first}, {last}"
        )
    spend, buyers = _spend(_annual(filings, SPEND)), _buyers(_annual(filings, BUYERS))
    spend = spend[(spend["company"] == company) & (spend["prefix"] == prefix) & spend["number"].between(start, end)]
    filer = company.removesuffix(RESTATED)
    counts = buyers[(buyers["filer"] == filer) & (buyers["prefix"] == prefix)].set_index("number")
    before, after = (counts.loc[year] if year in counts.index else None for year in (start - 1, end))
    words = Words(
        f"{place_name(company, first, 'zh')}至 {period_name(last, 'zh')}", f"{name(company, 'en')}, {first} to {last}"
    )
    if len(spend) < end - start + 1 or before is None or after is None:
        return Refused(
            "figures published", len(spend), end - start + 1,
            f"{words.zh}：缺少某年的费用或首尾的买家数。", f"{words.en}: a spend or a count at one end is missing.",
        )  # fmt: skip
    net = float(after["value"] - before["value"])
    if before["definition"] != after["definition"] or before["month"] != after["month"]:
        return Refused("definition", "two", "one", f"{words.zh}：首尾口径不同。", f"{words.en}: two definitions.")
    if net < STALLED_BELOW * before["value"]:
        return Refused("net adds", net, "3%", f"{words.zh}：几乎没有净增。", f"{words.en}: hardly any net adds.")
    definition = Words(
        f"{words.zh}：各年销售与市场费用合计 ÷ 期间净增活跃买家（人民币）",
        f"{words.en}: sales and marketing of all years / net adds over them (RMB)",
    )
    return Estimate.exact(spend["value"].sum() / net, len(spend) + 2, UNIT, definition, pooled)


def growth(
    ratios: pd.DataFrame, company: str, which: str = "per_active", first: str | None = None, last: str | None = None
) -> Estimate | Refused:
    """Growth a year of one ratio of one series, between its first and its last readable year (or the two named).

    Returns
    -------
    Estimate in "growth a year" (0.083 = +8.3% a year), without an interval; Refused when fewer than two years can be
    read.

    Example
    -------
    >>> round(growth(filings_ratios(_EXAMPLE), "PDD", "per_net_new").value, 3)  # 163.01 / 77.38 - 1
    1.107
    """
    table = growth_table(ratios, which, first, last)
    found = table[table["company"] == company]
    if found.empty:
        return Refused(
            "years", 1, 2,
            f"{name(company, 'zh')}可读的年份不足两年，算不出年增长。",
            f"{name(company, 'en')} has fewer than two years that can be read, so no growth a year.",
        )  # fmt: skip
    row = found.iloc[0]
    words = Words(
        f"{name(company, 'zh')}{MEASURES[which].zh}，{period_name(row['first'], 'zh')}至 "
        f"{period_name(row['last'], 'zh')}的年均增长",
        f"{name(company, 'en')}: yearly growth of {MEASURES[which].en}, {row['first']} to {row['last']}",
    )
    return Estimate.exact(row["growth_per_year"], 2, "growth a year", words, growth)


def growth_table(
    ratios: pd.DataFrame, which: str = "per_active", first: str | None = None, last: str | None = None
) -> pd.DataFrame:
    """Growth a year of one ratio, every series between its first and last readable year.

    ratios  ->  table (one row per series with two readable years or more): company, which, first, last, years,
    value_first, value_last, multiple, growth_per_year
    """
    _check_measure(which)
    rows = []
    for company, group in ratios.dropna(subset=[which]).groupby("company", sort=True):
        numbered = group.assign(number=[_parts(period)[1] for period in group["period"]]).sort_values("number")
        wanted = [(first, 0), (last, -1)]
        ends = [
            numbered[numbered["period"] == period] if period is not None else numbered.iloc[[position]]
            for period, position in wanted
        ]
        if any(end.empty for end in ends):
            continue
        start, end = (part.iloc[0] for part in ends)
        years = int(end["number"] - start["number"])
        if years < 1:
            continue
        multiple = end[which] / start[which]
        rows.append(
            (company, which, start["period"], end["period"], years, start[which], end[which], multiple,
             multiple ** (1 / years) - 1)
        )  # fmt: skip
    names = ["company", "which", "first", "last", "years", "value_first", "value_last", "multiple", "growth_per_year"]
    return pd.DataFrame(rows, columns=names)


def _annual(filings: pd.DataFrame, field: str) -> pd.DataFrame:
    """Rows of one field that are a value of a full year, with the parts of the period and the bare definition."""
    missing = [column for column in NEEDED if column not in filings.columns]
    if missing:
        raise ValueError(f"filings lacks {', '.join(missing)}: pass data/raw/market/filings.csv")
    rows = filings.loc[filings["field"] == field, list(NEEDED)].rename(columns={"company": "filer"})
    rows["period"] = rows["period"].astype(str)
    whole = rows["period"].str.fullmatch(_ANNUAL) & ~rows["definition"].astype(str).str.contains(_PART_OF_A_YEAR)
    rows = rows[whole].copy()
    value = pd.to_numeric(rows["value"], errors="coerce")
    wrong = rows[value.isna() & rows["value"].notna() & (rows["value"].astype(str).str.strip() != "")]
    if len(wrong):
        raise ValueError(f"{wrong['filer'].iloc[0]} {wrong['period'].iloc[0]}, {field}: the value is not a number")
    rows["value"] = value.astype(float)
    rows = rows[value.gt(0).to_numpy()].copy()
    parts = rows["period"].str.extract(_ANNUAL)
    rows["prefix"], rows["number"] = parts[0].fillna(""), parts[1].astype(int)
    rows["period_end"] = pd.to_datetime(rows["period_end"])
    rows["month"] = rows["period_end"].dt.month
    # A period belongs to the calendar year that holds most of it: the year to March 2018 is mostly 2017.
    rows["year"] = rows["period_end"].dt.year - (rows["month"] < 6)
    rows["restated"] = rows["definition"].astype(str).str.contains("RESTATED")
    rows["definition"] = [" ".join(_REMARK.sub("", str(text)).lower().split()) for text in rows["definition"]]
    return rows


def _spend(rows: pd.DataFrame) -> pd.DataFrame:
    """Spend by series: years up to a company's last restated one are original, restated rows and later years not."""
    last = BASIS_CHANGED_AFTER | rows[rows["restated"]].groupby("filer")["number"].max().to_dict()
    later = rows["number"] > rows["filer"].map(last).astype(float).fillna(np.inf)
    rows = rows.assign(company=rows["filer"] + np.where(rows["restated"] | later, RESTATED, ""))
    return _one_value(rows, ["company", "period"])


def _buyers(rows: pd.DataFrame) -> pd.DataFrame:
    return _one_value(rows, ["filer", "period"])


def _one_value(rows: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """The rows without repeats; a cell with two different values is an error, never a choice."""
    rows = rows.drop_duplicates([*key, "value"])
    twice = rows[rows.duplicated(key)]
    if len(twice):
        row = twice.sort_values(key).iloc[0]
        raise ValueError(
            f"{row['filer']} {row['period']} has two values of {row['field']}: keep one, or write RESTATED in the "
            "definition of the later one"
        )
    return rows


def _guards(figures: pd.DataFrame, stalled_below: float) -> pd.Series:
    net, before = figures["net_adds_m"], figures["buyers_before_m"]
    first = ~figures["company"].duplicated()  # figures are in order of time within a company
    guard = pd.Series("", index=figures.index, dtype=object)
    guard[net < 0] = "shrinking"
    guard[net.abs() < stalled_below * before] = "stalled"
    guard[net == 0] = "stalled"
    guard[net.isna()] = "not known"
    guard[net.isna() & first] = "first year"
    return guard


def _left_out(filings: pd.DataFrame, figures: pd.DataFrame) -> dict[str, Words]:
    """Company -> why it has no ratio, said from what it does publish."""
    spend, buyers = _annual(filings, SPEND), _annual(filings, BUYERS)
    there = {company.removesuffix(RESTATED) for company in figures["company"]}
    reasons = {}
    for company in sorted(set(filings["company"].dropna()) - there):
        fields = set(filings.loc[filings["company"] == company, "field"])
        has_spend, has_buyers = company in set(spend["filer"]), company in set(buyers["filer"])
        if has_spend and has_buyers:
            reasons[company] = Words("全年费用与买家数不在同一年", "spend and buyer count never for the same year")
            continue
        zh, en = [], []
        if not has_spend:
            part, dollars = SPEND in fields, "sales_marketing_usd_m" in fields
            zh.append("费用只有美元数" if dollars else "费用只有季度数" if part else "没有全年费用金额")
            en.append("spend in US dollars only" if dollars else "spend of quarters only" if part
                      else "no spend of a full year")  # fmt: skip
        if not has_buyers:
            instead = next((words for field, words in INSTEAD.items() if field in fields), None)
            zh.append(f"只公布{instead.zh}" if instead else "没有年度活跃买家数")
            en.append(f"publishes {instead.en}" if instead else "no count of annual active buyers")
        reasons[company] = Words("；".join(zh), "; ".join(en))
    return reasons


def _parts(period: str) -> tuple[str, int]:
    found = _ANNUAL.fullmatch(str(period))
    if not found:
        raise ValueError(f"{period!r} is not a full year: write '2018' or 'FY2018'")
    return found[1] or "", int(found[2])


def _check_measure(which: str) -> None:
    if which not in MEASURES:
        raise ValueError(f"which must be one of {', '.join(MEASURES)}; got {which!r}")


_EXAMPLE = pd.DataFrame(
    [("PDD", f"{year}", f"{year}-12-31", field, value, definition)
     for field, definition, values in (
         (SPEND, "sales and marketing expenses", (1344.582, 13441.813, 27174.249)),
         (BUYERS, "active buyers, 12m to date", (244.8, 418.5, 585.2)),
     )
     for year, value in zip((2017, 2018, 2019), values, strict=True)],
    columns=list(NEEDED),
)  # fmt: skip
