"""Forecast: what a new customer is likely to cost in the months to come, by the model that held up best so far.

Used by notebooks/01_acquisition_cost.ipynb through `acquisition_cost`. Opens no files and draws nothing. The models
and their trial on past months are in `backtests`; here the series is checked, and results are put into words.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis.acquisition import backtests
from siyu_helpers.analysis.estimates import LEVEL, Estimate, Refused, Words, check_level, wilson

FORECAST_COLUMNS = ["month", "model", "value", "low", "high", "backtest_coverage", "mase"]
BACKTEST_COLUMNS = ["model", "mase", "mae", "coverage", "coverage_low", "coverage_high", "n"]
HELD_OUT_COLUMNS = ["origin", "month", "ahead", "model", "value", "low", "high", "actual", "inside"]

MONTHS_AT_MOST = 12
HISTORY_AT_LEAST = 12  # months observed
MISSING_AT_MOST = 1 / 6  # share of the months between the first and the last

WHOLE_HISTORY = "naive, whole history"
SCALE_WORDS = {
    "seasonal naive": Words(
        "回测开始之前季节朴素法（沿用去年同月）", "seasonal naive forecast in the months before the backtest"
    ),
    "naive": Words(
        "回测开始之前朴素法（沿用上月）", "naive forecast (last month goes on) in the months before the backtest"
    ),
    WHOLE_HISTORY: Words("全部历史中朴素法（沿用上月）", "naive forecast (last month goes on) in the whole history"),
}
MODEL_WORDS = {
    "average": Words("各模型的平均", "the average of the models"),
    "ETS": Words("指数平滑（ETS）", "exponential smoothing (ETS)"),
    "UnobservedComponents": Words("不可观测成分模型", "the unobserved-components model"),
    "Theta": Words("Theta 法", "the Theta method"),
    "naive": Words("朴素法（沿用上月）", "the naive forecast (last month goes on)"),
    "seasonal naive": Words("季节朴素法（沿用去年同月）", "the seasonal naive forecast (same month of last year)"),
}
SEASON_WORDS = {
    "none": Words("历史不足 24 个月，学不到季节，旺季可能超出区间", "fewer than 24 months: no season can be learnt"),
    "last year": Words(
        "历史不足 30 个月，季节只能沿用去年同月", "fewer than 30 months: a season enters by last year's figures only"
    ),
    "modelled": Words("模型含季节", "the models learn a season"),
}


def forecast(series: Any, months: int, level: float = LEVEL) -> pd.DataFrame | Refused:
    """Forecast of a monthly cost per new customer: the likely figure of each month ahead, and its interval.

    months (one figure a month)  ->  months ahead

    Parameters
    ----------
    series : Series or DataFrame
        Positive monthly figures. A Series has the months as its index ("2024-06", Period or Timestamp), a DataFrame
        the columns month and cac, as `costs.cost_table(..., by=("month",))`; its months in attrs "incomplete" and
        "blank" are left out. An empty cell is a month not known. The order of the rows does not matter.
    months : int
        How many months ahead, 1 to 12, from the month after the last one known.
    level : float
        Coverage claimed by the interval, of the figure that will be observed (not of its mean).

    Returns
    -------
    DataFrame, one row a month ahead
        month : "2026-01".
        model : the model chosen, the same in all rows: "average" (of ETS, UnobservedComponents and Theta), one of
            these three, "naive" or "seasonal naive".
        value, low, high : as likely to be exceeded as not, and the prediction interval, in the unit of the series.
        backtest_coverage : share of the held-out months inside their interval; see Notes.
        mase : mean absolute scaled error of the model over the held-out months; below 1: smaller than the error that
            the (seasonal) naive forecast made in the months before the backtest.

        attrs: backtest and held_out (rows of `backtest_table` and `held_out_months`), coverage (Estimate), benchmark,
        scaled_by, beats_benchmark, season ("none", "last year", "modelled"), origins, history (months), interpolated
        (months), dropped (model -> why), level.
    Refused
        With fewer than 12 months observed, more than a sixth of the months missing, a figure that is not above zero,
        or figures that are all the same.

    Raises
    ------
    ValueError
        When `months` is not 1 to 12, a month comes twice or is no month, or the level is impossible.

    Notes
    -----
    The models work on logarithms. Origins roll through the last third of the history (up to 18 months); at each of
    them the models see earlier months only, and the next `months` are held out. Chosen is the average, unless another
    model's error is smaller by more than a standard error, and the seasonal naive forecast (naive below 24 months)
    where nothing beats it: `backtests.choose`. The interval is as wide as the model and the disagreement between the
    models say, corrected by what earlier intervals missed: `backtests.reach`. Statsmodels' own intervals know
    neither. The backtested coverage is that of the whole procedure, with the choice and the width that earlier
    months would have given at that origin. Months missing between others are skipped by UnobservedComponents and
    interpolated for the other models; they are not scored. Nothing is drawn at random.

    Over 200 simulated series of 36 months (growth, season, AR(1), random walk, Poisson counts) the 90% interval
    contained the figure 1, 3 and 6 months ahead in 173, 177 and 187, and the backtested coverage was 93% on average;
    with 12, 18, 24 and 60 months the intervals contained 88, 90, 92 and 89% and the backtest said 87, 88, 93 and 92%
    (tests/calibration/test_acquisition_forecasts.py). With fewer than 24 months a season cannot be told from chance,
    and a peak month may fall outside.

    Scaled error: Hyndman and Koehler (2006), Int. J. Forecasting 22, 679-688, section 3. Averages of forecasts:
    Makridakis, Spiliotis and Assimakopoulos (2020), ibid. 36, 54-74.

    Example
    -------
    >>> months = pd.period_range("2023-01", periods=30, freq="M")
    >>> cost = pd.Series(80 + 10 * np.sin(np.arange(30)) + np.arange(30), index=months)
    >>> ahead = forecast(cost, 3)
    >>> ahead["month"].tolist(), bool((ahead["low"] < ahead["value"]).all())
    (['2025-07', '2025-08', '2025-09'], True)
    """
    if isinstance(months, bool) or not isinstance(months, int | np.integer) or not 1 <= months <= MONTHS_AT_MOST:
        raise ValueError(f"months must be a whole number from 1 to {MONTHS_AT_MOST}; got {months!r}")
    level = check_level(level)
    observed = _observed(series)
    if isinstance(refused := _gate(observed), Refused):
        return refused
    logs = np.log(observed.reindex(pd.period_range(observed.index[0], observed.index[-1], freq="M")))
    plan = backtests.plan_for(len(logs))
    held = backtests.roll(logs.to_numpy(), int(months), plan)
    chosen, used = backtests.choose(held, held.known), backtests.used_at(held)
    far = backtests.reach(held, used, held.known, level)
    centre, width = held.centre[chosen, -1], far * held.spread[chosen, -1]
    if (np.abs(centre) + width).max() > np.log(np.finfo(float).max):
        return _too_wild(len(observed))
    made = pd.DataFrame({"month": [str(logs.index[-1] + 1 + step) for step in range(months)]})
    made = made.assign(value=np.exp(centre), low=np.exp(centre - width), high=np.exp(centre + width))
    scale, scaled_by = _scale(logs.to_numpy(), plan)
    table = _backtest_table(held, scale, level)
    held_out = _held_out(held, used, logs.index, level)
    coverage = _coverage(held_out, level)
    row = table.set_index("model").loc[held.names[chosen]]
    made = made.assign(model=held.names[chosen], backtest_coverage=coverage.value, mase=row["mase"])[FORECAST_COLUMNS]
    made.attrs = {
        "backtest": table.to_dict("records"),  # a DataFrame here would break pd.concat and merge
        "coverage": coverage,
        "held_out": held_out.to_dict("records"),
        "benchmark": plan.benchmark,
        "scaled_by": scaled_by,
        "beats_benchmark": bool(row["mae"] < table.set_index("model").loc[plan.benchmark, "mae"]),
        "season": plan.season,
        "origins": len(held.origins) - 1,
        "history": len(observed),
        "interpolated": [str(month) for month in logs.index[logs.isna()]],
        "dropped": held.dropped,
        "level": level,
    }
    return made


def backtest_table(forecasts: pd.DataFrame) -> pd.DataFrame:
    """All models side by side on the same held-out months, the smallest error first.

    months ahead (from `forecast`)  ->  one row a model

    model; mase, mae (error, scaled and in the unit of the series); coverage of the 90% interval (or of the forecast's
    level) with that model at every origin, coverage_low, coverage_high (Wilson over origins); n held-out months.
    """
    return pd.DataFrame(forecasts.attrs["backtest"], columns=BACKTEST_COLUMNS)


def held_out_months(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Every month held out in the backtest: what would have been forecast for it, and what came.

    months ahead (from `forecast`)  ->  one row an origin and month ahead

    origin (last month known), month, ahead (1 = the next month), model chosen then, value, low, high, actual, inside.
    """
    return pd.DataFrame(forecasts.attrs["held_out"], columns=HELD_OUT_COLUMNS)


