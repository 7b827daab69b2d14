"""How strong recorded covariates are, and what something hidden of their strength would do to a linear effect.

Regression with omitted variables, after Cinelli and Hazlett (2020): the bias that something left out makes depends on
two shares only, how much it explains of treatment and how much of the outcome. Recorded covariates show what is usual.

Opens no files and draws nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from siyu_helpers.analysis.effect.estimators import Weights, weights_of
from siyu_helpers.analysis.effect.results import clustered_variance
from siyu_helpers.analysis.estimates import LEVEL, check_level

MULTIPLES = (1, 2, 3)


def partial_r2(t_value: float, degrees_of_freedom: float) -> float:
    """Share of the remaining variance of the outcome that the treatment explains, from its t value.

    Notes
    -----
    Cinelli and Hazlett (2020), J. R. Statist. Soc. B 82, 39-67.

    Example
    -------
    >>> round(partial_r2(4.18445, 783), 4)
    0.0219
    """
    return t_value**2 / (t_value**2 + degrees_of_freedom)


def robustness_value(t_value: float, degrees_of_freedom: float, q: float = 1.0, alpha: float | None = None) -> float:
    """Share of the remaining variance of both joining and outcome that a hidden trait must explain to undo an effect.

    Parameters
    ----------
    t_value, degrees_of_freedom : float
        Of the treatment in a linear regression, with its classical standard error.
    q : float
        How much of the effect is to be undone: 1 all of it.
    alpha : float, optional
        Undo no more than the significance at this level (two-sided).

    Returns
    -------
    float between 0 and 1; 0 where nothing hidden is needed.

    Notes
    -----
    Cinelli and Hazlett (2020), J. R. Statist. Soc. B 82, 39-67, equations 12 and 18.

    Example
    -------
    >>> round(robustness_value(4.18445, 783), 3), round(robustness_value(4.18445, 783, alpha=0.05), 3)
    (0.139, 0.076)
    """
    strength = q * abs(t_value) / math.sqrt(degrees_of_freedom)
    if alpha is not None:
        freedom = degrees_of_freedom - 1
        strength -= abs(stats.t.ppf(alpha / 2, freedom)) / math.sqrt(freedom)
    return robustness_of_strength(max(strength, 0.0))


def hidden_strength(r2_treatment: float, r2_outcome: float, multiple: float = 1.0) -> tuple[float, float]:
    """Partial R2 of a hidden trait that is `multiple` times as strong as a recorded one.

    Parameters
    ----------
    r2_treatment : float
        Partial R2 of the recorded trait with treatment, given the other covariates.
    r2_outcome : float
        With the outcome, given treatment and the other covariates.

    Returns
    -------
    (float, float)
        Of the hidden trait with treatment given all covariates, and at most with the outcome given treatment and
        covariates; NaN where no trait can be so strong.

    Notes
    -----
    Cinelli and Hazlett (2020), J. R. Statist. Soc. B 82, 39-67, section 4.4.

    Example
    -------
    >>> [round(share, 4) for share in hidden_strength(0.0091, 0.1091)]
    [0.0092, 0.1247]
    """
    treatment = multiple * r2_treatment / (1 - r2_treatment) if r2_treatment < 1 else math.nan
    if not treatment < 1:
        return math.nan, math.nan
    shared = multiple * r2_treatment**2 / ((1 - multiple * r2_treatment) * (1 - r2_treatment))
    bound = (math.sqrt(multiple) + math.sqrt(shared)) / math.sqrt(1 - shared) if shared < 1 else math.inf
    outcome = bound**2 * r2_outcome / (1 - r2_outcome) if r2_outcome < 1 else 1.0
    return treatment, min(1.0, outcome)


def benchmark_covariates(
    data: pd.DataFrame,
    outcome: str,
    treatment: str,
    covariates: Sequence[str],
    groups: Mapping[str, Sequence[str]] | None = None,
    weights: Weights = None,
    clusters: Any = None,
    multiples: Sequence[float] = MULTIPLES,
    level: float = LEVEL,
) -> pd.DataFrame:
    """What a linear effect would be if something hidden were 1, 2, 3 times as strong as each recorded covariate.

    table (row)  ->  table (group of covariates x multiple)

    Parameters
    ----------
    data : DataFrame
    outcome, treatment, covariates : column names
        Rows without an outcome are left out.
    groups : dict, optional
        Name -> columns that stand for one thing. By default each covariate is a group of its own.
    weights : str, list of str or array, optional
        Several are multiplied; rows of weight 0 are left out.
    clusters : str or array, optional
        Which rows belong together: for the intervals.
    multiples, level
        How many times as strong; coverage of the intervals.

    Returns
    -------
    DataFrame, strongest group first (largest change of the estimate at multiple 1)
        group, multiple. r2_treatment, r2_outcome : partial R2 of such a trait. estimate (_low, _high) : the treatment's
        coefficient then, moved towards 0. Blank (NaN) where nothing can be so strong.
        `attrs`: estimate, standard_error (clustered), t_value (classical), degrees_of_freedom, partial_r2,
        robustness_value, robustness_value_at_level, scale (what a strength is multiplied by to be a bias), n.
        Empty where the regression cannot be fitted.

    Raises
    ------
    ValueError
        For a missing column or impossible weights.

    Notes
    -----
    Cinelli and Hazlett (2020), J. R. Statist. Soc. B 82, 39-67. Bias and R2 by weighted least squares; with `clusters`,
    the standard error is shrunk by the same factor as theirs.

    Example
    -------
    >>> rng = np.random.default_rng(1)
    >>> taste = rng.normal(size=400)
    >>> joined = (taste + rng.normal(size=400) > 0).astype(float)
    >>> rows = pd.DataFrame({"taste": taste, "joined": joined, "orders": joined + taste + rng.normal(size=400)})
    >>> found = benchmark_covariates(rows, "orders", "joined", ["taste"], multiples=[0.5])
    >>> found[["group", "multiple", "estimate"]].round(2)
       group  multiple  estimate
    0  taste       0.5      0.23
    """
    check_level(level)
    found = fit(data, outcome, treatment, list(covariates), weights, clusters)
    columns = ["group", "multiple", "r2_treatment", "r2_outcome", "estimate", "estimate_low", "estimate_high"]
    if found is None:
        return pd.DataFrame(columns=columns)
    groups = {name: [name] for name in covariates} if groups is None else groups
    reach = stats.norm.ppf((1 + level) / 2)
    sign, rows = math.copysign(1, found.estimate), []
    for name, members in groups.items():
        observed = found.strength(list(members))
        for multiple in multiples:
            treated, explained = hidden_strength(*observed, multiple)
            value = found.estimate - sign * bias_of(found.scale, treated, explained)
            error = found.standard_error * math.sqrt(
                max(1 - explained, 0) / (1 - treated) * found.freedom / (found.freedom - 1)
            )
            rows.append((name, multiple, treated, explained, value, value - reach * error, value + reach * error))
    table = pd.DataFrame(rows, columns=columns)
    first = table.assign(_at=(sign * table["estimate"]).fillna(-math.inf)).groupby("group")["_at"].min()
    table["_rank"] = table["group"].map(first)
    table = table.sort_values(["_rank", "group", "multiple"], kind="stable", ignore_index=True).drop(columns="_rank")
    table.attrs = found.facts(level)
    return table


def robustness_of_strength(strength: float) -> float:
    """Partial R2, equal for treatment and outcome, whose bias is `strength` (Cohen's f of the treatment)."""
    # The textbook form loses all digits where strength is large; this one is the same and does not.
    return 2 / (1 + math.sqrt(1 + 4 / strength**2)) if strength > 0 else 0.0


def bias_of(scale: float, treatment: float, outcome: float) -> float:
    """How far a hidden trait of these partial R2 moves an estimate; scale as in `Regression`."""
    return scale * math.sqrt(outcome * treatment / (1 - treatment))


# --- weighted regression, from the matrix of products ---


@dataclass(frozen=True)
class Regression:
    """A weighted regression of outcome on treatment and covariates; products of the standardised columns."""

    products: np.ndarray  # covariates, then treatment, then outcome
    names: list[str]
    estimate: float
    standard_error: float
    scale: float  # remaining standard deviation of the outcome over that of treatment
    freedom: int
    n: int

    def strength(self, members: list[str]) -> tuple[float, float]:
        """Partial R2 of a group of covariates with treatment, and with the outcome given treatment."""
        at, all_ = len(self.names), list(range(len(self.names)))
        rest = [place for place in all_ if self.names[place] not in members]
        found = []
        for target, with_, without in ((at, all_, rest), (at + 1, [*all_, at], [*rest, at])):
            left, more = (_left_over(self.products, target, given) for given in (with_, without))
            found.append(float(np.clip(1 - left / more, 0, 1)) if more > 0 else 0.0)
        return tuple(found)

    def facts(self, level: float) -> dict[str, float]:
        """Plain numbers for `attrs`."""
        t_value = self.estimate / self.scale * math.sqrt(self.freedom)
        return {
            "estimate": float(self.estimate), "standard_error": float(self.standard_error), "t_value": float(t_value),
            "degrees_of_freedom": self.freedom, "partial_r2": float(partial_r2(t_value, self.freedom)),
            "robustness_value": robustness_value(t_value, self.freedom),
            "robustness_value_at_level": robustness_value(t_value, self.freedom, alpha=1 - level),
            "scale": float(self.scale), "n": self.n,
        }  # fmt: skip


def fit(data, outcome, treatment, covariates, weights, clusters) -> Regression | None:
    """The regression, or None where treatment or outcome do not vary beyond the covariates."""
    kept, weight = weighed(data, outcome, weights)
    if clusters is not None:
        every = data[clusters].to_numpy() if isinstance(clusters, str) else np.asarray(clusters)
        clusters = every[followed(data, outcome, weights)]
    if len(kept) < 3:
        return None
    names = [name for name in covariates if kept[name].nunique() > 1]
    columns = kept[[*names, treatment, outcome]].to_numpy(dtype=float)
    columns = columns - np.average(columns, axis=0, weights=weight)
    spread = np.sqrt(np.average(columns**2, axis=0, weights=weight))
    if not (spread[-2:] > 0).all():
        return None
    columns = columns / np.where(spread > 0, spread, 1)
    products = (columns * weight[:, None]).T @ columns / weight.sum()
    at, places = len(names), list(range(len(names)))
    plan = np.linalg.pinv(products[:at, :at], rcond=1e-10, hermitian=True)
    freedom = len(kept) - int(np.linalg.matrix_rank(products[:at, :at], tol=1e-9, hermitian=True)) - 2
    own = columns[:, at] - columns[:, :at] @ (plan @ products[:at, at])
    room = float(weight @ own**2)
    if freedom < 2 or room <= 1e-9 * weight.sum():
        return None
    slope = float(weight @ (own * columns[:, -1])) / room
    rest = columns[:, -1] - columns[:, :at] @ (plan @ products[:at, -1]) - slope * own
    left = _left_over(products, at + 1, [*places, at])
    if left <= 1e-12:
        return None
    unit = spread[-1] / spread[-2]
    error = math.sqrt(clustered_variance(weight * own * rest / room, clusters))
    scale = math.sqrt(left / (room / weight.sum()))
    return Regression(products, names, slope * unit, error * unit, scale * unit, freedom, len(kept))


def followed(data: pd.DataFrame, outcome: str, weights: Weights) -> np.ndarray:
    """Which rows have an outcome and a weight above 0."""
    return (weights_of(data, weights) > 0) & data[outcome].notna().to_numpy()


def weighed(data: pd.DataFrame, outcome: str, weights: Weights) -> tuple[pd.DataFrame, np.ndarray]:
    """Those rows, and their weights."""
    kept = followed(data, outcome, weights)
    return data[kept], weights_of(data, weights)[kept]


def _left_over(products: np.ndarray, target: int, given: list[int]) -> float:
    """Variance of a standardised column that a regression on others leaves."""
    block, side = products[np.ix_(given, given)], products[given, target]
    left = products[target, target] - side @ np.linalg.pinv(block, rcond=1e-10, hermitian=True) @ side
    return max(float(left), 0.0)
