"""Trust: what the models would have forecast, beside what happened, before any of their forecasts is used.

The models see the orders up to the end of calibration and forecast the purchases of the days held out. The same is
asked of two baselines that need no model: each customer keeps to the rate of the past (`own_rate`), and all buy as
often as in the window of equal length before (`last_window`).
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from siyu_helpers.analysis import order_log
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level
from siyu_helpers.analysis.lifetime import forecasts, value
from siyu_helpers.analysis.lifetime.bg_nbd import fit_bg_nbd, fit_mbg_nbd
from siyu_helpers.analysis.lifetime.fits import Fit
from siyu_helpers.analysis.lifetime.pareto_nbd import fit_pareto_nbd
from siyu_helpers.analysis.lifetime.summaries import HISTORY_AT_LEAST, data_gate, days_in_unit, summarise

MODELS = {"bg_nbd": fit_bg_nbd, "mbg_nbd": fit_mbg_nbd, "pareto_nbd": fit_pareto_nbd}
BASELINES = ("own_rate", "last_window")
NAMES = {
    "bg_nbd": Words("BG/NBD 模型", "BG/NBD"),
    "mbg_nbd": Words("MBG/NBD 模型", "MBG/NBD"),
    "pareto_nbd": Words("Pareto/NBD 模型", "Pareto/NBD"),
    "own_rate": Words("每位客户维持以往的购买频率", "every customer keeps to the past rate"),
    "last_window": Words("与前一段同长时间的次数相同", "as many as in the equally long window before"),
}
OPENINGS = {
    True: Words("模型通过了这一次检验。", "The model passed this one test. "),
    False: Words(
        "总量误差比最好的简单算法小，但实际值落在区间之外：区间偏窄，用预测时要留余地。",
        "The total is closer than that of the best simple baseline, but the interval misses what happened: it is too "
        "narrow, so leave room. ",
    ),
    "close": Words(
        "总量误差与最好的简单算法差不多，而且实际值落在区间之外：区间偏窄，用预测时要留余地。",
        "The total is about as close as that of the best simple baseline, and the interval misses what happened: it "
        "is too narrow, so leave room. ",
    ),
    "total": Words(
        "先说明：论总量，模型不如简单算法。",
        "First of all: on the total, the model loses to a simple baseline. ",
    ),
    "each": Words(
        "先说明：落到单个客户，模型不如简单算法。",
        "First of all: customer by customer, the model loses to a simple baseline. ",
    ),
    "loses": Words(
        "先说明：模型不如简单算法，预测不宜采用。",
        "First of all: the model loses to a simple baseline; do not rely on its forecasts. ",
    ),
}
NBD = Words("不含流失的 NBD 模型", "the NBD model without dropout")
NO_DROPOUT = Words(
    "数据中看不出客户流失，因此采用不含流失的模型：预测越远，越可能偏高。",
    " No dropout can be identified in these data, hence a model without it: the further ahead, the more it may "
    "overstate.",
)
CLOSE = 0.01  # of what happened: errors that differ by less are about the same
HOLDOUT_AT_LEAST = 90  # days
HOLDOUT_SHARE = 1 / 3  # of the days observed

# Rules of thumb, stated in the reasons. Where fewer than a fifth of the customers have come back, and where the product
# is replaced more slowly than it has been observed, the rate at which the others will return is not in the data.
REPEATERS_AT_LEAST = 0.20
HORIZON_AT_MOST = 2.5  # times the holdout on which the forecast was checked
MISS_AT_MOST = 0.5  # of what happened in the holdout; further off and outside its interval, no model is worth stating


@dataclass(frozen=True)
class Holdout:
    """What the models and the baselines forecast for the days held out, and what happened.

    summary : DataFrame, from `summarise`, with the holdout.
    fits : the models that could be fitted, by name.
    comparison : DataFrame, one row a model or baseline, see `check_holdout`.
    by_frequency : DataFrame, one row a model and class of repeat purchases in calibration.
    tracking : DataFrame, one row a week, of the chosen model.
    chosen : name of the model whose total came closest.
    level : coverage of the intervals.
    """

    summary: pd.DataFrame = field(repr=False)
    fits: dict[str, Fit] = field(repr=False)
    comparison: pd.DataFrame = field(repr=False)
    by_frequency: pd.DataFrame = field(repr=False)
    tracking: pd.DataFrame = field(repr=False)
    chosen: str
    level: float

    @property
    def days(self) -> int:
        """Days held out."""
        return round(self.summary["duration_holdout"].iloc[0] * days_in_unit(self.summary))


class Verdict(NamedTuple):
    """A sentence on the check, ready for the ledger: whether the model lost, the sentence, and its numbers."""

    loses: bool
    zh: str
    en: str
    numbers: dict[str, Any]

    @property
    def sentence(self) -> dict[str, Any]:
        """What `Ledger.say` takes."""
        return {"zh": self.zh, "en": self.en, **self.numbers}


def check_holdout(
    orders: Any,
    observed_until: order_log.DateLike,
    calibration_end: order_log.DateLike | None = None,
    grain: str = "week",
    level: float = LEVEL,
    draws: int = 200,
    seed: int = 1,
    refunds: str = "net",
    **history: Any,
) -> Holdout | Refused:
    """Fit all models on the first part of the data and hold their forecasts against the rest.

    orders (one paid order)  ->  Holdout, or the reason why the data cannot carry a model

    Parameters
    ----------
    orders, observed_until, grain, refunds
        As in `summarise`.
    calibration_end : str, date or Timestamp, optional
        Last day the models see. Without it the last third of the observed days is held out, at least 90 days.
    level, draws, seed
        Coverage of the intervals; number of parameter draws and simulated futures; their seed.
    **history
        observed_from, history, burn_in_days, first_order_at: see the head of `order_log`.

    Returns
    -------
    Holdout. Its `comparison` has one row per model and baseline:
        forecast, kind : name, and "model" or "baseline".
        log_likelihood, degenerate : of the calibration; blank for a baseline.
        predicted, predicted_low, predicted_high : purchases of all customers in the holdout; the interval is that of
            the realised total (parameters and chance), blank for a baseline.
        actual : purchases that happened. inside : whether the interval holds them.
        error : predicted / actual - 1; blank when nothing happened.
        mean_absolute_error, root_mean_squared_error : per customer, in purchases.
    Refused when calibration alone fails `data_gate`, or no model can be fitted.

    Notes
    -----
    Fader, Hardie and Lee (2005), Marketing Science 24(2), 275-284, who hold out the second half of CDNOW's 78 weeks.

    Example
    -------
    >>> orders = pd.DataFrame({"customer_id": [1, 1, 2], "amount": 9.0})
    >>> orders["ordered_at"] = pd.to_datetime(["2024-01-05", "2024-02-15", "2024-01-20"])
    >>> check_holdout(orders, "2024-12-31").reason_en
    'Only 2 customers whose first order is known; a lifetime model needs 500.'
    """
    check_level(level)
    log = {"grain": grain, "refunds": refunds, **history}
    whole = summarise(orders, observed_until, **log)
    if refused := data_gate(whole):
        return refused
    end = _calibration_end(whole) if calibration_end is None else calibration_end
    summary = summarise(orders, observed_until, calibration_end=end, **log)
    if refused := _calibration_gate(summary):
        return refused
    fitted = {name: fit(summary) for name, fit in MODELS.items()}
    fits = {name: fit for name, fit in fitted.items() if isinstance(fit, Fit) and fit.converged}
    if not fits:
        return next(iter(fitted.values())) if isinstance(next(iter(fitted.values())), Refused) else not_converged()
    rows, classes = [], []
    for name, fit in fits.items():
        row, by_class = _model_row(name, fit, summary, level, draws, seed)
        rows.append(row)
        classes.append(by_class)
    rows += [_errors(name, "baseline", each, summary) for name, each in _baselines(orders, summary, log).items()]
    comparison = pd.DataFrame(rows)
    chosen = choose_model(comparison)
    weeks = tracking(orders, fits[chosen], summary, level, seed=seed, refunds=refunds, **history)
    return Holdout(summary, fits, comparison, pd.concat(classes, ignore_index=True), weeks, chosen, level)


def choose_model(comparison: pd.DataFrame) -> str:
    """Name of the model whose total came closest to what happened; of equals, the one more likely in calibration."""
    models = comparison[comparison["kind"] == "model"]
    distance = (models["predicted"] - models["actual"]).abs()
    return models.assign(distance=distance, unlikely=-models["log_likelihood"]).sort_values(
        ["distance", "unlikely"], kind="stable"
    )["forecast"].iloc[0]  # fmt: skip


def verdict(holdout: Holdout) -> Verdict:
    """Say how the chosen model did against what happened and against the baselines, a loss first.

    Holdout  ->  Verdict, for `ledger.say(zh=verdict.zh, en=verdict.en, **verdict.numbers)`

    The model loses when a baseline came closer to the total, or has a smaller root mean squared error per customer.
    The three models have been compared on the same days, so the error of the one chosen flatters it a little.
    """
    table = holdout.comparison.set_index("forecast")
    model, others = table.loc[holdout.chosen], table[table["kind"] == "baseline"]
    distance = (others["predicted"] - others["actual"]).abs()
    rival = table.loc[distance.idxmin()]
    total = bool(distance.min() < abs(model["predicted"] - model["actual"]))
    each = bool(others["root_mean_squared_error"].min() < model["root_mean_squared_error"])
    opening = "loses" if total and each else "total" if total else "each" if each else bool(model["inside"])
    if opening is False and distance.min() - abs(model["predicted"] - model["actual"]) < CLOSE * model["actual"]:
        opening = "close"
    zh, en = OPENINGS[opening]
    zh += (
        "只用截至 {calibration_end} 的订单，{model_name}预测"
        "这些客户此后 {holdout_days:value}内还有 {holdout_predicted}，"
        "实际 {holdout_actual:value}，预测{direction}{holdout_error:value}，实际值{inside}。"
        "最接近的简单算法是“{baseline_name}”，相差 {baseline_error:value}。"
    )
    en += (
        "From orders up to {calibration_end} alone, {model_name} forecasts {holdout_predicted} by these customers in "
        "the {holdout_days:value} that follow; {holdout_actual:value} were made. The forecast is {holdout_error:value} "
        "{direction}, and the interval {inside}. The closest simple baseline ({baseline_name}) is "
        "{baseline_error:value} off."
    )
    if model["degenerate"]:
        zh, en = zh + NO_DROPOUT.zh, en + NO_DROPOUT.en
    return Verdict(total or each, zh, en, _verdict_numbers(holdout, model, rival))


def forecast_gate(
    holdout: Holdout,
    horizon_days: int,
    cycle_days: int | None = None,
    repeaters_at_least: float = REPEATERS_AT_LEAST,
    horizon_at_most: float = HORIZON_AT_MOST,
) -> Refused | None:
    """Why no lifetime value is stated: too few come back, a cycle longer than the data, a horizon or model unchecked.

    Holdout  ->  None when the forecast may be stated, otherwise the first rule it fails

    Parameters
    ----------
    horizon_days : int
        Days the forecast is to cover.
    cycle_days : int, optional
        How long the product is used before it is replaced, from the industry table; must not exceed the days observed.
    repeaters_at_least : float
        Share of the customers who must have come back by `observed_until`.
    horizon_at_most : float
        Longest horizon, in lengths of the holdout.

    The model must also have passed its own check. Where its interval missed what happened in the holdout, no forecast
    is stated if a baseline came closer to the total, or if the total was off by more than half.
    """
    summary, days = holdout.summary, days_in_unit(holdout.summary)
    back = float(((summary["frequency"] + summary["frequency_holdout"]) > 0).mean())
    observed = round((summary["T"].max() + summary["duration_holdout"].iloc[0]) * days)
    if cycle_days is not None and cycle_days > observed:
        zh = (
            f"产品的更换周期约 {cycle_days} 天，而订单只覆盖 {observed} 天：还没有客户到过换新的时候，"
            "数据无从说明他们会不会回来，因此不给出客户终身价值，只陈述已经发生的事实。"
        )
        en = (
            f"The product is replaced after about {cycle_days} days and the orders span {observed}: no customer is due "
            "for replacement yet, and the data cannot say who will return. No lifetime value is given, only facts."
        )
        return Refused("replacement cycle", observed, cycle_days, zh, en)
    if back < repeaters_at_least:
        zh = (
            f"截至数据截止日只有 {back:.1%} 的客户复购过，低于 {repeaters_at_least:.0%}：其余客户是已经流失，"
            "还是还没到再买的时候，数据分不清，因此不给出客户终身价值，只陈述已经发生的事实。"
        )
        en = (
            f"Only {back:.1%} of the customers have come back so far, fewer than {repeaters_at_least:.0%}: whether the "
            "others are gone or not due yet cannot be told from these data. No lifetime value is given, only facts."
        )
        return Refused("customers who came back", back, repeaters_at_least, zh, en)
    longest = horizon_at_most * holdout.days
    if horizon_days > longest:
        zh = f"预测只用 {holdout.days} 天检验过，最多外推到 {longest:.0f} 天；{horizon_days} 天超出了这个范围。"
        en = f"The forecast was checked on {holdout.days} days and may reach {longest:.0f}; {horizon_days} is too far."
        return Refused("horizon", horizon_days, longest, zh, en)
    return _lost_badly(holdout)


def tracking(
    orders: Any,
    fit: Fit,
    summary: pd.DataFrame,
    level: float = LEVEL,
    draws: int = 100,
    seed: int = 1,
    refunds: str = "net",
    **history: Any,
) -> pd.DataFrame:
    """Repeat purchases week by week, observed and as the model has them, through calibration and holdout.

    orders, Fit, summary with a holdout  ->  table (week)

    Returns
    -------
    DataFrame, one row per whole week since the first order of all
        week, week_end : running number from 1, and its last day (text).
        holdout : True where the week ends after calibration.
        actual, model : repeat purchases of the week, of the customers first seen in calibration.
        actual_cumulative, model_cumulative(_low, _high) : the same since the first day. The interval is that of the
            expected number: it allows for the parameters.

    Notes
    -----
    The model's figure is that of a new customer, E[X(t)], summed over all by the day of the first purchase: the
    tracking plot of Fader, Hardie and Lee (2005).
    """
    unit = days_in_unit(summary)
    end, until = (order_log.day_number(summary.attrs[name], name) for name in ("calibration_end", "observed_until"))
    first = np.rint(end - summary["T"].to_numpy() * unit).astype("int64")
    start = int(first.min())
    length = until - start + 1
    arrivals = np.bincount(first - start, minlength=length).astype(float)
    ages = np.arange(length) / unit
    drawn = fit.with_parameters({name: np.reshape(v, (-1, 1)) for name, v in fit.draws(draws, seed).items()})
    lines = np.vstack([fit.expected_purchases(ages)[None, :], drawn.expected_purchases(ages[None, :])])
    model = np.array([np.convolve(arrivals, line)[:length] for line in lines])
    actual = np.cumsum(_repeats_by_day(orders, summary, start, length, refunds, history))
    ends = np.arange(6, length, 7)
    band = forecasts.interval_columns("model_cumulative", model[0, ends], model[1:, ends], level)
    dates = [datetime.date.fromordinal(int(day) + order_log.EPOCH).isoformat() for day in start + ends]
    return pd.DataFrame(
        {
            "week": np.arange(1, len(ends) + 1),
            "week_end": dates,
            "holdout": start + ends > end,
            "actual": np.diff(actual[ends], prepend=0),
            "model": np.diff(model[0, ends], prepend=0),
            "actual_cumulative": actual[ends],
            **band,
        }
    )


# --- parts ---


def _calibration_end(whole: pd.DataFrame) -> datetime.date:
    """Last day of calibration when nobody says: a third of the days is held out, at least 90."""
    days = round(whole["T"].max() * days_in_unit(whole))
    held = max(HOLDOUT_AT_LEAST, round(days * HOLDOUT_SHARE))
    return (pd.Timestamp(whole.attrs["observed_until"]) - pd.Timedelta(days=held)).date()


def _calibration_gate(summary: pd.DataFrame) -> Refused | None:
    """The data gate for calibration, with a reason that says so."""
    refused = data_gate(summary, history_at_least=HISTORY_AT_LEAST)
    if refused is None:
        return None
    zh = f"留出检验期之后，用来建模的数据不够：{refused.reason_zh}"
    en = f"After holding out days to check forecasts on, too little is left to fit a model: {refused.reason_en}"
    return Refused(refused.gate, refused.seen, refused.needed, zh, en)


def not_converged() -> Refused:
    """No model could be fitted."""
    zh, en = "没有一个模型能在这些数据上收敛。", "No model converges on these data."
    return Refused("models that converge", 0, 1, zh, en)


def _model_row(
    name: str, fit: Fit, summary: pd.DataFrame, level: float, draws: int, seed: int
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The comparison's row of a model, and its table by class of repeat purchases."""
    length = float(summary["duration_holdout"].iloc[0])
    classes = value.frequency_class(summary["frequency"])
    horizon = length * days_in_unit(summary)
    totals = forecasts.forecast_total(fit, summary, horizon, groups=classes, level=level, draws=draws, seed=seed)
    total, by_class = totals.iloc[0], totals.iloc[1:]
    each = fit.expected_purchases(length, customers=summary)
    row = _errors(name, "model", each, summary)
    row |= {"log_likelihood": fit.log_likelihood, "degenerate": fit.degenerate}
    row |= {f"predicted_{side}": total[f"realised_purchases_{side}"] for side in ("low", "high")}
    row["inside"] = bool(row["predicted_low"] <= row["actual"] <= row["predicted_high"])
    actual = summary["frequency_holdout"].groupby(classes).mean()
    table = pd.DataFrame({"forecast": name, "frequency": by_class["group"], "customers": by_class["customers"]})
    table["actual"] = by_class["group"].map(actual)
    for ending in ("", "_low", "_high"):
        table[f"predicted{ending}"] = by_class[f"realised_purchases{ending}"] / by_class["customers"]
    return row, table