def forecast_estimate(forecasts: pd.DataFrame | Refused, month: str | None = None) -> Estimate | Refused:
    """Forecast of one month (the last unless told) as an `Estimate`, with the prediction interval.

    months ahead (from `forecast`)  ->  Estimate in money per customer; n is the number of months of history

    Raises
    ------
    ValueError
        When the month is not in the forecast.
    """
    if isinstance(forecasts, Refused):
        return forecasts
    wanted = forecasts["month"].iloc[-1] if month is None else month
    rows = forecasts[forecasts["month"] == wanted]
    if rows.empty:
        raise ValueError(f"month {wanted!r} is not in the forecast, which covers {', '.join(forecasts['month'])}")
    row, facts = rows.iloc[0], forecasts.attrs
    coverage, model = facts["coverage"], MODEL_WORDS[row["model"]]
    season, share = SEASON_WORDS[facts["season"]], f"{coverage.value:.0%}"
    definition = Words(
        f"{wanted} 的获客成本预测：高于或低于它的可能各半；区间是当月实际数字的预测区间，不是其均值的误差范围；"
        f"模型：{model.zh}；依据 {facts['history']} 个月的历史，滚动回测 {facts['origins']} 个起点，"
        f"留出月份有 {share} 落在当时的区间内（名义 {facts['level']:.0%}）；{season.zh}。",
        f"Forecast of the cost per new customer in {wanted}, as likely to be exceeded as not; the interval is for the "
        f"figure that will be observed, not for its mean; by {model.en}, from {facts['history']} months of history; "
        f"rolling backtest from {facts['origins']} origins, in which {share} of the months held out lay inside the "
        f"interval of that time (nominal {facts['level']:.0%}); {season.en}.",
    )
    ends = (row["value"], row["low"], row["high"])
    return Estimate(*ends, facts["level"], facts["history"], "money per customer", definition, forecast)


