"""Outlook: what today's customers are still expected to bring, stated only where the check on held-out days allows it.

The last step of `customer_lifetime`: the model that came closest in the holdout is fitted to all orders, and its
forecast is put into the numbers that a page states. Where a gate is closed, each of them is the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words
from siyu_helpers.analysis.lifetime import forecasts, value
from siyu_helpers.analysis.lifetime.gamma_gamma import fit_gamma_gamma
from siyu_helpers.analysis.lifetime.holdout import MODELS, Holdout, forecast_gate, not_converged
from siyu_helpers.analysis.lifetime.summaries import summarise

DRAWS = 200  # of parameters and futures: enough for the ends of a 90% interval, at half the time of forecasts.DRAWS

WORTH = {
    True: Words("毛利", "margin"),
    False: Words("销售额（毛利率未知）", "revenue (the margin is not known)"),
}


@dataclass(frozen=True)
class Outlook:
    """What today's customers will still bring within the horizon; each number an Estimate, or Refused with the reason.

    purchases : realised total of purchases; expected_purchases : the same number with the interval of its mean.
    value : lifetime value of all, realised; per_customer : the same per customer acquired so far.
    still_active : share of the customers acquired so far who have not dropped out, as the model has it.
    share_on_mean : share of that value which rests on the mean spend of all customers.
    independence : correlation of frequency and spend, which the spend model takes to be zero.
    by_group : lifetime value by group (`value.lifetime_value_by`); empty, with attrs["refused"], where none is stated.
    worth : what the money is, margin or revenue. caution : what to add where the test missed its interval, else empty.
    fit, spend_fit : the models, fitted to all orders; None where nothing is forecast.
    """

    purchases: Estimate | Refused
    expected_purchases: Estimate | Refused
    value: Estimate | Refused
    per_customer: Estimate | Refused
    still_active: Estimate | Refused
    share_on_mean: Estimate | Refused
    independence: Estimate | Refused
    by_group: pd.DataFrame = field(repr=False)
    worth: Words
    caution: Words
    fit: Any = field(repr=False, default=None)
    spend_fit: Any = field(repr=False, default=None)


def outlook(
    orders: Any,
    observed_until: order_log.DateLike,
    trial: Holdout | Refused,
    horizon_days: int,
    annual_discount_rate: float,
    margin: float | None = None,
    by: str | None = None,
    level: float = LEVEL,
    seed: int = 1,
    refunds: str = "net",
    cycle_days: int | None = None,
    **history: Any,
) -> Outlook:
    """Forecast what today's customers will bring, in total and by origin, or say why that is not stated.

    orders, Holdout  ->  Outlook

    Parameters
    ----------
    orders, observed_until, refunds
        See the head of `order_log`.
    trial : Holdout or Refused
        From `check_holdout`; decides the model, and whether there is a forecast at all (`forecast_gate`).
    horizon_days, annual_discount_rate, margin
        As in `lifetime_value`. Without a margin the value is revenue, and `worth` says so.
    by : str, optional
        A column of orders, taken at each customer's first order, for `by_group`.
    level, seed
        Of the intervals, from parameter draws and simulated futures.
    cycle_days : int, optional
        How long the product is used before it is replaced, see `forecast_gate`.
    **history
        observed_from, history, burn_in_days, first_order_at: see the head of `order_log`.

    Returns
    -------
    Outlook

    Raises
    ------
    ValueError
        For a margin, a rate or a horizon that cannot be, and as `summarise`.

    Example
    -------
    >>> refused = Refused("customers", 3, 500, "客户太少。", "Too few customers.")
    >>> orders = pd.DataFrame({"customer_id": [1], "ordered_at": pd.to_datetime(["2024-01-05"]), "amount": [9.0]})
    >>> outlook(orders, "2024-12-31", refused, 365, 0.10).purchases.reason_en
    'Too few customers.'
    """
    worth = WORTH[margin is not None]
    refused = trial if isinstance(trial, Refused) else forecast_gate(trial, horizon_days, cycle_days)
    if refused is not None:
        return _nothing(refused, worth)
    summary = summarise(orders, observed_until, refunds=refunds, **history)
    fit = MODELS[trial.chosen](summary)
    if isinstance(fit, Refused) or not fit.converged:
        return _nothing(fit if isinstance(fit, Refused) else not_converged(), worth)
    terms = {"level": level, "draws": DRAWS, "seed": seed}
    groups = None if by is None else _first_group(orders, observed_until, by, refunds, summary)
    spend_fit = _with_a_mean(fit_gamma_gamma(summary), level)
    found = {"independence": value.spend_independence(summary, level)["pearson"], "worth": worth, "fit": fit}
    found |= {"caution": _caution(trial), "still_active": still_active(fit, summary, level)}
    if isinstance(spend_fit, Refused):
        total = forecasts.total_estimates(forecasts.forecast_total(fit, summary, horizon_days, **terms))
        found |= dict.fromkeys(("value", "per_customer", "share_on_mean"), spend_fit) | _purchases(total)
        return Outlook(**found, by_group=_empty(spend_fit))
    money = (horizon_days, annual_discount_rate)
    share = 1.0 if margin is None else margin  # a margin of 0 is an error, not a missing one
    by_group = value.lifetime_value_by(fit, spend_fit, summary, groups, *money, share, **terms)
    stated = value.value_estimates(by_group)
    return Outlook(
        **found,
        **_purchases(forecasts.total_estimates(by_group)),
        value=stated["realised_total"],
        per_customer=stated["realised_per_customer"],
        share_on_mean=value.value_of_one_time_buyers(fit, spend_fit, summary, *money, **terms),
        by_group=by_group if groups is None else by_group[by_group["group"] != forecasts.EVERYONE],
        spend_fit=spend_fit,
    )


def _first_group(
    orders: Any, observed_until: order_log.DateLike, by: str, refunds: str, summary: pd.DataFrame
) -> pd.Series:
    """The group of each customer's first order, in the order of the summary."""
    until = order_log.day_number(observed_until, "observed_until")
    facts = order_log.paid_orders(orders, until, "month", refunds, by)
    told = order_log.group_at_first_order(facts).collect("pandas").to_native().set_index("customer_id")["group"]
    return summary["customer_id"].map(told)