def _baselines(orders: Any, summary: pd.DataFrame, log: dict[str, Any]) -> dict[str, np.ndarray]:
    """What the two baselines forecast for each customer."""
    length = float(summary["duration_holdout"].iloc[0])
    rate = summary["frequency"] / summary["T"].where(summary["T"] > 0)
    end = pd.Timestamp(summary.attrs["calibration_end"])
    before = end - pd.Timedelta(days=round(length * days_in_unit(summary)))
    earlier = summarise(orders, before, **log).set_index("customer_id")["frequency"]
    window = summary["frequency"] - summary["customer_id"].map(earlier).fillna(0)
    return {"own_rate": rate.fillna(0).to_numpy() * length, "last_window": window.to_numpy(float)}


def _errors(name: str, kind: str, each: np.ndarray, summary: pd.DataFrame) -> dict[str, Any]:
    """The comparison's row of a forecast, customer by customer and in total."""
    happened = summary["frequency_holdout"].to_numpy(float)
    predicted, actual, off = float(np.sum(each)), int(happened.sum()), np.asarray(each) - happened
    return {
        "forecast": name,
        "kind": kind,
        "log_likelihood": np.nan,
        "degenerate": None,
        "predicted": predicted,
        "predicted_low": np.nan,
        "predicted_high": np.nan,
        "actual": actual,
        "inside": None,
        "error": predicted / actual - 1 if actual else np.nan,
        "mean_absolute_error": float(np.abs(off).mean()),
        "root_mean_squared_error": float(np.sqrt((off**2).mean())),
    }


