"""Best spend: the spend at which the next customer of a channel costs what a new customer contributes.

Used by notebooks/01_acquisition_cost.ipynb through `acquisition_cost`. Opens no files and draws nothing. It stands on
`responses.response`: customers go with spend to the power of the elasticity, within the spend that was seen and no
further. Spend is that of an average period of the last year, or of as many periods as the response was asked for.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis.acquisition import response_draws as draws
from siyu_helpers.analysis.acquisition import responses as stated
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

BEST_SPEND_COLUMNS = ["channel", "spend_now", "spend", "spend_low", "spend_high", "status"]
BEST_SPEND_STATUS = {
    "raise": Words("可以加投", "raise"),
    "lower": Words("应当减投", "lower"),
    "about_right": Words("与现有投放分不出高下", "cannot be told from today's spend"),
    "beyond_seen": Words("超出投放过的范围", "beyond the spend seen"),
    "not_identified": Words("弹性无法识别", "not identified"),
}


def best_spend(
    responses: pd.DataFrame,
    contribution: Estimate | Refused | dict[str, Estimate | Refused],
    seed: int = 1,
) -> pd.DataFrame:
    """Spend per period at which one more customer costs what a new customer contributes.

    table of `response`, contribution of a new customer  ->  table (channel)

    Parameters
    ----------
    responses : DataFrame
        From `response`, as it was returned.
    contribution : Estimate or Refused, or dict channel -> Estimate or Refused
        What a new customer brings in, after goods and fees, in the time after which the spend is to be earned back: a
        year, for instance.
    seed : int
        Of the draws that carry the uncertainty through.

    Returns
    -------
    DataFrame, one row per channel
        spend_now : a period, on average over the last periods. spend with spend_low and spend_high : the best one;
        the ends stop at the spend seen. status :
        "raise", "lower" : the whole interval lies above or below today's spend.
        "about_right" : the interval contains today's spend.
        "beyond_seen" : the best spend lies outside the spend seen: empty; `attrs["direction"]` says "more" or "less".
        "not_identified" : empty; `attrs["refused"][channel]` says why.
        attrs: refused, direction, no_diminishing_returns (channels whose elasticity may be 1 or more: each further
        customer may cost no more than the last, and the upper end is only that of the spend seen), seen (channel ->
        lowest and highest), level, period.

    Raises
    ------
    ValueError
        For a table without its attrs, and for a dict that lacks a channel.

    Notes
    -----
    customers = k spend ^ e, so marginal CAC = spend ^ (1 - e) / (k e), which meets the contribution c at (c k e) ^
    (1 / (1 - e)). Only customers whose first order the channel itself brought are counted; those it sends to other
    channels (notebook 03) would make it worth more.

    Example
    -------
    >>> weeks = [f"{year}-W{week:02d}" for year in (2022, 2023, 2024) for week in range(1, 53)]
    >>> spend = 1000 * np.exp(np.random.default_rng(1).normal(0, 0.4, 156))
    >>> costs = pd.DataFrame({"week": weeks, "channel": "feed", "spend": spend.round(2)})
    >>> table = stated.response(costs.assign(new_customers=(2 * spend**0.5).round().astype(int)))
    >>> worth = Estimate.exact(40.0, 500, "money per customer", "contribution in a year", "by hand")
    >>> best_spend(table, worth)[["channel", "status"]].values.tolist()
    [['feed', 'raise']]
    """
    draws.check_table(responses)
    refused: dict[str, Refused] = {}
    direction: dict[str, str] = {}
    rows = []
    for place, channel in enumerate(responses["channel"]):
        worth = draws.of_channel(contribution, channel, "contribution")
        rng = np.random.default_rng([seed, place])
        rows.append(_best(responses, channel, worth, rng, refused, direction))
    made = pd.DataFrame(rows, columns=BEST_SPEND_COLUMNS)
    made = made.astype(dict.fromkeys(BEST_SPEND_COLUMNS[1:5], "float64") | {"channel": "str", "status": "str"})
    made.attrs = {
        "refused": refused,
        "direction": direction,
        "no_diminishing_returns": responses.loc[responses["high"] >= 1, "channel"].tolist(),
        "seen": {row.channel: (row.spend_min, row.spend_max) for row in responses.itertuples()},
        "n": {channel: proof.customers for channel, proof in responses.attrs["evidence"].items()},
        "level": responses.attrs["level"],
        "period": responses.attrs["period"],
    }
    return made


def _best(
    responses: pd.DataFrame,
    channel: str,
    worth: Estimate | Refused,
    rng: np.random.Generator,
    refused: dict[str, Refused],
    direction: dict[str, str],
) -> tuple:
    """One row of `best_spend`."""
    marginal = stated.marginal_cac(responses, channel)
    proof = responses.attrs["evidence"][channel]
    now = proof.recent_spend / proof.recent_periods if proof.recent_spend else math.nan
    reason = next((one for one in (marginal, worth) if isinstance(one, Refused)), None)
    if reason is None and not worth.is_exact and math.isinf(worth.high):
        reason = _unbounded()
    if reason is not None:
        refused[channel] = reason
        return channel, now, math.nan, math.nan, math.nan, "not_identified"
    row = stated.of(responses, channel)
    value = now * _best_multiple(row["elasticity"], marginal.value, worth.value)
    power, rate = draws.elasticities(proof, rng), draws.customers(proof, rng)
    times = _best_multiple(power, proof.recent_spend / rate / power, draws.numbers(worth, rng))
    # The ends stop at the spend seen; far beyond it one number is as good as another, and infinity has no quantiles.
    drawn = now * np.minimum(times, 10 * row["spend_max"] / now)
    low, high = draws.ends(drawn, drawn, value, responses.attrs["level"])
    if not row["spend_min"] <= value <= row["spend_max"]:
        if low <= now <= high:
            return channel, now, math.nan, math.nan, math.nan, "about_right"
        direction[channel] = "more" if value > now else "less"
        return channel, now, math.nan, math.nan, math.nan, "beyond_seen"
    status = "raise" if low > now else "lower" if high < now else "about_right"
    return channel, now, value, *np.clip([low, high], row["spend_min"], row["spend_max"]), status


def _best_multiple(power: Any, marginal: Any, worth: Any) -> Any:
    """Times today's spend at which marginal cost meets worth; 0 or infinity where no spend does.

    Without diminishing returns (power of 1 and more) more is better where the next customer is worth its cost at all.
    """
    power, marginal, worth = np.broadcast_arrays(*(np.asarray(one, dtype=float) for one in (power, marginal, worth)))
    with np.errstate(all="ignore"):
        ratio = np.where((power > 0) & (worth > 0), worth / marginal, 0.0)
        inner = np.exp(np.log(ratio) / (1 - power))
    times = np.where(power < 1, inner, np.where(ratio > 1, np.inf, 0.0))
    return float(times) if times.ndim == 0 else times


def best_spend_of(best: pd.DataFrame, channel: str) -> Estimate | Refused:
    """The spend a period of a channel at which one more customer costs what it contributes.

    table of `best_spend`  ->  Estimate

    Returns
    -------
    Estimate with unit "money"; its ends stop at the spend seen. Refused where the table is empty.

    Raises
    ------
    ValueError
        For a channel that is not in the table.
    """
    rows = best[best["channel"] == channel]
    if rows.empty:
        raise ValueError(f"{channel!r} is not in the table, which has: {', '.join(best['channel']) or 'nothing'}")
    row = rows.iloc[0]
    if channel in best.attrs["refused"]:
        return best.attrs["refused"][channel]
    if math.isnan(row["spend"]):
        direction = best.attrs["direction"].get(channel)
        return _beyond(*best.attrs["seen"][channel], direction, stated.EACH[best.attrs["period"]])
    zh, en = stated.EACH[best.attrs["period"]]
    definition = Words(
        f"边际获客成本等于单个新客贡献毛利时的{zh}投放；只算首单由该渠道带来的客户；误差范围止于投放过的水平。",
        f"Spend {en} at which one more customer costs what a new customer contributes; only customers whose first "
        "order the channel brought; the interval ends at the spend seen.",
    )
    ends = (row["spend"], row["spend_low"], row["spend_high"])
    return Estimate(*ends, best.attrs["level"], best.attrs["n"][channel], "money", definition, best_spend)


def _unbounded() -> Refused:
    return Refused("upper end of the contribution", "unbounded", "finite",
                   "单个新客贡献毛利的误差范围没有上限，最佳投放算不出来。",
                   "The contribution of a new customer has no upper end, so there is no best spend.")  # fmt: skip


def _beyond(seen_min: float, seen_max: float, direction: str | None, each: Words) -> Refused:
    zh = {"more": "更高", "less": "更低", None: "方向也无法确定"}[direction]
    en = {"more": "above it", "less": "below it", None: "outside of it, on which side cannot be told"}[direction]
    return Refused(
        "spend seen",
        f"{seen_min:,.0f} to {seen_max:,.0f}",
        "the best spend within it",
        f"只投放过{each.zh} {seen_min:,.0f} 至 {seen_max:,.0f}，最佳水平在这个范围之外（{zh}），不外推；可以逐步测试。",
        f"Spend {each.en} was between {seen_min:,.0f} and {seen_max:,.0f}; the best lies {en}. It is not "
        "extrapolated: test it step by step.",
    )
