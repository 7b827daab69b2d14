"""How strong something that nobody recorded would have to be to explain an effect away.

No table can show that nothing is missing from it. What can be said is how strongly a hidden trait would have to go with
both joining and buying for the effect to vanish, and how that compares with what is recorded: if a trait as strong as
the strongest recorded one would do, the effect hangs on the hope that nothing of the kind was missed.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from siyu_helpers.analysis.effect.benchmarks import (
    MULTIPLES,
    benchmark_covariates,
    bias_of,
    fit,
    hidden_strength,
    robustness_of_strength,
    weighed,
)
from siyu_helpers.analysis.effect.results import Effect, relative
from siyu_helpers.analysis.estimates import Estimate, Refused, Words

TIMES_AT_MOST = 100.0  # a hidden trait so many times as strong as anything recorded: no larger number says more
ROWS_AT_LEAST = 30  # joiners; with fewer the regression says nothing about strength
WEIGHTS = ("sampling_weight", "censor_weight")
#: Groups that describe a moment and not a person: when the last order was, how long ago the first, which month it is.
#: People join because they have just ordered, so that recency is by far the strongest group; the order log shows it
#: whole. What may be hidden is what customers are like, and the record of that is in the other groups.
MOMENTS = ("recency", "tenure", "month")


def e_value(risk_ratio: float, low: float | None = None, high: float | None = None) -> float | tuple[float, float]:
    """Risk ratio that a hidden trait must have with both joining and the outcome to explain a risk ratio away.

    Parameters
    ----------
    risk_ratio : float
        Above 0; below 1 it is turned over.
    low, high : float, optional
        Its interval.

    Returns
    -------
    float, or with an interval a tuple: for the value, and for the end nearer to 1 (1 where the interval contains 1).

    Raises
    ------
    ValueError
        For a ratio that is not above 0, an interval that does not contain it, or without the end nearer to 1.

    Notes
    -----
    VanderWeele and Ding (2017), Annals of Internal Medicine 167, 268-274. Their example: 3.9 (1.8 to 8.7) gives
    7.26 and 3.0.

    Example
    -------
    >>> round(e_value(3.9), 2)
    7.26
    >>> [round(number, 2) for number in e_value(3.9, 1.8, 8.7)]
    [7.26, 3.0]
    """
    if not (math.isfinite(risk_ratio) and risk_ratio > 0):
        raise ValueError(f"a risk ratio is a number above 0; got {risk_ratio!r}")
    if any(end is not None and math.isnan(end) for end in (low, high)):
        raise ValueError("an end of the interval is blank: leave it out or give a number")
    value = _e_value(risk_ratio)
    if low is None and high is None:
        return value
    near = low if risk_ratio >= 1 else high
    if near is None:
        raise ValueError("give the end of the interval that is nearer to 1: low above 1, high below 1")
    if (low is not None and low > risk_ratio) or (high is not None and high < risk_ratio):
        raise ValueError(f"the interval {low} to {high} does not contain the ratio {risk_ratio}")
    return value, 1.0 if (near <= 1) == (risk_ratio >= 1) else _e_value(near)


def e_value_of(effect: Effect) -> Estimate | Refused:
    """E-value of an effect on a share such as repurchase: mean with treatment over mean without, as a risk ratio.

    Parameters
    ----------
    effect : Effect
        With `without_treatment` and its influence.

    Returns
    -------
    Estimate ("times"): low is the E-value of the end nearer to 1, high that of the other. Refused where the ratio is
    not known or not above 0.

    Example
    -------
    >>> from siyu_helpers.analysis.effect.results import effect_of
    >>> none = np.zeros(2)
    >>> round(e_value_of(effect_of(0.2, none, without_treatment=0.2, influence_without=none)).value, 2)
    3.41
    """
    known = effect.influence_without is not None and effect.without_treatment > 0
    ratio = relative(effect) if known else None
    if ratio is None or not 1 + ratio.value > 0:
        return Refused(
            "risk ratio", float(effect.without_treatment), "> 0",
            "没有加入时的均值不为正，算不出比值。", "Without joining the mean is not above 0: no ratio.",
        )  # fmt: skip
    value, low, high = 1 + ratio.value, max(1 + ratio.low, 1e-9), 1 + ratio.high
    near, far = (low, high) if value >= 1 else (high, low)
    words = Words(
        "E 值：要把这个效果完全解释掉，一个没有记录的因素与加入、与结果的关联（风险比）都至少要有多强；"
        "下限对应区间中更靠近 1 的一端",
        "E-value: the risk ratio that an unrecorded trait must have with joining and with the outcome to explain the "
        "effect away; the low end is that of the end of the interval nearer to 1",
    )
    covers = (near - 1) * (value - 1) <= 0
    low_end = 1.0 if covers else _e_value(near)
    return Estimate(_e_value(value), low_end, _e_value(far), effect.level, effect.n, "times", words, e_value_of)


@dataclass(frozen=True)
class Sensitivity:
    """How much hidden selection an effect of joining withstands.

    strongest : of the recorded groups that say what a customer is like (not what has just happened, see `MOMENTS`), the
    one whose equal, if hidden, would change the effect most; "" where there is none. times_as_strong : so many times as
    strong as that group must something hidden be to take the effect to 0 (at most 100 is stated). robustness_value :
    share of what is unexplained of joining and of outcome that it must explain. left_over : the effect, were something
    hidden exactly as strong as the strongest group. table : see `benchmark_covariates`.
    """

    strongest: str
    times_as_strong: Estimate | Refused
    robustness_value: Estimate | Refused
    left_over: Estimate | Refused
    table: pd.DataFrame = field(repr=False, compare=False)


def sensitivity_of(
    effect: Effect,
    trials: pd.DataFrame,
    outcome: str = "orders",
    unit: str = "orders per customer",
    treatment: str = "joined",
    covariates: Sequence[str] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    weights: Any = WEIGHTS,
    clusters: Any = "customer_id",
    multiples: Sequence[float] = MULTIPLES,
    moments: Sequence[str] = MOMENTS,
) -> Sensitivity:
    """Hold an effect of joining against hidden selection as strong as the strongest recorded group of covariates.

    Effect, table (joiner or comparator x week)  ->  Sensitivity

    Parameters
    ----------
    effect : Effect
        On `outcome`, estimated from these trials by any method.
    trials : DataFrame
        Of `weekly_trials`; covariates and groups are taken from its attrs unless given.
    outcome, unit : str
        Column, and unit in which left_over is stated.
    moments : list of str
        Groups that are in the table but are not held against the effect.
    weights, clusters
        See `benchmark_covariates`. Comparators are scaled to weigh as much as the joiners: joining is rare, and a
        share of the variance of something rare would be small however strong the selection.

    Returns
    -------
    Sensitivity
        Refused in each field with fewer than 30 joiners or where the regression cannot be fitted. The intervals take
        the strength of the recorded groups for known; their low end is 0 where the effect's interval contains 0.

    Example
    -------
    >>> from siyu_helpers.analysis.effect.results import effect_of
    >>> sensitivity_of(effect_of(1.0, np.zeros(2)), pd.DataFrame({"joined": [1], "orders": [1.0]}),
    ...                covariates=[], weights=None, clusters=None).times_as_strong.seen
    0
    """
    covariates = list(trials.attrs.get("covariates", [])) if covariates is None else list(covariates)
    groups = trials.attrs.get("groups") if groups is None else groups
    chosen, weight = weighed(trials, outcome, weights)
    joiners = int((chosen[treatment] == 1).sum())
    if min(joiners, len(chosen) - joiners) < ROWS_AT_LEAST:
        return _no_sensitivity(min(joiners, len(chosen) - joiners))
    treated = chosen[treatment].to_numpy() == 1
    weight = np.where(treated, weight, weight * weight[treated].sum() / weight[~treated].sum())
    cluster = chosen[clusters].to_numpy() if isinstance(clusters, str) else None
    table = benchmark_covariates(
        chosen, outcome, treatment, covariates, groups, weight, cluster, multiples, effect.level
    )
    if not len(table):
        return _no_sensitivity(joiners)
    found = fit(chosen, outcome, treatment, covariates, weight, cluster)
    traits = [name for name in table["group"] if name not in moments]
    if not traits:
        return _no_sensitivity(0)
    strongest = str(traits[0])
    observed = found.strength(list(groups[strongest] if groups else [strongest]))
    times = _stated(effect, lambda size: _times(size, found.scale, observed), "times", _WORDS["times"])
    shares = _stated(effect, lambda size: robustness_of_strength(size / found.scale), "share", _WORDS["robustness"])
    shift = math.copysign(bias_of(found.scale, *hidden_strength(*observed)), effect.value)
    left: Estimate | Refused = _beyond(strongest)
    if math.isfinite(shift):
        ends = (effect.value - shift, effect.low - shift, effect.high - shift)
        left = Estimate(*ends, effect.level, effect.n, unit, _WORDS["left"], sensitivity_of)
    return Sensitivity(strongest, times, shares, left, table)


# --- formulas ---


def _e_value(ratio: float) -> float:
    ratio = max(ratio, 1 / ratio)
    return ratio + math.sqrt(ratio * (ratio - 1))


def _times(size: float, scale: float, observed: tuple[float, float]) -> float:
    """Multiple of an observed strength at which the bias is as large as the effect, by halving."""
    if size <= 0:
        return 0.0
    if min(observed) <= 0:
        return TIMES_AT_MOST
    low, high = 0.0, min(TIMES_AT_MOST, (1 - observed[0]) / observed[0])
    if high == TIMES_AT_MOST and bias_of(scale, *hidden_strength(*observed, high)) < size:
        return TIMES_AT_MOST
    for _ in range(60):
        middle = (low + high) / 2
        bias = bias_of(scale, *hidden_strength(*observed, middle))
        low, high = (middle, high) if bias < size else (low, middle)
    return (low + high) / 2


# --- words ---


def _stated(effect: Effect, of, unit: str, words: Words) -> Estimate:
    """A rising function of the size of an effect, and of the ends of its interval."""
    covers = effect.low <= 0 <= effect.high
    near = 0.0 if covers else min(abs(effect.low), abs(effect.high))
    far = max(abs(effect.low), abs(effect.high))
    ends = (of(abs(effect.value)), of(near), of(far))
    return Estimate(*ends, effect.level, effect.n, unit, words, sensitivity_of)


def _no_sensitivity(seen: int) -> Sensitivity:
    refused = Refused(
        "joiners and comparators", seen, ROWS_AT_LEAST,
        "加入者或对照太少，或者数据没有差异，无法检验隐藏因素的影响。",
        "Too few joiners or comparators, or data that do not vary: hidden selection cannot be held against the effect.",
    )  # fmt: skip
    return Sensitivity("", refused, refused, refused, pd.DataFrame())


def _beyond(strongest: str) -> Refused:
    return Refused(
        "strength of what is recorded", "> 0.5", 0.5,
        "已记录的最强因素几乎决定了谁会加入，再有一个同样强的隐藏因素已不可能。",
        "The strongest recorded group all but decides who joins; nothing else can be as strong again.",
    )  # fmt: skip


_WORDS = {
    "times": Words(
        "要把效果完全抵消，一个没有记录的因素要有已记录的最强一组因素的多少倍强"
        "（与加入、与结果的关联同时按倍数放大；最多写到 100 倍）",
        "times as strong as the strongest recorded group, with joining and with the outcome alike, that something "
        "unrecorded must be to take the effect to 0 (stated up to 100)",
    ),
    "robustness": Words(
        "稳健值：要把效果完全抵消，一个没有记录的因素至少要解释加入与结果各自剩余差异的多大比例",
        "robustness value: the share of what is left unexplained of joining, and of the outcome, that something "
        "unrecorded must explain to take the effect to 0",
    ),
    "left": Words(
        "假如另有一个没有记录的因素，与已记录的最强一组因素一样强，效果还剩多少",
        "what is left of the effect if something unrecorded is exactly as strong as the strongest recorded group",
    ),
}