def _verdict_numbers(holdout: Holdout, model: pd.Series, rival: pd.Series) -> dict[str, Any]:
    """The numbers and words of the verdict, by the keys of its sentence."""
    n, days = len(holdout.summary), holdout.days
    ahead = Words(f"检验期 {days} 天内的购买次数", f"purchases in the {days} days held out")
    forecast = Words(
        f"模型预测的{ahead.zh}（同一天的订单算一次），只含检验期之前的客户；区间含参数误差和随机波动",
        f"Forecast {ahead.en} (orders of one day count once), customers of calibration only; the interval allows for "
        "the parameters and for chance",
    )
    ends = model["predicted_low"], model["predicted_high"]
    above = model["predicted"] >= model["actual"]
    return {
        "calibration_end": holdout.summary.attrs["calibration_end"],
        "holdout_days": Estimate.exact(days, n, "days", Words("检验期的天数", "Days held out"), verdict),
        "model_name": NBD if model["degenerate"] else NAMES[holdout.chosen],
        "baseline_name": NAMES[rival.name],
        "holdout_predicted": Estimate(
            model["predicted"], *ends, holdout.level, n, "purchases", forecast, check_holdout
        ),
        "holdout_actual": Estimate.exact(
            model["actual"], n, "purchases", Words(f"实际的{ahead.zh}", f"Actual {ahead.en}"), verdict
        ),
        "holdout_error": _relative_error(model, n, Words("模型", "The model")),
        "baseline_error": _relative_error(rival, n, Words("最接近的简单算法", "The closest simple baseline")),
        "direction": Words("偏高 ", "too high") if above else Words("偏低 ", "too low"),
        "inside": Words("在区间之内", "holds it") if model["inside"] else Words("在区间之外", "misses it"),
    }