def _caution(trial: Holdout) -> Words:
    """What stands behind a forecast whose test missed: its interval is probably too narrow as well."""
    if trial.comparison.set_index("forecast").loc[trial.chosen, "inside"]:
        return Words("", "")
    return Words(
        "；但上一次检验的实际值落在区间之外，这个区间很可能偏窄",
        "; but the last test missed its interval, so this one is probably too narrow",
    )


def still_active(fit: Any, summary: pd.DataFrame, level: float) -> Estimate:
    """Share of the customers acquired so far who have not stopped for good, as the model has it.

    Fit, summary (one customer)  ->  Estimate with unit "share"

    The mean of `Fit.probability_alive`; its interval allows for the parameters, by the delta method on the logit scale.
    1 without an interval where no dropout can be identified.
    """

    def share(logs: np.ndarray) -> float:
        moved = fit.with_parameters(dict(zip(fit.parameters, np.exp(logs), strict=True)))
        return float(np.mean(moved.probability_alive(summary)))

    best = float(np.mean(fit.probability_alive(summary)))
    low = high = np.nan
    if not fit.degenerate and 0 < best < 1:
        logs = np.log(list(fit.parameters.values()))
        steps = 1e-3 * np.eye(len(logs))
        gradient = np.array([share(logs + step) - share(logs - step) for step in steps]) / 2e-3
        error = np.sqrt(gradient @ np.nan_to_num(fit.log_covariance) @ gradient) / (best * (1 - best))
        reach = stats.norm.ppf((1 + level) / 2) * error
        low, high = special.expit(special.logit(best) + np.array([-reach, reach]))
    definition = Words(
        "至今获得的客户中，模型认为还没有流失（不是“近期买过”）的占比；区间只含参数误差。",
        "Share of the customers acquired so far who, by the model, have not stopped for good (which is not the same as "
        "having bought lately); the interval allows for the parameters only.",
    )
    return Estimate(best, low, high, level, len(summary), "share", definition, still_active)


def _purchases(total: dict[str, Estimate | Refused]) -> dict[str, Estimate | Refused]:
    return {"purchases": total["realised_purchases"], "expected_purchases": total["expected_purchases"]}


def _with_a_mean(spend_fit: Any, level: float) -> Any:
    """The fit, or why it gives no mean: with q of 1 or less a few customers spend so much that there is none."""
    if isinstance(spend_fit, Refused):
        return spend_fit
    low = float(spend_fit.intervals(level).loc["q", "value_low"])
    if low > 1:
        return spend_fit
    zh = "客户之间的单次金额相差太悬殊，平均金额估不准，给不出金额上的预测。"
    en = "Spend per purchase differs so much between customers that its mean cannot be estimated: no value is stated."
    return Refused("mean spend", low, 1, zh, en)


def _empty(refused: Refused) -> pd.DataFrame:
    table = pd.DataFrame(columns=["group", "customers", *value_columns()])
    table.attrs = {"refused": refused}
    return table


def value_columns() -> list[str]:
    """Columns of the lifetime value by group that a chart needs."""
    return [f"realised_per_customer{end}" for end in ("", "_low", "_high")]


def _nothing(refused: Refused, worth: Words) -> Outlook:
    names = (
        "purchases",
        "expected_purchases",
        "value",
        "per_customer",
        "still_active",
        "share_on_mean",
        "independence",
    )
    return Outlook(**dict.fromkeys(names, refused), by_group=_empty(refused), worth=worth, caution=Words("", ""))
