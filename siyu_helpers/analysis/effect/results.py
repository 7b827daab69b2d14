"""An estimated effect with its standard error, and what smooth functions of several such effects are worth.

Every estimator of this package says how far each row of its table moves the result (the influence function). Rows of
one person belong together, so they are added up before they are squared: that makes the standard errors robust to a
person who appears in many weeks, and it lets ratios, differences and products of effects from one table have intervals
without a bootstrap (delta method).

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis.estimates import LEVEL, Estimate, Words, check_level


@dataclass(frozen=True)
class Effect:
    """An effect: what treatment adds to the mean outcome, with its standard error and interval.

    value, standard_error, low, high : in the unit of the outcome. level : coverage of the interval.
    n : rows used. effective_n : that many equally weighted comparators would be as precise (Kish). n_trimmed : rows
    left out for a propensity score outside the trim. estimand : "ATT", "ATE", "ITT", "LATE", ... method : how it was
    estimated. with_treatment, without_treatment : mean outcome with and without, of those the estimand is about; value
    is their difference. NaN where a method does not give them.
    influence : one number a row of the table, in its order, 0 for rows that were left out; value errs by their sum.
    influence_without : the same for without_treatment. clusters : which rows belong together; None: each stands alone.

    Example
    -------
    >>> effect = effect_of(0.5, np.array([0.03, -0.03, 0.04, -0.04]), n=4)
    >>> round(effect.standard_error, 4), round(effect.low, 3), round(effect.high, 3)
    (0.0816, 0.366, 0.634)
    """

    value: float
    standard_error: float
    low: float
    high: float
    level: float
    n: int
    effective_n: float = math.nan
    n_trimmed: int = 0
    estimand: str = "ATT"
    method: str = ""
    with_treatment: float = math.nan
    without_treatment: float = math.nan
    influence: np.ndarray | None = field(default=None, repr=False, compare=False)
    influence_without: np.ndarray | None = field(default=None, repr=False, compare=False)
    clusters: np.ndarray | None = field(default=None, repr=False, compare=False)

    def estimate(self, unit: str, definition: str | Words, function: str | Callable[..., Any]) -> Estimate:
        """Return it as the `Estimate` that a report states."""
        return Estimate(self.value, self.low, self.high, self.level, self.n, unit, definition, function)


@dataclass(frozen=True)
class Effects(Effect):
    """An overall effect, and the effects it is made of: by event time, by group or by segment.

    table : one row a part: its key, value, standard_error, low, high. parts : key -> Effect, also `effects[key]`.
    """

    table: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False, compare=False)
    parts: Mapping[Any, Effect] = field(default_factory=dict, repr=False, compare=False)

    def __getitem__(self, key: Any) -> Effect:
        """Return the effect of one part."""
        return self.parts[key]


def clustered_variance(influence: np.ndarray, clusters: np.ndarray | None = None) -> float:
    """Variance of a sum of influence values, those of one cluster added up first.

    Parameters
    ----------
    influence : array of float
        How far each row moves the result. Rows left out count 0.
    clusters : array, optional
        Same length. None: each row stands alone.

    Notes
    -----
    Liang and Zeger (1986), Biometrika 73, 13-22, with the factor clusters / (clusters - 1).

    Example
    -------
    >>> clustered_variance(np.array([1.0, 1.0, -2.0]), np.array(["a", "a", "b"]))
    16.0
    """
    influence = np.asarray(influence, dtype=float)
    if clusters is not None:
        codes, names = pd.factorize(np.asarray(clusters))
        influence = np.bincount(codes, influence, len(names))
    many = len(influence)
    return math.nan if many < 2 else float((influence**2).sum() * many / (many - 1))


def effect_of(
    value: float,
    influence: np.ndarray,
    level: float = LEVEL,
    clusters: np.ndarray | None = None,
    n: int | None = None,
    **facts: Any,
) -> Effect:
    """Make an Effect from a value and its influence function, with a normal interval.

    Parameters
    ----------
    value : float
        The estimate.
    influence : array of float, one a row
        How far each row moves it; sums to about 0.
    level : float
        Coverage of the interval.
    clusters : array, optional
        Which rows belong together, see `clustered_variance`.
    n : int, optional
        Rows used; by default those with an influence.
    **facts
        Further fields of `Effect`.

    Example
    -------
    >>> effect_of(1.0, np.array([0.1, -0.1]), n=2, method="aipw").method
    'aipw'
    """
    error = math.sqrt(clustered_variance(influence, clusters))
    reach = stats.norm.ppf((1 + check_level(level)) / 2) * error
    many = int(np.count_nonzero(influence)) if n is None else int(n)
    return Effect(
        float(value), error, float(value - reach), float(value + reach), float(level), many,
        influence=np.asarray(influence, dtype=float), clusters=clusters, **facts,
    )  # fmt: skip


def combined(
    value: float,
    gradient: Mapping[int, float] | list[float],
    effects: list[Effect],
    level: float | None = None,
    **facts: Any,
) -> Effect:
    """Make the Effect of a smooth function of effects that were estimated on one table (delta method).

    Parameters
    ----------
    value : float
        The function at the estimates.
    gradient : list of float
        Its derivative with respect to each effect.
    effects : list of Effect
        With influence functions over the same rows, and the same clusters.

    Raises
    ------
    ValueError
        For effects of tables of different length.

    Example
    -------
    >>> one, two = (effect_of(v, np.array([0.1, -0.1])) for v in (2.0, 1.0))
    >>> difference = combined(one.value - two.value, [1, -1], [one, two])
    >>> difference.value, difference.standard_error
    (1.0, 0.0)
    """
    if len({len(effect.influence) for effect in effects}) != 1:
        raise ValueError("only effects that were estimated on the same table can be combined")
    influence = sum(slope * effect.influence for slope, effect in zip(gradient, effects, strict=True))
    first = effects[0]
    facts = {"estimand": first.estimand, "method": first.method} | facts
    return effect_of(value, influence, first.level if level is None else level, first.clusters, first.n, **facts)


def relative(effect: Effect) -> Effect:
    """Return the effect as a share of what there would be without: effect / without_treatment.

    Example
    -------
    >>> half = effect_of(0.5, np.array([0.1, -0.1]), without_treatment=2.0, influence_without=np.array([0.0, 0.0]))
    >>> relative(half).value
    0.25
    """
    base = effect.without_treatment
    influence = effect.influence / base - effect.value / base**2 * effect.influence_without
    facts = {"estimand": effect.estimand, "method": effect.method, "effective_n": effect.effective_n}
    return effect_of(effect.value / base, influence, effect.level, effect.clusters, effect.n, **facts)