def _relative_error(row: pd.Series, n: int, whose: Words) -> Estimate | Refused:
    """Size of a forecast's error in the total, as a share of what happened."""
    if not np.isfinite(row["error"]):
        zh, en = "检验期内没有复购，误差无从算起。", "Nothing was bought in the holdout, so no error can be given."
        return Refused("purchases in the holdout", 0, 1, zh, en)
    words = Words(
        f"{whose.zh}：预测合计与实际合计之差，除以实际合计",
        f"{whose.en}: difference of forecast and actual total / actual total, without sign",
    )
    return Estimate.exact(abs(row["error"]), n, "share", words, verdict)


def _lost_badly(holdout: Holdout) -> Refused | None:
    """Refuse when the interval missed what happened, and a baseline came closer or the total was far off."""
    table = holdout.comparison.set_index("forecast")
    model, others = table.loc[holdout.chosen], table[table["kind"] == "baseline"]
    off = abs(model["predicted"] - model["actual"])
    best = (others["predicted"] - others["actual"]).abs().min()
    if model["inside"]:
        return None
    if best < off:
        zh = "检验期里，模型的总量不如简单算法准，实际值也落在区间之外：不用它推算客户终身价值。"
        en = (
            "In the holdout a simple baseline came closer to the total and the model's interval missed it: it is not "
            "used."
        )
        return Refused("holdout", round(float(off), 1), round(float(best), 1), zh, en)
    most = MISS_AT_MOST * model["actual"]
    if off <= most:
        return None
    zh = (
        f"检验期里模型预测 {model['predicted']:,.0f} 次购买，实际 {model['actual']:,} 次，"
        f"相差超过实际的 {MISS_AT_MOST:.0%}：不用它推算客户终身价值。"
    )
    en = (
        f"In the holdout the model forecast {model['predicted']:,.0f} purchases and {model['actual']:,} were made, off "
        f"by more than {MISS_AT_MOST:.0%} of these: it is not used."
    )
    return Refused("holdout", round(float(off), 1), round(float(most), 1), zh, en)


def _repeats_by_day(
    orders: Any, summary: pd.DataFrame, start: int, length: int, refunds: str, history: dict[str, Any]
) -> np.ndarray:
    """Purchases after the first, by day, of the customers of the summary."""
    end, until = (order_log.day_number(summary.attrs[name], name) for name in ("calibration_end", "observed_until"))
    who = {"observed_from": None, "history": "complete", "burn_in_days": 365, "first_order_at": None} | history
    since = order_log.new_since(who["history"], who["observed_from"], who["burn_in_days"], who["first_order_at"])
    facts = order_log.paid_orders(orders, until, "month", refunds)
    days = (
        order_log.without_old(facts, who["first_order_at"], since)
        .select("customer_id", "day")
        .unique()
        .with_columns(nw.col("day").min().over("customer_id").alias("first"))
        .filter(nw.col("first") >= since, nw.col("first") <= end, nw.col("day") > nw.col("first"))
        .group_by("day")
        .agg(nw.len().alias("purchases"))
    )
    home = days.collect("pandas").to_native().astype("int64")
    return np.bincount(home["day"] - start, weights=home["purchases"], minlength=length)[:length].astype("int64")