def coverage_estimate(forecasts: pd.DataFrame | Refused) -> Estimate | Refused:
    """Share of held-out months inside their interval, with a Wilson interval that counts origins, not months.

    months ahead (from `forecast`)  ->  Estimate (share); n is the number of origins
    """
    return forecasts if isinstance(forecasts, Refused) else forecasts.attrs["coverage"]


def error_estimate(forecasts: pd.DataFrame | Refused) -> Estimate | Refused:
    """Mean absolute scaled error of the chosen model over the held-out months: a fact of the backtest.

    months ahead (from `forecast`)  ->  Estimate (times) without an interval; n is the number of held-out months
    """
    if isinstance(forecasts, Refused):
        return forecasts
    model, scaled_by = forecasts["model"].iloc[0], SCALE_WORDS[forecasts.attrs["scaled_by"]]
    row = backtest_table(forecasts).set_index("model").loc[model]
    definition = Words(
        f"{MODEL_WORDS[model].zh}在 {int(row['n'])} 个留出月份上的平均绝对误差 / "
        f"{scaled_by.zh}的平均绝对误差（MASE，Hyndman 与 Koehler 2006）；小于 1 即误差更小。",
        f"Mean absolute error of {MODEL_WORDS[model].en} over {int(row['n'])} held-out months / mean absolute error "
        f"of the {scaled_by.en} (MASE, Hyndman and Koehler 2006); below 1: smaller.",
    )
    return Estimate.exact(row["mase"], int(row["n"]), "times", definition, error_estimate)


