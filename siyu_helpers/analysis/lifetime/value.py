"""Lifetime value: what customers will still bring, one by one and by group, and what that number rests on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import (
    LEVEL,
    MEAN_AT_LEAST,
    Estimate,
    Refused,
    Words,
    check_level,
    mean_per_customer,
)
from siyu_helpers.analysis.lifetime import forecasts
from siyu_helpers.analysis.lifetime.summaries import days_in_unit

STEP_DAYS = 30  # purchases of one step are discounted to its middle; halving it changes values by less than 0.1%
YEAR = 365.0
LARGEST_CLASS = 7  # customers with so many repeat purchases or more are one class


def lifetime_value(
    purchase_fit: Any,
    spend_fit: Any,
    customers: pd.DataFrame,
    horizon_days: int,
    annual_discount_rate: float,
    margin: float,
) -> pd.DataFrame:
    """Value that each customer will still bring within the horizon: margin on future purchases, discounted.

    summary (one customer)  ->  table (one customer, rows as given)

    Parameters
    ----------
    purchase_fit, spend_fit : Fit
        Of BG/NBD, MBG/NBD or Pareto/NBD, and of Gamma-Gamma.
    customers : DataFrame
        From `summarise`, of the grain of the fit. Value counts from the end of T; earlier purchases are not in it.
    horizon_days : int
        In days, whatever the grain of the fit.
    annual_discount_rate : float
        0.10: money of a year from now is worth 1 / 1.10 today.
    margin : float
        Share of an order's amount that is contribution, above 0 up to 1.

    Returns
    -------
    DataFrame
        customer_id
        expected_purchases : mean number within the horizon.
        discounted_purchases : the same, each purchase discounted to today.
        probability_alive : chance of being still active at the end of T.
        expected_spend : mean amount of a purchase.
        lifetime_value : margin x expected_spend x discounted_purchases, in the brand's currency.
        spend_is_population_mean : True where nothing is known of the customer's spend (no repeat purchase, or none of
            positive amount) and the mean over all customers stands in for it.

    Raises
    ------
    ValueError
        For a missing column, a margin, a rate or a horizon that cannot be, or a summary of another grain than the
        fit's.

    Notes
    -----
    Fader, Hardie and Lee (2005), J. Marketing Research 42(4), 415-430. Purchases are taken month by month (30 days) and
    discounted to the middle of each month.

    Example
    -------
    >>> from siyu_helpers.analysis.customer_lifetime import fit_bg_nbd, fit_gamma_gamma
    >>> history = {"customer_id": range(6), "frequency": [0, 1, 3, 0, 5, 2], "recency": [0, 4, 20, 0, 35, 9],
    ...            "T": [39, 38, 37, 36, 38, 30], "monetary_value": [0, 30, 20, 0, 45, 25]}
    >>> summary = pd.DataFrame(history)
    >>> purchases, spend = fit_bg_nbd(summary, grain="week"), fit_gamma_gamma(summary)
    >>> values = lifetime_value(purchases, spend, summary, 365, annual_discount_rate=0.10, margin=0.5)
    >>> values[["expected_purchases", "expected_spend", "spend_is_population_mean"]].round(1).head(2)
       expected_purchases  expected_spend  spend_is_population_mean
    0                 1.2            30.0                      True
    1                 2.0            30.0                     False
    """
    _check_terms(horizon_days, annual_discount_rate, margin)
    order_log.has_columns(list(customers.columns), ["customer_id", "monetary_value"])
    purchases, discounted = _purchases(purchase_fit, customers, horizon_days, annual_discount_rate)
    spend = np.asarray(spend_fit.expected_spend(customers), dtype=float)
    table = pd.DataFrame(
        {
            "customer_id": customers["customer_id"].to_numpy(),
            "expected_purchases": purchases,
            "discounted_purchases": discounted,
            "probability_alive": purchase_fit.probability_alive(customers),
            "expected_spend": spend,
            "lifetime_value": margin * spend * discounted,
            "spend_is_population_mean": (customers["monetary_value"] <= 0).to_numpy(),
        }
    )
    table.attrs = {"horizon_days": horizon_days, "annual_discount_rate": annual_discount_rate, "margin": margin}
    return table


def lifetime_value_by(
    purchase_fit: Any,
    spend_fit: Any,
    customers: pd.DataFrame,
    groups: Any,
    horizon_days: int,
    annual_discount_rate: float,
    margin: float,
    level: float = LEVEL,
    draws: int = forecasts.DRAWS,
    seed: int = 1,
    at_least: int = MEAN_AT_LEAST,
) -> pd.DataFrame:
    """Future value of groups of customers, in total and per acquired customer, with both intervals.

    summary (one customer)  ->  table (group; the first row is "all")

    Parameters
    ----------
    groups : Series or array of labels, one a row of `customers`, or None
        First channel or domain, segment, ...; a blank label becomes "unknown".
    at_least : int
        Groups with fewer customers are left blank.
    Others as in `lifetime_value` and `forecast_total`.

    Returns
    -------
    DataFrame
        group, customers : label, and how many customers were acquired (also those who are long gone).
        expected_purchases, realised_purchases (_low, _high) : as in `forecast_total`; `total_estimates` states them.
        expected_total, realised_total (_low, _high) : lifetime value of the group. The interval of the expected total
            allows for the parameters, that of the realised total for chance as well.
        expected_per_customer, realised_per_customer (_low, _high) : the same, divided by `customers`.
        population_mean_share : share of the value that rests on the mean spend of all customers, because nothing is
            known of the spend of these.
    One model holds for all groups: they differ by what their customers have done, not by parameters of their own.
    """
    check_level(level)
    values = lifetime_value(purchase_fit, spend_fit, customers, horizon_days, annual_discount_rate, margin)
    t = horizon_days / days_in_unit(purchase_fit)
    totals = forecasts.simulated_totals(
        purchase_fit, customers, t, spend_fit, groups, _money_weights(values, margin), draws, seed
    )
    sizes = np.maximum(totals.customers, 1)
    table = pd.DataFrame({"group": totals.names, "customers": totals.customers})
    for kind in ("expected", "realised"):
        name = f"{kind}_purchases"
        table = table.assign(**forecasts.interval_columns(name, totals.best[name], totals.drawn[name], level))
        best, drawn = totals.best[f"{kind}_revenue"], totals.drawn[f"{kind}_revenue"]
        table = table.assign(**forecasts.interval_columns(f"{kind}_total", best, drawn, level))
        table = table.assign(**forecasts.interval_columns(f"{kind}_per_customer", best / sizes, drawn / sizes, level))
    on_mean = values["lifetime_value"].where(values["spend_is_population_mean"], 0.0)
    shares = {forecasts.EVERYONE: on_mean.sum() / values["lifetime_value"].sum()}
    if groups is not None:
        labels = pd.Series(np.asarray(groups, dtype=object)).fillna("unknown").astype(str).to_numpy()
        shares |= (on_mean.groupby(labels).sum() / values["lifetime_value"].groupby(labels).sum()).to_dict()
    table["population_mean_share"] = table["group"].map(shares)
    table.loc[table["customers"] < at_least, table.columns[2:]] = np.nan
    table.attrs = values.attrs | {"level": level, "at_least": at_least}
    return table


def value_estimates(table: pd.DataFrame, group: str = forecasts.EVERYONE) -> dict[str, Estimate | Refused]:
    """State the lifetime value of one group, each kind of interval under its own name.

    table (group)  ->  "expected_total", "realised_total", "expected_per_customer", "realised_per_customer"

    Parameters
    ----------
    table : DataFrame
        From `lifetime_value_by`.

    Returns
    -------
    dict of Estimate with units "money" and "money per customer"; of Refused when the group is too small.
    """
    row, terms = forecasts.one_group(table, group), table.attrs
    days, rate, margin = terms["horizon_days"], terms["annual_discount_rate"], terms["margin"]
    money = ("毛利", f"毛利率 {margin:.0%}，", "margin", f"margin {margin:.0%}, ")
    if margin == 1:  # all of the revenue
        money = ("销售额", "", "revenue", "")
    kinds = {
        "expected": ("区间只含参数误差", "the interval allows for the parameters only"),
        "realised": ("区间含参数误差和随机波动", "the interval allows for the parameters and for chance"),
    }
    stated = {}
    for kind, (zh, en) in kinds.items():
        for what, unit in (("total", "money"), ("per_customer", "money per customer")):
            each_zh, each_en = ("人均", " per acquired customer") if what == "per_customer" else ("合计", ", in total")
            words = Words(
                f"{each_zh}客户终身价值：今后 {days} 天内的预期{money[0]}（{money[1]}年折现率 {rate:.0%}），"
                f"不含已发生的订单；已流失的客户也在分母中；{zh}。",
                f"Lifetime value{each_en}: expected {money[2]} of the next {days} days ({money[3]}discounted at "
                f"{rate:.0%} a year), without past orders; customers who are gone count too; {en}.",
            )
            name = f"{kind}_{what}"
            stated[name] = forecasts.stated_or_refused(
                row, name, terms["level"], unit, words, value_estimates, terms["at_least"]
            )
    return stated


def value_of_one_time_buyers(
    purchase_fit: Any,
    spend_fit: Any,
    customers: pd.DataFrame,
    horizon_days: int,
    annual_discount_rate: float,
    level: float = LEVEL,
    draws: int = forecasts.DRAWS,
    seed: int = 1,
) -> Estimate | Refused:
    """Share of the total lifetime value that is credited to customers of whose spend nothing is known.

    They have no repeat purchase of positive amount, so that the mean spend of all customers stands in for theirs. A
    large share is a warning: this part of the value is the model's, not the customers' own record.

    Returns
    -------
    Estimate, unit "share", its interval from the draws of the parameters; Refused when no value is expected at all.
    """
    check_level(level)
    values = lifetime_value(purchase_fit, spend_fit, customers, horizon_days, annual_discount_rate, 1.0)
    known = np.where(values["spend_is_population_mean"], "population", "own")
    totals = forecasts.simulated_totals(
        purchase_fit, customers, horizon_days / days_in_unit(purchase_fit), spend_fit, known,
        _money_weights(values, 1.0), draws, seed, futures=False,
    )  # fmt: skip
    if not totals.best["expected_revenue"][0] > 0:
        zh, en = "预期今后没有购买，占比无从谈起。", "No purchase is expected, so there is nothing to take a share of."
        return Refused("expected purchases", 0, 1, zh, en)
    if "population" not in totals.names:
        share, low, high = 0.0, 0.0, 0.0
    else:
        at = totals.names.index("population")
        share = totals.best["expected_revenue"][at] / totals.best["expected_revenue"][0]
        drawn = totals.drawn["expected_revenue"]
        low, high = np.quantile(drawn[:, at] / drawn[:, 0], [(1 - level) / 2, (1 + level) / 2])
    words = Words(
        f"今后 {horizon_days} 天的客户终身价值中，来自尚无复购金额的客户的占比；这些客户的单次金额按全体均值计。",
        f"Share of the lifetime value of the next {horizon_days} days that comes from customers without repeat spend, "
        "whose spend per purchase is taken to be the mean of all customers.",
    )
    return Estimate(
        share, min(low, share), max(high, share), level, len(customers), "share", words, value_of_one_time_buyers
    )


def spend_independence(summary: pd.DataFrame, level: float = LEVEL) -> dict[str, Estimate | Refused]:
    """Do frequent customers spend more or less per purchase? Gamma-Gamma takes it that they do neither.

    summary (one customer)  ->  "pearson" and "spearman": correlation of frequency and monetary_value, repeaters only

    Returns
    -------
    dict of Estimate, unit "correlation", between -1 and 1; of Refused with fewer than 100 repeaters with positive
    spend, or when all buy equally often.

    Notes
    -----
    Pearson: interval on Fisher's z scale with the standard error of the influence function, which skewed spend does
    not upset. Spearman: Bonett and Wright (2000), Psychometrika 65, 23-28.
    """
    z = stats.norm.ppf((1 + check_level(level)) / 2)
    again = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    n, x, m = len(again), again["frequency"].to_numpy(float), again["monetary_value"].to_numpy(float)
    if n < MEAN_AT_LEAST or np.ptp(x) == 0 or np.ptp(m) == 0:
        zh = f"有复购金额的客户只有 {n} 位，或彼此没有差别，看不出客单价与购买频率的关系。"
        en = f"{n} customers with repeat spend, or all alike: too few to see whether spend goes with frequency."
        return dict.fromkeys(("pearson", "spearman"), Refused("repeaters", n, MEAN_AT_LEAST, zh, en))
    found = {}
    for name, u, v in (("pearson", x, m), ("spearman", stats.rankdata(x), stats.rankdata(m))):
        u, v = (u - u.mean()) / u.std(), (v - v.mean()) / v.std()
        r = float((u * v).mean())
        influence = (u * v - r * (u**2 + v**2) / 2).std() / (1 - r**2) / math.sqrt(n)
        error = influence if name == "pearson" else math.sqrt((1 + r**2 / 2) / (n - 3))
        low, high = np.tanh(np.arctanh(r) + np.array([-z, z]) * error)
        zh, en = {"pearson": ("皮尔逊", "Pearson"), "spearman": ("斯皮尔曼", "Spearman")}[name]
        words = Words(
            f"复购客户的复购次数与单次金额之间的{zh}相关系数；接近零时，单次金额模型（Gamma-Gamma）的前提成立。",
            f"{en} correlation of a customer's repeat purchases and mean spend per purchase, repeaters only; the spend "
            "model (Gamma-Gamma) takes it to be zero.",
        )
        found[name] = Estimate(r, low, high, level, n, "correlation", words, spend_independence)
    return found


def spend_by_frequency(summary: pd.DataFrame, level: float = LEVEL, seed: int = 1) -> pd.DataFrame:
    """Mean spend per purchase by number of repeat purchases: flat when spend does not go with frequency.

    summary (one customer)  ->  table (frequency class: "1", "2", ..., "7+")

    Returns
    -------
    DataFrame
        frequency, customers : class, and its repeaters with positive spend.
        spend, spend_low, spend_high : mean over customers of monetary_value. Blank below 100 customers.
    """
    again = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    classes = frequency_class(again["frequency"])
    rows = []
    for name in [label for label in frequency_labels() if (classes == label).any()]:
        spend = again.loc[classes == name, "monetary_value"]
        mean = mean_per_customer(spend, level, seed)
        ends = [np.nan] * 3 if isinstance(mean, Refused) else [mean.value, mean.low, mean.high]
        rows.append([name, len(spend), *ends])
    return pd.DataFrame(rows, columns=["frequency", "customers", "spend", "spend_low", "spend_high"])


def frequency_labels() -> list[str]:
    """Names of the frequency classes in their order: "0", "1", ..., "7+"."""
    return [*map(str, range(LARGEST_CLASS)), f"{LARGEST_CLASS}+"]


def frequency_class(frequency: pd.Series) -> pd.Series:
    """Class of each customer by repeat purchases: "0", "1", ..., "7+"."""
    return pd.Series(
        np.array(frequency_labels())[np.minimum(frequency, LARGEST_CLASS).astype(int)], index=frequency.index
    )


def _check_terms(horizon_days: float, annual_discount_rate: float, margin: float) -> None:
    if not (math.isfinite(horizon_days) and horizon_days > 0):
        raise ValueError(f"horizon_days must be a number of days above 0; got {horizon_days!r}")
    if not (math.isfinite(annual_discount_rate) and annual_discount_rate >= 0):
        raise ValueError(f"annual_discount_rate must be 0 or more, such as 0.10; got {annual_discount_rate!r}")
    if not 0 < margin <= 1:
        raise ValueError(f"margin must lie above 0 and not above 1, such as 0.45; got {margin!r}")


def _purchases(
    fit: Any, customers: pd.DataFrame, horizon_days: float, annual_discount_rate: float, step_days: float = STEP_DAYS
) -> tuple[np.ndarray, np.ndarray]:
    """Purchases expected of each customer within the horizon, plain and discounted."""
    steps = max(1, math.ceil(horizon_days / step_days))
    ends = np.linspace(0, horizon_days, steps + 1)[1:]
    before, discounted = np.zeros(len(customers)), np.zeros(len(customers))
    for end in ends:
        until = np.asarray(fit.expected_purchases(end / days_in_unit(fit), customers=customers), dtype=float)
        middle = end - horizon_days / steps / 2
        discounted += (until - before) * (1 + annual_discount_rate) ** (-middle / YEAR)
        before = until
    return before, discounted


def _money_weights(values: pd.DataFrame, margin: float) -> np.ndarray:
    """What a customer's future spend is worth: margin x discount, the discount as at the optimum of the fit."""
    ratio = values["discounted_purchases"] / values["expected_purchases"].where(values["expected_purchases"] > 0)
    return margin * ratio.fillna(0.0).to_numpy()
