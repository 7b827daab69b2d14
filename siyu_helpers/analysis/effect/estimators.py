"""The average effect of a treatment, corrected for what tells treated and untreated apart: four estimators, one call.

"ra": regression adjustment, a linear model of the outcome among comparators says what the treated would have had.
"ipw": inverse probability weighting, comparators who look like the treated count more. "aipw": both, right when either
model is. "matching": each treated row beside its nearest comparators (see `matching`). Outcome models are linear, by
weighted least squares, for counts and 0/1 outcomes too: only their mean is used, never a prediction of one row.

Each row's influence is kept, with what the estimated models add to it, so that standard errors allow for estimated
models, for sampling weights and for persons who appear in many rows.

Opens no files and draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from siyu_helpers.analysis.effect import matching, propensity
from siyu_helpers.analysis.effect.results import Effect, effect_of
from siyu_helpers.analysis.effect.samples import (
    Sample,
    Weights,
    column_of,
    design,
    kish,
    sample_of,
    too_few,
    weights_of,
)
from siyu_helpers.analysis.estimates import LEVEL, Refused

METHODS = ("aipw", "ipw", "ra", "matching")
ESTIMANDS = ("ATT", "ATE")
TRIM = (0.0, 0.99)
FOLDS = 5
AT_LEAST = 10  # persons on each side, below which a normal interval is a guess


class Arm(NamedTuple):
    """What one side contributes: who belongs to it, how much each row weighs, and the change of that by the index."""

    member: np.ndarray
    weights: np.ndarray
    slopes: np.ndarray


def average_treatment_effect(
    data: pd.DataFrame,
    outcome: str,
    treatment: str,
    covariates: Sequence[str],
    method: str = "aipw",
    estimand: str = "ATT",
    outcome_covariates: Sequence[str] | None = None,
    propensity_covariates: Sequence[str] | None = None,
    link: str = "logit",
    weights: Weights = None,
    clusters: str | np.ndarray | None = None,
    trim: tuple[float, float] | None = TRIM,
    folds: int = FOLDS,
    seed: int = 0,
    level: float = LEVEL,
    at_least: int = AT_LEAST,
    **matching_options: Any,
) -> Effect | Refused:
    """Average effect of a treatment on an outcome, comparing treated with untreated rows of equal covariates.

    table (one row and moment)  ->  Effect

    Parameters
    ----------
    data : DataFrame
        Such as `weekly_trials` makes. Results depend on the order of its rows only through the draw of the folds.
    outcome, treatment : str
        Columns: a number, and 0 or 1. The outcome may be blank only where the weight is 0.
    covariates : list of str
        Number columns without blanks that both models use, unless outcome_covariates or propensity_covariates say
        otherwise.
    method : "aipw", "ipw", "ra" or "matching"
        See the head of this module.
    estimand : "ATT" or "ATE"
        Effect on those who were treated, or on all.
    link : "logit" or "probit"
        Form of the model of treatment.
    weights : column, list of columns (multiplied) or array, optional
        How many each row stands for. Rows of weight 0 are left out first.
    clusters : column or array, optional
        Which rows belong together, such as those of one person.
    trim : (low, high) or None
        Rows whose score lies outside are dropped, never clipped, and counted in n_trimmed; the effect is that of the
        rest. "ra" uses no scores and ignores it. None: all stay.
    folds : int
        "aipw" takes the model of the outcome from the other folds (cross-fitting); 1: one fit on all rows. Scores,
        which know nothing of the outcome, are fitted once.
    seed : int
        Of the draw of the folds.
    level : float
        Coverage of the interval.
    at_least : int
        Treated, and comparators, with fewer persons (clusters) than this are refused.
    **matching_options
        neighbours, match_on, correct_bias: see `matching.matched_effects`.

    Returns
    -------
    Effect, or Refused where too few are left on one side or the covariates give treatment away.
    effective_n is Kish's, of the comparators' final weights.

    Raises
    ------
    ValueError
        For absent columns, blanks, a treatment other than 0 and 1, negative weights and unknown words.

    Notes
    -----
    ATT by "aipw": Hahn (1998), Econometrica 66, 315-331; Sant'Anna and Zhao (2020), J. Econometrics 219, 101-122, with
    the comparators' weights score / (1 - score) made to sum to 1. Scores of left-out folds do not balance the two
    sides: a customer who buys much and never joins weighs the more for having been left out. Over 120 brands of 2,000
    customers the effect was too low by half a standard error with such scores (82% coverage of 90%), by less than a
    tenth with one fit (88%). ATE by "aipw": Robins, Rotnitzky and Zhao (1994), JASA 89, 846-866. Standard errors from
    the influence function with the terms of both estimated models (Newey and McFadden 1994, Handbook of Econometrics 4,
    section 6), so that they hold when one of the two models is wrong.

    Example
    -------
    >>> trials = pd.DataFrame({"joined": [1, 0] * 20, "orders": [3, 1, 2, 2] * 10, "recency": [5, 6, 6, 5] * 10})
    >>> effect = average_treatment_effect(trials, "orders", "joined", ["recency"], method="ra")
    >>> round(effect.value, 6), effect.n
    (1.0, 40)
    """
    found = average_treatment_effects(
        data, [outcome], treatment, covariates, method, estimand, outcome_covariates, propensity_covariates, link,
        weights, clusters, trim, folds, seed, level, at_least, **matching_options,
    )  # fmt: skip
    return found[outcome]


def average_treatment_effects(
    data: pd.DataFrame,
    outcomes: Sequence[str],
    treatment: str,
    covariates: Sequence[str],
    method: str = "aipw",
    estimand: str = "ATT",
    outcome_covariates: Sequence[str] | None = None,
    propensity_covariates: Sequence[str] | None = None,
    link: str = "logit",
    weights: Weights = None,
    clusters: str | np.ndarray | None = None,
    trim: tuple[float, float] | None = TRIM,
    folds: int = FOLDS,
    seed: int = 0,
    level: float = LEVEL,
    at_least: int = AT_LEAST,
    **matching_options: Any,
) -> dict[str, Effect | Refused]:
    """Return the effects on several outcomes of one table, which share rows, scores and weights.

    Arguments as of `average_treatment_effect`; the effects can be put together by `results.combined`.

    Example
    -------
    >>> trials = pd.DataFrame({"joined": [1, 0] * 20, "orders": [3, 1, 2, 2] * 10, "recency": [5, 6, 6, 5] * 10})
    >>> trials["spend"] = 10.0 * trials["orders"]
    >>> found = average_treatment_effects(trials, ["orders", "spend"], "joined", ["recency"], folds=1)
    >>> [round(effect.value, 6) for effect in found.values()]
    [1.0, 10.0]
    """
    _check_words(method, estimand, link, folds, trim)
    sample = sample_of(data, treatment, weights, clusters, folds if method == "aipw" else 1, seed)
    refused = too_few(sample, at_least)
    if refused is not None:
        return dict.fromkeys(outcomes, refused)
    values = {outcome: column_of(data, outcome, sample.rows, "outcome") for outcome in outcomes}
    by_outcome = covariates if outcome_covariates is None else outcome_covariates
    by_score = covariates if propensity_covariates is None else propensity_covariates
    try:
        model = Model(data, sample, by_outcome, by_score, link, trim,
                      method, estimand)  # fmt: skip
    except propensity.SeparatedError as error:
        return dict.fromkeys(outcomes, _separated(str(error)))
    refused = too_few(sample, at_least, model.inside)
    if refused is not None:
        return dict.fromkeys(outcomes, refused)
    if method == "matching":
        return matching.matched_effects(model, values, level, **matching_options)
    if matching_options:
        raise TypeError(f"{sorted(matching_options)} are options of method='matching' only")
    return {outcome: model.effect(value, level) for outcome, value in values.items()}


def effects_by_trim(
    data: pd.DataFrame,
    outcome: str,
    treatment: str,
    covariates: Sequence[str],
    methods: Sequence[str],
    trims: Sequence[tuple[float, float]],
    weights: Weights = None,
    clusters: str | np.ndarray | None = None,
    level: float = LEVEL,
    at_least: int = AT_LEAST,
) -> dict[tuple[str, tuple[float, float]], Effect | Refused]:
    """Return the ATT by several estimators and trims, from scores that are fitted once (no cross-fitting).

    Other arguments as of `average_treatment_effect`; "ra" uses no scores and stands under the first trim only.

    Example
    -------
    >>> trials = pd.DataFrame({"joined": [1, 0] * 20, "orders": [3, 1, 2, 2] * 10, "recency": [5, 6, 6, 5] * 10})
    >>> found = effects_by_trim(trials, "orders", "joined", ["recency"], ["ra", "ipw"], [(0.0, 1.0), (0.0, 0.99)])
    >>> [round(effect.value, 6) for effect in found.values()]
    [1.0, 1.0, 1.0]
    """
    asked = [(method, trim) for method in methods for trim in (trims[:1] if method == "ra" else trims)]
    sample = sample_of(data, treatment, weights, clusters, 1, 0)
    refused = too_few(sample, at_least)
    if refused is not None:
        return dict.fromkeys(asked, refused)
    values = column_of(data, outcome, sample.rows, "outcome")
    found, fit = {}, None
    for method, trim in asked:
        try:
            model = Model(data, sample, covariates, covariates, "logit", trim, method, "ATT", fit)
        except propensity.SeparatedError as error:
            return dict.fromkeys(asked, _separated(str(error)))
        fit = fit if method == "ra" else model.fit
        few = too_few(sample, at_least, model.inside)
        if few is None:
            few = matching.matched_effects(model, {outcome: values}, level)[outcome] if method == "matching" else None
        found[method, trim] = few or model.effect(values, level)
    return found


def balancing_weights(
    data: pd.DataFrame,
    treatment: str,
    covariates: Sequence[str],
    link: str = "logit",
    weights: Weights = None,
    clusters: str | np.ndarray | None = None,
    trim: tuple[float, float] | None = TRIM,
    estimand: str = "ATT",
) -> np.ndarray:
    """Weights under which comparators look like the treated: one a row of the table, in its order.

    Parameters
    ----------
    data, treatment, covariates, link, weights, clusters, trim
        As in `average_treatment_effect`.
    estimand : "ATT" or "ATE"
        ATT: the treated keep their weight, comparators get weight x score / (1 - score). ATE: weight / chance of the
        treatment they had.

    Returns
    -------
    array of float : 0 where the weight is 0 or the score lies outside the trim.

    Raises
    ------
    ValueError
        As `average_treatment_effect`, and when one side is absent or the covariates give treatment away.

    Example
    -------
    >>> trials = pd.DataFrame({"joined": [1, 0, 0, 0, 1, 1, 1, 0], "vip": [0] * 4 + [1] * 4})
    >>> balancing_weights(trials, "joined", ["vip"]).round(3).tolist()
    [1.0, 0.333, 0.333, 0.333, 1.0, 1.0, 1.0, 3.0]
    """
    _check_words("ipw", estimand, link, 1, trim)
    sample = sample_of(data, treatment, weights, clusters, 1, 0)
    refused = too_few(sample, 1)
    if refused is not None:
        raise ValueError(refused.reason_en)
    model = Model(data, sample, covariates, covariates, link, trim, "ipw", estimand)
    made = np.zeros(len(data))
    made[sample.rows] = model.arms[0].weights + model.arms[1].weights
    return made * weights_of(data, weights)[sample.rows].mean()


def propensity_scores(
    data: pd.DataFrame,
    treatment: str,
    covariates: Sequence[str],
    link: str = "logit",
    weights: Weights = None,
    clusters: str | np.ndarray | None = None,
) -> np.ndarray:
    """Chance of treatment of each row of a table; NaN where the weight is 0. Arguments as of `balancing_weights`.

    Example
    -------
    >>> trials = pd.DataFrame({"joined": [1, 0, 0, 0, 1, 1, 1, 0], "vip": [0] * 4 + [1] * 4})
    >>> propensity_scores(trials, "joined", ["vip"]).round(3).tolist()
    [0.25, 0.25, 0.25, 0.25, 0.75, 0.75, 0.75, 0.75]
    """
    _check_words("ipw", "ATT", link, 1, None)
    sample = sample_of(data, treatment, weights, clusters, 1, 0)
    refused = too_few(sample, 1)
    if refused is not None:
        raise ValueError(refused.reason_en)
    model = Model(data, sample, covariates, covariates, link, None, "ipw", "ATT")
    made = np.full(len(data), np.nan)
    made[sample.rows] = propensity.probability(model.index, link)
    return made


class Model:
    """The models of one table that all its outcomes share: designs, scores, and the weights of both arms."""

    def __init__(
        self,
        data: pd.DataFrame,
        sample: Sample,
        outcome_covariates: Sequence[str],
        propensity_covariates: Sequence[str],
        link: str,
        trim: tuple[float, float] | None,
        method: str,
        estimand: str,
        fit: propensity.Fit | None = None,
    ) -> None:
        self.sample, self.link, self.method, self.estimand = sample, link, method, estimand
        treated, weights, n = sample.treated, sample.weights, len(sample.rows)
        self.inside = np.ones(n, dtype=bool)
        self.scoring = self.regressing = None
        if method != "ra":
            self.scoring = design(data, propensity_covariates, sample.rows)
            self._score(trim, fit)
        if method != "ipw":
            same = self.scoring is not None and list(outcome_covariates) == list(propensity_covariates)
            self.regressing = self.scoring if same else design(data, outcome_covariates, sample.rows)
        self.target = weights * self.inside * (treated if estimand == "ATT" else 1.0)
        self.arms = self._arms()
        if self.regressing is not None:
            # For the ATT the treated's own outcomes are all that is needed of them.
            self.grams = [self._gram(arm) for arm in self.arms[: 1 if estimand == "ATT" else 2]]
        if method == "ra":
            self._refuse_if_given_away()

    def _refuse_if_given_away(self) -> None:
        """Raise SeparatedError when the covariates add up to treatment: a regression would go beyond what it knows."""
        design, weights, treated = self.regressing, self.sample.weights, self.sample.treated
        inverse = propensity.pseudo_inverse(design.T @ (design * weights[:, None]))
        if np.abs(treated - design @ (inverse @ ((weights * treated) @ design))).max() < 1e-6:
            raise propensity.SeparatedError("the covariates add up to treatment: leave out the one that gives it away")

    def _score(self, trim: tuple[float, float] | None, fit: propensity.Fit | None) -> None:
        sample = self.sample
        self.fit = fit or propensity.maximise(self.scoring, sample.treated, sample.weights, self.link)
        self.index = self.scoring @ self.fit.coefficients
        if trim is not None:
            score = propensity.probability(self.index, self.link)
            self.inside = (score >= trim[0]) & (score <= trim[1])

    def _arms(self) -> list[Arm]:
        """Untreated and treated rows; their weights make each arm look like those the estimand is about."""
        treated, weights = self.sample.treated, self.sample.weights * self.inside
        sides = [1 - treated, treated]
        if self.scoring is None:
            return [Arm(side, weights * side * 0, None) for side in sides]
        if self.estimand == "ATT":
            odds, slope = propensity.odds(self.index, self.link)
            nothing = np.zeros(len(treated))
            return [Arm(sides[0], _where(sides[0] * weights, odds), _where(sides[0] * weights, slope)),
                    Arm(sides[1], sides[1] * weights, nothing)]  # fmt: skip
        made = []
        for side, sign in ((sides[0], 1), (sides[1], -1)):  # 1 / (1 - score) = 1 + odds; 1 / score = 1 + odds of not
            odds, slope = propensity.odds(sign * self.index, self.link)
            made.append(Arm(side, _where(side * weights, 1 + odds), sign * _where(side * weights, slope)))
        return made

    def _gram(self, arm: Arm) -> list[np.ndarray]:
        """Cross products of an arm's covariates, one matrix a fold."""
        edges, weights = self.sample.edges, self.sample.weights * arm.member
        found = []
        for span in pairwise(edges):
            parts = (self.regressing[rows] for rows in propensity.blocks([span]))
            pieces = zip(parts, propensity.blocks([span]), strict=True)
            found.append(sum((part * weights[rows][:, None]).T @ part for part, rows in pieces))
        return found

    def predicted(self, values: np.ndarray, arm: int) -> np.ndarray:
        """Outcome that an arm's linear model expects of each row, the model taken from the other folds."""
        edges, design = self.sample.edges, self.regressing
        weighted = values * self.sample.weights * self.arms[arm].member
        spans = list(pairwise(edges))
        moments = [weighted[begin:end] @ design[begin:end] for begin, end in spans]
        gram, moment = sum(self.grams[arm]), sum(moments)
        made = np.empty(len(values))
        for (begin, end), own, own_moment in zip(spans, self.grams[arm], moments, strict=True):
            alone = len(spans) == 1
            inverse = propensity.pseudo_inverse(gram if alone else gram - own)
            made[begin:end] = design[begin:end] @ (inverse @ (moment if alone else moment - own_moment))
        return made

    def regression_weights(self, arm: int) -> np.ndarray:
        """How far each row of an arm moves the mean through the linear model: weights x design x inverse x contrast."""
        contrast = self.target @ self.regressing / self.target.sum()
        if self.method == "aipw":
            given = self.arms[arm].weights
            contrast = contrast - given @ self.regressing / self._whole(arm)
        leverage = self.regressing @ (propensity.pseudo_inverse(sum(self.grams[arm])) @ contrast)
        return leverage * self.sample.weights * self.arms[arm].member

    def mean(self, values: np.ndarray, arm: int) -> tuple[float, np.ndarray]:
        """Mean outcome if all the estimand is about were on this side, and the influence of each row on it."""
        mass, given = self.target.sum(), self.arms[arm].weights
        if arm == 1 and self.estimand == "ATT":  # they were treated: nothing to estimate
            mean = self.target @ values / mass
            return mean, self.target * (values - mean) / mass
        value, influence, residual = 0.0, np.zeros(len(values)), values
        if self.regressing is not None:
            expected = self.predicted(values, arm)
            residual = values - expected
            value = self.target @ expected / mass
            influence = self.target * (expected - value) / mass + self.leverage(arm) * residual
        if self.scoring is not None:
            whole = self._whole(arm)
            off = given @ residual / whole
            about = residual if self._by_all_rows else residual - off
            influence = influence + given * about / whole + self._of_scores(self.arms[arm].slopes * about / whole)
            if self._by_all_rows:
                influence = influence - self.target * off / mass
            value += off
        return value, influence

    @property
    def _by_all_rows(self) -> bool:
        """The classical ATE of aipw divides by all rows; the ATT, and plain weighting, by the sum of the weights."""
        return self.method == "aipw" and self.estimand == "ATE"

    def _whole(self, arm: int) -> float:
        return float(self.target.sum() if self._by_all_rows else self.arms[arm].weights.sum())

    def leverage(self, arm: int) -> np.ndarray:
        """Return regression_weights, worked out once."""
        self._leverages = getattr(self, "_leverages", {})
        if arm not in self._leverages:
            self._leverages[arm] = self.regression_weights(arm)
        return self._leverages[arm]

    def _of_scores(self, moved: np.ndarray) -> np.ndarray:
        """Influence through the estimated scores, where a row's index moves the mean by `moved`."""
        sample = self.sample
        toward = self.scoring @ (self.fit.inverse @ (moved @ self.scoring))
        return toward * sample.weights * propensity.slope(self.index, sample.treated, self.link)

    def comparator_weights(self) -> np.ndarray:
        """Weights that the comparators' outcomes have in the mean without treatment; they sum to about 1."""
        given = (
            np.zeros(len(self.inside)) if self.scoring is None else self.arms[0].weights / self.arms[0].weights.sum()
        )
        return given if self.regressing is None else given + self.leverage(0)

    def effect(self, values: np.ndarray, level: float) -> Effect:
        """Effect on one outcome."""
        (without, out), (treated, with_) = self.mean(values, 0), self.mean(values, 1)
        return self.stated(treated, without, with_, out, level, self.comparator_weights())

    def stated(self, treated, without, influence, influence_without, level, comparator_weights) -> Effect:
        """Put an effect together, its influence in the order of the table."""
        sample = self.sample
        spread = [np.zeros(sample.length), np.zeros(sample.length)]
        spread[0][sample.rows], spread[1][sample.rows] = influence - influence_without, influence_without
        return effect_of(
            treated - without, spread[0], level, sample.clusters, int(self.inside.sum()),
            effective_n=kish(comparator_weights), n_trimmed=int((~self.inside).sum()), estimand=self.estimand,
            method=self.method, with_treatment=float(treated), without_treatment=float(without),
            influence_without=spread[1],
        )  # fmt: skip


def _separated(reason: str) -> Refused:
    return Refused(
        "overlap", "none", "some",
        "已加入的客户与对照客户可以凭这些特征完全分开，没有可比的人，效果无法估计。",
        f"There is nobody to compare with: {reason}.",
    )  # fmt: skip


def _where(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """weights x values, 0 where the weight is 0 even if the value is infinite."""
    return np.multiply(weights, values, where=weights > 0, out=np.zeros(len(weights)))


def _check_words(method: str, estimand: str, link: str, folds: int, trim: tuple[float, float] | None) -> None:
    for name, value, allowed in (("method", method, METHODS), ("estimand", estimand, ESTIMANDS),
                                 ("link", link, propensity.LINKS)):  # fmt: skip
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}; got {value!r}")
    if folds < 1 or folds != int(folds):
        raise ValueError(f"folds must be a whole number, 1 or more; got {folds!r}")
    if trim is not None and not (len(trim) == 2 and 0 <= trim[0] < trim[1] <= 1):
        raise ValueError(f"trim must be None or (low, high) with 0 <= low < high <= 1; got {trim!r}")