def relative_error(forecasts: pd.DataFrame | Refused) -> Estimate | Refused:
    """Errors of the chosen model on the held-out months, as a multiple of the benchmark's on the same months.

    months ahead (from `forecast`)  ->  Estimate (times) without an interval; n is the number of held-out months

    1 where the benchmark itself is the forecast: nothing beat it.
    """
    if isinstance(forecasts, Refused):
        return forecasts
    model, benchmark = forecasts["model"].iloc[0], forecasts.attrs["benchmark"]
    table = backtest_table(forecasts).set_index("model")
    row, base = table.loc[model], table.loc[benchmark, "mae"]
    ratio = 1.0 if model == benchmark else row["mae"] / base  # a benchmark without errors is never beaten
    definition = Words(
        f"同样的 {int(row['n'])} 个留出月份上，{MODEL_WORDS[model].zh}的平均绝对误差 / "
        f"{MODEL_WORDS[benchmark].zh}的平均绝对误差。",
        f"Mean absolute error of {MODEL_WORDS[model].en} / that of {MODEL_WORDS[benchmark].en}, on the same "
        f"{int(row['n'])} held-out months.",
    )
    return Estimate.exact(ratio, int(row["n"]), "times", definition, relative_error)


def verdict(forecasts: pd.DataFrame | Refused) -> Words | Refused:
    """Whether the chosen model was better than the benchmark on the same held-out months, in one sentence.

    months ahead (from `forecast`)  ->  Words

    The benchmark is the seasonal naive forecast, or with fewer than 24 months the naive one.
    """
    if isinstance(forecasts, Refused):
        return forecasts
    model, benchmark = MODEL_WORDS[forecasts["model"].iloc[0]], MODEL_WORDS[forecasts.attrs["benchmark"]]
    if not forecasts.attrs["beats_benchmark"]:
        return Words(
            f"留出的月份上没有模型胜过{benchmark.zh}，预测就用{benchmark.zh}。",
            f"On the months held out no model was better than {benchmark.en}, so that is the forecast.",
        )
    return Words(
        f"在同样的留出月份上，{model.zh}的误差小于{benchmark.zh}。",
        f"On the same held-out months the errors of {model.en} were smaller than those of {benchmark.en}.",
    )


def _observed(series: Any) -> pd.Series:
    """Series or cost table -> figures by month, sorted, without the months that are incomplete, blank or empty."""
    if isinstance(series, pd.DataFrame):
        if missing := {"month", "cac"} - set(series.columns):
            raise ValueError(f"the table lacks {', '.join(sorted(missing))}: it needs the columns month and cac")
        index, figures, attrs = series["month"].tolist(), series["cac"], series.attrs
    elif isinstance(series, pd.Series):
        index, figures, attrs = series.index.tolist(), series, series.attrs
    else:
        raise ValueError(f"series must be a pandas Series or DataFrame, not {type(series).__name__}")
    index = pd.PeriodIndex([_month(label) for label in index], freq="M")
    if index.has_duplicates:
        twice = index[index.duplicated()][0]
        raise ValueError(f"month {twice} comes more than once: pass one figure a month (one channel, or all together)")
    figures = pd.Series(pd.to_numeric(figures).to_numpy(dtype=float, na_value=np.nan), index=index).sort_index()
    out = {*attrs.get("incomplete", []), *attrs.get("blank", {})}
    return figures[~figures.index.astype(str).isin(out)].dropna()


def _month(label: Any) -> pd.Period:
    if isinstance(label, pd.Period) and label.freqstr == "M":
        return label
    if isinstance(label, str) and re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", label):
        return pd.Period(label, freq="M")
    if hasattr(label, "year") and hasattr(label, "month") and not isinstance(label, pd.Period) and label is not pd.NaT:
        return pd.Period(year=label.year, month=label.month, freq="M")
    raise ValueError(f'{label!r} is no month: write "2024-06", or use a monthly Period or a Timestamp')


def _gate(observed: pd.Series) -> Refused | None:
    """Why a series cannot be forecast, or None."""
    n = len(observed)
    if n < HISTORY_AT_LEAST:
        return Refused(
            "months", n, HISTORY_AT_LEAST,
            f"已知的完整月份只有 {n} 个（至少要 {HISTORY_AT_LEAST} 个），不作预测。",
            f"Only {n} complete months are known ({HISTORY_AT_LEAST} are needed): no forecast is made.",
        )  # fmt: skip
    if bad := int((~(np.isfinite(observed) & (observed > 0))).sum()):
        return Refused(
            "above zero", bad, 0,
            f"有 {bad} 个月的数字为零、为负或不是有限数，而成本应大于零：未知的月份请留空。",
            f"{bad} months are zero, negative or not finite, and a cost is above zero: leave unknown months empty.",
        )  # fmt: skip
    span = (observed.index[-1] - observed.index[0]).n + 1
    if span - n > span * MISSING_AT_MOST:
        return Refused(
            "months missing", span - n, int(span * MISSING_AT_MOST),
            f"首末之间 {span} 个月里缺 {span - n} 个，缺得太多，不作预测。",
            f"{span - n} of the {span} months from the first to the last are missing, too many for a forecast.",
        )  # fmt: skip
    if np.ptp(np.log(observed)) < 1e-9:
        return Refused(
            "figures that differ", 1, 2,
            "各月数字完全相同，像是填的常数而不是实际数字，误差无从判断，不作预测。",
            "All months have the same figure, as if filled in: nothing shows how far off a forecast may be.",
        )  # fmt: skip
    return None


def _too_wild(n: int) -> Refused:
    return Refused(
        "finite interval", n, "a bounded series",
        "数字起伏过大，预测区间没有意义，不作预测。",
        "The figures swing too far for an interval that says anything: no forecast is made.",
    )  # fmt: skip


def _scale(logs: np.ndarray, plan: backtests.Plan) -> tuple[float, str]:
    """Mean absolute error of a naive forecast in the months before the backtest, and which one.

    Where those months repeat each other exactly the scale would be zero; then the change from month to month over
    the whole history takes its place.
    """
    figures = np.exp(logs)
    lag = backtests.YEAR if plan.benchmark == backtests.SEASONAL_NAIVE else 1
    before = figures[: plan.first]
    scale = np.nanmean(np.abs(before[lag:] - before[:-lag]))
    if scale > 1e-9 * np.nanmean(before):
        return float(scale), plan.benchmark
    return float(np.nanmean(np.abs(np.diff(np.exp(backtests.filled(logs)))))), WHOLE_HISTORY


def _backtest_table(held: backtests.Held, scale: float, level: float) -> pd.DataFrame:
    """One row a model, the smallest error first; coverage with that model at every origin."""
    origins, rows = len(held.origins) - 1, []
    for number, model in enumerate(held.names):
        mae = float(held.error[number][held.known].mean())
        hits = backtests.inside(held, np.full(origins, number), level)[0][held.known[:-1]]
        low, high = wilson([hits.mean() * origins], [origins], level)
        rows.append((model, mae / scale, mae, hits.mean(), low[0], high[0], len(hits)))
    return pd.DataFrame(rows, columns=BACKTEST_COLUMNS).sort_values("mae", kind="stable", ignore_index=True)


def _held_out(held: backtests.Held, used: np.ndarray, months: pd.PeriodIndex, level: float) -> pd.DataFrame:
    """One row a held-out month: the forecast and interval of that time, by the model chosen then."""
    hit, far = backtests.inside(held, used, level)
    rows = []
    for row, step in np.argwhere(held.known[:-1]):
        centre, width = held.centre[used[row], row, step], far[row] * held.spread[used[row], row, step]
        ends = np.exp(np.clip([centre, centre - width, centre + width], -700, 700))
        last, month = str(months[held.origins[row] - 1]), str(months[held.target[row, step]])
        actual = np.exp(held.actual[row, step])
        rows.append((last, month, int(step) + 1, held.names[used[row]], *ends, actual, bool(hit[row, step])))
    return pd.DataFrame(rows, columns=HELD_OUT_COLUMNS)


def _coverage(held_out: pd.DataFrame, level: float) -> Estimate:
    """Share of held-out months inside; origins overlap in the months they hold out, so its interval counts origins."""
    origins, share = held_out["origin"].nunique(), float(held_out["inside"].mean())
    low, high = wilson([share * origins], [origins], level)
    definition = Words(
        f"滚动回测：{origins} 个起点留出的 {len(held_out)} 个月次中，实际数字落在当时所作预测区间（名义 {level:.0%}）"
        "之内的占比；每次只用当时已知的月份选模型、定宽度；相邻起点留出的月份重叠，误差范围按起点数计，仍偏窄。",
        f"Rolling backtest: share of {len(held_out)} forecasts of held-out months, from {origins} origins, whose "
        f"interval (nominal {level:.0%}) contained the figure observed later; model and width chosen each time from "
        "the months known by then. Neighbouring origins hold out the same months: the interval counts origins, and is "
        "still too narrow.",
    )
    return Estimate(share, low[0], high[0], level, origins, "share", definition, forecast)
